"""The rules for the P-DATA-TFs, Command Sets and Data Sets that a peer sends on one connection.

The rules are stricter than the codecs, which accept whatever can be understood. Each finding is noted with the id of
its invariant.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import MISSING, fields
from struct import unpack_from

from ..data import decode, keyword_of, syntax_of, tag_of
from ..errors import DecodeError, DimseError, LimitExceeded, shown
from ..errors import Finding as Fault
from ..message import MESSAGES, Assembler, CEchoRQ, Message, Request, decode_command
from ..uids import Verification, is_valid_uid
from ..ul import AssociateAC, AssociateRQ, ContextResult, PDataTF, PDUStream, decode_pdu
from .case import Note
from .observation import Broken, Deviated, Finding, Kept

__all__ = ["MessageRules", "data_findings"]

PDVS, COMMANDS, UIDS, STATUSES, DATA_SETS = "UL-P-2.03", "DIMSE-1.02", "DIMSE-1.03", "DIMSE-1.04", "ENC-1.04"

_P_DATA, _ASSOCIATE_RQ, _ASSOCIATE_AC = 0x04, 0x01, 0x02
_COMMAND, _LAST = 1, 2  # bits of the message control header
_GROUP_LENGTH, _COMMAND_FIELD, _MESSAGE_ID, _RESPONDED = 0x0000, 0x0100, 0x0110, 0x0120
_DATA_SET_TYPE, _STATUS, _ERROR_COMMENT = 0x0800, 0x0900, 0x0902
_AFFECTED_CLASS, _AFFECTED_INSTANCE = 0x0002, 0x1000
_NO_DATA_SET = 0x0101
_TOO_LARGE = "a Data Set that exceeds a limit of this tester"
_ALWAYS_ALLOWED = {_GROUP_LENGTH, _COMMAND_FIELD, _DATA_SET_TYPE}
_UID, _NUMBER, _TAGS, _TEXT = "UI", "US", "AT", "LO"
_MAX_UID, _MAX_ERROR_COMMENT = 64, 64  # bytes
_VRS = {
    _AFFECTED_CLASS: _UID, 0x0003: _UID, _COMMAND_FIELD: _NUMBER, _MESSAGE_ID: _NUMBER, _RESPONDED: _NUMBER,
    0x0700: _NUMBER, _DATA_SET_TYPE: _NUMBER, _STATUS: _NUMBER, 0x0901: _TAGS, _ERROR_COMMENT: _TEXT, 0x0903: _NUMBER,
    _AFFECTED_INSTANCE: _UID, 0x1001: _UID, 0x1002: _NUMBER, 0x1005: _TAGS, 0x1008: _NUMBER,
    0x1020: _NUMBER, 0x1021: _NUMBER, 0x1022: _NUMBER, 0x1023: _NUMBER, 0x1031: _NUMBER,
}  # fmt: skip
# PS3.7 Annex C: the classes of statuses, as ranges
_STATUS_RANGES = (
    range(0x0002),
    range(0x0100, 0x0300),
    range(0xA000, 0xD000),
    range(0xFE00, 0xFE01),
    range(0xFF00, 0xFF02),
)
_TOLERATED = ("PS3.5 §7.2", "PS3.5 §6")  # faults of group lengths, and of values and padding: `Deviated`, not `Broken`


class MessageRules:
    """A listener on one connection. ``note`` takes each finding."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._syntaxes: dict[int, str] = {}
        self._proposed: dict[int, tuple[str, ...]] | None = None  # transfer syntaxes, if the peer is the requestor
        self._command, self._data = bytearray(), bytearray()
        self._context: int | None = None  # the context id of the message under way
        self._awaits_data = False  # whether the last Command Set has announced a Data Set
        self._stream, self._assembler = PDUStream(0, 0), Assembler(lambda *_: None)
        self._is_lost = False  # whether the tester's own octets can no longer be decoded
        self._asked: dict[int, Request] = {}  # the tester's requests, by Message ID
        self._wrong_uids: set[str] = set()  # invalid UIDs in the tester's requests

    # --- the tester's octets ---

    def sent(self, octets: bytes) -> None:
        """Take octets of the tester, and remember its requests. After undecodable octets, ignore all others."""
        if self._is_lost:
            return
        try:
            for whole in self._stream.feed(octets):
                pdu = decode_pdu(bytes(whole))
                if isinstance(pdu, AssociateAC):  # the peer is a requestor
                    self._agree(pdu)
                for pdv in pdu.pdvs if isinstance(pdu, PDataTF) else ():
                    message = self._assembler.add(pdv)
                    if message is not None and isinstance(message[1], Request):
                        self._remember(message[1])
        except DimseError:
            self._is_lost = True

    def _remember(self, request: Request) -> None:
        self._asked[request.MessageID] = request
        uids = (_affected_or_requested(request, "SOPClassUID"), _affected_or_requested(request, "SOPInstanceUID"))
        self._wrong_uids |= {uid for uid in uids if uid is not None and not is_valid_uid(uid)}

    # --- the peer's PDUs ---

    def received(self, pdu: bytes) -> None:
        """Take a whole PDU of the peer."""
        if pdu[0] == _ASSOCIATE_RQ:
            with suppress(DimseError):
                self._propose(pdu)
        elif pdu[0] == _ASSOCIATE_AC:
            with suppress(DimseError):
                self._accept(pdu)
        elif pdu[0] == _P_DATA:
            self._p_data(pdu)

    def _accept(self, pdu: bytes) -> None:
        answer = decode_pdu(pdu)
        assert isinstance(answer, AssociateAC)
        self._agree(answer)

    def _propose(self, pdu: bytes) -> None:
        request = decode_pdu(pdu)
        assert isinstance(request, AssociateRQ)
        self._proposed = {each.id: each.transfer_syntaxes for each in request.presentation_contexts}

    def _agree(self, answer: AssociateAC) -> None:
        """Learn the accepted contexts, except those with a transfer syntax that the peer did not propose."""
        self._syntaxes = {
            each.id: each.transfer_syntax
            for each in answer.presentation_contexts
            if each.result == ContextResult.ACCEPTANCE
            and (self._proposed is None or each.transfer_syntax in self._proposed.get(each.id, ()))
        }

    def _p_data(self, pdu: bytes) -> None:
        at, faults, has_ended = 6, list[str](), False
        while at + 6 <= len(pdu):
            length, context_id, control = unpack_from(">IBB", pdu, at)
            if has_ended:
                faults.append("parts of two messages in one P-DATA-TF")
            faults += self._pdv(context_id, control, pdu[at + 6 : at + 4 + length])
            has_ended = self._context is None
            at += 4 + max(length, 2)
        for fault in faults:
            self._note(PDVS, Broken(fault))
        if not faults:
            self._note(PDVS, Kept("PDVs as in Annex E"))

    def _pdv(self, context_id: int, control: int, data: bytes) -> Iterator[str]:
        """Take a PDV; yield its faults."""
        if len(data) % 2:
            yield f"a fragment of {len(data)} bytes, an odd number"
        if not data:
            yield "an empty fragment"
        if control > _COMMAND | _LAST:
            yield f"message control header {control:02X}H"
        if self._context is not None and context_id != self._context:
            yield f"a PDV of context {context_id} within a message of context {self._context}"
        self._context = context_id
        is_command, is_last = control & _COMMAND, control & _LAST
        if is_command:
            if self._awaits_data:
                yield "a command where a data set was announced"
            self._command += data
        else:
            if not self._awaits_data:
                yield "a data set that no command announced"
            self._data += data
        if is_last:
            self._end_of_command(context_id) if is_command else self._end_of_data(context_id)

    def _end_of_command(self, context_id: int) -> None:
        command, self._command = bytes(self._command), bytearray()
        elements = dict(self._elements(command))
        self._awaits_data = _number(elements.get(_DATA_SET_TYPE)) != _NO_DATA_SET
        self._context = context_id if self._awaits_data else None
        faults = list(_command_faults(command, elements, self._wrong_uids, can_name_request=not self._is_lost))
        for fault in faults:
            self._note(COMMANDS, fault)
        if not faults:
            self._note(COMMANDS, Kept("Command Sets as in PS3.7"))
        status = _number(elements.get(_STATUS))
        if status is not None:
            is_known = any(status in each for each in _STATUS_RANGES)
            self._note(STATUSES, Kept("statuses of Annex C") if is_known else Broken(f"status {status:04X}H"))
        self._uids(command)

    def _elements(self, command: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + 8 <= len(command):
            _, element, length = unpack_from("<HHI", command, at)
            yield element, command[at + 8 : at + 8 + length]
            at += 8 + length

    def _uids(self, command: bytes) -> None:
        """Compare the UIDs of a response with the UIDs of its request."""
        try:
            response, _ = decode_command(command)
        except DecodeError:
            return
        request = self._asked.get(getattr(response, "MessageIDBeingRespondedTo", -1))
        if request is None or self._is_lost:
            return
        for what in ("SOPClassUID", "SOPInstanceUID"):
            returned, asked = getattr(response, f"Affected{what}", None), _affected_or_requested(request, what)
            if isinstance(request, CEchoRQ) and returned == Verification:
                continue  # "the class associated with the operation", PS3.7 Table 9.3-13, not the class in the request
            if returned and asked and returned != asked and is_valid_uid(asked):
                self._note(UIDS, Broken(f"Affected{what} {returned}; {asked} was requested"))
            else:
                self._note(UIDS, Kept("UIDs of responses as in the requests"))

    def _end_of_data(self, context_id: int) -> None:
        data, self._data = bytes(self._data), bytearray()
        self._awaits_data, self._context = False, None
        if context_id not in self._syntaxes:
            return
        found = data_findings(data, self._syntaxes[context_id])
        for finding in found:
            self._note(DATA_SETS, finding)
        if not found:
            self._note(DATA_SETS, Kept("Data Sets as in PS3.5"))


def data_findings(data: bytes, transfer_syntax: str) -> list[Finding]:
    """Return the faults of an encoded Data Set by PS3.5, or a `Kept` if the Data Set exceeds a limit of the decoder."""
    report: list[Fault] = []
    try:
        decode(data, syntax_of(transfer_syntax), report=report)
    except LimitExceeded:
        return [Kept(_TOO_LARGE)]
    except DecodeError as exc:
        if exc.rule.startswith("DecodeLimits"):  # a limit of the decoder, not a rule of the standard
            return [Kept(_TOO_LARGE)]
        return [Broken(str(exc))]
    return [(Deviated if found.rule.startswith(_TOLERATED) else Broken)(str(found)) for found in report]


def _affected_or_requested(request: Message, what: str) -> str | None:
    found = getattr(request, f"Affected{what}", None) or getattr(request, f"Requested{what}", None)
    return found if isinstance(found, str) else None


def _number(value: bytes | None) -> int | None:
    return None if value is None or len(value) != 2 else int.from_bytes(value, "little")


def _command_faults(
    command: bytes, elements: dict[int, bytes], ours: set[str], *, can_name_request: bool
) -> Iterator[Finding]:
    """Yield the faults of a Command Set, PS3.7 §6.3.1 and Annex E. The peer may return ``ours``, our invalid UIDs."""
    at, last = 0, -1
    while at < len(command):
        if at + 8 > len(command):
            yield Broken(f"{len(command) - at} bytes after the last element")
            return
        group, element, length = unpack_from("<HHI", command, at)
        if group:
            yield Broken(f"an element of group {group:04X}H")
        if element <= last:
            yield Broken(f"element {element:04X}H after {last:04X}H")
        if length % 2 or at + 8 + length > len(command):
            what = "which is odd" if length % 2 else "which exceeds the Command Set"
            yield Broken(f"element {element:04X}H has the length {length}, {what}")
        last, at = element, at + 8 + length
    declared = elements.get(_GROUP_LENGTH)
    actual = len(command) - 12
    if declared is None or len(declared) != 4 or int.from_bytes(declared, "little") != actual:
        shown_length = "missing" if declared is None else declared.hex()
        yield Broken(f"Command Group Length is {shown_length}; {actual} bytes follow")
    for element, value in elements.items():
        if value.rstrip(b"\0").decode("latin-1") not in ours:
            yield from _value_faults(element, value)
    yield from _content_faults(elements, can_name_request)


def _value_faults(element: int, value: bytes) -> Iterator[Finding]:
    match _VRS.get(element):
        case "US" if len(value) != 2:
            yield Broken(f"element {element:04X}H has {len(value)} bytes, not 2")
        case "AT" if len(value) % 4:
            yield Broken(f"element {element:04X}H has {len(value)} bytes, not a multiple of 4")
        case "UI" if len(value.rstrip(b"\0")) > _MAX_UID or value.rstrip(b"\0").strip(b"0123456789."):
            yield Broken(f"element {element:04X}H is not a UID: {shown(value)}")
        case "LO" if len(value.rstrip(b" ")) > _MAX_ERROR_COMMENT:
            yield Broken(f"Error Comment of {len(value)} bytes, more than {_MAX_ERROR_COMMENT}")


def _content_faults(elements: dict[int, bytes], can_name_request: bool) -> Iterator[Finding]:
    """Yield a fault for each required element that is missing, and for each that the message does not define.

    ``can_name_request`` is False after octets of the tester that cannot be decoded: its request may lack a Message ID,
    and then a response without Message ID Being Responded To is only `Deviated`.
    """
    kind = _number(elements.get(_COMMAND_FIELD))
    message = MESSAGES.get(-1 if kind is None else kind)
    if message is None:
        yield Broken("Command Field is missing" if kind is None else f"Command Field {kind:04X}H")
        return
    known = {tag_of(field.name) & 0xFFFF: field for field in fields(message) if field.name != "Data"}
    for element, field in known.items():
        if field.default is MISSING and element not in elements:
            is_excused = not can_name_request and tag_of(field.name) & 0xFFFF == _RESPONDED
            yield (Deviated if is_excused else Broken)(f"{field.name} is missing in {message.__name__}")
    if _DATA_SET_TYPE not in elements:
        yield Broken("Command Data Set Type is missing")
    for element in elements.keys() - known.keys() - _ALWAYS_ALLOWED:
        name = keyword_of(element) or f"element {element:04X}H"
        yield Deviated(f"{name} in {message.__name__}, which does not define it")
