"""PRN-L, the life of the instances after their creation: images, N-SET, N-DELETE, and earlier film boxes."""

from dimse.data import Dataset
from dimse.uids import BasicFilmBox, BasicFilmSession
from dimse.verify import Case, Flags, Level, Unprepared
from dimse.verify.observation import (
    ABORT,
    CLOSED,
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
    matches,
    succeeded,
)

from ..conversation import DEEP, SIDE, USUAL_LAYOUT, Conversation, unimplemented
from ..steps import SUCCESS_OR_WARNING, Steps, on_print

__all__ = ["LIFE"]

_INVALID_VALUE = 0x0106
_NO_SUCH = (Answered(0x0112),)
_IMAGE_SET = Answered(frozenset({0x0000, 0xB604, 0xB605, 0xB609, 0xB60A, 0x0107, 0x0116}))


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
    steps.judge("N-DELETE of the film box", await talk.delete(BasicFilmBox, film), kept=(SUCCESS,))
    refused = (FAILURE, ABORT, CLOSED)
    seen = await talk.set_image(talk.plain_image(), uid=boxes[0])
    steps.judge("N-SET of its image box", seen, kept=_NO_SUCH, deviated=(*refused, *SUCCESS_OR_WARNING))
    if talk.wire.is_associated and talk.peer.shared.films_left:
        steps.judge(
            "N-ACTION of the film box",
            await talk.print(uid=film),
            kept=_NO_SUCH,
            deviated=refused,
            broken=SUCCESS_OR_WARNING,
        )
    if talk.wire.is_associated:
        seen = await talk.delete(BasicFilmBox, film)
        steps.judge("N-DELETE of the film box again", seen, kept=_NO_SUCH, deviated=refused, broken=SUCCESS_OR_WARNING)
    return steps.result()


async def delete_session(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    await talk.prepare_film_box()
    session, film, boxes = talk.session_uid, talk.film_uid, talk.image_uids
    talk.session_uid = talk.film_uid = ""
    steps.judge("N-DELETE of the session", await talk.delete(BasicFilmSession, session), kept=(SUCCESS,))
    if talk.peer.shared.films_left:
        seen = await talk.print(uid=film)
        steps.judge("N-ACTION of its film box", seen, kept=_NO_SUCH, deviated=(FAILURE,), broken=(SUCCESS, WARNING))
    else:
        seen = await talk.set_image(talk.plain_image(), uid=boxes[0])
        steps.judge("N-SET of its image box", seen, kept=_NO_SUCH, deviated=(FAILURE, SUCCESS, WARNING))
    steps.judge("a new session", await talk.create_session())
    return steps.result()


async def print_after_failed_film_box(talk: Conversation) -> Seen:
    await talk.prepare_session()
    seen = await talk.ask(talk.creation(BasicFilmBox), talk.film_box("FOO\\1"))
    if not matches(FAILURE, (seen,)):
        raise Unprepared(f"the creation of a film box with the format FOO\\1 did not fail: {seen}")
    return await talk.print(BasicFilmSession, talk.session_uid)


async def create_second_film_box(talk: Conversation) -> Seen:
    await talk.prepare_session()
    session_print = None if talk.peer.options.no_film else await talk.print_nothing()
    await talk.prepare_image()
    seen = await talk.create_film_box(talk.film_box(talk.layout))
    steps = Steps(talk.peer)
    if session_print is None:
        steps.judge(
            "a second film box", seen, kept=(*SUCCESS_OR_WARNING, Answered(0xC616)), deviated=(FAILURE,), broken=()
        )
    elif matches(Answered(0xC600), (session_print,)) or succeeded(session_print):
        steps.judge("a second film box (sessions are printed)", seen, deviated=(FAILURE,), broken=())
    else:
        kept = (Answered(0xC616),)
        what = "a second film box (sessions are not printed)"
        steps.judge(what, seen, kept=kept, deviated=(FAILURE, *SUCCESS_OR_WARNING), broken=())
    return steps.result()


async def use_earlier_film(talk: Conversation) -> Seen:
    await talk.prepare_image()
    film, boxes = talk.film_uid, talk.image_uids
    seen = await talk.create_film_box(talk.film_box(talk.layout))
    if matches(FAILURE, (seen,)):
        await talk.print(uid=film)
        seen = await talk.create_film_box(talk.film_box(talk.layout))
        if matches(FAILURE, (seen,)):
            return Kept(f"no earlier film: a second film box was refused: {seen}")
    if not succeeded(seen):
        return seen
    steps = Steps(talk.peer)
    for what, seen in (
        ("N-SET of its image box", await talk.set_image(talk.plain_image(), uid=boxes[0])),
        ("N-SET of the film box", await talk.change(BasicFilmBox, film, Dataset(MagnificationType="NONE"))),
        ("N-DELETE of the film box", await talk.delete(BasicFilmBox, film)),
    ):
        steps.judge(what, seen, kept=(*SUCCESS_OR_WARNING, FAILURE))
    return steps.result()


_REFUSED = (ABORT, SILENCE, FAILURE)


LIFE: tuple[Case, ...] = (
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
        passes=(RULE_KEPT,),
        fails=(ABORT, SILENCE),
    ),
    Case(
        id="PRN-L-1.17",
        title="A second film box while the first is not printed",
        section="PS3.4 H.4.2.2.1.3 note ('should fail'), C616",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(create_second_film_box),
        passes=(RULE_KEPT,),
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
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, SILENCE),
    ),
    Case(
        id="PRN-L-1.19",
        title="N-DELETE of the film session deletes its film boxes",
        section="PS3.4 H.4.1.2.3",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(delete_session),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, SILENCE),
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
        title="A film box whose creation failed does not exist",
        section="PS3.7 C.5 ('failed and was not performed')",
        level=Level.MUST,
        needs=Flags.PRINT | Flags.SESSION_ACTION,
        run=on_print(print_after_failed_film_box),
        passes=(Answered(0xC600),),
        nonstrict=(FAILURE,),
        fails=(Answered(frozenset({0x0000, 0xB602})),),
    ),
)
