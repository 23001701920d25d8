"""Magnification: one image into its rectangle of pixels (Magnification Type, PS3.3 C.13.3).

Theory of operation. Every Magnification Type is a kernel over the source pixels, applied to the columns
and then to the rows. Where the image shrinks, the kernel is widened by the factor, so that every source
pixel counts (no aliasing); kernels are cut at the edge of the image and normalised. Neighbouring target
pixels need almost the same source pixels, so 16 to 32 of them share one small dense matrix and numpy's
matrix product does the rest: faster than gathering pixels tap by tap, and one code for all kernels.
Work goes strip by strip over the rows: besides tables, memory is a few MB whatever the image's size.

Grey values are mapped to output values *before* they are interpolated, in float32, and rounded once.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAGNIFICATIONS", "Magnification", "Placement", "fit", "magnify"]

_BAND = 16  # target pixels that share a matrix; measured: larger ones multiply more zeros
_SPAN = 128  # source pixels that a matrix of several target pixels may span
_STRIP = 1 << 20  # float32 values of intermediate image held at a time (4 MB)


def _box(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones_like(x)


def _triangle(x: NDArray[np.float64]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.maximum(1 - np.abs(x), 0)
    return weights


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic convolution with a = -0.5, which reproduces quadratics."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


class Magnification(NamedTuple):
    """One Magnification Type: its kernel and how far that reaches, in source pixels."""

    kernel: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    reach: float
    overshoots: bool = False  # results may leave the range of the source
    enlarges: bool = True


MAGNIFICATIONS = {
    "REPLICATE": Magnification(_box, 0.5),
    "BILINEAR": Magnification(_triangle, 1.0),
    "CUBIC": Magnification(_cubic, 2.0, overshoots=True),
    "NONE": Magnification(_triangle, 1.0, enlarges=False),
}


class Placement(NamedTuple):
    """Where an image goes in its box, in pixels from the top left of the box."""

    top: int
    left: int
    height: int
    width: int


def fit(image: tuple[int, int], aspect: tuple[int, int], box: tuple[int, int], MagnificationType: str) -> Placement:
    """Place an image of (rows, columns) in a box of (height, width): centred, its aspect kept.

    ``aspect`` is the Pixel Aspect Ratio: vertical, horizontal. The image fills the box in one
    direction. With ``NONE`` it is printed pixel for pixel, unless it is larger than the box: then it is
    decimated to fit. Pixels that are not square are stretched along one direction even so, since a
    distorted image is worse than an interpolated one.
    """
    natural = image[0] * aspect[0], image[1] * aspect[1]
    scale = min(box[0] / natural[0], box[1] / natural[1])
    if not MAGNIFICATIONS[MagnificationType].enlarges:
        scale = min(scale, 1 / min(aspect))
    height, width = (min(max(round(side * scale), 1), limit) for side, limit in zip(natural, box, strict=True))
    return Placement((box[0] - height) // 2, (box[1] - width) // 2, height, width)


def magnify(
    source: NDArray[np.uint8 | np.uint16],
    curve: NDArray[np.float32],
    target: NDArray[np.uint8 | np.uint16],
    MagnificationType: str,
) -> None:
    """Resample ``source`` (HxW) into all of ``target`` (hxw, any strides).

    ``curve`` holds the output value, in the range of the target's dtype, of each of the 2**n values
    that n bits stored can have; higher bits of the source are ignored.
    """
    overshoots = MAGNIFICATIONS[MagnificationType].overshoots
    columns = _bands(source.shape[1], target.shape[1], MagnificationType)
    rows = _bands(source.shape[0], target.shape[0], MagnificationType)
    ceiling = np.iinfo(target.dtype).max
    for strip in _strips(rows, max(source.shape[1], target.shape[1])):
        top = strip[0].first
        values = curve[source[top : strip[-1].last] & len(curve) - 1]
        wide = _resample_columns(values, columns, target.shape[1])
        wide += 0.5  # rounds, since the conversion below truncates and weights add up to 1
        for band in strip:
            block = band.weights @ wide[band.first - top : band.last - top]
            if overshoots:
                np.clip(block, 0, ceiling, out=block)
            np.copyto(target[band.start : band.stop], block, casting="unsafe")


class _Band(NamedTuple):
    """Target pixels ``start:stop`` are ``weights`` (target x source) times source ``first:last``."""

    start: int
    stop: int
    first: int
    last: int
    weights: NDArray[np.float32]


def _resample_columns(values: NDArray[np.float32], columns: tuple[_Band, ...], width: int) -> NDArray[np.float32]:
    wide = np.empty((len(values), width), np.float32)
    for band in columns:
        np.matmul(values[:, band.first : band.last], band.weights.T, out=wide[:, band.start : band.stop])
    return wide


def _strips(rows: tuple[_Band, ...], width: int) -> Iterator[tuple[_Band, ...]]:
    """Group bands of rows whose source rows, ``width`` wide, stay within the memory of a strip."""
    begin = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or (rows[end].last - rows[begin].first) * width > _STRIP:
            yield rows[begin:end]
            begin = end


@lru_cache(maxsize=8)  # the images of a film mostly have one size: rows and columns of the last few
def _bands(source: int, target: int, MagnificationType: str) -> tuple[_Band, ...]:
    """Return the matrices that resample a line of ``source`` pixels to ``target`` pixels."""
    first, last, weights = _taps(source, target, MAGNIFICATIONS[MagnificationType])
    taps = np.arange(weights.shape[1])
    size = min(max(_SPAN * target // source, 1), _BAND)
    bands = []
    for start in range(0, target, size):
        stop = min(start + size, target)
        low, high = int(first[start]), int(last[stop - 1])
        dense = np.zeros((stop - start, high - low + len(taps)), np.float32)
        np.put_along_axis(dense, first[start:stop, None] - low + taps, weights[start:stop], axis=1)
        bands.append(_Band(start, stop, low, high, dense[:, : high - low]))
    return tuple(bands)


def _taps(
    source: int, target: int, magnification: Magnification
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return, for every target pixel, the source pixels ``first:last`` and their weights."""
    scale = source / target
    stretch = max(scale, 1.0)
    reach = magnification.reach * stretch
    centre = (np.arange(target) + 0.5) * scale
    first = np.maximum(np.floor(centre - reach + 0.5), 0).astype(np.intp)
    last = np.minimum(np.floor(centre + reach + 0.5), source).astype(np.intp)
    index = first[:, None] + np.arange((last - first).max())
    weights = magnification.kernel((index + 0.5 - centre[:, None]) / stretch)
    weights[index >= last[:, None]] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return first, last, weights
