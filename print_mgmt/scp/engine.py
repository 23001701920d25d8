"""The engine of a printer, which takes jobs from the queue and prints their films one after the other.

If a film cannot be printed, its job ends in FAILURE, with a term of PS3.3 C.13.9.1 as the reason. The other films of
the job are still printed; the failed films stay in the job for another attempt.
"""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Container
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from inspect import isawaitable
from itertools import zip_longest
from typing import Literal

from dimse.data import Dataset
from dimse.errors import DimseError, escaped

from ..film import LayoutError, Page, Sheet, render
from ..jobs import Exposure, JobFailed, JobQueue, PrintJob
from ..model import NOTHING, Attributes

__all__ = ["Film", "OnFilm", "PrintEngine", "QueuedJobs", "failure_term"]

_log = logging.getLogger("print_mgmt.scp")

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class Film:
    """A film that a client prints.

    ``film_session``, ``film_box``, ``image_boxes`` and ``annotation_boxes`` are the attributes of the film (PS3.3
    C.13), including default values; ``defaulted`` names the attributes with default values. ``referenced`` are the
    attributes of its Presentation LUTs, VOI LUT boxes and overlay boxes. ``sheet`` has the images.

    ``number`` counts the films that the server passes to ``on_film``, ``position`` counts the films of the Print Job
    ``job``, and ``copy`` counts the ``copies`` of the film; each count starts at 1. ``time`` is the local time at which
    the printer accepted the film, or the current time if the job has no time.

    A film can be copied and pickled, for example for a pool of processes; the job of the copy has no films.
    """

    def __init__(self, number: int, job: PrintJob, exposure: Exposure) -> None:
        self.number = number
        self.job = job
        self.position = exposure.number
        self.copy = exposure.copy
        self.sheet: Sheet = exposure.film.sheet
        self.time = _acceptance_time(job)
        self._film = exposure.film

    def __getstate__(self) -> dict[str, object]:
        """Return the state for a copy or a pickle, in which the job has no films."""
        job = copy(self.job)
        job.films, job.unprinted = (), []
        return {**self.__dict__, "job": job}

    def __repr__(self) -> str:
        sheet = self.sheet
        return f"<Film {self.number} {sheet.FilmSizeID} {sheet.FilmOrientation} {sheet.ImageDisplayFormat!a}>"

    @cached_property
    def film_session(self) -> Dataset:
        """A copy of the attributes of the film session."""
        return self._film.film_session.copy()

    @cached_property
    def film_box(self) -> Dataset:
        """A copy of the attributes of the film box."""
        return self._film.film_box.copy()

    @cached_property
    def image_boxes(self) -> tuple[Dataset, ...]:
        """Copies of the attributes of the image boxes."""
        return tuple(attributes.copy() for attributes in self._film.image_boxes)

    @cached_property
    def annotation_boxes(self) -> tuple[Dataset, ...]:
        """Copies of the attributes of the annotation boxes."""
        return tuple(attributes.copy() for attributes in self._film.annotation_boxes)

    @cached_property
    def referenced(self) -> tuple[Dataset, ...]:
        """Copies of the attributes of its Presentation LUTs, VOI LUT boxes and overlay boxes."""
        return tuple(attributes.copy() for attributes in self._film.referenced)

    @cached_property
    def defaulted(self) -> tuple[str, ...]:
        """The keywords of film session and film box attributes that the client omitted or the printer replaced."""
        film, sent = self._film, self._film.sent
        elements = (element for attributes in (film.film_session, film.film_box) for element in attributes)
        return tuple(element.keyword for element in elements if element.tag not in sent and element.VR != "SQ")

    @cached_property
    def sent(self) -> Attributes:
        """All attributes that the client sent, except for pixels, including those that this printer does not use."""
        film, (session, box, images, annotations) = self._film, self._film.unused
        return Attributes(
            _joined(film.film_session, session, film.sent),
            _joined(film.film_box, box, film.sent),
            tuple(_joined(*boxes) for boxes in zip_longest(film.image_boxes, images, fillvalue=NOTHING)),
            tuple(_joined(*boxes) for boxes in zip_longest(film.annotation_boxes, annotations, fillvalue=NOTHING)),
        )

    @property
    def calling_ae_title(self) -> str:
        """The Calling AE Title; characters that an AE title cannot have are escaped."""
        return escaped(self.job.Originator)

    @property
    def host(self) -> str:
        """The address of the client."""
        return self.job.host

    @property
    def copies(self) -> int:
        """Number of Copies (2000,0010)."""
        return self.job.copies

    async def render(self, dpi: int = 150, *, bits: Literal[8, 16] = 8, p_values: bool = False) -> Page:
        """Render the film as a page in another thread, with gray pixels of ``bits`` bits. Raises `LayoutError`.

        With ``p_values``, gray pixels are P-Values even if the printer has a characteristic curve.
        """
        imager = replace(self._film.imager, curve=None) if p_values else self._film.imager
        return await asyncio.to_thread(render, self.sheet, dpi, bits=bits, imager=imager)


