"""PRN-L, the life cycle of the instances: film session, film box, image box. Nothing is printed here."""

from dimse.data import Dataset
from dimse.uids import BasicFilmBox, BasicFilmSession, is_valid_uid
from dimse.verify import Case, Flags, Level, SubCase, Unprepared
from dimse.verify.observation import (
    ABORT,
    BROKEN,
    CLOSED,
    DEVIATED,
    FAILURE,
    KEPT,
    SILENCE,
    SUCCESS,
    WARNING,
    Answered,
    Kept,
    Seen,
    matches,
    succeeded,
)

from ..conversation import DEEP, SIDE, USUAL_LAYOUT, Conversation, references, unimplemented
from ..steps import SUCCESS_OR_WARNING, Script, Steps, on_print

__all__ = ["LIFE"]

_NO_SUCH_INSTANCE, _INVALID_VALUE = 0x0112, 0x0106
_RETURNED = "a SOP Instance UID that was not supplied is returned"
_BOXES = "Referenced Image Box Sequence"
_NO_SUCH = (Answered(_NO_SUCH_INSTANCE),)
_IMAGE_SET = Answered(frozenset({0x0000, 0xB604, 0xB605, 0xB609, 0xB60A, 0x0107, 0x0116}))


def uid_of(seen: Seen) -> str | None:
    """Return the Affected SOP Instance UID of a response."""
    uid = getattr(seen.message, "AffectedSOPInstanceUID", None) if isinstance(seen, Answered) else None
    return uid if isinstance(uid, str) else None


async def create_session_without_data(talk: Conversation) -> Seen:
    seen = await talk.create(BasicFilmSession, is_named=False)
    return Kept(f"{seen} with Affected SOP Instance UID") if succeeded(seen) and uid_of(seen) else seen


