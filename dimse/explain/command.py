"""Command Sets explained: each element as a line, with its value in words, PS3.7 §6.3.1 and Annex E."""

import re
from collections.abc import Iterator
from struct import Struct

from ..data import IMPLICIT_LE, Tag, decode
from ..data.dataset import Element
from ..data.dictionary import lookup
from ..errors import DecodeError, escaped
from ..message import GENERAL_STATUS, MESSAGES, Message, status_class
from ..uids import name_of
from .pdu import Line

__all__ = ["explain_command", "message_name"]

_ELEMENT = Struct("<HHI")  # group, element, length


def explain_command(fragment: Line) -> Iterator[Line]:
    """Yield a line for each element of the Command Set in ``fragment``, and a line for any bytes after the elements."""
    data, position = fragment.data, 0
    while len(data) - position >= _ELEMENT.size:
        group, number, length = _ELEMENT.unpack_from(data, position)
        end = position + _ELEMENT.size + length
        if end > len(data):
            break
        tag = Tag(group << 16 | number)
        entry = lookup(tag)
        words = f"{tag} {entry.vr} {entry.keyword}".rstrip() if entry else str(tag)
        value = _value(data[position:end], entry.vr if entry else "", entry.keyword if entry else "")
        place = fragment.offset + position
        yield Line(place, data[position:end], fragment.depth + 1, words, value, "PS3.7 Table E.1-1")
        position = end
    if position < len(data):
        yield Line(fragment.offset + position, data[position:], fragment.depth + 1, "Rest", "not an element")


def _value(encoded: memoryview, vr: str, keyword: str) -> str:
    try:
        if not any(encoded[:4]) and len(encoded) == 12:
            return str(int.from_bytes(encoded[8:], "little"))  # Command Group Length; saves a slow call of `decode`
        if vr == "US" and len(encoded) == 10:  # half of all elements are US; `decode` would take ten times as long
            return _NUMBERS.get(keyword, str)(int.from_bytes(encoded[8:], "little"))
        elements = [*decode(encoded, IMPLICIT_LE)]  # empty for the group length of another group
        return escaped(" ".join(map(_words, elements)))
    except DecodeError as exc:
        return f"! {escaped(exc.what)}"


def _words(element: Element) -> str:
    """Return the values of an element as text, without values that are bytes. A UID has its name after it."""
    value = element.value
    if isinstance(value, str) and element.VR == "UI":
        name = name_of(value)
        return f"{value} ({name})" if name else value
    values = value if isinstance(value, list) else [value]
    return "\\".join(str(one) for one in values if isinstance(one, str | int | float))  # not bytes


def _command_field(value: int) -> str:
    message = MESSAGES.get(value)
    if message is None:
        return f"{value:04X}H (not a message)"
    return f"{value:04X}H ({message_name(message)})"


def message_name(message: type[Message]) -> str:
    """Return the name of a message in the standard, such as N-EVENT-REPORT-RQ."""
    return re.sub("(?<=[A-Za-z])(?=[A-Z][a-z]|RQ$|RSP$)", "-", message.__name__).upper()


def _status(value: int) -> str:
    meaning = GENERAL_STATUS.get(value, "")
    kind = status_class(value).value
    return f"{value:04X}H ({kind if meaning in ('', kind) else f'{kind}: {meaning}'})"


def _priority(value: int) -> str:
    return f"{value:04X}H ({ {0: 'MEDIUM', 1: 'HIGH', 2: 'LOW'}.get(value, 'not allowed') })"


def _data_set_type(value: int) -> str:
    return f"{value:04X}H ({'no Data Set' if value == 0x0101 else 'a Data Set follows'})"


_NUMBERS = {
    "CommandField": _command_field,
    "Priority": _priority,
    "CommandDataSetType": _data_set_type,
    "Status": _status,
}
