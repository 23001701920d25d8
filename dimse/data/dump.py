"""A Data Set as text: one line for each element, with items indented.

::

    (2010,0010) ST    12  ImageDisplayFormat  STANDARD\\2,3
    (2010,0500) SQ     1  ReferencedFilmSessionSequence
      item 1
        (0008,1150) UI    22  ReferencedSOPClassUID  1.2.840.10008.5.1.1.1 (Basic Film Session SOP Class)

The number is the length of the value in bytes, if known, or the number of the items or fragments that the value
consists of. Control characters are escaped, so that hostile text cannot move the cursor of a terminal. If a value
cannot be decoded, its error is shown.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

from ..errors import DecodeError, cut, escaped
from ..uids import name_of
from .codec import decode
from .dataset import CHARACTER_SET, Dataset, Element, Item
from .dictionary import lookup
from .header import SHORTEST_HEADER
from .items import Items, items_of, items_or_fragments
from .numerals import DS, IS
from .skip import PlacedHeader, headers_of
from .source import ALWAYS_ACCEPTED
from .syntax import UNDEFINED, TransferSyntax
from .tag import Tag

__all__ = ["WIDTH", "dump", "group_lengths", "rows_of"]

WIDTH = 120  # characters in a line
_SHOWN_BYTES = 16  # bytes of a value, unless lines are unlimited
_SHOWN_VALUES = 64  # values of an element, unless lines are unlimited
_INDENT = "  "


def dump(dataset: Dataset, *, width: int | None = WIDTH, octets: bool = False) -> str:
    """Return the elements of a Data Set in lines of at most ``width`` characters; None means unlimited.

    With ``octets``, a line after each decoded element shows its bytes: offset, header, value.
    """
    return "\n".join(cut(line, width) for line in _dump_lines(dataset, "", width is None, octets))


def _dump_lines(dataset: Dataset, indent: str, whole: bool, octets: bool) -> Iterator[str]:
    for element in dataset:
        vr = escaped(element.VR)
        name, value = _name_of(element), _format_value(element, whole)
        yield f"{indent}{element.tag} {vr} {_length_of(element):>5}  {name}  {value}".rstrip()
        if octets and element._origin[0].syntax is not None:
            yield f"{indent}{_INDENT}{_format_octets(element, whole)}"
        for number, item in enumerate(items_of(element), 1):
            yield f"{indent}{_INDENT}item {number}"
            yield from _dump_lines(item, indent + _INDENT + _INDENT, whole, octets)


def _length_of(element: Element) -> str:
    items = items_or_fragments(element)
    if items or element.VR == "SQ":
        return str(len(items))
    value = element.raw or element._value
    return str(len(value)) if isinstance(value, (memoryview, bytes)) else ""


def _name_of(element: Element) -> str:
    entry = lookup(element.tag)
    return "" if entry is None else entry.keyword or entry.name


def _format_value(element: Element, whole: bool) -> str:
    try:
        value = element.value
    except DecodeError as exc:
        return escaped(f"! {exc.what}")
    if isinstance(value, (memoryview, bytes)):
        return bytes(value).hex(" ") if whole else _format_bytes(value)
    values = [item for item in value if not isinstance(item, Dataset)] if isinstance(value, list) else [value]
    if whole and isinstance(element, Items):  # fragments
        return " ".join(f"[{bytes(item).hex(' ')}]" for item in values if isinstance(item, (bytes, memoryview)))
    text = "\\".join(map(_format_item, values if whole else values[:_SHOWN_VALUES]))
    name = name_of(text) if element.VR == "UI" else ""
    return f"{text} ({name})" if name else text


def _format_item(item: Item) -> str:
    match item:
        case None | Dataset():
            return ""
        case memoryview() | bytes():
            return f"[{len(item)} bytes]"
        case DS() | IS():
            return escaped(item.text)
        case float():
            return f"{item:.16g}"
    return escaped(str(item))


def _format_octets(element: Element, whole: bool) -> str:
    """Return the offset and the bytes of an element: the header, and the value unless it consists of items."""
    view, start = element._origin[0].view, element._start
    begin = start - _header_length(element)
    header = bytes(view[begin:start]).hex(" ")
    value = b"" if isinstance(element, Items) else element.raw
    text = bytes(value).hex(" ") if whole else _format_bytes(value)
    return f"@{begin:08X}  {header}" + (f" | {text}" if text else "")


def _header_length(element: Element) -> int:
    """Return 8 or 12: the distance from the value back to the tag of the element."""
    source, offset = element._origin[0], element._start - SHORTEST_HEADER
    group, number, _ = source.layout.item.unpack_from(source.view, offset)
    return SHORTEST_HEADER if group << 16 | number == element._tag else SHORTEST_HEADER + 4


def _format_bytes(value: memoryview | bytes) -> str:
    more = " ..." if len(value) > _SHOWN_BYTES else ""
    return bytes(value[:_SHOWN_BYTES]).hex(" ") + more


# A Data Set in the order of its bytes


def rows_of(
    view: memoryview, syntax: TransferSyntax, *, width: int | None = None
) -> Iterator[tuple[PlacedHeader, str]]:
    """Yield each header, with its line of at most ``width`` characters, up to a header that cannot be read."""
    charsets = [b""]  # for each depth: the encoded element Specific Character Set that applies there, if any
    try:
        for header in headers_of(view, syntax):
            piece = bytes(view[header.offset : header.end])
            del charsets[header.depth + 1 :]
            charsets += charsets[-1:] * (header.depth + 1 - len(charsets))  # an item inherits its charset
            if header.tag == CHARACTER_SET:
                charsets[-1] = piece if header.length <= ALWAYS_ACCEPTED else b""  # as in `charset_in`
            # `_format_row` takes the last line of a dump, which is in the order of tags. So only an element with a
            # higher tag than the charset gets the charset; no other element needs it
            charset = charsets[-1] if header.tag > CHARACTER_SET else b""
            yield header, cut(_format_row(header, piece, charset, syntax, width), width)
    except (struct.error, DecodeError):
        return


def group_lengths(view: memoryview, syntax: TransferSyntax) -> Iterator[tuple[int, str]]:
    """Yield the group number and the line of each group length outside of sequences (PS3.5 §7.2)."""
    order: Literal["big", "little"] = "big" if syntax.big_endian else "little"
    with suppress(struct.error):
        for header in headers_of(view, syntax):
            if not header.depth and not header.tag & 0xFFFF:
                yield header.tag >> 16, _format_group_length(header, view[header.start : header.end], order)


def _format_group_length(header: PlacedHeader, value: bytes | memoryview, order: Literal["big", "little"]) -> str:
    return f"{Tag(header.tag)} UL {len(value):>5}  GroupLength  {int.from_bytes(value, order)}"


def _format_row(header: PlacedHeader, piece: bytes, charset: bytes, syntax: TransferSyntax, width: int | None) -> str:
    tag = Tag(header.tag)
    if header.end == header.start and (header.vr in ("", "SQ") or header.length == UNDEFINED):
        entry = lookup(tag)
        name = (entry.keyword or entry.name) if entry else ""
        length = "undefined length" if header.length == UNDEFINED else f"{header.length} bytes"
        return " ".join(filter(None, (str(tag), header.vr, f"{name}:", length)))
    if not header.vr:
        return f"{tag} fragment: {header.length} bytes"
    if not header.tag & 0xFFFF:
        return _format_group_length(
            header, piece[header.start - header.offset :], "big" if syntax.big_endian else "little"
        )
    return dump(decode(charset + piece, syntax), width=width).splitlines()[-1]
