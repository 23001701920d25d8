"""Film boxes to pages: rectangles, curves and arrays; no DIMSE, no network, no files."""

from .gsdf import NOMINAL, FilmViewing
from .layout import (
    EDGE_MM,
    FILM_SIZES,
    GAP_MM,
    MAX_BOXES,
    MAX_SIDE,
    ORIENTATIONS,
    LayoutError,
    Rect,
    cells,
    film_size,
    parse_format,
)
from .raster import MAGNIFICATIONS
from .render import MAX_PIXELS, POLARITIES, is_density, render
from .sheet import Cell, Page, PrintImage, Sheet

__all__ = [
    "EDGE_MM",
    "NOMINAL",
    "FilmViewing",
    "is_density",
    "FILM_SIZES",
    "GAP_MM",
    "MAGNIFICATIONS",
    "MAX_BOXES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "ORIENTATIONS",
    "POLARITIES",
    "Cell",
    "LayoutError",
    "Page",
    "PrintImage",
    "Rect",
    "Sheet",
    "cells",
    "film_size",
    "parse_format",
    "render",
]
