"""N-CREATE of film sessions, film boxes and Presentation LUTs, N-SET of the first two (PS3.4 H.4.1, H.4.2, H.4.9).

Each function raises `ServiceError`, such as `Refusal`, if the answer is a failure.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from dimse.data import EXPLICIT_LE, Dataset, Element, decode, encode, tag_of
from dimse.errors import ServiceError
from dimse.uids import BasicAnnotationBox, new_uid

from ..attributes import Checked, check, refuse, shown, value_of
from ..attributes.tables import FILM_BOX_FIXED
from ..config import Medium
from ..film import Imager, LayoutError, Sheet, annotation_count, lay_out
from ..film.layout import Layout
from ..items import lut_from
from ..model import AnnotationBox, FilmBox, FilmSession, ImageBox, StoredLUT, plain_sheet, reference
from ..status import (
    INVALID_VALUE,
    MEMORY_NOT_SUPPORTED,
    RESOURCE_LIMITATION,
    UNPRINTED_FILM_BOX,
)
from ..typed import integer, items, text
from .answer import Answer, answer_for, failure
from .densities import fill_in, limit_border_densities, limit_densities, limit_light, refill
from .instances import INSTANCE_BYTES, Call, Instances

__all__ = [
    "with_changes",
    "create_film_box",
    "create_film_session",
    "create_presentation_lut",
    "referenced_lut",
    "set_film_box",
    "set_film_session",
]

_LUT = "ReferencedPresentationLUTSequence"


# --- film session ---


def create_film_session(instances: Instances, call: Call) -> Answer:
    """Create a film session: N-CREATE, PS3.4 H.4.1.2.1."""
    uid = instances.new_uid(call)
    if instances.session is not None:
        raise failure(RESOURCE_LIMITATION, "an association can have only one film session (PS3.4 H.4.1)")
    checked = check(instances.tables.film_session, call.dataset, defaults=True, strict=instances.config.strict)
    _limit_light_of_session(instances, checked, Dataset())
    lut = referenced_lut(instances, checked.attributes)
    with _allocation(instances, checked):
        session = FilmSession(
            SOPInstanceUID=uid, attributes=checked.attributes, lut=lut, sent=_accepted_tags(call.dataset, checked)
        )
        session.charset = _copy_charset(checked.attributes)
        instances.store(session, checked.attributes, unused=checked.unused)
    instances.session = session
    instances.add(session)
    return answer_for(checked, uid)


def set_film_session(instances: Instances, session: FilmSession, dataset: Dataset) -> Answer:
    """Change a film session: N-SET, PS3.4 H.4.1.2.2."""
    checked = check(instances.tables.film_session, dataset, strict=instances.config.strict)
    _limit_light_of_session(instances, checked, session.attributes)
    lut = referenced_lut(instances, checked.attributes)
    merged = with_changes(session.attributes, checked.attributes)
    imagers = [_choose_imager(instances, merged, box.attributes, "MediumType") for box in session.film_boxes]
    with _allocation(instances, checked):
        instances.store(session, with_changes(session.attributes, checked.attributes), unused=checked.unused)
    session.sent |= _accepted_tags(dataset, checked)
    session.charset = _copy_charset(checked.attributes) or session.charset
    if _LUT in dataset:
        session.lut = lut
    for box, imager in zip(session.film_boxes, imagers, strict=True):
        _update_box(instances, session, box, imager)
    return answer_for(checked, current=session.attributes)


def _update_box(instances: Instances, session: FilmSession, box: FilmBox, imager: Imager) -> None:
    """Update the default values of a film box after the medium or the light of its session has changed."""
    attributes = refill(instances, session.attributes, box, imager)
    box.imager = imager
    if attributes != box.attributes:
        instances.store(box, attributes)
        box.plain = plain_sheet(box.attributes)


def _limit_light_of_session(instances: Instances, checked: Checked, earlier: Dataset) -> None:
    """Limit the light of a film session to values that its medium allows (CP 173).

    ``earlier`` are the attributes of the session before the request.
    """
    config, medium = instances.config, _medium_of(instances, with_changes(earlier, checked.attributes))
    limit_light(checked, config.imager_with(medium), earlier, strict=config.strict)


def _medium_of(instances: Instances, session: Dataset) -> Medium:
    """Return the first medium with the Medium Type of a film session.

    Return the first medium of all if the printer does not support Medium Type.
    """
    media = instances.config.media
    return next((row for row in media if row.MediumType == text(session, "MediumType")), media[0])


@contextmanager
def _allocation(instances: Instances, checked: Checked) -> Iterator[None]:
    """Reserve memory for the session, and reserve as much as before if the block raises `ServiceError`."""
    before = instances.pool.reserved(instances)
    _allocate(instances, checked)
    try:
        yield
    except ServiceError:
        instances.pool.reserve(instances, before)
        raise


def _allocate(instances: Instances, checked: Checked) -> None:
    """Reserve memory for the session, PS3.4 H.4.1.2.1.2.

    Add a warning (B600) if the printer does not support Memory Allocation. Raises `ServiceError`: 0106 if the printer
    has less memory than requested, 0213 if too little of it is free now.
    """
    if "MemoryAllocation" not in checked.attributes:
        return
    kilobytes, limit = integer(checked.attributes, "MemoryAllocation"), instances.pool.size
    if not limit:
        del checked.attributes.MemoryAllocation
        checked.warn(MEMORY_NOT_SUPPORTED, "MemoryAllocation", "is not supported")
    elif kilobytes > limit:
        raise refuse(INVALID_VALUE, "MemoryAllocation", f"{kilobytes} KB, above the limit of {limit} KB")
    elif not instances.pool.reserve(instances, kilobytes):
        raise failure(RESOURCE_LIMITATION, f"MemoryAllocation: {kilobytes} KB are not free now")


# --- film box ---


def create_film_box(instances: Instances, call: Call) -> Answer:
    """Create a film box with its image boxes and annotation boxes: N-CREATE, PS3.4 H.4.2.2.1."""
    uid = instances.new_uid(call)
    checked = check(instances.tables.film_box, call.dataset, defaults=True, strict=instances.config.strict)
    attributes = checked.attributes
    session = _find_session(instances, attributes)
    _check_room(instances, session)
    if "FilmSizeID" not in attributes:  # this printer does not support the attribute
        attributes.FilmSizeID = _medium_of(instances, session.attributes).FilmSizeID[0]
    imager = _choose_imager(instances, session.attributes, attributes, "FilmSizeID")
    limit_densities(checked, imager)
    limit_border_densities(checked, imager, strict=instances.config.strict)
    fill_in(instances, session.attributes, attributes, imager)
    limit_light(checked, imager, strict=instances.config.strict)
    annotation_boxes = _create_annotation_boxes(instances, call, attributes, imager)
    plain = plain_sheet(attributes)
    layout = _lay_out(instances, plain, imager)
    image_boxes = _create_image_boxes(instances, call, attributes, len(layout.boxes))
    box = FilmBox(
        SOPInstanceUID=uid,
        attributes=attributes,
        plain=plain,
        image_boxes=image_boxes,
        annotation_boxes=annotation_boxes,
        lut=referenced_lut(instances, attributes),
        imager=imager,
        sent=_accepted_tags(call.dataset, checked),
        laid_out=(plain, imager, layout),
    )
    others = INSTANCE_BYTES * (len(image_boxes) + len(annotation_boxes))
    instances.store(box, attributes, others=others, unused=checked.unused)
    checked.attributes = box.attributes  # `store` has encoded these, so the answer need not encode them again
    session.film_boxes.append(box)
    instances.add(box, *image_boxes, *annotation_boxes)
    return answer_for(checked, uid)


def set_film_box(instances: Instances, box: FilmBox, dataset: Dataset) -> Answer:
    """Change a film box: N-SET, PS3.4 H.4.2.2.2."""
    checked = check(instances.tables.film_box_set, _select_changes(box, dataset), strict=instances.config.strict)
    limit_densities(checked, box.imager, box.attributes)
    limit_border_densities(checked, box.imager, strict=instances.config.strict)
    limit_light(checked, box.imager, box.attributes, strict=instances.config.strict)
    lut = referenced_lut(instances, checked.attributes)
    instances.store(box, with_changes(box.attributes, checked.attributes), unused=checked.unused)
    box.sent |= _accepted_tags(dataset, checked)
    box.plain = plain_sheet(box.attributes)
    if _LUT in dataset:
        box.lut = lut
    return answer_for(checked, current=box.attributes)


def _accepted_tags(dataset: Dataset, checked: Checked) -> frozenset[int]:
    """Return the tags of the attributes that the client sent and that caused no warning."""
    return frozenset(dataset.by_tag()).difference([tag for _, tag, _ in checked.warnings if tag is not None])


def _copy_charset(attributes: Dataset) -> Element | None:
    """Return a copy of Specific Character Set that keeps no bytes of the message; None if there is none."""
    if "SpecificCharacterSet" not in attributes:
        return None
    alone = Dataset()
    alone.add(attributes["SpecificCharacterSet"])
    return decode(encode(alone, EXPLICIT_LE), EXPLICIT_LE)["SpecificCharacterSet"]


def with_changes(attributes: Dataset, changes: Dataset) -> Dataset:
    """Return ``attributes`` with the ``changes`` of an N-SET."""
    merged = attributes.copy()
    merged.update(changes)
    return merged


def _select_changes(box: FilmBox, dataset: Dataset) -> Dataset:
    """Return the attributes that N-SET changes. Attributes that are fixed may be repeated with the same value.

    Raises `Refusal` for another value.
    """
    changes = dataset.copy()
    for keyword in FILM_BOX_FIXED:
        if keyword in changes:
            if value_of(changes[keyword]) != box.attributes.get(keyword):
                raise refuse(INVALID_VALUE, keyword, "of a film box cannot be changed")
            del changes[keyword]
    return changes


def _find_session(instances: Instances, attributes: Dataset) -> FilmSession:
    uid = text(items(attributes, "ReferencedFilmSessionSequence")[0], "ReferencedSOPInstanceUID")
    if instances.session is None or uid != instances.session.SOPInstanceUID:
        raise refuse(INVALID_VALUE, "ReferencedFilmSessionSequence", f"{shown(uid)} is not the film session")
    return instances.session


def _check_room(instances: Instances, session: FilmSession) -> None:
    config = instances.config
    if not config.MaximumCollatedFilms and any(not box.jobs for box in session.film_boxes):
        raise failure(UNPRINTED_FILM_BOX, "print or delete the current film box first: this printer prints no sessions")
    if len(session.film_boxes) >= config.film_boxes:
        raise failure(RESOURCE_LIMITATION, f"a session can have at most {config.film_boxes} film boxes")


def _choose_imager(instances: Instances, session: Dataset, film_box: Dataset, chosen: str) -> Imager:
    """Return the imager for the medium of a film. Raises `Refusal` if the printer lacks that medium in that size.

    ``chosen`` is the keyword that the error names: the attribute that the client has chosen in this request.
    """
    medium_type, size = _medium_of(instances, session).MediumType, text(film_box, "FilmSizeID")
    medium = instances.config.medium(medium_type, size)
    if medium is None:
        raise refuse(INVALID_VALUE, chosen, f"is not available: this printer has no {size} of {medium_type}")
    return instances.config.imager_with(medium)


def _lay_out(instances: Instances, sheet: Sheet, imager: Imager) -> Layout:
    """Return the layout of a film. Raises `Refusal` if the printer lacks the format, or cannot lay it out."""
    _check_format(instances, sheet.ImageDisplayFormat, sheet.FilmOrientation)
    try:
        return lay_out(sheet, imager)
    except LayoutError as exc:
        raise refuse(INVALID_VALUE, exc.attribute, str(exc).removeprefix(f"{exc.attribute} ")) from exc


def _create_image_boxes(instances: Instances, call: Call, attributes: Dataset, count: int) -> tuple[ImageBox, ...]:
    """Return ``count`` new image boxes for a film box, and add references to them to its ``attributes``."""
    sop_class = instances.image_box_class(call.abstract_syntax)
    boxes = [
        ImageBox(SOPClassUID=sop_class, SOPInstanceUID=new_uid(), ImageBoxPosition=position)
        for position in range(1, count + 1)
    ]
    attributes.ReferencedImageBoxSequence = [reference(sop_class, box.SOPInstanceUID) for box in boxes]
    return tuple(boxes)


def _check_format(instances: Instances, display_format: str, orientation: str) -> None:
    """Raise `Refusal` if the printer lacks the format.

    For a LANDSCAPE film, a printer that is not strict also accepts one of its STANDARD formats with rows and columns
    swapped. Only this format has both (PS3.3 C.13.3).
    """
    allowed = instances.config.ImageDisplayFormat
    meanings = {display_format}
    if orientation == "LANDSCAPE" and display_format.startswith("STANDARD\\") and not instances.config.strict:
        meanings.add(_swap_counts(display_format))
    if allowed and meanings.isdisjoint(allowed):
        known = ", ".join(allowed)
        raise refuse(INVALID_VALUE, "ImageDisplayFormat", f"{shown(display_format)} is not one of {known}")


def _swap_counts(display_format: str) -> str:
    name, _, counts = display_format.partition("\\")
    columns, _, rows = counts.partition(",")
    return f"{name}\\{rows},{columns}"


def _create_annotation_boxes(
    instances: Instances, call: Call, attributes: Dataset, imager: Imager
) -> tuple[AnnotationBox, ...]:
    """Return new annotation boxes for the Annotation Display Format ID, and add references to them to ``attributes``.

    There are none unless the Basic Annotation Box SOP Class was negotiated (PS3.4 H.4.2.2.1.3).
    """
    format_id = text(attributes, "AnnotationDisplayFormatID")
    if BasicAnnotationBox not in instances.negotiated:
        if format_id:
            del attributes.AnnotationDisplayFormatID  # images can use the space of texts that cannot be written
        return ()
    wanted = call.dataset.by_tag().get(tag_of("AnnotationDisplayFormatID"))
    if not format_id and wanted is not None and value_of(wanted):  # the printer lacks that format
        format_id = attributes.AnnotationDisplayFormatID = next(iter(imager.annotation_formats), "")
    if not format_id:
        return ()
    boxes = tuple(
        AnnotationBox(SOPInstanceUID=new_uid(), AnnotationPosition=position)
        for position in range(1, annotation_count(format_id, imager) + 1)
    )
    attributes.ReferencedBasicAnnotationBoxSequence = [
        reference(BasicAnnotationBox, box.SOPInstanceUID) for box in boxes
    ]
    return boxes


# --- Presentation LUT ---


def create_presentation_lut(instances: Instances, call: Call) -> Answer:
    """Create a Presentation LUT, which is a shape or a table: N-CREATE, PS3.4 H.4.9.2.1."""
    uid = instances.new_uid(call)
    instances.check_room()
    checked = check(instances.tables.presentation_lut, call.dataset, defaults=True, strict=instances.config.strict)
    lut = lut_from(checked.attributes)
    stored = StoredLUT(SOPInstanceUID=uid, attributes=checked.attributes, lut=lut)
    instances.store(stored, checked.attributes, others=0 if lut.table is None else lut.table.nbytes)
    instances.add(stored)
    return answer_for(checked, uid)


def referenced_lut(instances: Instances, attributes: Dataset) -> StoredLUT | None:
    """Return the Presentation LUT that a session, film box or image box refers to, or None without a reference.

    Raises `Refusal` if that Presentation LUT does not exist.
    """
    for item in items(attributes, _LUT):
        lut = instances.find_referenced(StoredLUT, text(item, "ReferencedSOPInstanceUID"), _LUT)
        assert isinstance(lut, StoredLUT)
        return lut
    return None
