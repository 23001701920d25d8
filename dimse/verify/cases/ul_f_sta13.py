"""UL-F-3: an SCP in Sta13, in which the association is over and the connection is about to be closed."""

from ...ul.forge import forge_pdu
from ..case import Case, Flags, SubCase, Unprepared
from ..observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    REJECT,
    RESPONSE,
    SILENCE,
    Accepted,
    Observation,
    Rejected,
    Released,
    Seen,
    Silent,
    Then,
)
from ..peer import Peer
from ..verdict import Close, Level
from ..wire import Wire
from .material import echo_octets, ended

__all__ = ["STA13"]


_AT_ONCE = 0.1  # seconds: an SCP that closes the connection sooner did not wait for the requestor to close it


async def after_release(peer: Peer) -> Observation:
    wire = await peer.associate()
    seen = await wire.release(peer.target.preparation)
    if not isinstance(seen, Released):
        raise Unprepared(f"expected A-RELEASE-RP; got {seen}")
    return await ended(peer, wire, "connection after A-RELEASE-RP", soonest=_AT_ONCE)


async def after_rejection(peer: Peer) -> Observation:
    wire = await rejected(peer)
    return await ended(peer, wire, "connection after A-ASSOCIATE-RJ", soonest=_AT_ONCE)


async def rejected(peer: Peer) -> Wire:
    """Return a connection on which the peer has rejected an A-ASSOCIATE-RQ. Raises `Unprepared` if it does not."""
    wire = await peer.connect()
    wire.send(peer.request(protocol_version=2))
    seen = await wire.next(peer.target.preparation)
    if not isinstance(seen, Rejected):
        raise Unprepared(f"expected A-ASSOCIATE-RJ; got {seen}")
    return wire


async def after_abort(peer: Peer) -> Observation:
    wire = await peer.associate()
    wire.send(forge_pdu(0x09, bytes(5)))
    return await ended(peer, wire, "connection after A-ABORT")


async def data_after_release(peer: Peer) -> Seen:
    wire = await peer.associate_all()
    seen = await wire.release(peer.target.preparation)
    if not isinstance(seen, Released):
        raise Unprepared(f"expected A-RELEASE-RP; got {seen}")
    wire.send(echo_octets())
    return await wire.next()


async def request_after_release(peer: Peer) -> Observation:
    wire = await peer.associate()
    seen = await wire.release(peer.target.preparation)
    if not isinstance(seen, Released):
        raise Unprepared(f"expected A-RELEASE-RP; got {seen}")
    return await request_again(peer, wire)


async def request_after_rejection(peer: Peer) -> Observation:
    return await request_again(peer, await rejected(peer))


async def request_again(peer: Peer, wire: Wire) -> Observation:
    """Send an A-ASSOCIATE-RQ on a connection whose association is over; return the reaction of the peer.

    If the peer is silent, return the silence, and the event that follows the tester's FIN.
    """
    wire.send(peer.request())
    seen = await wire.next()
    if isinstance(seen, Silent):
        wire.half_close()
        return (seen, await wire.next())
    return (seen,)


STA13: tuple[Case, ...] = (
    Case(
        id="UL-F-3.01",
        title="The connection does not stay open forever after A-RELEASE-RP",
        section="PS3.8 §9.2.2 AR-4; Table 9-10 Evt18 x Sta13 (AA-2)",
        level=Level.MUST,
        needs=Flags.SLOW,
        run=after_release,
        passes=(CLOSED,),
        nonstrict=(DEVIATED,),
        fails=(SILENCE,),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-3.02",
        title="The connection does not stay open forever after A-ASSOCIATE-RJ",
        section="PS3.8 §9.2.2 AE-6, AE-8; Table 9-10 Evt18 x Sta13 (AA-2)",
        level=Level.MUST,
        needs=Flags.SLOW,
        run=after_rejection,
        passes=(CLOSED,),
        nonstrict=(DEVIATED,),
        fails=(SILENCE,),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-3.03",
        title="The connection does not stay open forever after A-ABORT",
        section="PS3.8 §9.1.4 d, §9.2.2 AA-8; Table 9-10 Evt18 x Sta13 (AA-2)",
        level=Level.MUST,
        needs=Flags.SLOW,
        run=after_abort,
        passes=(Then(ABORT, CLOSED),),
        nonstrict=(CLOSED, DEVIATED, Then(ABORT, DEVIATED)),
        fails=(SILENCE, Then(ABORT, SILENCE)),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-3.04",
        title="P-DATA after A-RELEASE-RP is ignored",
        section="PS3.8 §7.2.2.4; Table 9-10 Evt10 x Sta13 (AA-6)",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=data_after_release,
        passes=(SILENCE, CLOSED),
        nonstrict=(ABORT,),
        fails=(RESPONSE,),
        close=Close.EITHER,
        waits=True,
    ),
    Case(
        id="UL-F-3.05",
        title="No second association on one connection",
        section="PS3.8 §9.1.1 b; Table 9-10 Evt6 x Sta13 (AA-7)",
        level=Level.MUST,
        run=request_after_release,
        passes=(ABORT, CLOSED),
        nonstrict=(Then(SILENCE, CLOSED),),
        fails=(Accepted(), REJECT),
        subcases=(SubCase(name="after A-ASSOCIATE-RJ", run=request_after_rejection),),
        close=Close.EITHER,
    ),
)
