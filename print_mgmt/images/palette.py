"""PALETTE COLOR to RGB, PS3.3 C.7.6.3.1.5, C.7.6.3.1.6 and C.7.9; and gray with colors, C.7.6.19.

A stored value is looked up in three tables, one for each color. A table may consist of segments (C.7.9.2): literal
entries, straight lines from the last entry, and copies of earlier segments.

A Supplemental Palette belongs to gray pixels: it has the colors of the stored values from its first input on, such as
the flow of blood in an enhanced ultrasound or MR image. Lower values are gray.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError
from .frame import Frame
from .lut import Descriptor, Lut, data_bytes, descriptor_of, table_of
from .picture import Codes, look_up
from .stored_values import Cells, distinct_values, possible_codes, stored_values

__all__ = ["has_supplement", "rgb_of", "with_supplement"]

_COLORS = ("Red", "Green", "Blue")
_DESCRIPTOR = "PaletteColorLookupTableDescriptor"
_IN_COLOR = ("COLOR", "MIXED")  # values of Pixel Presentation
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2  # segment types


def rgb_of(cells: Cells, frame: Frame) -> Codes:
    """Return the colors of palette pixels, HxWx3, over the full range of 8 or 16 bits.

    Raises ImageError if a table is missing or broken, if it has no entry for a pixel, and for cells of more than 16
    bits.
    """
    return look_up(_table_of(cells, frame), cells)


def _table_of(cells: Cells, frame: Frame) -> Codes:
    """Return the colors of the `possible_codes`, Nx3, over the full range of 8 or 16 bits; raise as `rgb_of` does."""
    if cells.itemsize > 2:
        raise ImageError(f"PALETTE COLOR of {8 * cells.itemsize} bits: 8 or 16 are allowed (PS3.3 C.7.6.3.1.2)")
    luts = [_read_table(frame, color) for color in _COLORS]
    _check(luts, cells, frame)
    bits = 8 if all(map(_is_eight_bits, luts)) else 16
    stored = stored_values(possible_codes(cells), frame, is_signed=frame.signed)
    return np.stack([_spread_entries(lut, stored, bits, _highest(lut, luts)) for lut in luts], axis=-1)


def has_supplement(frame: Frame) -> bool:
    """Return whether gray pixels have a Supplemental Palette that shall be applied (Pixel Presentation, C.8.16.2)."""
    return frame.term("PixelPresentation") in _IN_COLOR and f"{_COLORS[0]}{_DESCRIPTOR}" in frame.dataset


def with_supplement(cells: Cells, levels: Codes, frame: Frame) -> Codes:
    """Return gray pixels with the colors of their Supplemental Palette, HxWx3, over the full range of 16 bits.

    ``levels`` are the levels of the `possible_codes` as gray, over the full range of 16 bits. Raises ImageError as
    `rgb_of` does.
    """
    table = _table_of(cells, frame)
    if table.itemsize == 1:
        table = table.astype(np.uint16) * 257
    name = f"{_COLORS[0]}{_DESCRIPTOR}"
    first = descriptor_of(frame.dataset.get(name), name, is_signed=frame.signed).first
    is_gray = stored_values(possible_codes(cells), frame, is_signed=frame.signed) < first
    table[is_gray] = levels[is_gray, None]
    return look_up(table, cells)


def _check(luts: list[Lut], cells: Cells, frame: Frame) -> None:
    """Raise ImageError if a pixel needs a missing entry."""
    if any(lut.is_short for lut in luts):
        stored = stored_values(distinct_values(cells), frame, is_signed=frame.signed)
        for lut in luts:
            lut.check(stored)


def _highest(lut: Lut, luts: list[Lut]) -> int:
    """Return the entry for full brightness, which is the same for all tables whose entries have the same width."""
    alike = [one for one in luts if (one.descriptor.bits, one.octets) == (lut.descriptor.bits, lut.octets)]
    return max(one.highest for one in alike)


def _is_eight_bits(lut: Lut) -> bool:
    """Return whether entries are bytes, or words with empty lower halves: many modalities write bytes like this."""
    return lut.highest <= 0xFF or not np.any(lut.entries & 0xFF)


def _spread_entries(lut: Lut, stored: NDArray[np.int64], bits: int, highest: int) -> Codes:
    """Return the entries of stored values, spread over the full range of 8 or 16 bits."""
    entries = lut.look_up(stored)
    if bits == 8 and highest == 0xFFFF:
        return (entries >> 8).astype(np.uint8)
    spread: Codes = np.rint(entries * (((1 << bits) - 1) / highest)).astype(f"u{bits // 8}")
    return spread


def _read_table(frame: Frame, color: str) -> Lut:
    name = f"{color}PaletteColorLookupTable"
    value, segments = frame.dataset.get(f"{name}Descriptor"), data_bytes(frame.dataset.get(f"Segmented{name}Data"))
    if segments:
        names = f"{name}Descriptor", f"Segmented{name}Data"
        descriptor = descriptor_of(value, names[0], is_signed=frame.signed)
        return Lut(names, descriptor, _expand(segments, descriptor, names[1]), descriptor.highest)
    names = f"{name}Descriptor", f"{name}Data"
    return table_of(value, frame.dataset.get(names[1]), names, frame, is_signed=frame.signed)


@dataclass(frozen=True, slots=True)
class _Segments:
    """The words of segmented data; for entries of 8 bits, each word is one byte."""

    words: list[int]
    octets: int

    def at(self, start: int) -> Iterator[tuple[int, int, list[int]]]:
        """Yield type, length and operands of each segment from word ``start`` on; the last may be cut off."""
        while start + 2 <= len(self.words):
            kind, length = self.words[start : start + 2]
            count = {_DISCRETE: length, _LINEAR: 1, _INDIRECT: 4 // self.octets}.get(kind, 0)
            yield kind, length, self.words[start + 2 : start + 2 + count]
            start += 2 + count

    def target(self, operands: list[int]) -> int:
        """Return the number of the word that an indirect segment points at; its operands are an offset in bytes."""
        return sum(word << 8 * self.octets * place for place, word in enumerate(operands)) // self.octets


def _expand(data: bytes | memoryview, descriptor: Descriptor, name: str) -> NDArray[np.uint16]:
    """Return the entries of segments. Raises ImageError for an invalid segment, too few entries, or too large ones."""
    octets = 1 if descriptor.bits <= 8 else 2
    segments = _Segments(np.frombuffer(data, f"<u{octets}", len(data) // octets).tolist(), octets)
    entries: list[int] = []
    for kind, length, operands in segments.at(0):
        if len(entries) >= descriptor.entries:
            break
        if kind != _INDIRECT:
            _add(entries, kind, length, operands, name)
            continue
        copied = zip(range(length), segments.at(segments.target(operands)), strict=False)
        for _, (kind, length, operands) in copied:
            if len(entries) < descriptor.entries:
                _add(entries, kind, length, operands, name)
    if len(entries) < descriptor.entries:
        raise ImageError(f"{name} makes {len(entries)} of the {descriptor.entries} entries of its descriptor")
    if max(entries) > descriptor.highest:
        raise ImageError(f"{name} makes {max(entries)}, more than the {descriptor.bits} bits of its descriptor allow")
    return np.array(entries[: descriptor.entries], np.uint16)


def _add(entries: list[int], kind: int, length: int, operands: list[int], name: str) -> None:
    """Append the entries of a discrete or linear segment. Raises ImageError for any other segment.

    An empty segment is refused, because it could be copied many times without making an entry.
    """
    if kind == _DISCRETE and len(operands) == length > 0:
        entries += operands
    elif kind == _LINEAR and operands and entries and length > 0:
        start, end = entries[-1], operands[0]
        entries += [round(start + (end - start) * step / length) for step in range(1, length + 1)]
    else:
        raise ImageError(f"{name} has an invalid segment of type {kind} and length {length} (PS3.3 C.7.9.2)")
