"""The parts that the output formats share: the check of a page, the ICC profile of its pixels, and the errors."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dimse.errors import DimseError, shown

from ..film import FilmViewing, Page
from ..film.icc import KNOTS, gray_profile, is_profile_of, srgb_profile

__all__ = ["IncompleteError", "OutputError", "check_page", "is_srgb", "profile_of"]

_SAMPLE_BYTES = {2: (1, 2), 3: (1,)}  # by dimensions of the array
_SPACES = {2: b"GRAY", 3: b"RGB "}  # by dimensions of the array


class OutputError(DimseError):
    """Pages cannot be written as requested, for example because of an unknown format or an invalid page.

    Errors of the disk are raised as OSError.
    """


class IncompleteError(OutputError):
    """Some formats of a page could not be written.

    ``failures`` has the exception of each failed format; ``paths`` are the files of the other formats.
    """

    def __init__(self, failures: Mapping[str, Exception], paths: Sequence[Path]) -> None:
        self.failures = dict(failures)
        self.paths = list(paths)
        reasons = (f"{suffix}: {type(exc).__name__} {shown(str(exc))}" for suffix, exc in failures.items())
        super().__init__("; ".join(reasons))


def check_page(page: Page) -> None:
    """Raise OutputError for a page without a size, or with pixels that are not gray or RGB as `Page` requires."""
    pixels = page.pixels
    known = pixels.dtype.kind == "u" and pixels.itemsize in _SAMPLE_BYTES.get(pixels.ndim, ())
    if not (known and pixels.shape[2:] in ((), (3,)) and pixels.size):
        kinds = "gray of 8 or 16 bits, HxW, or RGB of 8 bits, HxWx3"
        raise OutputError(f"a page of {pixels.dtype} and shape {pixels.shape} is not {kinds}")
    sizes = {"width_mm": page.width_mm, "height_mm": page.height_mm, "dpi": page.dpi}
    for name, value in sizes.items():
        if not 0 < value < math.inf:
            raise OutputError(f"a page cannot have a {name} of {value}")


def profile_of(page: Page) -> bytes:
    """Return the ICC profile that gives the pixel values of a page their meaning.

    If the page has no profile of its own, return the profile of the film of PS3.14 D.2 for gray, and of sRGB for color.
    Raises OutputError for a profile that is invalid or has another color space.
    """
    if page.ICCProfile is None:
        return _standard_film_profile() if page.pixels.ndim == 2 else srgb_profile()
    space = _SPACES[page.pixels.ndim]
    if not is_profile_of(space, page.ICCProfile):
        raise OutputError(f"the ICCProfile of a page is not an ICC profile for {space.decode().strip()} (ICC.1 6.1)")
    return page.ICCProfile


def is_srgb(page: Page) -> bool:
    """Return whether a page has color and no profile of its own."""
    return page.ICCProfile is None and page.pixels.ndim == 3


def _standard_film_profile() -> bytes:
    return gray_profile(FilmViewing().density(np.linspace(0, 1, KNOTS)))
