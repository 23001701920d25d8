"""The printer: a DICOM print SCP that hands each film to a callback.

A film that N-ACTION accepted stands in a queue and belongs to the printer from then on: it is
handed on, whatever becomes of the association that made it. Only what fits in the queue is
accepted. One task takes the films out of it and calls ``on_film`` with one after the other, as a
printer exposes them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from ssl import SSLContext
from typing import Self

from dimse.data import Dataset
from dimse.errors import DimseError
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Response
from dimse.net import (
    VERIFICATION,
    Association,
    Handlers,
    Limits,
    Operation,
    Policy,
    Server,
    Service,
    Timeouts,
    accept_anyone,
    serve,
)
from dimse.uids import IMPLEMENTATION_VERSION_NAME

from .config import PrinterConfig
from .film import Page, Sheet, render
from .jobs import PrinterState
from .model import FilmCopy, Printer
from .service import Answer, MemoryPool, PrintService
from .sop import TRANSFER_SYNTAXES
from .typed import integer

__all__ = ["Film", "PrintServer"]

_log = logging.getLogger("print_mgmt.scp")

_OPERATIONS = (NCreateRQ, NSetRQ, NGetRQ, NActionRQ, NDeleteRQ)


class Film:
    """A film that a client printed.

    ``film_session``, ``film_box`` and ``image_boxes`` are its attributes (PS3.3 C.13), defaults
    included; ``sheet`` has the images. ``number`` counts the films of this server from 1.
    """

    def __init__(self, number: int, calling_ae_title: str, copy: FilmCopy) -> None:
        self.number = number
        self.calling_ae_title = calling_ae_title
        self.film_session: Dataset = copy.film_session
        self.film_box: Dataset = copy.film_box
        self.image_boxes: tuple[Dataset, ...] = copy.image_boxes
        self.sheet: Sheet = copy.sheet
        self._imager = copy.imager

    def __repr__(self) -> str:
        sheet = self.sheet
        return f"<Film {self.number} {sheet.FilmSizeID} {sheet.FilmOrientation} {sheet.ImageDisplayFormat!a}>"

    @property
    def copies(self) -> int:
        """How many of it are wanted, Number of Copies (2000,0010)."""
        return integer(self.film_session, "NumberOfCopies", 1)

    async def render(self, dpi: int = 150) -> Page:
        """The film as a page, rendered in another thread. Raises `LayoutError`."""
        return await asyncio.to_thread(render, self.sheet, dpi, imager=self._imager)


class PrintServer:
    """A DICOM printer. ``on_film`` gets each film; what it raises makes that film a failure.

    ::

        async with PrintServer(on_film, port=11112, ae_title="PRINTSCP") as server:
            await server.serve_forever()

    ``config`` says what the printer is and takes; ``printer`` names it where that is all there is to say.
    ``port`` 0 picks a free one. ``tls`` is what `dimse.net.server_context` makes. ``queue_length``
    films may wait; beyond that N-ACTION is answered C601 or C602. Leaving the block stops listening
    and finishes the films that were accepted.
    """

    def __init__(
        self,
        on_film: Callable[[Film], Awaitable[None]],
        host: str = "127.0.0.1",
        port: int = 11112,
        *,
        ae_title: str = "PRINTSCP",
        printer: Printer | None = None,
        config: PrinterConfig | None = None,
        policy: Policy = accept_anyone,
        tls: SSLContext | None = None,
        queue_length: int = 16,
        drain: float = 10.0,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    ) -> None:
        self.host = host
        self.port = port
        self.printed = 0
        self.failed = 0
        printer = printer or Printer(PrinterName=ae_title, SoftwareVersions=IMPLEMENTATION_VERSION_NAME)
        self.config = config if config is not None else PrinterConfig(printer=printer)
        self.printer_state = PrinterState()
        self._pool = MemoryPool(self.config.MaximumMemoryAllocation)
        self._on_film = on_film
        self._policy = policy
        self._tls = tls
        self._queue: asyncio.Queue[Film] = asyncio.Queue(queue_length)
        self._drain = drain
        self._limits = limits
        self._timeouts = timeouts
        self._accepted = 0
        self._server: Server | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._finish, asyncio.create_task(self._print_films()))
            syntaxes = TRANSFER_SYNTAXES[-1:] if self.config.implicit_only else TRANSFER_SYNTAXES
            contexts = dict.fromkeys(self.config.abstract_syntaxes, syntaxes)
            services = [VERIFICATION, Service(contexts, self._open)]
            self._server = await stack.enter_async_context(
                serve(
                    services,
                    self.host,
                    self.port,
                    policy=self._policy,
                    tls=self._tls,
                    limits=self._limits,
                    timeouts=self._timeouts,
                )
            )
            self.host, self.port = self._server.host, self._server.port
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def serve_forever(self) -> None:
        """Wait until the task is cancelled, or `close` called."""
        assert self._server is not None
        await self._server.serve_forever()

    async def close(self) -> None:
        """Refuse what is new, let open associations end for ``drain`` seconds, then abort them."""
        if self._server is not None:
            await self._server.close(drain=self._drain)

    # --- films ---

    async def _finish(self, printing: asyncio.Task[None]) -> None:
        """Print what was accepted, then stop."""
        try:
            await self._queue.join()
        finally:
            printing.cancel()
            await asyncio.gather(printing, return_exceptions=True)

    async def _print_films(self) -> None:
        while True:
            film = await self._queue.get()
            try:
                await self._on_film(film)
            except (DimseError, OSError) as exc:
                self.failed += 1
                _log.error("%r failed: %s", film, exc)
            except Exception:
                self.failed += 1
                _log.exception("%r failed", film)
            else:
                self.printed += 1
            finally:
                self._queue.task_done()

    def _take(self, films: tuple[FilmCopy, ...], calling_ae_title: str) -> bool:
        """Put all of ``films`` into the queue, or none."""
        if self._queue.maxsize and len(films) > self._queue.maxsize - self._queue.qsize():
            return False
        for copy in films:
            self._accepted += 1
            self._queue.put_nowait(Film(self._accepted, calling_ae_title, copy))
        return True

    # --- one association ---

    @asynccontextmanager
    async def _open(self, association: Association) -> AsyncIterator[Handlers]:
        assert association.associate_rq is not None
        caller = association.associate_rq.calling_ae_title
        contexts = association.contexts.values()
        service = PrintService(
            self.config,
            self.printer_state,
            calling_ae_title=caller,
            abstract_syntaxes={context.abstract_syntax for context in contexts},
            pool=self._pool,
        )

        async def perform(operation: Operation) -> Response:
            message = operation.message
            answer = service.handle(operation.context.abstract_syntax, message, operation.dataset())
            if isinstance(message, NActionRQ) and answer.films and not self._take(answer.films, caller):
                answer = service.queue_full(message)
            return _response(operation, answer)

        try:
            yield {(uid, message): perform for uid in self.config.abstract_syntaxes for message in _OPERATIONS}
        finally:
            service.close()


def _response(operation: Operation, answer: Answer) -> Response:
    elements = {
        keyword: getattr(answer, keyword)
        for keyword in ("AffectedSOPInstanceUID", "AttributeIdentifierList", "ActionTypeID")
        if getattr(answer, keyword) is not None
    }
    if not answer.class_uid:
        elements["AffectedSOPClassUID"] = None
    return operation.reply(answer.Status, dataset=answer.dataset, comment=answer.comment, **elements)
