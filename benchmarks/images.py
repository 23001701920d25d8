"""Images and Data Sets to print, with noise, so that they compress no better than real ones."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["FILM_FORMAT", "film_images", "large_image", "phantom", "small_image"]

FILM_FORMAT = "STANDARD\\2,3"


@cache
def large_image(mebibytes: int = 40) -> NDArray[np.uint16]:
    """Return an image of ``mebibytes`` MiB."""
    return np.random.default_rng(1).integers(0, 1 << 16, (mebibytes * 128, 4096), np.uint16)


@cache
def film_images() -> tuple[NDArray[np.uint8], ...]:
    """Return six images of 1024 x 1024 pixels and 8 bits."""
    noise = np.random.default_rng(2)
    return tuple(noise.integers(0, 1 << 8, (1024, 1024), np.uint8) for _ in range(6))


@cache
def small_image() -> NDArray[np.uint8]:
    """Return an image of 512 x 512 pixels and 8 bits."""
    return np.random.default_rng(3).integers(0, 1 << 8, (512, 512), np.uint8)


def phantom(number: int) -> NDArray[np.uint16]:
    """Return a smooth image of 512 x 512 pixels and 12 bits, with the noise of a CT."""
    y, x = np.mgrid[0:512, 0:512]
    waves = 2048 + 1500 * np.sin(x / (17 + number)) * np.cos(y / 23)
    noise = np.random.default_rng(number).normal(0, 40, waves.shape)
    image: NDArray[np.uint16] = np.clip(waves + noise, 0, 4095).astype(np.uint16)
    return image
