"""The client: prints images on any DICOM printer, PS3.4 Annex H as its SCU.

`PrintClient` is an association with a printer. `PrintClient.print_images` is the whole job in one
call; `PrintClient.films` takes images one by one and prints each film when it is full;
`PrintClient.film_session` is the film-by-film face (see `session`).
"""

import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from ssl import SSLContext
from typing import Self

from dimse.data import Dataset, Value
from dimse.errors import ContextNotAccepted, LocalProtocolError
from dimse.message import NEventReportRQ
from dimse.net import Association, Handlers, Limits, Timeouts, Trace, connect
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    ImplicitVRLittleEndian,
    PrinterConfigurationRetrieval,
    PrinterConfigurationRetrievalInstance,
    PrinterInstance,
    PrintJob,
    name_of,
)
from dimse.uids import PresentationLUT as PresentationLUTClass
from dimse.uids import Printer as PrinterClass

from .attributes import FILM_SESSION, choose, pick
from .film import PresentationLUT
from .films import Films, Order
from .images import Choices
from .operations import Answered, Operations
from .session import Action, Bits, FilmSession, Printable, Style
from .sop import MEMBERS, META_CLASSES, TRANSFER_SYNTAXES
from .watching import Events, Job

__all__ = ["OPTIONAL", "PrintClient", "PrintReport"]

_log = logging.getLogger("print_mgmt.scu")


# The optional SOP Classes that are proposed beside the Meta SOP Classes; who has them not refuses their contexts.
# Presentation LUT is not among them: with its context, DCMTK's printer takes no image that has no Presentation LUT.
OPTIONAL = (BasicAnnotationBox, PrintJob, PrinterConfigurationRetrieval)


@dataclass(frozen=True, slots=True)
class PrintReport:
    """What was printed, and the warnings that the printer gave on the way, in words.

    ``answers`` tell how each operation was answered, ``jobs`` are the print jobs: neither counts where reports are
    compared.
    """

    films: int
    images: int
    warnings: tuple[str, ...] = ()
    answers: tuple[Answered, ...] = field(default=(), compare=False)
    jobs: tuple[Job, ...] = field(default=(), compare=False)


