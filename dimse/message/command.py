"""The Command Set of a message in bytes, PS3.7 §6.3.1 and Annex E.

Always Implicit VR Little Endian, whatever the presentation context says; elements in order,
Command Group Length first. Reading is lenient where no meaning is lost: retired elements are
passed over, and a wrong group length, an empty value and wrong padding do not matter.
"""

from collections.abc import Callable, Set
from dataclasses import MISSING, fields
from functools import partial
from struct import Struct, pack
from struct import error as struct_error
from typing import Any

from ..errors import DecodeError, EncodeError
from .messages import MESSAGES, Buffer, Message, Request

__all__ = ["MistypedRequest", "decode_command", "encode_command"]

Value = int | str | tuple[int, ...]

_RULE = "PS3.7 §6.3"
_ELEMENT = Struct("<HHI")
_UINT16, _UINT16_ELEMENT = Struct("<H"), Struct("<HHIH")
_GROUP_LENGTH, _GROUP_LENGTH_HEAD = Struct("<HHII"), bytes((0, 0, 0, 0, 4, 0, 0, 0))
_NO_DATA_SET, _DATA_SET_PRESENT = 0x0101, 0x0001


def encode_command(message: Message) -> bytes:
    """The Command Set of ``message``. Raises `EncodeError` for a value that its VR cannot hold."""
    parts = []
    for keyword, write in _WRITERS[type(message)]:
        value = getattr(message, keyword)
        if value is None and keyword != "Data":
            continue
        try:
            parts.append(write(value))
        except (struct_error, UnicodeEncodeError, TypeError, AttributeError) as exc:
            raise EncodeError(f"{value!r} cannot be written as {_VRS[keyword]}", path=keyword) from exc
    elements = b"".join(parts)
    return _GROUP_LENGTH.pack(0, 0, 4, len(elements)) + elements


class MistypedRequest(DecodeError):
    """A Command Set that says which request it is, and is not as that one should be: it can still be answered.

    ``request`` has what could be read, with an empty UID or 0 where something mandatory could not.
    """

    def __init__(self, error: DecodeError, request: Request, *, has_data: bool) -> None:
        self.request = request
        self.has_data = has_data  # whether a Data Set follows
        super().__init__(error.what, path=error.path, offset=error.offset)


def decode_command(command: Buffer) -> tuple[Message, bool]:
    """The message of a Command Set, without its Data, and whether a Data Set follows.

    Raises `DecodeError`, whose path is the element, such as ``(0000,0100)``; `MistypedRequest` where the message is a
    request, and its Message ID is known.
    """
    values, error = _read_elements(bytes(command))
    command_field = values.pop("CommandField", None)
    if not isinstance(command_field, int) or command_field not in MESSAGES:
        if error is not None:
            raise error
        shown = f"{command_field:04X}H" if isinstance(command_field, int) else "missing"
        raise DecodeError(f"Command Field {shown} is no DIMSE message", path="(0000,0100)", rule="PS3.7 Table E.1-1")
    has_data = values.pop("CommandDataSetType", _NO_DATA_SET) != _NO_DATA_SET
    cls = MESSAGES[command_field]
    known, required = _EXPECTED[cls]
    if not values.keys() <= known:
        values = {keyword: value for keyword, value in values.items() if keyword in known}
    if error is None and required <= values.keys():
        return cls(**values), has_data  # type: ignore[arg-type]  # each as its VR says
    error = error or _missing(cls, required - values.keys())
    if issubclass(cls, Request) and "MessageID" in values:
        request = cls(**_NEUTRAL[cls] | values)  # type: ignore[arg-type]
        raise MistypedRequest(error, request, has_data=has_data) from error
    raise error


def _missing(cls: type[Message], keywords: Set[str]) -> DecodeError:
    keyword = min(keywords)
    number = next(number for number, (name, _) in _ELEMENTS.items() if name == keyword)
    return DecodeError(f"{keyword} is missing in {cls.__name__}", path=f"(0000,{number:04X})", rule="PS3.7 §9.3, §10.3")


def _read_elements(data: bytes) -> tuple[dict[str, Value], DecodeError | None]:
    """The values by keyword, and what is wrong with the first of those that cannot be read."""
    values: dict[str, Value] = {}
    mistyped: DecodeError | None = None
    position, end = 12 if data.startswith(_GROUP_LENGTH_HEAD) else 0, len(data)
    while position < end:
        if end - position < 8:  # _ELEMENT.size
            raise DecodeError(f"{end - position} bytes are no element", path="Command Set", offset=position, rule=_RULE)
        group, number, length = _ELEMENT.unpack_from(data, position)
        start, position = position + 8, position + 8 + length
        if group != 0:
            raise _wrong(group, number, "only group 0000 can stand in a Command Set", start)
        if position > end:
            raise _wrong(group, number, f"length {length}, {end - start} bytes left", start)
        if number not in _READERS:
            continue
        keyword, vr, read = _READERS[number]
        if length or vr != "US":
            raw = data[start:position]
            try:
                values[keyword] = read(raw)
            except (struct_error, UnicodeDecodeError):
                mistyped = mistyped or _wrong(group, number, f"{raw[:80]!r} is no {vr}", start)
    return values, mistyped


