"""Reads ordinary pictures with Pillow (the extra ``film``): PNG, JPEG, TIFF, BMP and GIF files, and images of Pillow.

Values are printed unchanged, with 0 as black unless a TIFF file says that 0 is white; color profiles are ignored. Here,
the frames of an animation are called pages, too. Pictures with an EXIF orientation are turned upright.
"""

import io
import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, SupportsFloat

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

__all__ = ["MAX_COMPOSED", "frame_count", "frame_count_of", "is_picture", "picture_of", "picture_of_image"]

_PLUGINS = {
    b"\x89PNG\r\n\x1a\n": ("PngImagePlugin", "PngImageFile"),
    b"\xff\xd8\xff": ("JpegImagePlugin", "jpeg_factory"),
    b"II*\0": ("TiffImagePlugin", "TiffImageFile"),
    b"MM\0*": ("TiffImagePlugin", "TiffImageFile"),
    b"II+\0": ("TiffImagePlugin", "TiffImageFile"),
    b"MM\0+": ("TiffImagePlugin", "TiffImageFile"),
    b"BM": ("BmpImagePlugin", "BmpImageFile"),
    b"GIF8": ("GifImagePlugin", "GifImageFile"),
}
_SIGNATURES = tuple(_PLUGINS)
_BITS_PER_SAMPLE = 258  # a TIFF tag
_PHOTOMETRIC = 262  # the TIFF tag PhotometricInterpretation; its value 0 means that the lowest value is white
_ORIENTATION, _TURNED = 274, range(5, 9)  # the TIFF tag Orientation; its values for pictures that lie on their side
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, MemoryError, struct.error)
_MAX_GIF = 1 << 26  # pixels of a frame of a GIF: below PIL.Image.MAX_IMAGE_PIXELS, beyond which Pillow prints warnings
MAX_COMPOSED = 1 << 32  # pixels of a frame of a GIF and of all frames before it, from which it is composed
_MODES_OF_16_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_SCALED = {"L;2": 85, "L;4": 17}  # the factor by which Pillow spreads gray of 2 and 4 bits of a PNG over 8 bits


def is_picture(head: bytes) -> bool:
    """Return whether ``head``, the first bytes of a file, is the beginning of an ordinary picture."""
    return head.startswith(_SIGNATURES)


def frame_count(path: str | os.PathLike[str]) -> int:
    """Return the number of pages in a file. Raises ImageError, or OSError if the file cannot be read."""
    with _open_file(path) as (image, _):
        return frame_count_of(image)


def frame_count_of(image: "Image.Image") -> int:
    """Return the number of pages of an image of Pillow. Raises ImageError if they cannot be read."""
    with _translate_errors():
        frames = getattr(image, "n_frames", 1)  # reads the header of each page
    return frames if isinstance(frames, int) else 1


def picture_of(path: str | os.PathLike[str], number: int, background: Background = "WHITE") -> Picture:
    """Return a page of a file, numbered from 1, as a picture. Raises as `frame_count` does."""
    with _open_file(path) as (image, file):
        if image.format == "JPEG":
            check_size(image.height, image.width)
            _check_jpeg(image, _read_whole(file))
        return _read_page(image, number, background)


def picture_of_image(image: "Image.Image", number: int, background: Background = "WHITE") -> Picture:
    """Return a page of an image of Pillow, numbered from 1, as a picture. Raises ImageError if it cannot be read."""
    with _translate_errors():
        return _read_page(image, number, background)


def _read_page(image: "Image.Image", number: int, background: Background) -> Picture:
    from PIL import ImageOps

    check_size(image.height, image.width)
    if image.format == "GIF":
        _check_gif(image, number)
    if frame_count_of(image) > 1:
        image.seek(number - 1)
        check_size(image.height, image.width)  # pages of a TIFF differ in size
    if image.format == "TIFF" and getattr(image, "tile", None):  # not decoded yet
        _reserve_memory(image)
    inverted, resolution, is_12_bits = _is_inverted(image), _resolution(image), _is_12_bits(image)
    transparency = _scaled_transparency(image)
    upright = ImageOps.exif_transpose(image)
    if transparency is not None:
        upright.info["transparency"] = transparency
    picture = picture_of_array(_to_array(upright, is_12_bits=is_12_bits), background)
    if inverted:
        picture = replace(picture, PhotometricInterpretation="MONOCHROME1")
    return _add_pixel_size(picture, resolution)


