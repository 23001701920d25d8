"""The DICOM JSON Model, PS3.18 Annex F: conversion of a Data Set to objects that :mod:`json` writes, and back.

=====================  =====================================================================================
text except PN         strings
PN                     objects of the nonempty groups: Alphabetic, Ideographic, Phonetic
IS DS                  numbers; a DS with more digits than a number can hold is a string (§F.2.3); both forms are read
US SS UL SL SV UV      numbers; SV and UV from 2^53 on are strings, because many readers would lose digits (§F.2.3)
FL FD                  numbers; strings for NaN, Infinity and -Infinity, for which JSON has no numbers
AT                     strings of eight hexadecimal digits
SQ                     objects; a sequence whose VR is UN becomes SQ
OB OW OL OV OF OD UN   InlineBinary, in base64; for compressed Pixel Data, the items with their headers
=====================  =====================================================================================

Group lengths are left out (§F.2.2). JSON is UTF-8, whatever the value of (0008,0005); the value is kept, because the
Data Set may later be encoded in that character set. Reading accepts any text that :func:`~dimse.data.codec.decode`
accepts; JSON numbers must fit their VR.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from math import isfinite
from typing import Literal, TypeAlias

from ..errors import DecodeError, EncodeError, shown
from .charset import charset_of
from .check import check_value
from .codec import DecodeLimits, decode, encode
from .dataset import PIXEL_DATA, Dataset, Element, Item, Value
from .items import items_of
from .names import PersonName
from .numerals import DS
from .source import Place, path_of, path_of_item
from .syntax import EXPLICIT_LE, SEQUENCE_DELIMITATION, UNDEFINED
from .values import READERS, VALUE_RULE, decode_value
from .vr import DESCRIPTORS, VR, as_descriptor, as_words, row_of

__all__ = ["Json", "from_json", "to_json"]

Json: TypeAlias = "str | int | float | list[Json] | dict[str, Json] | None"

_RULE = "PS3.18 §F.2"
_MAX_DEPTH = DecodeLimits().depth  # sequences within sequences
_SAFE = range(-(2**53) + 1, 2**53)  # integers that every JSON reader keeps exactly, RFC 8259 §6
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")  # the component groups of a name, PS3.5 §6.2.1
_VALUES = ("Value", "BulkDataURI", "InlineBinary")  # the members that can hold the value of an attribute
_NAME = re.compile("[0-9A-Fa-f]{8}")  # a tag as the name of an attribute
_INTEGER = re.compile("[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_NOT_FINITE = re.compile("[+-]?(nan|inf|infinity)", re.IGNORECASE)
_VR = re.compile("[A-Z]{2}")
_UTF_8 = charset_of("ISO_IR 192")

# The bytes before and after the items of compressed Pixel Data
_FRAMES = replace(EXPLICIT_LE, encapsulated=True)
_LAYOUT = EXPLICIT_LE.layout
_BEFORE = _LAYOUT.long.pack(PIXEL_DATA >> 16, PIXEL_DATA & 0xFFFF, b"OB", UNDEFINED)
_AFTER = _LAYOUT.item.pack(SEQUENCE_DELIMITATION >> 16, SEQUENCE_DELIMITATION & 0xFFFF, 0)


def to_json(dataset: Dataset, *, binary: Literal["inline", "omit"] = "inline") -> dict[str, Json]:
    """Return the model of a Data Set, in the order of its tags.

    With ``binary="omit"``, elements whose values are bytes, such as pixels, are left out. A value of DS or IS that is
    not a number becomes a string (§F.2.3). An attribute that cannot be read at all becomes UN, with its bytes unless
    they are omitted. Raises EncodeError if sequences nest deeper than 64 levels.
    """
    return _to_model(dataset, None, 0, binary == "inline")


def from_json(model: object) -> Dataset:
    """Return the Data Set of a model that :func:`json.loads` has returned.

    Members of objects that Annex F does not define are ignored. Raises DecodeError, with the path, if ``model`` breaks
    the rules of Annex F, or if it contains a BulkDataURI, because this function fetches no data.
    """
    if not isinstance(model, dict):
        raise DecodeError(f"a Data Set must be an object, not {shown(model)}", rule=_RULE)
    return _read_dataset(model, None, 0)


# Writing


def _to_model(dataset: Dataset, place: Place, depth: int, inline: bool) -> dict[str, Json]:
    model: dict[str, Json] = {}
    for element in dataset:
        streams = row_of(element.VR).kind == "stream" and not _is_sequence(element)
        if element.tag.element and (inline or not streams):
            model[f"{element.tag:08X}"] = _to_attribute(element, place, depth, inline)
    return model


def _to_attribute(element: Element, place: Place, depth: int, inline: bool) -> Json:
    vr = element.VR
    try:
        value = element.value
    except DecodeError as exc:
        return _to_raw_attribute(element, exc, inline)
    if _is_sequence(element):
        items = _to_items(element, place, depth, inline)
        return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    if value is None:
        return {"vr": vr}
    if row_of(vr).kind == "stream":
        raw = value if isinstance(value, (bytes, memoryview)) else _encode_fragments(element)
        return {"vr": vr, "InlineBinary": b64encode(raw).decode()}
    write = _WRITERS.get(vr, _to_scalar)
    values: list[Item] = [*value] if isinstance(value, list) else [value]
    if _is_signed_descriptor(element.tag, vr):
        values = [*as_words([word for word in values if isinstance(word, int)])]
    return {"vr": vr, "Value": [write(item) for item in values]}


def _is_signed_descriptor(tag: int, vr: str) -> bool:
    """Return whether this is a LUT Descriptor in SS, whose large unsigned values are negative numbers in JSON."""
    return vr == "SS" and tag in DESCRIPTORS


def _is_sequence(element: Element) -> bool:
    return element.VR == "SQ" or (element.VR == "UN" and bool(items_of(element)))


def _to_raw_attribute(element: Element, exc: DecodeError, inline: bool) -> Json:
    """Return an attribute that cannot be decoded. In DS and IS, wrong values become strings; other VRs become UN."""
    vr, raw = element.VR, element.raw
    if vr in ("DS", "IS") and exc.rule == VALUE_RULE:
        return {"vr": vr, "Value": [_to_number_or_text(vr, piece) for piece in bytes(raw).split(b"\\")]}
    return {"vr": "UN", "InlineBinary": b64encode(raw).decode()} if inline else {"vr": "UN"}


def _to_number_or_text(vr: str, raw: bytes) -> Json:
    """Return the number in ``raw``; its text if it is not a number; None if it is empty."""
    try:
        item = decode_value(vr, raw)
    except DecodeError:
        return str(raw, "latin_1").strip(" \0")
    return _WRITERS.get(vr, _to_scalar)(item if isinstance(item, (str, int, float)) else None)


def _to_items(element: Element, place: Place, depth: int, inline: bool) -> list[Json]:
    tag, value = element.tag, element.value
    if depth == _MAX_DEPTH:
        raise EncodeError(f"sequences nest deeper than {_MAX_DEPTH}", path=path_of(place, tag))
    items = enumerate(value if isinstance(value, list) else [])
    return [_to_model(item, (place, tag, at), depth + 1, inline) for at, item in items if isinstance(item, Dataset)]


def _encode_fragments(element: Element) -> bytes:
    """Return the items of compressed Pixel Data, encoded as in a file."""
    alone = Dataset()
    alone.add(Element(PIXEL_DATA, "OB", element.value))
    return encode(alone, _FRAMES)[len(_BEFORE) : -len(_AFTER)]


def _to_scalar(item: Item) -> Json:
    return item if isinstance(item, (str, int, float)) and item != "" else None


def _to_groups(item: Item) -> Json:
    name = PersonName(item if isinstance(item, str) else "")
    texts = zip(_GROUPS, (name.alphabetic, name.ideographic, name.phonetic), strict=True)
    return {group: text for group, text in texts if text} or None


def _to_tag_digits(item: Item) -> Json:
    return f"{item:08X}" if isinstance(item, int) else None


def _to_integer(item: Item) -> Json:
    return item if isinstance(item, int) and item in _SAFE else str(item)


def _to_decimal(item: Item) -> Json:
    return item.text if isinstance(item, DS) and item.decimal() != Decimal(float.__repr__(item)) else _to_scalar(item)


def _to_float(item: Item) -> Json:
    if not isinstance(item, float) or isfinite(item):
        return _to_scalar(item)
    return "NaN" if item != item else "Infinity" if item > 0 else "-Infinity"


_WRITERS: dict[str, Callable[[Item], Json]] = {
    "PN": _to_groups,
    "AT": _to_tag_digits,
    "DS": _to_decimal,
    "SV": _to_integer,
    "UV": _to_integer,
    "FL": _to_float,
    "FD": _to_float,
}


# Reading


def _read_dataset(model: dict[str, object], place: Place, depth: int) -> Dataset:
    dataset = Dataset()
    for name, attribute in model.items():
        if not _NAME.fullmatch(name):
            raise DecodeError(
                f"{shown(name)} is not a tag of eight hexadecimal digits", path=path_of_item(place), rule=_RULE
            )
        tag = int(name, 16)
        if tag & 0xFFFF:
            dataset.add(_read_element(tag, attribute, place, depth))
    return dataset


def _read_element(tag: int, attribute: object, place: Place, depth: int) -> Element:
    try:
        vr, member, content = _split_attribute(attribute)
        if vr == "SQ":
            value: Value = _read_sequence(tag, member, content, place, depth)
        elif row_of(vr).kind == "stream":
            value = _read_stream(tag, vr, member, content)
        else:
            items = _read_array(vr, member, content)
            if vr in ("DS", "IS") and _has_other_text(vr, items):
                return Element(tag, vr, b"\\".join(_encoded_numeral(vr, item) for item in items))
            value = _READERS[row_of(vr).kind](row_of(vr), items)
            if _is_signed_descriptor(tag, vr) and isinstance(value, list):
                value = [*as_descriptor([word for word in value if isinstance(word, int)])]
    except (ValueError, TypeError, OverflowError) as exc:
        raise DecodeError(str(exc), path=path_of(place, tag), rule=_RULE) from exc
    except EncodeError as exc:
        raise DecodeError(exc.what, path=path_of(place, tag), rule=_RULE) from exc
    element = Element(tag, vr)
    element._value = value  # unchecked, because this function is as lenient about text as `decode`
    return element


def _has_other_text(vr: str, items: list[object]) -> bool:
    """Return whether a string in DS or IS is not a number; all values then stay text, as in a decoded Data Set."""
    wrong = [item for item in items if "\\" not in str(item) and not _is_numeral(vr, item)]
    return bool(wrong) and all(isinstance(item, str) for item in wrong)


def _is_numeral(vr: str, item: object) -> bool:
    try:
        decode_value(vr, _encoded_numeral(vr, item))
    except DecodeError:
        return False
    return not isinstance(item, bool)


def _encoded_numeral(vr: str, item: object) -> bytes:
    return b"" if item is None else _encode_text(row_of(vr), str(item))


def _encode_text(row: VR, text: str) -> bytes:
    try:
        return text.encode("utf-8" if row.charset else "latin_1")
    except UnicodeEncodeError as exc:
        why = "a surrogate is not a character" if row.charset else "Specific Character Set does not apply to this VR"
        raise ValueError(f"{row.name} cannot hold {shown(text)}: {why}") from exc


def _split_attribute(attribute: object) -> tuple[str, str, object]:
    """Return the VR of an attribute, the name of the member with its content ("" if there is none), and the content."""
    if not isinstance(attribute, dict):
        raise TypeError(f"an attribute must be an object, not {shown(attribute)}")
    vr = attribute.get("vr")
    if not isinstance(vr, str) or not _VR.fullmatch(vr):
        raise ValueError(f"vr is {shown(vr)}, not two capital letters")
    members = [member for member in _VALUES if member in attribute]
    if len(members) > 1:
        raise ValueError(f"{' and '.join(members)} cannot be combined")
    if members == ["BulkDataURI"]:
        raise ValueError(f"the value is at {shown(attribute['BulkDataURI'])}, and values are not fetched")
    return (vr, members[0], attribute[members[0]]) if members else (vr, "", None)


def _read_array(vr: str, member: str, content: object) -> list[object]:
    if member == "InlineBinary":
        raise ValueError(f"{vr} cannot have InlineBinary")
    if member and not isinstance(content, list):
        raise TypeError(f"Value must be an array, not {shown(content)}")
    return content if isinstance(content, list) else []


def _read_sequence(tag: int, member: str, content: object, place: Place, depth: int) -> Value:
    if depth == _MAX_DEPTH:
        raise ValueError(f"sequences nest deeper than {_MAX_DEPTH}")
    items: list[Item] = []
    for item in _read_array("SQ", member, content):
        if not isinstance(item, dict):
            raise TypeError(f"an item must be an object, not {shown(item)}")
        items.append(_read_dataset(item, (place, tag, len(items)), depth + 1))
    return items


def _read_stream(tag: int, vr: str, member: str, content: object) -> Value:
    if not member or content == "":
        return None
    if member != "InlineBinary" or not isinstance(content, str):
        raise TypeError(f"{vr} needs InlineBinary, a string")
    try:
        raw = b64decode(content, validate=True)
    except ValueError as exc:
        raise ValueError(f"InlineBinary is not base64: {exc}") from exc
    return _read_fragments(raw) if tag == PIXEL_DATA and vr in ("OB", "OW") else check_value(vr, raw)


def _read_fragments(raw: bytes) -> Value:
    """Return Pixel Data: fragments if all bytes are items, otherwise the bytes."""
    try:
        limits = DecodeLimits(elements=len(raw) // 8 + 2)
        return decode(_BEFORE + raw + _AFTER, EXPLICIT_LE, limits=limits).get(PIXEL_DATA)
    except DecodeError:
        return raw


def _read_numbers(row: VR, items: list[object]) -> Value:
    return check_value(row.name, [_read_number(row.name, item) for item in items])


def _read_number(vr: str, item: object) -> int | float:
    if isinstance(item, str) and vr == "AT":
        return _read_tag(item)
    if isinstance(item, bool) or vr == "AT":
        raise TypeError(f"{vr} cannot hold {shown(item)}")
    try:
        if isinstance(item, str) and vr in _NUMBER_READERS:
            return _NUMBER_READERS[vr](item)
        if isinstance(item, (int, float)):
            return int(item) if vr not in ("FL", "FD") and item == int(item) else item
    except (ValueError, OverflowError) as exc:  # other text, NaN or an infinity
        raise ValueError(f"{vr} cannot hold {shown(item)}") from exc
    raise TypeError(f"{vr} cannot hold {shown(item)}")


def _integer_of(text: str) -> int:
    if not _INTEGER.fullmatch(text):  # int() also takes underscores, spaces and the digits of other scripts
        raise ValueError(text)
    return int(text)


def _float_of(text: str) -> float:
    """Return a decimal number, or NaN or an infinity if ``text`` names it."""
    number = float(text)
    if not (_FLOAT if isfinite(number) else _NOT_FINITE).fullmatch(text):  # 1e999 is no infinity, but too large
        raise ValueError(text)
    return number


def _read_tag(text: str) -> int:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a tag of eight hexadecimal digits")
    return int(text, 16)


def _read_texts(row: VR, items: list[object]) -> Value:
    """Return the values of a text VR as `decode` would return them. IS and DS may also have JSON numbers."""
    text = "\\".join(_read_text(row, item) for item in items)
    if len(items) > 1 and not row.many:
        raise ValueError(f"{row.name} can have only one value, not {len(items)}")
    raw = _encode_text(row, text)
    return READERS[False][row.name](raw, 0, len(raw), _UTF_8)


def _read_text(row: VR, item: object) -> str:
    match row.name, item:
        case _, None:
            return ""
        case "PN", dict():
            text = _read_name(item)
        case (("IS" | "DS"), (int() | float())) if not isinstance(item, bool):
            text = str(item)
        case name, str() if name != "PN":
            text = item
        case _:
            raise TypeError(f"{row.name} cannot hold {shown(item)}")
    if row.many and "\\" in text:
        raise ValueError(f"a backslash in {shown(text)} would separate two values")
    return text


def _read_name(item: dict[str, object]) -> str:
    groups = [item.get(group) or "" for group in _GROUPS]
    texts = [group for group in groups if isinstance(group, str)]
    if len(texts) < len(groups):
        raise TypeError(f"PN cannot hold {shown(item)}")
    return "=".join(texts).rstrip("=")


_NUMBER_READERS: dict[str, Callable[[str], int | float]] = {
    "SV": _integer_of,
    "UV": _integer_of,
    "FL": _float_of,
    "FD": _float_of,
}
_READERS = {"number": _read_numbers, "text": _read_texts}
