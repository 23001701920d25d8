"""Prepares images for image boxes, from arrays, Data Sets and files, and draws test patterns."""

from .errors import ImageError
from .patterns import PATTERNS, Pattern, smpte
from .prepare import Image, ImageOptions, is_image, prepare, prepare_all
from .voi import Window

__all__ = [
    "PATTERNS",
    "ImageOptions",
    "Image",
    "ImageError",
    "Pattern",
    "Window",
    "is_image",
    "prepare",
    "prepare_all",
    "smpte",
]
