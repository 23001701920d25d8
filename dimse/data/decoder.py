"""Bytes to Data Sets: the reading half of :mod:`dimse.data.codec`.

A :class:`_Level` is a Data Set that is being read, a :class:`_Sequence` the sequence whose item it is; each knows the
one it stands in, so the two make the stack. One of two loops, for explicit and for implicit VR, walks the headers. It
stores the common elements itself; for whatever is special (delimiters, sequences, undefined and long lengths, VRs that
must be found out), and at the end of a level, it calls a method, which returns the level to go on with.
"""

import struct
from dataclasses import dataclass
from typing import Final

from ..errors import DecodeError
from .dataset import (
    CHARACTER_SET,
    Dataset,
    DecodedElement,
    Entries,
    Place,
    Source,
    charset_in,
    decoded_dataset,
    path_of,
)
from .dictionary import plain_vrs, vr_of
from .layout import (
    ITEM,
    ITEM_DELIMITATION,
    LONG_VRS,
    SEQUENCE_DELIMITATION,
    SHORT_VRS,
    UNDEFINED,
    Layout,
    layout_of,
)
from .syntax import IMPLICIT_LE, TransferSyntax
from .tag import Tag
from .values import Item
from .vr import row_of

__all__ = ["Limits", "decode_view"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a Data Set may ask of its reader. More of anything is a DecodeError.

    ``elements`` counts elements, items and what ends them: at one to four microseconds each, the default is a pause
    of 0.2 s at most. ``depth`` counts sequences within sequences; structured reports reach about 10. ``value`` is the
    most bytes in a value of text or numbers, whose decoding costs time and memory; streams of bytes and words are
    views, and free. ``inflated`` is the most bytes that a deflated Data Set may become.
    """

    elements: int = 50_000
    depth: int = 64
    value: int = 4 << 20
    inflated: int = 512 << 20


_PIXEL_REPRESENTATION: Final = 0x00280103
_DELIMITERS: Final = ITEM >> 16  # their group

# Explicit VR, the common ones. UL is not among them: it may be a group length.
_COMMON = {code: vr for code, vr in SHORT_VRS.items() if vr != "UL"}
_LENGTH_KEPT = (0x0000, 0x0002)  # the groups that still have a length, PS3.5 §7.2


class _Level:
    """A Data Set that is being read; ``end`` is where it ends, or the latest place where its delimiter may."""

    __slots__ = ("dataset", "elements", "end", "layout", "place", "sequence", "source", "undelimited")

    def __init__(
        self, source: Source, place: Place, undefined: bool, layout: Layout, end: int, sequence: "_Sequence | None"
    ) -> None:
        self.elements: Entries = {}
        self.dataset = decoded_dataset(self.elements, (source, place, undefined))
        self.source = source
        self.place = place
        self.undelimited = undefined  # until its delimiter is met
        self.layout = layout
        self.end = end
        self.sequence = sequence


class _Sequence:
    """A sequence that is being read, of ``items`` up to ``end``."""

    __slots__ = ("depth", "end", "items", "layout", "parent", "source", "tag", "undefined")

    def __init__(self, parent: _Level, tag: int, undefined: bool, layout: Layout, end: int) -> None:
        self.parent = parent
        self.tag = tag
        self.undefined = undefined
        self.layout = layout
        self.end = end
        self.source = parent.source
        self.items: list[Item] = []
        self.depth: int = parent.sequence.depth + 1 if parent.sequence else 1


class _Decoder:
    """One Data Set's reading: ``offset`` is the next byte to read, ``left`` the headers still allowed."""

    def __init__(self, view: memoryview, syntax: TransferSyntax, limits: Limits) -> None:
        self.view = view
        self.limits = limits
        self.offset = 0
        self.left = limits.elements
        source = Source(view, syntax.big_endian, ())
        self.root = _Level(source, None, False, layout_of(syntax), len(view), None)

    def run(self) -> Dataset:
        level: _Level | None = self.root
        while level is not None:
            level = self._read_implicit(level) if level.layout.implicit else self._read_explicit(level)
        return self.root.dataset

    def _read_explicit(self, level: _Level) -> _Level | None:
        """Read on until a level has another layout, which is returned; None when all is read."""
        view, layout, offset, end, elements = self.view, level.layout, self.offset, level.end, level.elements
        header, common = layout.short.unpack_from, _COMMON.get
        for left in range(self.left, 0, -1):  # noqa: B007 (it is what remains)
            following: _Level | None
            if offset < end:
                self.offset = offset
                group, number, code, length = header(view, offset)
                vr = common(code)
                if vr is not None:
                    start = offset + 8
                    offset = start + length
                    if offset > end:
                        raise self._too_long(level, group << 16 | number, length, start)
                    elements[group << 16 | number] = vr, start, length
                    continue
                following = self._long(level, group << 16 | number, code, length)
            else:
                self.offset = offset
                following = self._close(level)
            if following is None or following.layout is not layout:
                break
            level, offset, end, elements = following, self.offset, following.end, following.elements
        else:
            raise self._too_many(level)
        self.left = left - 1
        return following

    def _read_implicit(self, level: _Level) -> _Level | None:
        """Read on until a level has another layout, which is returned; None when all is read."""
        view, layout, offset, end, elements = self.view, level.layout, self.offset, level.end, level.elements
        header, plain, most = layout.item.unpack_from, plain_vrs().get, self.limits.value
        for left in range(self.left, 0, -1):  # noqa: B007 (it is what remains)
            self.offset = offset
            if offset >= end:
                following = self._close(level)
            else:
                group, number, length = header(view, offset)
                tag = group << 16 | number
                vr = plain(tag)
                if vr is not None and length <= most:
                    start = offset + 8
                    offset = start + length
                    if offset > end:
                        raise self._too_long(level, tag, length, start)
                    elements[tag] = vr, start, length
                    continue
                following = self._special(level, tag, vr or self._vr(level, tag), length, offset + 8)
            if following is None or following.layout is not layout:
                break
            level, offset, end, elements = following, self.offset, following.end, following.elements
        else:
            raise self._too_many(level)
        self.left = left - 1
        return following

    def _long(self, level: _Level, tag: int, code: bytes, length: int) -> _Level:
        """Read an element of the long form, a delimiter, or a UL. Returns the level to go on with."""
        offset = self.offset
        if tag >> 16 == _DELIMITERS:
            return self._end_item(level, tag)
        if code == b"UL":
            return self._special(level, tag, "UL", length, offset + 8)
        layout = level.layout
        vr = LONG_VRS.get(code) or self._unknown_vr(level, tag, code)
        (length,) = layout.length.unpack_from(self.view, offset + 8)
        if vr == "SQ" and offset + 12 + length <= level.end:
            return self._open(level, tag, vr, offset + 12, False, layout, offset + 12 + length)
        if vr == "UN" and length != UNDEFINED and not layout.big_endian:
            known = self._vr(level, tag)
            vr = "UN" if known == "SQ" else known
        return self._special(level, tag, vr, length, offset + 12)

    def _special(self, level: _Level, tag: int, vr: str, length: int, start: int) -> _Level:
        """Read any element, whose value starts at ``start``. Returns the level to go on with."""
        if tag >> 16 == _DELIMITERS:
            return self._end_item(level, tag)
        if length == UNDEFINED:
            return self._undefined(level, tag, vr, start)
        end = start + length
        if end > level.end:
            raise self._too_long(level, tag, length, start)
        if vr == "SQ":
            return self._open(level, tag, vr, start, False, level.layout, end)
        if length > self.limits.value and row_of(vr).kind != "stream":
            raise self._error(level, tag, f"{vr} of {length} bytes, more than {self.limits.value}")
        if tag & 0xFFFF or tag >> 16 in _LENGTH_KEPT:
            level.elements[tag] = vr, start, length
        self.offset = end
        return level

    def _undefined(self, level: _Level, tag: int, vr: str, start: int) -> _Level:
        if vr == "SQ":
            return self._open(level, tag, vr, start, True, level.layout, level.end)
        if vr == "UN":  # a sequence, always in Implicit VR Little Endian: PS3.5 §6.2.2
            return self._open(level, tag, vr, start, True, layout_of(IMPLICIT_LE), level.end)
        if vr not in ("OB", "OW"):
            raise self._error(level, tag, f"{vr} cannot have undefined length")
        self.offset = start
        self._put(level, tag, vr, self._fragments(level, tag), True)
        return level

    def _open(self, level: _Level, tag: int, vr: str, start: int, undefined: bool, layout: Layout, end: int) -> _Level:
        """Begin a sequence. Returns the level of its first item, or ``level`` again if there is none."""
        if CHARACTER_SET in level.elements:
            self._settle(level)
        sequence = _Sequence(level, tag, undefined, layout, end)
        if layout.big_endian != level.source.big_endian:
            sequence.source = Source(self.view, layout.big_endian, level.source.charset)
        if sequence.depth > self.limits.depth:
            raise self._error(level, tag, f"sequences nest deeper than {self.limits.depth}")
        self._put(level, tag, vr, sequence.items, undefined)
        self.offset = start
        return self._next_item(sequence)

    def _next_item(self, sequence: _Sequence) -> _Level:
        """The next item of a sequence, to be read; the level around it where the sequence ends."""
        parent, tag, layout = sequence.parent, sequence.tag, sequence.layout
        if self.offset >= sequence.end and not sequence.undefined:
            return parent
        group, number, length = layout.item.unpack_from(self.view, self.offset)
        self.offset = start = self.offset + 8
        delimiter = group << 16 | number
        if delimiter == SEQUENCE_DELIMITATION and sequence.undefined:
            return parent
        if delimiter != ITEM:
            raise self._error(parent, tag, f"{Tag(delimiter)} where an item should begin")
        undefined = length == UNDEFINED
        end = sequence.end if undefined else start + length
        if end > sequence.end:
            raise self._error(parent, tag, f"an item of {length} bytes ends beyond its sequence")
        place = (parent.place, tag, len(sequence.items))
        level = _Level(sequence.source, place, undefined, layout, end, sequence)
        sequence.items.append(level.dataset)
        return level

    def _end_item(self, level: _Level, tag: int) -> _Level:
        if tag != ITEM_DELIMITATION or not level.undelimited:
            raise self._error(level, tag, "a delimiter or item is out of place")
        level.undelimited = False
        level.end = self.offset = self.offset + 8
        return level

    def _close(self, level: _Level) -> _Level | None:
        """End a level. Returns the one to go on with, None when it is the root."""
        if level.undelimited:
            raise self._error(level, ITEM_DELIMITATION, "the item ends without its delimiter")
        if CHARACTER_SET in level.elements:
            self._settle(level)
        return self._next_item(level.sequence) if level.sequence else None

    def _settle(self, level: _Level) -> None:
        """Read what follows, in items too, with the Specific Character Set of this level."""
        source = level.source
        level.source = Source(self.view, source.big_endian, charset_in(level.dataset))
        level.dataset._origin = (level.source, level.place, level.dataset.undefined_length)

    def _fragments(self, level: _Level, tag: int) -> list[Item]:
        """The items of compressed Pixel Data, PS3.5 §A.4: the Basic Offset Table, then the fragments."""
        fragments: list[Item] = []
        while len(fragments) <= self.limits.elements:
            group, number, length = level.layout.item.unpack_from(self.view, self.offset)
            self.offset += 8
            delimiter = group << 16 | number
            if delimiter == SEQUENCE_DELIMITATION:
                return fragments
            if delimiter != ITEM or self.offset + length > level.end:
                raise self._error(level, tag, f"{Tag(delimiter)} of {length} bytes where a fragment should be")
            fragments.append(self.view[self.offset : self.offset + length])
            self.offset += length
        raise self._too_many(level)

    def _vr(self, level: _Level, tag: int) -> str:
        """The VR of the dictionary; of US or SS the one that the Pixel Representation around it says."""
        vr = vr_of(tag)
        if vr != "US or SS":
            return vr
        at: _Level | None = level
        while at is not None and _PIXEL_REPRESENTATION not in at.elements:
            at = at.sequence.parent if at.sequence else None
        entry = at.elements[_PIXEL_REPRESENTATION] if at else None
        return "SS" if isinstance(entry, tuple) and any(self.view[entry[1] :][: entry[2]]) else "US"

    def _unknown_vr(self, level: _Level, tag: int, code: bytes) -> str:
        """A VR that is still to come has two capital letters and the long form, PS3.5 §6.2."""
        if not (code.isalpha() and code.isupper()):
            raise self._error(level, tag, f"{code!r} is not a VR; is this Implicit VR?")
        return str(code, "ascii")

    def _put(self, level: _Level, tag: int, vr: str, items: list[Item], undefined: bool) -> None:
        element = DecodedElement(tag, vr, b"", level.dataset._origin, items)
        element.undefined_length = undefined
        level.elements[tag] = element

    def _error(self, level: _Level, tag: int, what: str) -> DecodeError:
        return DecodeError(what, path=path_of(level.place, tag), offset=self.offset)

    def _too_long(self, level: _Level, tag: int, length: int, start: int) -> DecodeError:
        what = f"a value of {length} bytes where {max(level.end - start, 0)} are left"
        return DecodeError(what, path=path_of(level.place, tag), offset=start)

    def _too_many(self, level: _Level) -> DecodeError:
        path = path_of(level.place, max(level.elements, default=0))
        return DecodeError(f"more than {self.limits.elements} elements", path=path, offset=self.offset)


def decode_view(view: memoryview, syntax: TransferSyntax, limits: Limits) -> Dataset:
    """The Data Set in a flat view of bytes, not deflated. Raises DecodeError."""
    decoder = _Decoder(view, syntax, limits)
    try:
        return decoder.run()
    except struct.error as exc:
        raise DecodeError("the header of an element is cut off", offset=decoder.offset) from exc
