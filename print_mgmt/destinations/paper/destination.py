"""The destination for paper: prints films on a queue of CUPS, or on a driverless printer by IPP."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dimse.data import Dataset

from ...config import ConfigError
from ...film import FILM_SIZES, Page
from ...output import write_page
from ...scp import Film
from ...spool.tasks import Completion
from ..destination import Condition, DeliveryFailed, Outcome, Receipt, as_failures, check_dpi, check_seconds, failure_of
from ..names import film_id
from ..program import private_folder
from ..remote import TLSFiles
from .cups import CupsQueue
from .media import paper_for, sizes_of
from .ticket import PaperQueue, Scaling, Sides, Ticket

__all__ = ["PaperDestination"]

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,126}", re.ASCII)
_OPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,126}", re.ASCII)
_URI = re.compile(r"(?:ipp|ipps|http|https)://[^\s/]+(?:/\S*)?", re.ASCII)
_SECURE = ("ipps:", "https:")
_NO_IPPX = "IPP needs ippx: pip install 'dimse-print[paper]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperDestination:
    """A `Destination` that prints films on paper: on the queue ``queue`` of CUPS, or on the printer ``uri`` by IPP.

    ``server`` is a CUPS server, HOST or HOST:PORT. ``tls`` is only for a URI that begins with ipps: or https:. ``tray``
    is the paper source, and ``options`` are further options of the queue.

    ``media`` maps a Film Size ID to the name of the medium to use for this size. With ``size`` "true", films are
    printed at their true size; with "fit", a film is scaled to the paper if the paper is smaller than the film or is
    chosen by ``media``. ``dpi`` is the resolution in pixels per inch, and ``bits`` the number of bits per gray value.

    ``follow`` is the time in seconds to wait for the end of the job, and ``seconds`` the time limit for each response.

    Raises `ConfigError`.
    """

    queue: str = ""
    server: str = ""
    uri: str = ""
    media: Mapping[str, str] = field(default_factory=dict)
    tray: str = ""
    sides: Sides = "one-sided"
    size: Literal["true", "fit"] = "fit"
    options: Mapping[str, str] = field(default_factory=dict)
    tls: TLSFiles | None = None
    follow: float = 600.0
    seconds: float = 60.0
    dpi: int = 300
    bits: Literal[8, 16] = 8
    repeatable: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if bool(self.queue) == bool(self.uri):
            raise ConfigError("queue", "needs either queue (a queue of CUPS) or uri (an IPP printer), not both")
        for key in ("queue", "server", "tray"):
            if getattr(self, key) and not _WORD.fullmatch(getattr(self, key)):
                raise ConfigError(key, f"{getattr(self, key)!a} may only have letters, digits, and . _ : -")
        if self.uri and not (_URI.fullmatch(self.uri) and _has_address(self.uri)):
            raise ConfigError("uri", f"{self.uri!a} is not a URI such as ipp://HOST:PORT/PATH")
        if self.tls is not None and not self.uri.startswith(_SECURE):
            raise ConfigError("tls", "needs a uri that begins with ipps: or https:, because nothing else uses it")
        for size, paper in self.media.items():
            if size not in FILM_SIZES:
                raise ConfigError(f"media.{size}", f"is not one of {', '.join(FILM_SIZES)} (PS3.3 C.13.3)")
            if not _WORD.fullmatch(paper):
                raise ConfigError(f"media.{size}", f"{paper!a} is not the name of a medium, such as iso_a4_210x297mm")
        for name in self.options:
            if not _OPTION.fullmatch(name) or not self.options[name].isprintable():
                why = "is not the name of an option, or its value has control characters"
                raise ConfigError("options", f"{name!a} {why}")
        check_seconds("follow", self.follow)
        check_seconds("seconds", self.seconds)
        check_dpi(self.dpi)

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:  # noqa: ARG002  # a printer does not need it
        """Print a film, and wait for the end of its job. Raises `DeliveryFailed`.

        A call that is canceled after the printer has accepted the job returns a receipt with a warning. If it is
        canceled earlier, it raises CancelledError, even if the printer accepts the job at that moment.
        """
        with as_failures(self.queue or self.uri):
            queue = self._queue()
            condition = await queue.condition()
            if condition.PrinterStatus == "FAILURE":
                raise DeliveryFailed(Outcome.LATER, condition.reason, info=condition.PrinterStatusInfo)
            ticket = await self._make_ticket(queue, film)
            return await self._print(queue, ticket, await film.render(self.dpi, bits=self.bits))

    async def _print(self, queue: PaperQueue, ticket: Ticket, page: Page) -> Receipt:
        """Submit a page, and wait for the end of its job; errors are those of `deliver`."""
        job: str | None = None
        try:
            async with private_folder() as folder:
                writing = asyncio.to_thread(_write_document, page, folder, ticket.name)
                document = await Completion().run(writing)  # if canceled, the folder stays until nothing writes to it
                job = await queue.submit(document, ticket)
            return Receipt((job,), await queue.follow(job, self.follow))
        except asyncio.CancelledError:
            if job is None:
                raise
            return Receipt((job,), ("the delivery was stopped after the job was accepted",))
        except DeliveryFailed:
            raise
        except Exception as exc:
            if job is None:
                raise
            reason = f"job {job} was accepted, but its state is unknown: {failure_of(exc)}"
            raise DeliveryFailed(Outcome.INDETERMINATE, reason) from exc  # only an operator may repeat the job

    async def check(self) -> Condition:
        """Return the condition of the printer."""
        try:
            with as_failures(self.queue or self.uri):
                return await self._queue().condition()
        except DeliveryFailed as exc:
            return Condition("FAILURE", "PRINTER OFFLINE", str(exc))

    def _queue(self) -> PaperQueue:
        """Return the queue. Raises `DeliveryFailed` if it needs ippx, which is not installed."""
        if self.queue:
            return CupsQueue(queue=self.queue, server=self.server, seconds=self.seconds)
        if find_spec("ippx") is None:
            raise DeliveryFailed(Outcome.LATER, _NO_IPPX)
        from .ipp import IppQueue  # needs the extra ``paper``

        return IppQueue(uri=self.uri, tls=self.tls, seconds=self.seconds)

    async def _choose_paper(self, queue: PaperQueue, film: Film) -> tuple[str, Scaling]:
        """Return the paper for a film, and how to scale the film to it."""
        size = film.sheet.FilmSizeID
        if size in self.media:
            return self.media[size], "none" if self.size == "true" else "fit"
        known = await queue.media()
        paper = paper_for(size, known, fit=self.size == "fit")
        if self.size == "fit" and not sizes_of(known):  # the queue may have to print it on smaller paper
            return paper.name, "auto-fit"
        return paper.name, "none" if paper.true_size else "fit"

    async def _make_ticket(self, queue: PaperQueue, film: Film) -> Ticket:
        paper, scaling = await self._choose_paper(queue, film)
        return Ticket(
            name=f"film-{film_id(film)}",
            media=paper,
            copies=film.copies,
            sides=self.sides,
            scaling=scaling,
            tray=self.tray,
            options=self.options,
        )


def _has_address(uri: str) -> bool:
    """Return whether a URI has a host, and a valid port or none."""
    try:
        parts = urlsplit(uri)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port above 65535, or brackets that are not closed
        return False


def _write_document(page: Page, folder: Path, name: str) -> Path:
    (path,) = write_page(page, folder, name, ("pdf",), title=name)
    return path
