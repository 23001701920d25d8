"""Film boxes to pages: rectangles, curves and arrays; no DIMSE, no network."""

from .curve import CharacteristicCurve, read_curve
from .errors import LayoutError
from .formats import MAX_BOXES, MAX_SIDE, Format, read_format
from .gsdf import FilmViewing
from .imager import ANNOTATION_FORMATS, FILM, PAPER, RESOLUTIONS, Imager
from .layout import Layout, annotation_count, box_count, lay_out
from .placement import BEHAVIOURS, Box, Placement, place
from .raster import MAGNIFICATIONS, SMOOTHINGS
from .render import MAX_PIXELS, annotation_losses, can_render, render
from .sheet import Annotation, Cell, Overlay, Page, PresentationLUT, PrintImage, Sheet
from .sizes import FILM_SIZES, ORIENTATIONS, Rect, film_size
from .svg import layout_svg
from .text import can_write
from .tone import LUT_SHAPES, POLARITIES

__all__ = [
    "ANNOTATION_FORMATS",
    "BEHAVIOURS",
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
    "box_count",
    "can_render",
    "can_write",
    "film_size",
    "lay_out",
    "layout_svg",
    "place",
    "read_curve",
    "read_format",
    "render",
]
