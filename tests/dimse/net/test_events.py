"""N-EVENT-REPORT, PS3.7 §10.1.1, which the SCP may invoke at any time on an open association."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from raw import PRINT, SYNTAXES, Raw, raw_client, raw_server

from dimse.data import Dataset
from dimse.errors import AssociationAborted, LocalProtocolError, ResponseTimeout
from dimse.message import (
    Assembler,
    Message,
    NActionRQ,
    NActionRSP,
    NEventReportRQ,
    NEventReportRSP,
    NSetRQ,
    Response,
)
from dimse.net import VERIFICATION, Association, Handlers, Operation, Service, connect, serve
from dimse.net.scu import c_echo, n_action, n_event_report, n_set
from dimse.uids import BasicFilmSession, Printer, PrinterInstance, Verification
from dimse.ul import (
    PDU,
    AssociateAC,
    AssociateRQ,
    PDataTF,
    PDUStream,
    PresentationContextAC,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    decode_pdu,
)

CONTEXTS = {PRINT: SYNTAXES, Printer: SYNTAXES, Verification: SYNTAXES}
EVENT = NEventReportRQ(MessageID=7, AffectedSOPClassUID=Printer, AffectedSOPInstanceUID=PrinterInstance, EventTypeID=2)
ACTION = NActionRQ(MessageID=3, RequestedSOPClassUID=BasicFilmSession, RequestedSOPInstanceUID="1.2", ActionTypeID=1)


class Reporter:
    """The service of an SCP that reports events on its associations."""

    def __init__(self) -> None:
        self.opened: asyncio.Queue[Association] = asyncio.Queue()
        self.service = Service({PRINT: SYNTAXES, Printer: SYNTAXES}, self._open)

    @asynccontextmanager
    async def _open(self, association: Association) -> AsyncIterator[Handlers]:
        self.opened.put_nowait(association)
        yield {(PRINT, NSetRQ): self._reply, (PRINT, NActionRQ): self.act}

    async def _reply(self, operation: Operation) -> Response:
        operation.dataset()
        await asyncio.sleep(0)
        return operation.reply()

    async def act(self, operation: Operation) -> Response:
        return operation.reply()


async def report(association: Association, number: int = 2, *, patience: float | None = None) -> Response:
    context = association.context_for(Printer)
    return await n_event_report(
        association, context, Printer, PrinterInstance, number, Dataset(PrinterName="P"), patience=patience
    )


class Listener:
    """Return the handlers of an SCU that notes events."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []
        self.arrived = asyncio.Event()
        self.handlers: Handlers = {(Printer, NEventReportRQ): self.note, (PRINT, NEventReportRQ): self.note}

    async def note(self, operation: Operation) -> Response:
        message = operation.message
        assert isinstance(message, NEventReportRQ)
        dataset = operation.dataset()
        assert dataset is not None
        assert dataset.PrinterName == "P"
        self.heard.append((operation.context.abstract_syntax, message.EventTypeID))
        self.arrived.set()
        return operation.reply(EventTypeID=message.EventTypeID)


async def test_idle_client_answers_an_event() -> None:
    reporter, listener = Reporter(), Listener()
    async with serve([reporter.service], port=0) as server:
        async with connect(server.host, server.port, CONTEXTS, handlers=listener.handlers):
            association = await reporter.opened.get()
            answer = await report(association)
    assert isinstance(answer, NEventReportRSP)
    assert (answer.Status, answer.EventTypeID, answer.AffectedSOPInstanceUID) == (0, 2, PrinterInstance)
    assert listener.heard == [(Printer, 2)]


