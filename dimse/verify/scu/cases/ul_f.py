"""UL-F-5, UL-F-6 and UL-F-7: an SCU in Sta5, Sta6 and Sta7, cell by cell of Table 9-10."""

import asyncio
from collections.abc import Callable

from ....message import CEchoRQ, NEventReportRQ, encode_command
from ....uids import ImplicitVRLittleEndian, Printer, PrinterInstance, Verification
from ....ul import PDU, PDV, Abort, AssociateAC, AssociateRQ, PDataTF, PresentationContextAC, ReleaseRP, ReleaseRQ
from ....ul.forge import forge_pdu
from ...case import Case, Flags, Role, SubCase
from ...cases.material import TABLE_9_10, octets_of
from ...observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    OTHER_PDU,
    RELEASED,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    Aborted,
    Answered,
    Asked,
    Broken,
    Closed,
    Crashed,
    Deviated,
    Ends,
    Garbled,
    Observation,
    ReleaseAsked,
    Released,
    Running,
    Then,
)
from ...verdict import Close, Level
from ..outcomes import command_ends, crash, end_of, first_after, require_reached
from ..peer import ScuPeer
from ..reactions import closes, nothing, resets, sends
from ..visit import Exchange, Visit
from .material import on_associate, on_release, on_second_request

__all__ = ["UL_F_5", "UL_F_6", "UL_F_7"]

ASKED, CRASHED, RELEASE_ASKED = Asked(), Crashed(), ReleaseAsked()
_SOON = 2.0  # seconds after A-RELEASE-RP within which a requestor should close the connection
_EVENT_ID = 1000  # the Message ID of the tester's N-EVENT-REPORT-RQ

Octets = Callable[[Exchange], bytes | PDU]


def _echo(_: Exchange) -> PDU:
    command = encode_command(CEchoRQ(MessageID=1, AffectedSOPClassUID=Verification))
    return PDataTF((PDV(1, command, True, True),))


def _request(exchange: Exchange) -> PDU:
    assert isinstance(exchange.wire.proposal, AssociateRQ)
    return exchange.wire.proposal


def _acceptance(exchange: Exchange) -> PDU:
    answer = exchange.wire.answer
    contexts = (PresentationContextAC(1, 0, ImplicitVRLittleEndian),)
    return answer or AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=contexts)


def _unknown(_: Exchange) -> bytes:
    return forge_pdu(0x09, bytes(21))


_STA5 = (  # the number of the case, its title, the event in Table 9-10, the octets
    ("01", "P-DATA-TF instead of the answer", "Evt10", _echo),
    ("02", "A-RELEASE-RQ instead of the answer", "Evt12", lambda _: ReleaseRQ()),
    ("03", "A-RELEASE-RP instead of the answer", "Evt13", lambda _: ReleaseRP()),
    ("04", "A-ASSOCIATE-RQ instead of the answer", "Evt6", _request),
    ("05", "An unknown PDU type instead of the answer", "Evt19", _unknown),
)

UL_F_5: tuple[Case, ...] = (
    *(
        Case(
            id=f"UL-F-5.{number}",
            title=title,
            section=f"{TABLE_9_10} {event} x Sta5 (AA-8)",
            level=Level.MUST,
            role=Role.SCU,
            needs=Flags.SCU,
            run=on_associate(sends(octets), first_after),
            passes=(Aborted(2),),
            nonstrict=(Aborted(0), CLOSED),
            fails=(ASKED, SILENCE, CRASHED),
            close=Close.ABORT,
        )
        for number, title, event, octets in _STA5
    ),
    Case(
        id="UL-F-5.06",
        title="A-ABORT instead of the answer",
        section="PS3.8 Table 9-10 Evt16 x Sta5 (AA-3)",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_associate(sends(lambda _: Abort(2, 0)), first_after),
        passes=(CLOSED,),
        nonstrict=(ABORT,),
        fails=(ASKED, SILENCE, CRASHED),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-5.07",
        title="The connection closes instead of an answer",
        section="PS3.8 Table 9-10 Evt17 x Sta5 (AA-4)",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU | Flags.COMMAND,
        run=on_associate(closes, command_ends),
        subcases=(SubCase(name="reset", run=on_associate(resets, command_ends)),),
        passes=(RULE_KEPT,),
        fails=(Running(), CRASHED),
        close=Close.TESTER,
    ),
)


