"""A print SCU that records events, and an ``on_film`` that waits for permission."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from dimse.data import Dataset
from dimse.message import Message, NCreateRSP, NEventReportRQ, Response
from dimse.net import Association, Handlers, Operation, Record, Timeouts, connect, scu
from dimse.uids import (
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    Printer,
    PrintJob,
)
from print_mgmt import Film, PrintServer
from print_mgmt.film import PrintImage
from print_mgmt.items import to_item
from print_mgmt.jobs import PrintQueue
from print_mgmt.model import reference
from print_mgmt.typed import items, text

__all__ = ["META", "SYNTAXES", "Client", "Gate", "ReportedEvent", "client", "client_at", "printer"]

META = BasicGrayscalePrintManagementMeta
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
IMAGE = to_item(PrintImage(pixels=np.zeros((2, 2), np.uint8), PhotometricInterpretation="MONOCHROME2"))

ReportedEvent = tuple[str, str, int, Dataset]  # context, SOP Instance, Event Type ID, Event Information


class Client:
    """An SCU that records events in `heard`, and answers them."""

    def __init__(
        self, association: Association, heard: "asyncio.Queue[ReportedEvent]", received: list[type[Message]]
    ) -> None:
        self.association = association
        self.heard = heard
        self.received = received
        self.session = self.film_box = ""

    async def fill_film(self, extra: Dataset | None = None, **session: str | int) -> None:
        """Create a film box with an image. ``extra`` has more attributes of the film session, right or wrong."""
        context, association = self.association.context_for(META), self.association
        attributes = Dataset(**session)
        attributes.update(extra or Dataset())
        made = await scu.n_create(association, context, BasicFilmSession, dataset=attributes)
        assert isinstance(made, NCreateRSP)
        self.session = made.AffectedSOPInstanceUID or ""
        film_box = Dataset(ImageDisplayFormat=r"STANDARD\1,1")
        film_box.ReferencedFilmSessionSequence = [reference(BasicFilmSession, self.session)]
        made = await scu.n_create(association, context, BasicFilmBox, dataset=film_box)
        assert isinstance(made, NCreateRSP)
        self.film_box = made.AffectedSOPInstanceUID or ""
        (box,) = items(scu.dataset_of(association, context, made), "ReferencedImageBoxSequence")
        uid = text(box, "ReferencedSOPInstanceUID")
        image_box = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[IMAGE])
        assert (await scu.n_set(association, context, BasicGrayscaleImageBox, uid, image_box)).Status == 0

    async def action(self) -> Response:
        """Send N-ACTION for the film box."""
        return await scu.n_action(self.association, self.association.context_for(META), BasicFilmBox, self.film_box, 1)

    async def print_film(self) -> str:
        """Print the film box; return the UID of the job, empty if there is none."""
        printed = await self.action()
        assert printed.Status == 0
        context = self.association.context_for(META)
        jobs = items(scu.dataset_of(self.association, context, printed), "ReferencedPrintJobSequencePullStoredPrint")
        return text(jobs[0], "ReferencedSOPInstanceUID") if jobs else ""

    async def delete(self) -> None:
        """Send N-DELETE for the session."""
        context = self.association.context_for(META)
        await scu.n_delete(self.association, context, BasicFilmSession, self.session)

    async def job(self, uid: str) -> Response:
        """Send N-GET for the job."""
        return await scu.n_get(self.association, self.association.context_for(PrintJob), PrintJob, uid)

    async def next_events(self, count: int) -> list[ReportedEvent]:
        """Wait for so many events, and return them."""
        async with asyncio.timeout(30):
            return [await self.heard.get() for _ in range(count)]


@asynccontextmanager
async def client(server: PrintServer, *abstract_syntaxes: str) -> AsyncIterator[Client]:
    async with client_at(server.host, server.port, *abstract_syntaxes) as one:
        yield one


@asynccontextmanager
async def client_at(host: str, port: int, *abstract_syntaxes: str) -> AsyncIterator[Client]:
    """Connect to the printer at an address."""
    heard: asyncio.Queue[ReportedEvent] = asyncio.Queue()

    async def hear(operation: Operation) -> Response:
        message = operation.message
        assert isinstance(message, NEventReportRQ)
        heard.put_nowait(
            (
                operation.context.abstract_syntax,
                message.AffectedSOPInstanceUID,
                message.EventTypeID,
                operation.dataset() or Dataset(),
            )
        )
        return operation.reply(EventTypeID=message.EventTypeID)

    handlers: Handlers = {(syntax, NEventReportRQ): hear for syntax in (META, Printer, PrintJob)}
    proposed = dict.fromkeys(abstract_syntaxes, SYNTAXES)
    received: list[type[Message]] = []

    def note(record: Record) -> None:
        if record.direction == "<" and isinstance(record.what, Message):
            received.append(type(record.what))

    async with connect(host, port, proposed, calling_ae_title="CT01", handlers=handlers, trace=note) as association:
        yield Client(association, heard, received)


class Gate:
    """An ``on_film`` that waits for permission to go on, or to fail."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self, film: Film) -> None:  # noqa: ARG002
        await self.go_on.wait()
        if self.failure:
            raise self.failure


@asynccontextmanager
async def printer(
    gate: Gate,
    queue: PrintQueue | None = None,
    timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
) -> AsyncIterator[PrintServer]:
    async with PrintServer(gate, port=0, ae_title="FILM1", queue=queue, timeouts=timeouts) as server:
        try:
            yield server
        finally:
            gate.go_on.set()
