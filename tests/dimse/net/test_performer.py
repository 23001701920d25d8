"""Each request has a response: of its handler, or a failure (PS3.7 Annex C)."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from cancelling import other_tasks
from raw import PRINT, SYNTAXES, raw_client, service, until

from dimse.data import Dataset
from dimse.errors import ServiceError
from dimse.limits import Limits, Timeouts
from dimse.message import (
    CEchoRQ,
    CEchoRSP,
    CFindRQ,
    CStoreRQ,
    Message,
    NActionRQ,
    NActionRSP,
    NEventReportRQ,
    NEventReportRSP,
    NGetRQ,
    NSetRQ,
    NSetRSP,
    Response,
    encode_command,
)
from dimse.net import (
    VERIFICATION,
    Association,
    Handler,
    Handlers,
    NoResponse,
    Operation,
    Service,
    SynchronousHandler,
    connect,
    serve,
)
from dimse.net.scu import n_set
from dimse.uids import BasicFilmSession, Verification
from dimse.ul import (
    PDV,
    Abort,
    AssociateRQ,
    AsynchronousOperationsWindow,
    PDataTF,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
)

Handle = Callable[[Operation], Awaitable[Response]]
Plain = Callable[[Operation], Any]
CT = "1.2.840.10008.5.1.4.1.1.2"
PROPOSED = AssociateRQ(
    called_ae_title="SCP",
    calling_ae_title="SCU",
    presentation_contexts=tuple(
        PresentationContextRQ(2 * number + 1, uid, SYNTAXES) for number, uid in enumerate((Verification, PRINT, CT))
    ),
)
ECHO_1 = CEchoRQ(MessageID=1, AffectedSOPClassUID=Verification)
STORE = CStoreRQ(MessageID=1, AffectedSOPClassUID=CT, AffectedSOPInstanceUID="1.2.3", Data=b"\x08\0\x60\0\2\0\0\0CT")

ROWS = b"\x28\0\x10\0\2\0\0\0\1\0"  # (0028,0010) Rows 1
SET = NSetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=ROWS)


async def reply(operation: Operation) -> Response:
    return operation.reply()


def composite() -> Service:
    """A service for C-STORE only."""

    @asynccontextmanager
    async def open_(association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG001
        yield {(CT, CStoreRQ): reply}

    return Service({CT: SYNTAXES}, open_)


async def answer_to(message: Message, context_id: int, *, handler: Handler = reply) -> Response:
    """Return the response to ``message``; a C-ECHO proves that the association goes on."""
    services = [VERIFICATION, service(handler, NActionRQ, NSetRQ), composite()]
    async with serve(services, port=0) as server, raw_client(server) as raw:
        raw.send(PROPOSED)
        await raw.receive()
        raw.say(message, context_id=context_id)
        heard, answer = await raw.hear()
        assert heard == context_id
        raw.say(replace(ECHO_1, MessageID=9))
        assert (await raw.hear())[1] == CEchoRSP(
            MessageIDBeingRespondedTo=9, Status=0, AffectedSOPClassUID=Verification
        )
        raw.send(ReleaseRQ())
        assert await raw.receive() == ReleaseRP()
    assert isinstance(answer, Response)
    return answer


# --- requests that no handler sees ---


@pytest.mark.parametrize(
    ("message", "context_id", "status"),
    [
        (NGetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3"), 3, 0x0211),
        (STORE, 3, 0x0122),  # on a print context
        (replace(STORE, AffectedSOPClassUID="1.2.840.10008.5.1.4.1.1.4"), 5, 0x0122),
        (replace(ECHO_1, AffectedSOPClassUID="1.2.3"), 1, 0x0122),
        (CFindRQ(MessageID=1, AffectedSOPClassUID=CT, Data=b"\x08\0\x60\0\2\0\0\0CT"), 5, 0x0211),
        (replace(STORE, Data=None), 5, 0x0212),
    ],
)
async def test_refused_request_has_its_status(message: Message, context_id: int, status: int) -> None:
    answer = await answer_to(message, context_id)
    assert (answer.Status, answer.MessageIDBeingRespondedTo) == (status, 1)
    assert answer.ErrorComment


def without(message: Message, number: int) -> bytes:
    """Return the Command Set of ``message`` without one element."""
    wire, kept, position = encode_command(message), b"", 0
    while position < len(wire):
        end = position + 8 + int.from_bytes(wire[position + 4 : position + 8], "little")
        if int.from_bytes(wire[position + 2 : position + 4], "little") != number:
            kept += wire[position:end]
        position = end
    return kept


@pytest.mark.parametrize("has_data", [False, True])
async def test_missing_mandatory_element_is_mistyped(has_data: bool) -> None:
    message = replace(STORE, Data=STORE.Data if has_data else None)
    pdvs = [PDV(5, without(message, 0x1000), True, True)]
    if has_data:
        assert isinstance(message.Data, bytes)
        pdvs.append(PDV(5, message.Data, False, True))
    async with serve([VERIFICATION, composite()], port=0) as server, raw_client(server) as raw:
        raw.send(PROPOSED)
        await raw.receive()
        raw.send(PDataTF(tuple(pdvs)))
        _, answer = await raw.hear()
        assert isinstance(answer, Response)
        assert (type(answer).__name__, answer.Status) == ("CStoreRSP", 0x0212)
        assert answer.ErrorComment == "(0000,1000): AffectedSOPInstanceUID is missing in CStoreRQ"
        raw.say(ECHO_1)
        assert isinstance((await raw.hear())[1], CEchoRSP)


async def test_message_id_in_use_is_a_duplicate_invocation() -> None:
    """PS3.7 C.5: 0210H. The Message ID is free again after the response."""
    went_on = asyncio.Event()

    async def slow(operation: Operation) -> Response:
        await went_on.wait()
        return operation.reply()

    action = NActionRQ(MessageID=7, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=1)
    async with serve([service(slow, NActionRQ)], port=0) as server, raw_client(server) as raw:
        raw.send(PROPOSED)
        await raw.receive()
        raw.say(action, action, context_id=3)
        raw.say(replace(action, MessageID=8), context_id=3)
        went_on.set()
        answers = [(await raw.hear())[1] for _ in range(3)]
        raw.say(action, context_id=3)
        answers.append((await raw.hear())[1])
    statuses = [(a.MessageIDBeingRespondedTo, a.Status) for a in answers if isinstance(a, NActionRSP)]
    assert statuses == [(7, 0x0000), (7, 0x0210), (8, 0x0000), (7, 0x0000)]


# --- handlers that fail ---


async def hang(operation: Operation) -> Response:  # noqa: ARG001
    await asyncio.Event().wait()
    raise AssertionError


async def raise_a_bug(operation: Operation) -> Response:  # noqa: ARG001
    raise ZeroDivisionError("a secret")


async def raise_its_own_timeout(operation: Operation) -> Response:  # noqa: ARG001
    raise TimeoutError


async def raise_a_status(operation: Operation) -> Response:  # noqa: ARG001
    raise ServiceError(0x0106, "Invalid attribute value", comment="Rows 0")


async def raise_an_impossible_status(operation: Operation) -> Response:  # noqa: ARG001
    raise ServiceError(1 << 20, "beyond a US")


async def return_nothing(operation: Operation) -> Any:  # noqa: ARG001
    return None


async def answer_another_service(operation: Operation) -> Response:
    return CEchoRSP(MessageIDBeingRespondedTo=operation.message.MessageID, Status=0)


async def answer_another_request(operation: Operation) -> Response:
    return replace(operation.reply(), MessageIDBeingRespondedTo=4711)


async def write_what_cannot_be_written(operation: Operation) -> Response:
    return operation.reply(OffendingElement="not a tag")


async def write_text_as_data(operation: Operation) -> Response:
    return replace(operation.reply(), Data="text")  # type: ignore[arg-type]  # on purpose


async def use_an_unknown_element(operation: Operation) -> Response:
    return operation.reply(NumberOfFilms=1)


def at_once(handler: Handle) -> SynchronousHandler:
    """Return ``handler``, which never waits, as a synchronous handler."""

    def make(operation: Operation) -> Response:
        try:
            handler(operation).__await__().send(None)
        except StopIteration as stop:
            response: Response = stop.value
            return response
        raise AssertionError("it waits")

    return SynchronousHandler(make)


def return_a_response_at_once(operation: Operation) -> Any:
    return operation.reply()


def raise_at_once(operation: Operation) -> Any:  # noqa: ARG001
    raise KeyError("at once")


@pytest.mark.parametrize(
    ("handler", "status", "comment"),
    [
        (raise_a_bug, 0x0110, "Processing failure"),
        (raise_its_own_timeout, 0x0110, "Processing failure"),
        (raise_a_status, 0x0106, "Rows 0"),
        (raise_an_impossible_status, 0x0110, "Processing failure"),
        (return_nothing, 0x0110, "Processing failure"),
        (answer_another_service, 0x0110, "Processing failure"),
        (answer_another_request, 0x0110, "Processing failure"),
        (write_what_cannot_be_written, 0x0110, "Processing failure"),
        (write_text_as_data, 0x0110, "Processing failure"),
        (use_an_unknown_element, 0x0110, "Processing failure"),
    ],
)
@pytest.mark.parametrize("kind", [None, at_once])
async def test_failing_handler_fails_its_operation_only(
    handler: Handle,
    status: int,
    comment: str,
    kind: Callable[[Handle], Handler] | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "dimse.net")
    answer = await answer_to(SET, 3, handler=kind(handler) if kind else handler)
    assert (type(answer), answer.Status, answer.ErrorComment) == (NSetRSP, status, comment)
    assert "a secret" not in str(answer)
    assert caplog.records or handler is raise_a_status


@pytest.mark.parametrize("handler", [return_a_response_at_once, raise_at_once])
async def test_plain_function_is_not_a_handler(handler: Plain) -> None:
    answer = await answer_to(SET, 3, handler=handler)
    assert (answer.Status, answer.ErrorComment) == (0x0110, "Processing failure")


async def test_failing_generator_has_a_final_response() -> None:
    async def fail(operation: Operation) -> AsyncGenerator[Response, None]:
        yield operation.pending(Dataset(InstanceNumber=1))
        raise ZeroDivisionError

    async def end(operation: Operation) -> AsyncGenerator[Response, None]:
        yield operation.pending(Dataset(InstanceNumber=1))

    async def confuse(operation: Operation) -> AsyncGenerator[Response, None]:
        yield operation.pending(Dataset(InstanceNumber=1))
        yield CEchoRSP(MessageIDBeingRespondedTo=operation.message.MessageID, Status=0)

    async def go_on(operation: Operation) -> AsyncGenerator[Response, None]:
        yield operation.reply()
        raise AssertionError("after the final response")

    async def hang(operation: Operation) -> AsyncGenerator[Response, None]:
        yield operation.pending(Dataset(InstanceNumber=1))
        await asyncio.Event().wait()

    handlers = (fail, end, confuse, go_on, hang)
    assert [await final_of(handler) for handler in handlers] == [0x0110, 0x0000, 0x0110, 0x0000, 0x0110]


async def test_generator_that_yields_none_has_a_failure_status() -> None:
    async def yield_nothing(operation: Operation) -> AsyncGenerator[Any, None]:
        yield operation.pending(Dataset(InstanceNumber=1))
        yield None

    assert await final_of(yield_nothing) == 0x0110


async def final_of(handler: Callable[[Operation], AsyncGenerator[Response, None]]) -> int:
    async with serve([service(handler, NSetRQ)], port=0, timeouts=Timeouts(handler=0.05)) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            context = association.context_for(PRINT)
            return (await n_set(association, context, BasicFilmSession, "1.2", Dataset(Rows=1))).Status


@pytest.mark.parametrize("kind", [None, at_once])
async def test_no_response_error_leaves_one_request_unanswered(
    kind: Callable[[Handle], Handler] | None,
) -> None:
    """Some printers never answer N-DELETE."""

    async def keep_silent(operation: Operation) -> Response:
        if operation.message.MessageID == SET.MessageID:
            raise NoResponse("as told")
        return operation.reply()

    handler = kind(keep_silent) if kind else keep_silent
    async with serve([service(handler, NSetRQ)], port=0) as server, raw_client(server) as raw:
        raw.send(PROPOSED)
        await raw.receive()
        raw.say(SET, replace(SET, MessageID=2), context_id=3)
        _, answer = await raw.hear()
        raw.send(ReleaseRQ())
        assert await raw.receive() == ReleaseRP()
    assert isinstance(answer, NSetRSP)
    assert answer.MessageIDBeingRespondedTo == 2


# --- synchronous handlers ---


async def test_synchronous_handler_waits_for_its_turn() -> None:
    """Operations are performed in the order of their arrival, PS3.7 D.3.3.3."""
    went_on = asyncio.Event()

    async def slow(operation: Operation) -> Response:
        await went_on.wait()
        return operation.reply()

    async with serve([VERIFICATION, service(slow, NSetRQ)], port=0) as server, raw_client(server) as raw:
        raw.send(PROPOSED)
        await raw.receive()
        raw.say(SET, context_id=3)
        for number in range(2, 60):
            raw.say(replace(ECHO_1, MessageID=number))
        (association,) = server.associations
        await until(lambda: association.inbox.is_busy)
        went_on.set()
        answers = [(await raw.hear())[1] for _ in range(59)]
    assert [a.MessageIDBeingRespondedTo for a in answers if isinstance(a, Response)] == list(range(1, 60))


async def test_synchronous_handler_waits_for_a_slow_reader() -> None:
    """The peer is not read once the backlog is full."""
    limits = Limits(requests=3)
    async with serve([VERIFICATION], port=0, limits=limits) as server, raw_client(server) as raw:
        raw.send(PROPOSED)
        await raw.receive()
        (association,) = server.associations
        association.transport.pause_writing()  # as asyncio calls it
        for number in range(1, 8):
            raw.say(replace(ECHO_1, MessageID=number))
        await until(lambda: association.inbox.is_busy)
        association.transport.resume_writing()
        answers = [(await raw.hear())[1] for _ in range(7)]
    assert [a.MessageIDBeingRespondedTo for a in answers if isinstance(a, Response)] == list(range(1, 8))


async def test_no_handler_begins_after_the_end() -> None:
    begun: list[int] = []
    went_on = asyncio.Event()

    async def slow_to_end(operation: Operation) -> Response:
        begun.append(operation.message.MessageID)
        try:
            await asyncio.Event().wait()
        finally:
            await went_on.wait()
        raise AssertionError

    window = AsynchronousOperationsWindow(2, 2)
    services = [service(slow_to_end, NSetRQ)]
    async with serve(services, port=0, window=window) as server, raw_client(server) as raw:
        raw.send(replace(PROPOSED, user_information=(window,)))
        await raw.receive()
        (running,) = other_tasks()  # the association
        raw.say(SET, context_id=3)
        await until(lambda: begun)
        running.cancel()
        raw.say(replace(SET, MessageID=2), context_id=3)
        for _ in range(20):
            await asyncio.sleep(0)  # the request has arrived by now
        went_on.set()
        await until(lambda: not other_tasks())
    assert begun == [1]


async def test_no_delayed_handler_begins_after_the_end() -> None:
    delayed: list[Callable[[], None]] = []
    begun: list[int] = []

    async def handler(operation: Operation) -> Response:
        begun.append(operation.message.MessageID)
        return operation.reply()

    async with serve([service(handler, NSetRQ)], port=0) as server, raw_client(server) as raw:
        server.resources.starts.start = lambda host, begin: delayed.append(begin)  # type: ignore[method-assign]  # noqa: ARG005
        raw.send(PROPOSED)
        await raw.receive()
        raw.say(SET, context_id=3)
        await until(lambda: delayed)
        (association,) = server.associations
        raw.send(Abort(0, 0))
        await until(lambda: association.inbox.has_failed)
        delayed[0]()
        await until(lambda: not other_tasks())
    assert begun == []


# --- replies ---


async def test_reply_repeats_sop_class_and_instance() -> None:
    action = NActionRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=5)

    async def with_a_reply(operation: Operation) -> Response:
        return operation.reply(dataset=Dataset(Rows=1))

    answers = [await answer_to(action, 3, handler=handler) for handler in (reply, with_a_reply)]
    assert [(a.AffectedSOPClassUID, a.AffectedSOPInstanceUID, a.ActionTypeID) for a in answers] == [  # type: ignore[attr-defined]
        ("1.2", "1.3", None),
        ("1.2", "1.3", 5),  # PS3.7 §10.1.4.1.10: Action Type ID goes with an Action Reply
    ]


async def test_reply_repeats_a_type_id_of_zero() -> None:
    async def with_a_reply(operation: Operation) -> Response:
        return operation.reply(dataset=Dataset(Rows=1))

    event = await answer_to(
        NEventReportRQ(MessageID=1, AffectedSOPClassUID="1.2", AffectedSOPInstanceUID="1.3", EventTypeID=0), 3
    )
    action = await answer_to(
        NActionRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=0),
        3,
        handler=with_a_reply,
    )
    assert isinstance(event, NEventReportRSP)
    assert isinstance(action, NActionRSP)
    assert (event.EventTypeID, action.ActionTypeID) == (0, 0)


async def test_reply_has_the_elements_of_its_status() -> None:
    """PS3.7 Annex C: Offending Element, Error ID, Error Comment of at most 64 characters."""

    async def refuse(operation: Operation) -> Response:
        return operation.reply(0x0106, comment="x" * 100, OffendingElement=(0x00280010,), ErrorID=7)

    answer = await answer_to(SET, 3, handler=refuse)
    assert isinstance(answer, NSetRSP)
    assert (answer.Status, answer.ErrorComment, answer.OffendingElement, answer.ErrorID) == (
        0x0106,
        "x" * 64,
        (0x00280010,),
        7,
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("größer [PS3.5 §7.5]", "gr??er [PS3.5 7.5]"),
        ("A\\B\n\x1b[2J", "A/B/n/x1b[2J"),
        (b"R\xd6".decode("ascii", "surrogateescape"), "R/xd6"),
        ("", None),
    ],
)
async def test_error_comment_is_one_ascii_value(said: str, told: str | None) -> None:
    """A Command Set has no character set (PS3.7 §6.3.1), and a backslash would separate values."""

    async def refuse(operation: Operation) -> Response:
        return operation.reply(0x0106, comment=said)

    answer = await answer_to(SET, 3, handler=refuse)
    assert isinstance(answer, NSetRSP)
    assert answer.ErrorComment == told


# --- short requests ---


def short_and_long(log: list[str]) -> SynchronousHandler:
    """A handler that leaves N-ACTION to a task. Status 1 is from the plain function, 2 from the task."""

    def make(operation: Operation) -> Response | None:
        log.append(f"{operation.message.MessageID} without a task: {asyncio.current_task() is None}")
        return None if isinstance(operation.message, NActionRQ) else operation.reply(1)

    async def otherwise(operation: Operation) -> Response:
        log.append(f"{operation.message.MessageID} in a task: {asyncio.current_task() is not None}")
        return operation.reply(2)

    return SynchronousHandler(make, otherwise)


async def test_short_request_has_no_task() -> None:
    log: list[str] = []
    assert (await answer_to(SET, 3, handler=short_and_long(log))).Status == 1
    assert log == ["1 without a task: True"]


async def test_long_request_is_left_to_a_task() -> None:
    log: list[str] = []
    action = NActionRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=1)
    assert (await answer_to(action, 3, handler=short_and_long(log))).Status == 2
    assert log == ["1 without a task: True", "1 in a task: True"]


async def test_error_of_a_short_request_is_a_failure() -> None:
    def fail(operation: Operation) -> Response | None:  # noqa: ARG001
        raise ServiceError(0x0106, "Rows 0")

    answer = await answer_to(SET, 3, handler=SynchronousHandler(fail, reply))
    assert (answer.Status, answer.ErrorComment) == (0x0106, "Rows 0")


async def test_one_request_of_a_read_has_no_task() -> None:
    """So a peer that sends many requests at once cannot hold up the event loop."""
    log: list[str] = []
    async with serve([service(short_and_long(log), NSetRQ)], port=0) as server, raw_client(server) as raw:
        raw.send(PROPOSED)
        await raw.receive()
        raw.say(*(replace(SET, MessageID=number) for number in range(1, 5)), context_id=3)
        statuses = []
        for _ in range(4):
            _, answer = await raw.hear()
            assert isinstance(answer, Response)
            statuses.append(answer.Status)
    assert statuses == [1, 2, 2, 2]
