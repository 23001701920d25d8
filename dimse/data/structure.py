"""The report of tolerated faults in the structure of a Data Set: PS3.5 §7.

A report costs one more walk over the headers; decoding without a report costs nothing extra. A report covers a Data Set
that has been decoded, so nothing here checks that values lie within the bytes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..errors import DecodeError, Finding, shown
from .dataset import PIXEL_DATA
from .dictionary import lookup, vr_of
from .header import (
    CREATORS,
    SHORTEST_HEADER,
    actual_layout,
    begins_early,
    content_end,
    holds_fragments,
    holds_items,
    is_junk,
    is_vr,
    read_header,
    trailing_fault,
)
from .source import LENGTH_KEPT, Place, path_of, path_of_item
from .syntax import (
    DELIMITERS,
    IMPLICIT_LE,
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    SHORT_VRS,
    UNDEFINED,
    Layout,
    TransferSyntax,
)
from .tag import Tag

__all__ = ["structure_faults"]

_GROUP_LENGTH_SIZE = 4  # bytes of a UL
_META_GROUP = 0x0002  # the group whose length `dimse.data.part10` checks
_FORBIDDEN = (0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF)  # groups that no element may have, PS3.5 §7.8
_SEQUENCES = ("SQ", "UN")  # VRs that may have undefined length, besides Pixel Data


@dataclass(slots=True)
class _Level:
    """A Data Set or item during the walk. ``offset`` is the next byte; the level ends at ``end``, at the latest."""

    place: Place
    offset: int
    end: int
    layout: Layout
    undefined: bool = False
    greatest: int = -1  # the greatest tag so far
    tags: set[int] = field(default_factory=set)  # all tags so far
    sequence_end: int = -1  # the end of the previous element if it is a sequence of defined length
    creators: set[int] = field(default_factory=set)  # tags of the private creators so far, gggg00xx
    group: tuple[int, int, int] | None = None  # a group length: tag, offset where the group begins, value
    skipped: int = 0  # bytes since the group length that belong to no element


@dataclass(slots=True)
class _Sequence:
    """A sequence, or fragments, during the walk. ``level`` is the Data Set around it."""

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
    """The header of an element. ``code`` is the VR as written, if any; the value begins at ``start``.

    ``vr`` is the VR by which the value is read. It is empty for an item or a delimiter.
    """

    offset: int
    tag: int
    code: bytes | None
    vr: str
    start: int
    length: int
    holds_items: bool = True  # False for an SQ that does not begin with an item

    @property
    def is_delimiter(self) -> bool:
        return not self.vr


def structure_faults(
    view: memoryview, syntax: TransferSyntax, start: int = 0, broken: Mapping[int, DecodeError] | None = None
) -> Iterator[Finding]:
    """Yield the faults of a decoded Data Set that begins at ``start``, in the order of the bytes.

    There is one exception: the fault of a group length comes after the faults of the elements in its group. ``broken``
    has the errors of elements that could not be parsed, by the offset of their headers.
    """
    errors = broken or {}
    layout = actual_layout(view, start, len(view), syntax.layout)
    if layout.implicit != syntax.implicit:
        yield Finding("", start, "PS3.5 §10", f"the Data Set is in {_encoding_of(layout)} VR, not in {syntax.name}")
    stack: list[_Level | _Sequence] = [_Level(None, start, len(view), layout)]
    while stack:
        inner = stack[-1]
        if isinstance(inner, _Level):
            yield from _step_over_element(view, syntax, inner, stack, errors)
        else:
            yield from _step_to_next_item(view, inner, stack)


def _step_over_element(
    view: memoryview,
    syntax: TransferSyntax,
    level: _Level,
    stack: list[_Level | _Sequence],
    broken: Mapping[int, DecodeError],
) -> Iterator[Finding]:
    """Step over one element, into its items, or out of the level."""
    yield from _step_over_padding(view, level)
    header = _read_header(view, level) if level.offset < level.end else None
    if header is not None and _is_unneeded(level, header):
        follows_sequence = level.sequence_end == level.offset
        before = "a sequence that has a length" if follows_sequence else "the last element"
        yield _nesting_fault(level, f"a delimiter follows {before}")
        level.offset += 8
        level.skipped += 8
        level.sequence_end = level.offset if follows_sequence else -1
        return
    if header is None or header.is_delimiter:
        yield from _group_length_faults(level, None)
        yield from _step_over_end(level, header)
        stack.pop()
        if stack:
            stack[-1].offset = level.offset
        return
    for rule, what in _element_faults(view, syntax, level, header):
        yield Finding(path_of(level.place, header.tag), header.offset, rule, what)
    yield from _group_length_faults(level, header.tag)
    _record(view, level, header)
    undefined = header.length == UNDEFINED
    if error := broken.get(header.offset):
        yield Finding(error.path, error.offset, error.rule, error.what)
        level.offset = header.start + header.length
    elif undefined or (header.vr == "SQ" and header.holds_items):
        end = level.end if undefined else header.start + header.length
        fragments = holds_fragments(header.tag, header.vr)
        layout = IMPLICIT_LE.layout if header.vr == "UN" and not fragments else level.layout
        stack.append(_Sequence(level, header.tag, header.start, end, layout, undefined, fragments))
    else:
        level.offset = header.start + header.length


def _is_unneeded(level: _Level, header: _Header) -> bool:
    """Return whether a delimiter ends neither an item nor a sequence."""
    tag = header.tag
    if not header.is_delimiter or tag not in (ITEM_DELIMITATION, SEQUENCE_DELIMITATION):
        return False
    if level.place is None:
        return True
    ends_item = tag == ITEM_DELIMITATION and (level.undefined or level.offset + 8 == level.end)
    return level.sequence_end == level.offset and not ends_item


def _step_over_padding(view: memoryview, level: _Level) -> Iterator[Finding]:
    """Step over the zeros after the last element of a Data Set, or of an item of defined length."""
    offset, end = level.offset, level.end
    if level.undefined or offset >= end or any(view[offset : min(offset + 4, end)]):
        return
    if content_end(view, offset, end) == offset:
        path = path_of_item(level.place)
        yield Finding(path, offset, "PS3.5 §7.1", trailing_fault(view, offset, end))
        level.offset = end
        level.skipped += end - offset


def _step_over_end(level: _Level, header: _Header | None) -> Iterator[Finding]:
    """Step over the delimiter at the end of a level, if there is one."""
    if header is None or header.tag == SEQUENCE_DELIMITATION:
        if level.undefined:
            yield _nesting_fault(level, "the item ends without its delimiter")
        return
    yield from _delimiter_faults(level.place, header.tag, header.offset, header.length)
    if not level.undefined:
        yield _nesting_fault(level, "the length of the item includes its delimiter")
    level.offset += 8


def _nesting_fault(level: _Level, what: str) -> Finding:
    return Finding(path_of_item(level.place), level.offset, "PS3.5 §7.5", what)


def _read_header(view: memoryview, level: _Level) -> _Header:
    layout = level.layout
    tag, code, start, length, _ = read_header(view, level.offset, level.end, layout)
    if tag >> 16 == DELIMITERS:
        return _read_delimiter(view, level, tag, start, length)
    vr = vr_of(tag) if layout.implicit or not (code.isalpha() and code.isupper()) else str(code, "ascii")
    defined = length != UNDEFINED
    items = not defined or vr != "SQ" or not length or holds_items(view, start, start + length, layout)
    return _Header(level.offset, tag, None if layout.implicit else code, vr, start, length, items)


def _read_delimiter(view: memoryview, level: _Level, tag: int, start: int, length: int) -> _Header:
    """Return the header of an item or a delimiter. If it has a short VR, it counts as an element, as in decoding."""
    if not level.layout.implicit and (tag & 0xFFFF or level.place is None):
        _, _, code, size = level.layout.short.unpack_from(view, level.offset)
        if code in SHORT_VRS:
            return _Header(level.offset, tag, code, SHORT_VRS[code], start, size)
    return _Header(level.offset, tag, None, "", start, length)


def _step_to_next_item(view: memoryview, sequence: _Sequence, stack: list[_Level | _Sequence]) -> Iterator[Finding]:
    """Step into the next item of a sequence, over the next fragment, or out of the sequence."""
    level, offset = sequence.level, sequence.offset
    tag, length = ITEM, 0
    if not sequence.undefined and offset < sequence.end and is_junk(view, offset, sequence.end, sequence.layout):
        what = f"{sequence.end - offset} bytes that are not an item follow the last item"
        yield Finding(path_of(level.place, sequence.tag), offset, "PS3.5 §7.5", what)
        offset = sequence.end
    if sequence.fragments and sequence.number and begins_early(view, offset, sequence.layout):
        what = "the padding of a fragment is missing, though its length includes it"
        offset -= 1
        yield Finding(path_of(level.place, sequence.tag), offset, "PS3.5 §A.4", what)
    elif sequence.fragments and sequence.number > 1 and content_end(view, offset, sequence.end) == offset:
        what = "zeros take the place of the delimiter"
        yield Finding(path_of(level.place, sequence.tag), offset, "PS3.5 §A.4", what)
        sequence.undefined, offset = False, sequence.end
    if offset < sequence.end or sequence.undefined:
        group, number, length = sequence.layout.item.unpack_from(view, offset)
        tag, offset = group << 16 | number, offset + 8
        if tag == ITEM:
            yield from _step_into_item(view, sequence, offset, length, stack)
            return
        path = path_of(level.place, sequence.tag)
        if tag == ITEM_DELIMITATION:
            what = f"a delimiter follows item {sequence.number}, which has a length"
            yield Finding(path, offset - 8, "PS3.5 §7.5", what)
            sequence.offset = offset
            return
        yield from _delimiter_faults(level.place, sequence.tag, offset - 8, length)
        if not sequence.undefined:
            yield Finding(path, offset - 8, "PS3.5 §7.5", "the length of the sequence includes its delimiter")
    stack.pop()
    level.offset = offset
    level.sequence_end = -1 if sequence.undefined else offset


def _step_into_item(
    view: memoryview, sequence: _Sequence, start: int, length: int, stack: list[_Level | _Sequence]
) -> Iterator[Finding]:
    place: Place = (sequence.level.place, sequence.tag, sequence.number)
    sequence.number += 1
    path = path_of(sequence.level.place, sequence.tag)
    if length != UNDEFINED and length % 2:
        what = "a fragment" if sequence.fragments else f"item {sequence.number}"
        yield Finding(path, start - 8, "PS3.5 §7.5", f"{what} has an odd length: {length}")
    if sequence.fragments:
        sequence.offset = start + length
        return
    end = sequence.end if length == UNDEFINED else start + length
    layout = actual_layout(view, start, end, sequence.layout)
    if layout is not sequence.layout:
        what = f"item {sequence.number} is in {_encoding_of(layout)} VR"
        yield Finding(path, start, "PS3.5 §7.1", what)
    stack.append(_Level(place, start, end, layout, length == UNDEFINED))


def _encoding_of(layout: Layout) -> str:
    return "Implicit" if layout.implicit else "Explicit"


def _delimiter_faults(place: Place, tag: int, offset: int, length: int) -> Iterator[Finding]:
    if length:
        yield Finding(path_of(place, tag), offset, "PS3.5 §7.5", f"a delimiter has length {length}, not 0")


# Rules for one element


def _element_faults(
    view: memoryview, syntax: TransferSyntax, level: _Level, header: _Header
) -> Iterator[tuple[str, str]]:
    tag, length = header.tag, header.length
    if tag <= level.greatest:
        found = "the element occurs twice" if tag in level.tags else f"the element follows {Tag(level.greatest)}"
        yield "PS3.5 §7.1", found
    if length != UNDEFINED and length % 2:
        yield "PS3.5 §7.1.1", f"the length is odd: {length}"
    if tag >> 16 == DELIMITERS:
        yield "PS3.5 §7.5", f"an item or delimiter has no VR, but {header.vr} was found"
    elif header.code is not None:
        yield from _vr_faults(view, header)
    if not header.holds_items:
        yield "PS3.5 §7.5", "the value does not begin with an item"
    if header.vr in ("OB", "OW", "UN") and tag == PIXEL_DATA and level.place is None:
        if (length == UNDEFINED) != syntax.encapsulated:
            kind = "native" if syntax.encapsulated else "compressed"
            yield "PS3.5 §A.4", f"{kind} pixels, which {syntax.name} does not allow"
    elif length == UNDEFINED and header.vr not in _SEQUENCES and tag != PIXEL_DATA:
        yield "PS3.5 §7.1.1", f"{header.vr} has undefined length, which only sequences and Pixel Data may have"
    yield from _group_faults(level, tag)


def _vr_faults(view: memoryview, header: _Header) -> Iterator[tuple[str, str]]:
    tag, code = header.tag, header.code or b""
    if not is_vr(code):
        yield "PS3.5 §6.2", f"{str(code, 'ascii') if code.isalpha() else shown(code)[1:]} is not a VR"
        return
    if code not in SHORT_VRS and header.start == header.offset + SHORTEST_HEADER:
        yield "PS3.5 §7.1.2", f"the length of {header.vr} has 2 bytes, not 4"
    elif code not in SHORT_VRS and any(view[header.start - 6 : header.start - 4]):
        yield "PS3.5 §7.1.2", f"the reserved bytes are {view[header.start - 6 : header.start - 4].hex(' ')}, not 00 00"
    entry, vr = lookup(tag), header.vr
    if entry is None or vr in entry.vr.split(" or "):
        return
    if vr == "UN":
        yield "PS3.5 §6.2.2", f"the VR is UN, although PS3.6 defines {entry.vr}"
    else:
        yield "PS3.6", f"the VR is {vr}, but PS3.6 defines {entry.vr}"


def _group_faults(level: _Level, tag: int) -> Iterator[tuple[str, str]]:
    group, number = tag >> 16, tag & 0xFFFF
    if group in _FORBIDDEN:
        yield "PS3.5 §7.8", f"group {group:04X} is not allowed"
    elif number == 0:
        if group not in LENGTH_KEPT:
            yield "PS3.5 §7.2", "group lengths are retired"
    elif group & 1 and number not in CREATORS:
        block = number >> 8
        if block < CREATORS.start:
            yield "PS3.5 §7.8.1", "no private block has this element number"
        elif group << 16 | block not in level.creators:
            yield "PS3.5 §7.8.1", f"the private block is not reserved: {Tag(group << 16 | block)} is missing"


def _group_length_faults(level: _Level, tag: int | None) -> Iterator[Finding]:
    """Compare a group length with the size of its group, once an element of another group or the end is reached."""
    if level.group is None or (tag is not None and tag >> 16 == level.group[0] >> 16):
        return
    length_tag, start, found = level.group
    level.group = None
    size = level.offset - start - level.skipped
    if found != size:
        yield Finding(path_of(level.place, length_tag), start, "PS3.5 §7.2", f"the group has {size} bytes, not {found}")


def _record(view: memoryview, level: _Level, header: _Header) -> None:
    """Record the values that the checks of later elements need."""
    tag, start, end = header.tag, header.start, header.start + header.length
    level.greatest = max(level.greatest, tag)
    level.tags.add(tag)
    if tag >> 16 & 1 and tag & 0xFFFF in CREATORS:
        level.creators.add(tag)
    if tag & 0xFFFF == 0 and tag >> 16 != _META_GROUP and end - start == _GROUP_LENGTH_SIZE:
        level.skipped = 0
        level.group = tag, end, int.from_bytes(view[start:end], "big" if level.layout.big_endian else "little")
