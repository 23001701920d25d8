"""PRN-N, negotiation of print: the Meta SOP Classes and the optional classes."""

from dimse.data import Dataset, syntax_of
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    PresentationLUT,
    Printer,
    PrinterConfigurationRetrieval,
    PrintJob,
    Verification,
    name_or_uid,
)
from dimse.verify import Case, Flags, Level, Peer, Unprepared
from dimse.verify.case import CaseRun, SubCase
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    FAILURE,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    Accepted,
    Answered,
    Broken,
    Deviated,
    Kept,
    Rejected,
    Seen,
    matches,
    succeeded,
)
from dimse.verify.peer import BOTH_SYNTAXES
from dimse.verify.verdict import Close

from ..conversation import Conversation, references, unimplemented
from ..film import data_of
from ..steps import Steps, on_print

__all__ = ["NEGOTIATION"]

_IMAGE_BOXES = "ReferencedImageBoxSequence"
_CLASSES = {
    1: BasicGrayscalePrintManagementMeta,
    3: BasicColorPrintManagementMeta,
    5: PresentationLUT,
    7: BasicAnnotationBox,
    9: PrintJob,
    11: PrinterConfigurationRetrieval,
    13: Verification,
}
_METAS = (1, 3)
_STATUS_ONLY = {1: Printer, 3: PrinterConfigurationRetrieval, 5: PrintJob}
_FILM_UNPRINTED = Answered(0xC616)  # there is a film box that has not been printed
_LUT_OK = Answered(frozenset({0x0000, 0xB605}))


async def propose_all_classes(peer: Peer) -> Seen:
    _, answer = await peer.ask({number: (uid, BOTH_SYNTAXES) for number, uid in _CLASSES.items()})
    if not isinstance(answer, Accepted):
        return answer
    results = dict(answer.results)
    if not any(results.get(number) == 0 for number in _METAS):
        raise unimplemented("the peer accepts no Meta SOP Class of print")
    unanswered = [str(number) for number in _CLASSES if number not in results]
    return answer if unanswered else Kept(str(answer))


async def get_printer(talk: Conversation) -> Seen:
    seen = await talk.get()
    if not data_of(seen):
        return seen
    if matches(SUCCESS, (seen,)):
        return Kept(f"{seen} with a data set")
    return Deviated(f"{seen} with a data set") if matches(Answered(0x0107), (seen,)) else seen


def image_box_class(meta: str, image_box: str) -> CaseRun:
    """Return the run that checks the SOP Class of the image boxes that a printer creates under a Meta SOP Class."""

    async def script(talk: Conversation) -> Seen:
        await talk.prepare_session()
        with talk.patiently():
            seen = await talk.create_film_box(talk.film_box(talk.layout))
        if not succeeded(seen):
            raise Unprepared(f"the film box was not created: {seen}")
        return _class_of(seen, image_box)

    return on_print(script, meta=meta)


def _class_of(seen: Seen, image_box: str) -> Seen:
    found = {uid for uid, _ in references(seen, _IMAGE_BOXES)}
    if not found:
        raise Unprepared("no Referenced Image Box Sequence in the response")
    text = f"image boxes of {', '.join(sorted(map(name_or_uid, found)))}"
    return Kept(text) if found == {image_box} else Broken(text)


