"""What a page must be before it can be written, whatever the format."""

import math

from ..film.sheet import Page
from .errors import OutputError

__all__ = ["check_page"]

_OCTETS = {2: (1, 2), 3: (1,)}  # of a sample, by dimensions of the array


def check_page(page: Page) -> None:
    """Raise OutputError for a page without a size, or of pixels that are neither gray nor RGB as `Page` has them."""
    pixels = page.pixels
    known = pixels.dtype.kind == "u" and pixels.itemsize in _OCTETS.get(pixels.ndim, ())
    if not (known and pixels.shape[2:] in ((), (3,)) and pixels.size):
        kinds = "gray of 8 or 16 bits, HxW, or RGB of 8 bits, HxWx3"
        raise OutputError(f"a page of {pixels.dtype} and shape {pixels.shape} is not {kinds}")
    sizes = {"width_mm": page.width_mm, "height_mm": page.height_mm, "dpi": page.dpi}
    for name, value in sizes.items():
        if not 0 < value < math.inf:
            raise OutputError(f"a page has no {name} of {value}")
