"""Magnification: resampling an image into its rectangle of pixels (Magnification Type, PS3.3 C.13.3).

Theory of operation. Each Magnification Type is a kernel over source pixels. It is applied to the columns, and then to
the rows. If the image shrinks, the kernel is widened by the same factor, so that each source pixel counts (no
aliasing); REPLICATE then takes the mean of the area under a pixel. Beyond the edge, the last pixel is repeated.

Neighboring target pixels need almost the same source pixels. So up to 32 of them share a small dense matrix, and a
matrix product of numpy does the work. This is faster than gathering pixels tap by tap, and serves all kernels. If no
pixels are mixed, they are copied. This is so when REPLICATE enlarges, and when an image keeps its size, except with
MEDIUM and SMOOTH.

The rows are processed in strips, so an image of any size takes only a few MB of memory in addition to the tables. Gray
values are mapped to output values *before* they are interpolated.

The result has the same bits on every processor, with every BLAS and any number of threads. A sum in floating point
depends on its order and on fused operations, unless nothing is rounded. So values and weights are integer multiples of
powers of two (`_Grid`), with few enough bits for each partial sum to be exact.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAGNIFICATIONS", "SMOOTHINGS", "Lines", "Magnification", "magnified_blocks", "magnify"]

Lines = Callable[[int, int], NDArray[np.generic]]
_Shape = tuple[int, ...]  # rows, columns
_Block = tuple[slice, slice, NDArray[np.generic]]

_BAND = 16  # target rows that share a matrix; measured: larger matrices multiply more zeros
_COLUMNS = 32  # target columns that share a matrix, unless the image shrinks to less than half; 16 take 5 % longer
_MAX_SPAN = 128  # source pixels that the matrix of several target pixels may span
_STRIP = 1 << 21  # bytes of intermediate image in memory; measured: 4 times as many take up to 1.4 times as long
# Multiplications in one product. OpenBLAS spreads a larger product over all processors. These then wait for each other,
# and none is left for the event loop. Measured: this bound costs nothing on an idle machine, and triples the speed on a
# busy one.
_MAX_PRODUCT = 1 << 18
_COPY_BLOCK = 1 << 17  # pixels copied at a time: they fit in the processor cache
# Added to each source value, so that truncating a result rounds it. Mixing keeps the half, because weights add up to 1
_HALF = np.float32(0.5)
_FRACTION = float(1 << 40)  # values of a kernel are rounded to multiples of 1 / this number
_MAX_TAPS = 32  # source pixels of a target pixel: with more weights, sums need more bits than float32 has


def _box(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones_like(x)


def _triangle(x: NDArray[np.float64]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.maximum(1 - np.abs(x), 0)
    return weights


def _cubic(b: float, c: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cubic of Mitchell and Netravali; b = 0 is cubic convolution with a = -c."""
    x = np.abs(x)
    near = ((12 - 9 * b - 6 * c) * x - 18 + 12 * b + 6 * c) * x * x + 6 - 2 * b
    far = (((-b - 6 * c) * x + 6 * b + 30 * c) * x - 12 * b - 48 * c) * x + 8 * b + 24 * c
    return np.where(x < 1, near, np.where(x < 2, far, 0)) / 6


class Magnification(NamedTuple):
    """One Magnification Type: its kernel, and the reach of the kernel in source pixels."""

    kernel: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    reach: float
    overshoots: bool = False  # results may exceed the range of the source
    enlarges: bool = True
    averages: bool = False  # a smaller image takes the mean of areas


class _Grid(NamedTuple):
    """Number type and fractional bits that keep each partial sum of products exact.

    A partial sum of 8-bit values is below 256, or below 512 if the kernel overshoots (positive weights add up to at
    most 1.21). So it has 8 or 9 integer bits, and as many fractional bits as the value and the weight together: 24 bits
    in all, which float32 holds. For this, values are rounded after columns are mixed and before rows are mixed.

    16-bit values need no such rounding: 17 integer bits, and fractional bits for the value (3), the weight of its
    column (16) and the weight of its row (16) are 52 bits, which float64 holds.

    Measured on noise, the error is at most 0.7 levels of 8 bits (0.5 is ideal), and at most 2 levels of 16 bits.
    """

    kind: type[np.floating]  # float32 or float64
    value_bits: int
    weight_bits: int
    rounder: float  # adding and then subtracting this number rounds values to the grid; 0 means no rounding


_PLAIN = _Grid(np.float32, 4, 12, 1.5 * 2.0 ** (23 - 4))
_OVERSHOOTING = _Grid(np.float32, 3, 12, 1.5 * 2.0 ** (23 - 3))
_FINE = _Grid(np.float64, 3, 16, 0.0)

