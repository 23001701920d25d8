"""PRN-L: the visibility of a film on several associations, and the life cycle of a Presentation LUT."""

import asyncio
from collections.abc import Awaitable, Callable

from dimse.data import Dataset
from dimse.uids import BasicFilmBox, PresentationLUT
from dimse.ul import Abort
from dimse.verify import Case, Flags, Level, Peer, SubCase, Unprepared
from dimse.verify.case import CaseRun
from dimse.verify.observation import (
    ABORT,
    DEVIATED,
    FAILURE,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    Answered,
    Released,
    Seen,
    matches,
    succeeded,
)

from ..conversation import Conversation, conversation
from ..steps import SUCCESS_OR_WARNING, Decided, Steps, on_print

__all__ = ["ENDS"]

_NO_SUCH = (Answered(0x0112),)
# Further attempts to set the image box, and seconds before each: a TCP reset may reach the peer later than the next
# association does
_ATTEMPTS, _PAUSE = 4, 0.5
_LUT_OK = Answered(frozenset({0x0000, 0xB605}))


async def release(talk: Conversation) -> None:
    if not isinstance(await talk.wire.release(talk.peer.target.preparation), Released):
        raise Unprepared("the first association was not released")


async def abort(talk: Conversation) -> None:
    talk.wire.send(Abort(0, 0))


async def reset(talk: Conversation) -> None:
    talk.wire.reset()


def ended_by(end: Callable[[Conversation], Awaitable[None]]) -> CaseRun:
    """Return the run that creates a film box, ends the association, and looks for the instances on the next one."""

    async def run(peer: Peer) -> Seen:
        async with conversation(peer) as first:
            await first.prepare_film_box()
            session, boxes = first.session_uid, first.image_uids
            first.session_uid = first.film_uid = ""
            await end(first)
        await peer.dismiss()
        return await _look_for(peer, session, boxes[0])

    return run


async def _look_for(peer: Peer, session: str, box: str) -> Seen:
    try:
        async with conversation(peer) as talk:
            steps = Steps(peer)
            seen = await talk.set_image(talk.plain_image(), uid=box)
            for _ in range(_ATTEMPTS):
                if not succeeded(seen):
                    break
                await asyncio.sleep(min(_PAUSE, peer.timeout))
                seen = await talk.set_image(talk.plain_image(), uid=box)
            steps.judge(
                "N-SET of the earlier image box",
                seen,
                kept=_NO_SUCH,
                deviated=(FAILURE,),
                broken=SUCCESS_OR_WARNING,
            )
            talk.session_uid = session
            seen = await talk.ask(talk.creation(BasicFilmBox), talk.film_box(talk.layout))
            talk.session_uid = ""
            steps.judge("a film box in the earlier session", seen, kept=(FAILURE,), broken=SUCCESS_OR_WARNING)
            steps.judge("a new session", await talk.create_session())
            return steps.result()
    except Decided as decided:
        return decided.seen


async def use_film_of_another(peer: Peer) -> Seen:
    try:
        async with conversation(peer) as one, conversation(peer) as two:
            steps = Steps(peer)
            await one.prepare_film_box()
            seen = await two.set_image(two.plain_image(), uid=one.image_uids[0])
            steps.judge(
                "N-SET of the other association's image box",
                seen,
                kept=_NO_SUCH,
                deviated=(FAILURE,),
                broken=SUCCESS_OR_WARNING,
            )
            seen = await two.delete(BasicFilmBox, one.film_uid)
            steps.judge(
                "N-DELETE of the other association's film box",
                seen,
                kept=_NO_SUCH,
                deviated=(FAILURE,),
                broken=SUCCESS_OR_WARNING,
            )
            steps.judge("N-SET of its own image box", await one.set_image(one.plain_image()))
            return steps.result()
    except Decided as decided:
        return decided.seen


async def create_lut_before_session(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    uid = talk.peer.random_uid()
    identity = Dataset(PresentationLUTShape="IDENTITY")
    seen = await talk.create(PresentationLUT, identity, uid)
    steps.judge("a LUT before the session", seen, kept=(_LUT_OK,), deviated=(FAILURE,), broken=())
    await talk.prepare_session()
    if not succeeded(seen) and not succeeded(seen := await talk.create(PresentationLUT, identity, uid)):
        raise Unprepared(f"the LUT was not created, though there is a session: {seen}")
    seen = await talk.create_film_box(film_box_with_lut(talk, uid))
    steps.judge("a film box that refers to the LUT", seen, broken=())
    return steps.result()


def film_box_with_lut(talk: Conversation, uid: str) -> Dataset:
    """Return the Data Set of a film box that refers to a Presentation LUT."""
    reference = Dataset(ReferencedSOPClassUID=PresentationLUT, ReferencedSOPInstanceUID=uid)
    return talk.film_box(talk.layout, ReferencedPresentationLUTSequence=[reference])


async def refer_to_deleted_lut(talk: Conversation) -> Seen:
    uid = talk.peer.random_uid()
    if not succeeded(seen := await talk.create(PresentationLUT, Dataset(PresentationLUTShape="IDENTITY"), uid)):
        raise Unprepared(f"the LUT was not created: {seen}")
    await talk.prepare_session()
    await talk.prepare_film_box(film_box_with_lut(talk, uid))
    first = await talk.delete(PresentationLUT, uid)
    film, talk.film_uid = talk.film_uid, ""
    if not succeeded(seen := await talk.delete(BasicFilmBox, film)):
        raise Unprepared(f"the film box was not deleted: {seen}")
    second = await talk.delete(PresentationLUT, uid)
    if not (succeeded(first) or succeeded(second) or matches(_NO_SUCH[0], (second,))):
        raise Unprepared(f"the LUT was not deleted: {first}, then {second}")
    return await talk.create_film_box(film_box_with_lut(talk, uid))


ENDS: tuple[Case, ...] = (
    Case(
        id="PRN-L-1.20",
        title="The end of the association deletes all instances",
        section="PS3.4 H.5, H.4.1.2.1.3 ('effectively perform an N-DELETE')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=ended_by(release),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, SILENCE),
        subcases=(SubCase(name="A-ABORT", run=ended_by(abort)), SubCase(name="reset", run=ended_by(reset))),
    ),
    Case(
        id="PRN-L-1.21",
        title="Associations do not see each other's films",
        section="PS3.4 H.4.1.2.1.3, H.5",
        level=Level.SHOULD,
        needs=Flags.PRINT | Flags.TWO_ASSOC,
        run=use_film_of_another,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="PRN-L-1.26",
        title="A LUT needs no film session",
        section="PS3.4 H.4.9.2.1.3 ('prior to referencing it')",
        level=Level.SHOULD,
        needs=Flags.PLUT,
        run=on_print(create_lut_before_session, PresentationLUT),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(ABORT, SILENCE),
    ),
    Case(
        id="PRN-L-1.27",
        title="A deleted LUT cannot be referred to",
        section="PS3.4 H.4.9.2.2.2",
        level=Level.MUST,
        needs=Flags.PLUT,
        run=on_print(refer_to_deleted_lut, PresentationLUT),
        passes=(Answered(frozenset({0x0106, 0x0112, 0x0116, 0x0119})),),
        nonstrict=(FAILURE,),
        fails=(Answered(0x0000),),
    ),
)
