"""The associations in a file: a capture, or the bytes that one side sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import DecodeError
from ..ul.pdu import PDU_TYPES
from ..ul.wire import HEADER
from .conversation import ACCEPTOR, REQUESTOR, Conversation, Turn, opens_association
from .machines import SIDES
from .pcap import Connection, is_capture, read_capture
from .record import Step, Steps, View

__all__ = ["RecordedAssociation", "association_of", "associations_in"]


_TLS_HANDSHAKE = b"\x16\x03"  # a handshake record of any version, RFC 8446 section 5.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAssociation:
    """The bytes of one association: each entry of ``pieces`` has a side, bytes and a time, in order.

    A time is in seconds since 1970, or None if the file has no times. ``requestor`` and ``acceptor`` are the addresses
    of the two sides, "" if the file does not have them. ``gaps`` says in words where bytes are missing.
    """

    requestor: str = ""
    acceptor: str = ""
    pieces: Sequence[tuple[str, bytes, float | None]]
    gaps: Sequence[str] = field(default=())

    @property
    def title(self) -> str:
        """The addresses, the requestor first; "" if the file does not have them."""
        return f"{self.requestor} > {self.acceptor}" if self.requestor else ""

    @property
    def has_both(self) -> bool:
        """Whether both sides were recorded."""
        return len({side for side, _, _ in self.pieces}) > 1

    def turns(
        self, *, with_bytes: bool = False, whole: bool = False, with_elements: bool = True, with_fields: bool = True
    ) -> Iterator[Turn]:
        """Yield a turn for each PDU of the association; the arguments are passed to `Conversation`."""
        conversation = Conversation(
            with_bytes=with_bytes, whole=whole, with_elements=with_elements, with_fields=with_fields
        )
        for side, data, _ in self.pieces:
            yield from conversation.receive(side, data)
        yield from conversation.close()

    def steps(self, views: Sequence[View] = ()) -> Iterator[Step]:
        """Yield the steps of the association, each a PDU or a message; ``views`` see its messages."""
        steps = Steps(Conversation(with_elements=False), views, has_both=self.has_both)
        for side, data, time in self.pieces:
            yield from steps.receive(side, data, time)
        yield from steps.close()


def associations_in(data: bytes, faults: list[DecodeError]) -> Iterator[RecordedAssociation]:
    """Yield each association in the bytes of a file.

    Bytes that are not a capture are one association, of which one side was recorded. The errors of a capture that can
    be read only in part are added to ``faults``. Raises `DecodeError` if there is no association and no such error.
    """
    if not is_capture(data):
        yield RecordedAssociation(pieces=[(_sender(data), data, None)])
        return
    found = False
    encrypted = 0
    for connection in read_capture(data, faults):
        encrypted += _beginning(connection, True).startswith(_TLS_HANDSHAKE)
        for by_client in (True, False):
            if opens_association(_beginning(connection, by_client)):
                yield association_of(connection, by_client=by_client)
                found = True
    if not found and not faults:
        hint = f"; connections that begin with a TLS handshake: {encrypted}" if encrypted else ""
        raise DecodeError(f"no TCP connection begins with an A-ASSOCIATE-RQ{hint}")


def _sender(data: bytes) -> str:
    """Return the side that sent a stream: the acceptor if the stream begins with A-ASSOCIATE-AC or -RJ.

    Raises `DecodeError` if the stream does not begin with a PDU.
    """
    if not data:
        raise DecodeError("the file is empty")
    if data[:1] not in {bytes([kind]) for kind in PDU_TYPES.values()}:
        raise DecodeError("neither a capture (pcap, pcapng) nor a stream of PDUs: the first byte is not a PDU-type")
    return ACCEPTOR if data[0] in (0x02, 0x03) else REQUESTOR


def _beginning(connection: Connection, by_client: bool) -> bytes:
    """Return the first bytes of one side, as many as a PDU has in its header; fewer if the side sent fewer."""
    pieces = (bytes(piece[: HEADER.size]) for is_client, piece in connection.pieces if is_client == by_client)
    return b"".join(pieces)[: HEADER.size]


def association_of(connection: Connection, *, by_client: bool = True) -> RecordedAssociation:
    """Return a connection as an association; ``by_client`` says whether the client is the requestor."""
    requestor, acceptor = connection.client, connection.server
    if not by_client:
        requestor, acceptor = acceptor, requestor
    sides = {by_client: REQUESTOR, not by_client: ACCEPTOR}
    pieces = [
        (sides[is_client], bytes(piece), time)
        for (is_client, piece), time in zip(connection.pieces, connection.times, strict=True)
    ]
    gaps = [
        f"bytes of the {SIDES[sides[is_client]]} are missing in the capture after byte {at}"
        for is_client, at in connection.gaps
    ]
    return RecordedAssociation(requestor=requestor, acceptor=acceptor, pieces=pieces, gaps=gaps)
