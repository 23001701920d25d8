"""UL-F, the state machine: Table 9-10 of PS3.8, cell by cell, as a peer sees it."""

from collections.abc import Callable

from ...message import CEchoRQ, encode_command
from ...uids import ImplicitVRLittleEndian, Verification
from ...ul import (
    PDU,
    PDV,
    AssociateAC,
    AssociateRJ,
    PDataTF,
    PresentationContextAC,
    ReleaseRP,
    ReleaseRQ,
    encode_pdu,
)
from ...ul.forge import forge_pdu
from ..case import Case, Run
from ..observation import (
    ANY_PDU,
    CLOSED,
    SILENCE,
    Aborted,
    Seen,
)
from ..peer import Peer
from ..verdict import Close, Level

__all__ = ["UL_F"]

_TABLE = "PS3.8 §9.2.3 Table 9-10"


def echo_octets(context_id: int = 1, message_id: int = 1) -> bytes:
    """Return a C-ECHO-RQ in one P-DATA-TF."""
    command = encode_command(CEchoRQ(MessageID=message_id, AffectedSOPClassUID=Verification))
    return b"".join(encode_pdu(PDataTF((PDV(context_id, command, True, True),))))


def acceptance(peer: Peer) -> AssociateAC:
    """Return a well formed A-ASSOCIATE-AC."""
    return AssociateAC(
        called_ae_title=peer.target.called,
        calling_ae_title=peer.target.calling,
        presentation_contexts=(PresentationContextAC(1, 0, ImplicitVRLittleEndian),),
        user_information=peer.user_information(),
    )


# --- Sta2: a connection, and no request yet ---

Octets = Callable[[Peer], bytes | PDU]


def first(octets: Octets) -> Run:
    """Return the run that sends ``octets`` before any request."""

    async def run(peer: Peer) -> Seen:
        wire = await peer.connect()
        wire.send(octets(peer))
        return await wire.next()

    return run


_BEFORE = (
    ("02", "A-ASSOCIATE-AC before an association", "Evt3", acceptance),
    ("03", "A-ASSOCIATE-RJ before an association", "Evt4", lambda _: AssociateRJ(1, 1, 1)),
    ("04", "P-DATA-TF before an association", "Evt10", lambda _: echo_octets()),
    ("05", "A-RELEASE-RQ before an association", "Evt12", lambda _: ReleaseRQ()),
    ("06", "A-RELEASE-RP before an association", "Evt13", lambda _: ReleaseRP()),
)

_STA2 = tuple(
    Case(
        id=f"UL-F-1.{number}",
        title=title,
        section=f"{_TABLE} {event} x Sta2 (AA-1)",
        level=Level.MUST,
        run=first(octets),
        passes=(Aborted(0),),
        nonstrict=(Aborted(2), CLOSED),
        fails=(SILENCE, ANY_PDU),
        close=Close.ABORT,
    )
    for number, title, event, octets in _BEFORE
)

# --- Sta6: an association ---


def then(octets: Octets) -> Run:
    """Return the run that sends ``octets`` on an association."""

    async def run(peer: Peer) -> Seen:
        wire = await peer.associate()
        wire.send(octets(peer))
        return await wire.next()

    return run


_ON = (
    ("01", "A-ASSOCIATE-AC on an association", "Evt3", acceptance),
    ("02", "A-ASSOCIATE-RJ on an association", "Evt4", lambda _: AssociateRJ(1, 1, 1)),
    ("03", "A second A-ASSOCIATE-RQ on an association", "Evt6", lambda peer: peer.request()),
    ("04", "A-RELEASE-RP that nobody asked for on an association", "Evt13", lambda _: ReleaseRP()),
    ("05", "A PDU type that does not exist on an association", "Evt19", lambda _: forge_pdu(0x09, bytes(5))),
)

_STA6 = tuple(
    Case(
        id=f"UL-F-2.{number}",
        title=title,
        section=f"{_TABLE} {event} x Sta6 (AA-8)",
        level=Level.MUST,
        run=then(octets),
        passes=(Aborted(2),),
        nonstrict=(Aborted(0), CLOSED),
        fails=(SILENCE, ANY_PDU),
        close=Close.ABORT,
    )
    for number, title, event, octets in _ON
)

UL_F = (*_STA2, *_STA6)
