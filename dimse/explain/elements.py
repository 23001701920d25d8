"""The elements of a Command Set or Data Set as fields, with the places of their bytes in the stream: PS3.5 §7."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from ..data import Tag
from ..data.dictionary import lookup
from ..data.dump import rows_of
from ..data.skip import PlacedHeader
from ..errors import Finding, cut, escaped
from .command import explain_command
from .conversation import CompleteMessage, Piece
from .pdu import Line

__all__ = ["Field", "Places", "command_field", "command_fields", "data_set_fields"]

# A row of `rows_of`: tag, VR, length, keyword, and the value
_VALUE = re.compile(r"\(....,....\) (?:\S\S) +\S*  \S*(?:  ?(.*))?", re.DOTALL)
_MAX_VALUE = 400  # characters of a value that are shown, and characters of its faults
_PIXELS, _PIXEL_GROUP = 0x7FE00010, 0x0028
_COMMAND_HEADER = 8  # bytes of a tag and a length in implicit VR
_MAX_DESCRIPTION = 16  # bytes of a value that describes pixels


class Field(NamedTuple):
    """A field of one side's stream: the bytes in ``ranges`` and their meaning.

    ``category`` is pdu, item, pdv, command or element. ``head`` marks the first field of a PDU, an item, a PDV, a
    Command Set or an element. The bytes of a ``secret`` field must not be shown. Elements have a ``tag`` and a ``vr``.
    The value of an element is ``data[value_start:]``. For Pixel Data, ``pixels`` has the short elements of group 0028
    of the same Data Set or item as texts, by keyword, and the key ``big_endian`` if the transfer syntax is big-endian.
    The bytes of a field that is not ``known`` may be anything, as in `Line`.
    """

    ranges: tuple[Piece, ...]
    data: memoryview
    depth: int
    category: str
    name: str
    value: str = ""
    table: str = ""
    secret: bool = False
    error: str = ""
    head: bool = False
    tag: int | None = None
    vr: str = ""
    pixels: Mapping[str, str] | None = None
    value_start: int = 0
    known: bool = True

    @property
    def length(self) -> int:
        """The number of bytes in the field."""
        return sum(end - start for start, end in self.ranges)


class Places:
    """The places of bytes in the stream of one side. The bytes were joined from ``pieces`` of the stream."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._starts = [0, *accumulate(end - start for start, end in pieces)]

    @property
    def length(self) -> int:
        """The number of joined bytes."""
        return self._starts[-1]

    def ranges(self, start: int, end: int) -> tuple[Piece, ...]:
        """Return the places of the joined bytes from ``start`` to before ``end``."""
        found = []
        number = max(bisect_right(self._starts, start) - 1, 0)
        while start < end and number < len(self._pieces):
            shift = self._pieces[number][0] - self._starts[number]
            until = min(end, self._starts[number + 1])
            if until > start:
                found.append((start + shift, until + shift))
            start, number = max(until, start), number + 1
        return tuple(found)


def command_fields(message: CompleteMessage, depth: int) -> Iterator[Field]:
    """Yield the elements of the Command Set of ``message``."""
    places = Places(message.command_pieces)
    whole = Line(0, memoryview(message.command), depth, "")
    for number, line in enumerate(explain_command(whole)):
        yield command_field(line, places.ranges(line.offset, line.offset + len(line.data)), head=not number)


def command_field(line: Line, ranges: tuple[Piece, ...], *, head: bool) -> Field:
    """Return a line of `explain_command` as a field, whose bytes are at ``ranges``."""
    tag, vr, name, value_start = None, "", line.field, 0
    if line.field.startswith("("):
        tag = int(line.field[1:5] + line.field[6:10], 16)
        vr, _, keyword = line.field[12:].partition(" ")
        name, value_start = keyword or "Unknown element", _COMMAND_HEADER
    return Field(
        ranges,
        line.data,
        line.depth,
        "command",
        name,
        line.value,
        line.table,
        error=line.error,
        head=head,
        tag=tag,
        vr=vr,
        value_start=value_start,
    )


def data_set_fields(message: CompleteMessage, depth: int) -> Iterator[Field]:
    """Yield the elements, items and delimiters of the Data Set of ``message``, whose transfer syntax must be known.

    From the first broken element on, all bytes are one field, ``Rest``.
    """
    assert message.syntax is not None
    places, data, position = Places(message.data_pieces), message.data, 0
    faults = _Faults(message.findings)
    levels: list[dict[str, str]] = [{}]  # for each depth of nesting: the elements that describe pixels, by keyword
    for header, row in rows_of(data, message.syntax, width=_MAX_VALUE):
        if header.offset != position or header.end <= header.offset or header.end > len(data):
            break  # a broken element: all bytes from here on are the rest
        position = header.end
        del levels[header.depth + 1 :]
        levels += ({} for _ in range(header.depth + 1 - len(levels)))
        field = _element(header, row, data, places, depth)
        description = levels[header.depth]
        if header.tag >> 16 == _PIXEL_GROUP and header.end - header.start <= _MAX_DESCRIPTION:
            description[field.name] = field.value
        elif header.tag == _PIXELS:
            order = {"big_endian": "1"} if message.syntax.big_endian else {}
            field = field._replace(pixels={**description, **order})
        yield field._replace(error=faults.within(header.offset, header.end))
    if position < len(data):
        rest, ranges = data[position:], places.ranges(position, len(data))
        error = faults.within(position, len(data)) or ("no element begins here [PS3.5 §7.1]" if any(rest[:8]) else "")
        yield Field(ranges, rest, depth, "element", "Rest", f"{len(rest)} bytes", error=error, head=True)


def _element(header: PlacedHeader, row: str, data: memoryview, places: Places, depth: int) -> Field:
    tag = Tag(header.tag)
    entry = lookup(tag)
    name = "GroupLength" if header.tag & 0xFFFF == 0 else (entry.keyword or entry.name) if entry else ""
    found = _VALUE.fullmatch(row)
    value = (found[1] or "") if found else row.partition(": ")[2]
    return Field(
        places.ranges(header.offset, header.end),
        data[header.offset : header.end],
        depth + header.depth,
        "element",
        name or ("Private element" if header.tag >> 16 & 1 else "Unknown element"),
        value,
        head=True,
        tag=header.tag,
        vr=escaped(header.vr),
        value_start=header.start - header.offset,
    )


class _Faults:
    """The findings about a Data Set, by their offsets. A finding without an offset belongs to the first element."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = list(findings)

    def within(self, start: int, end: int) -> str:
        """Return, in words, the faults from offset ``start`` to before ``end``."""
        here = [finding for finding in self._findings if start <= (finding.offset or 0) < end]
        return cut("; ".join(map(str, here)), _MAX_VALUE)
