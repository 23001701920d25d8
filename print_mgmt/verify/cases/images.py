"""PRN-X, images in image boxes: missing attributes, unsupported values, images that do not fit; and annotations."""

from collections.abc import Callable
from typing import Any

from dimse.data import Dataset
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    is_valid_uid,
)
from dimse.verify import Case, Flags, Level, SubCase, Unprepared
from dimse.verify.case import CaseRun
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    DEAD,
    DEVIATED,
    FAILURE,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    WARNING,
    Answered,
    Broken,
    Deviated,
    Kept,
    Seen,
    matches,
    succeeded,
)

from ..conversation import IMAGE_ATTRIBUTES, SIDE, Conversation, references
from ..steps import SUCCESS_OR_WARNING, Script, Steps, on_print

__all__ = ["IMAGES"]

_MISSING, _INVALID = 0x0120, 0x0106
_DEPTHS = {"8/8/7": (8, 8, 7), "16/12/11": (16, 12, 11), "16/10/9": (16, 10, 9), "16/16/15": (16, 16, 15)}
_TOO_WIDE = 65535  # columns of an image that no film can hold: even 17 inches at 600 dpi are only 10,200
_FEW_BYTES = 100
_FOUR_BOXES, _NO_POSITION = r"STANDARD\2,2", 99
_NOT_FAILED = frozenset({0x0107, 0x0116, 0x0000, 0xB604, 0xB609, 0xB60A})


def set_image(change: Callable[[Conversation, Dataset], None]) -> Script:
    """Return the script that sets an image, after ``change`` has modified the Data Set of its image box."""

    async def script(talk: Conversation) -> Seen:
        await talk.prepare_film_box()
        content = talk.plain_image()
        change(talk, content)
        return await talk.set_image(content)

    return script


def gray(change: Callable[[Conversation, Dataset], None]) -> CaseRun:
    """Return the run that sets an image modified by ``change`` in a gray image box."""
    return on_print(set_image(change), meta=BasicGrayscalePrintManagementMeta)


def gray_or_color(change: Callable[[Conversation, Dataset], None]) -> CaseRun:
    """Return the run that sets an image modified by ``change``, in gray unless the printer supports only color."""
    return on_print(set_image(change))


def without(keyword: str) -> Callable[[Conversation, Dataset], None]:
    """Return a function that removes an attribute of the image."""

    def change(talk: Conversation, content: Dataset) -> None:
        del talk.image_of(content)[keyword]

    return change


def image_with(**values: object) -> Callable[[Conversation, Dataset], None]:
    """Return a function that sets attributes of the image."""

    def change(talk: Conversation, content: Dataset) -> None:
        for keyword, value in values.items():
            talk.image_of(content)[keyword] = value

    return change


def box_with(**values: object) -> Callable[[Conversation, Dataset], None]:
    """Return a function that sets attributes of the image box."""

    def change(_: Conversation, content: Dataset) -> None:
        for keyword, value in values.items():
            content[keyword] = value

    return change


def give_three_samples(talk: Conversation, content: Dataset) -> None:
    """Give each pixel three samples, but leave Photometric Interpretation as it is."""
    picture = talk.image_of(content)
    picture["SamplesPerPixel"] = 3
    picture["PlanarConfiguration"] = 0
    picture["PixelData"] = bytes(3 * SIDE * SIDE * (2 if talk.learned.is_deep else 1))


def remove_position(_: Conversation, content: Dataset) -> None:
    del content["ImageBoxPosition"]


def remove_image_sequence(_: Conversation, content: Dataset) -> None:
    del content["BasicGrayscaleImageSequence"]


def set_position(position: int) -> CaseRun:
    """Return the run that sets an image with this position in a film box with four image boxes.

    If the printer does not support this layout, a layout that it supports replaces it.
    """

    async def script(talk: Conversation) -> Seen:
        await talk.prepare_session()
        with talk.patiently():
            seen = await talk.create_film_box(talk.film_box(_FOUR_BOXES))
        if not succeeded(seen):
            await talk.prepare_film_box()
        content = talk.plain_image()
        content.ImageBoxPosition = position
        return await talk.set_image(content)

    return on_print(script)


def too_wide(behavior: str) -> CaseRun:
    """Return the run that sets an image of one row that is wider than any film.

    If an attribute was ignored, the status says so, and not whether the image was made smaller. So an image that fits
    is sent first: its status shows whether the printer supports the attributes.
    """

    async def script(talk: Conversation) -> Seen:
        await talk.prepare_film_box()
        attributes = {"RequestedDecimateCropBehavior": behavior, "MagnificationType": "NONE"}
        answers = []
        for rows, columns in ((SIDE, SIDE), (1, _TOO_WIDE)):
            content = talk.plain_image(rows, columns)
            for keyword, value in attributes.items():
                content[keyword] = value
            seen = await talk.set_image(content)
            if not isinstance(seen, Answered):
                return seen  # the association cannot be used any more
            answers.append(seen)
        small, wide = answers
        if not matches(SUCCESS, (small,)) and succeeded(wide):
            return Deviated(f"{wide}; the attributes are not supported: {small} for an image that fits")
        return wide

    return on_print(script, meta=BasicGrayscalePrintManagementMeta)


