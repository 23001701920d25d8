"""Display Shutter: shapes (PS3.3 C.7.6.11) and bitmaps (C.7.6.15) that hide a part of the image.

A shape hides the pixels outside it; a bitmap, which is an overlay, hides the pixels under it.

Rows and columns are counted from 1, and the edges are visible. With several shapes, only pixels that none of them hides
are visible. An invalid shape is ignored with a note. If the valid shapes together hide the whole image, all of them are
ignored with a note.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError
from .frame import Frame, shown_values
from .overlays import GROUPS, Mask, plane_of
from .stored_values import Cells

__all__ = ["MAX_VERTICES", "Shutter", "shutter_of"]

_WHITE = 65535.0  # white as Shutter Presentation Value (a P-Value), and as L* in a CIELab value (PS3.3 C.10.7.1.1)
MAX_VERTICES = 4096  # of a polygon: real polygons have fewer than a hundred
_MAX_COORDINATE = 1 << 31  # the range of IS; larger numbers, from a wrong VR, might overflow when they are multiplied
_RECTANGLE = (
    "ShutterUpperHorizontalEdge",
    "ShutterLowerHorizontalEdge",
    "ShutterLeftVerticalEdge",
    "ShutterRightVerticalEdge",
)

# The hidden pixels, their brightness from 0 (black) to 1 (white), and the group of the bitmap (0 without a bitmap)
Shutter = tuple[Mask, float, int]


def shutter_of(frame: Frame, cells: Cells | None, shape: tuple[int, ...], aspect: tuple[int, int]) -> Shutter | None:
    """Return the shutter of a frame of ``shape``, HxW or HxWx3; None if it hides nothing.

    ``cells`` are native gray Pixel Data, whose unused bits may hold the bitmap, or None for other Pixel Data.
    ``aspect`` is the vertical and the horizontal size of a pixel, so that circles are round on the film.
    """
    for candidate in frame.places("ShutterShape"):
        group = _group(candidate)
        hidden = _combine_shapes(candidate, cells, shape[:2], aspect, group)
        if hidden is not None:
            return (hidden, _brightness(candidate), group) if hidden.any() else None
    return None


def _combine_shapes(
    frame: Frame, cells: Cells | None, size: tuple[int, ...], aspect: tuple[int, int], group: int
) -> Mask | None:
    """Return a mask of the pixels that the valid shapes hide; None if no shape is valid, or if all would be hidden."""
    hidden: Mask | None = None
    for name in _names(frame):
        try:
            mask = _hidden_by(name, frame, cells, size, aspect, group)
        except ImageError as exc:
            frame.note(f"{exc}: this ShutterShape is ignored (PS3.3 C.7.6.11)")
            continue
        hidden = mask if hidden is None else hidden | mask
    if hidden is not None and hidden.all():
        frame.note("ShutterShape would hide the whole image: ignored (PS3.3 C.7.6.11)")
        return None
    return hidden


def _names(frame: Frame) -> list[str]:
    """Return the names of shapes without repetitions; at most as many values are read as there are kinds of shapes."""
    return list(dict.fromkeys(name.strip(" \0").upper() for name in frame.texts("ShutterShape")[: len(_SHAPES) + 1]))


def _hidden_by(
    name: str, frame: Frame, cells: Cells | None, size: tuple[int, ...], aspect: tuple[int, int], group: int
) -> Mask:
    """Return a mask of the pixels that one shape hides. Raises ImageError if the shape is invalid."""
    if name == _BITMAP:
        plane = plane_of(frame, group, cells, size, regions=True) if group else None
        if plane is None:
            raise ImageError("ShutterOverlayGroup names no overlay that can be used on this frame")
        return plane
    if name not in _SHAPES:
        raise ImageError(f"ShutterShape {shown_values([name])} is not one of {', '.join((*_SHAPES, _BITMAP))}")
    inside = _SHAPES[name](frame, size, aspect)
    if not inside.any():
        raise ImageError(f"the {name} shape contains no pixel of the image")
    return ~inside


def _group(frame: Frame) -> int:
    """Return the overlay group of the bitmap; 0 without a bitmap, or if the given number is not an overlay group."""
    if _BITMAP not in _names(frame):
        return 0
    group = int(frame.first("ShutterOverlayGroup", 0))
    return group if group in GROUPS else 0


def _brightness(frame: Frame) -> float:
    """Return the brightness of the hidden pixels, from 0 (black, the default) to 1 (white)."""
    for keyword in ("ShutterPresentationValue", "ShutterPresentationColorCIELabValue"):
        for value in frame.numbers(keyword)[:1]:
            return min(max(value / _WHITE, 0.0), 1.0)
    return 0.0


def _coordinates(frame: Frame, keyword: str) -> list[float]:
    """Return the values of an attribute of VR IS.

    Raises ImageError for a value beyond 32 bits, which is possible where the file has another VR.
    """
    numbers = frame.numbers(keyword)
    if any(abs(number) > _MAX_COORDINATE for number in numbers):
        raise ImageError(f"{keyword} has a value beyond 32 bits (PS3.5 6.2)")
    return numbers


def _numbers(frame: Frame, keyword: str, count: int) -> list[float]:
    numbers = _coordinates(frame, keyword)
    if len(numbers) != count:
        raise ImageError(f"{keyword} has {len(numbers)} values, not {count}")
    return numbers


def _grid(size: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the numbers of the rows as a column, and the numbers of the columns as a row; both from 1."""
    return np.arange(1.0, size[0] + 1)[:, None], np.arange(1.0, size[1] + 1)[None, :]


