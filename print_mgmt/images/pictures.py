"""Ordinary pictures by Pillow (the extra ``film``): PNG, JPEG, TIFF, BMP and GIF as gray or colour arrays.

Their values are printed as they are, 0 black; no colour profile is applied. Several pages of a TIFF are frames.
A picture that was turned when it was taken (EXIF orientation) is turned back.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, SupportsFloat

import numpy as np
from numpy.typing import NDArray

from . import arrays
from .arrays import Background
from .bounds import check_size
from .errors import ImageError
from .picture import Picture
from .spacing import ratio

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["frame_count", "is_picture", "picture_of"]

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM", b"GIF8")
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF")
_MM_PER_INCH = 25.4
_PHOTOMETRIC = 262  # the TIFF tag whose 0 says that white is the lowest value
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, MemoryError, struct.error)
_WORDS = ("I;16", "I;16L", "I;16B", "I;16N")  # modes of 16 bits


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is one of these pictures."""
    return head.startswith(_SIGNATURES)


def frame_count(path: str | os.PathLike[str]) -> int:
    """Return how many pages or pictures are in a file. Raises ImageError, or OSError where it cannot be read."""
    with _reading(path) as image:
        return getattr(image, "n_frames", 1)


def picture_of(path: str | os.PathLike[str], number: int, background: Background = "WHITE") -> Picture:
    """Return a page of a file, from 1, as a picture. Raises as `frame_count` does."""
    with _reading(path) as image:
        from PIL import ImageOps

        image.seek(number - 1)
        check_size(image.height, image.width)
        inverted, resolution = _is_inverted(image), image.info.get("dpi")
        picture = arrays.picture_of(_array(ImageOps.exif_transpose(image)), background)
    if inverted:
        picture = replace(picture, PhotometricInterpretation="MONOCHROME1")
    return _sized(picture, resolution)


@contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator["Image.Image"]:
    """Open a file and read in the block; nothing is decoded before it is asked for."""
    try:
        from PIL import Image
    except ImportError as exc:
        raise ImageError("ordinary pictures need Pillow: pip install 'dimse-print[film]'") from exc
    with Path(path).open("rb") as file:  # an OSError here is the disk's, one from Pillow the picture's
        try:
            with Image.open(file, formats=_FORMATS) as image:
                yield image
        except Image.DecompressionBombError as exc:
            raise ImageError(f"a picture that is too large: {exc}") from exc
        except _BROKEN as exc:
            raise ImageError(f"a picture that cannot be read: {' '.join(str(exc).split())}") from exc


def _array(image: "Image.Image") -> NDArray[np.generic]:
    """Return gray HxW, colour HxWx3 or colour with opacity HxWx4; gray of 16 bits stays that."""
    mode = image.mode
    if mode in _WORDS:
        return np.asarray(image).astype(np.uint16)
    if mode == "I":  # 16 bits of a PNG, in 32
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise ImageError(f"values of {values.min()} to {values.max()}, where 16 bits are printed")
        return values.astype(np.uint16)
    if mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))
    if mode in ("L", "RGB", "RGBA", "F"):
        return np.asarray(image)
    return np.asarray(image.convert("L" if mode == "1" else "RGB"))


def _is_inverted(image: "Image.Image") -> bool:
    """Whether white is the lowest value, of 16 bits; Pillow turns those of 8 itself."""
    tags = getattr(image, "tag_v2", {})
    return image.mode in _WORDS and tags.get(_PHOTOMETRIC) == 0


def _sized(picture: Picture, resolution: object) -> Picture:
    """Give a picture the size of its pixels, where the file says how many there are to an inch."""
    match resolution:
        case (SupportsFloat() as across, SupportsFloat() as down) if min(float(across), float(down)) > 0:
            vertical, horizontal = _MM_PER_INCH / float(down), _MM_PER_INCH / float(across)
            aspect = ratio(vertical, horizontal, "the resolution")
            return replace(picture, PixelAspectRatio=aspect, PixelSpacing=(vertical, horizontal))
    return picture