def _wrong(group: int, number: int, what: str, offset: int) -> DecodeError:
    return DecodeError(what, path=f"({group:04X},{number:04X})", offset=offset, rule=_RULE)


def _encode_uid(value: str) -> bytes:
    raw = value.encode("ascii")
    return raw + b"\0" if len(raw) % 2 else raw


def _encode_text(value: str) -> bytes:
    """Error Comment is the one text; commands have no Specific Character Set, so it is ASCII."""
    raw = value.encode("ascii", "replace")
    return raw + b" " if len(raw) % 2 else raw


def _encode_tags(value: tuple[int, ...]) -> bytes:
    return b"".join(pack("<HH", tag >> 16, tag & 0xFFFF) for tag in value)


def _decode_uid(raw: bytes) -> str:
    return raw.decode("ascii").strip(" \0")


def _decode_text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip(" \0")


def _decode_tags(raw: bytes) -> tuple[int, ...]:
    return tuple(group << 16 | element for group, element in Struct("<HH").iter_unpack(raw))


_ENCODERS: dict[str, Callable[..., bytes]] = {
    "UI": _encode_uid,
    "AE": _encode_text,
    "LO": _encode_text,
    "AT": _encode_tags,
}
_DECODERS: dict[str, Callable[[bytes], Value]] = {
    "US": lambda raw: _UINT16.unpack(raw)[0],
    "UI": _decode_uid,
    "AE": _decode_text,
    "LO": _decode_text,
    "AT": _decode_tags,
}

# PS3.7 Table E.1-1 without Command Group Length: element number in group 0000 -> keyword, VR
# fmt: off
_ELEMENTS: dict[int, tuple[str, str]] = {
    0x0002: ("AffectedSOPClassUID",                  "UI"),
    0x0003: ("RequestedSOPClassUID",                 "UI"),
    0x0100: ("CommandField",                         "US"),
    0x0110: ("MessageID",                            "US"),
    0x0120: ("MessageIDBeingRespondedTo",            "US"),
    0x0600: ("MoveDestination",                      "AE"),
    0x0700: ("Priority",                             "US"),
    0x0800: ("CommandDataSetType",                   "US"),
    0x0900: ("Status",                               "US"),
    0x0901: ("OffendingElement",                     "AT"),
    0x0902: ("ErrorComment",                         "LO"),
    0x0903: ("ErrorID",                              "US"),
    0x1000: ("AffectedSOPInstanceUID",               "UI"),
    0x1001: ("RequestedSOPInstanceUID",              "UI"),
    0x1002: ("EventTypeID",                          "US"),
    0x1005: ("AttributeIdentifierList",              "AT"),
    0x1008: ("ActionTypeID",                         "US"),
    0x1020: ("NumberOfRemainingSuboperations",       "US"),
    0x1021: ("NumberOfCompletedSuboperations",       "US"),
    0x1022: ("NumberOfFailedSuboperations",          "US"),
    0x1023: ("NumberOfWarningSuboperations",         "US"),
    0x1030: ("MoveOriginatorApplicationEntityTitle", "AE"),
    0x1031: ("MoveOriginatorMessageID",              "US"),
}
# fmt: on


_READERS = {number: (keyword, vr, _DECODERS[vr]) for number, (keyword, vr) in _ELEMENTS.items()}
_VRS = dict(_ELEMENTS.values()) | {"Data": "US"}  # Command Data Set Type says whether there is Data


def _writer(number: int, keyword: str, vr: str) -> tuple[str, Callable[[Any], bytes]]:
    """The attribute of a message that an element tells of, and what makes the element of its value."""
    if keyword == "CommandDataSetType":
        present, absent = (_UINT16_ELEMENT.pack(0, number, 2, each) for each in (_DATA_SET_PRESENT, _NO_DATA_SET))
        return "Data", lambda data: absent if data is None else present
    if vr == "US":
        return keyword, partial(_UINT16_ELEMENT.pack, 0, number, 2)
    encode = _ENCODERS[vr]
    return keyword, lambda value: _ELEMENT.pack(0, number, len(raw := encode(value))) + raw


def _writers(cls: type[Message]) -> tuple[tuple[str, Callable[[Any], bytes]], ...]:
    """Those of a message, in the order of the wire."""
    own = {field.name for field in fields(cls)} | {"CommandField", "CommandDataSetType"}
    return tuple(_writer(number, keyword, vr) for number, (keyword, vr) in _ELEMENTS.items() if keyword in own)


_WRITERS = {cls: _writers(cls) for cls in MESSAGES.values()}
_EXPECTED = {
    cls: (
        frozenset(field.name for field in fields(cls)),
        frozenset(field.name for field in fields(cls) if field.default is MISSING),
    )
    for cls in MESSAGES.values()
}
_NEUTRAL: dict[type[Message], dict[str, Value]] = {
    cls: {keyword: 0 if _VRS[keyword] == "US" else "" for keyword in required}
    for cls, (_, required) in _EXPECTED.items()
}
