"""UL-A-2, -3 and -6: protocol version, reserved fields, application context, AE titles, a second association."""

from ...uids import DICOMApplicationContext
from ..case import Case, CaseRun, Flags, SubCase, Unprepared
from ..items import forge_request
from ..observation import (
    ABORT,
    CLOSED,
    DEAD,
    DEVIATED,
    REJECT,
    SILENCE,
    SUCCESS,
    Accepted,
    Deviated,
    Ends,
    Observation,
    Rejected,
    Seen,
    Silent,
    Then,
    accepted,
)
from ..peer import Peer
from ..verdict import Close, Level, Verdict

__all__ = ["UL_A_REQUEST"]

_TITLE_LENGTH = 16  # octets
_EITHER_RESULT = frozenset({1, 2})  # rejected-permanent, rejected-transient
_UNKNOWN_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.9"


def version(number: int) -> CaseRun:
    """Return the run that proposes an association with this Protocol-version."""

    async def run(peer: Peer) -> Seen:
        return (await peer.ask(protocol_version=number))[1]

    return run


async def unknown_application_context(peer: Peer) -> Seen:
    wire, answer = await peer.ask(application_context_name=_UNKNOWN_APPLICATION_CONTEXT)
    if wire.answer is None or wire.answer.application_context_name == DICOMApplicationContext:
        return answer
    return Deviated(f"AC that names {wire.answer.application_context_name}")


async def reserved_fields(peer: Peer) -> Seen:
    return (await peer.ask(octets=forge_request(peer, reserved=0xFF)))[1]


async def leading_space(peer: Peer) -> Seen:
    if len(peer.target.called) >= _TITLE_LENGTH:
        raise Unprepared("the called AE title leaves no room for a space", Verdict.SKIPPED)
    called = f" {peer.target.called}".encode().ljust(_TITLE_LENGTH)
    return (await peer.ask(octets=forge_request(peer, called=called)))[1]


async def unknown_called(peer: Peer) -> Seen:
    return (await peer.ask(called_ae_title="NO_SUCH_AE_9"))[1]


async def unknown_calling(peer: Peer) -> Seen:
    return (await peer.ask(calling_ae_title="NO_SUCH_SCU_9"))[1]


async def blank_called(peer: Peer) -> Seen:
    return (await peer.ask(octets=forge_request(peer, called=b" " * _TITLE_LENGTH)))[1]


async def blank_calling(peer: Peer) -> Seen:
    return (await peer.ask(octets=forge_request(peer, calling=b" " * _TITLE_LENGTH)))[1]


async def second_association(peer: Peer) -> Observation:
    first = await peer.associate()
    second, answer = await peer.ask()
    if isinstance(answer, Silent):
        await first.release(peer.target.preparation)
        first.shut_down()
        return (answer, await second.next(peer.target.preparation))
    if 1 not in second.contexts:
        return (answer,)
    return (answer, await peer.echo(second))


_REFUSED = (REJECT, ABORT, CLOSED, SILENCE)

UL_A_REQUEST: tuple[Case, ...] = (
    Case(
        id="UL-A-2.01",
        title="Only bit 0 of Protocol-version is tested",
        section="PS3.8 §9.3.2 Table 9-11 bytes 7-8",
        level=Level.MUST,
        run=version(0x0003),
        passes=(Accepted(),),
        fails=_REFUSED,
        subcases=(SubCase(name="FFFFH", run=version(0xFFFF)),),
    ),
    Case(
        id="UL-A-2.02",
        title="A request whose Protocol-version lacks bit 0 is rejected",
        section="PS3.8 §9.2.2 AE-6, §9.3.4 Table 9-21",
        level=Level.MUST,
        run=version(0x0002),
        passes=(Rejected(_EITHER_RESULT, 2, 2),),
        nonstrict=(REJECT, ABORT),
        fails=(Accepted(), SILENCE),
        close=Close.REJECT,
    ),
    Case(
        id="UL-A-2.03",
        title="An unknown application context name",
        section="PS3.8 §7.1.1.2; PS3.7 A.1, A.2.1",
        level=Level.SHOULD,
        run=unknown_application_context,
        passes=(Rejected(_EITHER_RESULT, 1, 2), Accepted()),
        nonstrict=(DEVIATED, REJECT, ABORT),
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-2.04",
        title="Reserved fields of the request are not tested",
        section="PS3.8 §9.3.2 Tables 9-11 to 9-16",
        level=Level.MUST,
        run=reserved_fields,
        passes=(accepted({1: frozenset({0, 3})}),),  # 3: a peer without Verification
        fails=_REFUSED,
    ),
    Case(
        id="UL-A-3.01",
        title="Leading spaces of the called AE title are not significant",
        section="PS3.8 §9.3.2 Table 9-11 bytes 11-26",
        level=Level.MUST,
        needs=Flags.CHECKS_CALLED,
        run=leading_space,
        passes=(Accepted(),),
        fails=(Rejected(1, 1, 7), ABORT, SILENCE),
    ),
    Case(
        id="UL-A-3.02",
        title="An unknown called AE title: accepted or rejected",
        section="PS3.8 §7.1.1.4 note",
        level=Level.INFO,
        run=unknown_called,
        passes=(Rejected(_EITHER_RESULT, 1, 7), Accepted()),
        nonstrict=(REJECT,),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-3.03",
        title="An unknown calling AE title: accepted or rejected",
        section="PS3.8 §7.1.1.3 note, Table 9-21",
        level=Level.SHOULD,
        run=unknown_calling,
        passes=(Accepted(), Rejected(_EITHER_RESULT, 1, 3), Rejected(_EITHER_RESULT, 1, 1)),
        nonstrict=(REJECT,),
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-3.04",
        title="An AE title of 16 spaces",
        section="PS3.8 §9.3.2 Table 9-11 ('shall not be used')",
        level=Level.SHOULD,
        run=blank_called,
        passes=(REJECT, ABORT),
        nonstrict=(Accepted(), CLOSED),
        fails=(SILENCE,),
        subcases=(SubCase(name="calling title", run=blank_calling),),
        close=Close.EITHER,
    ),
    Case(
        id="UL-A-6.01",
        title="A second association while one is open",
        section="PS3.8 §9.1.4 note 1; PS3.4 H.3.4 (maximum number stated)",
        level=Level.SHOULD,
        run=second_association,
        passes=(Then(Accepted(), SUCCESS), accepted({1: 3}), Rejected(2)),
        nonstrict=(Then(SILENCE, Accepted()),),
        fails=(Ends(CLOSED), DEAD),
    ),
)
