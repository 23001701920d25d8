"""Ordinary pictures by Pillow (the extra ``film``): PNG, JPEG, TIFF, BMP and GIF as gray or colour arrays.

A picture is a file, or an image that Pillow has opened or made.

Their values are printed as they are, 0 black; no colour profile is applied. Several pages of a TIFF are frames.
A picture that was turned when it was taken (EXIF orientation) is turned back.
"""

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, SupportsFloat

import numpy as np
from numpy.typing import NDArray

from ..film.formats import MM_PER_INCH
from .errors import ImageError
from .frame import check_size, ratio
from .jpeg_scans import Scans, scans_of
from .picture import Background, Picture
from .picture import picture_of as picture_of_array

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["frame_count", "frame_count_of", "is_picture", "picture_of", "picture_of_image"]

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM", b"GIF8")
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF")
_PHOTOMETRIC = 262  # the TIFF tag whose 0 says that white is the lowest value
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, MemoryError, struct.error)
_MOST_COMPOSED = 1 << 32  # pixels of a GIF up to a frame: each lies on those before it
_WORDS = ("I;16", "I;16L", "I;16B", "I;16N")  # modes of 16 bits


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is one of these pictures."""
    return head.startswith(_SIGNATURES)


def frame_count(path: str | os.PathLike[str]) -> int:
    """Return how many pages or pictures are in a file. Raises ImageError, or OSError where it cannot be read."""
    with _reading(path) as image:
        return frame_count_of(image)


def frame_count_of(image: "Image.Image") -> int:
    """Return how many pages or pictures are in an opened image."""
    frames = getattr(image, "n_frames", 1)
    return frames if isinstance(frames, int) else 1


def picture_of(path: str | os.PathLike[str], number: int, background: Background = "WHITE") -> Picture:
    """Return a page of a file, from 1, as a picture. Raises as `frame_count` does."""
    with _reading(path) as image:
        if image.format == "JPEG":
            check_size(image.height, image.width)
            _check_jpeg(image, Path(path).read_bytes())
        return _page(image, number, background)


def picture_of_image(image: "Image.Image", number: int, background: Background = "WHITE") -> Picture:
    """Return a page of an image of Pillow, from 1, as a picture. Raises ImageError where it cannot be read."""
    with _errors():
        return _page(image, number, background)


def _page(image: "Image.Image", number: int, background: Background) -> Picture:
    from PIL import ImageOps

    check_size(image.height, image.width)
    if image.format == "GIF" and number * image.height * image.width > _MOST_COMPOSED:
        raise ImageError(f"frame {number} of a GIF of {image.height} x {image.width}: too many pixels lie below it")
    if frame_count_of(image) > 1:
        image.seek(number - 1)
        check_size(image.height, image.width)  # pages of a TIFF have sizes of their own
    inverted, resolution = _is_inverted(image), image.info.get("dpi")
    picture = picture_of_array(_array(ImageOps.exif_transpose(image)), background)
    if inverted:
        picture = replace(picture, PhotometricInterpretation="MONOCHROME1")
    return _sized(picture, resolution)


def _check_jpeg(image: "Image.Image", data: bytes) -> None:
    """Raise ImageError if a JPEG breaks off: Pillow fills the rest with gray."""
    scans = scans_of(data)
    scans.check_restarts()
    if not _has_more(scans):
        with _open(scans.lengthened()) as longer:
            scans.check_same(np.asarray(image), np.asarray(longer))


def _has_more(scans: Scans) -> bool:
    """Whether a further row of units shows that the data last to the end of the image.

    Only the mean luminance of each block is decoded, in 40 to 70 % of the time of the image; `check_same` takes 110 to
    270 %.
    """
    raised = scans.raised()
    if raised is None:
        return False
    data, before = raised
    with _open(data) as taller:
        height = taller.height
        taller.draft("L", (1, 1))
        if taller.mode != "L":
            return False
        return bool(np.any(np.asarray(taller)[before * taller.height // height :] != scans.middle))


def _open(data: bytes) -> "Image.Image":
    from PIL import Image

    return Image.open(io.BytesIO(data), formats=_FORMATS)


@contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator["Image.Image"]:
    """Open a file and read in the block; nothing is decoded before it is asked for."""
    try:
        from PIL import Image
    except ImportError as exc:
        raise ImageError("ordinary pictures need Pillow: pip install 'dimse-print[film]'") from exc
    with (
        Path(path).open("rb") as file,  # an OSError here is the disk's, one from Pillow the picture's
        _errors(),
        Image.open(file, formats=_FORMATS) as image,
    ):
        yield image


@contextmanager
def _errors() -> Iterator[None]:
    """Turn the errors of Pillow into ImageError."""
    from PIL import Image

    try:
        yield
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
            vertical, horizontal = MM_PER_INCH / float(down), MM_PER_INCH / float(across)
            aspect = ratio(vertical, horizontal, "the resolution")
            return replace(picture, PixelAspectRatio=aspect, PixelSpacing=(vertical, horizontal))
    return picture
