"""PRN-L, the creation of film sessions and film boxes: their SOP Instance UIDs, their order, and their image boxes."""

from dimse.data import Dataset
from dimse.uids import BasicFilmBox, BasicFilmSession, is_valid_uid
from dimse.verify import Case, Flags, Level, SubCase, Unprepared
from dimse.verify.observation import (
    ABORT,
    DEVIATED,
    FAILURE,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    WARNING,
    Answered,
    Kept,
    Seen,
    succeeded,
)

from ..conversation import USUAL_LAYOUT, Conversation, references
from ..steps import Script, Steps, on_print

__all__ = ["CREATION"]

_INVALID_VALUE = 0x0106
_RETURNED = "the SOP Instance UID is returned if none was supplied"
_BOXES = "Referenced Image Box Sequence"
_NO_SUCH = (Answered(0x0112),)
# Failures for other reasons than an unknown instance
_OTHER_FAILURES = tuple(map(Answered, (0x0105, 0x0106, 0x0110, 0x0211, 0x0213)))


def uid_of(seen: Seen) -> str | None:
    """Return the Affected SOP Instance UID of a response, or None."""
    uid = getattr(seen.message, "AffectedSOPInstanceUID", None) if isinstance(seen, Answered) else None
    return uid if isinstance(uid, str) else None


async def create_session_without_data(talk: Conversation) -> Seen:
    seen = await talk.create(BasicFilmSession, is_named=False)
    return Kept(f"{seen} with Affected SOP Instance UID") if succeeded(seen) and uid_of(seen) else seen


