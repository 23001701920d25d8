"""Annotation boxes: PS3.4 H.4.4."""

from dimse.data import IMPLICIT_LE, Dataset, decode, encode

from ..attributes import Checked, check, refuse
from ..film import Annotation, LayoutError, annotation_losses
from ..model import AnnotationBox
from ..status import INVALID_VALUE, OUT_OF_RANGE, PROCESSING_FAILURE
from ..typed import integer, text
from .answer import Answer, answered, failure
from .films import changed
from .hierarchy import Hierarchy

__all__ = ["set_annotation_box"]

_CHARSET = "SpecificCharacterSet"


def set_annotation_box(hierarchy: Hierarchy, box: AnnotationBox, dataset: Dataset) -> Answer:
    """N-SET, PS3.4 H.4.4.1.1: text of no length erases what there was."""
    strict, most = hierarchy.config.strict, hierarchy.config.annotation_characters
    checked = check(hierarchy.tables.annotation_box, _readable(hierarchy, dataset), strict=strict)
    position = integer(checked.attributes, "AnnotationPosition")
    if position != box.AnnotationPosition:
        raise refuse(INVALID_VALUE, "AnnotationPosition", f"{position}, this is box {box.AnnotationPosition}")
    written = text(checked.attributes, "TextString")
    if len(written) > most:
        if strict:
            raise refuse(INVALID_VALUE, "TextString", f"has {len(written)} characters, more than {most}")
        written = checked.attributes.TextString = written[:most]
        checked.warn(OUT_OF_RANGE, "TextString", f"is cut to {most} characters")
    if written:
        _check_drawn(hierarchy, checked, position, written)
    hierarchy.keep(box, changed(box.attributes, checked.attributes))
    if "TextString" in dataset:
        box.TextString = written
    return answered(checked)


def _check_drawn(hierarchy: Hierarchy, checked: Checked, position: int, written: str) -> None:
    """See what of a text the film will not show: characters without a glyph, controls, and what has no room."""
    assert hierarchy.session is not None
    film_box = hierarchy.session.film_boxes[-1]
    annotation = Annotation(AnnotationPosition=position, TextString=written)
    try:
        losses = annotation_losses(film_box.plain, annotation, film_box.imager)
    except LayoutError as exc:
        raise failure(PROCESSING_FAILURE, str(exc)) from exc
    for loss in losses:
        if hierarchy.config.strict:
            raise refuse(INVALID_VALUE, "TextString", loss)
        checked.warn(OUT_OF_RANGE, "TextString", loss)


def _readable(hierarchy: Hierarchy, dataset: Dataset) -> Dataset:
    """The Data Set, its text in the character set of the film session where it names none, PS3.4 H.4.1.2.1.1."""
    session = hierarchy.session
    if _CHARSET in dataset or session is None or session.charset is None or "TextString" not in dataset:
        return dataset
    charset = Dataset()
    charset.add(session.charset)  # group 0008: it comes first
    return decode(encode(charset, IMPLICIT_LE) + encode(dataset, IMPLICIT_LE), IMPLICIT_LE)
