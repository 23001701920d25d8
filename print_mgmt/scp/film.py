"""A film as the embedding program gets it."""

import asyncio
from copy import copy
from datetime import datetime
from functools import cached_property
from typing import Literal

from dimse.data import Dataset
from dimse.errors import escaped

from ..film import Page, Sheet, render
from ..jobs import Exposure, PrintJob

__all__ = ["Film"]


class Film:
    """A film that a client printed.

    ``film_session``, ``film_box``, ``image_boxes`` and ``annotation_boxes`` are its attributes (PS3.3 C.13), defaults
    included, which ``defaulted`` names; ``referenced`` are those of the Presentation LUTs, VOI LUT boxes and overlay
    boxes that it refers to; ``sheet`` has the images. ``number`` counts the films that this server has begun to print,
    from 1. ``time`` is when the printer accepted it. ``job`` is the Print Job it belongs to, ``position`` its place
    among the films of that, from 1, and ``copy`` which of its ``copies`` this is, from 1.

    It can be pickled and copied, for a pool of processes; the job of a copy is without its films.
    """

    def __init__(self, number: int, job: PrintJob, exposure: Exposure) -> None:
        self.number = number
        self.job = job
        self.position = exposure.number
        self.copy = exposure.copy
        self.sheet: Sheet = exposure.film.sheet
        self.time = _accepted(job)
        self._film = exposure.film

    def __getstate__(self) -> dict[str, object]:
        """Return what a copy has, such as one in another process: of its job all but the films."""
        job = copy(self.job)
        job.films, job.unprinted = (), []
        return {**self.__dict__, "job": job}

    def __repr__(self) -> str:
        sheet = self.sheet
        return f"<Film {self.number} {sheet.FilmSizeID} {sheet.FilmOrientation} {sheet.ImageDisplayFormat!a}>"

    @cached_property
    def film_session(self) -> Dataset:
        return self._film.film_session.copy()

    @cached_property
    def film_box(self) -> Dataset:
        return self._film.film_box.copy()

    @cached_property
    def image_boxes(self) -> tuple[Dataset, ...]:
        return tuple(attributes.copy() for attributes in self._film.image_boxes)

    @cached_property
    def annotation_boxes(self) -> tuple[Dataset, ...]:
        return tuple(attributes.copy() for attributes in self._film.annotation_boxes)

    @cached_property
    def referenced(self) -> tuple[Dataset, ...]:
        return tuple(attributes.copy() for attributes in self._film.referenced)

    @cached_property
    def defaulted(self) -> tuple[str, ...]:
        """The attributes of film session and film box that the client left to the printer, or that it replaced."""
        film, sent = self._film, self._film.sent
        told = (element for attributes in (film.film_session, film.film_box) for element in attributes)
        return tuple(element.keyword for element in told if element.tag not in sent and element.VR != "SQ")

    @property
    def calling_ae_title(self) -> str:
        """Who printed it: the title, escaped where it has other characters than an AE title may have."""
        return escaped(self.job.Originator)

    @property
    def host(self) -> str:
        """The address that it was printed from."""
        return self.job.host

    @property
    def copies(self) -> int:
        """How many of it are wanted, Number of Copies (2000,0010)."""
        return self.job.copies

    async def render(self, dpi: int = 150, *, bits: Literal[8, 16] = 8) -> Page:
        """The film as a page, rendered in another thread; ``bits`` are those of gray. Raises `LayoutError`."""
        return await asyncio.to_thread(render, self.sheet, dpi, bits=bits, imager=self._film.imager)


def _accepted(job: PrintJob) -> datetime:
    """When the queue took the job, on this machine's clock; now, for a job that does not say it."""
    try:
        return datetime.strptime(job.CreationDate + job.CreationTime[:6], "%Y%m%d%H%M%S")
    except ValueError:
        return datetime.now().replace(microsecond=0)
