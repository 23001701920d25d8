"""Renders film boxes as pages. Works on rectangles, curves and arrays, and knows neither DIMSE nor the network."""

from .errors import LayoutError
from .fonts import can_draw_text
from .formats import FILM_SIZES, MAX_BOXES, MAX_SIDE, ORIENTATIONS, Format, Rect, film_size, read_format
from .gsdf import FilmViewing
from .imager import ANNOTATION_FORMATS, FILM, PAPER, RESOLUTIONS, CharacteristicCurve, Imager, read_curve
from .layout import Layout, annotation_count, lay_out
from .placement import BEHAVIORS, Box, Placement, place
from .raster import MAGNIFICATIONS, SMOOTHINGS
from .render import MAX_PIXELS, annotation_losses, can_render, check_sheet, render
from .sheet import Annotation, Cell, Overlay, Page, PresentationLUT, PrintImage, Sheet
from .tone import LUT_SHAPES, POLARITIES

__all__ = [
    "ANNOTATION_FORMATS",
    "BEHAVIORS",
    "FILM",
    "FILM_SIZES",
    "LUT_SHAPES",
    "MAGNIFICATIONS",
    "MAX_BOXES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "ORIENTATIONS",
    "PAPER",
    "POLARITIES",
    "RESOLUTIONS",
    "SMOOTHINGS",
    "Annotation",
    "Box",
    "Cell",
    "CharacteristicCurve",
    "FilmViewing",
    "Format",
    "Imager",
    "Layout",
    "LayoutError",
    "Overlay",
    "Page",
    "Placement",
    "PresentationLUT",
    "PrintImage",
    "Rect",
    "Sheet",
    "annotation_count",
    "annotation_losses",
    "can_draw_text",
    "can_render",
    "check_sheet",
    "film_size",
    "lay_out",
    "place",
    "read_curve",
    "read_format",
    "render",
]
