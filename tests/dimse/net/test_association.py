"""Associations over loopback, as both sides see them."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pair import EXAMPLE
from raw import ECHO, PRINT, SYNTAXES, Raw, raw_client, raw_server, service, until

from dimse.data import Dataset
from dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionFailed,
    ContextNotAccepted,
    EncodeError,
    LocalProtocolError,
    ResponseTimeout,
    ServiceError,
)
from dimse.message import CEchoRQ, NActionRQ, NCreateRQ, NEventReportRQ, NSetRQ, Response
from dimse.net import (
    VERIFICATION,
    Association,
    Caller,
    Handlers,
    Limits,
    Operation,
    Service,
    Timeouts,
    connect,
    serve,
)
from dimse.net.scu import c_echo, dataset_of, n_action, n_create, n_event_report, n_set
from dimse.uids import BasicFilmSession, Verification
from dimse.ul import (
    PDU,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    PDataTF,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    State,
    UpperLayer,
)


async def test_echo_succeeds() -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            response = await c_echo(association)
    assert (response.Status, response.AffectedSOPClassUID) == (0, Verification)


async def test_concurrent_echoes_are_sent_one_by_one() -> None:
    """PS3.7 D.3.3.3: one outstanding operation, unless another window was negotiated."""
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            responses = await asyncio.gather(*(c_echo(association) for _ in range(20)))
    assert [response.MessageIDBeingRespondedTo for response in responses] == list(range(1, 21))


@pytest.mark.parametrize("size", [2, 1000, 100_000, 3_000_000])
@pytest.mark.parametrize("max_pdu", [64, 4096, 1 << 17, 0])
async def test_data_set_of_any_size_arrives_in_any_pdu_size(size: int, max_pdu: int) -> None:
    if size > 100_000 and max_pdu == 64:
        return
    sent = Dataset(Rows=1, PixelData=bytes(range(256)) * (size // 256) + bytes(size % 256))
    received = []

    async def handler(operation: Operation) -> Response:
        received.append(operation.dataset())
        return operation.reply(dataset=Dataset(Rows=2))

    async with serve([service(handler, NSetRQ)], port=0, limits=Limits(max_pdu=max_pdu)) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            context = association.context_for(PRINT)
            response = await n_set(association, context, BasicFilmSession, "1.2.3", sent)
            assert dataset_of(association, context, response).Rows == 2
    assert received == [sent]


async def test_connect_error_names_the_address() -> None:
    with pytest.raises(ConnectionFailed, match=r"cannot connect to 127\.0\.0\.1:1: "):
        async with connect("127.0.0.1", 1, ECHO):
            pass


async def test_connect_error_has_an_ipv6_address_in_brackets() -> None:
    with pytest.raises(ConnectionFailed, match=r"cannot connect to \[::1\]:1: "):
        async with connect("::1", 1, ECHO):
            pass


async def test_silent_peer_fails_at_the_connect_timeout() -> None:
    async def silent(raw: Raw) -> None:
        await raw.reader.read()

    async with raw_server(silent) as port:
        with pytest.raises(ConnectionFailed, match=r"did not answer within 0\.05 s"):
            async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(connect=0.05)):
                pass


async def test_rejection_names_result_source_and_reason() -> None:
    def refuse(request: AssociateRQ, caller: Caller) -> AssociateRJ | None:  # noqa: ARG001
        return AssociateRJ(1, 1, 7) if request.called_ae_title != "PRINTSCP" else None

    async with serve([VERIFICATION], port=0, policy=refuse) as server:
        with pytest.raises(AssociationRejected, match="called-AE-title-not-recognized"):
            async with connect(server.host, server.port, ECHO, called_ae_title="OTHER"):
                pass
        async with connect(server.host, server.port, ECHO, called_ae_title="PRINTSCP") as association:
            assert (await c_echo(association)).Status == 0


async def test_other_application_context_is_rejected() -> None:
    """PS3.8 Table 9-21: application-context-name-not-supported."""
    async with serve([VERIFICATION], port=0) as server, raw_client(server) as raw:
        raw.send(AssociateRQ(
            called_ae_title="A", calling_ae_title="B", presentation_contexts=(), application_context_name="1.2"
        ))  # fmt: skip
        assert await raw.receive() == AssociateRJ(1, 1, 2)


async def test_rejects_above_the_association_limit() -> None:
    async with serve([VERIFICATION], port=0, limits=Limits(associations=1)) as server:
        async with connect(server.host, server.port, ECHO) as association:
            with pytest.raises(AssociationRejected, match="local-limit-exceeded"):
                async with connect(server.host, server.port, ECHO):
                    pass
            assert (await c_echo(association)).Status == 0


async def test_error_names_the_unaccepted_context() -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            with pytest.raises(ContextNotAccepted, match=r"Print Management.*abstract-syntax-not-supported"):
                association.context_for(PRINT)
            with pytest.raises(ContextNotAccepted, match="was proposed"):
                await c_echo(association)


@pytest.mark.parametrize("title", ["", "   ", "SEVENTEEN LETTERS", "A\\B", "Ä", "A\x07"])
async def test_invalid_ae_title_is_not_sent(title: str) -> None:
    with pytest.raises(EncodeError, match="Calling-AE-title"):
        async with connect("127.0.0.1", 1, ECHO, calling_ae_title=title):
            pass


async def test_operation_without_handler_is_unrecognized() -> None:
    async def handler(operation: Operation) -> Response:
        return operation.reply()

    async with serve([service(handler, NSetRQ)], port=0) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            context = association.context_for(PRINT)
            response = await n_action(association, context, BasicFilmSession, "1.2.3", 1)
    assert response.Status == 0x0211


@pytest.mark.parametrize(
    ("error", "status", "comment"),
    [
        (ServiceError(0x0106, "Invalid attribute value", comment="Rows 0"), 0x0106, "Rows 0"),
        (EncodeError("too long", path="PatientName"), 0x0110, "PatientName: too long"),
        (RuntimeError("a secret"), 0x0110, "Processing failure"),
    ],
)
async def test_handler_error_becomes_a_status(error: Exception, status: int, comment: str) -> None:
    async def handler(operation: Operation) -> Response:  # noqa: ARG001
        raise error

    async with serve([VERIFICATION, service(handler, NSetRQ)], port=0) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES} | ECHO) as association:
            context = association.context_for(PRINT)
            response = await n_set(association, context, BasicFilmSession, "1.2.3", Dataset(Rows=1))
            assert (response.Status, response.ErrorComment) == (status, comment)
            assert (await c_echo(association)).Status == 0


async def test_unreadable_data_set_is_a_processing_failure() -> None:
    async def handler(operation: Operation) -> Response:
        operation.dataset()
        return operation.reply()

    async with serve([service(handler, NSetRQ)], port=0) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            bad = b"\x28\0\x10\0\xff\0\0\0\1\0"  # (0028,0010) says 255 bytes
            message = NSetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=bad)
            response = await association.request(association.context_for(PRINT), message)
    assert response.Status == 0x0110
    assert response.ErrorComment
    assert response.ErrorComment.startswith("(0028,0010)")


async def test_event_may_arrive_during_a_request() -> None:
    """PS3.7 §10.1.1: the SCP invokes N-EVENT-REPORT while the SCU waits for its response."""
    events = []

    async def acknowledge(operation: Operation) -> Response:
        events.append(operation.message)
        return operation.reply(EventTypeID=2)

    async def handler(operation: Operation) -> Response:
        answer = await n_event_report(
            operation.association, operation.context, BasicFilmSession, "1.2.3", 2, Dataset(Rows=1)
        )
        assert answer.Status == 0
        return operation.reply(ActionTypeID=1)

    handlers: Handlers = {(PRINT, NEventReportRQ): acknowledge}
    async with serve([service(handler, NActionRQ)], port=0) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}, handlers=handlers) as association:
            context = association.context_for(PRINT)
            response = await n_action(association, context, BasicFilmSession, "1.2.3", 1)
    assert response.Status == 0
    assert len(events) == 1


async def test_error_in_the_block_releases() -> None:
    seen: list[PDU | None] = []

    async def listen(raw: Raw) -> None:
        await raw.accept()
        seen.append(await raw.receive())
        raw.send(ReleaseRP())

    async with raw_server(listen) as port:
        with pytest.raises(KeyError):
            async with connect("127.0.0.1", port, ECHO):
                raise KeyError("mine")
    assert seen == [ReleaseRQ()]


async def test_ended_association_names_the_cause() -> None:
    ended: list[str] = []

    async def handler(operation: Operation) -> Response:
        return operation.reply()

    async with serve([service(handler, NSetRQ, ended=ended)], port=0) as server:
        with pytest.raises(KeyError):
            async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
                association.abort()
                raise KeyError("mine")
        with pytest.raises(AssociationAborted, match="by this side"):
            await association.request(association.contexts[1], CEchoRQ(MessageID=1, AffectedSOPClassUID="1"))
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            pass
        with pytest.raises(LocalProtocolError, match="has been released"):
            await association.request(association.contexts[1], CEchoRQ(MessageID=1, AffectedSOPClassUID="1"))
    assert len(ended) == 2


@pytest.mark.parametrize("ending", ["abort", "close", "garbage", "release"])
async def test_service_is_left_after_each_ending(ending: str) -> None:
    left = asyncio.Event()

    @asynccontextmanager
    async def open_(association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG001
        try:
            yield {}
        finally:
            left.set()

    async with serve([Service(ECHO, open_)], port=0) as server, raw_client(server) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        assert isinstance(await raw.receive(), AssociateAC)
        match ending:
            case "abort":
                raw.send(Abort())
            case "close":
                raw.writer.close()
            case "garbage":
                raw.writer.write(b"GET / HTTP/1.1\r\n\r\n")
                assert await raw.receive() == Abort(2, 1)
            case "release":
                raw.send(ReleaseRQ())
                assert await raw.receive() == ReleaseRP()
        await left.wait()


async def test_message_on_an_unaccepted_context_is_aborted() -> None:
    """PS3.8 §9.3.5.1."""
    pdv = EXAMPLE[PDataTF]
    assert isinstance(pdv, PDataTF)
    async with serve([VERIFICATION], port=0) as server, raw_client(server) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        await raw.receive()
        raw.send(PDataTF((pdv.pdvs[0]._replace(context_id=3),)))
        assert await raw.receive() == Abort(0, 0)


async def test_silent_connection_is_closed_by_artim() -> None:
    async with serve([VERIFICATION], port=0, timeouts=Timeouts(artim=0.05)) as server:
        async with raw_client(server) as raw:
            assert await raw.receive() is None


async def test_silent_association_is_aborted_when_idle() -> None:
    async with serve([VERIFICATION], port=0, timeouts=Timeouts(idle=0.05)) as server:
        async with raw_client(server) as raw:
            raw.send(EXAMPLE[AssociateRQ])
            assert isinstance(await raw.receive(), AssociateAC)
            assert await raw.receive() == Abort(0, 0)


async def test_incomplete_pdu_does_not_reset_the_idle_time() -> None:
    """Otherwise a byte now and then would keep an association open forever."""
    async with serve([VERIFICATION], port=0, timeouts=Timeouts(idle=0.1)) as server, raw_client(server) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        assert isinstance(await raw.receive(), AssociateAC)
        ended = asyncio.create_task(raw.receive())
        raw.writer.write(b"\x04\0\0\0\x10\0")  # a P-DATA-TF of 4096 bytes, of which one comes at a time
        while not ended.done():
            raw.writer.write(b"\0")
            await asyncio.wait({ended}, timeout=0.01)
        assert ended.result() == Abort(0, 0)


async def test_close_of_the_server_aborts_associations() -> None:
    async with serve([VERIFICATION], port=0) as server, raw_client(server) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        await raw.receive()
        closing = asyncio.create_task(server.close())
        assert await raw.receive() == Abort(0, 0)
        raw.writer.close()
        await closing
        await server.serve_forever()


async def test_draining_server_lets_associations_end() -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            closing = asyncio.create_task(server.close(drain=10))
            assert (await c_echo(association)).Status == 0
        await closing
        with pytest.raises(ConnectionFailed):
            async with connect(server.host, server.port, ECHO):
                pass


# --- wrong answers to the requestor ---


async def test_peer_that_closes_at_once_is_an_abort() -> None:
    async def close(raw: Raw) -> None:
        await raw.receive()

    async with raw_server(close) as port:
        with pytest.raises(AssociationAborted, match="the transport connection closed"):
            async with connect("127.0.0.1", port, ECHO):
                pass


async def test_unexpected_answer_is_an_abort() -> None:
    async def http(raw: Raw) -> None:
        await raw.receive()
        raw.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await raw.receive()

    async with raw_server(http) as port:
        with pytest.raises(AssociationAborted, match="unrecognized PDU type 48H"):
            async with connect("127.0.0.1", port, ECHO):
                pass


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


async def test_unanswered_release_is_aborted() -> None:
    seen: list[PDU | None] = []

    async def mute(raw: Raw) -> None:
        await raw.accept()
        seen.append(await raw.receive())
        seen.append(await raw.receive())

    async with raw_server(mute) as port:
        async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(release=0.05)):
            pass
    assert seen == [ReleaseRQ(), Abort(0, 0)]


async def test_connection_is_closed_after_linger() -> None:
    async def deaf(raw: Raw) -> None:
        await raw.accept()
        while await raw.receive() is not None:
            pass

    async with raw_server(deaf) as port:
        async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(linger=0.05)) as association:
            association.abort()


async def test_release_of_the_peer_is_answered() -> None:
    seen: list[PDU | None] = []

    async def release(raw: Raw) -> None:
        await raw.accept()
        raw.send(ReleaseRQ())
        seen.append(await raw.receive())

    async with raw_server(release) as port:
        async with connect("127.0.0.1", port, ECHO) as association:
            await association.closed()
            assert association.transport.core.state is State.Sta1
    assert seen == [ReleaseRP()]


async def test_release_collision_ends_both_sides() -> None:
    """PS3.8 §7.2.2: the requestor's A-RELEASE-RP comes first."""
    seen: list[PDU | None] = []

    async def collide(raw: Raw) -> None:
        await raw.accept()
        seen.append(await raw.receive())
        raw.send(ReleaseRQ())
        seen.append(await raw.receive())
        raw.send(ReleaseRP())

    async with raw_server(collide) as port:
        async with connect("127.0.0.1", port, ECHO):
            pass
    assert seen == [ReleaseRQ(), ReleaseRP()]


