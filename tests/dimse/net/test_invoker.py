"""An invoker matches responses to its requests by Message ID, and ends operations in time."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
from archive import CONTEXTS, DOES, FIND, QUERY, Archive
from clock import Clock
from latch import Latch
from raw import ECHO, PRINT, SYNTAXES, Raw, act, raw_server, service, until

from dimse.errors import (
    AssociationAborted,
    DimseError,
    LocalProtocolError,
    ResponseTimeout,
)
from dimse.limits import Limits, Timeouts
from dimse.message import (
    CCancelRQ,
    CEchoRQ,
    CEchoRSP,
    CFindRQ,
    CFindRSP,
    Message,
    NActionRQ,
    NActionRSP,
    Request,
    Response,
)
from dimse.net import (
    VERIFICATION,
    Association,
    Record,
    connect,
    serve,
)
from dimse.net.fairness import Turns
from dimse.net.flow_control import DISK, Backlog, FlowControl
from dimse.net.invoker import Invoker
from dimse.net.scu import c_echo, c_find, n_action
from dimse.net.timers import Timers
from dimse.uids import BasicFilmSession, Verification
from dimse.ul import (
    PDU,
    Abort,
    AssociateAC,
    AsynchronousOperationsWindow,
    Context,
    PDataTF,
    PresentationContextAC,
    ReleaseRP,
)

Window = AsynchronousOperationsWindow
PROPOSED = {PRINT: SYNTAXES}
ACTION = NActionRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=1)
DONE = NActionRSP(MessageIDBeingRespondedTo=1, Status=0)
SEARCH = CFindRQ(MessageID=1, AffectedSOPClassUID="1.2", Priority=0)
PENDING = CFindRSP(MessageIDBeingRespondedTo=1, Status=0xFF00)
CONTEXT = Context(1, PRINT, SYNTAXES[0])


class Invoking:
    """An invoker, and the messages that it has sent."""

    def __init__(self) -> None:
        self.flow = FlowControl(Turns(), lambda: None, lambda: None, lambda _data: None)
        self.sent: list[Message] = []
        self.aborts = 0
        self.refusal: LocalProtocolError | None = None
        self.invoker = Invoker(
            Backlog(Limits(), self.flow), Timers(), 10, check=self.check, send=self.send, abort=self.abort
        )

    def check(self, context: Context, request: Request) -> None:  # noqa: ARG002
        if self.refusal is not None:
            raise self.refusal

    async def send(self, context: Context, message: Message) -> None:  # noqa: ARG002
        self.sent.append(message)

    def abort(self) -> None:
        self.aborts += 1

    async def begin(self, request: Request, patience: float | None = None) -> asyncio.Task[Response]:
        """Start a request. Return its task when it is sent."""
        task = asyncio.create_task(self.invoker.request(CONTEXT, request, patience))
        await until(lambda: request in self.sent)
        return task


async def test_response_ends_its_request() -> None:
    invoking = Invoking()
    asking = await invoking.begin(ACTION)
    assert invoking.invoker.arrive(DONE)
    assert await asking == DONE


async def test_response_to_no_request_is_not_taken() -> None:
    invoking = Invoking()
    asking = await invoking.begin(ACTION)
    assert not invoking.invoker.arrive(replace(DONE, MessageIDBeingRespondedTo=2))
    assert invoking.invoker.arrive(DONE)
    await asking


async def test_second_final_response_is_not_taken() -> None:
    invoking = Invoking()
    asking = await invoking.begin(ACTION)
    assert invoking.invoker.arrive(DONE)
    assert not invoking.invoker.arrive(DONE)
    await asking


async def test_refused_request_is_not_sent() -> None:
    invoking = Invoking()
    invoking.refusal = LocalProtocolError("a test")
    with pytest.raises(LocalProtocolError, match="a test"):
        await invoking.invoker.request(CONTEXT, ACTION, None)
    assert invoking.sent == []


async def test_request_waits_for_the_window() -> None:
    invoking = Invoking()
    first = await invoking.begin(ACTION)
    second = asyncio.create_task(invoking.invoker.request(CONTEXT, replace(ACTION, MessageID=2), None))
    await asyncio.sleep(0)
    assert invoking.sent == [ACTION]
    invoking.invoker.arrive(DONE)
    await first
    await until(lambda: len(invoking.sent) == 2)
    second.cancel()


async def test_invoked_operation_waits_for_the_window() -> None:
    async def search() -> None:
        async with invoking.invoker.invoke(CONTEXT, SEARCH, CFindRSP) as responses:
            found.append(await responses.take())

    invoking, found = Invoking(), list[Response]()
    first = await invoking.begin(ACTION)
    searching = asyncio.create_task(search())
    await asyncio.sleep(0)
    assert invoking.sent == [ACTION]
    invoking.invoker.arrive(DONE)
    await first
    await until(lambda: SEARCH in invoking.sent)
    invoking.invoker.arrive(replace(PENDING, Status=0))
    await searching
    assert found == [replace(PENDING, Status=0)]


async def test_canceled_operation_drops_its_unread_responses() -> None:
    async def search() -> None:
        async with invoking.invoker.invoke(CONTEXT, SEARCH, CFindRSP):
            await asyncio.Event().wait()

    invoking = Invoking()
    searching = asyncio.create_task(search())
    await until(lambda: SEARCH in invoking.sent)
    for _ in range(64):
        invoking.invoker.arrive(PENDING)
    assert invoking.flow.is_held_beyond_turn
    searching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching
    assert (invoking.flow.is_held_beyond_turn, invoking.aborts) == (False, 1)


async def test_response_that_meets_a_cancellation_is_kept() -> None:
    async def search() -> None:
        async with invoking.invoker.invoke(CONTEXT, SEARCH, CFindRSP) as responses:
            waiting = asyncio.create_task(responses.take())
            await asyncio.sleep(0)
            invoking.invoker.arrive(PENDING)
            waiting.cancel()
            await asyncio.wait([waiting])
            invoking.invoker.arrive(replace(PENDING, Status=0))
            found.extend([response.Status async for response in responses])

    invoking, found = Invoking(), list[int]()
    await search()
    assert found == [0xFF00, 0]


async def test_response_that_meets_a_cancellation_stays_before_later_ones() -> None:
    async def search() -> None:
        async with invoking.invoker.invoke(CONTEXT, SEARCH, CFindRSP) as responses:
            waiting = asyncio.create_task(responses.take())
            await asyncio.sleep(0)
            invoking.invoker.arrive(PENDING)
            invoking.invoker.arrive(replace(PENDING, Status=0))
            waiting.cancel()
            await asyncio.wait([waiting])
            found.append((await responses.final()).Status)

    invoking, found = Invoking(), list[int]()
    await search()
    assert found == [0]


async def test_request_fails_if_its_trace_aborts() -> None:
    def abort_at_request(record: Record) -> None:
        if record.direction == ">" and isinstance(record.what, CEchoRQ):
            associations[0].abort()

    associations: list[Association] = []
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO, trace=abort_at_request) as association:
            associations.append(association)
            with pytest.raises(DimseError):
                await c_echo(association)


async def test_failed_invoker_fails_its_requests() -> None:
    invoking = Invoking()
    asking = await invoking.begin(ACTION)
    invoking.invoker.fail(AssociationAborted(0, 0, "a test"))
    with pytest.raises(AssociationAborted, match="a test"):
        await asking


async def test_missing_response_aborts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, invoking = Clock(monkeypatch), Invoking()
    asking = await invoking.begin(ACTION)
    await clock.pass_time(11)
    with pytest.raises(ResponseTimeout):
        await asking
    assert invoking.aborts == 1


async def test_request_fails_after_its_patience_without_an_abort(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, invoking = Clock(monkeypatch), Invoking()
    asking = await invoking.begin(ACTION, patience=1)
    await clock.pass_time(2)
    with pytest.raises(ResponseTimeout):
        await asking
    assert invoking.aborts == 0


async def test_time_for_a_response_does_not_end_while_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, invoking = Clock(monkeypatch), Invoking()
    asking = await invoking.begin(ACTION)
    invoking.flow.hold(DISK)
    for _ in range(3):
        await clock.pass_time(11)
    assert not asking.done()
    invoking.flow.release(DISK)
    await clock.pass_time(9)
    assert not asking.done()
    await clock.pass_time(2)
    with pytest.raises(ResponseTimeout):
        await asking


async def test_request_without_patience_fails_at_once_although_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, invoking = Clock(monkeypatch), Invoking()
    invoking.flow.hold(DISK)
    asking = await invoking.begin(ACTION, patience=0)
    await clock.pass_time(1)
    with pytest.raises(ResponseTimeout):
        await asking


async def test_each_request_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, invoking = Clock(monkeypatch), Invoking()
    invoking.invoker.widen(3)
    answered = await invoking.begin(ACTION)
    invoking.invoker.arrive(DONE)
    await answered
    await clock.pass_time(6)
    long = await invoking.begin(replace(ACTION, MessageID=2))
    short = await invoking.begin(replace(ACTION, MessageID=3), patience=1)
    await clock.pass_time(2)
    with pytest.raises(ResponseTimeout, match="within 1 s"):
        await short
    await clock.pass_time(7)
    assert not long.done()
    await clock.pass_time(2)
    with pytest.raises(ResponseTimeout, match="within 10 s"):
        await long


async def test_pending_response_restarts_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, invoking = Clock(monkeypatch), Invoking()
    asking = await invoking.begin(SEARCH)
    await clock.pass_time(6)
    invoking.invoker.arrive(PENDING)
    await clock.pass_time(6)
    assert not asking.done()
    await clock.pass_time(11)
    with pytest.raises(ResponseTimeout):
        await asking


async def test_pending_response_does_not_prolong_a_canceled_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, invoking = Clock(monkeypatch), Invoking()

    async def leave() -> None:
        async with invoking.invoker.invoke(CONTEXT, SEARCH, CFindRSP):
            pass  # it is canceled here

    leaving = asyncio.create_task(leave())
    await until(lambda: len(invoking.sent) == 2)
    await clock.pass_time(6)
    invoking.invoker.arrive(PENDING)
    await clock.pass_time(6)
    with pytest.raises(ResponseTimeout):
        await leaving


async def leave_late(invoking: Invoking, error: Exception | None = None) -> None:
    """Catch the timeout of a C-FIND, and leave its block, with ``error`` if any."""
    async with invoking.invoker.invoke(CONTEXT, SEARCH, CFindRSP) as responses:
        with suppress(ResponseTimeout):
            await anext(responses)
        if error is not None:
            raise error


async def test_late_operation_is_canceled_after_its_timeout_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, invoking = Clock(monkeypatch), Invoking()
    leaving = asyncio.create_task(leave_late(invoking))
    await until(lambda: SEARCH in invoking.sent)
    await clock.pass_time(11)
    assert invoking.sent == [SEARCH, CCancelRQ(MessageIDBeingRespondedTo=1)]
    invoking.invoker.arrive(replace(PENDING, Status=0xFE00))
    await leaving
    assert invoking.aborts == 0


async def test_late_operation_is_aborted_if_its_cancellation_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, invoking = Clock(monkeypatch), Invoking()
    leaving = asyncio.create_task(leave_late(invoking, ValueError("a test")))
    await until(lambda: SEARCH in invoking.sent)
    await clock.pass_time(11)
    await clock.pass_time(11)
    with pytest.raises(ResponseTimeout):
        await leaving
    assert invoking.aborts == 1


async def test_timeout_of_another_operation_aborts_nothing() -> None:
    invoking = Invoking()

    async def fail_elsewhere() -> None:
        async with invoking.invoker.invoke(CONTEXT, SEARCH, CFindRSP) as responses:
            invoking.invoker.arrive(replace(PENDING, Status=0))
            await responses.final()
            raise ResponseTimeout("another association")

    with pytest.raises(ResponseTimeout, match="another association"):
        await fail_elsewhere()
    assert invoking.aborts == 0


async def test_max_echoed_counts_the_data_of_the_request() -> None:
    """PS3.7 §10.1.3 lets a response return what was set; 64 KiB more may come with it."""
    invoking = Invoking()
    asking = await invoking.begin(replace(ACTION, Data=[bytes(1000), bytes(24)]))
    assert invoking.invoker.max_echoed(DONE) == 1024 + 65536
    invoking.invoker.arrive(DONE)
    await asking
    assert invoking.invoker.max_echoed(DONE) == 0


async def test_abort_fails_an_awaited_response() -> None:
    async def abort(raw: Raw) -> None:
        await raw.accept()
        await raw.receive()
        raw.send(Abort(2, 5))

    async with raw_server(abort) as port:
        with pytest.raises(AssociationAborted) as caught:
            async with connect("127.0.0.1", port, ECHO) as association:
                await c_echo(association)
    assert (caught.value.source, caught.value.reason) == (2, 5)


async def test_missing_response_raises_response_timeout() -> None:
    seen: list[PDU | None] = []

    async def mute(raw: Raw) -> None:
        await raw.accept()
        await raw.receive()
        seen.append(await raw.receive())

    async with raw_server(mute) as port:
        with pytest.raises(ResponseTimeout, match=r"no response to CEchoRQ within 0\.05 s"):
            async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(dimse=0.05)) as association:
                await c_echo(association)
    assert seen == [Abort(0, 0)]


async def test_canceled_request_aborts() -> None:
    seen: list[PDU | None] = []
    asked = asyncio.Event()

    async def mute(raw: Raw) -> None:
        await raw.accept()
        await raw.receive()
        asked.set()
        seen.append(await raw.receive())

    async def ask(port: int) -> None:
        async with connect("127.0.0.1", port, ECHO) as association:
            await c_echo(association)

    async with raw_server(mute) as port:
        task = asyncio.create_task(ask(port))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert seen == [Abort(0, 0)]


async def test_unexpected_response_is_ignored() -> None:
    from dimse.message import decode_command, encode_command
    from dimse.ul import PDV

    async def stray(raw: Raw) -> None:
        await raw.accept()
        request = await raw.receive()
        assert isinstance(request, PDataTF)
        message, _ = decode_command(request.pdvs[0].data)
        assert isinstance(message, CEchoRQ)
        for number in (4711, message.MessageID):
            answer = CEchoRSP(MessageIDBeingRespondedTo=number, Status=0)
            raw.send(PDataTF((PDV(1, encode_command(answer), True, True),)))
        await raw.receive()
        raw.send(ReleaseRP())

    async with raw_server(stray) as port:
        async with connect("127.0.0.1", port, ECHO) as association:
            response = await c_echo(association)
    assert response.MessageIDBeingRespondedTo == 1


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


async def find_on(association: Association) -> None:
    async with c_find(association, association.contexts[1], QUERY) as responses:
        await responses.final()


async def test_request_ignores_pending_responses() -> None:
    async with serve([Archive(*DOES).service], port=0) as server:
        async with connect(server.host, server.port, CONTEXTS) as association:
            context = association.context_for(FIND)
            async with c_find(association, context, QUERY) as responses:
                assert (await responses.final()).Status == 0


async def test_final_response_is_returned_only_once() -> None:
    async with serve([Archive(*DOES).service], port=0) as server:
        async with connect(server.host, server.port, CONTEXTS) as association:
            context = association.context_for(FIND)
            async with c_find(association, context, QUERY) as responses:
                assert [response.Status async for response in responses][-1] == 0
                with pytest.raises(LocalProtocolError, match="the final response was returned before"):
                    await responses.final()
            async with c_find(association, context, QUERY) as responses:
                assert (await responses.final()).Status == 0


async def test_operation_without_c_cancel_raises() -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            context = association.context_for(Verification)
            message = CEchoRQ(MessageID=1, AffectedSOPClassUID=Verification)
            async with association.invoke(context, message, CEchoRSP) as responses:
                with pytest.raises(LocalProtocolError, match="CEchoRQ has no C-CANCEL; only C-FIND, C-GET"):
                    await responses.cancel()


async def test_unfinished_canceled_operation_is_aborted() -> None:
    seen: list[object] = []

    async def stubborn(raw: Raw) -> None:
        await raw.accept()
        await raw.hear()
        seen.append((await raw.hear())[1])
        seen.append(await raw.receive())

    async with raw_server(stubborn) as port:
        with pytest.raises(ResponseTimeout):
            async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(dimse=0.02)) as association:
                async with c_find(association, association.contexts[1], QUERY):
                    pass  # it is canceled here
        await until(lambda: len(seen) == 2)
    assert seen == [CCancelRQ(MessageIDBeingRespondedTo=1), Abort(0, 0)]


async def test_timed_out_c_find_is_awaited_once() -> None:
    async def silent(raw: Raw) -> None:
        await raw.accept()
        await raw.hear()
        await raw.receive()

    async with raw_server(silent) as port:
        with pytest.raises(ResponseTimeout, match="no response to CFindRQ"):
            async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(dimse=0.02)) as association:
                async with c_find(association, association.contexts[1], QUERY) as responses:
                    async for _ in responses:
                        pass


async def test_response_of_another_service_is_aborted() -> None:
    async def confused(raw: Raw) -> None:
        await raw.accept()
        _, request = await raw.hear()
        assert isinstance(request, CFindRQ)
        raw.say(CEchoRSP(MessageIDBeingRespondedTo=request.MessageID, Status=0))
        await raw.receive()

    async with raw_server(confused) as port:
        with pytest.raises(AssociationAborted, match="CEchoRSP as the response to CFindRQ"):
            async with connect("127.0.0.1", port, ECHO) as association:
                await find_on(association)
