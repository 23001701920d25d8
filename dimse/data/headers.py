"""The headers of a Data Set in the order of its bytes, group lengths, items and delimiters included.

For whoever shows where each element stands; the Data Set has been decoded before, so that its structure is sound.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from ..errors import DecodeError
from .codec import decode
from .dictionary import lookup, vr_of
from .dump import dump
from .header import read_header
from .syntax import DELIMITERS, IMPLICIT_LE, ITEM, UNDEFINED, Layout, TransferSyntax, layout_of
from .tag import Tag

__all__ = ["PlacedHeader", "group_lengths", "headers_of", "rows_of"]

_CHARACTER_SET = 0x00080005


@dataclass(frozen=True, slots=True)
class PlacedHeader:
    """An element, an item or a delimiter: it begins at ``offset``, its value at ``start``, and ends at ``end``.

    What is in a sequence or an item has headers of its own: there ``end`` is ``start``. ``length`` is what it says.
    """

    depth: int
    tag: int
    vr: str
    offset: int
    start: int
    end: int
    length: int


@dataclass(slots=True)
class _Level:
    """What is walked through: it ends at ``end``, or (None) with a delimiter. ``fragments``: its items are values."""

    end: int | None
    layout: Layout
    fragments: bool = False


def headers_of(view: memoryview, syntax: TransferSyntax) -> Iterator[PlacedHeader]:
    """The headers of a Data Set that is all of ``view``. Raises struct.error where one is cut off."""
    levels = [_Level(len(view), layout_of(syntax))]
    offset = 0
    while offset < len(view) and any(view[offset : offset + 8]):
        while len(levels) > 1 and levels[-1].end is not None and offset >= levels[-1].end:
            levels.pop()
        level, depth = levels[-1], len(levels) - 1
        tag, code, start, length, _ = read_header(view, offset, len(view), level.layout)
        vr, end = "", start
        if tag >> 16 == DELIMITERS and tag != ITEM:
            if len(levels) > 1:
                levels.pop()
                depth -= 1
        elif tag == ITEM and not level.fragments:
            levels.append(_Level(None if length == UNDEFINED else start + length, level.layout))
        else:
            vr = "" if tag == ITEM else vr_of(tag) if level.layout.implicit else code.decode("ascii", "replace")
            if vr == "SQ" or length == UNDEFINED:
                inner = layout_of(IMPLICIT_LE) if vr == "UN" else level.layout
                until = None if length == UNDEFINED else start + length
                levels.append(_Level(until, inner, fragments=vr not in ("SQ", "UN")))
            else:
                end = min(start + length, len(view))
        yield PlacedHeader(depth, tag, vr, offset, start, end, length)
        offset = end


def rows_of(
    view: memoryview, syntax: TransferSyntax, *, width: int | None = None
) -> Iterator[tuple[PlacedHeader, str]]:
    """Each header up to one that cannot be read, and what is said there, in at most ``width`` characters."""
    charset = b""  # the element that says how the text is written
    try:
        for header in headers_of(view, syntax):
            piece = bytes(view[header.offset : header.end])
            if header.tag == _CHARACTER_SET:
                charset = b""
            yield header, _row(header, piece, charset, syntax, width)
            if header.tag == _CHARACTER_SET:
                charset = piece
    except (struct.error, DecodeError):
        return


def group_lengths(view: memoryview, syntax: TransferSyntax) -> Iterator[tuple[int, str]]:
    """The lengths that groups of a Data Set tell (PS3.5 §7.2), which are no part of it: group, and a row."""
    order: Literal["big", "little"] = "big" if syntax.big_endian else "little"
    with suppress(struct.error):
        for header in headers_of(view, syntax):
            if not header.depth and not header.tag & 0xFFFF:
                yield header.tag >> 16, _length_row(header, view[header.start : header.end], order)


def _length_row(header: PlacedHeader, value: bytes | memoryview, order: Literal["big", "little"]) -> str:
    return f"{Tag(header.tag)} UL {len(value):>5}  GroupLength  {int.from_bytes(value, order)}"


def _row(header: PlacedHeader, piece: bytes, charset: bytes, syntax: TransferSyntax, width: int | None) -> str:
    tag = Tag(header.tag)
    if header.end == header.start and (header.vr in ("", "SQ") or header.length == UNDEFINED):
        entry = lookup(tag)
        name = (entry.keyword or entry.name) if entry else ""
        length = "undefined length" if header.length == UNDEFINED else f"{header.length} bytes"
        return " ".join(filter(None, (str(tag), header.vr, f"{name}:", length)))
    if not header.vr:
        return f"{tag} fragment: {header.length} bytes"
    if not header.tag & 0xFFFF:
        return _length_row(header, piece[header.start - header.offset :], "big" if syntax.big_endian else "little")
    return dump(decode(charset + piece, syntax), width=width).splitlines()[-1]
