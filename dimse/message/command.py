"""The encoding of Command Sets, PS3.7 §6.3.1 and Annex E.

A Command Set is always in Implicit VR Little Endian, whatever the presentation context. Its elements are in order, with
Command Group Length first. Decoding is lenient where no meaning is lost: it ignores retired and unknown elements,
elements that the message does not have (even unreadable ones), unreadable optional elements of a response, a wrong
group length, empty numbers and wrong padding. A missing Requested SOP Instance UID becomes an empty UID; without
Command Data Set Type, there is no Data Set.
"""

from collections.abc import Callable, Set
from dataclasses import MISSING, fields
from functools import lru_cache
from operator import attrgetter, methodcaller
from struct import Struct, pack
from struct import error as struct_error
from typing import Any

from ..errors import DecodeError, EncodeError
from .messages import MESSAGES, Buffer, Message, Request

__all__ = ["CommandReader", "CommandWriter", "MistypedRequest", "decode_command", "encode_command"]

Value = int | str | tuple[int, ...]

_RULE = "PS3.7 §6.3"
_ELEMENT, _UINT16 = Struct("<HHI"), Struct("<H")  # group, element and length; a value of US
# Command Group Length: the element and its header
_GROUP_LENGTH, _GROUP_LENGTH_HEAD = Struct("<HHII"), bytes((0, 0, 0, 0, 4, 0, 0, 0))
_TYPE = "CommandDataSetType"  # the element that tells whether a Data Set follows
_NO_DATA_SET, _DATA_SET_PRESENT = 0x0101, 0x0001
_MAX_KEPT = 512  # bytes of a Command Set that a reader keeps; longer ones are rare
_CACHED = 64  # Command Sets that a writer caches; an association uses few kinds at a time


def encode_command(message: Message) -> bytes:
    """Return the Command Set of ``message``.

    Raises `EncodeError` for a value of the wrong type, and for a number that US cannot hold. The lengths of texts and
    UIDs are not checked.
    """
    return CommandWriter().encode(message)


class CommandWriter:
    """An encoder of the Command Sets of one client, or of all associations of a server.

    It caches the latest Command Sets, because most messages differ from one of them only in the Message ID. Encoding
    then takes 0.6 us instead of 4 us; the difference is 11 % of a C-ECHO.
    """

    __slots__ = ("_around_id",)

    def __init__(self) -> None:
        self._around_id = lru_cache(_CACHED, typed=True)(_around_id)

    def encode(self, message: Message) -> bytes:
        """Return what `encode_command` returns, and raise what it raises."""
        cls = type(message)
        message_id, *others = _VALUES[cls](message)
        try:
            before, after = self._around_id(message.Data is not None, *others)
        except TypeError:  # a list of tags cannot be a key of the cache
            before, after = _around_id(message.Data is not None, *others)
        try:
            return before + _UINT16.pack(message_id) + after
        except struct_error as exc:
            raise EncodeError(f"{message_id!r} cannot be written as US", path=_ID[cls]) from exc


def _around_id(has_data: bool, command_field: int, *others: Any) -> tuple[bytes, bytes]:
    """Return the parts of a Command Set before and after the value of its Message ID."""
    cls = MESSAGES[command_field]
    values = dict(zip(_OTHERS[cls], (command_field, *others), strict=True))
    id_keyword = _ID[cls]
    values[id_keyword] = 0
    values[_TYPE] = _DATA_SET_PRESENT if has_data else _NO_DATA_SET
    elements, split = b"", 0
    for number, keyword, vr, encode in _LAYOUTS[cls]:
        value = values[keyword]
        if value is None:
            continue
        try:
            raw = encode(value)
        except (struct_error, UnicodeEncodeError, TypeError, AttributeError) as exc:
            raise EncodeError(f"{value!r} cannot be written as {vr}", path=keyword) from exc
        size = len(raw)
        if size % 2:
            size += 1
            raw += b"\0" if vr == "UI" else b" "
        elements += _ELEMENT.pack(0, number, size) + raw
        if keyword == id_keyword:
            split = len(elements)
    return _GROUP_LENGTH.pack(0, 0, 4, len(elements)) + elements[: split - 2], elements[split:]


class MistypedRequest(DecodeError):
    """An error in the Command Set of a request that can be answered, because its class and Message ID are known.

    ``request`` has the elements that could be read; a mandatory element that is missing or unreadable is empty or 0.
    """

    def __init__(self, error: DecodeError, request: Request, *, has_data: bool) -> None:
        self.request = request
        self.has_data = has_data  # whether a Data Set follows
        super().__init__(error.what, path=error.path, offset=error.offset, rule=error.rule)