async def test_events_cross_requests() -> None:
    """Events arrive while a large Data Set is sent; messages of one direction are never mixed, PS3.8 Annex E."""
    reporter, listener = Reporter(), Listener()
    large = Dataset(Rows=1, PixelData=bytes(3_000_002))
    async with serve([reporter.service, VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, CONTEXTS, handlers=listener.handlers) as client:
            association = await reporter.opened.get()

            async def print_much() -> list[int]:
                context = client.context_for(PRINT)
                statuses = []
                for _ in range(10):
                    response = await n_set(client, context, BasicFilmSession, "1.2", large)
                    statuses += [response.Status, (await c_echo(client)).Status]
                return statuses

            async def report_much() -> list[int]:
                return [(await report(association, number)).Status for number in range(1, 41)]

            sets, events = await asyncio.gather(print_much(), report_much())
    assert (sets, events) == ([0] * 20, [0] * 40)
    assert listener.heard == [(Printer, number) for number in range(1, 41)]


async def test_no_event_begins_after_a_release_request() -> None:
    """Sta8: earlier requests are answered, then the release; nothing else is sent."""
    reporter = Reporter()
    refused: list[str] = []

    async def act(operation: Operation) -> Response:
        await asyncio.sleep(0)  # A-RELEASE-RQ came in the same read
        with pytest.raises(LocalProtocolError, match="Sta8") as caught:
            await report(operation.association)
        refused.append(str(caught.value))
        return operation.reply()

    reporter.act = act  # type: ignore[method-assign]  # on purpose
    request = AssociateRQ(
        called_ae_title="SCP",
        calling_ae_title="SCU",
        presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES), PresentationContextRQ(3, Printer, SYNTAXES)),
    )
    async with serve([reporter.service], port=0) as server, raw_client(server) as raw:
        raw.send(request)
        await raw.receive()
        raw.say(ACTION)
        raw.send(ReleaseRQ())
        context_id, answer = await raw.hear()
        assert (context_id, type(answer)) == (1, NActionRSP)
        assert await raw.receive() == ReleaseRP()
    assert len(refused) == 1


async def test_unanswered_event_fails_at_the_release() -> None:
    reporter = Reporter()
    request = AssociateRQ(
        called_ae_title="SCP",
        calling_ae_title="SCU",
        presentation_contexts=(PresentationContextRQ(5, Printer, SYNTAXES),),
    )
    async with serve([reporter.service], port=0) as server, raw_client(server) as raw:
        raw.send(request)
        await raw.receive()
        event = asyncio.create_task(report(await reporter.opened.get()))
        assert (await raw.hear())[0] == 5
        raw.send(ReleaseRQ())
        assert await raw.receive() == ReleaseRP()
        with pytest.raises(AssociationAborted, match="the peer released the association"):
            await event


async def test_event_that_crosses_a_release_is_ignored() -> None:
    """Sta7: P-DATA-TF may still arrive (AR-6), but cannot be answered."""
    after: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def cross(raw: Raw) -> None:
        await raw.accept()
        assert await raw.receive() == ReleaseRQ()
        raw.say(EVENT)
        await asyncio.sleep(0)
        raw.send(ReleaseRP())
        after.set_result(await raw.receive())

    listener = Listener()
    handlers: Handlers = {(Verification, NEventReportRQ): listener.note}
    async with raw_server(cross) as port:
        async with connect("127.0.0.1", port, {Verification: SYNTAXES}, handlers=handlers):
            pass
        assert await after is None


async def test_scu_that_ignores_events_is_served() -> None:
    reporter = Reporter()
    contexts = (PresentationContextRQ(1, PRINT, SYNTAXES), PresentationContextRQ(3, Printer, SYNTAXES))
    async with serve([reporter.service], port=0) as server, raw_client(server) as raw:
        raw.send(AssociateRQ(called_ae_title="SCP", calling_ae_title="SCU", presentation_contexts=contexts))
        await raw.receive()
        association = await reporter.opened.get()
        for number in (1, 2):
            with pytest.raises(ResponseTimeout):
                await report(association, number, patience=0.01)
            assert isinstance((await raw.hear())[1], NEventReportRQ)
            raw.say(ACTION)
            assert isinstance((await raw.hear())[1], NActionRSP)


TWO_CONTEXTS = AssociateAC(
    called_ae_title="A",
    calling_ae_title="B",
    presentation_contexts=(PresentationContextAC(1, 0, SYNTAXES[0]), PresentationContextAC(3, 0, SYNTAXES[0])),
)


