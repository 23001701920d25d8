"""Magnification: one image into its rectangle of pixels (Magnification Type, PS3.3 C.13.3).

Theory of operation. Every Magnification Type is a kernel over the source pixels, applied to the columns
and then to the rows. Where the image shrinks, the kernel is widened by the factor, so that every source
pixel counts (no aliasing), and REPLICATE is the mean of the area under a pixel. Past the edge of the image
its last pixel is repeated. Neighbouring target pixels need almost the same source pixels, so 16 of them
share one small dense matrix and numpy's matrix product does the rest: faster than gathering pixels tap by
tap, and one code for all kernels. Only where no pixels are mixed, as in REPLICATE and pixel for pixel, they
are copied.

Work goes strip by strip over the rows: besides tables, memory is a few MB whatever the image's size.

Gray values are mapped to output values *before* they are interpolated.

The result is the same bit for bit on every processor, with every BLAS, and however the work is shared out. A
sum in floating point depends on its order and on fused operations, unless nothing of it is rounded. So values
and weights are whole multiples of powers of two (`_Grid`), few enough bits for each partial sum to be exact.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAGNIFICATIONS", "SMOOTHINGS", "Lines", "Magnification", "magnified", "magnify"]

Lines = Callable[[int, int], NDArray[np.generic]]
_Shape = tuple[int, ...]  # rows, columns
_Block = tuple[slice, slice, NDArray[np.generic]]

_BAND = 16  # target pixels that share a matrix; measured: larger ones multiply more zeros
_SPAN = 128  # source pixels that a matrix of several target pixels may span
_STRIP = 1 << 21  # bytes of intermediate image held at a time; measured: with 4 times as many, up to 1.4 times as long
# multiplications in one product: OpenBLAS gives larger ones to all processors, which wait for each other,
# and leave none to the event loop beside us; measured: as fast on an idle machine, 3 times as fast on a busy one
_PRODUCT = 1 << 18
_COPIED = 1 << 17  # pixels repeated at a time: they stay in the cache
_HALF = np.float32(0.5)  # added before anything is mixed: weights add up to 1, and to cut off is then to round
_FRACTION = float(1 << 40)  # weights are whole multiples of its reciprocal before they are made to add up
_MOST_TAPS = 32  # source pixels of a target pixel whose weights float32 has enough bits for


def _box(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones_like(x)


def _triangle(x: NDArray[np.float64]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.maximum(1 - np.abs(x), 0)
    return weights


def _cubic(b: float, c: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubics of Mitchell and Netravali; b = 0 is cubic convolution with a = -c."""
    x = np.abs(x)
    near = ((12 - 9 * b - 6 * c) * x - 18 + 12 * b + 6 * c) * x * x + 6 - 2 * b
    far = (((-b - 6 * c) * x + 6 * b + 30 * c) * x - 12 * b - 48 * c) * x + 8 * b + 24 * c
    return np.where(x < 1, near, np.where(x < 2, far, 0)) / 6


class Magnification(NamedTuple):
    """One Magnification Type: its kernel and how far that reaches, in source pixels."""

    kernel: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    reach: float
    overshoots: bool = False  # results may leave the range of the source
    enlarges: bool = True
    averages: bool = False  # where the image shrinks: by the area that is covered of each source pixel


class _Grid(NamedTuple):
    """Number type and fractional bits with which each partial sum of products is exact.

    A partial sum of 8-bit values is below 256, or below 512 where the kernel overshoots (positive weights are 1.21 at
    most): 8 or 9 bits, and those of value and weight, are the 24 of float32, if values are rounded between columns and
    rows. 16-bit values take at most 17 bits: with 3 of the value and 16 of each of two weights, float64 holds them
    without that. Measured on noise: 8 bits are at most 0.7 of a level off, ideal is 0.5; 16 bits at most 2.
    """

    kind: type[np.floating]  # float32 or float64
    value_bits: int
    weight_bits: int
    rounder: float  # added and subtracted again, it rounds values to the grid; 0: they need not be


_PLAIN = _Grid(np.float32, 4, 12, 1.5 * 2.0 ** (23 - 4))
_OVERSHOOTING = _Grid(np.float32, 3, 12, 1.5 * 2.0 ** (23 - 3))
_FINE = _Grid(np.float64, 3, 16, 0.0)

