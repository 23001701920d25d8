"""UL-F-2: an SCP in Sta6, with an association. Table 9-10 of PS3.8, cell by cell."""

import asyncio

from ...ul import PDU, Abort, AssociateRJ, ReleaseRP, ReleaseRQ
from ...ul.forge import forge_pdu
from ..case import Case, CaseRun, Flags, SubCase
from ..observation import (
    ABORT,
    ALIVE,
    CLOSED,
    DEAD,
    DEVIATED,
    OTHER_PDU,
    RELEASED,
    RESPONSE,
    SILENCE,
    SUCCESS,
    Aborted,
    Answered,
    Closed,
    Deviated,
    Ends,
    Observation,
    ReleaseAsked,
    Released,
    Seen,
    Then,
)
from ..peer import Peer
from ..verdict import Close, Level
from .material import TABLE_9_10, acceptance, echo_octets, octets_of, reply_to

__all__ = ["STA6"]


_UNEXPECTED = (  # the number of the case, its title, the event in Table 9-10, the octets
    ("01", "A-ASSOCIATE-AC on an association", "Evt3", acceptance),
    ("02", "A-ASSOCIATE-RJ on an association", "Evt4", lambda _: AssociateRJ(1, 1, 1)),
    ("03", "A second A-ASSOCIATE-RQ on an association", "Evt6", lambda peer: peer.request()),
    ("04", "A-RELEASE-RP without a request on an association", "Evt13", lambda _: ReleaseRP()),
    ("05", "An unknown PDU type on an association", "Evt19", lambda _: forge_pdu(0x09, bytes(5))),
)

_ABORTS = tuple(
    Case(
        id=f"UL-F-2.{number}",
        title=title,
        section=f"{TABLE_9_10} {event} x Sta6 (AA-8)",
        level=Level.MUST,
        run=reply_to(octets, Peer.associate),
        passes=(Aborted(2),),
        nonstrict=(Aborted(0), CLOSED),
        fails=(SILENCE, OTHER_PDU),
        close=Close.ABORT,
    )
    for number, title, event, octets in _UNEXPECTED
)


def aborted(octets: bytes | PDU) -> CaseRun:
    """Return the run that sends this A-ABORT on an association."""

    async def run(peer: Peer) -> Seen:
        wire = await peer.associate()
        clock = asyncio.get_running_loop().time
        wire.send(octets)
        start = clock()
        seen = await wire.next(peer.target.artim)
        if isinstance(seen, Closed) and clock() - start > _PROMPT:
            return Deviated(f"CLOSED after {clock() - start:.1f} s")
        return seen

    return run


async def half_closed(peer: Peer) -> Observation:
    """Half close the connection of one association, and reset that of another; then see whether the peer serves."""
    wire = await peer.associate()
    wire.half_close()
    seen = await wire.next(peer.target.artim)
    (await peer.associate()).reset()
    return (seen, await peer.probe())


async def released(peer: Peer) -> Seen:
    return await (await peer.associate()).release()


async def released_with_reserved_bytes(peer: Peer) -> Seen:
    wire = await peer.associate()
    wire.send(forge_pdu(0x05, b"\xff" * 4, reserved=0xFF))
    return await wire.next()


async def release_after_request(peer: Peer) -> Observation:
    wire = await peer.associate_all()
    wire.send(echo_octets() + octets_of(ReleaseRQ()))
    first = await wire.next()
    if isinstance(first, Answered):
        return (first, await wire.next())
    return await wire.rest(first) if isinstance(first, Released) else (first,)


async def data_after_release(peer: Peer) -> Observation:
    wire = await peer.associate_all()
    wire.send(octets_of(ReleaseRQ()) + echo_octets())
    first = await wire.next()
    return await wire.rest(first) if isinstance(first, Released) else (first,)


_PROMPT = 2.0  # seconds in which a peer should close the connection after an A-ABORT

_OTHERS = (
    Case(
        id="UL-F-2.06",
        title="A-ABORT by the user",
        section=f"{TABLE_9_10} Evt16 x Sta6 (AA-3)",
        level=Level.MUST,
        run=aborted(Abort(0, 0)),
        passes=(CLOSED,),
        nonstrict=(DEVIATED,),
        fails=(OTHER_PDU, ABORT, SILENCE),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-2.07",
        title="A-ABORT by the provider, and with reserved values",
        section=f"{TABLE_9_10} Evt16 x Sta6 (AA-3), Table 9-26",
        level=Level.MUST,
        run=aborted(Abort(2, 6)),
        passes=(CLOSED,),
        nonstrict=(DEVIATED,),
        fails=(SILENCE,),
        subcases=(
            SubCase(name="source 1", run=aborted(Abort(1, 0)), nonstrict=(DEVIATED, ABORT)),
            SubCase(name="reason 3", run=aborted(Abort(2, 3))),
            SubCase(name="bytes 7-8 FFH", run=aborted(forge_pdu(0x07, b"\xff\xff\0\0"))),
        ),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-2.08",
        title="The connection is half closed or reset without release",
        section=f"{TABLE_9_10} Evt17 x Sta6 (AA-4)",
        level=Level.MUST,
        run=half_closed,
        passes=(Then(CLOSED, ALIVE),),
        fails=(Then(SILENCE, ALIVE), Ends(DEAD)),
        close=Close.PEER,
    ),
    Case(
        id="UL-F-2.09",
        title="Release",
        section="PS3.8 §7.2.2.3, §9.2.3 Table 9-10 Evt12 x Sta6 (AR-2, AR-4)",
        level=Level.MUST,
        run=released,
        passes=(RELEASED,),
        fails=(ABORT, CLOSED, SILENCE, ReleaseAsked()),
    ),
    Case(
        id="UL-F-2.10",
        title="Reserved bytes of A-RELEASE-RQ that are not 0 are ignored",
        section="PS3.8 §9.3.6 Table 9-24",
        level=Level.MUST,
        run=released_with_reserved_bytes,
        passes=(RELEASED,),
        fails=(ABORT, CLOSED, SILENCE),
    ),
    Case(
        id="UL-F-2.11",
        title="A release request right after another request",
        section="PS3.8 §7.2.2.2, Table 9-10 Evt9 x Sta8 (AR-7); PS3.7 A.5",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=release_after_request,
        passes=(Then(SUCCESS, RELEASED), RELEASED),
        nonstrict=(ABORT, Then(SUCCESS, ABORT)),
        fails=(Ends(SILENCE), Then(RELEASED, RESPONSE)),
    ),
    Case(
        id="UL-F-2.12",
        title="Data right after the release request",
        section="PS3.8 §7.2.2.1, §7.2.2.4; Table 9-10 Evt10 x Sta8 (AA-8), x Sta13 (AA-6)",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=data_after_release,
        passes=(RELEASED, ABORT, Then(RELEASED, ABORT)),
        nonstrict=(CLOSED,),
        fails=(Then(RELEASED, RESPONSE), SILENCE),
        close=Close.EITHER,
    ),
)


STA6: tuple[Case, ...] = (*_ABORTS, *_OTHERS)
