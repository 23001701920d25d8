"""ROB: robustness of the layers below the print services.

The cases send octets that are not DICOM, wrong lengths and floods, and open silent connections.
"""

import asyncio
from collections.abc import Callable

from ...ul.forge import forge_pdu, forge_pdv
from ..case import Case, CaseRun, Flags, SubCase, Unprepared
from ..items import forge_request
from ..observation import (
    ABORT,
    ALIVE,
    CLOSED,
    DEAD,
    DEVIATED,
    REJECT,
    RELEASED,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    Aborted,
    Accepted,
    Answered,
    Broken,
    Closed,
    Deviated,
    Ends,
    Kept,
    Observation,
    Probed,
    Seen,
    Silent,
    Then,
    matches,
)
from ..peer import Peer
from ..verdict import Close, Level, Verdict
from .material import octets_of, random_octets

__all__ = ["ROB_WIRE"]

P_DATA, ASSOCIATE_RQ, COMMAND = 0x04, 0x01, 1
_CLIENT_HELLO = bytes.fromhex("16030100310100002d0303") + bytes(32) + bytes.fromhex("000004c02fc0300100000000")
_FLOOD, _FRAGMENT = 8 << 20, 4096  # octets of a flood, and the greatest PDU-length of its P-DATA-TFs
_PDV_HEADER = 6  # octets of a PDV before its fragment
_RESETS, _SILENT = 200, 32  # connections that are reset, and connections that stay silent
_ONE_BY_ONE, _AT_ONCE = 50, 10  # associations in sequence, and associations at the same time
_REST = 5.0  # seconds for the peer to recover after the resets
_TITLES = (b"../../etc/passwd", b"\0\1\x1bABC", b"%s%n%x", b"\xc4\xd6\xdc\xff")
_TITLE = 16


def first_octets(octets: Callable[[Peer], bytes]) -> CaseRun:
    """Return the run that sends ``octets`` on a new connection, in place of an A-ASSOCIATE-RQ."""

    async def run(peer: Peer) -> Observation:
        wire = await peer.connect()
        wire.send(octets(peer))
        return await wire.rest(await wire.next(peer.target.artim), is_last=True)

    return run


async def four_gigabytes(peer: Peer) -> Seen:
    wire = await peer.associate()
    if not wire.max_length:
        raise Unprepared("the peer gave no Maximum Length, or 0 (no limit)", Verdict.INFO)
    wire.send(forge_pdu(P_DATA, bytes(64), length=0xFFFFFFF0))
    return await wire.next(peer.target.artim)


async def two_gigabytes(peer: Peer) -> Seen:
    wire = await peer.connect()
    wire.send(forge_pdu(ASSOCIATE_RQ, octets_of(peer.request())[6:106], length=0x7FFFFFFF))
    clock = asyncio.get_running_loop().time
    start = clock()
    seen = await wire.next(peer.target.slow_patience)
    if isinstance(seen, Closed) and clock() - start > peer.target.artim:
        return Deviated(f"CLOSED after {clock() - start:.1f} s, later than --artim")
    return seen


async def resets(peer: Peer) -> Observation:
    for _ in range(_RESETS):
        (await peer.connect()).reset()
        peer.wires.clear()
    first = await peer.probe(0)
    return (first,) if first == ALIVE else (first, await peer.probe(min(_REST, peer.target.revival)))


async def silent_connections(peer: Peer) -> Observation:
    wires = [await peer.connect() for _ in range(_SILENT)]
    meanwhile: Seen = await peer.probe(0)
    if meanwhile == DEAD:
        # The peer probably serves one association at a time. Each silent connection would then block it until ARTIM
        # expires, so only the first stays open.
        meanwhile = SILENCE
        for wire in wires[1:]:
            wire.close()
        wires = wires[:1]
    await asyncio.gather(*(wire.next(peer.target.artim) for wire in wires))
    return (meanwhile, await peer.probe())


