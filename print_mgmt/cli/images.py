"""The images that ``print-mgmt print`` prints: files, their frames, and test patterns."""

import argparse
import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset

from ..images import PATTERNS, ImageError, ImageOptions, Window, prepare_all
from ..images.prepare import open_image
from ..images.voi import Choice
from ..scu import NO_SIZE, Bits, Printable, PrintClient
from .commands import COLORS
from .options import argument_type

__all__ = ["ImageFiles", "add_images"]

_SPAN = re.compile(r"([1-9]\d{0,5})(?:-([1-9]\d{0,5}))?", re.ASCII)
_NUMBER = r"\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*"
_WINDOW = re.compile(rf"{_NUMBER}[,\\]{_NUMBER}(?:,\s*(LINEAR|LINEAR_EXACT|SIGMOID)\s*)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Frames:
    """Spans of frames, counted from 1. Without spans, all frames are chosen."""

    spans: tuple[tuple[int, int], ...] = ()

    def of(self, count: int) -> tuple[int, ...]:
        """Return the numbers of the chosen frames in an image of ``count`` frames; there may be none."""
        spans = self.spans or ((1, count),)
        return tuple(frame for first, last in spans for frame in range(first, min(last, count) + 1))


FIRST = Frames(((1, 1),))


def add_images(group: argparse._ArgumentGroup) -> None:
    """Add the options for images and their appearance."""
    group.add_argument(
        "--pattern",
        action="append",
        choices=sorted(PATTERNS),
        default=[],
        metavar="NAME",
        help=f"also print a test pattern: {', '.join(sorted(PATTERNS))}",
    )
    group.add_argument(
        "--frames",
        type=_parse_frames,
        default=FIRST,
        metavar="N[-N][,N]",
        help="frames of multi-frame images, or 'all' (default: the first)",
    )
    group.add_argument(
        "--color",
        choices=COLORS,
        default="auto",
        metavar="|".join(COLORS),
        help="whether to print in color; auto: if the printer supports it and at least one image has color; --color "
        "without a value means yes (default: %(default)s)",
    )
    group.add_argument(
        "--bits",
        type=_parse_bits,
        default=8,
        metavar="8|12|auto",
        help="depth of gray pixels; auto: the depth in the printer's configuration (default: %(default)s)",
    )
    _add_appearance(group)
    group.add_argument(
        "--reduce",
        action="store_true",
        help="reduce images to the size of their boxes in pixels, if the printer's configuration gives this size",
    )


def _add_appearance(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--window",
        type=argument_type(_parse_window),
        metavar="CENTER,WIDTH",
        help="VOI window of gray images: its center and width; 'auto', from the lowest to the highest value; or a "
        "window in the image, by number or explanation (default: the first window in the image)",
    )
    group.add_argument(
        "--overlays",
        type=str.upper,
        choices=("WHITE", "BLACK", "NONE"),
        default="WHITE",
        help="gray level of overlays in the images (default: %(default)s)",
    )
    group.add_argument(
        "--scale-lut",
        action="store_true",
        help="give the largest entry of a VOI LUT full brightness, instead of the largest value that its bits allow",
    )
    group.add_argument(
        "--background",
        type=str.upper,
        choices=("WHITE", "BLACK"),
        default="WHITE",
        help="background of transparent pictures (default: %(default)s)",
    )


class ImageFiles:
    """The files and patterns to print.

    Call `check` first. Then, ``has_color`` tells whether at least one of the files is a color image, ``notes`` are
    messages for the user, the length is the number of images, and `prepare` yields them.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.notes: list[str] = []
        self.has_color = False
        self._files: list[str] = arguments.images
        self._patterns: list[str] = arguments.pattern
        self._frames: Frames = arguments.frames
        self._in_true_size: bool = arguments.true_size
        self._chosen_frames: dict[str, tuple[int, ...]] = {}
        self._options = ImageOptions(
            window=arguments.window,
            overlays=arguments.overlays,
            background=arguments.background,
            scale_lut=arguments.scale_lut,
        )

    def __len__(self) -> int:
        return sum(len(self._chosen_frames[name]) for name in self._files) + len(self._patterns)

    def check(self) -> None:
        """Check that each file has a chosen frame, and that the first chosen frame of each file can be printed.

        A pattern fills its image box, so it has no true size. Raises `ImageError` and OSError.
        """
        if self._in_true_size and self._patterns:
            raise ImageError(f"--pattern {self._patterns[0]}: {NO_SIZE}")
        for name in dict.fromkeys(self._files):
            source = open_image(name)
            count = source.frames
            wanted = self._chosen_frames[name] = self._frames.of(count)
            picture = source.picture(wanted[0] if wanted else self._frames.spans[0][0], self._options)
            self.has_color |= picture.is_color
            if self._in_true_size and picture.PixelSpacing is None:
                raise ImageError(f"{name}: {NO_SIZE}")
            if count > 1 and self._frames == FIRST:
                self.notes.append(f"{name}: only the first of {count} frames is printed (--frames all prints all)")

    async def prepare(self, client: PrintClient, film_box: Dataset) -> AsyncIterator[Printable]:
        """Yield the images one by one. A pattern fills its image box if the printer's configuration gives the size."""
        wanted = {element.keyword: element.value for element in film_box}
        box = await client.box_size(**wanted) if self._patterns else None
        options: ImageOptions = {**self._options, "color": client.is_color, "bits": client.bits}
        for name in self._files:
            pictures = prepare_all(name, frames=self._chosen_frames[name], **options)
            while (picture := await asyncio.to_thread(next, pictures, None)) is not None:
                yield picture
        for name in self._patterns:
            yield await asyncio.to_thread(_draw_pattern, name, box, client.bits)


def _draw_pattern(name: str, box: tuple[int, int] | None, bits: Bits) -> NDArray[np.generic]:
    draw = PATTERNS[name]
    return draw(bits=bits) if box is None else draw(*box, bits)


def _parse_frames(text: str) -> Frames:
    if text == "all":
        return Frames()
    found = [_SPAN.fullmatch(part) for part in text.split(",")]
    spans = tuple((int(span[1]), int(span[2] or span[1])) for span in found if span)
    if len(spans) < len(found) or any(first > last for first, last in spans):
        raise argparse.ArgumentTypeError(f"{text!r} is neither 'all' nor frames such as 5, 1-10 or 1,5-7")
    return Frames(spans)


def _parse_bits(text: str) -> Bits | Literal["auto"]:
    match text:
        case "8":
            return 8
        case "12":
            return 12
        case "auto":
            return "auto"
    raise argparse.ArgumentTypeError(f"{text!r} is not 8, 12 or auto")


def _parse_window(text: str) -> Choice:
    """Return the chosen window: "auto", a `Window`, or the number or explanation of a window in the image."""
    if text.isascii() and text.isdecimal() and len(text) < 6:
        return int(text)
    found = _WINDOW.fullmatch(text)
    if found is None:
        return text
    try:
        return Window(float(found[1]), float(found[2]), (found[3] or "LINEAR").upper())
    except ValueError as exc:
        raise ImageError(f"{text!r} is not CENTER,WIDTH, such as 40,400") from exc