async def create_film_boxes_of_both_metas(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    await talk.prepare_film_box()
    color = talk.contexts[BasicColorPrintManagementMeta]

    async def second() -> Seen:
        talk.say(talk.creation(BasicFilmBox), talk.film_box(talk.layout), context_id=color)
        return await talk.wire.response()

    seen = await second()
    if matches(_FILM_UNPRINTED, (seen,)):
        film, talk.film_uid = talk.film_uid, ""
        if not succeeded(deleted := await talk.delete(BasicFilmBox, film)):
            raise Unprepared(f"the first film box was not deleted: {deleted}")
        steps.prefer(
            False,
            "a film box on each context of the association",
            f"the second film box while the first one exists: {seen}",
        )
        seen = await second()
    steps.judge("a film box on the color context", seen, deviated=(FAILURE,), broken=())
    if succeeded(seen):
        found = _class_of(seen, BasicColorImageBox)
        if isinstance(found, Broken):
            return found
        steps.record(str(found))
    return steps.result()


async def create_annotations_with_each_meta(peer: Peer) -> Seen:
    found = {}
    for meta in (BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta):
        run = on_print(_create_annotation_boxes, BasicAnnotationBox, meta=meta)
        seen = await run(peer)
        if not isinstance(seen, Kept | Deviated):
            return seen if isinstance(seen, Seen) else seen[-1]
        found[meta] = isinstance(seen, Kept)
        await peer.dismiss()
    if not any(found.values()):
        raise Unprepared("no annotation boxes with any Meta SOP Class; --annotation-format may be wrong")
    if not all(found.values()):
        return Broken("annotation boxes with only one Meta SOP Class")
    return Kept("annotation boxes with both Meta SOP Classes")


async def _create_annotation_boxes(talk: Conversation) -> Seen:
    annotation_format = talk.annotation_format
    await talk.prepare_session()
    content = talk.film_box(talk.layout, AnnotationDisplayFormatID=annotation_format)
    seen = await talk.create_film_box(content)
    if not succeeded(seen) and not matches(FAILURE, (seen,)):
        return seen
    return Kept() if references(seen, "ReferencedBasicAnnotationBoxSequence") else Deviated()


async def associate_for_status_only(peer: Peer) -> Seen:
    wire, answer = await peer.ask({number: (uid, BOTH_SYNTAXES) for number, uid in _STATUS_ONLY.items()})
    if isinstance(answer, Rejected):
        return Kept(f"refused: {answer}")
    if not isinstance(answer, Accepted):
        return answer
    if 1 not in wire.contexts:
        return Kept(f"refused: {answer}")
    talk = Conversation(peer, wire, "", syntax_of(wire.contexts[1][1]), contexts={Printer: 1})
    seen = await talk.get()
    return Kept(f"accepted, and N-GET: {seen}") if succeeded(seen) else seen


async def create_lut_without_context(talk: Conversation) -> Seen:
    return await talk.create(PresentationLUT, Dataset(PresentationLUTShape="IDENTITY"))


async def create_both_shapes(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    for shape in ("IDENTITY", "LIN OD"):
        seen = await talk.create(PresentationLUT, Dataset(PresentationLUTShape=shape), is_named=False)
        steps.judge(shape, seen, kept=(_LUT_OK,))
        if not getattr(getattr(seen, "message", None), "AffectedSOPInstanceUID", None):
            raise Unprepared(f"{shape}: {seen} without a SOP Instance UID")
    return steps.result()


_WRONG = (FAILURE, ABORT, SILENCE)

NEGOTIATION: tuple[Case, ...] = (
    Case(
        id="PRN-N-1.01",
        title="At least one Meta SOP Class",
        section="PS3.4 H.3.1 ('shall support at least one of the Basic Print Management Meta SOP Classes')",
        level=Level.MUST,
        run=propose_all_classes,
        passes=(RULE_KEPT,),
    ),
    Case(
        id="PRN-N-1.02",
        title="Printer commands on the Meta context",
        section="PS3.4 H.3.2.2.1-2 (Printer is a member, M/M), H.4.6.2",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(get_printer),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=_WRONG,
    ),
    Case(
        id="PRN-N-1.03",
        title="Image boxes are of the class of the Meta context",
        section="PS3.4 H.4.2.2.1.3",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=image_box_class(BasicGrayscalePrintManagementMeta, BasicGrayscaleImageBox),
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
        subcases=(SubCase(name="color", run=image_box_class(BasicColorPrintManagementMeta, BasicColorImageBox)),),
    ),
    Case(
        id="PRN-N-1.04",
        title="Both Meta classes on one association",
        section="PS3.4 H.3.1, H.4.2.2.1.3",
        level=Level.MUST,
        needs=Flags.GRAY_META | Flags.COLOR_META,
        run=on_print(
            create_film_boxes_of_both_metas, BasicColorPrintManagementMeta, meta=BasicGrayscalePrintManagementMeta
        ),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, ABORT, SILENCE),
    ),
    Case(
        id="PRN-N-1.05",
        title="Optional classes work with every Meta class",
        section="PS3.4 H.3.1 ('shall support all the optional SOP Classes in conjunction with all the Meta SOP "
        "Classes')",
        level=Level.MUST,
        needs=Flags.GRAY_META | Flags.COLOR_META | Flags.ANNOTATION,
        run=create_annotations_with_each_meta,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="PRN-N-1.06",
        title="Status-only associations",
        section="PS3.4 H.3.1 note",
        level=Level.INFO,
        run=associate_for_status_only,
        passes=(RULE_KEPT,),
        fails=(FAILURE, SILENCE),
    ),
    Case(
        id="PRN-N-1.07",
        title="An optional class that was not negotiated",
        section="PS3.4 H.5; PS3.7 §10.1",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(create_lut_without_context),
        passes=(Answered(frozenset({0x0118, 0x0122, 0x0211, 0x0124})), ABORT),
        nonstrict=(FAILURE, SUCCESS, CLOSED),
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="PRN-N-1.08",
        title="A Presentation LUT context means IDENTITY and LIN OD",
        section="PS3.4 H.4.9.2.1.1 Table H.4-23 ('SCPs shall support')",
        level=Level.MUST,
        needs=Flags.PLUT,
        run=on_print(create_both_shapes, PresentationLUT),
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN, ABORT, SILENCE),
    ),
)