async def test_unexpected_response_is_ignored() -> None:
    from dimse.message import CEchoRSP, decode_command, encode_command
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


async def test_no_task_and_no_socket_is_left() -> None:
    before = len(asyncio.all_tasks())
    async with serve([VERIFICATION], port=0) as server:
        for _ in range(20):
            async with connect(server.host, server.port, ECHO) as association:
                await c_echo(association)
        assert len(asyncio.all_tasks()) <= before + 1
    assert len(asyncio.all_tasks()) == before
    assert server.associations == set()


async def test_more_than_128_contexts_are_refused() -> None:
    with pytest.raises(EncodeError, match="129; there are at most 128"):
        async with connect("127.0.0.1", 1, {f"1.2.{number}": SYNTAXES for number in range(129)}):
            pass


# --- slow and hasty peers ---


async def test_peer_that_stops_reading_is_disconnected() -> None:
    """Sending waits for the peer, until the write timeout."""

    async def stop_reading(raw: Raw) -> None:
        await raw.accept()
        await asyncio.Event().wait()

    dataset = Dataset(PixelData=bytes(1 << 25))
    syntaxes = {PRINT: SYNTAXES}
    async with raw_server(stop_reading) as port:
        with pytest.raises(AssociationAborted, match=r"read nothing for 0\.05 s"):
            async with connect("127.0.0.1", port, syntaxes, timeouts=Timeouts(write=0.05)) as association:
                await n_set(association, association.contexts[1], BasicFilmSession, "1.2", dataset)