def _check_gif(image: "Image.Image", number: int) -> None:
    size = f"a GIF of {image.height} x {image.width}"
    if image.height * image.width > _MAX_GIF:
        raise ImageError(f"{size} has more than the limit of {_MAX_GIF} pixels")
    if number * image.height * image.width > MAX_COMPOSED:
        raise ImageError(f"frame {number} of {size} is composed of more than {MAX_COMPOSED} pixels")


def _reserve_memory(image: "Image.Image") -> None:
    """Give a page of a TIFF the memory for its pixels: if Pillow reserved the memory, it would apply its own limit."""
    from PIL import Image

    turned = getattr(image, "tag_v2", {}).get(_ORIENTATION) in _TURNED
    size = (image.height, image.width) if turned else image.size
    image.im = Image.new(image.mode, size, None).im


def _check_jpeg(image: "Image.Image", data: bytes) -> None:
    """Raise ImageError if a JPEG breaks off: Pillow fills the rest with gray."""
    scans = scans_of(data)
    scans.check_restarts()
    scans.check_coefficients()
    if not _reaches_end(scans) or scans.has_gray_interval(np.asarray(image)):
        with _open_stream(io.BytesIO(scans.with_extra_bytes())) as longer:
            scans.check_same(np.asarray(image), np.asarray(longer))


