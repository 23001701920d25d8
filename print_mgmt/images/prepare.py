"""Prepares images for image boxes: decompresses them, and applies sign, rescale, window, color, shutter and overlays.

An *image* is an array, a Data Set or `File` with pixels, or the path of a DICOM file or of an ordinary picture (PNG,
JPEG, TIFF, BMP, GIF). Data Sets of pydicom and images of Pillow are images, too. The first bytes of a file decide its
type, whatever its name: with DICM at byte 128 it is DICOM, even if it begins with a TIFF header.

A printer takes MONOCHROME1 or MONOCHROME2 of 8 or 12 bits over their full range, or RGB of 8 bits (PS3.4 H.2.1,
PS3.3 C.13.5). It ignores rescale, windows, palettes, shutters and overlays, so they are applied before the image
is sent.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Literal, TypedDict, TypeGuard, Unpack

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, File, TransferSyntax
from dimse.data.part10 import read_file
from dimse.errors import DecodeError, DimseError

from ..film.sheet import PrintImage
from . import color, grayscale, palette, pillow
from .errors import ImageError
from .foreign import ForeignDataset, ForeignPicture, file_of, pillow_of
from .frame import MAX_PIXELS, Frame, aspect_of, spacing_of
from .grayscale import Ends
from .overlays import overlay_mask
from .picture import Background, Codes, Picture, identity, picture_of
from .pixels import (
    PIXELS,
    Fragments,
    Pixels,
    floats_of,
    fragments_of,
    frame_count,
    photometric_of,
    pixels_of,
    repacked_pixels,
)
from .shutter import shutter_of
from .stored_values import Cells, Floats
from .voi import Choice

__all__ = ["Image", "ImageOptions", "Overlays", "Source", "is_image", "open_image", "prepare", "prepare_all"]

Image = NDArray[np.generic] | Dataset | File | str | os.PathLike[str] | ForeignDataset | ForeignPicture
Overlays = Literal["WHITE", "BLACK", "NONE"]

_HEAD = 132  # bytes: the preamble and DICM
_BRIGHTNESS = {"BLACK": 0.0, "WHITE": 1.0}  # of overlays, by option
_ARRAYS = (2, 3)  # numbers of axes of an array that is one image; a third axis has 3 or 4 samples
_SAMPLES = (3, 4)


class ImageOptions(TypedDict, total=False):
    """Options for the preparation of an image.

    - ``color``: True makes RGB of 8 bits; otherwise the image becomes gray. A color becomes
      0.299 R + 0.587 G + 0.114 B.
    - ``bits``: bits of gray, 8 (the default) or 12.
    - ``window``: a `Window`; or a VOI LUT or window in the image, by its number (from 1, VOI LUTs before windows) or
      its explanation; or "auto", from the lowest to the highest value of all frames (in a large object, of some frames
      only). The default is the first valid VOI LUT or window in the image. If there is none, the range of Bits Stored
      goes from black to white for P-Values and for values of up to 8 bits, and other values are printed as with "auto".
      Windows never apply to color.
    - ``scale_lut``: True makes the largest entry of a VOI LUT white, not the largest value that its descriptor allows.
    - ``overlays``: gray level of burnt-in overlays, "WHITE" (the default) or "BLACK"; "NONE" omits them.
    - ``background``: gray level behind transparent pictures and arrays, "WHITE" (the default) or "BLACK".
    """

    color: bool
    bits: Literal[8, 12]
    window: Choice
    overlays: Overlays
    background: Background
    scale_lut: bool


def prepare(image: Image, *, frame: int = 1, **options: Unpack[ImageOptions]) -> PrintImage:
    """Return one frame of an image, numbered from 1, as an image box takes it.

    An array is gray HxW or color HxWx3 or HxWx4 (with opacity), of uint8, uint16 or floats from 0 to 1. Pixels that
    need no change, such as a gray uint8 array, are not copied. ``notes`` of the result list the errors in the image
    that did not prevent printing. Raises ImageError if the image cannot be printed, and OSError if the file cannot be
    read.
    """
    return next(prepare_all(image, frames=(frame,), **options))


def prepare_all(
    image: Image, *, frames: Iterable[int] | None = None, **options: Unpack[ImageOptions]
) -> Iterator[PrintImage]:
    """Yield frames of an image as image boxes take them; by default all frames.

    The image is opened when the first frame is requested, and each frame is prepared when it is requested. Raises
    ImageError and OSError then, as `prepare` does.
    """
    bits = options.get("bits", 8)
    if bits not in (8, 12):
        raise ImageError(f"bits {bits!r}: an image box takes 8 or 12 (PS3.3 C.13.5)")
    source = open_image(image)
    for number in range(1, source.frames + 1) if frames is None else frames:
        picture = source.picture(number, options)
        yield picture.in_color() if options.get("color") else picture.in_gray(bits)


@dataclass(frozen=True, slots=True)
class Source:
    """An opened image: its number of frames, and the function that makes the picture of a frame, numbered from 1.

    ``name`` is the path of a file, and empty for all other images.
    """

    frames: int
    make: Callable[[int, ImageOptions], Picture]
    name: str = ""

    def picture(self, number: int, options: ImageOptions) -> Picture:
        """Return the picture of a frame; ``color`` and ``bits`` are not applied yet.

        Raises ImageError if the picture cannot be made; the message begins with the name.
        """
        if not 1 <= number <= self.frames:
            raise _with_name(self.name, ImageError(f"there is no frame {number}: the image has {self.frames}"))
        try:
            made = self.make(number, options)
        except DimseError as exc:
            raise _with_name(self.name, exc) from exc
        return replace(made, notes=tuple(map(self._named_note, made.notes))) if made.notes else made

    def _named_note(self, note: str) -> str:
        return f"{self.name}: {note}" if self.name else note


def is_image(thing: object) -> TypeGuard[Image]:
    """Return whether an object is one image, and not an iterable of images."""
    if isinstance(thing, np.ndarray):
        return thing.ndim == _ARRAYS[0] or (thing.ndim == _ARRAYS[1] and thing.shape[-1] in _SAMPLES)
    return isinstance(thing, Dataset | File | str | os.PathLike | ForeignDataset | ForeignPicture)


def open_image(image: Image) -> Source:
    """Open an image. Raises ImageError if it is not an image, and OSError if the file cannot be read."""
    thing: object = image  # untyped callers pass anything
    match thing:
        case np.ndarray():
            array = thing
            return Source(1, lambda _, options: picture_of(array, _background(options)))
        case Dataset():
            return _open_dataset(thing, None)
        case File():
            return _open_dataset(thing.dataset, thing.syntax)
        case str() | os.PathLike():
            name = os.fspath(thing)
        case ForeignDataset():
            return open_image(file_of(thing))
        case ForeignPicture():
            opened = pillow_of(thing)
            make = partial(pillow.picture_of_image, opened)
            return Source(pillow.frame_count_of(opened), lambda number, options: make(number, _background(options)))
        case _:
            what = f"{type(thing).__module__}.{type(thing).__qualname__}".removeprefix("builtins.")
            raise ImageError(f"{what} is not an image: pass an array (numpy.asarray), a Data Set, a File or a path")
    try:
        return _open_file(name)
    except DimseError as exc:
        raise _with_name(name, exc) from exc


def _background(options: ImageOptions) -> Background:
    return options.get("background", "WHITE")


def _with_name(name: str, reason: DimseError) -> ImageError:
    return ImageError(f"{name}: {reason}" if name else str(reason))


def _open_file(name: str) -> Source:
    if "\0" in name:
        raise ImageError("a file name cannot contain NUL")
    with Path(name).open("rb") as stream:
        head = stream.read(_HEAD)
    if pillow.is_picture(head) and not head.endswith(b"DICM"):
        frames = pillow.frame_count(name)
        return Source(frames, lambda number, options: pillow.picture_of(name, number, _background(options)), name)
    cut_off: list[DecodeError] = []
    file = read_file(name, cut_off=cut_off)
    if cut_off and not any(keyword in file.dataset for keyword in PIXELS):
        raise cut_off.pop(0)  # an error in a list of this frame would be in a cycle with it
    notes = [f"the Data Set breaks off after its pixels: {error}" for error in cut_off]
    return _open_dataset(file.dataset, file.syntax, name, notes)


def _open_dataset(dataset: Dataset, syntax: TransferSyntax | None, name: str = "", notes: Iterable[str] = ()) -> Source:
    try:
        image = _DicomImage(dataset, syntax, notes)
    except DimseError as exc:
        raise _with_name("", exc) from exc
    return Source(image.frames, image.picture, name)


class _DicomImage:
    """A Data Set with pixels, and the facts that hold for all of its frames."""

    def __init__(self, dataset: Dataset, syntax: TransferSyntax | None, notes: Iterable[str]) -> None:
        pixels, note = repacked_pixels(Frame(dataset), syntax)
        if pixels is not None:
            dataset, notes = dataset.copy(), [*notes, note]
            dataset.PixelData = pixels
        self._dataset = dataset
        self._syntax = syntax
        frame = Frame(dataset)
        # Fragments are found once for all frames. Otherwise, the time would grow with the square of their number
        self._fragments: Fragments = cache(partial(fragments_of, frame))
        self.frames = frame_count(frame, self._fragments)
        self._notes = [*notes, *frame.notes]
        if frame.notes:  # Number of Frames may be wrong
            self._dataset = dataset.copy()
            self._dataset.NumberOfFrames = self.frames

    def picture(self, number: int, options: ImageOptions) -> Picture:
        """Return the picture of a frame."""
        frame = Frame(self._dataset, number, [*self._notes])
        floats, window, cells = floats_of(frame), options.get("window"), None
        if floats is not None:
            codes, curve = grayscale.grayscale_of_floats(floats, frame, window, partial(self._find_ends, floats, frame))
            photometric = photometric_of(frame)
        else:
            pixels = pixels_of(frame, self._syntax, self._fragments)
            photometric = pixels.photometric
            match photometric:
                case "RGB":
                    codes, curve = color.stored_rgb(pixels.cells, frame)
                case "PALETTE COLOR":
                    codes, curve = identity(palette.rgb_of(pixels.cells, frame))
                    photometric = "RGB"
                case _:
                    cells = pixels.cells if pixels.are_native else None
                    find_ends = partial(self._find_ends, pixels.cells, frame)
                    scale = options.get("scale_lut", False)
                    codes, curve = grayscale.grayscale(pixels.cells, frame, window, find_ends, scale_lut=scale)
                    if palette.has_supplement(frame):
                        codes, curve, photometric = _with_supplement(pixels, codes, curve, frame)
        spacing = spacing_of(frame)
        aspect = aspect_of(frame, spacing)
        return Picture(
            codes=codes,
            curve=curve,
            PhotometricInterpretation=photometric,
            PixelAspectRatio=aspect,
            PixelSpacing=spacing,
            layers=_layers(frame, cells, codes.shape, aspect, options.get("overlays", "WHITE")),
            notes=tuple(frame.notes),
        )

    def _find_ends(self, pixels: Cells | Floats, frame: Frame) -> Ends | None:
        """Return the lowest and the highest value of all frames (see `_ends_of_all`); ``pixels`` are those of one."""
        return grayscale.ends_of(pixels, frame) if self.frames == 1 else self._ends_of_all

    @cached_property
    def _ends_of_all(self) -> Ends | None:
        """The lowest and the highest value of the frames that `_ends_of_each` reads; None if none of them has any.

        They are the same for every frame, so they are found only once.
        """
        found = [ends for ends in self._ends_of_each() if ends is not None]
        return (min(low for low, _ in found), max(high for _, high in found)) if found else None

    def _ends_of_each(self) -> Iterator[Ends | None]:
        """Yield the ends of each frame; in a large object, of every nth frame only, to bound the pixels that are read.

        A broken frame yields None. Its error is raised later, when the frame is printed.
        """
        first = Frame(self._dataset)
        pixels = self.frames * first.count("Rows") * first.count("Columns")
        for number in range(1, self.frames + 1, -(-pixels // MAX_PIXELS)):
            frame = Frame(self._dataset, number)
            try:
                floats = floats_of(frame)
                found = pixels_of(frame, self._syntax, self._fragments).cells if floats is None else floats
                yield grayscale.ends_of(found, frame)
            except DimseError:
                yield None


def _with_supplement(pixels: Pixels, codes: Codes, curve: Floats, frame: Frame) -> tuple[Codes, Floats, str]:
    """Return codes, curve and term of gray pixels in their colors; as they were, with a note, if a table is broken."""
    levels = np.rint((curve if pixels.photometric == "MONOCHROME2" else 1 - curve) * 0xFFFF).astype("u2")
    try:
        return *identity(palette.with_supplement(pixels.cells, levels, frame)), "RGB"
    except ImageError as exc:
        frame.note(f"{exc}: printed without the colors of the Supplemental Palette")
        return codes, curve, pixels.photometric


def _layers(
    frame: Frame, cells: Cells | None, shape: tuple[int, ...], aspect: tuple[int, int], overlays: Overlays
) -> tuple[tuple[NDArray[np.bool_], float], ...]:
    """Return the layers that cover the pixels: the shutter, then the overlays."""
    shutter = shutter_of(frame, cells, shape, aspect)
    bitmap = shutter[2] if shutter is not None else 0
    layers = [] if shutter is None else [shutter[:2]]
    if overlays in _BRIGHTNESS:
        mask = overlay_mask(frame, cells, shape, except_group=bitmap)
        layers += [] if mask is None else [(mask, _BRIGHTNESS[overlays])]
    return tuple(layers)