class PrintClient:
    """An association with a printer, opened by ``async with``.

    ``color`` chooses the Basic Color or the Basic Grayscale Print Management Meta SOP Class; None
    takes what the printer has, grayscale first. A printer that has no context for either is asked
    for the single SOP Classes, on a second association. ``bits`` is the depth of gray pixels on the wire,
    8 or 12. ``action`` says what N-ACTION prints: the film box, as the standard has it, the session,
    or ("auto") the film box and, where a printer does not know that, the session. ``optional`` are
    the optional SOP Classes to propose; a Presentation LUT is proposed once `print_images` is to use one.
    ``retries`` is how often a lost association may be opened again
    while films are printed by `films` or `print_images`, never after a film was asked to be printed.
    ``tls`` is what `dimse.net.client_context` makes, ``trace`` gets each record of `dimse.net.Trace`.

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
        bits: Bits = 8,
        action: Action = "auto",
        implicit_only: bool = False,
        optional: Iterable[str] = OPTIONAL,
        retries: int = 0,
        tls: SSLContext | None = None,
        trace: Trace | None = None,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    ) -> None:
        self._metas = _METAS[color]
        self._optional = tuple(optional)
        self._needs_film = color is not None
        self._syntaxes = (ImplicitVRLittleEndian,) if implicit_only else TRANSFER_SYNTAXES
        self._connect = partial(
            connect,
            host,
            port,
            called_ae_title=called_ae_title,
            calling_ae_title=calling_ae_title,
            tls=tls,
            trace=trace,
            limits=limits,
            timeouts=timeouts,
        )
        self._style = Style(bits, action)
        self._retries = retries
        self._events = Events()
        self._operations: Operations | None = None
        self._warnings: list[str] = []
        self._answers: list[Answered] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._associate()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.__aexit__(*exc_info)  # type: ignore[arg-type]  # as they were given

    @property
    def association(self) -> Association:
        """For what has no method here: `dimse.net.scu` works on it."""
        return self._opened.association

    @property
    def events(self) -> Events:
        """What the printer has reported so far, of itself and of print jobs."""
        return self._events

    @property
    def warnings(self) -> list[str]:
        """What the printer has warned of so far: operation, status, its meaning, its comment."""
        return self._warnings

    @property
    def _opened(self) -> Operations:
        if self._operations is None:
            raise LocalProtocolError("the client is not open: use it in `async with`")
        return self._operations

    # --- the association ---

    async def _associate(self) -> None:
        """Open an association for the Meta SOP Classes, or for what is in them."""
        proposed = (*self._metas, *self._optional, *(() if self._needs_film else (PrinterClass,)))
        if await self._open(proposed):
            return
        members = dict.fromkeys(member for meta in self._metas for member in sorted(MEMBERS[meta]))
        if await self._open((*members, *self._optional)):
            return
        names = " nor ".join(name_of(meta) for meta in self._metas)
        raise ContextNotAccepted(f"the peer accepts no {names}, and not the SOP Classes in it either")

    async def _open(self, proposed: Iterable[str]) -> bool:
        """Open an association, and keep it if the printer accepts what is needed."""
        contexts = dict.fromkeys(proposed, self._syntaxes)
        handlers: Handlers = {(abstract, NEventReportRQ): self._events.report for abstract in contexts}
        async with AsyncExitStack() as stack:
            association = await stack.enter_async_context(self._connect(contexts=contexts, handlers=handlers))
            meta = self._meta(association)
            if meta is None:
                return False
            self._operations = Operations(association, meta)
            self._style.is_color = meta == BasicColorPrintManagementMeta
            self._operations.warnings, self._operations.answers = self._warnings, self._answers
            self._stack = stack.pop_all()
        return True

    def _meta(self, association: Association) -> str | None:
        """The Meta SOP Class whose members are accepted, None where none is."""
        for meta in self._metas:
            if _accepts(association, meta) or all(_accepts(association, member) for member in _NEEDED[meta]):
                return meta
        return None if self._needs_film or not _accepts(association, PrinterClass) else self._metas[0]

    async def _propose_too(self, sop_class: str) -> None:
        """Have a context for an optional SOP Class, on a new association where it was not proposed before."""
        if sop_class not in self._optional:
            self._opened  # noqa: B018  # says so at once where the client is not open
            self._optional = (*self._optional, sop_class)
            await self._stack.aclose()
            await self._associate()

    async def _reopened(self) -> Operations:
        """The operations on an open association: a new one, where the one there was is lost."""
        if not self._opened.association.is_open:
            with suppress(Exception):  # it is lost, and how was told before
                await self._stack.aclose()
            await self._associate()
        return self._opened

    # --- what the printer tells ---

    async def printer(self) -> Dataset:
        """What the printer says of itself: N-GET Printer, PS3.4 H.4.6. Raises `PrintFailed`."""
        return await self._opened.get("the printer", PrinterClass, PrinterInstance)

    async def configuration(self) -> Dataset:
        """What the printer can do: N-GET Printer Configuration Retrieval, PS3.4 H.4.10.

        Raises `PrintFailed`, and `ContextNotAccepted` of a printer that does not tell.
        """
        sop_class, instance = PrinterConfigurationRetrieval, PrinterConfigurationRetrievalInstance
        return await self._opened.get("the printer's configuration", sop_class, instance)

    def job(self, SOPInstanceUID: str) -> Job:
        """A print job by its UID, to be asked for or waited for."""
        return Job(SOPInstanceUID, self._opened, self._events)

    # --- printing ---

    async def print_images(
        self,
        images: Iterable[Printable] | AsyncIterable[Printable],
        *,
        progress: Callable[[int], None] | None = None,
        frames: Iterable[int] | None = (1,),
        looks: Choices | None = None,
        presentation_lut: PresentationLUT | None = None,
        annotations: Iterable[str] = (),
        collate: bool = False,
        **attributes: Value,
    ) -> PrintReport:
        r"""Print ``images``: films are filled, printed and cleaned up.

        ``attributes`` are those of the film session, the film boxes and the image boxes, by keyword:
        ``ImageDisplayFormat=r"STANDARD\2,3", FilmSizeID="14INX17IN", NumberOfCopies=2``.
        ``progress`` is called with the number of images that the printer has got. The last film may
        have empty boxes; no images make no film. ``frames`` are those of a multi-frame image, from 1; None is
        all. ``looks`` are choices of `print_mgmt.images.prepare`, such as ``{"window": "auto"}``. ``annotations``
        are written on every film, where AnnotationDisplayFormatID says. With ``collate`` all films are printed by
        one N-ACTION on the session.

        Images may come from an async iterator; one film is held in memory at a time. Raises `ImageError` for an image
        that cannot be printed, `PrintFailed` for a failure status, `PrintUncertain` where the association is lost
        before the printer said that it has taken a film.
        """
        order = Order(
            chosen=choose(attributes),
            presentation_lut=presentation_lut,
            annotations=tuple(annotations),
            collate=collate,
            retries=self._retries,
        )
        return await self.print_order(images, order, progress=progress, frames=frames, looks=looks)

    async def print_order(
        self,
        images: Iterable[Printable] | AsyncIterable[Printable],
        order: Order,
        *,
        progress: Callable[[int], None] | None = None,
        frames: Iterable[int] | None = (1,),
        looks: Choices | None = None,
    ) -> PrintReport:
        """As `print_images`, with what is wanted of each film apart."""
        warned, answered = len(self._warnings), len(self._answers)
        wanted = None if frames is None else tuple(frames)
        async with self._films(order) as films:
            films.progress = progress
            async for image in _each(images):
                await films.add(image, frames=wanted, **(looks or {}))
        return PrintReport(
            films=films.printed,
            images=films.images,
            warnings=tuple(self._warnings[warned:]),
            answers=tuple(self._answers[answered:]),
            jobs=tuple(films.jobs),
        )

    @asynccontextmanager
    async def films(self, **attributes: Value) -> AsyncIterator[Films]:
        """Films for images that come one by one; the last film is printed at the end of the block.

        ``attributes`` are as in `print_images`.
        """
        async with self._films(Order(chosen=choose(attributes), retries=self._retries)) as films:
            yield films

    @asynccontextmanager
    async def _films(self, order: Order) -> AsyncIterator[Films]:
        self._opened  # noqa: B018  # says so at once where the client is not open
        if order.presentation_lut is not None:
            await self._propose_too(PresentationLUTClass)
        films = Films(partial(self._session, order.chosen.film_session), self._style, order)
        try:
            yield films
            await films.finish()
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
        session = FilmSession(await self._reopened(), self._events, self._style, attributes)
        await session.create()
        try:
            yield session
        finally:
            await session.delete()


async def _each(images: Iterable[Printable] | AsyncIterable[Printable]) -> AsyncIterator[Printable]:
    if isinstance(images, AsyncIterable):
        async for image in images:
            yield image
    else:
        for image in images:
            yield image


def _accepts(association: Association, abstract_syntax: str) -> bool:
    try:
        association.context_for(abstract_syntax)
    except ContextNotAccepted:
        return False
    return True


_METAS: dict[bool | None, tuple[str, ...]] = {
    None: META_CLASSES,
    True: (BasicColorPrintManagementMeta,),
    False: (BasicGrayscalePrintManagementMeta,),
}
# Without these nothing can be printed; a printer may well do without N-GET Printer
_NEEDED = {meta: members - {PrinterClass} for meta, members in MEMBERS.items()}
