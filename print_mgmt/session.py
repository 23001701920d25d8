"""Film sessions, film boxes and films on a printer, as their SCU handles them: PS3.4 H.4.1 to H.4.3.

`FilmSession` and `FilmBox` are the instances that the printer keeps for us.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import Literal, Unpack

from dimse.data import Dataset, Value
from dimse.errors import AssociationAborted, EncodeError, RemoteProtocolError
from dimse.message import is_failure
from dimse.uids import BasicAnnotationBox, BasicFilmBox, BasicFilmSession
from dimse.uids import PresentationLUT as PresentationLUTClass

from .attributes import FILM_BOX, IMAGE_BOX, pick
from .film import MAX_BOXES, PresentationLUT, PrintImage
from .images import Choices, Image, ImageError, prepare_all
from .images.item import to_item
from .luts import to_dataset
from .model import reference
from .operations import Operations
from .sop import IMAGE_BOX as IMAGE_BOX_OF
from .sop import IMAGE_SEQUENCE
from .typed import items, text
from .watching import Events, Job

__all__ = ["Action", "Bits", "FilmBox", "FilmSession", "Printable", "Style"]

Bits = Literal[8, 12]
Printable = Image | PrintImage
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
    """How to print on this printer: in colour or gray of how many bits, and on what N-ACTION works."""

    def __init__(self, bits: Bits, action: Action) -> None:
        self.bits: Bits = bits
        self.action: Action = action  # "auto" until the printer has shown which it knows
        self.is_color = False

    async def prepared(
        self, image: Printable, frames: Iterable[int] | None, choices: Choices
    ) -> AsyncGenerator[PrintImage, None]:
        """The frames of ``image`` as they are sent, each made in another thread when it is asked for."""
        if isinstance(image, PrintImage):
            yield self._checked(image)
            return
        wanted: Choices = {**choices, "color": self.is_color, "bits": self.bits}
        made = prepare_all(image, frames=frames, **wanted)
        while (prepared := await asyncio.to_thread(next, made, None)) is not None:
            yield prepared

    def _checked(self, image: PrintImage) -> PrintImage:
        if self.is_color != (image.PhotometricInterpretation == "RGB"):
            boxes = "color" if self.is_color else "grayscale"
            raise ImageError(f"PhotometricInterpretation {image.PhotometricInterpretation} for {boxes} image boxes")
        return image


class FilmSession:
    """A Basic Film Session on the printer, PS3.4 H.4.1."""

    def __init__(self, operations: Operations, events: Events, style: Style, attributes: Dataset) -> None:
        self.operations = operations
        self.events = events
        self.style = style
        self.SOPInstanceUID = ""
        self.films_created = 0
        self._attributes = attributes
        self._stale = False

    async def create(self) -> None:
        """N-CREATE."""
        self.SOPInstanceUID, _ = await self.operations.create("the film session", BasicFilmSession, self._attributes)
        self._stale = False

    async def delete(self) -> None:
        """N-DELETE, with all film boxes."""
        await self.operations.delete("the film session", BasicFilmSession, self.SOPInstanceUID)

    async def print(self) -> Job:
        """N-ACTION on the session: all its films, copies collated (PS3.4 H.4.1.2.4). Raises `PrintFailed`."""
        response = await self.operations.print(BasicFilmSession, self.SOPInstanceUID)
        self.operations.check("N-ACTION (Print) of the film session", response)
        return Job(self.operations.print_job(response), self.operations, self.events)

    async def presentation_lut(self, lut: PresentationLUT) -> str:
        """A Presentation LUT on the printer (N-CREATE), PS3.4 H.4.9, to be referenced by film or image boxes.

        Returns its UID. Raises `ContextNotAccepted` of a printer that has none, and `PrintFailed`.
        """
        uid, _ = await self.operations.create("the Presentation LUT", PresentationLUTClass, to_dataset(lut))
        return uid

    async def prepare(self, image: Printable, **choices: Unpack[Choices]) -> PrintImage:
        """The first frame of ``image`` as it is sent. Raises `ImageError`.

        ``choices`` are those of `print_mgmt.images.prepare` but for ``color`` and ``bits``, which the client knows.
        """
        async with aclosing(self.style.prepared(image, (1,), choices)) as made:
            return await anext(made)

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

    ``image_boxes`` and ``annotation_boxes`` are the UIDs of its boxes: position 1 is the first of them.
    ``was_asked`` says that the printer was asked to print it.
    """

    def __init__(self, session: FilmSession, attributes: Dataset) -> None:
        session.films_created += 1
        self.name = f"film {session.films_created}"
        self.SOPInstanceUID = ""
        self.attributes = attributes
        self.image_boxes: tuple[str, ...] = ()
        self.annotation_boxes: tuple[str, ...] = ()
        self.was_asked = False
        self._session = session
        self._operations = session.operations
        self._image_class = IMAGE_BOX_OF[session.operations.meta]

    async def create(self) -> None:
        """N-CREATE. Raises `RemoteProtocolError` when the printer makes no image boxes, or one of them twice."""
        attributes = self.attributes.copy()
        attributes.ReferencedFilmSessionSequence = [reference(BasicFilmSession, self._session.SOPInstanceUID)]
        if "ImageDisplayFormat" not in attributes:
            attributes.ImageDisplayFormat = "STANDARD\\1,1"
        uid, returned = await self._operations.create(self.name, BasicFilmBox, attributes)
        self.image_boxes = self._boxes(returned, "ReferencedImageBoxSequence")
        self.annotation_boxes = self._boxes(returned, "ReferencedBasicAnnotationBoxSequence")
        if not self.image_boxes:
            raise RemoteProtocolError(f"N-CREATE of {self.name}: the printer returned no image boxes")
        self.SOPInstanceUID = uid

    def _boxes(self, returned: Dataset, keyword: str) -> tuple[str, ...]:
        """The instances of a sequence of references. Their class may be wrong: CTN names the Meta SOP Class."""
        references = items(returned, keyword)
        if len(references) > MAX_BOXES:
            raise RemoteProtocolError(f"N-CREATE of {self.name}: {keyword} has {len(references)} items")
        boxes = tuple(filter(None, (text(box, "ReferencedSOPInstanceUID") for box in references)))
        if len(set(boxes)) < len(boxes):  # one image would replace the other
            raise RemoteProtocolError(f"N-CREATE of {self.name}: {keyword} has an instance twice")
        return boxes

    async def annotate(self, position: int, text: str) -> None:
        """Write into the annotation box at ``position``, from 1: N-SET, PS3.4 H.4.4.

        There are annotation boxes where the film box has an Annotation Display Format ID that the printer knows.
        Raises `EncodeError` for a position that is not there.
        """
        if not 1 <= position <= len(self.annotation_boxes):
            have = f"1 to {len(self.annotation_boxes)}" if self.annotation_boxes else "none"
            raise EncodeError(f"{self.name} has annotation boxes {have}, not {position}", path="AnnotationPosition")
        dataset = Dataset(AnnotationPosition=position, TextString=text)
        if not text.isascii():
            dataset = Dataset(SpecificCharacterSet=_charset(text), AnnotationPosition=position, TextString=text)
        what = f"annotation {position} of {self.name}"
        await self._operations.set(what, BasicAnnotationBox, self.annotation_boxes[position - 1], dataset)

    async def set_image(self, position: int, image: Printable, **attributes: Value) -> None:
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

    async def print(self) -> Job:
        """N-ACTION; the print job, whose UID is empty where the printer names none.

        Where the printer knows no N-ACTION on a film box it is asked to print the session, and at
        once from then on. Raises `PrintFailed`.
        """
        if not self._operations.association.is_open:
            raise AssociationAborted(0, 0, f"the association ended before {self.name} could be printed")
        self.was_asked = True
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
        return Job(self._operations.print_job(response), self._operations, self._session.events)

    def _target(self, way: Action) -> tuple[str, str]:
        if way == "session":
            return BasicFilmSession, self._session.SOPInstanceUID
        return BasicFilmBox, self.SOPInstanceUID


def _charset(text: str) -> str:
    """The Specific Character Set for a text: the one that more printers know, if it has all characters."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return "ISO_IR 192"
    return "ISO_IR 100"
