"""Associations over loopback, as both sides see them."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pair import EXAMPLE
from raw import ECHO, PRINT, SYNTAXES, Raw, proposal, raw_client, raw_server, service, until

from dimse.data import Dataset
from dimse.errors import (
    AssociationAborted,
    EncodeError,
    LocalProtocolError,
    ServiceError,
)
from dimse.message import CCancelRQ, CEchoRQ, NActionRQ, NCreateRQ, NEventReportRQ, NSetRQ, Response, encode_command
from dimse.net import (
    VERIFICATION,
    Association,
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
    PDV,
    Abort,
    AssociateRQ,
    PDataTF,
    ReleaseRP,
    ReleaseRQ,
    State,
)


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


async def test_message_on_an_unaccepted_context_is_aborted() -> None:
    """PS3.8 §9.3.5.1."""
    pdv = EXAMPLE[PDataTF]
    assert isinstance(pdv, PDataTF)
    async with serve([VERIFICATION], port=0) as server, raw_client(server) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        await raw.receive()
        raw.send(PDataTF((pdv.pdvs[0]._replace(context_id=3),)))
        assert await raw.receive() == Abort(0, 0)


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


async def test_no_task_and_no_socket_is_left() -> None:
    before = len(asyncio.all_tasks())
    async with serve([VERIFICATION], port=0) as server:
        for _ in range(20):
            async with connect(server.host, server.port, ECHO) as association:
                await c_echo(association)
        assert len(asyncio.all_tasks()) <= before + 1
    assert len(asyncio.all_tasks()) == before
    assert server.associations == set()


async def test_pipelined_requests_are_performed_in_order() -> None:
    """Requests beyond the window stay unread in the socket until there is room."""
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
    async with serve([VERIFICATION], port=0) as server, raw_client(server) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        await raw.receive()
        raw.send(PDataTF((PDV(1, encode_command(CCancelRQ(MessageIDBeingRespondedTo=1)), True, True),)))
        raw.send(ReleaseRQ())
        assert await raw.receive() == ReleaseRP()


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
    action = NActionRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=1)
    async with serve([service(leave, NActionRQ)], port=0) as server, raw_client(server) as raw:
        raw.send(proposal())
        await raw.receive()
        raw.say(action)
        await raw.hear()
        assert await raw.receive() == ReleaseRQ()
        raw.send(ReleaseRQ())
        raw.send(ReleaseRP())
        assert await raw.receive() == ReleaseRP()
        raw.writer.close()
        await left[0]


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
