"""The SCU of `print_scu` over a real association."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from print_scu import CONFIG, GRAY, Scu

from dimse.data import Dataset, decode, encode_rope
from dimse.message import NCreateRQ, NEventReportRQ, Request
from dimse.net import Association, connect
from dimse.uids import ExplicitVRLittleEndian
from print_mgmt import Film, PrintServer
from print_mgmt.config import PrinterConfig
from print_mgmt.jobs import JobQueue, PrinterState
from print_mgmt.service import Answer, MemoryPool
from print_mgmt.sop import SOP_CLASSES

__all__ = ["WireScu", "over_the_wire"]

_COMMAND = ("AffectedSOPInstanceUID", "AttributeIdentifierList", "ActionTypeID", "EventTypeID")


class Life:
    """An event loop that runs only while a test waits for it, with its open associations."""

    def __init__(self, syntax: str) -> None:
        self.runner = asyncio.Runner()
        self.syntax = syntax
        self._done = asyncio.Event()
        self._lives: list[asyncio.Task[None]] = []

    def associate(self, server: PrintServer, calling_ae_title: str, abstract_syntaxes: Collection[str]) -> Association:
        """Run a printer, and open an association with it, until the end of the block."""
        return self.runner.run(self._associated(server, calling_ae_title, abstract_syntaxes))

    async def _associated(
        self, server: PrintServer, calling_ae_title: str, abstract_syntaxes: Collection[str]
    ) -> Association:
        ready: asyncio.Queue[Association] = asyncio.Queue()
        contexts = dict.fromkeys(abstract_syntaxes, (self.syntax,))

        async def live() -> None:
            async with server:
                async with connect(
                    server.host, server.port, contexts, calling_ae_title=calling_ae_title
                ) as association:
                    ready.put_nowait(association)
                    await self._done.wait()

        self._lives.append(asyncio.create_task(live()))
        async with asyncio.timeout(30):
            return await ready.get()

    def end(self) -> None:
        async def ended() -> None:
            self._done.set()
            await asyncio.gather(*self._lives)

        self.runner.run(ended())
        self.runner.close()


class WireScu(Scu):
    """An SCU for a `PrintServer`, made by `over_the_wire`; ``films`` are the printed films."""

    life: Life

    def __init__(
        self,
        meta: str = GRAY,
        config: PrinterConfig = CONFIG,
        *,
        state: PrinterState | None = None,
        jobs: JobQueue | None = None,
        calling_ae_title: str = "SCU",
        abstract_syntaxes: Collection[str] = tuple(SOP_CLASSES.values()),
        pool: MemoryPool | None = None,
        memory: MemoryPool | None = None,
    ) -> None:
        super().__init__(meta, config)
        self.films: list[Film] = []
        server = PrintServer(self._print, port=0, config=config, queue=jobs)
        printer = server._printer
        printer.printer_state = state or printer.printer_state
        printer._pool = pool or printer._pool
        printer._memory = memory or printer._memory
        self.association = self.life.associate(server, calling_ae_title, abstract_syntaxes)

    async def _print(self, film: Film) -> None:
        self.films.append(film)

    def handle(self, abstract_syntax: str, message: Request, dataset: Dataset | None) -> Answer:
        """Return the answer from the wire, whose Error Comment has at most 64 characters."""
        syntax = self.association.syntax(self.association.context_for(abstract_syntax))
        return self.sent(abstract_syntax, message, b"".join(encode_rope(dataset, syntax)) if dataset else None)

    def sent(self, abstract_syntax: str, message: Request, data: bytes | None) -> Answer:
        """Return the answer to a request with these bytes as Data Set."""
        association = self.association
        context = association.context_for(abstract_syntax)
        request = replace(message, MessageID=association.next_message_id(), Data=data)
        response = self.life.runner.run(association.request(context, request))
        told = response.Data
        assert told is None or isinstance(told, bytes | bytearray | memoryview)
        assert request.MessageID == response.MessageIDBeingRespondedTo
        return Answer(
            Status=response.Status,
            comment=response.ErrorComment or "",
            dataset=None if told is None else decode(told, association.syntax(context)),
            names_sop_class=response.AffectedSOPClassUID == _sop_class(message),
            **{keyword: getattr(response, keyword, None) for keyword in _COMMAND},
        )


def _sop_class(message: Request) -> str:
    affected = isinstance(message, NCreateRQ | NEventReportRQ)
    return str(getattr(message, "AffectedSOPClassUID" if affected else "RequestedSOPClassUID"))


@contextmanager
def over_the_wire(syntax: str = ExplicitVRLittleEndian) -> Iterator[type[WireScu]]:
    """Return a class of SCUs whose associations last as long as the block."""
    life = Life(syntax)
    try:
        yield type("WireScu", (WireScu,), {"life": life})
    finally:
        life.end()
