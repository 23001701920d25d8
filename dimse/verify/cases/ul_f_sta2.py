"""UL-F-1: an SCP in Sta2, with a connection but no A-ASSOCIATE-RQ yet. Table 9-10 of PS3.8, cell by cell."""

import asyncio

from ...ul import Abort, AssociateRJ, ReleaseRP, ReleaseRQ
from ...ul.forge import forge_pdu
from ..case import Case, CaseRun, Flags, SubCase
from ..observation import (
    ABORT,
    ALIVE,
    CLOSED,
    DEAD,
    DEVIATED,
    OTHER_PDU,
    REJECT,
    SILENCE,
    Aborted,
    Accepted,
    Ends,
    Observation,
    Seen,
    Then,
)
from ..peer import Peer
from ..verdict import Close, Level
from ..wire import Wire
from .material import TABLE_9_10, acceptance, echo_octets, ended, octets_of, reply_to

__all__ = ["STA2"]


async def nothing_said(peer: Peer) -> Observation:
    """Wait for the end of a connection on which nothing was sent."""
    wire = await peer.connect()
    return await ended(peer, wire, "ARTIM")


async def aborted_first(peer: Peer) -> Seen:
    wire = await peer.connect()
    wire.send(Abort(0, 0))
    return await wire.next(peer.target.artim)


def unknown_first(length: int) -> CaseRun:
    """Return the run that sends an unknown PDU with ``length`` bytes before any A-ASSOCIATE-RQ."""

    async def run(peer: Peer) -> Observation:
        wire = await peer.connect()
        wire.send(forge_pdu(0x09, bytes(length)))
        return await wire.rest(await wire.next(peer.target.artim), is_last=True)

    return run


async def cut_off_request(peer: Peer) -> Seen:
    wire = await peer.connect()
    octets = octets_of(peer.request())
    wire.send(forge_pdu(0x01, octets[6 : 6 + _WITHIN_FIXED_FIELDS]))
    return await wire.next(peer.target.artim)


async def closed_before_request(peer: Peer) -> Seen:
    wire = await peer.connect()
    wire.half_close()
    await wire.next()
    (await peer.connect()).reset()
    return await peer.probe()


async def byte_by_byte(peer: Peer) -> Seen:
    wire = await peer.connect()
    await trickle(peer, wire, _QUICK_PAUSE)
    return await wire.next()


async def trickle(peer: Peer, wire: Wire, pause: float, seconds: float = 60.0) -> None:
    """Send an A-ASSOCIATE-RQ byte by byte; stop after ``seconds``, or when the peer ends the connection."""
    request = peer.request()
    wire.set_proposal(request)
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    for octet in octets_of(request):
        if not wire.is_open or clock() > end:
            return
        wire.send(bytes((octet,)))
        await asyncio.sleep(pause)


async def trickled_request(peer: Peer) -> Observation:
    wire = await peer.connect()
    pause = min(1.0, peer.target.artim / 60)
    trickling = asyncio.ensure_future(trickle(peer, wire, pause, peer.target.slow_patience))
    try:
        return await ended(peer, wire, "ARTIM of a request that trickles")
    finally:
        trickling.cancel()


_WITHIN_FIXED_FIELDS = 34  # octets after the header of an A-ASSOCIATE-RQ, which has 68 octets of fixed fields
_QUICK_PAUSE = 0.002  # seconds between two octets

_BEFORE = (  # the number of the case, its title, the event in Table 9-10, and what makes the PDU
    ("02", "A-ASSOCIATE-AC before an association", "Evt3", acceptance),
    ("03", "A-ASSOCIATE-RJ before an association", "Evt4", lambda _: AssociateRJ(1, 1, 1)),
    ("04", "P-DATA-TF before an association", "Evt10", lambda _: echo_octets()),
    ("05", "A-RELEASE-RQ before an association", "Evt12", lambda _: ReleaseRQ()),
    ("06", "A-RELEASE-RP before an association", "Evt13", lambda _: ReleaseRP()),
)

_FIRST_PDUS = tuple(
    Case(
        id=f"UL-F-1.{number}",
        title=title,
        section=f"{TABLE_9_10} {event} x Sta2 (AA-1)",
        level=Level.MUST,
        run=reply_to(octets, Peer.connect),
        passes=(Aborted(0),),
        nonstrict=(Aborted(2), CLOSED),
        fails=(SILENCE, OTHER_PDU),
        close=Close.ABORT,
    )
    for number, title, event, octets in _BEFORE
)

_OTHERS = (
    Case(
        id="UL-F-1.01",
        title="ARTIM expires before a request comes",
        section="PS3.8 §9.1.2, §9.1.4 b, §9.2.3 Table 9-10 Evt18 x Sta2 (AA-2)",
        level=Level.MUST,
        needs=Flags.SLOW,
        run=nothing_said,
        passes=(CLOSED,),
        nonstrict=(Then(ABORT, CLOSED), DEVIATED, Then(ABORT, DEVIATED)),
        fails=(SILENCE,),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-1.07",
        title="A-ABORT before an association",
        section=f"{TABLE_9_10} Evt16 x Sta2 (AA-2)",
        level=Level.MUST,
        run=aborted_first,
        passes=(CLOSED,),
        nonstrict=(ABORT,),
        fails=(SILENCE, OTHER_PDU),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-1.08",
        title="An unknown PDU type before an association",
        section=f"{TABLE_9_10} Evt19 x Sta2 (AA-1)",
        level=Level.MUST,
        run=unknown_first(5),
        passes=(Aborted(0),),
        nonstrict=(Aborted(2), CLOSED, Ends(ABORT)),
        fails=(SILENCE,),
        subcases=(SubCase(name="250 bytes", run=unknown_first(250)),),
        close=Close.ABORT,
        risky=True,
    ),
    Case(
        id="UL-F-1.09",
        title="A request that ends within its fixed fields",
        section=f"PS3.8 §9.3.2 Table 9-11; {TABLE_9_10.removeprefix('PS3.8 ')} Evt19 x Sta2 (AA-1)",
        level=Level.MUST,
        run=cut_off_request,
        passes=(ABORT, REJECT),
        nonstrict=(CLOSED,),
        fails=(Accepted(), SILENCE),
        close=Close.ABORT,
        risky=True,
    ),
    Case(
        id="UL-F-1.10",
        title="Connection closed before a request",
        section=f"{TABLE_9_10} Evt17 x Sta2 (AA-5)",
        level=Level.MUST,
        run=closed_before_request,
        passes=(ALIVE,),
        fails=(DEAD,),
        close=Close.TESTER,
    ),
    Case(
        id="UL-F-1.11",
        title="A request in pieces of one byte",
        section="PS3.8 §9.1.3 (a byte stream)",
        level=Level.MUST,
        run=byte_by_byte,
        passes=(Accepted(),),
        fails=(ABORT, CLOSED, SILENCE),
    ),
    Case(
        id="UL-F-1.12",
        title="ARTIM runs until the request is whole",
        section="PS3.8 §9.1.2, §9.1.4 b; AE-5, AE-6",
        level=Level.MUST,
        needs=Flags.SLOW,
        run=trickled_request,
        passes=(CLOSED, Then(ABORT, CLOSED)),
        nonstrict=(DEVIATED, Then(ABORT, DEVIATED)),
        fails=(SILENCE,),
        close=Close.PEER,
    ),
)


STA2: tuple[Case, ...] = (*_FIRST_PDUS, *_OTHERS)