def _joined(used: Dataset, unused: Dataset, sent: Container[int] | None = None) -> Dataset:
    """Return the attributes of an instance that the client sent.

    These are ``unused``, and the attributes of ``used`` whose tags are in ``sent``. If ``sent`` is None, the client
    sent all of ``used``.
    """
    joined = Dataset()
    for element in used:
        if sent is None or element.tag in sent:
            joined.add(element)
    joined.update(unused)
    return joined


def _acceptance_time(job: PrintJob) -> datetime:
    """Return the local time at which the queue accepted the job, or the current time if the job has no valid time."""
    try:
        return datetime.fromisoformat(f"{job.CreationDate}T{job.CreationTime[:6]}")
    except ValueError:
        return datetime.now().replace(microsecond=0)


OnFilm = Callable[[Film], Awaitable[None] | None]  # a film is printed when the function returns or its awaitable ends


class QueuedJobs:
    """The jobs of a queue in memory, for N-GET on one association."""

    def __init__(self, queue: JobQueue) -> None:
        self.find = queue.find

    async def look_up(self, SOPInstanceUID: str) -> None:
        """Do nothing: the queue is in memory."""


class PrintEngine:
    """A loop that prints the jobs of ``queue``: ``on_film`` gets each film once, or, with ``each_copy``, each copy.

    ``printed`` counts the calls of ``on_film`` that succeeded, ``failed`` those that raised.
    """

    is_full: bool = False  # N-SET of an image is never refused, because this queue refuses only N-ACTION

    def __init__(self, queue: JobQueue, on_film: OnFilm, *, each_copy: bool = False) -> None:
        self.printed = 0
        self.failed = 0
        self._queue = queue
        self._on_film = on_film
        self._each_copy = each_copy
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._has_stopped = False

    def jobs(self) -> "QueuedJobs":
        """Return the jobs for N-GET on one association."""
        return QueuedJobs(self._queue)

    async def accept(self, job: PrintJob) -> str:
        """Put a new job into the queue. Return the reason if the job is refused, otherwise an empty string."""
        if self.offer(job):
            return ""
        return "the printer has stopped" if self._has_stopped else "the print queue is full"

    async def confirm(self, job: PrintJob) -> None:
        """Record that the client knows of the end of a job."""
        job.confirmed = True

    def offer(self, job: PrintJob) -> bool:
        """Put a new or failed job into the queue. Return False if there is no room or the engine has stopped."""
        if self._has_stopped or not self._queue.offer(job, datetime.now()):
            return False
        self._idle.clear()
        self._work.set()
        return True

    async def run(self) -> None:
        """Print the jobs of the queue until canceled. Raises the exceptions of the queue."""
        try:
            while True:
                job = self._queue.take()
                if job is not None:
                    await self._print(job)
                else:
                    self._idle.set()
                    self._work.clear()
                    await self._work.wait()
        except Exception:
            _log.exception("the queue failed: no more films are printed or accepted")
            raise
        finally:
            self._has_stopped = True

    async def drain(self) -> None:
        """Wait until all accepted jobs have ended. This lasts forever if `run` never starts, or stops too early."""
        await self._idle.wait()

    async def _print(self, job: PrintJob) -> None:
        left: list[Exposure] = []
        reason = ""
        while job.unprinted:
            exposure = job.unprinted.pop(0)
            if exposure.copy > 1 and not self._each_copy:
                continue
            failure = await self._expose(job, exposure)
            if failure:
                left.append(exposure)
                reason = reason or failure
        job.unprinted = left
        if reason:
            job.become("FAILURE", reason)
        else:
            job.become("DONE")
        self._queue.finish(job)

    async def _expose(self, job: PrintJob, exposure: Exposure) -> str:
        """Print one copy of a film. Return the term of Execution Status Info if that fails, otherwise ""."""
        film = Film(self.printed + self.failed + 1, job, exposure)
        try:
            printing = self._on_film(film)
            if isawaitable(printing):
                await printing
        except (Exception, asyncio.CancelledError) as exc:
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # this task is canceled, not one that on_film awaits
                raise
            self.failed += 1
            foreseen = isinstance(exc, DimseError | OSError)
            _log.error("%r failed: %s", film, exc, exc_info=not foreseen)
            return failure_term(exc)
        self.printed += 1
        return ""


def failure_term(exc: BaseException) -> str:
    """Return the term of Execution Status Info (PS3.3 C.13.9.1) for an exception of ``on_film``."""
    match exc:
        case JobFailed():
            return exc.ExecutionStatusInfo
        case LayoutError():
            return "INVALID PAGE DES"
        case MemoryError():
            return "INSUFFIC MEMORY"
        case OSError() if exc.errno in _DISK_FULL:
            return "INSUFFIC MEMORY"
        case OSError():
            return "CHECK PRINTER"
    return "UNKNOWN"