async def set_depths(talk: Conversation) -> Seen:
    await talk.prepare_film_box()
    accepted, others = [], []
    for name, (allocated, stored, high) in _DEPTHS.items():
        values: dict[str, Any] = {"BitsAllocated": allocated, "BitsStored": stored, "HighBit": high}
        pixels = bytes(SIDE * SIDE * allocated // 8)
        seen = await talk.set_image(talk.image_box(SIDE, SIDE, pixels, **values))
        if succeeded(seen):
            accepted.append(name)
        elif not matches(FAILURE, (seen,)):
            return seen
        elif not matches(Answered(_INVALID), (seen,)):
            others.append(f"{name}: {seen}")
    text = "; ".join((f"accepted: {', '.join(accepted) or 'none'}", *others))
    if not {"8/8/7", "16/12/11"} & set(accepted):
        return Broken(text)
    return Deviated(text) if others or "16/16/15" in accepted else Kept(text)


def color_image(**values: Any) -> CaseRun:
    """Return the run that sets an image in a color image box; ``values`` set attributes of the image."""

    async def script(talk: Conversation) -> Seen:
        await talk.prepare_film_box()
        return await talk.set_image(talk.image_box(16, 16, **values))

    return on_print(script, meta=BasicColorPrintManagementMeta)


async def set_annotations(talk: Conversation) -> Seen:
    annotation_format = talk.annotation_format
    await talk.prepare_session()
    content = talk.film_box(talk.layout, AnnotationDisplayFormatID=annotation_format)
    with talk.patiently():
        seen = await talk.create_film_box(content)
    boxes = references(seen, "ReferencedBasicAnnotationBoxSequence")
    if not boxes or not is_valid_uid(boxes[0][1]):
        raise Unprepared(f"the film box names no annotation box: {seen}")
    steps = Steps(talk.peer)

    async def text(**values: object) -> Seen:
        return await talk.change(BasicAnnotationBox, boxes[0][1], Dataset(**values))

    steps.judge("a text", await text(AnnotationPosition=1, TextString="TEST"))
    steps.judge("no text", await text(AnnotationPosition=1, TextString=""))
    seen = await text(TextString="TEST")
    steps.judge("no position", seen, kept=(Answered(_MISSING),), deviated=(FAILURE,), broken=SUCCESS_OR_WARNING)
    seen = await text(AnnotationPosition=_NO_POSITION, TextString="TEST")
    steps.judge("position 99", seen, kept=(Answered(_INVALID),), deviated=(FAILURE, *SUCCESS_OR_WARNING))
    return steps.result()


_NOT_REFUSED = (SUCCESS, WARNING, CLOSED, SILENCE)

IMAGES: tuple[Case, ...] = (
    Case(
        id="PRN-X-1.03",
        title="Image Box Position is missing",
        section="PS3.4 Table H.4-10 (M/M), H.2.4",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=gray_or_color(remove_position),
        passes=(Answered(_MISSING),),
        nonstrict=(FAILURE, ABORT),
        fails=_NOT_REFUSED,
    ),
    Case(
        id="PRN-X-1.04",
        title="Basic Grayscale Image Sequence is missing",
        section="PS3.4 Table H.4-10 (M/M), H.2.4",
        level=Level.MUST,
        needs=Flags.GRAY_META,
        run=gray(remove_image_sequence),
        passes=(Answered(_MISSING),),
        nonstrict=(FAILURE, ABORT),
        fails=_NOT_REFUSED,
    ),
    Case(
        id="PRN-X-1.05",
        title="An attribute of the image is missing",
        section="PS3.4 Table H.4-10 (M/M), H.2.4",
        level=Level.MUST,
        needs=Flags.GRAY_META,
        run=gray(without(IMAGE_ATTRIBUTES[0])),
        passes=(Answered(_MISSING),),
        nonstrict=(FAILURE, ABORT),
        fails=_NOT_REFUSED,
        subcases=tuple(SubCase(name=keyword, run=gray(without(keyword))) for keyword in IMAGE_ATTRIBUTES[1:]),
    ),
    Case(
        id="PRN-X-1.14",
        title="A color image in a gray image box",
        section="PS3.4 Table H.4-10 (M/M), H.2.4; PS3.3 C.13.5",
        level=Level.MUST,
        needs=Flags.GRAY_META,
        run=gray(image_with(PhotometricInterpretation="RGB")),
        passes=(Answered(_INVALID),),
        nonstrict=(FAILURE, ABORT),
        fails=(SUCCESS, WARNING, SILENCE),
        subcases=(SubCase(name="Samples per Pixel 3", run=gray(give_three_samples)),),
    ),
    Case(
        id="PRN-X-1.15",
        title="Bit depths",
        section="PS3.3 C.13.5 (8/8/7, 16/12/11); PS3.4 H.2.4",
        level=Level.INFO,
        needs=Flags.GRAY_META,
        run=on_print(set_depths, meta=BasicGrayscalePrintManagementMeta),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, ABORT, SILENCE),
    ),
    Case(
        id="PRN-X-1.16",
        title="Signed pixels",
        section="PS3.4 Table H.4-10 (M/M), H.2.4; PS3.3 C.13.5 (0)",
        level=Level.MUST,
        needs=Flags.GRAY_META,
        run=gray(image_with(PixelRepresentation=1)),
        passes=(Answered(_INVALID),),
        nonstrict=(FAILURE, ABORT),
        fails=(SUCCESS, WARNING, SILENCE),
    ),
    Case(
        id="PRN-X-1.17",
        title="Fewer pixels than Rows and Columns say",
        section="PS3.5 §8.1.1; PS3.3 C.13.5",
        level=Level.SHOULD,
        needs=Flags.GRAY_META,
        run=gray(image_with(PixelData=bytes(_FEW_BYTES))),
        passes=(FAILURE, ABORT),
        nonstrict=SUCCESS_OR_WARNING,
        fails=(SILENCE, DEAD),
        subcases=(SubCase(name="Rows 0", run=gray(image_with(Rows=0))),),
        risky=True,
    ),
    Case(
        id="PRN-X-1.18",
        title="Polarity",
        section="PS3.4 Table H.4-10 (U/M), H.2.4",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=gray_or_color(box_with(Polarity="REVERSE")),
        passes=(Answered(frozenset({0x0000, 0x0106, 0x0116, 0xB604, 0xB605, 0xB609, 0xB60A})),),
        nonstrict=(FAILURE,),
        fails=(ABORT, SILENCE),
        subcases=(
            SubCase(
                name="SIDEWAYS",
                run=gray_or_color(box_with(Polarity="SIDEWAYS")),
                passes=(Answered(frozenset({0x0106, 0x0116})),),
                fails=(SUCCESS, ABORT, SILENCE),
            ),
        ),
    ),
    Case(
        id="PRN-X-1.19",
        title="A position that the layout does not have",
        section="PS3.4 Table H.4-10 (M/M), H.2.4; PS3.3 C.13.5",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=set_position(_NO_POSITION),
        passes=(Answered(_INVALID),),
        nonstrict=(FAILURE, SUCCESS, WARNING, ABORT),
        fails=(CLOSED, SILENCE, DEAD),
        subcases=(SubCase(name="0", run=set_position(0)),),
    ),
    Case(
        id="PRN-X-1.20",
        title="DECIMATE without magnification of an image that does not fit",
        section="PS3.4 H.4.3.1.2.1.3 ('the SCP shall fail the N-SET')",
        level=Level.MUST,
        needs=Flags.GRAY_META,
        run=too_wide("DECIMATE"),
        passes=(FAILURE,),
        nonstrict=(Answered(frozenset({0x0107, 0x0116})), DEVIATED),
        fails=(Answered(frozenset({0x0000, 0xB604, 0xB609, 0xB60A})), ABORT, SILENCE),
    ),
    Case(
        id="PRN-X-1.21",
        title="FAIL for an image that does not fit",
        section="PS3.3 C.13.5 (Requested Decimate/Crop Behavior); PS3.4 Table H.4.3.1.2.1.2-1 (C603)",
        level=Level.SHOULD,
        needs=Flags.GRAY_META,
        run=too_wide("FAIL"),
        passes=(Answered(0xC603),),
        nonstrict=(FAILURE, Answered(_NOT_FAILED), DEVIATED),
        fails=(ABORT, SILENCE),
    ),
    Case(
        id="PRN-X-1.26",
        title="Color images",
        section="PS3.4 Table H.4-11; PS3.3 C.13.5 (RGB, 8/8/7, planar 1)",
        level=Level.MUST,
        needs=Flags.COLOR_META,
        run=color_image(),
        passes=SUCCESS_OR_WARNING,
        fails=(FAILURE, ABORT, SILENCE),
        subcases=tuple(
            SubCase(
                name=f"{keyword} {value}",
                run=color_image(**{keyword: value}),
                passes=(Answered(_INVALID),),
                nonstrict=(*SUCCESS_OR_WARNING, FAILURE),
                fails=(ABORT, SILENCE),
            )
            for keyword, value in (("PlanarConfiguration", 0), ("PhotometricInterpretation", "YBR_FULL"))
        ),
    ),
    Case(
        id="PRN-X-1.27",
        title="Annotations",
        section="PS3.4 H.4.4.2.1 Table H.4-13, H.2.4",
        level=Level.MUST,
        needs=Flags.ANNOTATION,
        run=on_print(set_annotations, BasicAnnotationBox),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, ABORT, SILENCE),
    ),
)