@pytest.mark.parametrize("when", ["before", "after", "instead"])
async def test_event_is_answered_at_any_time(when: str) -> None:
    """Printers do all of these. Each event is answered on its own context."""
    answers: list[tuple[int, object]] = []

    async def printer(raw: Raw) -> None:
        await raw.accept(TWO_CONTEXTS)
        _, request = await raw.hear()
        assert isinstance(request, NActionRQ)
        response = NActionRSP(MessageIDBeingRespondedTo=request.MessageID, Status=0)
        event = NEventReportRQ(
            MessageID=request.MessageID,  # each side has its own Message IDs
            AffectedSOPClassUID=Printer,
            AffectedSOPInstanceUID=PrinterInstance,
            EventTypeID=3,
            Data=b"\x10\x21\x30\0\2\0\0\0P ",  # (2110,0030) Printer Name
        )
        if when == "after":
            raw.say(response)
        raw.say(event, context_id=3)
        answers.append(await raw.hear())
        if when == "before":
            raw.say(response)
        await raw.receive()
        raw.send(ReleaseRP())

    listener = Listener()
    proposed = {PRINT: SYNTAXES, Printer: SYNTAXES}
    async with raw_server(printer) as port:
        async with connect("127.0.0.1", port, proposed, handlers=listener.handlers) as association:
            context = association.context_for(PRINT)
            if when == "instead":
                with pytest.raises(ResponseTimeout):
                    await association.request(context, ACTION, patience=0.05)
            else:
                assert (await n_action(association, context, BasicFilmSession, "1.2", 1)).Status == 0
            await listener.arrived.wait()
    ((context_id, answer),) = answers
    assert isinstance(answer, NEventReportRSP)
    assert (context_id, answer.Status, answer.EventTypeID) == (3, 0, 3)
    assert listener.heard == [(Printer, 3)]


# --- recordings ---

CAPTURES = Path(__file__).parents[2] / "vectors" / "captures"


def recorded(name: str, direction: str, kind: type[Message]) -> tuple[PDU, list[tuple[int, Message]]]:
    """Return the first PDU of one side of a recording, and its messages of one class with their contexts."""
    pdus = [decode_pdu(bytes(wire)) for wire in PDUStream().feed((CAPTURES / f"{name}.{direction}.bin").read_bytes())]
    assembler = Assembler(lambda context_id, first: None)  # noqa: ARG005
    messages = [assembler.add(pdv) for pdu in pdus if isinstance(pdu, PDataTF) for pdv in pdu.pdvs]
    return pdus[0], [message for message in messages if message is not None and isinstance(message[1], kind)]


@pytest.mark.parametrize("name", ["dcmtk-pnd-events", "pnd-pnd-events-and-job"])
async def test_recorded_events_have_the_recorded_answers(name: str) -> None:
    request, answers = recorded(name, "c2s", NEventReportRSP)
    answer, events = recorded(name, "s2c", NEventReportRQ)
    assert isinstance(request, AssociateRQ)
    assert isinstance(answer, AssociateAC)
    said: list[tuple[int, Message]] = []
    finished = asyncio.Event()

    async def printer(raw: Raw) -> None:
        await raw.accept(answer)
        for context_id, event in events:
            raw.say(event, context_id=context_id)
            said.append(await raw.hear())
        finished.set()
        await raw.receive()
        raw.send(ReleaseRP())

    async def acknowledge(operation: Operation) -> Response:
        return operation.reply()

    proposed = {context.abstract_syntax: context.transfer_syntaxes for context in request.presentation_contexts}
    handlers: Handlers = {(abstract, NEventReportRQ): acknowledge for abstract in proposed}
    async with raw_server(printer) as port:
        async with connect("127.0.0.1", port, proposed, handlers=handlers):
            await finished.wait()
    assert len(said) == len(answers)
    for ours, theirs in zip(said, answers, strict=True):
        assert (ours[0], vars_of(ours[1])) == (theirs[0], vars_of(ours[1]) | vars_of(theirs[1]))


def vars_of(message: Message) -> dict[str, object]:
    """Return the elements of a message; DCMTK omits optional ones."""
    names = [field.name for field in dataclasses.fields(message)]
    return {name: getattr(message, name) for name in names if getattr(message, name) is not None}
