"""A film session on a printer, as its SCU handles it: PS3.4 H.4.1."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Unpack

from dimse.data import Dataset, Value
from dimse.uids import BasicFilmBox, BasicFilmSession
from dimse.uids import PresentationLUT as PresentationLUTClass

from ..attributes import FILM_BOX, pick
from ..film import PresentationLUT, PrintImage
from ..images import Choices
from ..model import reference
from .filmbox import FilmBox
from .luts import to_dataset
from .operations import Operations
from .style import Printable, Style
from .watching import Events, Job

__all__ = ["FilmSession"]


class FilmSession:
    """A Basic Film Session on the printer. ``lut`` is the UID of its films' Presentation LUT, empty without one."""

    def __init__(self, operations: Operations, events: Events, style: Style, attributes: Dataset) -> None:
        self.operations = operations
        self.events = events
        self.style = style
        self.SOPInstanceUID = ""
        self.lut = ""
        self.films_created = 0
        self._attributes = attributes
        self._luts: list[str] = []
        self._stale = False

    async def create(self) -> None:
        """N-CREATE."""
        self.SOPInstanceUID, _ = await self.operations.create("the film session", BasicFilmSession, self._attributes)
        self._stale = False

    async def delete(self) -> None:
        """N-DELETE, with all film boxes, and of the Presentation LUTs that nothing refers to any more."""
        await self._delete()
        for lut in self._luts:
            await self.operations.delete("the Presentation LUT", PresentationLUTClass, lut)
        self._luts.clear()

    async def _delete(self) -> None:
        await self.operations.delete("the film session", BasicFilmSession, self.SOPInstanceUID)

    async def print(self) -> Job:
        """N-ACTION on the session: all its films, copies collated (PS3.4 H.4.1.2.4). Raises `PrintFailed`."""
        with_data = self.style.action_data
        response = await self.operations.print(BasicFilmSession, self.SOPInstanceUID, with_data=with_data)
        self.operations.check("N-ACTION (Print) of the film session", response)
        return Job(self.operations.print_job(BasicFilmSession, response), self.operations, self.events)

    async def presentation_lut(self, lut: PresentationLUT) -> str:
        """A Presentation LUT on the printer (N-CREATE), PS3.4 H.4.9, to be referenced by film or image boxes.

        Returns its UID. Raises `ContextNotAccepted` of a printer that has none, and `PrintFailed`.
        """
        uid, _ = await self.operations.create("the Presentation LUT", PresentationLUTClass, to_dataset(lut))
        self._luts.append(uid)
        return uid

    async def use_lut(self, lut: PresentationLUT, *, in_session: bool) -> None:
        """Have all films use a Presentation LUT; ``in_session`` (before `create`): the session refers to it, CP 173."""
        self.lut = await self.presentation_lut(lut)
        if in_session:
            self._attributes = self._attributes.copy()
            self._attributes.ReferencedPresentationLUTSequence = [reference(PresentationLUTClass, self.lut)]
            self.lut = ""

    async def prepare(self, image: Printable, **choices: Unpack[Choices]) -> PrintImage:
        """The first frame of ``image`` as it is sent. Raises `ImageError`.

        ``choices`` are those of `print_mgmt.images.prepare` but for ``color`` and ``bits``, which the client knows.
        """
        return await self.style.first(image, **choices)

    @asynccontextmanager
    async def film_box(self, *, presentation_lut: str = "", **attributes: Value) -> AsyncIterator[FilmBox]:
        """A film box (N-CREATE), deleted at the end of the block (N-DELETE).

        ``attributes`` are those of the film box, by keyword. Without ImageDisplayFormat the film
        has one image. ``presentation_lut`` is what `presentation_lut` has returned.
        """
        dataset = pick(FILM_BOX, attributes)
        if presentation_lut:
            dataset.ReferencedPresentationLUTSequence = [reference(PresentationLUTClass, presentation_lut)]
        async with self.film_box_of(dataset) as box:
            yield box

    @asynccontextmanager
    async def film_box_of(self, attributes: Dataset) -> AsyncIterator[FilmBox]:
        """As `film_box`, with the attributes as a Data Set."""
        if self._stale:
            # It holds a film that was printed and could not be deleted: a session that is printed
            # as a whole would print that one again.
            await self._delete()
            await self.create()
        if self.lut and "ReferencedPresentationLUTSequence" not in attributes:
            attributes = attributes.copy()
            attributes.ReferencedPresentationLUTSequence = [reference(PresentationLUTClass, self.lut)]
        self.films_created += 1
        box = FilmBox(self.operations, self.events, self.style, self.SOPInstanceUID, f"film {self.films_created}")
        await box.create(attributes)
        try:
            yield box
        finally:
            deleted = await self.operations.delete(box.name, BasicFilmBox, box.SOPInstanceUID)
            self._stale = not deleted and self.style.action == "session"