async def test_pipelined_requests_are_performed_in_order() -> None:
    """Those beyond the window stay in the kernel until there is room."""
    from dimse.message import encode_command
    from dimse.ul import PDV

    order: list[int] = []

    async def handler(operation: Operation) -> Response:
        order.append(operation.message.MessageID)
        await asyncio.sleep(0)
        return operation.reply()

    @asynccontextmanager
    async def open_(association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG001
        yield {(Verification, CEchoRQ): handler}

    async with serve([Service(ECHO, open_)], port=0, limits=Limits(requests=1)) as server, raw_client(server) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        await raw.receive()
        for number in range(1, 20):
            command = encode_command(CEchoRQ(MessageID=number, AffectedSOPClassUID=Verification))
            raw.send(PDataTF((PDV(1, command, True, True),)))
        raw.send(ReleaseRQ())
        answers = [await raw.receive() for _ in range(20)]
    assert order == list(range(1, 20))
    assert answers[-1] == ReleaseRP()


async def test_log_shows_the_wire(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "dimse")
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            await c_echo(association)
    text = caplog.text
    for line in ("= Sta5 Evt3 AE-3 Sta6", "= Sta2 Evt6 AE-6 Sta3", "> CEchoRQ(", "< CEchoRSP(", "ends: released"):
        assert line in text, line


async def test_c_cancel_without_a_request_is_ignored() -> None:
    """C-CANCEL has no response, PS3.7 §9.3.2.3."""
    from dimse.message import CCancelRQ, encode_command
    from dimse.ul import PDV

    async with serve([VERIFICATION], port=0) as server, raw_client(server) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        await raw.receive()
        raw.send(PDataTF((PDV(1, encode_command(CCancelRQ(MessageIDBeingRespondedTo=1)), True, True),)))
        raw.send(ReleaseRQ())
        assert await raw.receive() == ReleaseRP()


async def test_failing_service_aborts_its_association_only() -> None:
    @asynccontextmanager
    async def broken(association: Association) -> AsyncIterator[Handlers]:
        if association.is_open:
            raise RuntimeError("a bug")
        yield {}

    async with serve([Service({PRINT: SYNTAXES}, broken)], port=0) as server:
        with pytest.raises(AssociationAborted):
            async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
                await n_action(association, association.contexts[1], BasicFilmSession, "1.2", 1)


async def test_repr_names_the_ae_titles() -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO, called_ae_title="B", calling_ae_title="A") as association:
            assert repr(association) == f"<Association 'A' to 'B', peer 127.0.0.1:{server.port}, Sta6>"
            assert association.is_open


