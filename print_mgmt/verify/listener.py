"""The base class of the invariants of print: it reads the messages of one connection in both directions.

The codec would refuse some messages that break a rule. So a message is read here element by element, and an invariant
can judge the rule.
"""

from contextlib import suppress
from dataclasses import dataclass
from struct import unpack_from

from dimse.errors import DimseError
from dimse.ul import AssociateAC, AssociateRQ, ContextResult, PDataTF, PDUStream, decode_pdu
from dimse.verify.case import Note

__all__ = ["HeardMessage", "MessageListener"]

_COMMAND_FIELD, _DATA_SET_TYPE, _NO_DATA_SET = 0x0100, 0x0800, 0x0101
_RELEASE_RP, _ABORT = 0x06, 0x07  # PDU types


@dataclass(frozen=True, slots=True)
class HeardMessage:
    """A message: its context, the values of its Command Set by element number, and its encoded Data Set."""

    context_id: int
    elements: dict[int, bytes]
    data: bytes

    def number(self, element: int) -> int | None:
        """Return the value of an element of VR US, or None if it is absent or has a wrong length."""
        value = self.elements.get(element, b"")
        return int.from_bytes(value, "little") if len(value) == 2 else None

    def uid(self, element: int) -> str:
        """Return the value of an element of VR UI, or "" if it is absent."""
        return self.elements.get(element, b"").rstrip(b"\0").decode("latin-1")

    @property
    def kind(self) -> int | None:
        """The Command Field, or None if it is absent or has a wrong length."""
        return self.number(_COMMAND_FIELD)


class _Direction:
    """The fragments of the message that is under way in one direction."""

    def __init__(self) -> None:
        self._command, self._data = bytearray(), bytearray()
        self._elements: dict[int, bytes] | None = None

    def add(self, context_id: int, data: bytes, *, is_command: bool, is_last: bool) -> HeardMessage | None:
        """Add a fragment; return the message that it completes, or None."""
        part = self._command if is_command else self._data
        part += data
        if not is_last:
            return None
        if is_command:
            self._elements = _elements(bytes(self._command))
            kind = self._elements.get(_DATA_SET_TYPE, b"")
            if kind and int.from_bytes(kind, "little") != _NO_DATA_SET:
                return None
        whole = HeardMessage(context_id, self._elements or {}, bytes(self._data))
        self._command, self._data, self._elements = bytearray(), bytearray(), None
        return whole


def _elements(command: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at + 8 <= len(command):
        _, element, length = unpack_from("<HHI", command, at)
        found[element] = command[at + 8 : at + 8 + length]
        at += 8 + int(length)
    return found


class MessageListener:
    """A listener to one connection. Subclasses override `asked`, `heard` or `ended`, and pass findings to ``note``."""

    def __init__(self, note: Note) -> None:
        self.note = note
        self.abstract: dict[int, str] = {}  # proposed abstract syntaxes by context id
        self.contexts: dict[int, str] = {}  # accepted transfer syntaxes by context id
        self._proposed: dict[int, tuple[str, ...]] = {}
        self._stream = PDUStream(0, 0)
        self._is_lost = False  # whether octets of the tester can no longer be read
        self._ours, self._theirs = _Direction(), _Direction()

    def asked(self, message: HeardMessage) -> None:
        """Handle a message of the tester, a request or a response."""

    def heard(self, message: HeardMessage) -> None:
        """Handle a message of the peer, a request or a response."""

    def ended(self) -> None:
        """Handle the end of the association: an A-ABORT of either side, or the A-RELEASE-RP of the peer."""

    def sent(self, octets: bytes) -> None:
        """Handle octets of the tester. After octets that cannot be read, ignore all others."""
        if self._is_lost:
            return
        try:
            for whole in self._stream.feed(octets):
                self._sent(bytes(whole))
        except DimseError:
            self._is_lost = True

    def _sent(self, pdu: bytes) -> None:
        if pdu[0] == _ABORT:
            self.ended()
            return
        found = decode_pdu(pdu)
        self._learn(found)
        for message in _messages(self._ours, found):
            self.asked(message)

    def received(self, pdu: bytes) -> None:
        """Handle a whole PDU of the peer; ignore a PDU that cannot be read."""
        with suppress(DimseError):
            found = decode_pdu(pdu)
            self._learn(found)
            for message in _messages(self._theirs, found):
                self.heard(message)
            if pdu[0] in (_RELEASE_RP, _ABORT):
                self.ended()

    def _learn(self, pdu: object) -> None:
        """Remember the presentation contexts; either side may be the requestor."""
        if isinstance(pdu, AssociateRQ):
            self.abstract = {each.id: each.abstract_syntax for each in pdu.presentation_contexts}
            self._proposed = {each.id: each.transfer_syntaxes for each in pdu.presentation_contexts}
        elif isinstance(pdu, AssociateAC):
            self.contexts = {
                each.id: each.transfer_syntax
                for each in pdu.presentation_contexts
                if each.result == ContextResult.ACCEPTANCE and each.transfer_syntax in self._proposed.get(each.id, ())
            }


def _messages(direction: _Direction, pdu: object) -> list[HeardMessage]:
    pdvs = pdu.pdvs if isinstance(pdu, PDataTF) else ()
    found = (
        direction.add(pdv.context_id, bytes(pdv.data), is_command=pdv.is_command, is_last=pdv.is_last) for pdv in pdvs
    )
    return [message for message in found if message is not None]
