"""Film boxes to pages: rectangles, curves and arrays; no DIMSE, no network."""

from .curve import CharacteristicCurve, read_curve
from .errors import LayoutError
from .formats import MAX_BOXES, MAX_SIDE, Format, parse_format, read_format
from .gsdf import NOMINAL, FilmViewing
from .imager import ANNOTATION_FORMATS, FILM, PAPER, Imager
from .layout import Layout, annotation_count, box_count, lay_out
from .raster import MAGNIFICATIONS
from .render import MAX_PIXELS, POLARITIES, is_density, render
from .sheet import Annotation, Cell, Overlay, Page, PresentationLUT, PrintImage, Sheet
from .sizes import FILM_SIZES, ORIENTATIONS, Rect, film_size

__all__ = [
    "ANNOTATION_FORMATS",
    "FILM",
    "FILM_SIZES",
    "MAGNIFICATIONS",
    "MAX_BOXES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "NOMINAL",
    "ORIENTATIONS",
    "PAPER",
    "POLARITIES",
    "Annotation",
    "Cell",
    "CharacteristicCurve",
    "FilmViewing",
    "Format",
    "Imager",
    "Layout",
    "LayoutError",
    "Overlay",
    "Page",
    "PresentationLUT",
    "PrintImage",
    "Rect",
    "Sheet",
    "annotation_count",
    "box_count",
    "film_size",
    "is_density",
    "lay_out",
    "parse_format",
    "read_curve",
    "read_format",
    "render",
]