MAGNIFICATIONS = {
    "REPLICATE": Magnification(_box, 0.5, averages=True),
    "BILINEAR": Magnification(_triangle, 1.0),
    "CUBIC": Magnification(partial(_cubic, 0, 0.5), 2.0, overshoots=True),
    "NONE": Magnification(_triangle, 1.0, enlarges=False),
}
# Each printer defines its Smoothing Types, and for CUBIC only (PS3.3 C.13.3). From crisp to soft:
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

    ``curve`` has 2**n output values, one for each source value of n bits; they are in the range of the dtype of
    ``target``. Higher bits of the source are ignored.
    """
    ceiling = int(np.iinfo(target.dtype).max)
    with_half = curve + _HALF
    if _unmixed_pixels(source.shape, target.shape, magnification):
        # The values are only copied, so they can have the smaller dtype of the target
        table: NDArray[np.generic] = with_half.astype(target.dtype)
    else:
        table = _on_grid(with_half, _grid(source.shape, target.shape, magnification, ceiling))

    def lines(first: int, last: int) -> NDArray[np.generic]:
        return table.take(source[first:last] & (len(table) - 1))

    for rows, columns, block in magnified_blocks(lines, source.shape, target.shape, magnification, ceiling):
        np.copyto(target[rows, columns], block, casting="unsafe")


def magnified_blocks(
    lines: Lines, source: _Shape, target: _Shape, magnification: Magnification, ceiling: int
) -> Iterator[_Block]:
    """Resample an image from one shape (rows, columns) to another, and yield blocks of rows, columns and values.

    ``lines(first, last)`` returns rows ``first`` to ``last`` - 1 of the image. Their values must be on the grid
    (`_Grid`); multiples of 1/8 always are. ``lines`` also adds a half to each value. So the caller of this function
    rounds the values of a block by truncating them; the results are from 0 to ``ceiling``.
    """
    unmixed = _unmixed_pixels(source, target, magnification)
    if unmixed is not None:
        return _copied_blocks(lines, *unmixed)
    return _mixed_blocks(lines, source, target, magnification, ceiling)


def _copied_blocks(lines: Lines, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Iterator[_Block]:
    """Copy one source pixel to each target pixel, a strip of rows at a time."""
    height = max(_COPY_BLOCK // len(columns), 1)
    for top in range(0, len(rows), height):
        picked = rows[top : top + height]
        wide = lines(picked[0], picked[-1] + 1)
        if wide.shape[1] != len(columns):
            wide = wide.take(columns, axis=1)
        yield slice(top, top + height), slice(None), wide.take(picked - picked[0], axis=0)


def _mixed_blocks(
    lines: Lines, source: _Shape, target: _Shape, magnification: Magnification, ceiling: int
) -> Iterator[_Block]:
    """Mix columns, then rows, a strip at a time."""
    grid = _grid(source, target, magnification, ceiling)
    across = _BAND if 2 * target[1] < source[1] else _COLUMNS
    rows, columns = (_bands(*sides, magnification, grid) for sides in zip(source, target, (_BAND, across), strict=True))
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
                    block.clip(0, ceiling, out=block)  # np.clip takes 1.5 us longer
                yield slice(band.start, band.stop), part, block


class _Band(NamedTuple):
    """Target pixels ``start:stop`` are ``weights`` (target x source) times source ``first:last``."""

    start: int
    stop: int
    first: int
    last: int
    weights: NDArray[np.floating]
    transposed: NDArray[np.floating]  # the weights (source x target); a product with a view takes twice as long


def _grid(source: _Shape, target: _Shape, magnification: Magnification, ceiling: int) -> _Grid:
    """Return the grid for values up to ``ceiling``."""
    taps = 2 * magnification.reach * max(a / b for a, b in zip(source, target, strict=True))
    if ceiling > np.iinfo(np.uint8).max or taps > _MAX_TAPS:
        return _FINE
    return _OVERSHOOTING if magnification.overshoots else _PLAIN


def _on_grid(table: NDArray[np.floating], grid: _Grid) -> NDArray[np.floating]:
    """Truncate values to the grid. Rounding could lift a value, such as 3.99, to the next whole number."""
    step = 1 << grid.value_bits
    return (np.floor(table.astype(np.float64) * step) / step).astype(grid.kind)


def _resample_columns(values: NDArray[np.floating], columns: tuple[_Band, ...], width: int) -> NDArray[np.floating]:
    wide = np.empty((len(values), width), values.dtype)
    for band in columns:
        lines, across = values[:, band.first : band.last], wide[:, band.start : band.stop]
        for part in _parts(len(values), band):
            np.matmul(lines[part], band.transposed, out=across[part])
    return wide


def _parts(length: int, band: _Band) -> Iterator[slice]:
    """Split a product of ``length`` lines and the matrix of a band into products that BLAS does in one thread."""
    step = max(_MAX_PRODUCT // band.weights.size, 1)
    return (slice(begin, begin + step) for begin in range(0, length, step))


def _strips(rows: tuple[_Band, ...], width: int) -> Iterator[tuple[_Band, ...]]:
    """Group bands of rows whose source rows, of ``width`` bytes, stay within the memory of a strip."""
    begin = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or (rows[end].last - rows[begin].first) * width > _STRIP:
            yield rows[begin:end]
            begin = end


@lru_cache(maxsize=8)  # measured: saves 1 ms of 2.5 for each image after the first of its size
def _bands(source: int, target: int, most: int, magnification: Magnification, grid: _Grid) -> tuple[_Band, ...]:
    """Return the matrices that resample a line of ``source`` pixels to ``target`` pixels, ``most`` at a time."""
    index, kernel = _taps(source, target, magnification)
    weights = _integer_weights(kernel, 1 << grid.weight_bits).astype(grid.kind) / (1 << grid.weight_bits)
    size = min(max(_MAX_SPAN * target // source, 1), most)
    bands = []
    for start in range(0, target, size):
        stop = min(start + size, target)
        taps = index[start:stop]
        first, last = int(taps[0, 0]), int(taps[-1, -1]) + 1
        dense = np.zeros((stop - start, last - first), grid.kind)
        np.add.at(dense, (np.arange(stop - start)[:, None], taps - first), weights[start:stop])
        bands.append(_Band(start, stop, first, last, dense, dense.T.copy()))
    return tuple(bands)


def _integer_weights(kernel: NDArray[np.float64], unit: int) -> NDArray[np.int64]:
    """Share ``unit`` among the taps of each target pixel in proportion to ``kernel``, by largest remainders."""
    shares = np.rint(kernel * _FRACTION).astype(np.int64)
    whole, rest = np.divmod(shares * unit, shares.sum(axis=1, keepdims=True))
    left = unit - whole.sum(axis=1, keepdims=True)
    order = np.argsort(-rest, axis=1, kind="stable")  # unstable sorts differ between processors
    np.put_along_axis(whole, order, np.take_along_axis(whole, order, 1) + (np.arange(rest.shape[1]) < left), 1)
    return whole


def _unmixed_pixels(
    source: _Shape, target: _Shape, magnification: Magnification
) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Return the source row and column of each target row and column; None if a target pixel mixes several."""
    rows, columns = (_unmixed_line(*sides, magnification) for sides in zip(source, target, strict=True))
    return None if rows is None or columns is None else (rows, columns)


