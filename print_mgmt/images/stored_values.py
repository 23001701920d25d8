"""Stored values in the cells of Pixel Data: their bits, their sign, and padding.

A cell has Bits Allocated bits. A value takes Bits Stored of these bits: its highest bit, which may be a sign, is at
High Bit (PS3.5 8.1.1). The other bits of the cell do not belong to the value.
"""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError
from .frame import Frame

__all__ = [
    "BLOCK",
    "Cells",
    "Floats",
    "Numbers",
    "blocks",
    "possible_codes",
    "fit_to_cells",
    "is_padding",
    "distinct_values",
    "low_bits",
    "stored_bits",
    "stored_values",
]

Cells = NDArray[np.unsignedinteger]
Floats = NDArray[np.float64]
Numbers = TypeVar("Numbers", Cells, Floats)

BLOCK = 1 << 20  # pixels computed at a time where no table of codes is used: 8 MiB in double precision


def possible_codes(cells: Numbers) -> Numbers:
    """Return the codes of cells of 8 or 16 bits: of 8 bits all, and of 16 bits those up to the highest that occurs.

    Most cells of 16 bits hold 12. A table of 4,096 entries saves a third of the time to prepare an image of 512 x 512.
    """
    return np.arange(256 if cells.itemsize == 1 else int(cells.max()) + 1, dtype=cells.dtype)


def distinct_values(cells: Cells) -> Cells:
    """Return the codes that occur in cells of 8 or 16 bits, each once."""
    codes = possible_codes(cells)
    found = np.zeros(codes.shape, np.bool_)
    for block in blocks(cells):  # a block at a time, because numpy makes an index of 8 bytes from each code
        found[block] = True
    return codes[found]


def blocks(pixels: Numbers) -> Iterator[Numbers]:
    """Yield all pixels in flat blocks."""
    flat = pixels.reshape(-1)
    for start in range(0, len(flat), BLOCK):
        yield flat[start : start + BLOCK]


def stored_bits(cells: Cells, frame: Frame) -> tuple[int, int]:
    """Return Bits Stored and High Bit. Raises ImageError if they contradict each other or the size of the cells."""
    allocated = 8 * cells.itemsize
    stored = int(frame.valid_number("BitsStored", frame.valid_number("BitsAllocated", allocated)))
    high = int(frame.valid_number("HighBit", stored - 1))
    if not 1 <= stored <= high + 1 <= allocated:
        bounds = f"at least 1, and HighBit {high} from BitsStored - 1 to {allocated - 1}"
        raise ImageError(f"BitsStored {stored} must be {bounds} (PS3.5 8.1.1)")
    return stored, high


def stored_values(cells: Cells, frame: Frame, *, is_signed: bool) -> NDArray[np.int64]:
    """Return the stored values of cells, with their sign. Raises ImageError as `stored_bits` does."""
    bits, high = stored_bits(cells, frame)
    return low_bits(cells.astype(np.int64) >> (high + 1 - bits), bits, is_signed=is_signed)


def fit_to_cells(values: NDArray[np.integer], frame: Frame, precision: int) -> Cells:
    """Return decoded values of ``precision`` bits as cells, in the bits that Bits Stored and High Bit name.

    A codestream has no bits above Bits Stored (PS3.5 8.2), so values that overshoot in lossy compression are clipped.
    If the codestream is signed and Pixel Representation is not, or the reverse, nothing is clipped. The result may
    share the memory of ``values``, and shifting them to High Bit changes ``values``. Raises ImageError as `stored_bits`
    does.
    """
    cells: Cells = values.view(f"u{values.itemsize}")
    stored, high = stored_bits(cells, frame)
    shift, is_signed = high + 1 - stored, values.dtype.kind == "i"
    if is_signed == frame.signed and (precision > stored or is_signed) and not shift:
        half = (1 << stored) >> is_signed
        clipped: Cells = np.clip(values, -half if is_signed else 0, half - 1).view(f"u{values.itemsize}")
        return clipped
    if shift and precision <= stored:
        cells <<= shift
    return cells


def low_bits(values: NDArray[np.int64], bits: int, *, is_signed: bool) -> NDArray[np.int64]:
    """Return the low ``bits`` of values; ``is_signed`` makes the highest of them the sign."""
    low = values & (1 << bits) - 1
    sign = 1 << bits - 1
    return (low ^ sign) - sign if is_signed else low


def is_padding(cells: Cells, stored: NDArray[np.int64], frame: Frame) -> NDArray[np.bool_]:
    """Return a mask of the padding: Pixel Padding Value, up to Pixel Padding Range Limit if present.

    Both are signed if the pixels are, even if their VR differs (PS3.3 C.7.5.1.1.2). If the padding does not fit into
    Bits Stored, such as 63536 into 12 bits, it is compared with whole cells instead of ``stored``, their stored values.
    """
    keywords = ("PixelPaddingValue", "PixelPaddingRangeLimit")
    limits = [int(number) for keyword in keywords for number in frame.numbers(keyword)[:1]]
    if not frame.numbers("PixelPaddingValue"):
        return np.zeros(stored.shape, np.bool_)
    allocated, (bits, _) = 8 * cells.itemsize, stored_bits(cells, frame)
    ends = low_bits(np.array(limits), allocated, is_signed=frame.signed)
    lowest = -(1 << bits - 1) if frame.signed else 0
    fits = ends.min() < lowest + (1 << bits) and ends.max() >= lowest
    values = stored if fits else low_bits(cells.astype(np.int64), allocated, is_signed=frame.signed)
    padding: NDArray[np.bool_] = (values >= ends.min()) & (values <= ends.max())
    return padding