# --- Sta6 ---

_STA6 = (  # the number of the case, its title, the event in Table 9-10, the octets
    ("01", "A second A-ASSOCIATE-AC instead of a response", "Evt3", _acceptance),
    ("02", "A-RELEASE-RP without a request instead of a response", "Evt13", lambda _: ReleaseRP()),
    ("03", "An unknown PDU type instead of a response", "Evt19", _unknown),
)


def _aborts(source: int, reason: int) -> Octets:
    return lambda _: Abort(source, reason)


async def _closes_midway(exchange: Exchange) -> None:
    """Send half of the response, and end the connection."""
    response = exchange.response
    assert response is not None
    octets = octets_of(PDataTF((PDV(exchange.context_id, encode_command(response), True, True),)))
    exchange.wire.send(octets[: len(octets) // 2])
    exchange.wire.shut_down()


async def _asks_for_release(exchange: Exchange) -> None:
    exchange.wire.send(ReleaseRQ())
    if isinstance(await exchange.wire.next(exchange.visit.patience), Released):
        exchange.wire.shut_down()


def _released(peer: ScuPeer, visit: Visit) -> Observation:
    """Return the SCU's first event after the tester's reaction, or `Broken` for a request after an A-RELEASE-RP."""
    found = first_after(peer, visit)
    if found == (RELEASED,) and any(isinstance(seen, Asked) for seen in visit.after()):
        return (Broken("a request after A-RELEASE-RP"),)
    return found


UL_F_6: tuple[Case, ...] = (
    *(
        Case(
            id=f"UL-F-6.{number}",
            title=title,
            section=f"{TABLE_9_10} {event} x Sta6 (AA-8)",
            level=Level.MUST,
            role=Role.SCU,
            needs=Flags.SCU,
            run=on_second_request(sends(octets), first_after),
            passes=(Aborted(2),),
            nonstrict=(Aborted(0), CLOSED, RELEASE_ASKED),
            fails=(ASKED, SILENCE, CRASHED),
            close=Close.ABORT,
        )
        for number, title, event, octets in _STA6
    ),
    Case(
        id="UL-F-6.04",
        title="A-ABORT instead of a response",
        section="PS3.8 Table 9-10 Evt16 x Sta6 (AA-3); PS3.7 A.6",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU | Flags.COMMAND,
        run=on_second_request(sends(_aborts(0, 0)), end_of),
        subcases=(SubCase(name="ABORT(2,2)", run=on_second_request(sends(_aborts(2, 2)), end_of)),),
        passes=(CLOSED,),
        fails=(OTHER_PDU, ABORT, SILENCE, Ends(Running()), CRASHED),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-6.05",
        title="The connection closes instead of a response",
        section="PS3.8 Table 9-10 Evt17 x Sta6 (AA-4)",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU | Flags.COMMAND,
        run=on_second_request(closes, command_ends),
        subcases=(
            SubCase(name="reset", run=on_second_request(resets, command_ends)),
            SubCase(name="in the middle of a PDU", run=on_second_request(_closes_midway, command_ends)),
        ),
        passes=(RULE_KEPT,),
        fails=(Running(), CRASHED),
        close=Close.TESTER,
    ),
    Case(
        id="UL-F-6.06",
        title="The printer asks for release in the middle of an operation",
        section="PS3.8 Table 9-10 Evt12 x Sta6 (AR-2, AR-4), §7.2.2.3",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_second_request(_asks_for_release, _released),
        passes=(RELEASED,),
        nonstrict=(ABORT,),
        fails=(SILENCE, RULE_BROKEN, CLOSED, CRASHED),
        close=Close.EITHER,
    ),
)


# --- Sta7 ---


async def _asks_for_release_too(exchange: Exchange) -> None:
    exchange.wire.send(ReleaseRQ())
    if isinstance(await exchange.wire.next(exchange.visit.patience), Released):
        exchange.wire.send(ReleaseRP())


def _collision(peer: ScuPeer, visit: Visit) -> Observation:
    """Return the A-RELEASE-RP and the event after it; if the first event is another one, return only that."""
    found = first_after(peer, visit)
    if found != (RELEASED,):
        return found
    return tuple(visit.after()[:2])


async def _late_data(exchange: Exchange) -> None:
    """Before the A-RELEASE-RP, send an N-EVENT-REPORT-RQ, or repeat the last response if it answered a C-ECHO."""
    last = exchange.visit.exchanges[-1] if exchange.visit.exchanges else None
    if last is not None and isinstance(last.request, CEchoRQ):
        last.proceed()
    elif last is not None:
        event = NEventReportRQ(
            MessageID=_EVENT_ID,
            AffectedSOPClassUID=Printer,
            AffectedSOPInstanceUID=PrinterInstance,
            EventTypeID=1,
        )
        exchange.wire.say(event, last.context_id)
    exchange.proceed()


def _data_after_release(peer: ScuPeer, visit: Visit) -> Observation:
    """Return the first message or unreadable octets after the A-RELEASE-RQ, or else the first event.

    A crash of the program takes precedence.
    """
    if found := crash(visit):
        return found
    require_reached(visit)
    data = next((seen for seen in visit.after() if isinstance(seen, Asked | Answered | Garbled)), None)
    return (data,) if data is not None else first_after(peer, visit)


async def _answers_and_waits(exchange: Exchange) -> None:
    """Answer the release, and measure how long the SCU keeps the connection."""
    exchange.proceed()
    start = asyncio.get_running_loop().time()
    await exchange.wire.is_quiet(exchange.visit.patience)
    exchange.visit.times.append(("close", start, asyncio.get_running_loop().time()))


def _end_in_time(peer: ScuPeer, visit: Visit) -> Observation:
    """Return the first event after the reaction; `Deviated` if this is the end of the connection, and came late."""
    found = first_after(peer, visit)
    took = next((end - start for name, start, end in visit.times if name == "close"), 0.0)
    if found and isinstance(found[0], Closed) and took > _SOON:
        return (Deviated(f"CLOSED after {took:.1f} s"),)
    return found


UL_F_7: tuple[Case, ...] = (
    Case(
        id="UL-F-7.01",
        title="Release collision, requestor side",
        section="PS3.8 §7.2.2.7; Table 9-10 Evt12 x Sta7 (AR-8, AR-9), Evt13 x Sta11 (AR-3)",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_release(_asks_for_release_too, _collision),
        passes=(Then(RELEASED, CLOSED),),
        nonstrict=(ABORT,),
        fails=(SILENCE, CLOSED, OTHER_PDU, Ends(SILENCE), CRASHED),
    ),
    Case(
        id="UL-F-7.02",
        title="Data after the release request",
        section="PS3.8 §7.2.2.1; Table 9-10 Evt10 x Sta7 (AR-6)",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_release(_late_data, _data_after_release),
        passes=(CLOSED,),
        nonstrict=(ABORT,),
        fails=(ASKED, Answered(), SILENCE, CRASHED),
    ),
    Case(
        id="UL-F-7.03",
        title="A-ABORT instead of A-RELEASE-RP",
        section="PS3.8 Table 9-10 Evt16 x Sta7 (AA-3)",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU | Flags.COMMAND,
        run=on_release(sends(_aborts(0, 0)), end_of),
        passes=(CLOSED,),
        fails=(OTHER_PDU, ABORT, SILENCE, Ends(Running()), CRASHED),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-7.04",
        title="The connection closes instead of A-RELEASE-RP",
        section="PS3.8 Table 9-10 Evt17 x Sta7 (AA-4)",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU | Flags.COMMAND,
        run=on_release(closes, command_ends),
        passes=(RULE_KEPT,),
        fails=(Running(), CRASHED),
        close=Close.TESTER,
    ),
    Case(
        id="UL-F-7.05",
        title="The requestor closes after A-RELEASE-RP",
        section="PS3.8 §9.1.4 a; Table 9-10 Evt13 x Sta7 (AR-3)",
        level=Level.MUST,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_release(_answers_and_waits, _end_in_time),
        passes=(CLOSED,),
        nonstrict=(DEVIATED,),
        fails=(SILENCE, OTHER_PDU, ABORT, CRASHED),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-7.06",
        title="No answer to the release request",
        section="PS3.8 §9.1.4 note 2",
        level=Level.SHOULD,
        role=Role.SCU,
        needs=Flags.SCU,
        run=on_release(nothing, first_after),
        passes=(ABORT, CLOSED),
        fails=(SILENCE, CRASHED),
        close=Close.EITHER,
    ),
)