async def endless_command(peer: Peer) -> Seen:
    wire = await peer.associate()
    room = min(wire.max_length or _FRAGMENT, _FRAGMENT) - _PDV_HEADER
    if room < 1:
        raise Unprepared(f"the peer's Maximum Length, {wire.max_length}, leaves no room for a fragment")
    piece = forge_pdu(P_DATA, forge_pdv(1, COMMAND, bytes(room)))
    await wire.send_all((piece for _ in range(_FLOOD // len(piece))), peer.timeout)
    return await wire.next()


async def half_a_pdu(peer: Peer) -> Observation:
    wire = await peer.associate()
    wire.send(forge_pdu(P_DATA, forge_pdv(1, COMMAND, bytes(94)))[:50])
    seen, meanwhile = await wire.next(peer.timeout), ALIVE
    if Flags.TWO_ASSOC in peer.flags and not isinstance(seen, Aborted | Closed):
        meanwhile = await peer.probe()
    if not isinstance(seen, Aborted | Closed):
        seen = await wire.next(peer.target.slow_patience)
    return (seen,) if meanwhile == ALIVE else (seen, meanwhile)


def hostile_title(title: bytes) -> CaseRun:
    """Return the run that proposes an association with this calling AE title."""

    async def run(peer: Peer) -> Seen:
        return (await peer.ask(octets=forge_request(peer, calling=title.ljust(_TITLE))))[1]

    return run


async def many_associations(peer: Peer) -> Seen:
    for number in range(_ONE_BY_ONE):
        seen = await _echo_once(peer)
        if isinstance(seen, Silent):
            return seen
        if seen != RELEASED:
            return Broken(f"association {number + 1}: {seen}")
        await peer.dismiss()
    # `return_exceptions` lets all of them end before the first `Unprepared` ends the case
    at_once = await asyncio.gather(*(_echo_once(peer) for _ in range(_AT_ONCE)), return_exceptions=True)
    for found in at_once:
        if isinstance(found, BaseException):
            raise found
    wrong = [seen for seen in at_once if seen != RELEASED]
    return Deviated(f"{len(wrong)} of {_AT_ONCE} at once: {wrong[0]}") if wrong else Kept("all answered")


async def _echo_once(peer: Peer) -> Seen:
    """Associate, send a C-ECHO, and release; return the first wrong answer, or else the answer to the release."""
    wire, answer = await peer.ask()
    if not isinstance(answer, Accepted):
        return answer
    heard = await peer.echo(wire)
    if not isinstance(heard, Answered) or not matches(SUCCESS, (heard,)):
        return heard
    return await wire.release()


_NOT_DICOM = "PS3.8 §9.2.3 Table 9-10 Evt19 x Sta2 (AA-1)"

ROB_WIRE: tuple[Case, ...] = (
    Case(
        id="ROB-1.01",
        title="Octets that are not DICOM",
        section=_NOT_DICOM,
        level=Level.SHOULD,
        run=first_octets(lambda _: b"GET / HTTP/1.1\r\n\r\n"),
        passes=(Aborted(0),),
        nonstrict=(Aborted(2), CLOSED, Ends(ABORT)),
        fails=(SILENCE,),
        subcases=(
            SubCase(name="a TLS 1.2 ClientHello", run=first_octets(lambda _: _CLIENT_HELLO)),
            SubCase(name="64 KiB of random octets", run=first_octets(lambda peer: random_octets(peer.random))),
        ),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="ROB-1.02",
        title="A PDU that declares 4 GiB",
        section="PS3.8 D.1.2 ('Otherwise, it shall be a protocol error'), §9.2.3 Table 9-10 Evt19 x Sta6 (AA-8)",
        level=Level.SHOULD,
        run=four_gigabytes,
        passes=(ABORT,),
        nonstrict=(CLOSED,),
        fails=(SILENCE,),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="ROB-1.03",
        title="A request that declares 2 GiB",
        section="PS3.8 §9.1.4 (ARTIM), §9.2.3 Table 9-10 Evt19 x Sta2",
        level=Level.SHOULD,
        needs=Flags.SLOW,
        run=two_gigabytes,
        passes=(ABORT, REJECT, CLOSED),
        nonstrict=(DEVIATED,),
        fails=(SILENCE,),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="ROB-1.04",
        title="Two hundred connections that are reset at once",
        section="PS3.8 §9.2.3 Evt17 x Sta2 (AA-5)",
        level=Level.SHOULD,
        run=resets,
        passes=(ALIVE,),
        nonstrict=(Then(Probed(), ALIVE),),
        fails=(Ends(DEAD),),
        close=Close.NONE,
        risky=True,
    ),
    Case(
        id="ROB-1.05",
        title="Silent connections",
        section="PS3.8 §9.1.4, §9.2.3 Evt18 x Sta2 (AA-2)",
        level=Level.SHOULD,
        needs=Flags.SLOW,
        run=silent_connections,
        passes=(Then(ALIVE, ALIVE),),
        nonstrict=(Then(Probed(), ALIVE), Then(SILENCE, ALIVE)),
        fails=(Ends(DEAD),),
        close=Close.NONE,
        risky=True,
    ),
    Case(
        id="ROB-1.06",
        title="A command that never ends",
        section="PS3.7 §6.3.1; PS3.8 Annex E",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=endless_command,
        passes=(ABORT, CLOSED),
        nonstrict=(SILENCE,),
        fails=(DEAD,),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="ROB-1.12",
        title="Half a P-DATA-TF, then nothing",
        section="PS3.8 §9.2 (no timer in Sta6)",
        level=Level.INFO,
        needs=Flags.ECHO | Flags.SLOW,
        run=half_a_pdu,
        passes=(ABORT, CLOSED),
        nonstrict=(SILENCE,),
        fails=(Ends(DEAD),),
        close=Close.EITHER,
    ),
    Case(
        id="ROB-1.13",
        title="AE titles that are paths, control characters or format strings",
        section="PS3.5 §6.2 AE; PS3.8 Table 9-11",
        level=Level.SHOULD,
        run=hostile_title(_TITLES[0]),
        passes=(REJECT, ABORT),
        nonstrict=(Accepted(),),
        fails=(SILENCE,),
        subcases=tuple(SubCase(name=repr(title)[2:-1], run=hostile_title(title)) for title in _TITLES[1:]),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="ROB-1.15",
        title="Fifty associations, one after another, and ten at once",
        section="PS3.8 §7.1",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=many_associations,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, SILENCE),
        close=Close.NONE,
    ),
)