@lru_cache(maxsize=8)  # measured: saves 0.4 ms of 2.5 for each image after the first of its size
def _unmixed_line(source: int, target: int, magnification: Magnification) -> NDArray[np.intp] | None:
    """Return the source pixel of each target pixel; None if a target pixel mixes several."""
    index, weights = _taps(source, target, magnification)
    if (np.count_nonzero(weights, axis=1) > 1).any():
        return None
    heaviest = weights.argmax(axis=1)[:, None]
    return np.take_along_axis(index, heaviest, axis=1)[:, 0]


def _taps(source: int, target: int, magnification: Magnification) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the source pixels of each target pixel, and their weights. The edge pixel repeats beyond the edge."""
    scale = source / target
    if magnification.averages and scale > 1:
        return _areas(source, target)
    stretch = max(scale, 1.0)
    reach = magnification.reach * stretch
    center = (np.arange(target)[:, None] + 0.5) * scale
    first = np.floor(center - reach + 0.5).astype(np.intp)
    last = np.floor(center + reach + 0.5).astype(np.intp)
    if scale <= 1:  # rounding could add a pixel: REPLICATE from 2 to 49 pixels would mix both in the middle
        last = first + int(2 * reach)
    index = first + np.arange((last - first).max())
    weights = magnification.kernel((index + 0.5 - center) / stretch)
    weights[index >= last] = 0
    return index.clip(0, source - 1), weights


def _areas(source: int, target: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the source pixels under each target pixel, and the area that they share with it."""
    scale = source / target
    begin = np.arange(target)[:, None] * scale
    index = np.floor(begin).astype(np.intp) + np.arange(int(scale) + 2)
    weights = np.maximum(np.minimum(index + 1, begin + scale) - np.maximum(index, begin), 0)
    return index.clip(0, source - 1), weights
