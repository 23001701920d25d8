"""Decoding, the reading half of :mod:`dimse.data.codec`.

A Data Set is first skimmed: common elements, which can be skipped by their lengths, are only checked for completeness,
in as few steps as Python allows. All of them become objects when one of them is first accessed. All other elements,
such as sequences, are special: the parser handles them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TypeAlias

from ..errors import DecodeError
from .cursor import Elements
from .dataset import (
    CHARACTER_SET,
    Dataset,
    DecodedElement,
    Element,
    decoded_dataset,
    unread_dataset,
)
from .dictionary import plain_vrs, sequence_tags, vr_of
from .encoding_attributes import charset_in, find_charset
from .header import CREATORS, SHORTEST_HEADER, actual_layout, holds_known
from .items import Items, fix_pixel_order
from .parser import Parser, ends_in_sequence, parse_items
from .skip import common_elements
from .source import LENGTH_KEPT, DecodeLimits, Origin, Source, origin_of
from .syntax import (
    DELIMITERS,
    ITEM,
    ITEM_DELIMITATION,
    LONG_VRS,
    SEQUENCE_DELIMITATION,
    SHORT_VRS,
    UNDEFINED,
    Layout,
    TransferSyntax,
)
from .vr import PIXEL_REPRESENTATION, US_OR_SS, chosen_vr, is_signed

__all__ = ["Broken", "Skimmed", "decode_view"]

_LONG_HEADER = 12  # bytes


Broken: TypeAlias = dict[int, DecodeError]  # errors within elements, by the offset of the element's header


def decode_view(
    view: memoryview,
    start: int,
    syntax: TransferSyntax,
    limits: DecodeLimits,
    *,
    whole: bool,
    cut_off: list[DecodeError],
    broken: Broken | None = None,
    group_lengths: bool = False,
) -> tuple[Dataset, int]:
    """Return the Data Set from ``start`` on in a view of bytes, already inflated, and its end.

    With ``whole``, the items of all sequences are parsed now, otherwise on first access. With ``group_lengths``, the
    group lengths of all groups are kept. ``broken`` receives the errors within sequences of defined length, which are
    raised again on first access; without ``broken``, reading ends at such an error. ``cut_off`` receives the error at
    which reading ends; the Data Set then has the elements before the error. Raises DecodeError only beyond ``limits``.
    """
    if len(view) - start > limits.size:
        raise DecodeError(
            f"{len(view) - start} bytes exceed the limit of {limits.size}", offset=start, rule="DecodeLimits.size"
        )
    layout = actual_layout(view, start, len(view), syntax.layout)
    if layout.implicit != syntax.implicit:
        syntax = replace(syntax, implicit=layout.implicit)
    charset = find_charset(view, layout, start)
    kept = range(1 << 16) if group_lengths else LENGTH_KEPT
    source = Source(view, layout, syntax, limits, charset, lengths_kept=kept)
    first = start  # the end of the short elements with small values, which one regular expression skips
    if not layout.implicit and (len(view) - start) // SHORTEST_HEADER <= limits.elements:
        common = common_elements(layout.big_endian).match(view, start)
        first = common.end() if common is not None else start
        if first == len(view):  # this shortcut decodes a small Data Set in a fifth less time
            return unread_dataset(Skimmed(origin_of(source), start, first, {})), first
    skimmer = _Skimmer(source, start, broken, cut_off)
    skimmer.offset = first
    skimmed = skimmer.skim(whole)
    if skimmer.is_partial:
        return decoded_dataset(skimmed.elements(), skimmed.origin), skimmed.end
    return unread_dataset(skimmed), skimmed.end


class Skimmed:
    """A Data Set from ``start`` to ``end`` whose common elements are found on first access.

    ``special`` maps the offset of the header of each special element to a pair: a dict with the element, or an empty
    dict if it was dropped, and the offset of the next element.
    """

    __slots__ = ("end", "origin", "special", "start")

    def __init__(self, origin: Origin, start: int, end: int, special: dict[int, tuple[Elements, int]]) -> None:
        self.origin = origin
        self.start = start
        self.end = end
        self.special = special

    def __reduce__(self) -> tuple[Callable[[Source], Skimmed], tuple[Source]]:
        return _skim_again, (self.origin[0].part(self.start, self.end),)

    @property
    def raw(self) -> memoryview:
        """All bytes, as received."""
        return self.origin[0].view[self.start : self.end]

    def elements(self) -> Elements:
        """Return all elements by tag. This may replace ``origin`` by another origin, which all elements then have."""
        elements = self._make_elements()
        source = self.origin[0]
        charset = charset_in(elements, ()) if CHARACTER_SET in elements else ()
        if charset != source.charset:  # (0008,0005) is not among the first elements, or occurs twice
            again = _Skimmer(source.with_charset(charset), self.start, {}, []).skim(True)
            self.origin, self.special = again.origin, again.special
            elements = self._make_elements()
        if source.has_big_endian_pixels:
            fix_pixel_order(elements, source)
        if not source.layout.implicit and PIXEL_REPRESENTATION in elements:
            self._apply_signed(elements[PIXEL_REPRESENTATION])
        return elements

    def _apply_signed(self, representation: Element) -> None:
        """Apply Pixel Representation to the sequences that follow it and whose items are not parsed yet."""
        origin: Origin | None = None
        for made, _ in self.special.values():
            for element in made.values():
                if isinstance(element, Items) and element.is_unparsed and element._start > representation._start:
                    origin = origin or origin_of(self.origin[0].with_signed(is_signed(representation.raw)))
                    element._origin = origin

    def _make_elements(self) -> Elements:
        source, special = self.origin[0], self.special
        view, origin, offset, end = source.view, self.origin, self.start, self.end
        kept = source.lengths_kept
        elements: Elements = {}
        if source.layout.implicit:
            return self._make_elements_of_implicit(elements)
        header, short = source.layout.short.unpack_from, SHORT_VRS.get
        while offset < end:
            group, number, code, length = header(view, offset)
            offset += 8
            vr = short(code)
            if vr is None:
                if offset - 8 in special:
                    made, offset = special[offset - 8]
                    for tag, element in made.items():
                        elements.setdefault(tag, element)
                    continue
                vr, (length,) = LONG_VRS[code], source.layout.length.unpack_from(view, offset)
                offset += 4
            tag = group << 16 | number
            if (number or group in kept) and tag not in elements:
                elements[tag] = DecodedElement(tag, vr, origin, offset, length)
            offset += length
        return elements

    def _make_elements_of_implicit(self, elements: Elements) -> Elements:
        source, special = self.origin[0], self.special
        view, origin, offset, end = source.view, self.origin, self.start, self.end
        header, plain, kept = source.layout.item.unpack_from, plain_vrs().get, source.lengths_kept
        while offset < end:
            if offset in special:
                made, offset = special[offset]
                for tag, element in made.items():
                    elements.setdefault(tag, element)
                continue
            group, number, length = header(view, offset)
            tag = group << 16 | number
            if (number or group in kept) and tag not in elements:
                vr = plain(tag) or vr_of(tag)
                vr = chosen_vr(source.signed) if vr == US_OR_SS else vr
                elements[tag] = DecodedElement(tag, vr, origin, offset + 8, length)
            offset += length + 8
        return elements


def _skim_again(source: Source) -> Skimmed:
    """Skim a Data Set again that was pickled; its errors were reported when it was skimmed for the first time."""
    return _Skimmer(source, 0, {}, []).skim(False)


class _Skimmer(Parser):
    """A parser that steps over common elements, and keeps the other elements for :class:`Skimmed`."""

    def __init__(self, source: Source, start: int, broken: Broken | None, final_errors: list[DecodeError]) -> None:
        super().__init__(origin_of(source), start, len(source.view))
        self.broken = broken
        self.final_errors = final_errors  # receives the error at which reading ends
        self.start = start
        self.special: dict[int, tuple[Elements, int]] = {}
        self.is_partial = False  # whether the last element has only its readable items
        self.at = start  # the offset of the special element that is being parsed
        self.layout = source.layout
        self.scanned = start  # up to this offset, a Data Set in explicit VR was searched for Pixel Representation
        self.signed: bool | None = None  # whether pixels are signed; None until Pixel Representation is found

    def skim(self, whole: bool) -> Skimmed:
        """Step over a Data Set, and parse its special elements; with ``whole``, also the items of sequences."""
        self.whole = whole
        try:
            try:
                at = self._skim_implicit() if self.layout.implicit else self._skim_explicit()
            except struct.error as exc:
                if not self._is_padding():
                    self.at = self.offset
                    raise self.cut_off(self.offset) from exc
                self.skip_padding()
            if self.offset > self.end:
                self.at = at
                raise self.overrun(at)
        except DecodeError as exc:
            if exc.rule.startswith("DecodeLimits"):
                raise
            if self._is_junk():
                self._end_before_fault()
            else:
                self.final_errors.append(exc)
                self._end_after_readable_part()
        return Skimmed(self.origin, self.start, self.end, self.special)

    def _is_junk(self) -> bool:
        """Return whether the bytes from the faulty element on can be dropped without loss.

        They are junk if they hold no element that PS3.6 defines, and begin neither with a private creator nor with a
        private element whose block is reserved. At the start of a Data Set, such bytes are an error instead.
        """
        if self.at == self.start or holds_known(self.view, self.at, len(self.view), self.layout):
            return False
        rest = bytes(self.view[self.at : self.at + SHORTEST_HEADER]).ljust(SHORTEST_HEADER, b"\0")
        group, number, _ = self.layout.item.unpack(rest)
        if not group & 1:
            return True
        before = Skimmed(self._outermost(), self.start, self.at, self.special).elements()
        return number not in CREATORS and group << 16 | number >> 8 not in before

    def _end_before_fault(self) -> None:
        """End the Data Set before the faulty element."""
        self.origin = self._outermost()
        self.stack.clear()
        self.end = self.at

    def _outermost(self) -> Origin:
        """Return the origin of the Data Set itself."""
        return self.stack[0][1] if self.stack else self.origin

    def _end_after_readable_part(self) -> None:
        """End the Data Set before the element that cannot be read, or after its readable items."""
        if not self.stack:
            self._end_before_fault()
            return
        self.is_partial = True
        self.elements, self.origin, _, _, _, _, _ = self.stack[0]
        self.special[self.at] = self.elements, self.end
        self.end = self.at + 1  # so that a walk from `start` to `end` visits this special element as the last one
        self.stack.clear()

    def _skim_explicit(self) -> int:
        """Step over common elements. Return the offset of the last element that a step of the loop has reached.

        The regular expression matches only whole elements, so only an element of the loop can end beyond the Data Set.
        """
        layout, view, end, left = self.origin[0].layout, self.view, self.end, self.left
        step, short, streams = layout.step.unpack_from, layout.short_codes, layout.stream_codes
        is_within_limit = (end - self.offset) // SHORTEST_HEADER <= left  # the bytes cannot hold more elements
        run = common_elements(layout.big_endian).match if is_within_limit else None
        at = offset = self.offset
        while offset < end:
            if not left:
                raise self.too_many(at)
            left -= 1
            self.offset = at = offset
            code, length = step(view, offset)
            if code in short:
                offset += length + 8
            elif code in streams and (size := self._size_of_stream()):
                offset += size
            else:
                self._parse_alone(left)
                left, offset, end = self.left, self.offset, self.end
            if run is not None and offset < end and (found := run(view, offset)):
                offset = found.end()
        self.offset = offset
        return at

    def _size_of_stream(self) -> int:
        """Return the size of an element that can be skipped without reading its value; 0 if it must be parsed."""
        size = 0
        if self.end - self.offset >= _LONG_HEADER:
            group, _, _, length = self.layout.long.unpack_from(self.view, self.offset)
            if group != DELIMITERS and length <= self.end - self.offset - _LONG_HEADER:
                size = length + _LONG_HEADER
        return size

    def _skim_implicit(self) -> int:
        """Step over common elements. Return the offset of the last element."""
        layout, view, end, left = self.origin[0].layout, self.view, self.end, self.left
        step, special = layout.key_item.unpack_from, _special_keys(layout)
        at = offset = self.offset
        while offset < end:
            if not left:
                raise self.too_many(at)
            left -= 1
            self.offset = at = offset
            key, length = step(view, offset)
            if length < UNDEFINED and key not in special:
                offset += length + 8
                continue
            self._parse_alone(left)
            left, offset, end = self.left, self.offset, self.end
        self.offset = offset
        return at

    def _parse_alone(self, left: int) -> None:
        """Parse one special element."""
        self.left, self.at, self.elements = left, self.offset, {}
        try:
            self.parse_special()
            if self.stack:
                self.parse_all()
        except DecodeError as exc:
            if self.broken is None or exc.rule.startswith("DecodeLimits") or not self._try_skip_broken():
                raise
            self.broken[self.at] = exc
        self.special[self.at] = self.elements, self.offset
        if self.signed is None and PIXEL_REPRESENTATION in self.elements:
            self.signed = is_signed(self.elements[PIXEL_REPRESENTATION].raw)
            self.origin = origin_of(self.origin[0].with_signed(self.signed))

    def _try_skip_broken(self) -> bool:
        """Skip the sequence that cannot be parsed; the error is raised again on first access.

        Return False if the error is outside of all sequences, or if the outermost sequence has undefined length.
        """
        if not self.stack or self.stack[0][-1].undefined_length:
            return False
        self.elements, self.origin, self.end, _, _, _, sequence = self.stack[0]
        self.stack.clear()
        sequence.leave_unparsed(parse_items)
        self.offset = sequence._start + sequence._length
        return True

    def skip_padding(self) -> None:
        if self.stack:
            super().skip_padding()
        else:
            self.end = self.offset  # the Data Set ends here

    def is_unneeded_delimiter(self) -> bool:
        if self.stack:
            return super().is_unneeded_delimiter()
        made, _ = next(reversed(self.special.values()), ({}, 0))
        return ends_in_sequence(made, self.offset) or (self.offset > self.start and self._ends_in_delimiters())

    def _ends_in_delimiters(self) -> bool:
        """Return whether only one or two delimiters are left."""
        rest, layout = self.view[self.offset : self.end], self.origin[0].layout
        if len(rest) not in (SHORTEST_HEADER, 2 * SHORTEST_HEADER):
            return False
        tags = (group << 16 | number for group, number, _ in layout.item.iter_unpack(rest))
        return all(tag in (ITEM_DELIMITATION, SEQUENCE_DELIMITATION) for tag in tags)

    def is_signed_around(self) -> bool:
        """Return whether pixels are signed in the Data Set around the part that is parsed."""
        header, special = self.layout.short.unpack_from, self.special
        while self.scanned < self.at and not self.layout.implicit:
            offset = self.scanned
            if offset in special:
                self.scanned = special[offset][1]
                continue
            group, number, code, length = header(self.view, offset)
            if code not in SHORT_VRS:
                self.scanned += _LONG_HEADER + self.layout.length.unpack_from(self.view, offset + 8)[0]
                continue
            if self.signed is None and group << 16 | number == PIXEL_REPRESENTATION:
                self.signed = is_signed(self.view[offset + 8 : offset + 8 + length])
            self.scanned += length + 8
        return bool(self.signed) or self.origin[0].signed


@cache
def _special_keys(layout: Layout) -> frozenset[int]:
    """Return the keys of the elements that a walk over implicit VR must not step over."""
    tags = (0, *sequence_tags(), ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, PIXEL_REPRESENTATION)
    return frozenset(map(layout.key, tags))
