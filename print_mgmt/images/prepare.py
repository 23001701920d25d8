"""What a user has becomes what an image box takes (PS3.4 H.2.1, PS3.3 C.13.5).

An *image* is an array, a Data Set or `File` that holds one, or the path of a DICOM file or of an ordinary picture
(PNG, JPEG, TIFF, BMP, GIF); Data Sets of pydicom and images of Pillow are taken, too. Everything that belongs to the
image and not to the film is settled here, since a printer knows none of it: compression, bits and sign, rescale,
window, colour space, shutter, overlays, and the aspect of the pixels.
What comes out is MONOCHROME1 or MONOCHROME2 of 8 or 12 bits over their full range, or RGB of 8 bits.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal, TypedDict, TypeGuard, Unpack

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, File, TransferSyntax
from dimse.data.part10 import read_file
from dimse.errors import DimseError

from ..film.sheet import PrintImage
from . import color, grayscale, palette, pillow
from .errors import ImageError
from .foreign import ForeignDataset, ForeignPicture, file_of, pillow_of
from .frame import MOST_PIXELS, Frame, aspect_of, spacing_of
from .grayscale import Ends
from .overlays import overlaid
from .picture import Background, Picture, identity, picture_of
from .pixels import Fragments, floats_of, fragments_of, frame_count, photometric_of, pixels_of
from .shutter import shutter_of
from .stored_values import Cells, Floats
from .voi import Choice

__all__ = ["Choices", "Image", "Looks", "Overlays", "Source", "is_image", "open_image", "prepare", "prepare_all"]

Image = NDArray[np.generic] | Dataset | File | str | os.PathLike[str] | ForeignDataset | ForeignPicture
Overlays = Literal["WHITE", "BLACK", "NONE"]

_HEAD = 132  # the preamble and DICM
_BRIGHTNESS = {"BLACK": 0.0, "WHITE": 1.0}  # of overlays
_ARRAYS = (2, 3)  # axes of an array that is one image; with three, the last has 3 or 4 samples
_SAMPLES = (3, 4)


class Choices(TypedDict, total=False):
    """What may be chosen for a print image.

    - ``color``: RGB of 8 bits, whatever the image; else it is gray, colours by 0.299 R + 0.587 G + 0.114 B.
    - ``bits``: of gray, 8 (the default) or 12.
    - ``window``: a `Window`; or the number (from 1) or the explanation of one that the image has, its VOI LUTs first;
      or "auto", lowest to highest value of all frames. By default the first that it has; an image without one is
      printed over the range of its bits where these are P-Values or 8, else as "auto". Never applies to colour.
    - ``scale_lut``: spread a VOI LUT over its largest entry, rather than over the bits that its descriptor says.
    - ``overlays``: how those of the image are burnt in, "WHITE" (the default) or "BLACK", or "NONE" for not.
    - ``background``: what shows where a picture is transparent, "WHITE" (the default) or "BLACK".
    """

    color: bool
    bits: Literal[8, 12]
    window: Choice
    overlays: Overlays
    background: Background
    scale_lut: bool


def prepare(image: Image, *, frame: int = 1, **choices: Unpack[Choices]) -> PrintImage:
    """Make one frame of an image, from 1, ready for an image box.

    An array is gray HxW or colour HxWx3 or HxWx4 (with opacity), of uint8, uint16 or floats of 0 to 1. Raises
    ImageError where the image cannot be printed, and OSError where the file cannot be read.

    Pixels that are right as they are, such as a uint8 array, are not copied. ``notes`` of the print image tell what
    was wrong and passed over.
    """
    return next(prepare_all(image, frames=(frame,), **choices))


def prepare_all(
    image: Image, *, frames: Iterable[int] | None = None, **choices: Unpack[Choices]
) -> Iterator[PrintImage]:
    """Make frames of an image ready for image boxes, each when it is asked for; by default all of them.

    Raises as `prepare` does, for a frame when its turn has come.
    """
    bits = choices.get("bits", 8)
    if bits not in (8, 12):
        raise ImageError(f"bits {bits!r}: an image box takes 8 or 12 (PS3.3 C.13.5)")
    looks = Looks(
        window=choices.get("window"),
        overlays=choices.get("overlays", "WHITE"),
        background=choices.get("background", "WHITE"),
        scale_lut=choices.get("scale_lut", False),
    )
    source = open_image(image)
    for number in range(1, source.frames + 1) if frames is None else frames:
        picture = source.picture(number, looks)
        yield picture.in_color() if choices.get("color") else picture.in_gray(bits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What a user may choose of how an image looks; see `prepare`."""

    window: Choice = None
    overlays: Overlays = "WHITE"
    background: Background = "WHITE"
    scale_lut: bool = False


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
            made = self.make(number, looks)
        except DimseError as exc:
            raise _named(self.name, exc) from exc
        return replace(made, notes=tuple(map(self._noted, made.notes))) if made.notes else made

    def _noted(self, words: str) -> str:
        return f"{self.name}: {words}" if self.name else words


def is_image(thing: object) -> TypeGuard[Image]:
    """Whether something is one image, and not several of them to go through."""
    if isinstance(thing, np.ndarray):
        return thing.ndim == _ARRAYS[0] or (thing.ndim == _ARRAYS[1] and thing.shape[-1] in _SAMPLES)
    return isinstance(thing, Dataset | File | str | os.PathLike | ForeignDataset | ForeignPicture)