def _reaches_end(scans: Scans) -> bool:
    """Return whether a further row of units proves that the data reach the end of the image (see `jpeg_scans`).

    Only the mean luminance of each block is decoded, which takes 30 to 70 % of the time for the whole image;
    `check_same` takes 100 to 270 %.
    """
    extra = scans.with_extra_row()
    if extra is None:
        return False
    data, before = extra
    with _open_stream(io.BytesIO(data)) as taller:
        height = taller.height
        taller.draft("L", (1, 1))
        if taller.mode != "L":
            return False
        return bool(np.any(np.asarray(taller)[before * taller.height // height :] != scans.middle))


def _open_stream(file: IO[bytes]) -> "Image.Image":
    """Open a picture by its plugin.

    ``PIL.Image.open`` is not used. It warns about large pictures, although `check_size` refuses those that are too
    large, and a warning can only be hidden in all threads at once.
    """
    from PIL import UnidentifiedImageError

    head = file.read(max(map(len, _PLUGINS)))
    file.seek(0)
    for signature, (module, name) in _PLUGINS.items():
        if head.startswith(signature):
            try:
                image: Image.Image = getattr(import_module(f"PIL.{module}"), name)(file)
            except (SyntaxError, IndexError, TypeError, struct.error) as exc:
                raise UnidentifiedImageError from exc
            return image
    raise UnidentifiedImageError


@contextmanager
def _open_file(path: str | os.PathLike[str]) -> Iterator[tuple["Image.Image", IO[bytes]]]:
    """Open a file for the block, as an image, which Pillow decodes on demand, and as a stream."""
    try:
        import PIL  # noqa: F401  # checks whether Pillow is installed
    except ImportError as exc:
        raise ImageError("ordinary pictures need Pillow: pip install 'dimse-print[film]'") from exc
    # An OSError of `open` concerns the disk, and is not translated; an OSError of Pillow concerns the picture
    with Path(path).open("rb") as file, _translate_errors():
        with _open_stream(file) as image:
            yield image, file


def _read_whole(file: IO[bytes]) -> bytes:
    """Return all bytes of a file that Pillow reads, too, so the position is kept.

    The path is not opened again: another file may have its name by now, or none.
    """
    position = file.tell()
    file.seek(0)
    data = file.read()
    file.seek(position)
    return data


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise errors of Pillow as ImageError."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except UnidentifiedImageError as exc:  # its message contains the repr of a Python object
        raise ImageError("the picture cannot be read: its header is broken") from exc
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:  # a frame of a GIF
        limit = f"PIL.Image.MAX_IMAGE_PIXELS ({Image.MAX_IMAGE_PIXELS})"
        raise ImageError(f"a frame of the picture has more pixels than {limit} allows") from exc
    except _BROKEN as exc:
        raise ImageError(f"the picture cannot be read: {' '.join(str(exc).split())}") from exc


def _scaled_transparency(image: "Image.Image") -> int | None:
    """Return the transparent gray of a PNG of 2 or 4 bits, spread over 8 bits as Pillow spreads the pixels; else None.

    The result is also None for a picture that is already decoded: its number of bits in the file is lost.
    """
    value, tiles = image.info.get("transparency"), getattr(image, "tile", None)
    factor = _SCALED.get(tiles[0][3]) if tiles and isinstance(tiles[0][3], str) else None
    return value * factor if isinstance(value, int) and factor is not None else None


def _to_array(image: "Image.Image", *, is_12_bits: bool) -> NDArray[np.generic]:
    """Return gray HxW, color HxWx3 or color with opacity HxWx4; gray of 16 bits keeps its depth."""
    mode = image.mode
    if mode in _MODES_OF_16_BITS:
        deep = np.asarray(image).astype(np.uint16)
        if is_12_bits:
            deep = (deep << 4 | deep >> 8).astype(np.uint16)
        return _with_opacity(deep, deep != image.info["transparency"]) if "transparency" in image.info else deep
    if mode == "I":  # 16 bits of a PNG, in cells of 32 bits
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise ImageError(f"values from {values.min()} to {values.max()} do not fit into 16 bits")
        return values.astype(np.uint16)
    if mode == "La":  # gray multiplied by its opacity, which Pillow converts to LA only
        return np.asarray(image.convert("LA").convert("RGBA"))
    if mode in ("LA", "PA", "RGBa") or "transparency" in image.info:
        return np.asarray(image.convert("RGBA"))
    if mode in ("L", "RGB", "RGBA", "F"):
        return np.asarray(image)
    return np.asarray(image.convert("L" if mode == "1" else "RGB"))


def _with_opacity(gray: NDArray[np.uint16], is_opaque: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Return gray as color with opacity, HxWx4."""
    return np.stack([gray, gray, gray, np.where(is_opaque, 0xFFFF, 0).astype(np.uint16)], axis=-1)


def _is_12_bits(image: "Image.Image") -> bool:
    """Return whether a page of a TIFF has gray of 12 bits, which Pillow does not spread over 16 bits."""
    return image.mode in _MODES_OF_16_BITS and getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE) == (12,)


def _is_inverted(image: "Image.Image") -> bool:
    """Return whether white is the lowest value of 16 bits or floats; Pillow itself inverts pictures of 8 bits."""
    tags = getattr(image, "tag_v2", {})
    return image.mode in (*_MODES_OF_16_BITS, "F") and tags.get(_PHOTOMETRIC) == 0


def _resolution(image: "Image.Image") -> object:
    """Return the resolution of the upright picture in dpi, across and down; None if it has no resolution."""
    match image.info.get("dpi"):
        case (across, down) if image.getexif().get(_ORIENTATION) in _TURNED:
            return down, across
        case resolution:
            return resolution


def _add_pixel_size(picture: Picture, resolution: object) -> Picture:
    """Return a picture with the size of its pixels, if ``resolution`` is two positive numbers in dpi, across and down.

    Raises ImageError if one of them is more than 100 times the other.
    """
    match resolution:
        case (SupportsFloat() as across, SupportsFloat() as down) if _is_resolution(across) and _is_resolution(down):
            vertical, horizontal = MM_PER_INCH / float(down), MM_PER_INCH / float(across)
            aspect = ratio(vertical, horizontal, "the resolution")
            return replace(picture, PixelAspectRatio=aspect, PixelSpacing=(vertical, horizontal))
    return picture


def _is_resolution(value: SupportsFloat) -> bool:
    """Return whether a resolution is a positive number; Pillow makes NaN of 0/0."""
    return 0 < float(value) < math.inf