def _rectangle(frame: Frame, size: tuple[int, ...], aspect: tuple[int, int]) -> Mask:  # noqa: ARG001
    upper, lower, left, right = (_numbers(frame, keyword, 1)[0] for keyword in _RECTANGLE)
    rows, columns = _grid(size)
    inside: Mask = (rows >= upper) & (rows <= lower) & (columns >= left) & (columns <= right)
    return inside


def _circle(frame: Frame, size: tuple[int, ...], aspect: tuple[int, int]) -> Mask:
    """Return the mask of the pixels inside a circle. Its radius is in units of the distance between columns."""
    row, column = _numbers(frame, "CenterOfCircularShutter", 2)
    (radius,) = _numbers(frame, "RadiusOfCircularShutter", 1)
    rows, columns = _grid(size)
    height = aspect[0] / aspect[1]
    inside: Mask = ((rows - row) * height) ** 2 + (columns - column) ** 2 <= max(radius, 0.0) ** 2
    return inside


def _polygon(frame: Frame, size: tuple[int, ...], aspect: tuple[int, int]) -> Mask:  # noqa: ARG001
    """Return the mask of the pixels inside a polygon: on an edge, or with an odd number of edges to their left."""
    numbers = _coordinates(frame, "VerticesOfThePolygonalShutter")
    if len(numbers) < 6 or len(numbers) % 2 or len(numbers) > 2 * MAX_VERTICES:
        raise ImageError(f"VerticesOfThePolygonalShutter has {len(numbers)} values, not 3 to {MAX_VERTICES} pairs")
    vertices = [*zip(numbers[::2], numbers[1::2], strict=True)]
    # The last column of ``crossed`` receives the edges that lie to the right of the image
    crossed, edges = np.zeros((size[0], size[1] + 1), np.bool_), np.zeros(size, np.bool_)
    for start, end in zip(vertices, vertices[1:] + vertices[:1], strict=True):
        _add_edge(crossed, edges, *sorted((start, end)))
    odd = np.logical_xor.accumulate(crossed[:, :-1], axis=1)
    inside: Mask = odd | edges
    return inside


def _add_edge(crossed: Mask, edges: Mask, upper: tuple[float, float], lower: tuple[float, float]) -> None:
    """Flip ``crossed`` at the first column on or right of an edge in each row, and mark the pixels on the edge.

    A vertex is a pair of row and column. Row by row, `_polygon` counts the edges at or to the left of a pixel.
    """
    height, width = edges.shape
    (top, left), (bottom, right) = upper, lower
    if top == bottom:
        if top.is_integer() and 1 <= top <= height:
            edges[int(top) - 1, max(0, int(np.ceil(left)) - 1) : max(0, min(width, int(np.floor(right))))] = True
        return
    rows = np.arange(max(1.0, np.ceil(top)), min(float(height), np.floor(bottom)) + 1)
    columns = left + (rows - top) * (right - left) / (bottom - top)
    indices = rows.astype(np.intp) - 1
    # The lower end of an edge does not count. So a vertex counts once if one of its edges comes from above and the
    # other goes down, but twice or never if both edges lie on the same side: the pixels right of it stay the same.
    counted = rows < bottom
    crossed[indices[counted], np.clip(np.ceil(columns[counted]) - 1, 0, width).astype(np.intp)] ^= True
    on = (columns == np.rint(columns)) & (columns >= 1) & (columns <= width)
    edges[indices[on], columns[on].astype(np.intp) - 1] = True


_BITMAP = "BITMAP"
_SHAPES: dict[str, Callable[[Frame, tuple[int, ...], tuple[int, int]], Mask]] = {
    "RECTANGULAR": _rectangle,
    "CIRCULAR": _circle,
    "POLYGONAL": _polygon,
}