async def test_canceled_release_aborts() -> None:
    seen: list[PDU | None] = []
    asked = asyncio.Event()

    async def mute(raw: Raw) -> None:
        await raw.accept()
        seen.append(await raw.receive())
        asked.set()
        seen.append(await raw.receive())

    async def visit(port: int) -> None:
        async with connect("127.0.0.1", port, ECHO):
            pass

    async with raw_server(mute) as port:
        task = asyncio.create_task(visit(port))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert seen == [ReleaseRQ(), Abort(0, 0)]


async def test_empty_data_set_is_not_sent() -> None:
    """PS3.8 Annex E.1: a fragment without data must not be sent."""
    seen = []

    async def handler(operation: Operation) -> Response:
        seen.append(operation.message.Data)
        return operation.reply(dataset=Dataset())

    async with serve([service(handler, NCreateRQ)], port=0) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            context = association.context_for(PRINT)
            response = await n_create(association, context, BasicFilmSession, "1.2.3", Dataset())
            assert response.Data is None
            assert dataset_of(association, context, response) == Dataset()
    assert seen == [None]


async def test_acceptor_may_release() -> None:
    """PS3.8 §7.2.1: either side may ask for release."""

    async def leave(operation: Operation) -> Response:
        asyncio.get_running_loop().call_soon(
            lambda: left.append(asyncio.ensure_future(operation.association.release()))
        )
        return operation.reply()

    left: list[asyncio.Future[None]] = []
    async with serve([service(leave, NActionRQ)], port=0) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            response = await n_action(association, association.context_for(PRINT), BasicFilmSession, "1.2", 1)
            await association.closed()
            assert not association.is_open
    assert response.Status == 0
    await left[0]
    assert server.associations == set()