def open_image(image: Image) -> Source:
    """Open an image. Raises ImageError for what is none, and OSError for a file that cannot be read."""
    thing: object = image  # whatever a caller without types gives
    match thing:
        case np.ndarray():
            array = thing
            return Source(1, lambda _, looks: picture_of(array, looks.background))
        case Dataset():
            return _opened(thing, None)
        case File():
            return _opened(thing.dataset, thing.syntax)
        case str() | os.PathLike():
            name = os.fspath(thing)
        case ForeignDataset():
            return open_image(file_of(thing))
        case ForeignPicture():
            image_of_pillow = pillow_of(thing)
            make = partial(pillow.picture_of_image, image_of_pillow)
            return Source(pillow.frame_count_of(image_of_pillow), lambda number, looks: make(number, looks.background))
        case _:
            what = f"{type(thing).__module__}.{type(thing).__qualname__}".removeprefix("builtins.")
            raise ImageError(f"{what} is no image: give an array (numpy.asarray), a Data Set, a File or a path")
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
    if pillow.is_picture(head) and not head.endswith(b"DICM"):
        frames = pillow.frame_count(name)
        return Source(frames, lambda number, looks: pillow.picture_of(name, number, looks.background), name)
    file = read_file(name)
    return _opened(file.dataset, file.syntax, name)


def _opened(dataset: Dataset, syntax: TransferSyntax | None, name: str = "") -> Source:
    try:
        image = _Object(dataset, syntax)
    except DimseError as exc:
        raise _named("", exc) from exc
    return Source(image.frames, image.picture, name)


class _Object:
    """A Data Set with pixels, and what holds for all of its frames."""

    def __init__(self, dataset: Dataset, syntax: TransferSyntax | None) -> None:
        self._dataset = dataset
        self._syntax = syntax
        frame = Frame(dataset)
        self._fragments: Fragments = cache(partial(fragments_of, frame))  # for all frames at once, and once
        self._ends_of_all = cache(self._range_of_all)
        self.frames = frame_count(frame, self._fragments)
        self._notes = frame.notes
        if frame.notes:  # the number that was said is none
            self._dataset = dataset.copy()
            self._dataset.NumberOfFrames = self.frames

    def picture(self, number: int, looks: Looks) -> Picture:
        """Return the picture of a frame."""
        frame = Frame(self._dataset, number, [*self._notes])
        floats, cells = floats_of(frame), None
        if floats is not None:
            codes, curve = grayscale.floating(floats, frame, looks.window, partial(self._range, floats, frame))
            photometric = photometric_of(frame)
        else:
            pixels = pixels_of(frame, self._syntax, self._fragments)
            photometric = pixels.photometric
            match photometric:
                case "RGB":
                    codes, curve = color.colour(pixels.cells, frame)
                case "PALETTE COLOR":
                    codes, curve = identity(palette.rgb_of(pixels.cells, frame))
                    photometric = "RGB"
                case _:
                    cells = pixels.cells if pixels.are_native else None
                    ranged = partial(self._range, pixels.cells, frame)
                    codes, curve = grayscale.grayscale(
                        pixels.cells, frame, looks.window, ranged, scale_lut=looks.scale_lut
                    )
        aspect = aspect_of(frame)
        return Picture(
            codes=codes,
            curve=curve,
            PhotometricInterpretation=photometric,
            PixelAspectRatio=aspect,
            PixelSpacing=spacing_of(frame),
            layers=_layers(frame, cells, codes.shape, aspect, looks),
            notes=tuple(frame.notes),
        )

    def _range(self, pixels: Cells | Floats, frame: Frame) -> Ends | None:
        """Return the lowest and the highest value of all frames, one of which is at hand."""
        return grayscale.ends_of(pixels, frame) if self.frames == 1 else self._ends_of_all()

    def _range_of_all(self) -> Ends | None:
        found = [ends for ends in self._ends() if ends is not None]
        return (min(low for low, _ in found), max(high for _, high in found)) if found else None

    def _ends(self) -> Iterator[Ends | None]:
        """Yield the range of each frame; of so many that these have as many pixels as a film, where there are more.

        A frame that cannot be read is told of when its turn comes to be printed.
        """
        first = Frame(self._dataset)
        pixels = self.frames * first.count("Rows") * first.count("Columns")
        for number in range(1, self.frames + 1, -(-pixels // MOST_PIXELS)):
            frame = Frame(self._dataset, number)
            try:
                floats = floats_of(frame)
                found = pixels_of(frame, self._syntax, self._fragments).cells if floats is None else floats
                yield grayscale.ends_of(found, frame)
            except DimseError:
                yield None


def _layers(
    frame: Frame, cells: Cells | None, shape: tuple[int, ...], aspect: tuple[int, int], looks: Looks
) -> tuple[tuple[NDArray[np.bool_], float], ...]:
    """Return what covers the pixels: the shutter, and on it the overlays."""
    shutter = shutter_of(frame, cells, shape, aspect)
    bitmap = shutter[2] if shutter is not None else 0
    layers = [] if shutter is None else [shutter[:2]]
    if looks.overlays in _BRIGHTNESS:
        mask = overlaid(frame, cells, shape, but=bitmap)
        layers += [] if mask is None else [(mask, _BRIGHTNESS[looks.overlays])]
    return tuple(layers)
