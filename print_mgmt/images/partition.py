"""The partition of a JPEG 2000 image into tiles, precincts and code-blocks: ITU-T T.800 B.3, B.6 and B.7.

A decoder allocates memory for each part before it reads any data, and a header of 100 bytes can make millions of parts:
without the bounds of `check_partition`, a frame of 64 MiB in a file of 602 bytes takes more than 8 GB.

The coding style (A.6.1, A.6.2) is in the main header, and each tile may have another one. All components of the whole
image are counted with the finest style, because real images have only one.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError
from .tile_parts import segments

__all__ = ["ALWAYS_PARTS", "check_partition"]

ALWAYS_PARTS = 1 << 18  # parts that any image may have; more need a byte of the compressed image each
_TILE = 32  # a tile takes the memory of so many other parts
_MAX_STYLES = 64  # different coding styles of an image
_READ = _SIZ, _COD, _COC = 0x51, 0x52, 0x53
_GRID = struct.Struct(">2x8LH")  # Xsiz, Ysiz, XOsiz, YOsiz, XTsiz, YTsiz, XTOsiz, YTOsiz, Csiz
_MANY_COMPONENTS = 257  # from here on, COC has two bytes for the number of its component
_WHOLE = 0xFF  # sizes of a precinct without a limit: 2**15 in both directions

_Ends = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Style:
    """The sizes of a coding style, as powers of two: code-blocks, and precincts from the lowest resolution."""

    block: tuple[int, int]
    precincts: tuple[tuple[int, int], ...]


def check_partition(data: bytes) -> None:
    """Raise ImageError if a JPEG 2000 codestream has more parts than its length in bytes, and more than `ALWAYS_PARTS`.

    Raise it also for headers that end too early, for tiles that do not cover the image, and for too many coding styles.
    Each packet of a precinct has at least one byte (B.9), and each tile at least 14.
    """
    try:
        grid, styles, layers = _headers(data)
        across, down = (_tiles(*grid[axis:8:2]) for axis in (0, 1))
    except (struct.error, IndexError) as exc:
        raise ImageError("the header of a JPEG 2000 image ends too early") from exc
    limit, tiles = max(ALWAYS_PARTS, len(data)), len(across[0]) * len(down[0])
    for style in styles:
        precincts, blocks = _count(style, across, down)
        parts = grid[8] * (_TILE * tiles + blocks + precincts * layers)
        if parts > limit:
            raise ImageError(f"a JPEG 2000 image of {parts} tiles, precincts and code-blocks in {len(data)} bytes")


def _headers(data: bytes) -> tuple[tuple[int, ...], set[_Style], int]:
    """Return the grid of the image, all coding styles, and the greatest number of layers."""
    grid: tuple[int, ...] = (0,) * 9
    styles: set[_Style] = set()
    layers = 1
    for code, start, end in segments(data):
        content = data[start:end] if code in _READ else b""
        if code == _SIZ:
            grid = _GRID.unpack_from(content)
        elif code == _COD:
            layers = max(layers, struct.unpack_from(">H", content, 2)[0])
            styles.add(_style(content[0], content[5:]))
        elif code == _COC:
            at = 2 if grid[8] >= _MANY_COMPONENTS else 1
            styles.add(_style(content[at], content[at + 1 :]))
        if len(styles) > _MAX_STYLES:
            raise ImageError(f"a JPEG 2000 image with more than {_MAX_STYLES} coding styles")
    return grid, styles, layers


def _style(has_precincts: int, content: bytes) -> _Style:
    """Return the style in SPcod or SPcoc, Tables A.15 and A.20."""
    resolutions = content[0] + 1
    sizes = content[5 : 5 + resolutions] if has_precincts & 1 else bytes([_WHOLE]) * resolutions
    return _Style((content[1] + 2, content[2] + 2), tuple((size & 0xF, size >> 4) for size in sizes))


def _tiles(end: int, start: int, step: int, first: int) -> tuple[_Ends, _Ends]:
    """Return where the tiles begin and end in one direction, formulas B-7 to B-10."""
    if step < 1 or not first <= start < min(first + step, end):
        raise ImageError("the tiles of the JPEG 2000 image do not cover it (T.800 B.3)")
    count = -(-(end - first) // step)
    if count > 0xFFFF:
        raise ImageError(f"a JPEG 2000 image of {count} tiles in one direction")
    edges = first + step * np.arange(count + 1, dtype=np.int64)
    return np.maximum(edges[:-1], start), np.minimum(edges[1:], end)


def _count(style: _Style, across: tuple[_Ends, _Ends], down: tuple[_Ends, _Ends]) -> tuple[int, int]:
    """Return the numbers of precincts and code-blocks of a component, formulas B-14 to B-18."""
    precincts = blocks = 0
    deepest = len(style.precincts) - 1
    for resolution, sizes in enumerate(style.precincts):
        has_three_bands = resolution > 0
        of_precincts, of_blocks = 1, 3 if has_three_bands else 1
        for axis, ends in enumerate((across, down)):
            low, high = (-(-edge >> deepest - resolution) for edge in ends)  # rounded up, without overflow
            of_precincts *= _covered(low, high, sizes[axis])
            size = min(style.block[axis], max(sizes[axis] - has_three_bands, 0))
            of_blocks *= _covered(low >> has_three_bands, high + has_three_bands >> has_three_bands, size)
        precincts += of_precincts
        blocks += of_blocks
    return precincts, blocks


def _covered(low: _Ends, high: _Ends, size: int) -> int:
    """Return how many cells of 2**size the intervals from ``low`` to ``high`` touch together."""
    return int(np.where(high > low, (-(-high >> size)) - (low >> size), 0).sum())
