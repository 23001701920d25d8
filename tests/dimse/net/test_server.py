"""`serve` runs services on its associations, and ends all of them when it closes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pair import EXAMPLE
from raw import ECHO, PRINT, SYNTAXES, raw_client, service, until

from dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionFailed,
)
from dimse.limits import Limits, Timeouts
from dimse.message import NActionRQ, Response
from dimse.net import (
    VERIFICATION,
    Association,
    Handlers,
    Operation,
    Service,
    connect,
    serve,
)
from dimse.net.policy import Caller
from dimse.net.scu import c_echo, n_action
from dimse.uids import BasicFilmSession, Verification
from dimse.ul import (
    Abort,
    AssociateAC,
    AssociateRQ,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    UserItem,
)


async def test_server_warns_if_connections_exceed_descriptors(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("dimse.net.admission.allowed_descriptors", lambda: 1)
    async with serve([VERIFICATION], port=0):
        assert caplog.messages == ["connections is 1 here: RLIMIT_NOFILE allows no more"]


async def test_error_names_the_host_that_has_no_address() -> None:
    with pytest.raises(socket.gaierror, match=r"cannot listen on no\.such\.host\.invalid:0: "):
        async with serve([VERIFICATION], host="no.such.host.invalid", port=0):
            pass


async def test_association_above_the_limit_is_rejected() -> None:
    async with serve([VERIFICATION], port=0, limits=Limits(associations=1)) as server:
        async with connect(server.host, server.port, ECHO) as association:
            with pytest.raises(AssociationRejected, match="local-limit-exceeded"):
                async with connect(server.host, server.port, ECHO):
                    pass
            assert (await c_echo(association)).Status == 0


async def test_association_ended_before_it_begins_is_not_counted() -> None:
    """The close of the server is scheduled before the task of the association, and cancels it."""
    closing: list[asyncio.Task[None]] = []

    def close_soon(request: AssociateRQ, caller: Caller) -> None:  # noqa: ARG001
        closing.append(asyncio.create_task(server.close()))

    async with serve([VERIFICATION], port=0, policy=close_soon) as server, raw_client(server) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        assert isinstance(await raw.receive(), AssociateAC)
        raw.writer.close()
        await server.serve_forever()
    assert closing
    assert server.admission.is_empty


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


def request(called: str = "SCP", calling: str = "CT1", *items: UserItem) -> AssociateRQ:
    contexts = (PresentationContextRQ(1, Verification, SYNTAXES),)
    return AssociateRQ(
        called_ae_title=called, calling_ae_title=calling, presentation_contexts=contexts, user_information=items
    )


async def test_draining_server_rejects_new_associations() -> None:
    """PS3.8 §9.3.4: rejected-transient, local-limit-exceeded."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(operation: Operation) -> Response:
        began.set()
        await go_on.wait()
        return operation.reply()

    async def act(association: Association) -> Response:
        return await n_action(association, association.context_for(PRINT), BasicFilmSession, "1.2", 1)

    async with serve([service(slow, NActionRQ), VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            action = asyncio.create_task(act(association))
            await began.wait()
            closing = asyncio.create_task(server.close(drain=30))
            with pytest.raises(AssociationRejected) as caught:
                await asyncio.sleep(0)
                async with connect(server.host, server.port, ECHO):
                    pass
            go_on.set()
            assert (await action).Status == 0
            assert (await act(association)).Status == 0  # the association goes on until its end
        await closing
    assert (caught.value.result, caught.value.source, caught.value.reason) == (2, 3, 2)
    assert server.associations == set()


async def test_drain_timeout_aborts() -> None:
    async with serve([VERIFICATION], port=0, timeouts=Timeouts(linger=0.02)) as server:
        async with raw_client(server) as silent, raw_client(server) as open_:
            open_.send(request())
            await open_.receive()
            await server.close(drain=0.02)
            assert str(await open_.receive()) == "Abort(source=0, reason=0)"
            assert await silent.receive() is None
    assert server.associations == set()


@pytest.mark.parametrize("iterations", range(3))
async def test_connection_accepted_just_before_the_end_closes(iterations: int) -> None:
    with socket.socket() as peer:
        async with serve([VERIFICATION], port=0) as server:
            peer.connect((server.host, server.port))
            tasks = len(asyncio.all_tasks())
            await until(lambda: len(asyncio.all_tasks()) > tasks)  # asyncio has begun to accept the connection
            for _ in range(iterations):
                await asyncio.sleep(0)
        assert not server.associations
        peer.setblocking(False)
        async with asyncio.timeout(5):
            assert await asyncio.get_running_loop().sock_recv(peer, 1) == b""
        assert server.admission.is_empty
