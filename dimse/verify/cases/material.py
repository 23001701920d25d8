"""PDUs that cases of several categories send, and the wait for the end of a connection."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from ...message import CEchoRQ, encode_command
from ...uids import ImplicitVRLittleEndian, Verification
from ...ul import PDU, PDV, AssociateAC, PDataTF, PresentationContextAC, encode_pdu
from ...ul.forge import forge_pdu, forge_pdv
from ..case import CaseRun
from ..observation import Closed, Deviated, Observation, Seen
from ..peer import Peer
from ..wire import Wire

__all__ = [
    "TABLE_9_10",
    "UNKNOWN_CLASS",
    "acceptance",
    "command_pdu",
    "echo_octets",
    "ended",
    "octets_of",
    "random_octets",
    "reply_to",
]

TABLE_9_10 = "PS3.8 §9.2.3 Table 9-10"
UNKNOWN_CLASS = "1.2.3.4"  # no SOP Class has this UID
_P_DATA, _COMMAND_AND_LAST = 0x04, 3
_KNOWN_TYPES = range(1, 8)  # of PDUs


def echo_octets(context_id: int = 1, message_id: int = 1) -> bytes:
    """Return a C-ECHO-RQ in one P-DATA-TF."""
    command = encode_command(CEchoRQ(MessageID=message_id, AffectedSOPClassUID=Verification))
    return b"".join(encode_pdu(PDataTF((PDV(context_id, command, True, True),))))


def command_pdu(command: bytes) -> bytes:
    """Return a Command Set in one P-DATA-TF on context 1."""
    return forge_pdu(_P_DATA, forge_pdv(1, _COMMAND_AND_LAST, command))


def acceptance(peer: Peer) -> AssociateAC:
    """Return a well-formed A-ASSOCIATE-AC."""
    return AssociateAC(
        called_ae_title=peer.target.called,
        calling_ae_title=peer.target.calling,
        presentation_contexts=(PresentationContextAC(1, 0, ImplicitVRLittleEndian),),
        user_information=peer.user_information(),
    )


def octets_of(pdu: PDU) -> bytes:
    """Return a PDU as octets."""
    return b"".join(map(bytes, encode_pdu(pdu)))


def random_octets(random: Random) -> bytes:
    """Return 64 KiB of random octets that do not begin like a PDU."""
    octets = bytearray(random.randbytes(1 << 16))
    while octets[0] in _KNOWN_TYPES:
        octets[0] = random.randrange(256)
    return bytes(octets)


def reply_to(octets: Callable[[Peer], bytes | PDU], begin: Callable[[Peer], Awaitable[Wire]]) -> CaseRun:
    """Return the run that sends ``octets`` on the connection that ``begin`` opens, and returns the peer's reply."""

    async def run(peer: Peer) -> Seen:
        wire = await begin(peer)
        wire.send(octets(peer))
        return await wire.next()

    return run


async def ended(peer: Peer, wire: Wire, name: str, *, soonest: float = 0.0) -> Observation:
    """Return how the peer ends a connection.

    The last event is `Deviated` if the peer closes the connection later than `Target.artim`, or sooner than ``soonest``
    seconds. ``name`` is the name of the measured time in the report.
    """
    clock = asyncio.get_running_loop().time
    start = clock()
    seen = await wire.next(peer.target.slow_patience)
    before: Observation = ()
    if seen.is_pdu:
        before, seen = (seen,), await wire.next(max(start + peer.target.slow_patience - clock(), 0.0))
    if not isinstance(seen, Closed):
        return (*before, seen)
    took = clock() - start
    peer.measured[name] = (round(took, 1), "s")
    if took > peer.target.artim:
        seen = Deviated(f"CLOSED after {took:.1f} s, later than --artim")
    elif took < soonest:
        seen = Deviated("CLOSED at once, though the requestor should close it")
    return (*before, seen)
