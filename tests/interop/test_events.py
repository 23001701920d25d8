"""N-EVENT-REPORT with pynetdicom, in both roles."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from peers import PATIENCE, need

from dimse.data import Dataset
from dimse.message import NActionRQ, NEventReportRQ, NEventReportRSP, Response
from dimse.net import Association, Handlers, Operation, Service, connect, serve
from dimse.net.scu import n_action, n_event_report
from dimse.uids import (
    BasicFilmSession,
    BasicGrayscalePrintManagementMeta,
    ImplicitVRLittleEndian,
    Printer,
    PrinterInstance,
)

pytestmark = pytest.mark.interop

pydicom, pynetdicom = need("pydicom"), need("pynetdicom")
evt = pynetdicom.evt

SYNTAXES = (ImplicitVRLittleEndian,)
META = BasicGrayscalePrintManagementMeta


class Reporter:
    """The service of an SCP that reports an event before it answers an N-ACTION."""

    def __init__(self) -> None:
        self.opened: asyncio.Queue[Association] = asyncio.Queue()
        self.service = Service({META: SYNTAXES, Printer: SYNTAXES}, self._open)

    @asynccontextmanager
    async def _open(self, association: Association) -> AsyncIterator[Handlers]:
        self.opened.put_nowait(association)
        yield {(META, NActionRQ): self._act}

    async def _act(self, operation: Operation) -> Response:
        answer = await report(operation.association, META, 1)
        return operation.reply(answer.Status)


async def report(association: Association, abstract_syntax: str, number: int) -> Response:
    context = association.context_for(abstract_syntax)
    name = Dataset(PrinterName="PRINTER")
    return await n_event_report(association, context, Printer, PrinterInstance, number, name)


async def test_pynetdicom_gets_events_between_and_during_requests() -> None:
    heard: list[tuple[int, str, str]] = []

    def hear(event: Any) -> tuple[int, None]:
        name = str(event.event_information.PrinterName)
        heard.append((int(event.request.EventTypeID), str(event.context.abstract_syntax), name))
        return 0x0000, None

    def associate(port: int) -> Any:
        entity = pynetdicom.AE()
        for abstract in (META, Printer):
            entity.add_requested_context(abstract, ImplicitVRLittleEndian)
        association = entity.associate("127.0.0.1", port, evt_handlers=[(evt.EVT_N_EVENT_REPORT, hear)])
        assert association.is_established
        return association

    def act(peer: Any) -> int:
        status, _ = peer.send_n_action(None, 1, BasicFilmSession, "1.2.3", meta_uid=META)
        return int(status.Status)

    reporter = Reporter()
    async with serve([reporter.service], port=0) as server, asyncio.timeout(PATIENCE):
        peer = await asyncio.to_thread(associate, server.port)
        association = await reporter.opened.get()
        assert [(await report(association, Printer, number)).Status for number in (2, 3)] == [0, 0]
        assert await asyncio.to_thread(act, peer) == 0
        assert (await report(association, Printer, 4)).Status == 0
        await asyncio.to_thread(peer.release)
    assert heard == [(2, Printer, "PRINTER"), (3, Printer, "PRINTER"), (1, META, "PRINTER"), (4, Printer, "PRINTER")]


@contextmanager
def printer(answers: list[int]) -> Iterator[int]:
    """Run a pynetdicom SCP that reports an event during N-ACTION; yield its port."""

    def act(event: Any) -> tuple[int, None]:
        # pynetdicom's own send_n_event_report would race with the next request
        from pynetdicom.dimse_primitives import N_EVENT_REPORT

        report = N_EVENT_REPORT()
        report.MessageID, report.EventTypeID = 77, 2
        report.AffectedSOPClassUID, report.AffectedSOPInstanceUID = Printer, PrinterInstance
        context = next(c for c in event.assoc.accepted_contexts if c.abstract_syntax == Printer)
        event.assoc.dimse.send_msg(report, context.context_id)
        context_id, answer = event.assoc.dimse.get_msg(block=True)
        assert context_id == context.context_id
        answers.append(answer.Status)
        return 0x0000, None

    entity = pynetdicom.AE(ae_title="PRINTER")
    for abstract in (META, Printer):
        entity.add_supported_context(abstract, ImplicitVRLittleEndian)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_ACTION, act)])
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


async def test_client_answers_an_event_before_the_response() -> None:
    answers: list[int] = []
    heard: list[tuple[str, int]] = []

    async def hear(operation: Operation) -> Response:
        message = operation.message
        assert isinstance(message, NEventReportRQ)
        heard.append((operation.context.abstract_syntax, message.MessageID))
        response = operation.reply(EventTypeID=message.EventTypeID)
        assert isinstance(response, NEventReportRSP)
        return response

    contexts = {META: SYNTAXES, Printer: SYNTAXES}
    with printer(answers) as port:
        async with connect("127.0.0.1", port, contexts, handlers={(Printer, NEventReportRQ): hear}) as association:
            response = await n_action(association, association.context_for(META), BasicFilmSession, "1.2.3", 1)
    assert (response.Status, answers, heard) == (0, [0], [(Printer, 77)])
