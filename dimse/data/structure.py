"""What in the structure of a Data Set is not as PS3.5 §7 has it, though it can be read.

:func:`~dimse.data.codec.decode` is lenient. Whoever asks it for a report has the bytes looked at once more, header by
header; who does not ask pays nothing. Since the Data Set could be read, it is whole, and nothing is checked for that.
What is wrong with values is another module's matter (:mod:`dimse.data.faults`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from .dictionary import lookup, vr_of
from .finding import Finding
from .layout import DELIMITERS, ITEM, LONG_VRS, SHORT_VRS, UNDEFINED, Layout, layout_of
from .origin import Place, path_of
from .syntax import IMPLICIT_LE, TransferSyntax
from .tag import Tag

__all__ = ["structure_faults"]

_PIXEL_DATA = 0x7FE00010
_LENGTH_KEPT = (0x0000, 0x0002)  # the groups that still have a length, §7.2
_META_GROUP = 0x0002  # the module dimse.data.meta looks at its length
_FORBIDDEN = (0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF)  # groups that nobody may use, §7.8
_CREATORS = range(0x0010, 0x0100)
_SEQUENCES = ("SQ", "UN")


@dataclass(slots=True)
class _Level:
    """A Data Set that is walked over: ``offset`` is its next byte, ``end`` where it ends, at the latest."""

    place: Place
    offset: int
    end: int
    layout: Layout
    undefined: bool = False
    latest: int = -1  # the tag before
    creators: set[int] = field(default_factory=set)  # private blocks, as gggg00xx
    group: tuple[int, int, int] | None = None  # a group length: its tag, from where it counts, what it says


@dataclass(slots=True)
class _Sequence:
    """A sequence, or fragments, whose items are walked over; ``level`` is the Data Set it stands in."""

    level: _Level
    tag: int
    offset: int
    end: int
    layout: Layout
    undefined: bool
    fragments: bool
    number: int = 0


@dataclass(frozen=True, slots=True)
class _Header:
    """What the header of an element says. ``code`` is None in implicit VR; ``start`` is where the value begins."""

    offset: int
    tag: int
    code: str | None
    vr: str
    start: int
    length: int


def structure_faults(view: memoryview, syntax: TransferSyntax, start: int = 0) -> Iterator[Finding]:
    """The faults of a Data Set that begins at ``start`` and was decoded before, in the order in which they stand."""
    stack: list[_Level | _Sequence] = [_Level(None, start, len(view), layout_of(syntax))]
    while stack:
        inner = stack[-1]
        if isinstance(inner, _Level):
            yield from _step(view, syntax, inner, stack)
        else:
            yield from _next_item(view, inner, stack)


def _step(
    view: memoryview, syntax: TransferSyntax, level: _Level, stack: list[_Level | _Sequence]
) -> Iterator[Finding]:
    """Walk over one element, or into it, or out of the level."""
    header = _header(view, level.offset, level.layout) if level.offset < level.end else None
    if header is None or header.tag >> 16 == DELIMITERS:
        yield from _group_length(level, None)
        if header is not None:
            yield from _delimiter(level.place, header.tag, header.offset, header.length)
            level.offset += 8
        stack.pop()
        if stack:
            stack[-1].offset = level.offset
        return
    for rule, what in _faults(view, syntax, level, header):
        yield Finding(path_of(level.place, header.tag), header.offset, rule, what)
    yield from _group_length(level, header.tag)
    _note(view, level, header)
    undefined = header.length == UNDEFINED
    if undefined or header.vr == "SQ":
        end = level.end if undefined else header.start + header.length
        layout = layout_of(IMPLICIT_LE) if header.vr == "UN" else level.layout
        fragments = header.vr not in _SEQUENCES
        stack.append(_Sequence(level, header.tag, header.start, end, layout, undefined, fragments))
    else:
        level.offset = header.start + header.length


def _header(view: memoryview, offset: int, layout: Layout) -> _Header:
    group, number, length = layout.item.unpack_from(view, offset)
    tag = group << 16 | number
    if group == DELIMITERS:
        return _Header(offset, tag, None, "", offset + 8, length)
    if layout.implicit:
        return _Header(offset, tag, None, vr_of(tag), offset + 8, length)
    _, _, code, length = layout.short.unpack_from(view, offset)
    if code in SHORT_VRS:
        return _Header(offset, tag, SHORT_VRS[code], SHORT_VRS[code], offset + 8, length)
    (length,) = layout.length.unpack_from(view, offset + 8)
    vr = str(code, "ascii")
    return _Header(offset, tag, vr, vr, offset + 12, length)


def _next_item(view: memoryview, sequence: _Sequence, stack: list[_Level | _Sequence]) -> Iterator[Finding]:
    """Walk into the next item of a sequence, over the next fragment, or out of the sequence."""
    level, offset = sequence.level, sequence.offset
    tag, length = ITEM, 0
    if offset < sequence.end or sequence.undefined:
        group, number, length = sequence.layout.item.unpack_from(view, offset)
        tag, offset = group << 16 | number, offset + 8
        if tag == ITEM:
            yield from _item(sequence, offset, length, stack)
            return
        yield from _delimiter(level.place, sequence.tag, offset - 8, length)
    stack.pop()
    level.offset = offset


def _item(sequence: _Sequence, start: int, length: int, stack: list[_Level | _Sequence]) -> Iterator[Finding]:
    place: Place = (sequence.level.place, sequence.tag, sequence.number)
    sequence.number += 1
    if length != UNDEFINED and length % 2:
        what = "a fragment" if sequence.fragments else f"item {sequence.number}"
        path = path_of(sequence.level.place, sequence.tag)
        yield Finding(path, start - 8, "PS3.5 §7.5", f"{what} has an odd length, {length}")
    if sequence.fragments:
        sequence.offset = start + length
        return
    end = sequence.end if length == UNDEFINED else start + length
    stack.append(_Level(place, start, end, sequence.layout, length == UNDEFINED))


def _delimiter(place: Place, tag: int, offset: int, length: int) -> Iterator[Finding]:
    if length:
        yield Finding(path_of(place, tag), offset, "PS3.5 §7.5", f"a delimiter has the length {length}, not 0")


# Rules for one element


def _faults(view: memoryview, syntax: TransferSyntax, level: _Level, header: _Header) -> Iterator[tuple[str, str]]:
    tag, length = header.tag, header.length
    if tag <= level.latest:
        said = "it stands there twice" if tag == level.latest else f"it stands behind {Tag(level.latest)}"
        yield "PS3.5 §7.1", said
    if length != UNDEFINED and length % 2:
        yield "PS3.5 §7.1.1", f"its length is odd, {length}"
    if header.code is not None:
        yield from _vr_faults(view, header)
    if header.vr in ("OB", "OW") and tag == _PIXEL_DATA and level.place is None:
        if (length == UNDEFINED) != syntax.encapsulated:
            kind = "native" if syntax.encapsulated else "compressed"
            yield "PS3.5 §A.4", f"it is {kind}, which {syntax.name} does not allow"
    elif length == UNDEFINED and header.vr not in _SEQUENCES and tag != _PIXEL_DATA:
        yield "PS3.5 §7.1.1", f"{header.vr} has undefined length, which only sequences and Pixel Data have"
    yield from _group_faults(level, tag)


def _vr_faults(view: memoryview, header: _Header) -> Iterator[tuple[str, str]]:
    tag, code = header.tag, header.code or ""
    letters = code.encode()
    if letters not in SHORT_VRS and letters not in LONG_VRS:
        yield "PS3.5 §6.2", f"{code} is not a VR"
        return
    if letters not in SHORT_VRS and any(view[header.start - 6 : header.start - 4]):
        yield "PS3.5 §7.1.2", f"the reserved bytes are {view[header.start - 6 : header.start - 4].hex(' ')}, not 00 00"
    entry = lookup(tag)
    if entry is None or code in entry.vr.split(" or "):
        return
    if code == "UN":
        yield "PS3.5 §6.2.2", f"it is UN, though PS3.6 has it, as {entry.vr}"
    else:
        yield "PS3.6", f"its VR is {code}, where PS3.6 has {entry.vr}"


def _group_faults(level: _Level, tag: int) -> Iterator[tuple[str, str]]:
    group, number = tag >> 16, tag & 0xFFFF
    if group in _FORBIDDEN:
        yield "PS3.5 §7.8", f"group {group:04X} is not for anybody's use"
    elif number == 0:
        if group not in _LENGTH_KEPT:
            yield "PS3.5 §7.2", "group lengths are retired"
    elif group & 1 and number not in _CREATORS:
        block = number >> 8
        if block < _CREATORS.start:
            yield "PS3.5 §7.8.1", "no private block can have this number"
        elif group << 16 | block not in level.creators:
            yield "PS3.5 §7.8.1", f"nobody reserved its private block, in {Tag(group << 16 | block)}"


def _group_length(level: _Level, tag: int | None) -> Iterator[Finding]:
    """Hold a group length against its group, when an element of another group or nothing follows."""
    if level.group is None or (tag is not None and tag >> 16 == level.group[0] >> 16):
        return
    of, start, said = level.group
    level.group = None
    really = level.offset - start
    if said != really:
        yield Finding(path_of(level.place, of), start, "PS3.5 §7.2", f"its group has {really} bytes, not {said}")


def _note(view: memoryview, level: _Level, header: _Header) -> None:
    """Remember what the elements behind this one are held against."""
    tag, start, end = header.tag, header.start, header.start + header.length
    level.latest = max(level.latest, tag)
    if tag >> 16 & 1 and tag & 0xFFFF in _CREATORS:
        level.creators.add(tag)
    if tag & 0xFFFF == 0 and tag >> 16 != _META_GROUP:
        level.group = tag, end, int.from_bytes(view[start:end], "big" if level.layout.big_endian else "little")
