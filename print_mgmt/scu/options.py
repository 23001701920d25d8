"""How to print on one printer: what pixels its image boxes get, and on what N-ACTION works."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Literal, Unpack

import numpy as np

from ..film import PrintImage
from ..images import Choices, Image, ImageError, prepare_all

__all__ = ["Action", "Bits", "Printable", "Style"]

Bits = Literal[8, 12]
Printable = Image | PrintImage
Action = Literal["auto", "film", "session"]


class Style:
    """In colour, or gray of how many bits; and the N-ACTION, "auto" until the printer has shown which it knows.

    ``action_data``: N-ACTION goes with a Data Set.
    """

    def __init__(self, bits: Bits, action: Action, *, action_data: bool = False) -> None:
        self.bits: Bits = bits
        self.action: Action = action
        self.action_data = action_data
        self.is_color = False

    async def prepared(
        self, image: Printable, frames: Iterable[int] | None, choices: Choices
    ) -> AsyncGenerator[PrintImage, None]:
        """The frames of ``image`` as they are sent, made when they are asked for: in another thread, if it is work."""
        if isinstance(image, PrintImage):
            yield self._checked(image)
            return
        wanted: Choices = {**choices, "color": self.is_color, "bits": self.bits}
        made = prepare_all(image, frames=frames, **wanted)
        if self._is_ready(image):
            for ready in made:
                yield ready
            return
        while (prepared := await asyncio.to_thread(next, made, None)) is not None:
            yield prepared

    async def first(self, image: Printable, **choices: Unpack[Choices]) -> PrintImage:
        """The first frame of ``image``. Raises `ImageError`."""
        async with aclosing(self.prepared(image, (1,), choices)) as made:
            return await anext(made)

    def _is_ready(self, image: Image) -> bool:
        """Whether pixels go out as they are: to another thread and back takes longer than to see that."""
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            return False
        return image.shape[2:] == (3,) if self.is_color else image.ndim == 2 and self.bits == 8

    def _checked(self, image: PrintImage) -> PrintImage:
        if self.is_color != (image.PhotometricInterpretation == "RGB"):
            boxes = "color" if self.is_color else "grayscale"
            raise ImageError(f"PhotometricInterpretation {image.PhotometricInterpretation} for {boxes} image boxes")
        return image