MAGNIFICATIONS = {
    "REPLICATE": Magnification(_box, 0.5, averages=True),
    "BILINEAR": Magnification(_triangle, 1.0),
    "CUBIC": Magnification(partial(_cubic, 0, 0.5), 2.0, overshoots=True),
    "NONE": Magnification(_triangle, 1.0, enlarges=False),
}
# Smoothing Type, PS3.3 C.13.3, is the printer's own and for CUBIC only: from crisp to soft
SMOOTHINGS = {
    "SHARP": Magnification(partial(_cubic, 0, 0.75), 2.0, overshoots=True),
    "NORMAL": MAGNIFICATIONS["CUBIC"],
    "MEDIUM": Magnification(partial(_cubic, 1 / 3, 1 / 3), 2.0, overshoots=True),
    "SMOOTH": Magnification(partial(_cubic, 1, 0), 2.0),
}


def magnify(
    source: NDArray[np.uint8 | np.uint16],
    curve: NDArray[np.float32],
    target: NDArray[np.uint8 | np.uint16],
    magnification: Magnification,
) -> None:
    """Resample ``source`` (HxW) into all of ``target`` (hxw, any strides).

    ``curve`` holds the output value, in the range of the target's dtype, of each of the 2**n values
    that n bits stored can have; higher bits of the source are ignored.
    """
    ceiling = int(np.iinfo(target.dtype).max)
    halved = curve + _HALF
    if _repeats(source.shape, target.shape, magnification):
        table: NDArray[np.generic] = halved.astype(target.dtype)  # nothing is mixed: fewer bytes to move
    else:
        table = _on_grid(halved, _grid(source.shape, target.shape, magnification, ceiling))

    def lines(first: int, last: int) -> NDArray[np.generic]:
        return table.take(source[first:last] & len(table) - 1)

    for rows, columns, block in magnified(lines, source.shape, target.shape, magnification, ceiling):
        np.copyto(target[rows, columns], block, casting="unsafe")


def magnified(
    lines: Lines, source: _Shape, target: _Shape, magnification: Magnification, ceiling: int
) -> Iterator[_Block]:
    """Resample an image of one shape (rows, columns) to another, and yield it in blocks: rows, columns, values.

    ``lines`` gives rows ``first`` to before ``last`` of the image: each value with a half added, a multiple of 1/8.
    Values of a block are cut off to be rounded; they are 0 to ``ceiling`` then.
    """
    repeats = _repeats(source, target, magnification)
    if repeats is not None:
        return _repeated(lines, *repeats)
    return _mixed(lines, source, target, magnification, ceiling)


