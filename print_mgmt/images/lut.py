"""Lookup tables in Data Sets: LUT Descriptor and LUT Data, PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5.

A descriptor has three values: the number of entries (0 means 65536), the first input, and the bits of an entry. Inputs
below the first input get the first entry, and inputs beyond the table get the last entry.

Many descriptors are wrong about the bits, and some about the number of entries. If the data are unambiguous, they
prevail over the descriptor, with a note.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, Value
from dimse.errors import shown

from .errors import ImageError
from .frame import Frame

__all__ = ["Descriptor", "Lut", "data_bytes", "descriptor_of", "missing_parts", "lut_of", "table_of"]

_MAX_BITS = 16
_MAX_SHOWN = 8  # numbers or bytes of a wrong descriptor in an error


@dataclass(frozen=True, slots=True)
class Descriptor:
    """The three values of a LUT Descriptor; if the number of entries is 0, ``entries`` is 65536."""

    entries: int
    first: int
    bits: int

    @property
    def highest(self) -> int:
        """The largest entry that ``bits`` allow."""
        return (1 << self.bits) - 1


@dataclass(frozen=True, slots=True)
class Lut:
    """A table, perhaps with fewer entries than its descriptor says. ``highest`` is the entry for the highest level, 1.

    ``names`` are the names of its descriptor and its data, for errors. ``octets`` is 1 if the entries are bytes, packed
    or in the upper halves of words, and otherwise 2.
    """

    names: tuple[str, str]
    descriptor: Descriptor
    entries: NDArray[np.uint16]
    highest: int
    octets: int = 2

    @property
    def is_short(self) -> bool:
        """Whether the table has fewer entries than the descriptor says."""
        return len(self.entries) < self.descriptor.entries

    def check(self, values: NDArray[np.int64]) -> None:
        """Raise ImageError if one of the values has no entry, though the descriptor promises one."""
        if self.is_short and self._index(values).max(initial=0) >= len(self.entries):
            descriptor, data = self.names
            found = f"{len(self.entries)} of the {self.descriptor.entries} entries of {descriptor}"
            raise ImageError(f"{data} has {found}, and pixels need more (PS3.3 C.11.1.1)")

    def look_up(self, values: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.uint16]:
        """Return the entry for each of ``values``, which are first rounded to whole numbers."""
        return self.entries[np.minimum(self._index(values), len(self.entries) - 1)]

    def _index(self, values: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.intp]:
        index = np.rint(values) if values.dtype.kind == "f" else values
        return np.clip(index - self.descriptor.first, 0, self.descriptor.entries - 1).astype(np.intp)


def missing_parts(item: Dataset) -> str:
    """Return the names of the attributes without a value, for a message that an item "has no" such attributes.

    These are "LUTDescriptor", "LUTData", or "LUTDescriptor and no LUTData"; the result is empty if both have a value.
    Some toolkits (LEADTOOLS) write an empty item into every image.
    """
    empty = [word for word in ("LUTDescriptor", "LUTData") if word not in item or not _has_value(item, word)]
    return " and no ".join(empty)


def _has_value(item: Dataset, keyword: str) -> bool:
    return bool(item[keyword].raw) or item.get(keyword) is not None


def lut_of(item: Dataset, name: str, frame: Frame, *, is_signed: bool) -> Lut:
    """Return the table of an item of Modality or VOI LUT Sequence. ``is_signed``: inputs may be negative.

    Raises ImageError if the item is not a table; the message begins with ``name``.
    """
    descriptor, data = item.get("LUTDescriptor"), item.get("LUTData")
    return table_of(descriptor, data, (f"{name} LUTDescriptor", f"{name} LUTData"), frame, is_signed=is_signed)


def table_of(raw_descriptor: Value, raw_data: Value, names: tuple[str, str], frame: Frame, *, is_signed: bool) -> Lut:
    """Return the table of a descriptor and its data. Raises ImageError if they are not a table.

    Entries of 8 bits may be packed bytes (two in a word), or words with the entry in either half.
    """
    descriptor, raw = descriptor_of(raw_descriptor, names[0], is_signed=is_signed), data_bytes(raw_data)
    if not raw:
        raise ImageError(f"{names[1]} is missing (PS3.3 C.11.1.1)")
    entries = _entries_of(raw, descriptor)
    largest, highest = int(entries.max()), descriptor.highest
    if entries.itemsize == 1 and descriptor.bits > 8:
        highest = 0xFF
        frame.note(f"{names[1]} has a byte for each entry, {names[0]} says {descriptor.bits} bits (PS3.3 C.11.1.1)")
    elif largest > highest:
        highest = largest if descriptor.bits > 8 else 0xFF if largest <= 0xFF else 0xFFFF
        frame.note(f"{names[1]} holds {largest}, more than the {descriptor.bits} bits of {names[0]} (PS3.3 C.11.1.1)")
    if len(entries) < descriptor.entries:
        frame.note(f"{names[1]} has {len(entries)} of {descriptor.entries} entries (PS3.3 C.11.1.1)")
    return Lut(names, descriptor, entries.astype(np.uint16), highest, entries.itemsize)


def descriptor_of(value: Value, name: str, *, is_signed: bool) -> Descriptor:
    """Return a LUT Descriptor. Its second value is signed if the inputs are (``is_signed``), whatever its VR is.

    Raises ImageError for a value that is not a descriptor; the message begins with ``name``.
    """
    match value:
        case [int(entries), int(first), int(bits)] if 1 <= bits <= _MAX_BITS:
            low = first & 0xFFFF
            first = low - 0x10000 if is_signed and low & 0x8000 else low
            return Descriptor(entries & 0xFFFF or 0x10000, first, bits)
    parts = f"entries, first input, and 1 to {_MAX_BITS} bits"
    raise ImageError(f"{name} {_shown_part(value)} is not three numbers: {parts} (PS3.3 C.11.1.1)")


def _shown_part(value: Value) -> str:
    """Return the beginning of a value for an error."""
    if isinstance(value, bytes | memoryview):
        return shown(bytes(value[:_MAX_SHOWN]))
    return shown(value[:_MAX_SHOWN] if isinstance(value, list) else value)


def _entries_of(raw: bytes | memoryview, descriptor: Descriptor) -> NDArray[np.uint8 | np.uint16]:
    """Return the entries as bytes or as words.

    The data are read as bytes if there is one byte for each entry, or if the entries have 8 bits and the data are too
    short for a word each. Entries of 8 bits in the upper halves of words become bytes, too.
    """
    count = descriptor.entries
    if count > 1 and (len(raw) in (count, count + 1) or (descriptor.bits <= 8 and len(raw) < 2 * count)):
        return np.frombuffer(raw, np.uint8)[:count]
    words = np.frombuffer(raw, "<u2", min(count, len(raw) // 2))
    if not len(words):
        return np.frombuffer(raw, np.uint8)
    if descriptor.bits <= 8 and words.max() > 0xFF and not np.any(words & 0xFF):
        return (words >> 8).astype(np.uint8)
    return words.astype(np.uint16, copy=False)


def data_bytes(value: Value) -> bytes | memoryview | None:
    """Return LUT Data as bytes, from OW or from the words of US and SS; None for a value of another VR."""
    match value:
        case bytes() | memoryview():
            return value
        case [*words] if {*map(type, words)} == {int}:
            return (np.array(words, np.int64) & 0xFFFF).astype("<u2").tobytes()
        case int(word):
            return (word & 0xFFFF).to_bytes(2, "little")
    return None