async def create_without_uids(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    talk.session_uid = await _create_without_uid(talk, steps, BasicFilmSession, Dataset(NumberOfCopies=1))
    steps.take(
        "N-SET of the film session",
        await talk.change(BasicFilmSession, talk.session_uid, Dataset(NumberOfCopies=1)),
        kept=(SUCCESS, WARNING, *_failures_but(_NO_SUCH_INSTANCE)),
        broken=_NO_SUCH,
    )
    film_uid = await _create_without_uid(talk, steps, BasicFilmBox, talk.film_box(talk.layout))
    steps.take("N-DELETE of the film box", await talk.delete(BasicFilmBox, film_uid), broken=_NO_SUCH)
    return steps.result()


def _failures_but(status: int) -> tuple[Answered, ...]:
    """Return the failures, except ``status``, that tell nothing about the instance."""
    return tuple(Answered(each) for each in (0x0105, 0x0106, 0x0110, 0x0211, 0x0213) if each != status)


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
    steps.tell(f"Affected SOP Instance UID {uid}")
    return uid or ""


async def create_with_uid(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    uid = talk.peer.random_uid()
    with talk.patiently():
        seen = await talk.create_session(uid=uid)
    if not succeeded(seen):
        raise Unprepared(f"the film session was not created: {seen}")
    observed = f"Affected SOP Instance UID is {uid_of(seen)}; {uid} was supplied"
    steps.require(
        uid_of(seen) in (None, uid), "Affected SOP Instance UID is absent, or the one that was supplied", observed
    )
    steps.take(
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
    """Return the steps that create a film box with this layout, which has ``boxes`` image boxes."""

    async def script(talk: Conversation) -> Seen:
        steps = Steps(talk.peer)
        await talk.prepare_session()
        is_usual = layout == USUAL_LAYOUT and talk.layout != USUAL_LAYOUT
        steps.prefer(not is_usual, f"{USUAL_LAYOUT} is supported", f"{USUAL_LAYOUT} is not supported; {talk.layout} is")
        seen = await talk.create_film_box(talk.film_box(talk.layout if is_usual else layout))
        refused = (Answered(_INVALID_VALUE),) if layout == USUAL_LAYOUT else (FAILURE,)
        steps.take(layout, seen, deviated=refused, broken=())
        if succeeded(seen):
            _check_boxes(steps, seen, None if is_usual else boxes)
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


async def set_image(talk: Conversation) -> Seen:
    await talk.prepare_film_box()
    seen = await talk.set_image(talk.image_box())
    if matches(Answered(_INVALID_VALUE), (seen,)) and talk.learned.is_deep:
        return await talk.set_image(talk.image_box(SIDE, SIDE, bytes(2 * SIDE * SIDE), **DEEP))
    return seen


async def set_second_image(talk: Conversation) -> Seen:
    await talk.prepare_image()
    return await talk.set_image(talk.plain_image(SIDE // 2, SIDE // 2))


async def erase_image(talk: Conversation) -> Seen:
    await talk.prepare_image()
    content = Dataset(ImageBoxPosition=1)
    content[talk.image_sequence] = []
    return await talk.set_image(content)


async def change_copies(talk: Conversation) -> Seen:
    await talk.prepare_session()
    return await talk.change(BasicFilmSession, talk.session_uid, Dataset(NumberOfCopies=2))


async def change_magnification(talk: Conversation) -> Seen:
    await talk.prepare_film_box()
    seen = await talk.change(BasicFilmBox, talk.film_uid, Dataset(MagnificationType="BILINEAR"))
    if matches(Answered(0x0211), (seen,)):
        raise unimplemented("RSP(0211): the peer does not support N-SET of the film box")
    return seen


async def change_layout(talk: Conversation) -> Seen:
    await talk.prepare_film_box()
    other = r"STANDARD\1,2" if talk.layout == USUAL_LAYOUT else USUAL_LAYOUT
    return await talk.change(BasicFilmBox, talk.film_uid, Dataset(ImageDisplayFormat=other))


async def delete_film_box(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    await talk.prepare_image()
    film, boxes = talk.film_uid, talk.image_uids
    talk.film_uid = ""
    steps.take("N-DELETE of the film box", await talk.delete(BasicFilmBox, film), kept=(SUCCESS,))
    refused = (FAILURE, ABORT, CLOSED)
    seen = await talk.set_image(talk.plain_image(), uid=boxes[0])
    steps.take("N-SET of its image box", seen, kept=_NO_SUCH, deviated=(*refused, *SUCCESS_OR_WARNING))
    if talk.wire.is_associated and talk.peer.shared.films_left:
        steps.take(
            "N-ACTION of the film box",
            await talk.print(uid=film),
            kept=_NO_SUCH,
            deviated=refused,
            broken=SUCCESS_OR_WARNING,
        )
    if talk.wire.is_associated:
        seen = await talk.delete(BasicFilmBox, film)
        steps.take("N-DELETE of the film box again", seen, kept=_NO_SUCH, deviated=refused, broken=SUCCESS_OR_WARNING)
    return steps.result()


async def delete_session(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    await talk.prepare_film_box()
    session, film, boxes = talk.session_uid, talk.film_uid, talk.image_uids
    talk.session_uid = talk.film_uid = ""
    steps.take("N-DELETE of the session", await talk.delete(BasicFilmSession, session), kept=(SUCCESS,))
    if talk.peer.shared.films_left:
        seen = await talk.print(uid=film)
        steps.take("N-ACTION of its film box", seen, kept=_NO_SUCH, deviated=(FAILURE,), broken=(SUCCESS, WARNING))
    else:
        seen = await talk.set_image(talk.plain_image(), uid=boxes[0])
        steps.take("N-SET of its image box", seen, kept=_NO_SUCH, deviated=(FAILURE, SUCCESS, WARNING))
    steps.take("a new session", await talk.create_session())
    return steps.result()


async def print_after_failed_film_box(talk: Conversation) -> Seen:
    await talk.prepare_session()
    seen = await talk.ask(talk.creation(BasicFilmBox), talk.film_box("FOO\\1"))
    if not matches(FAILURE, (seen,)):
        raise Unprepared(f"the creation of a film box with the format FOO\\1 did not fail: {seen}")
    return await talk.print(BasicFilmSession, talk.session_uid)


async def create_second_film_box(talk: Conversation) -> Seen:
    await talk.prepare_session()
    can_print_sessions = None if talk.peer.options.no_film else await talk.print_nothing()
    await talk.prepare_image()
    seen = await talk.create_film_box(talk.film_box(talk.layout))
    steps = Steps(talk.peer)
    if can_print_sessions is None:
        steps.take(
            "a second film box", seen, kept=(*SUCCESS_OR_WARNING, Answered(0xC616)), deviated=(FAILURE,), broken=()
        )
    elif matches(Answered(0xC600), (can_print_sessions,)) or succeeded(can_print_sessions):
        steps.take("a second film box (sessions are printed)", seen, deviated=(FAILURE,), broken=())
    else:
        kept = (Answered(0xC616),)
        what = "a second film box (sessions are not printed)"
        steps.take(what, seen, kept=kept, deviated=(FAILURE, *SUCCESS_OR_WARNING), broken=())
    return steps.result()


async def use_earlier_film(talk: Conversation) -> Seen:
    await talk.prepare_image()
    film, boxes = talk.film_uid, talk.image_uids
    if not succeeded(await talk.create_film_box(talk.film_box(talk.layout))):
        await talk.print(uid=film)
        if not succeeded(seen := await talk.create_film_box(talk.film_box(talk.layout))):
            return Kept(f"no earlier film: the printer keeps only one film box: {seen}")
    steps = Steps(talk.peer)
    for what, seen in (
        ("N-SET of its image box", await talk.set_image(talk.plain_image(), uid=boxes[0])),
        ("N-SET of the film box", await talk.change(BasicFilmBox, film, Dataset(MagnificationType="NONE"))),
        ("N-DELETE of the film box", await talk.delete(BasicFilmBox, film)),
    ):
        steps.take(what, seen, kept=(*SUCCESS_OR_WARNING, FAILURE))
    return steps.result()


_REFUSED = (ABORT, SILENCE, FAILURE)


def _layouts() -> tuple[SubCase, ...]:
    boxes = {r"STANDARD\2,2": 4, r"STANDARD\2,3": 6, r"ROW\1,2": 3, r"COL\1,2": 3}
    return tuple(
        SubCase(name=layout, run=on_print(create_film_box_of(layout, count))) for layout, count in boxes.items()
    )


LIFE: tuple[Case, ...] = (
    Case(
        id="PRN-L-1.01",
        title="Film session without any attribute",
        section="PS3.4 H.4.1.2.1.1 Table H.4-2 (all U), H.2.4",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_session_without_data),
        passes=(KEPT,),
        fails=_REFUSED,
    ),
    Case(
        id="PRN-L-1.02",
        title="The SCP makes a UID if none is supplied, and returns it",
        section="PS3.7 §10.1.5.1.4 ('shall be included if it is not supplied')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_without_uids),
        passes=(KEPT,),
        fails=(BROKEN,),
    ),
    Case(
        id="PRN-L-1.03",
        title="The instance has the UID that the SCU supplies",
        section="PS3.7 §10.1.5.1.4",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_with_uid),
        passes=(KEPT,),
        fails=(BROKEN,),
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
        passes=(KEPT,),
        nonstrict=(DEVIATED,),
        fails=(BROKEN,),
        subcases=_layouts(),
    ),
    Case(
        id="PRN-L-1.07",
        title="An image is set in an image box",
        section="PS3.4 H.4.3.1.2.1",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(set_image),
        passes=(_IMAGE_SET,),
        fails=_REFUSED,
    ),
    Case(
        id="PRN-L-1.14",
        title="A second image supersedes the first",
        section="PS3.4 H.4.3.1.2.1.3 note",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(set_second_image),
        passes=SUCCESS_OR_WARNING,
        fails=(FAILURE,),
    ),
    Case(
        id="PRN-L-1.15",
        title="An image can be erased",
        section="PS3.4 H.4.3.1.2.1.3",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(erase_image),
        passes=SUCCESS_OR_WARNING,
        nonstrict=(FAILURE,),
        fails=(ABORT, CLOSED, SILENCE),
    ),
    Case(
        id="PRN-L-1.16",
        title="Boxes of an earlier film",
        section="PS3.4 H.4.2.2.2.3, H.4.2.2.3.1, H.4.2.2.4.3, H.4.3.1.2.1.3 (the SCU shall only use the last)",
        level=Level.INFO,
        needs=Flags.PRINT,
        run=on_print(use_earlier_film),
        passes=(KEPT,),
        fails=(ABORT, SILENCE),
    ),
    Case(
        id="PRN-L-1.17",
        title="A second film box while the first is not printed",
        section="PS3.4 H.4.2.2.1.3 note ('should fail'), C616",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(create_second_film_box),
        passes=(KEPT,),
        nonstrict=(DEVIATED,),
        fails=(ABORT, SILENCE),
    ),
    Case(
        id="PRN-L-1.18",
        title="N-DELETE of the film box deletes its image boxes",
        section="PS3.4 H.4.2.2.3",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(delete_film_box),
        passes=(KEPT,),
        nonstrict=(DEVIATED,),
        fails=(BROKEN, SILENCE),
    ),
    Case(
        id="PRN-L-1.19",
        title="N-DELETE of the film session deletes its film boxes",
        section="PS3.4 H.4.1.2.3",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(delete_session),
        passes=(KEPT,),
        nonstrict=(DEVIATED,),
        fails=(BROKEN, SILENCE),
    ),
    Case(
        id="PRN-L-1.23",
        title="N-SET of the film session",
        section="PS3.4 H.4.1.2 Table H.4-1 (N-SET U/M), H.4.1.2.2",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(change_copies),
        passes=(*SUCCESS_OR_WARNING, Answered(_INVALID_VALUE)),
        fails=_REFUSED,
    ),
    Case(
        id="PRN-L-1.24",
        title="N-SET of the film box",
        section="PS3.4 H.4.2.2 Table H.4-5 (N-SET U/U), Table H.4-7",
        level=Level.MAY,
        needs=Flags.PRINT,
        run=on_print(change_magnification),
        passes=(*SUCCESS_OR_WARNING, Answered(_INVALID_VALUE)),
        nonstrict=(FAILURE, CLOSED),
        fails=(ABORT, SILENCE),
    ),
    Case(
        id="PRN-L-1.25",
        title="N-SET cannot change the layout",
        section="PS3.4 Table H.4-7 (no Image Display Format)",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(change_layout),
        passes=(Answered(frozenset({0x0105, 0x0107, 0x0106, 0x0211})),),
        nonstrict=(SUCCESS, FAILURE),
        fails=(ABORT, SILENCE),
    ),
    Case(
        id="PRN-L-1.28",
        title="A film box that failed does not exist",
        section="PS3.7 C.5 ('failed and was not performed')",
        level=Level.MUST,
        needs=Flags.PRINT | Flags.SESSION_ACTION,
        run=on_print(print_after_failed_film_box),
        passes=(Answered(0xC600),),
        nonstrict=(FAILURE,),
        fails=(Answered(frozenset({0x0000, 0xB602})),),
    ),
)