def decode_command(command: Buffer) -> tuple[Message, bool]:
    """Return the message of a Command Set, without its Data, and whether a Data Set follows.

    Raises `MistypedRequest` for a missing or unreadable element of a request whose Message ID is known, and
    `DecodeError` for any other fault. The path of the error is the element, such as ``(0000,0100)``, or ``Command Set``
    for bytes that are not an element.
    """
    cls, values, has_data, _ = _decode(bytes(command))
    return cls(**values), has_data  # type: ignore[arg-type]  # the values have the types of their VRs


class CommandReader:
    """A decoder of the Command Sets of one client, or of all associations of a server.

    It keeps the latest short Command Set of each length, because most messages differ from one of them only in the
    Message ID: each C-ECHO, and the many responses to one C-FIND. Decoding then takes 1.1 us instead of 3.3 us; the
    difference is 8 % of a C-ECHO. The first C-ECHO of an association gains more if an earlier association had one.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def decode(self, command: Buffer) -> tuple[Message, bool]:
        """Return what `decode_command` returns, and raise what it raises."""
        data = bytes(command)
        if (known := self._known.get(len(data))) is not None:
            before, after, cls, values, keyword, has_data = known
            if data.startswith(before) and data.endswith(after):
                values[keyword] = _UINT16.unpack_from(data, len(before))[0]
                return cls(**values), has_data  # type: ignore[arg-type]
        cls, values, has_data, starts = _decode(data)
        if len(data) <= _MAX_KEPT:
            keyword = _ID[cls]
            at = starts[keyword]
            self._known[len(data)] = data[:at], data[at + 2 :], cls, values, keyword, has_data
        return cls(**values), has_data  # type: ignore[arg-type]


# A Command Set before and after the value of its Message ID, the class and the fields of its message, the keyword of
# its Message ID, and whether a Data Set follows
_Known = tuple[bytes, bytes, type[Message], dict[str, Value], str, bool]


def _decode(data: bytes) -> tuple[type[Message], dict[str, Value], bool, dict[str, int]]:
    """Return the message class, its fields, whether a Data Set follows, and the position of each value."""
    # `pop` takes an error out of this list before it is raised: otherwise, it would be in a cycle with this frame
    values, starts, errors = _read_elements(data)
    command_field = values.pop("CommandField", None)
    if not isinstance(command_field, int) or command_field not in MESSAGES:
        if errors:
            raise errors.pop(0)[1]
        fault = f"{command_field:04X}H is not a DIMSE message" if isinstance(command_field, int) else "is missing"
        raise DecodeError(f"Command Field {fault}", path="(0000,0100)", rule="PS3.7 Table E.1-1")
    has_data = values.pop(_TYPE, _NO_DATA_SET) != _NO_DATA_SET
    cls = MESSAGES[command_field]
    known, required = _EXPECTED[cls]
    if not values.keys() <= known:
        values = {keyword: value for keyword, value in values.items() if keyword in known}
    if errors:
        errors = [(keyword, error) for keyword, error in errors if keyword in known or keyword == _TYPE]
    is_tolerable = not errors or not issubclass(cls, Request)  # a response may have unreadable optional elements
    if is_tolerable and required <= values.keys():
        for keyword in _EMPTY_IF_MISSING[cls]:
            values.setdefault(keyword, "")
        return cls, values, has_data, starts
    errors = errors or [("", _missing(cls, required - values.keys()))]
    if issubclass(cls, Request) and "MessageID" in values:
        request = cls(**_PLACEHOLDERS[cls] | values)  # type: ignore[arg-type]
        error = errors[0][1]
        raise MistypedRequest(error, request, has_data=has_data) from error
    raise errors.pop(0)[1]


def _missing(cls: type[Message], keywords: Set[str]) -> DecodeError:
    keyword = min(keywords)
    number = next(number for number, (name, _) in _ELEMENTS.items() if name == keyword)
    return DecodeError(f"{keyword} is missing in {cls.__name__}", path=f"(0000,{number:04X})", rule="PS3.7 §9.3, §10.3")


def _read_elements(data: bytes) -> tuple[dict[str, Value], dict[str, int], list[tuple[str, DecodeError]]]:
    """Return the values and their positions, both by keyword, and the errors.

    Each error is that of an unreadable value, in a pair with its keyword; a keyword has at most one. Raises
    `DecodeError` if the bytes cannot be divided into elements of group 0000.
    """
    values: dict[str, Value] = {}
    starts: dict[str, int] = {}
    errors: list[tuple[str, DecodeError]] = []
    position, end = 12 if data.startswith(_GROUP_LENGTH_HEAD) else 0, len(data)
    while position < end:
        if end - position < 8:  # _ELEMENT.size
            raise DecodeError(
                f"{end - position} bytes are not an element", path="Command Set", offset=position, rule=_RULE
            )
        group, number, length = _ELEMENT.unpack_from(data, position)
        start, position = position + 8, position + 8 + length
        if group != 0:
            raise _wrong(group, number, "a Command Set must have only elements of group 0000", start)
        if position > end:
            raise _wrong(group, number, f"a value of {length} bytes, but only {end - start} follow", start)
        if number not in _ELEMENTS:
            continue
        keyword, vr = _ELEMENTS[number]
        if not length and vr == "US":
            continue
        raw = data[start:position]
        try:
            if vr == "US":
                values[keyword] = _UINT16.unpack(raw)[0]
            elif vr == "UI":
                values[keyword] = raw.decode("ascii").strip(" \0")
            else:
                values[keyword] = _DECODERS[vr](raw)
            starts[keyword] = start
        except (struct_error, UnicodeDecodeError):
            if all(keyword != other for other, _ in errors):
                errors.append((keyword, _wrong(group, number, f"{raw[:80]!r} is not a value of {vr}", start)))
    return values, starts, errors


def _wrong(group: int, number: int, what: str, offset: int) -> DecodeError:
    return DecodeError(what, path=f"({group:04X},{number:04X})", offset=offset, rule=_RULE)


def _encode_tags(value: tuple[int, ...]) -> bytes:
    return b"".join(pack("<HH", tag >> 16, tag & 0xFFFF) for tag in value)


def _decode_text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip(" \0")


def _decode_tags(raw: bytes) -> tuple[int, ...]:
    return tuple(group << 16 | element for group, element in Struct("<HH").iter_unpack(raw))


_encode_text = methodcaller("encode", "ascii", "replace")  # Specific Character Set does not apply to a Command Set
_ENCODERS: dict[str, Callable[..., bytes]] = {
    "US": _UINT16.pack,
    "UI": methodcaller("encode", "ascii"),
    "AE": _encode_text,
    "LO": _encode_text,
    "AT": _encode_tags,
}
_DECODERS: dict[str, Callable[[bytes], Value]] = {  # `_read_elements` decodes US and UI itself
    "AE": _decode_text,
    "LO": _decode_text,
    "AT": _decode_tags,
}

# PS3.7 Table E.1-1 without Command Group Length: keyword and VR by element number in group 0000
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


def _layout(cls: type[Message]) -> tuple[tuple[int, str, str, Callable[..., bytes]], ...]:
    """Return number, keyword, VR and encoder of each element of a message class, in the order of the elements."""
    own = {field.name for field in fields(cls)} | {"CommandField", _TYPE}
    return tuple((number, key, vr, _ENCODERS[vr]) for number, (key, vr) in _ELEMENTS.items() if key in own)


_VRS = dict(_ELEMENTS.values())  # by keyword
# By message class: the elements; the keyword of the Message ID; the keywords of the other elements; a function that
# returns the values of all these keywords
_LAYOUTS = {cls: _layout(cls) for cls in MESSAGES.values()}
_ID = {
    cls: next(key for _, key, *_ in layout if key in ("MessageID", "MessageIDBeingRespondedTo"))
    for cls, layout in _LAYOUTS.items()
}
_OTHERS = {
    cls: (
        "CommandField",
        *(key for _, key, *_ in layout if key not in ("CommandField", _ID[cls], _TYPE)),
    )
    for cls, layout in _LAYOUTS.items()
}
_VALUES = {cls: attrgetter(_ID[cls], *others) for cls, others in _OTHERS.items()}
# This element may be missing: it then becomes an empty UID, because a handler may know which instance is meant.
_REQUESTED = "RequestedSOPInstanceUID"
_EMPTY_IF_MISSING = {
    cls: tuple(field.name for field in fields(cls) if field.name == _REQUESTED) for cls in MESSAGES.values()
}
# By message class: the keywords of all fields, and of the mandatory ones
_EXPECTED = {
    cls: (
        frozenset(field.name for field in fields(cls)),
        frozenset(field.name for field in fields(cls) if field.default is MISSING and field.name != _REQUESTED),
    )
    for cls in MESSAGES.values()
}
# By message class: the values that stand for mandatory elements that are missing or unreadable
_PLACEHOLDERS: dict[type[Message], dict[str, Value]] = {
    cls: {keyword: 0 if _VRS[keyword] == "US" else "" for keyword in (*required, *_EMPTY_IF_MISSING[cls])}
    for cls, (_, required) in _EXPECTED.items()
}
