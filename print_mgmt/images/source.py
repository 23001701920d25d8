"""Whatever a user has, an array, a Data Set, a DICOM file or an ordinary picture, as frames that become pictures.

A file is known by how it begins, whatever its name: DICM at byte 128 makes it DICOM, even where a TIFF header
precedes.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, File, TransferSyntax, frames_of
from dimse.data.part10 import read_file
from dimse.errors import DimseError

from . import arrays, curves, palette, pictures
from .arrays import Background
from .cells import Fragments, floats_of, frame_count, pixels_of
from .errors import ImageError
from .frame import Frame
from .overlays import overlaid
from .picture import Picture
from .spacing import aspect_of, spacing_of
from .voi import Choice

__all__ = ["Image", "Looks", "Overlays", "Source", "open_image"]

Image = NDArray[np.generic] | Dataset | File | str | os.PathLike[str]
Overlays = Literal["WHITE", "BLACK", "NONE"]

_HEAD = 132  # the preamble and DICM
_BRIGHTNESS = {"BLACK": 0.0, "WHITE": 1.0}  # of overlays


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What a user may choose of how an image looks; see `prepare`."""

    window: Choice = None
    overlays: Overlays = "WHITE"
    background: Background = "WHITE"


@dataclass(frozen=True, slots=True)
class Source:
    """An image that was opened: how many frames it has, and what makes a picture of one of them, from 1.

    ``name`` is the path of a file, empty for others.
    """

    frames: int
    make: Callable[[int, Looks], Picture]
    name: str = ""

    def picture(self, number: int, looks: Looks) -> Picture:
        """Return the picture of a frame. Raises ImageError, with the name, where it cannot be made."""
        if not 1 <= number <= self.frames:
            raise _named(self.name, ImageError(f"frame {number} of an image of {self.frames}"))
        try:
            return self.make(number, looks)
        except DimseError as exc:
            raise _named(self.name, exc) from exc


def open_image(image: Image) -> Source:
    """Open an image. Raises ImageError for what is none, and OSError for a file that cannot be read."""
    match image:
        case np.ndarray():
            return Source(1, lambda _, looks: arrays.picture_of(image, looks.background))
        case Dataset():
            return _opened(image, None)
        case File():
            return _opened(image.dataset, image.syntax)
    name = os.fspath(image)
    try:
        return _from_file(name)
    except DimseError as exc:
        raise _named(name, exc) from exc


def _named(name: str, reason: DimseError) -> ImageError:
    return ImageError(f"{name}: {reason}" if name else str(reason))


def _from_file(name: str) -> Source:
    if "\0" in name:
        raise ImageError("no file has a NUL in its name")
    with Path(name).open("rb") as stream:
        head = stream.read(_HEAD)
    if pictures.is_picture(head) and not head.endswith(b"DICM"):
        frames = pictures.frame_count(name)
        return Source(frames, lambda number, looks: pictures.picture_of(name, number, looks.background), name)
    file = read_file(name)
    return _opened(file.dataset, file.syntax, name)


def _opened(dataset: Dataset, syntax: TransferSyntax | None, name: str = "") -> Source:
    try:
        frames = frame_count(dataset)
    except DimseError as exc:
        raise _named("", exc) from exc
    fragments = cache(partial(frames_of, dataset))  # for all frames at once, and once
    return Source(frames, lambda number, looks: _picture(Frame(dataset, number), syntax, fragments, looks), name)


def _picture(frame: Frame, syntax: TransferSyntax | None, fragments: Fragments, looks: Looks) -> Picture:
    photometric, cells = frame.text("PhotometricInterpretation"), None
    floats = floats_of(frame)
    if floats is not None:
        codes, curve = curves.floating(floats, frame, looks.window)
    else:
        pixels = pixels_of(frame, syntax, fragments)
        photometric = pixels.photometric
        match photometric:
            case "RGB":
                codes, curve = curves.colour(pixels.cells, frame)
            case "PALETTE COLOR":
                codes, curve = curves.identity(palette.rgb_of(pixels.cells, frame))
                photometric = "RGB"
            case _:
                cells = pixels.cells
                codes, curve = curves.grayscale(cells, frame, looks.window)
    overlay = None
    if looks.overlays in _BRIGHTNESS:
        mask = overlaid(frame.dataset, frame.number, cells, codes.shape)
        overlay = None if mask is None else (mask, _BRIGHTNESS[looks.overlays])
    return Picture(
        codes=codes,
        curve=curve,
        PhotometricInterpretation=photometric,
        PixelAspectRatio=aspect_of(frame),
        PixelSpacing=spacing_of(frame),
        overlay=overlay,
    )
