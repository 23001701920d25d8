"""The ICC profile that a file of a page carries: what the numbers of its pixels mean."""

from functools import lru_cache

import numpy as np

from ..film import FilmViewing, Page
from ..film.icc import KNOTS, gray_profile, is_profile_of, srgb_profile
from .errors import OutputError

__all__ = ["is_srgb", "profile_of"]

_SPACES = {2: b"GRAY", 3: b"RGB "}  # by dimensions of the array


def profile_of(page: Page) -> bytes:
    """Return the page's own profile; without one gray is the film of PS3.14 D.2, and color is sRGB.

    Raises OutputError for a profile that is none, or one of another color space.
    """
    if page.ICCProfile is None:
        return _standard_film() if page.pixels.ndim == 2 else srgb_profile()
    space = _SPACES[page.pixels.ndim]
    if not is_profile_of(space, page.ICCProfile):
        raise OutputError(f"the ICCProfile of a page is no ICC profile for {space.decode().strip()} (ICC.1 6.1)")
    return page.ICCProfile


def is_srgb(page: Page) -> bool:
    """Return whether nothing says that color is anything else than sRGB."""
    return page.ICCProfile is None and page.pixels.ndim == 3


@lru_cache(maxsize=1)
def _standard_film() -> bytes:
    return gray_profile(FilmViewing().density(np.linspace(0, 1, KNOTS)))
