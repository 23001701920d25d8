"""Film sessions, film boxes and films on a printer, as their SCU handles them: PS3.4 H.4.1 to H.4.3.

`FilmSession` and `FilmBox` are the instances that the printer keeps for us. `Films` makes as many film
boxes as images need, and prints each one when it is full.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from os import PathLike
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, Value
from dimse.errors import EncodeError, RemoteProtocolError
from dimse.message import is_failure
from dimse.uids import BasicColorPrintManagementMeta, BasicFilmBox, BasicFilmSession

from .attributes import FILM_BOX, IMAGE_BOX, pick
from .film import PrintImage
from .images import ImageError, prepare
from .images.item import to_item
from .model import reference
from .operations import Operations
from .sop import IMAGE_BOX as IMAGE_BOX_OF
from .sop import IMAGE_SEQUENCE
from .typed import items, text

__all__ = ["Action", "FilmBox", "FilmSession", "Films", "Image", "Style"]

Image = NDArray[np.generic] | Dataset | PrintImage | str | PathLike[str]
Action = Literal["auto", "film", "session"]

_WAYS: dict[Action, tuple[Action, ...]] = {
    "auto": ("film", "session"),
    "film": ("film",),
    "session": ("session",),
}

# What printers say to an N-ACTION that they do not know, on a film box or on a session. A failure
# status means that nothing was done, so the other one may be tried.
_NOT_KNOWN = frozenset({0x0110, 0x0112, 0x0118, 0x0119, 0x0122, 0x0123, 0x0211})


class Style:
    """How to print on this printer: depth of gray pixels, and on what N-ACTION works."""

    def __init__(self, bits: Literal[8, 12], action: Action) -> None:
        self.bits: Literal[8, 12] = bits
        self.action: Action = action  # "auto" until the printer has shown which it knows


class FilmSession:
    """A Basic Film Session on the printer, PS3.4 H.4.1."""

    def __init__(self, operations: Operations, style: Style, attributes: Dataset) -> None:
        self.operations = operations
        self.style = style
        self.SOPInstanceUID = ""
        self.films_created = 0
        self.films_printed = 0
        self._attributes = attributes
        self._stale = False

    async def create(self) -> None:
        """N-CREATE."""
        self.SOPInstanceUID, _ = await self.operations.create("the film session", BasicFilmSession, self._attributes)
        self._stale = False

    async def delete(self) -> None:
        """N-DELETE, with all film boxes."""
        await self.operations.delete("the film session", BasicFilmSession, self.SOPInstanceUID)

    async def prepare(self, image: Image) -> PrintImage:
        """``image`` as it is sent, made in another thread. Raises `ImageError`."""
        is_color = self.operations.context.abstract_syntax == BasicColorPrintManagementMeta
        if isinstance(image, PrintImage):
            if is_color != (image.PhotometricInterpretation == "RGB"):
                boxes = "color" if is_color else "grayscale"
                raise ImageError(f"PhotometricInterpretation {image.PhotometricInterpretation} for {boxes} image boxes")
            return image
        return await asyncio.to_thread(prepare, image, color=is_color, bits=self.style.bits)

    @asynccontextmanager
    async def film_box(self, **attributes: Value) -> AsyncIterator["FilmBox"]:
        """A film box (N-CREATE), deleted at the end of the block (N-DELETE).

        ``attributes`` are those of the film box, by keyword. Without ImageDisplayFormat the film
        has one image.
        """
        async with self.film_box_of(pick(FILM_BOX, attributes)) as box:
            yield box

    @asynccontextmanager
    async def film_box_of(self, attributes: Dataset) -> AsyncIterator["FilmBox"]:
        """As `film_box`, with the attributes as a Data Set."""
        if self._stale:
            # It holds a film that was printed and could not be deleted: a session that is printed
            # as a whole would print that one again.
            await self.delete()
            await self.create()
        box = FilmBox(self, attributes)
        await box.create()
        try:
            yield box
        finally:
            deleted = await self.operations.delete(box.name, BasicFilmBox, box.SOPInstanceUID)
            self._stale = not deleted and self.style.action == "session"


class FilmBox:
    """A Basic Film Box on the printer, PS3.4 H.4.2. Made by `FilmSession.film_box`.

    ``image_boxes`` are the UIDs of its image boxes: position 1 is the first of them.
    """

    def __init__(self, session: FilmSession, attributes: Dataset) -> None:
        session.films_created += 1
        self.name = f"film {session.films_created}"
        self.SOPInstanceUID = ""
        self.attributes = attributes
        self.image_boxes: tuple[str, ...] = ()
        self._session = session
        self._operations = session.operations
        meta = session.operations.context.abstract_syntax
        self._image_class = IMAGE_BOX_OF[meta]

    async def create(self) -> None:
        """N-CREATE. Raises `RemoteProtocolError` when the printer makes no image boxes."""
        attributes = self.attributes.copy()
        attributes.ReferencedFilmSessionSequence = [reference(BasicFilmSession, self._session.SOPInstanceUID)]
        if "ImageDisplayFormat" not in attributes:
            attributes.ImageDisplayFormat = "STANDARD\\1,1"
        uid, returned = await self._operations.create(self.name, BasicFilmBox, attributes)
        # The class of an item may be wrong (CTN names the Meta SOP Class): the instance is what counts.
        boxes = items(returned, "ReferencedImageBoxSequence")
        self.image_boxes = tuple(filter(None, (text(box, "ReferencedSOPInstanceUID") for box in boxes)))
        if not self.image_boxes:
            raise RemoteProtocolError(f"N-CREATE of {self.name}: the printer returned no image boxes")
        self.SOPInstanceUID = uid

    async def set_image(self, position: int, image: Image, **attributes: Value) -> None:
        """Put ``image`` into the image box at ``position``, from 1: N-SET.

        ``attributes`` are those of the image box, by keyword, such as ``Polarity="REVERSE"``.
        Raises `ImageError` for what cannot be printed, `EncodeError` for a position that is not there.
        """
        dataset = pick(IMAGE_BOX, attributes)
        await self.put(position, await self._session.prepare(image), dataset)

    async def put(self, position: int, image: PrintImage, attributes: Dataset) -> None:
        """As `set_image`, with an image that is prepared and the attributes as a Data Set."""
        if not 1 <= position <= len(self.image_boxes):
            what = f"{self.name} has image boxes 1 to {len(self.image_boxes)}, not {position}"
            raise EncodeError(what, path="ImageBoxPosition")
        dataset = attributes.copy()
        dataset.ImageBoxPosition = position
        dataset[IMAGE_SEQUENCE[self._image_class]] = [to_item(image)]
        what = f"image {position} of {self.name}"
        await self._operations.set(what, self._image_class, self.image_boxes[position - 1], dataset)

    async def print(self) -> str:
        """N-ACTION; the UID of the print job, where the printer names one, else an empty string.

        Where the printer knows no N-ACTION on a film box it is asked to print the session, and at
        once from then on. Raises `PrintFailed`.
        """
        style = self._session.style
        response = refusal = None
        for way in _WAYS[style.action]:
            response = await self._operations.print(*self._target(way))
            if not is_failure(response.Status):
                refusal, style.action = None, way
                break
            refusal = refusal or response
            if response.Status not in _NOT_KNOWN:
                break
        assert response is not None
        self._operations.check(f"N-ACTION (Print) of {self.name}", refusal or response)
        self._session.films_printed += 1
        return self._operations.print_job(response)

    def _target(self, way: Action) -> tuple[str, str]:
        if way == "session":
            return BasicFilmSession, self._session.SOPInstanceUID
        return BasicFilmBox, self.SOPInstanceUID


class Films:
    """Films on a printer for images that come one by one. Made by `PrintClient.films`."""

    def __init__(self, session: FilmSession, film_box: Dataset, image_box: Dataset) -> None:
        self._session = session
        self._film_box = film_box
        self._image_box = image_box
        self._film: FilmBox | None = None  # the one that is being filled
        self._filled = 0
        self._stack = AsyncExitStack()

    @property
    def printed(self) -> int:
        """How many films the printer has accepted."""
        return self._session.films_printed

    async def add(self, image: Image) -> None:
        """Put ``image`` into the next image box; print the film when that was its last.

        Raises `ImageError` for what cannot be printed, before the printer hears of it.
        """
        prepared = await self._session.prepare(image)
        if self._film is None:
            self._film = await self._stack.enter_async_context(self._session.film_box_of(self._film_box))
            self._filled = 0
        self._filled += 1
        await self._film.put(self._filled, prepared, self._image_box)
        if self._filled == len(self._film.image_boxes):
            await self.print()

    async def print(self) -> None:
        """Print the film as it is, with the boxes that have no image empty. Nothing if there is none."""
        if self._film is not None:
            await self._film.print()
            self._film = None
            await self.close()

    async def close(self) -> None:
        """Delete a film that is not going to be printed."""
        self._film = None
        await self._stack.aclose()