def _repeated(lines: Lines, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Iterator[_Block]:
    """Give each target pixel the one source pixel that it shows, a strip of rows at a time."""
    height = max(_COPIED // len(columns), 1)
    for top in range(0, len(rows), height):
        picked = rows[top : top + height]
        wide = lines(picked[0], picked[-1] + 1)
        if wide.shape[1] != len(columns):
            wide = wide.take(columns, axis=1)
        yield slice(top, top + height), slice(None), wide.take(picked - picked[0], axis=0)


def _mixed(
    lines: Lines, source: _Shape, target: _Shape, magnification: Magnification, ceiling: int
) -> Iterator[_Block]:
    """Mix columns, then rows, of a strip at a time."""
    grid = _grid(source, target, magnification, ceiling)
    rows, columns = (_bands(*sides, magnification, grid) for sides in zip(source, target, strict=True))
    for strip in _strips(rows, max(source[1], target[1]) * np.dtype(grid.kind).itemsize):
        top = strip[0].first
        values = lines(top, strip[-1].last).astype(grid.kind, copy=False)
        wide = _resample_columns(values, columns, target[1])
        if grid.rounder:
            wide += wide.dtype.type(grid.rounder)
            wide -= wide.dtype.type(grid.rounder)
        for band in strip:
            mixed = wide[band.first - top : band.last - top]
            for part in _parts(target[1], band):
                block = band.weights @ mixed[:, part]
                if magnification.overshoots:
                    np.clip(block, 0, ceiling, out=block)
                yield slice(band.start, band.stop), part, block


class _Band(NamedTuple):
    """Target pixels ``start:stop`` are ``weights`` (target x source) times source ``first:last``."""

    start: int
    stop: int
    first: int
    last: int
    weights: NDArray[np.floating]


def _grid(source: _Shape, target: _Shape, magnification: Magnification, ceiling: int) -> _Grid:
    """Choose the grid for values up to ``ceiling``."""
    taps = 2 * magnification.reach * max(a / b for a, b in zip(source, target, strict=True))
    if ceiling > np.iinfo(np.uint8).max or taps > _MOST_TAPS:
        return _FINE
    return _OVERSHOOTING if magnification.overshoots else _PLAIN


def _on_grid(table: NDArray[np.floating], grid: _Grid) -> NDArray[np.floating]:
    """Cut values off to the grid: an even area keeps the whole number that it is rounded to."""
    step = 1 << grid.value_bits
    return (np.floor(table.astype(np.float64) * step) / step).astype(grid.kind)


def _resample_columns(values: NDArray[np.floating], columns: tuple[_Band, ...], width: int) -> NDArray[np.floating]:
    wide = np.empty((len(values), width), values.dtype)
    for band in columns:
        lines, across = values[:, band.first : band.last], wide[:, band.start : band.stop]
        for part in _parts(len(values), band):
            np.matmul(lines[part], band.weights.T, out=across[part])
    return wide


def _parts(length: int, band: _Band) -> Iterator[slice]:
    """Share a product of so many lines with the matrix of a band among products that BLAS leaves to one thread."""
    step = max(_PRODUCT // band.weights.size, 1)
    return (slice(begin, begin + step) for begin in range(0, length, step))


def _strips(rows: tuple[_Band, ...], width: int) -> Iterator[tuple[_Band, ...]]:
    """Group bands of rows whose source rows, of ``width`` bytes, stay within the memory of a strip."""
    begin = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or (rows[end].last - rows[begin].first) * width > _STRIP:
            yield rows[begin:end]
            begin = end


@lru_cache(
    maxsize=8
)  # measured: 0.5 ms for each direction of an image that takes 2.5 ms; most images of a film are alike
def _bands(source: int, target: int, magnification: Magnification, grid: _Grid) -> tuple[_Band, ...]:
    """Return the matrices that resample a line of ``source`` pixels to ``target`` pixels."""
    index, kernel = _taps(source, target, magnification)
    weights = _whole(kernel, 1 << grid.weight_bits).astype(grid.kind) / (1 << grid.weight_bits)
    size = min(max(_SPAN * target // source, 1), _BAND)
    bands = []
    for start in range(0, target, size):
        stop = min(start + size, target)
        taps = index[start:stop]
        first, last = int(taps[0, 0]), int(taps[-1, -1]) + 1
        dense = np.zeros((stop - start, last - first), grid.kind)
        np.add.at(dense, (np.arange(stop - start)[:, None], taps - first), weights[start:stop])
        bands.append(_Band(start, stop, first, last, dense))
    return tuple(bands)


def _whole(kernel: NDArray[np.float64], unit: int) -> NDArray[np.int64]:
    """Share ``unit`` among the taps of each target pixel in the proportion of ``kernel``, by largest remainders."""
    shares = np.rint(kernel * _FRACTION).astype(np.int64)
    whole, rest = np.divmod(shares * unit, shares.sum(axis=1, keepdims=True))
    left = unit - whole.sum(axis=1, keepdims=True)
    order = np.argsort(-rest, axis=1, kind="stable")  # of equals the first: other kinds of sort differ by processor
    np.put_along_axis(whole, order, np.take_along_axis(whole, order, 1) + (np.arange(rest.shape[1]) < left), 1)
    return whole


def _repeats(
    source: _Shape, target: _Shape, magnification: Magnification
) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Return the source row and column of each target row and column; None where some mix several."""
    rows, columns = (_picks(*sides, magnification) for sides in zip(source, target, strict=True))
    return None if rows is None or columns is None else (rows, columns)


@lru_cache(maxsize=8)  # measured: 0.1 ms, and four calls for each image
def _picks(source: int, target: int, magnification: Magnification) -> NDArray[np.intp] | None:
    """Return the source pixel of each target pixel; None where some mix several."""
    index, weights = _taps(source, target, magnification)
    if (np.count_nonzero(weights, axis=1) > 1).any():
        return None
    heaviest = weights.argmax(axis=1)[:, None]
    return np.take_along_axis(index, heaviest, axis=1)[:, 0]


def _taps(source: int, target: int, magnification: Magnification) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return, for every target pixel, its source pixels and the kernel there; past the edge is the edge again."""
    scale = source / target
    if magnification.averages and scale > 1:
        return _areas(source, target)
    stretch = max(scale, 1.0)
    reach = magnification.reach * stretch
    centre = (np.arange(target)[:, None] + 0.5) * scale
    first = np.floor(centre - reach + 0.5).astype(np.intp)
    last = np.floor(centre + reach + 0.5).astype(np.intp)
    index = first + np.arange((last - first).max())
    weights = magnification.kernel((index + 0.5 - centre) / stretch)
    weights[index >= last] = 0
    return index.clip(0, source - 1), weights


def _areas(source: int, target: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return, for every target pixel, the source pixels under it and how much of it each covers."""
    scale = source / target
    begin = np.arange(target)[:, None] * scale
    index = np.floor(begin).astype(np.intp) + np.arange(int(scale) + 2)
    weights = np.maximum(np.minimum(index + 1, begin + scale) - np.maximum(index, begin), 0)
    return index.clip(0, source - 1), weights
