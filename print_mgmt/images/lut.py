"""Lookup tables as Data Sets hold them: LUT Descriptor and LUT Data, PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5.

The descriptor has three values: how many entries (0 is 65536), the first input that is mapped, and the bits of
an entry. Inputs below the first take the first entry, those above the last the last.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, Value

from .errors import ImageError

__all__ = ["Descriptor", "Lut", "descriptor_of", "lut_of", "words_of"]

_MOST_BITS = 16


@dataclass(frozen=True, slots=True)
class Descriptor:
    """The three values of a LUT Descriptor, 65536 entries written out."""

    entries: int
    first: int
    bits: int

    @property
    def highest(self) -> int:
        """The largest entry that its bits allow."""
        return (1 << self.bits) - 1


@dataclass(frozen=True, slots=True)
class Lut:
    """A table of entries; ``of`` looks values up."""

    descriptor: Descriptor
    entries: NDArray[np.uint16]

    def of(self, values: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.uint16]:
        """Return the entries of ``values``; of one that is no whole number, that of the nearest."""
        index = np.rint(values) if values.dtype.kind == "f" else values
        return self.entries[np.clip(index - self.descriptor.first, 0, len(self.entries) - 1).astype(np.intp)]


def lut_of(item: Dataset, name: str, *, is_signed: bool) -> Lut:
    """Return the table of an item of Modality or VOI LUT Sequence. Raises ImageError, with ``name``, for what is none.

    ``is_signed`` says whether its inputs may be negative.
    """
    descriptor = descriptor_of(item.get("LUTDescriptor"), f"{name} LUTDescriptor", is_signed=is_signed)
    return Lut(descriptor, words_of(item.get("LUTData"), descriptor, f"{name} LUTData"))


def descriptor_of(value: Value, name: str, *, is_signed: bool) -> Descriptor:
    """Return a LUT Descriptor. Its second value has the sign of the input, whatever VR it was written in."""
    match value:
        case [int(entries), int(first), int(bits)] if 1 <= bits <= _MOST_BITS:
            low = first & 0xFFFF
            first = low - 0x10000 if is_signed and low & 0x8000 else low
            return Descriptor(entries & 0xFFFF or 0x10000, first, bits)
    raise ImageError(f"{name} {value!a} is not entries, first input and 1 to {_MOST_BITS} bits (PS3.3 C.11.1.1)")


def words_of(value: Value, descriptor: Descriptor, name: str) -> NDArray[np.uint16]:
    """Return the entries. Raises ImageError where there are fewer than the descriptor says, or larger ones.

    Entries of 8 bits may be bytes, two to a word, or words, whose upper half is the entry where the lower is empty.
    """
    raw = _bytes(value)
    if raw is None:
        raise ImageError(f"{name} is missing (PS3.3 C.11.1.1)")
    count = descriptor.entries
    if len(raw) in (count, count + 1) and count > 1:
        return np.frombuffer(raw, np.uint8, count).astype(np.uint16)
    if len(raw) < 2 * count:
        raise ImageError(f"{name} has {len(raw)} bytes for {count} entries of LUTDescriptor (PS3.3 C.11.1.1)")
    words = np.frombuffer(raw, "<u2", count)
    if descriptor.bits <= 8 and words.max() > 0xFF and not np.any(words & 0xFF):
        words = words >> 8
    if words.max() > descriptor.highest:
        raise ImageError(f"{name} holds {words.max()}, more than the {descriptor.bits} bits of LUTDescriptor allow")
    return words.astype(np.uint16)


def _bytes(value: Value) -> bytes | memoryview | None:
    """Return LUT Data as bytes: OW holds them, US and SS are words."""
    match value:
        case bytes() | memoryview():
            return value
        case [*words] if all(isinstance(word, int) for word in words):
            return (np.array(words, np.int64) & 0xFFFF).astype("<u2").tobytes()
        case int(word):
            return (word & 0xFFFF).to_bytes(2, "little")
    return None