async def create_without_uids(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    talk.session_uid = await _create_without_uid(talk, steps, BasicFilmSession, Dataset(NumberOfCopies=1))
    steps.judge(
        "N-SET of the film session",
        await talk.change(BasicFilmSession, talk.session_uid, Dataset(NumberOfCopies=1)),
        kept=(SUCCESS, WARNING, *_OTHER_FAILURES),
        broken=_NO_SUCH,
    )
    film_uid = await _create_without_uid(talk, steps, BasicFilmBox, talk.film_box(talk.layout))
    steps.judge("N-DELETE of the film box", await talk.delete(BasicFilmBox, film_uid), broken=_NO_SUCH)
    return steps.result()


async def _create_without_uid(talk: Conversation, steps: Steps, sop_class: str, data: Dataset) -> str:
    with talk.patiently():
        seen = await talk.create(sop_class, data, is_named=False)
    if not succeeded(seen):
        raise Unprepared(f"N-CREATE without a SOP Instance UID: {seen}")
    uid = uid_of(seen)
    steps.require(uid is not None, _RETURNED, "Affected SOP Instance UID is absent, and it was not supplied")
    steps.require(
        is_valid_uid(uid or ""), "Affected SOP Instance UID is a UID", f"Affected SOP Instance UID {uid!r} is not a UID"
    )
    steps.record(f"Affected SOP Instance UID {uid}")
    return uid or ""


async def create_with_uid(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    uid = talk.peer.random_uid()
    with talk.patiently():
        seen = await talk.create_session(uid=uid)
    if not succeeded(seen):
        raise Unprepared(f"the film session was not created: {seen}")
    observed = f"Affected SOP Instance UID is {uid_of(seen)}; {uid} was supplied"
    steps.require(uid_of(seen) in (None, uid), "Affected SOP Instance UID is absent, or as supplied", observed)
    steps.judge(
        "N-SET of the film session",
        await talk.change(BasicFilmSession, uid, Dataset(NumberOfCopies=1)),
        broken=_NO_SUCH,
    )
    return steps.result()


async def create_second_session(talk: Conversation) -> Seen:
    await talk.prepare_session()
    return await talk.ask(talk.creation(BasicFilmSession), Dataset(NumberOfCopies=1))


async def create_film_box_without_session(talk: Conversation) -> Seen:
    talk.session_uid = talk.peer.random_uid()
    seen = await talk.create_film_box(talk.film_box(talk.layout))
    talk.session_uid = ""
    return seen


async def create_film_box_of_another_session(talk: Conversation) -> Seen:
    await talk.prepare_session()
    own, talk.session_uid = talk.session_uid, talk.peer.random_uid()
    seen = await talk.create_film_box(talk.film_box(talk.layout))
    talk.session_uid = own
    return seen


def create_film_box_of(layout: str, boxes: int) -> Script:
    """Return the script that creates a film box with this layout, which has ``boxes`` image boxes.

    If the printer does not support the usual layout, another layout replaces it.
    """

    async def script(talk: Conversation) -> Seen:
        steps = Steps(talk.peer)
        await talk.prepare_session()
        is_replaced = layout == USUAL_LAYOUT and talk.layout != USUAL_LAYOUT
        refused = f"{USUAL_LAYOUT} is not supported; {talk.layout} is"
        steps.prefer(not is_replaced, f"{USUAL_LAYOUT} is supported", refused)
        seen = await talk.create_film_box(talk.film_box(talk.layout if is_replaced else layout))
        failures = (Answered(_INVALID_VALUE),) if layout == USUAL_LAYOUT else (FAILURE,)
        steps.judge(layout, seen, deviated=failures, broken=())
        if succeeded(seen):
            _check_boxes(steps, seen, None if is_replaced else boxes)
        return steps.result()

    return script


def _check_boxes(steps: Steps, seen: Seen, boxes: int | None) -> None:
    found = [uid for _, uid in references(seen, "ReferencedImageBoxSequence")]
    steps.require(bool(found), f"{_BOXES} has items", f"no {_BOXES} in the response")
    observed = f"{len(found)} image boxes; the layout has {boxes} positions"
    steps.require(boxes in (None, len(found)), "one image box for each position", observed)
    is_unique = len(set(found)) == len(found)
    steps.require(
        is_unique, f"the SOP Instance UIDs in {_BOXES} differ", f"a SOP Instance UID occurs twice in {_BOXES}"
    )


def _layouts() -> tuple[SubCase, ...]:
    boxes = {r"STANDARD\2,2": 4, r"STANDARD\2,3": 6, r"ROW\1,2": 3, r"COL\1,2": 3}
    return tuple(
        SubCase(name=layout, run=on_print(create_film_box_of(layout, count))) for layout, count in boxes.items()
    )


CREATION: tuple[Case, ...] = (
    Case(
        id="PRN-L-1.01",
        title="Film session without any attribute",
        section="PS3.4 H.4.1.2.1.1 Table H.4-2 (all U), H.2.4",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_session_without_data),
        passes=(RULE_KEPT,),
        fails=(ABORT, SILENCE, FAILURE),
    ),
    Case(
        id="PRN-L-1.02",
        title="The SCP makes a UID if none is supplied, and returns it",
        section="PS3.7 §10.1.5.1.4 ('shall be included if it is not supplied')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_without_uids),
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="PRN-L-1.03",
        title="The instance has the UID that the SCU supplies",
        section="PS3.7 §10.1.5.1.4",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_with_uid),
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="PRN-L-1.04",
        title="One film session per association",
        section="PS3.4 H.4.1.2.1.3 ('shall only support one Basic Film Session SOP Instance on an Association')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_second_session),
        passes=(FAILURE,),
        fails=(SUCCESS, WARNING, ABORT, SILENCE),
    ),
    Case(
        id="PRN-L-1.05",
        title="No film box without a session",
        section="PS3.4 H.4.1.2.1.3 ('shall be created before')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_film_box_without_session),
        passes=(FAILURE,),
        nonstrict=(ABORT,),
        fails=(SUCCESS, WARNING, SILENCE),
        subcases=(SubCase(name="another session's UID", run=on_print(create_film_box_of_another_session)),),
    ),
    Case(
        id="PRN-L-1.06",
        title="One image box for each position",
        section="PS3.4 H.4.2.2.1.3",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_film_box_of(USUAL_LAYOUT, 1)),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        subcases=_layouts(),
    ),
)
