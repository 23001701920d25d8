"""The client: prints images on any DICOM printer, PS3.4 Annex H as its SCU.

`PrintClient` is an association with a printer. `PrintClient.print_images` is the whole job in one
call; `PrintClient.films` takes images one by one and prints each film when it is full;
`PrintClient.film_session` is the film-by-film face (see `session`).
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext
from typing import Literal, Self

from dimse.data import Dataset, Value
from dimse.errors import LocalProtocolError
from dimse.message import NEventReportRQ, Response
from dimse.net import Association, Limits, Operation, Timeouts, connect, scu
from dimse.uids import (
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    ImplicitVRLittleEndian,
    PrinterInstance,
)
from dimse.uids import Printer as PrinterClass

from .attributes import FILM_SESSION, Chosen, choose, pick
from .operations import Operations
from .session import Action, Films, FilmSession, Image, Style
from .sop import META_CLASSES, TRANSFER_SYNTAXES

__all__ = ["PrintClient", "PrintReport"]

_log = logging.getLogger("print_mgmt.scu")


@dataclass(frozen=True, slots=True)
class PrintReport:
    """What was printed, and the warnings that the printer gave on the way."""

    films: int
    images: int
    warnings: tuple[str, ...]


class PrintClient:
    """An association with a printer, opened by ``async with``.

    ``color`` chooses the Basic Color or the Basic Grayscale Print Management Meta SOP Class; None
    takes what the printer has, grayscale first. ``bits`` is the depth of gray pixels on the wire,
    8 or 12. ``action`` says what N-ACTION prints: the film box, as the standard has it, the session,
    or ("auto") the film box and, where a printer does not know that, the session. ``tls`` is what
    `dimse.net.client_context` makes.

    Entering raises what `dimse.net.connect` raises, and `ContextNotAccepted` when the printer
    accepts no print context.
    """

    def __init__(
        self,
        host: str,
        port: int = 104,
        *,
        called_ae_title: str = "PRINTSCP",
        calling_ae_title: str = "PRINTSCU",
        color: bool | None = False,
        bits: Literal[8, 12] = 8,
        action: Action = "auto",
        implicit_only: bool = False,
        tls: SSLContext | None = None,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    ) -> None:
        self._metas = _METAS[color]
        proposed = (*self._metas, PrinterClass) if color is None else self._metas
        syntaxes = (ImplicitVRLittleEndian,) if implicit_only else TRANSFER_SYNTAXES
        self._connect = partial(
            connect,
            host,
            port,
            dict.fromkeys(proposed, syntaxes),
            called_ae_title=called_ae_title,
            calling_ae_title=calling_ae_title,
            handlers={(abstract, NEventReportRQ): _acknowledge for abstract in proposed},
            tls=tls,
            limits=limits,
            timeouts=timeouts,
        )
        self._style = Style(bits, action)
        self._operations: Operations | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            association = await stack.enter_async_context(self._connect())
            self._operations = Operations(association, association.context_for(*self._metas, PrinterClass))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.__aexit__(*exc_info)  # type: ignore[arg-type]  # as they were given

    @property
    def association(self) -> Association:
        """For what has no method here: `dimse.net.scu` works on it."""
        return self._opened.association

    @property
    def warnings(self) -> list[str]:
        """What the printer has warned of so far: operation, status, its meaning, its comment."""
        return self._opened.warnings

    @property
    def _opened(self) -> Operations:
        if self._operations is None:
            raise LocalProtocolError("the client is not open: use it in `async with`")
        return self._operations

    async def printer(self) -> Dataset:
        """What the printer says of itself: N-GET Printer, PS3.4 H.4.6. Raises `PrintFailed`."""
        operations = self._opened
        response = await scu.n_get(self.association, operations.context, PrinterClass, PrinterInstance)
        operations.check("N-GET of the printer", response)
        return scu.dataset_of(self.association, operations.context, response)

    async def print_images(
        self,
        images: Iterable[Image],
        *,
        progress: Callable[[int], None] | None = None,
        **attributes: Value,
    ) -> PrintReport:
        r"""Print ``images``: films are filled, printed and cleaned up.

        ``attributes`` are those of the film session, the film boxes and the image boxes, by keyword:
        ``ImageDisplayFormat=r"STANDARD\2,3", FilmSizeID="14INX17IN", NumberOfCopies=2``.
        ``progress`` is called with the number of images that the printer has got. The last film may
        have empty boxes; no images make no film.

        Raises `ImageError` for an image that cannot be printed, `PrintFailed` for a failure status.
        """
        return await self.print_chosen(images, choose(attributes), progress)

    async def print_chosen(
        self, images: Iterable[Image], chosen: Chosen, progress: Callable[[int], None] | None = None
    ) -> PrintReport:
        """As `print_images`, with the attributes of each level chosen apart."""
        done, warned = 0, len(self.warnings)
        async with self._films(chosen) as films:
            for image in images:
                await films.add(image)
                done += 1
                if progress is not None:
                    progress(done)
        return PrintReport(films.printed, done, tuple(self.warnings[warned:]))

    @asynccontextmanager
    async def films(self, **attributes: Value) -> AsyncIterator[Films]:
        """Films for images that come one by one; the last film is printed at the end of the block.

        ``attributes`` are as in `print_images`.
        """
        async with self._films(choose(attributes)) as films:
            yield films

    @asynccontextmanager
    async def _films(self, chosen: Chosen) -> AsyncIterator[Films]:
        async with self._session(chosen.film_session) as session:
            films = Films(session, chosen.film_box, chosen.image_box)
            try:
                yield films
                await films.print()
            finally:
                await films.close()

    @asynccontextmanager
    async def film_session(self, **attributes: Value) -> AsyncIterator[FilmSession]:
        """A film session (N-CREATE), deleted at the end of the block (N-DELETE).

        ``attributes`` are those of the film session, by keyword.
        """
        async with self._session(pick(FILM_SESSION, attributes)) as session:
            yield session

    @asynccontextmanager
    async def _session(self, attributes: Dataset) -> AsyncIterator[FilmSession]:
        session = FilmSession(self._opened, self._style, attributes)
        await session.create()
        try:
            yield session
        finally:
            await session.delete()


async def _acknowledge(operation: Operation) -> Response:
    """N-EVENT-REPORT of Printer or Print Job: answered on the context it came on, PS3.4 H.4.5, H.4.6."""
    message = operation.message
    assert isinstance(message, NEventReportRQ)
    _log.info("event %d of %s", message.EventTypeID, message.AffectedSOPInstanceUID)
    return operation.reply(EventTypeID=message.EventTypeID)


_METAS: dict[bool | None, tuple[str, ...]] = {
    None: META_CLASSES,
    True: (BasicColorPrintManagementMeta,),
    False: (BasicGrayscalePrintManagementMeta,),
}
