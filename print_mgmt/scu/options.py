"""The options of a print client, the types of images, and the format of the pixels in image boxes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeGuard, Unpack

import numpy as np
from numpy.typing import NDArray

from ..film import PrintImage
from ..images import Image, ImageError, ImageOptions, is_image, prepare_all
from ..images.frame import check_size

__all__ = ["Action", "Bits", "Color", "Images", "PixelFormat", "PrintOptions", "Printable", "each_image"]

Bits = Literal[8, 12]
Color = bool | Literal["prefer", "avoid"] | None
Printable = Image | PrintImage
Images = Printable | Iterable[Printable] | AsyncIterable[Printable]
Action = Literal["auto", "film", "session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintOptions:
    """The options of a print client, as its caller chose them. `Connection` has the facts learned about the printer.

    ``color`` selects the Meta SOP Class: color (True), gray (False), color if the printer has it ("prefer"), gray if
    the printer has it ("avoid"), or either (None). ``bits`` is the depth of gray pixels; "auto" asks the printer.
    ``action`` is the instance that N-ACTION prints; "auto" is the film box, or the session if the printer cannot print
    film boxes. ``action_data`` sends a Data Set with N-ACTION, for printers that do not answer without one.
    ``own_uids``: the client assigns the SOP Instance UIDs, instead of the printer.
    """

    color: Color = False
    bits: Bits | Literal["auto"] = 8
    action: Action = "auto"
    action_data: bool = False
    own_uids: bool = True


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """The format of the pixels in image boxes: RGB, or gray of 8 or 12 bits."""

    is_color: bool
    bits: Bits

    async def prepared(
        self, image: Printable, frames: Iterable[int] | None, choices: ImageOptions
    ) -> AsyncGenerator[PrintImage, None]:
        """Yield the ``frames`` of ``image`` (from 1; None: all) in this format, prepared one at a time.

        Raises `ImageError`, and OSError for a file that cannot be read.
        """
        made = self._prepare(image, frames, choices)
        if isinstance(image, PrintImage) or self._is_final(image):
            for ready in made:
                yield ready
            return
        while (prepared := await asyncio.to_thread(next, made, None)) is not None:
            yield prepared

    async def first(self, image: Printable, **choices: Unpack[ImageOptions]) -> PrintImage:
        """Return the first frame of ``image`` in this format. Raises `ImageError` and OSError, as `prepared` does."""
        if isinstance(image, PrintImage):
            return self._checked(image)
        if self._is_final(image):
            # This takes 2 us; `prepare` takes 22 us to return the same.
            return PrintImage(pixels=image, PhotometricInterpretation="RGB" if self.is_color else "MONOCHROME2")
        return await asyncio.to_thread(next, self._prepare(image, (1,), choices))

    def _prepare(self, image: Printable, frames: Iterable[int] | None, choices: ImageOptions) -> Iterator[PrintImage]:
        if isinstance(image, PrintImage):
            return iter((self._checked(image),))
        wanted: ImageOptions = {**choices, "color": self.is_color, "bits": self.bits}
        return prepare_all(image, frames=frames, **wanted)

    def _is_final(self, image: Printable) -> TypeGuard[NDArray[np.uint8]]:
        """Return whether ``image`` is an array whose pixels are sent unchanged, so that it needs no thread.

        Return False for a subclass of ndarray, such as a masked array. Raises `ImageError` for more pixels than an
        image box can have.
        """
        if type(image) is not np.ndarray or image.dtype != np.uint8 or not image.size:
            return False
        if image.shape[2:] != (3,) if self.is_color else image.ndim != 2 or self.bits != 8:
            return False
        check_size(*image.shape[:2])
        return True

    def _checked(self, image: PrintImage) -> PrintImage:
        if self.is_color != (image.PhotometricInterpretation == "RGB"):
            boxes = "color" if self.is_color else "grayscale"
            what = f"PhotometricInterpretation {image.PhotometricInterpretation}"
            raise ImageError(f"an image of {what} cannot be put into {boxes} image boxes")
        return image


async def each_image(images: Images) -> AsyncIterator[Printable]:
    """Yield a single image, or each image of an iterable. Raises `ImageError` for anything else."""
    things: object = images
    if isinstance(things, PrintImage) or is_image(things):
        yield things
    elif isinstance(things, AsyncIterable):
        async for image in things:
            yield image
    elif isinstance(things, Iterable):
        for image in things:
            yield image
    else:
        raise ImageError(f"{type(things).__name__} is neither an image nor an iterable of images")
