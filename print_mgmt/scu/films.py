"""Fills films with images that come one by one, and prints each film when it is full.

Only one film at a time is held in memory. If the association is lost before N-ACTION, also because the printer releases
it, the film can be filled again on a new association. If it is lost before the response to N-ACTION, it is unknown
whether the film was printed. No film is printed again after its N-ACTION, whatever the response.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Unpack

from dimse.errors import (
    AssociationAborted,
    ConnectionFailed,
    LocalProtocolError,
    RemoteProtocolError,
    ResponseTimeout,
)

from ..attributes import Chosen
from ..film import PresentationLUT, PrintImage
from ..images import ImageError, ImageOptions
from ..typed import text
from . import true_size
from .capabilities import reduced
from .connection import Connection, Retries
from .events import Job
from .options import Printable
from .session import FilmBox, FilmSession

__all__ = ["Films", "FilmOptions", "PrintUncertain"]

_LOST = (AssociationAborted, ConnectionFailed, ResponseTimeout)


class PrintUncertain(RemoteProtocolError):
    """The association was lost between N-ACTION and its response, so the film may or may not have been printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOptions:
    """The options for each film.

    ``chosen`` are the attributes of film session, film boxes and image boxes. Every film box refers to
    ``presentation_lut``. ``annotations`` are the texts of the annotation boxes of each film, from position 1.
    ``collate`` prints all films with one N-ACTION on the session; copies are then in the order 1 2 1 2 instead of
    1 1 2 2.

    ``true_size`` prints each image in true size or not at all: an image larger than its image box is refused, or
    cropped if Requested Decimate/Crop Behavior is CROP. ``reduce`` sends no more pixels than an image box has, if the
    printer's configuration gives the size of its image boxes.
    """

    chosen: Chosen
    presentation_lut: PresentationLUT | None = None
    annotations: tuple[str, ...] = ()
    collate: bool = False
    true_size: bool = False
    reduce: bool = False