async def test_release_collision_ends_for_the_acceptor() -> None:
    """PS3.8 §7.2.2: the acceptor answers after the requestor, Sta10 and Sta12."""

    async def leave(operation: Operation) -> Response:
        left.append(asyncio.ensure_future(operation.association.release()))
        return operation.reply()

    left: list[asyncio.Future[None]] = []
    request = AssociateRQ(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES),)
    )
    action = NActionRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=1)
    async with serve([service(leave, NActionRQ)], port=0) as server, raw_client(server) as raw:
        raw.send(request)
        await raw.receive()
        raw.say(action)
        await raw.hear()
        assert await raw.receive() == ReleaseRQ()
        raw.send(ReleaseRQ())
        raw.send(ReleaseRP())
        assert await raw.receive() == ReleaseRP()
        raw.writer.close()
        await left[0]


async def test_agreement_is_unknown_before_the_association() -> None:
    association = Association(UpperLayer.requestor(), Limits(), Timeouts())
    with pytest.raises(LocalProtocolError, match="there is no association yet"):
        association.context_for(PRINT)


async def test_answered_message_is_not_kept() -> None:
    """An image may have hundreds of MiB."""
    kept: list[weakref.ref[memoryview]] = []

    async def handler(operation: Operation) -> Response:
        assert isinstance(operation.message.Data, memoryview)
        kept.append(weakref.ref(operation.message.Data))
        return operation.reply()

    limits = Limits(max_pdu=128)  # in one fragment it would be bytes, to which there are no weak references
    large = Dataset(PixelData=bytes(500))
    async with serve([service(handler, NSetRQ)], port=0, limits=limits) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            await n_set(association, association.context_for(PRINT), BasicFilmSession, "1.2.3", large)
            await until(lambda: kept[0]() is None)
