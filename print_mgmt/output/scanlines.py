"""Pixels as deflated scan lines: what PNG (ISO/IEC 15948 clauses 9 and 10) and PDF (PNG predictors) share.

Every line gets filter type 2, Up: the difference to the line above. A film is smooth and mostly black, so
little but runs of zeros is left.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .compression import compressor

__all__ = ["Deflate", "deflate", "deflate_once"]

Deflate: TypeAlias = Callable[[NDArray[np.uint8 | np.uint16]], Iterable[bytes]]

_UP = 2
_BLOCK = 1 << 20  # bytes filtered at a time


def deflate(pixels: NDArray[np.uint8 | np.uint16]) -> Iterator[bytes]:
    """Yield the zlib stream of HxW or HxWx3 pixels, uint16 most significant byte first."""
    stream = compressor()
    lines = pixels.reshape(len(pixels), -1)
    step = max(_BLOCK // (lines.shape[1] * lines.itemsize), 1)
    above = np.zeros(lines.shape[1] * lines.itemsize, np.uint8)
    for top in range(0, len(lines), step):
        octets = _octets(lines[top : top + step])
        yield stream.compress(_filtered(octets, above).data)
        above = octets[-1]
    yield stream.flush()


def deflate_once() -> Deflate:
    """`deflate` that remembers what it made of the pixels it gets: more files of one page take no more time."""
    made: list[tuple[NDArray[np.uint8 | np.uint16], list[bytes]]] = []

    def remembered(pixels: NDArray[np.uint8 | np.uint16]) -> Iterable[bytes]:
        for known, data in made:
            if known is pixels:
                return data
        made.append((pixels, list(deflate(pixels))))
        return made[-1][1]

    return remembered


def _octets(lines: NDArray[np.uint8 | np.uint16]) -> NDArray[np.uint8]:
    order = ">u2" if lines.itemsize == 2 else "u1"
    return np.ascontiguousarray(lines, order).view(np.uint8)


def _filtered(octets: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the lines less the line above each, after an octet that names the filter."""
    filtered = np.empty((len(octets), octets.shape[1] + 1), np.uint8)
    filtered[:, 0] = _UP
    np.subtract(octets[0], above, out=filtered[0, 1:])
    np.subtract(octets[1:], octets[:-1], out=filtered[1:, 1:])
    return filtered
