"""Negotiated windows of asynchronous operations (PS3.7 D.3.3.3) and roles (D.3.3.4)."""

import asyncio
from dataclasses import replace

import pytest
from archive import STORAGE, Archive
from raw import ECHO, PRINT, SYNTAXES, Raw, raw_client, raw_server, service, until

from dimse.data import Dataset
from dimse.errors import LocalProtocolError
from dimse.message import (
    CEchoRQ,
    CEchoRSP,
    CStoreRQ,
    CStoreRSP,
    NActionRQ,
    NActionRSP,
    NEventReportRQ,
    NEventReportRSP,
    Response,
)
from dimse.net import Association, Operation, connect, serve
from dimse.net.scu import c_echo, n_action, n_event_report, n_set
from dimse.uids import BasicFilmSession, Printer, PrinterInstance, Verification
from dimse.ul import (
    AssociateAC,
    AssociateRQ,
    AsynchronousOperationsWindow,
    PresentationContextAC,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    RoleSelection,
)

Window = AsynchronousOperationsWindow
PROPOSED = {PRINT: SYNTAXES}
ACTION = NActionRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=1)


class Latch:
    """A handler that answers requests on command, the last one first."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.most = 0
        self._running = 0
        self._waiting: list[asyncio.Event] = []

    async def __call__(self, operation: Operation) -> Response:
        self.begun.append(operation.message.MessageID)
        self._running += 1
        self.most = max(self.most, self._running)
        may_go = asyncio.Event()
        self._waiting.append(may_go)
        await may_go.wait()
        self._running -= 1
        return operation.reply()

    def open(self) -> None:
        while self._waiting:
            self._waiting.pop().set()


async def act(association: Association) -> Response:
    return await n_action(association, association.context_for(PRINT), BasicFilmSession, "1.2", 1)


@pytest.mark.parametrize(
    ("asked", "granted", "at_once"),
    [
        (None, Window(8, 8), 1),
        (Window(3, 1), Window(1, 1), 1),
        (Window(3, 1), Window(1, 8), 3),
        (Window(8, 1), Window(1, 2), 2),
        (Window(0, 1), Window(1, 4), 4),
    ],
)
async def test_window_bounds_outstanding_operations(asked: Window | None, granted: Window, at_once: int) -> None:
    latch = Latch()
    items = () if asked is None else (asked,)
    async with serve([service(latch, NActionRQ)], port=0, window=granted) as server:
        async with connect(server.host, server.port, PROPOSED, user_items=items) as association:
            operations = [asyncio.create_task(act(association)) for _ in range(10)]
            await until(lambda: len(latch.begun) == at_once)
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(latch.begun) == at_once
            while not all(operation.done() for operation in operations):
                latch.open()
                await asyncio.sleep(0)
            responses = [operation.result() for operation in operations]
    assert [response.Status for response in responses] == [0] * 10
    assert latch.most == at_once


async def test_responses_match_requests_in_any_order() -> None:
    answered: list[int] = []

    async def last_first(raw: Raw) -> None:
        contexts = (PresentationContextAC(1, 0, SYNTAXES[0]),)
        answer = AssociateAC(
            called_ae_title="A", calling_ae_title="B", presentation_contexts=contexts, user_information=(Window(4, 1),)
        )
        await raw.accept(answer)
        requests = [(await raw.hear())[1] for _ in range(4)]
        for request in reversed(requests):
            assert isinstance(request, NActionRQ)
            answered.append(request.MessageID)
            comment = request.RequestedSOPInstanceUID
            raw.say(NActionRSP(MessageIDBeingRespondedTo=request.MessageID, Status=0, ErrorComment=comment))
        await raw.receive()
        raw.send(ReleaseRP())

    async with raw_server(last_first) as port:
        async with connect("127.0.0.1", port, PROPOSED, user_items=[Window(4, 1)]) as association:
            context = association.context_for(PRINT)
            responses = await asyncio.gather(
                *(n_action(association, context, BasicFilmSession, f"1.{number}", 1) for number in range(4))
            )
    assert answered == [4, 3, 2, 1]
    assert [response.ErrorComment for response in responses] == ["1.0", "1.1", "1.2", "1.3"]


async def test_requests_beyond_the_window_wait() -> None:
    """A peer sends nine requests in a window of two: two are performed at once, and all are answered."""
    latch = Latch()
    request = AssociateRQ(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES),),
        user_information=(Window(2, 1),),
    )
    async with serve([service(latch, NActionRQ)], port=0, window=Window(1, 2)) as server, raw_client(server) as raw:
        raw.send(request)
        answer = await raw.receive()
        assert isinstance(answer, AssociateAC)
        assert Window(2, 1) in answer.user_information
        for number in range(1, 10):
            raw.say(replace(ACTION, MessageID=number))
        await until(lambda: len(latch.begun) == 2)
        while len(latch.begun) < 9:
            latch.open()
            await asyncio.sleep(0)
        latch.open()
        answered = [(await raw.hear())[1] for _ in range(9)]
        raw.send(ReleaseRQ())
        assert await raw.receive() == ReleaseRP()
    assert latch.most == 2
    assert sorted(a.MessageIDBeingRespondedTo for a in answered if isinstance(a, NActionRSP)) == list(range(1, 10))


async def test_release_waits_for_concurrent_requests() -> None:
    latch = Latch()
    request = AssociateRQ(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES),),
        user_information=(Window(2, 1),),
    )
    async with serve([service(latch, NActionRQ)], port=0, window=Window(1, 2)) as server, raw_client(server) as raw:
        raw.send(request)
        await raw.receive()
        raw.say(ACTION)
        raw.send(ReleaseRQ())
        await until(lambda: latch.begun)
        latch.open()
        assert isinstance((await raw.hear())[1], NActionRSP)
        assert await raw.receive() == ReleaseRP()


async def test_handler_may_wait_for_a_busy_peer() -> None:
    """A response stands behind waiting requests, which are read with it and performed afterwards."""

    async def ask_back(operation: Operation) -> Response:
        answer = await n_event_report(operation.association, operation.context, Printer, PrinterInstance, 2)
        return operation.reply(answer.Status)

    request = AssociateRQ(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES),)
    )
    async with serve([service(ask_back, NActionRQ)], port=0) as server, raw_client(server) as raw:
        raw.send(request)
        await raw.receive()
        for number in range(1, 10):
            raw.say(replace(ACTION, MessageID=number))
        for number in range(1, 10):
            _, heard = await raw.hear()
            assert isinstance(heard, NEventReportRQ)
            raw.say(NEventReportRSP(MessageIDBeingRespondedTo=heard.MessageID, Status=0))
            _, answer = await raw.hear()
            assert isinstance(answer, NActionRSP)
            assert answer.MessageIDBeingRespondedTo == number


# --- Message IDs ---


async def test_outstanding_message_id_cannot_be_used() -> None:
    latch = Latch()
    async with serve([service(latch, NActionRQ)], port=0, window=Window(1, 2)) as server:
        async with connect(server.host, server.port, PROPOSED, user_items=[Window(2, 1)]) as association:
            context = association.context_for(PRINT)
            first = asyncio.create_task(association.request(context, ACTION))
            await until(lambda: latch.begun)
            with pytest.raises(LocalProtocolError, match="an outstanding operation has Message ID 1"):
                await association.request(context, ACTION)
            assert association.next_message_id() == 2
            latch.open()
            assert (await first).Status == 0


async def test_message_ids_wrap_and_skip_those_in_use() -> None:
    latch = Latch()
    async with serve([service(latch, NActionRQ)], port=0, window=Window(1, 2)) as server:
        async with connect(server.host, server.port, PROPOSED, user_items=[Window(2, 1)]) as association:
            first = asyncio.create_task(act(association))
            await until(lambda: latch.begun == [1])
            ids = {association.next_message_id() for _ in range(65535)}
            assert ids == set(range(2, 65536))
            latch.open()
            await first


# --- roles ---


async def test_operation_without_a_role_raises() -> None:
    """By default the requestor is the SCU. A C-STORE of the acceptor needs role selection; an event does not."""
    opened: asyncio.Queue[Association] = asyncio.Queue()

    async def reply(operation: Operation) -> Response:
        opened.put_nowait(operation.association)
        return operation.reply()

    async with serve([service(reply, NActionRQ)], port=0) as server:
        async with connect(server.host, server.port, PROPOSED) as association:
            await act(association)
            other = await opened.get()
            context = other.context_for(PRINT)
            with pytest.raises(LocalProtocolError, match=r"no role for NSetRQ was agreed .* \(PS3\.7 D\.3\.3\.4\)"):
                await n_set(other, context, BasicFilmSession, "1.2", Dataset(Rows=1))
            with pytest.raises(LocalProtocolError, match="no role for NEventReportRQ"):
                await n_event_report(association, context, Printer, PrinterInstance, 2)
            assert (await act(association)).Status == 0


async def test_request_without_a_role_is_unrecognized() -> None:
    """The requestor proposed the SCP role only, so its C-STORE is an unrecognized operation."""
    archive = Archive()
    roles = RoleSelection(STORAGE, scu=False, scp=True)
    request = AssociateRQ(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextRQ(1, STORAGE, SYNTAXES),),
        user_information=(roles,),
    )
    data = b"\x08\0\x60\0\2\0\0\0OT"  # (0008,0060) Modality
    store = CStoreRQ(MessageID=1, AffectedSOPClassUID=STORAGE, AffectedSOPInstanceUID="1.2", Data=data)
    async with serve([archive.service], port=0) as server, raw_client(server) as raw:
        raw.send(request)
        answer = await raw.receive()
        assert isinstance(answer, AssociateAC)
        assert roles in answer.user_information
        raw.say(store)
        _, response = await raw.hear()
    assert isinstance(response, CStoreRSP)
    assert response.Status == 0x0211
    assert archive.instances == {}


@pytest.mark.parametrize("scu", [False, True])
async def test_unproposed_roles_are_ignored(scu: bool) -> None:
    """Some printers send SCU 0 and SCP 1 without a proposal, and mean the default roles."""

    async def odd(raw: Raw) -> None:
        answer = AssociateAC(
            called_ae_title="A",
            calling_ae_title="B",
            presentation_contexts=(PresentationContextAC(1, 0, SYNTAXES[0]),),
            user_information=(RoleSelection(Verification, scu=scu, scp=True), Window(5, 5)),
        )
        await raw.accept(answer)
        _, request = await raw.hear()
        assert isinstance(request, CEchoRQ)
        raw.say(CEchoRSP(MessageIDBeingRespondedTo=request.MessageID, Status=0))
        await raw.receive()
        raw.send(ReleaseRP())

    async with raw_server(odd) as port:
        async with connect("127.0.0.1", port, ECHO) as association:
            assert (await c_echo(association)).Status == 0


async def test_event_report_needs_no_role() -> None:
    """Some printers connect to send Print Job events without negotiating a role."""

    async def reply(operation: Operation) -> Response:
        return operation.reply()

    event = NEventReportRQ(
        MessageID=1, AffectedSOPClassUID=Printer, AffectedSOPInstanceUID=PrinterInstance, EventTypeID=2
    )
    request = AssociateRQ(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES),)
    )
    async with serve([service(reply, NEventReportRQ)], port=0) as server, raw_client(server) as raw:
        raw.send(request)
        await raw.receive()
        raw.say(event)
        _, answer = await raw.hear()
    assert isinstance(answer, NEventReportRSP)
    assert answer.Status == 0