class Films:
    """Films on a printer. `PrintClient.films` creates them.

    ``open_session`` opens a film session, on a new association if the current one is lost, as often as ``retries``
    allows. ``box`` is the size (rows, columns) to which images are reduced. ``printed`` is the number of printed films,
    and ``images`` the number of images that the printer has received; ``progress`` is called with ``images``. ``jobs``
    are the print jobs: one for each film, or, with ``collate``, one for all films.
    """

    def __init__(
        self,
        open_session: Callable[[], AbstractAsyncContextManager[FilmSession]],
        connection: Connection,
        options: FilmOptions,
        *,
        retries: Retries,
        box: tuple[int, int] | None = None,
    ) -> None:
        self.printed = 0
        self.images = 0
        self.progress: Callable[[int], None] | None = None
        self.jobs: list[Job] = []
        self._open_session = open_session
        self._connection = connection
        self._options = options
        self._retries = retries
        self._box = box
        self._session: FilmSession | None = None
        self._film: FilmBox | None = None  # the film that is being filled
        self._images: list[PrintImage] = []  # the images of that film
        self._filled = 0  # the number of these images that the printer has received
        self._collated = 0  # the number of full films that will be printed with the session
        self._session_stack = AsyncExitStack()
        self._film_stack = AsyncExitStack()

    async def add(
        self, image: Printable, *, frames: Iterable[int] | None = (1,), **choices: Unpack[ImageOptions]
    ) -> None:
        """Put ``image`` into the next image box; if that was the last box, print the film, unless films are collated.

        Each of the ``frames`` of an image (from 1; None is all) goes into a box of its own. ``choices`` are the options
        of `print_mgmt.images.prepare`, without ``color`` and ``bits``. Raises `ImageError` if an image cannot be
        printed: before it is sent, or, with ``true_size``, when the printer has answered. Raises the other errors of
        `PrintClient.print_images`, too.

        After an error, more images can be added. An image that caused an error is left out of its film. After an error
        of N-ACTION, the film is not printed again, and the next image begins another film.
        """
        async with aclosing(self._connection.pixels.prepared(image, frames, choices)) as prepared:
            async for picture in prepared:
                await self._add(picture)

    async def _add(self, picture: PrintImage) -> None:
        if self._options.true_size and picture.PixelSpacing is None:
            raise ImageError(true_size.NO_SIZE)
        if self._box is not None:
            picture = await asyncio.to_thread(reduced, picture, self._box)
        self._images.append(picture)
        try:
            await self._with_retries(self._fill)
        except BaseException:
            self._images.pop()
            await self._leave_film()  # its box may hold the image; the other images are sent again, to another film box
            raise
        self.images += 1
        if self.progress is not None:
            self.progress(self.images)
        assert self._film is not None
        if self._filled == len(self._film.image_boxes):
            await self._finish_film()

    async def finish(self) -> None:
        """Print the last film, which may have empty boxes, and, with ``collate``, the session.

        More images can be added, also after an error; with ``collate``, they begin another session.
        """
        if self._images:
            await self._finish_film()
        if self._collated:
            await self._print_session()

    async def close(self) -> None:
        """Delete the film that was not printed, and the session."""
        self._film, self._session = None, None
        try:
            await self._film_stack.aclose()
        finally:
            await self._session_stack.aclose()

    async def _finish_film(self) -> None:
        film = None
        try:
            if self._options.collate:
                await self._with_retries(self._fill)
                self._collated += 1
                # the film box must not be deleted until the session is printed
                await self._session_stack.enter_async_context(self._film_stack.pop_all())
            else:
                await self._with_retries(self._print)
                film = self._film
        finally:  # if the caller goes on after an error, this film is not printed a second time
            self._images.clear()
            await self._leave_film()
        if film is not None:
            self._check_printed(film.name, self._session)

    async def _leave_film(self) -> None:
        self._film = None
        await self._film_stack.aclose()

    async def _print(self) -> None:
        await self._fill()  # on a retry: the association was lost after the film was filled
        assert self._film is not None
        self.jobs.append(await self._film.print())
        self.printed += 1

    async def _print_session(self) -> None:
        session = self._session
        assert session is not None
        try:
            self.jobs.append(await session.print())
            self.printed += self._collated
        except _LOST as exc:
            if not session.was_asked:
                raise
            raise PrintUncertain(f"{exc}; it is unknown whether the film session was printed") from exc
        finally:
            if session.was_asked:  # another N-ACTION of this session would print its films a second time
                self._collated = 0
                await self.close()
        self._check_printed("the film session", session)

    def _check_printed(self, film: str, session: FilmSession | None) -> None:
        if self._options.true_size and session is not None:
            answered = session.operations.answers[-1]
            true_size.check_printed(film, answered.Status, self._options.chosen.image_box)

    async def _fill(self) -> None:
        """Send the images of the film that the printer has not yet received; create the film box if necessary."""
        if self._film is None:
            self._film = await self._new_film()
        while self._filled < len(self._images):
            image = self._images[self._filled]
            position, attributes = self._filled + 1, self._options.chosen.image_box
            if self._options.true_size:
                await true_size.put(self._film, position, image, attributes)
            else:
                await self._film.put(position, image, attributes)
            self._filled += 1

    async def _new_film(self) -> FilmBox:
        self._filled = 0
        if self._session is None:
            self._session = await self._session_stack.enter_async_context(self._open_session())
        session, annotations = self._session, self._options.annotations
        if not session.operations.association.is_open:
            raise AssociationAborted(0, 0, "the association ended between two films")
        film = await self._film_stack.enter_async_context(session.film_box_of(self._options.chosen.film_box))
        for position, words in enumerate(annotations[: len(film.annotation_boxes)], 1):
            await film.annotate(position, words)
        if len(annotations) > len(film.annotation_boxes):
            written = f"only {len(film.annotation_boxes)} of {len(annotations)} annotations were written"
            chosen = text(self._options.chosen.film_box, "AnnotationDisplayFormatID")
            why = f" for AnnotationDisplayFormatID {chosen}" if chosen else "; AnnotationDisplayFormatID selects boxes"
            session.operations.warn(f"{film.name}: {written}, because the printer created no more boxes{why}")
        return film

    async def _with_retries(self, step: Callable[[], Awaitable[None]]) -> None:
        """Perform ``step``, and repeat it on a new association if the current one is lost."""
        while True:
            try:
                return await step()
            except (*_LOST, LocalProtocolError) as exc:
                if isinstance(exc, LocalProtocolError) and not self._is_released:
                    raise
                if self._film is not None and self._film.was_asked:
                    raise PrintUncertain(f"{exc}; it is unknown whether {self._film.name} was printed") from exc
                if not self._retries.left or self._collated:
                    raise
                reason = exc
            await self.close()
            await self._retries.pause(reason)

    @property
    def _is_released(self) -> bool:
        """Whether the association of the session has ended: a request after a release raises `LocalProtocolError`."""
        return self._session is not None and not self._session.operations.association.is_open
