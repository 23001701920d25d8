"""The relay: all bytes and all ends pass unchanged, and a slow reader stops the writer on the other side."""

import asyncio
import logging
import random
import re
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from peers import free_port
from raw import ECHO, HOST, until

import dimse.net.relay_link
from dimse.errors import EncodeError
from dimse.net import (
    VERIFICATION,
    Limits,
    Relay,
    Timeouts,
    TLSContext,
    client_context,
    connect,
    relay,
    serve,
    server_context,
)
from dimse.net.own_thread import in_own_thread
from dimse.net.relay_ends import PlainEnd
from dimse.net.relay_link import Link, Settings
from dimse.net.scu import c_echo

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
PATIENCE = 30
RESET = struct.pack("ii", 1, 0)

pytestmark = pytest.mark.all_loops


class Watched:
    """A watch of all connections, which keeps the bytes and the reasons that it gets."""

    def __init__(self) -> None:
        self.bytes = {True: b"", False: b""}
        self.count = 0
        self.ends: asyncio.Queue[str] = asyncio.Queue()
        self.keeps = True

    def __call__(self, client: tuple[str, int], target: tuple[str, int]) -> "Watched":
        self.addresses = client, target
        return self

    def received(self, by_client: bool, data: bytes) -> None:
        self.count += len(data)
        if self.keeps:
            self.bytes[by_client] += data

    def closed(self, why: str) -> None:
        self.ends.put_nowait(why)


@asynccontextmanager
async def target(
    behavior: Callable[[Streams], Awaitable[object]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Run a target that does ``behavior`` on each connection; yield its port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behavior((reader, writer))
        finally:
            writer.close()

    listener = await asyncio.start_server(connected, HOST, 0, ssl=tls)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


@asynccontextmanager
async def client(running: Relay, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(running.host, running.port, ssl=tls)
    async with asyncio.timeout(PATIENCE):
        try:
            yield reader, writer
        finally:
            writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def test_relay_forwards_all_bytes_of_both_sides() -> None:
    asked, told, watched = random.Random(1).randbytes(3 << 20), random.Random(2).randbytes(2 << 20), Watched()
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def behave(streams: Streams) -> None:
        streams[1].write(told)
        heard.put_nowait(await streams[0].readexactly(len(asked)))

    async with target(behave) as port, relay(HOST, 0, HOST, port, watch=watched) as running:
        async with client(running) as (reader, writer):
            writer.write(asked)
            assert await reader.readexactly(len(told)) == told
            assert await heard.get() == asked
        assert await watched.ends.get() == "closed by both sides"
    assert watched.bytes == {True: asked, False: told}
    assert watched.addresses[1] == (HOST, port)


async def test_end_of_the_client_leaves_the_other_direction_open() -> None:
    async def behave(streams: Streams) -> None:
        streams[1].write(b"answer to " + await streams[0].read())  # only after its end

    async with target(behave) as port, relay(HOST, 0, HOST, port, watch=Watched()) as running:
        async with client(running) as (reader, writer):
            writer.write(b"question")
            writer.write_eof()
            assert await reader.read() == b"answer to question"


async def test_end_of_a_client_that_sends_nothing_reaches_the_target() -> None:
    ended = asyncio.Event()

    async def behave(streams: Streams) -> None:
        assert await streams[0].read() == b""
        ended.set()

    async with target(behave) as port, relay(HOST, 0, HOST, port, watch=Watched()) as running:
        async with client(running) as (_, writer):
            writer.write_eof()
            await ended.wait()


async def test_end_of_the_target_leaves_the_other_direction_open() -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def behave(streams: Streams) -> None:
        streams[1].write_eof()
        heard.put_nowait(await streams[0].read())

    async with target(behave) as port, relay(HOST, 0, HOST, port, watch=Watched()) as running:
        async with client(running) as (reader, writer):
            assert await reader.read() == b""
            writer.write(b"late")
            writer.write_eof()
            assert await heard.get() == b"late"


async def test_reset_by_the_client_reaches_the_target() -> None:
    ended: asyncio.Queue[type[Exception]] = asyncio.Queue()
    watched = Watched()

    async def behave(streams: Streams) -> None:
        try:
            await streams[0].readexactly(2)
        except Exception as exc:
            ended.put_nowait(type(exc))

    async with target(behave) as port, relay(HOST, 0, HOST, port, watch=watched) as running:
        async with client(running) as (_, writer):
            writer.write(b"x")
            await until(lambda: watched.count)
            reset(writer)
            assert await ended.get() is ConnectionResetError
            assert (await watched.ends.get()).startswith("reset by the client")


async def test_reset_by_the_target_reaches_the_client() -> None:
    watched = Watched()

    async def behave(streams: Streams) -> None:
        await streams[0].readexactly(1)
        reset(streams[1])

    async with target(behave) as port, relay(HOST, 0, HOST, port, watch=watched) as running:
        async with client(running) as (reader, writer):
            writer.write(b"x")
            with pytest.raises(ConnectionResetError):
                await reader.read()
            assert (await watched.ends.get()).startswith("reset by the target")


@pytest.mark.parametrize("by_client", [True, False])
async def test_slow_reader_stops_the_writer(by_client: bool) -> None:
    length, watched = 48 << 20, Watched()
    watched.keeps = False
    ends: asyncio.Queue[Streams] = asyncio.Queue()
    done = asyncio.Event()

    async def behave(streams: Streams) -> None:
        ends.put_nowait(streams)
        await done.wait()

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(length))
        await writer.drain()

    async with target(behave) as port, relay(HOST, 0, HOST, port, watch=watched) as running:
        async with client(running) as ours:
            theirs = await ends.get()
            sender, reader = (ours, theirs) if by_client else (theirs, ours)
            sending = asyncio.create_task(send(sender[1]))
            before, still = -1, 0
            await until(lambda: watched.count)
            while still < 50:
                still = still + 1 if watched.count == before else 0
                before = watched.count
                await asyncio.sleep(0.001)  # threads forward in the meantime
            assert 0 < watched.count < length // 2  # sockets and buffers are full
            left = length
            while left:
                left -= len(await reader[0].read(1 << 20))
            await sending
            done.set()
    assert watched.count == length


async def test_unreachable_target_logs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))  # and does not listen
        port = taken.getsockname()[1]
        async with relay(HOST, 0, HOST, port, watch=Watched()) as running:
            for _ in range(2):
                async with client(running) as (reader, _writer):
                    assert await reader.read() == b""
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert all(line.endswith(f"closed: cannot connect to {HOST}:{port}: Connection refused") for line in lines)


async def test_failed_connections_log_50_lines_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Clients may connect thousands of times while the target is away."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))  # and does not listen
        async with relay(HOST, 0, HOST, taken.getsockname()[1], watch=Watched()) as running:
            for _ in range(60):
                async with client(running) as (reader, _writer):
                    assert await reader.read() == b""
    assert len(caplog.records) == 50


async def test_address_of_a_missing_family_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as an address of IPv6, where the system has only IPv4."""

    async def greet(streams: Streams) -> None:
        streams[1].write(b"x")

    async with target(greet) as port:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(HOST, port, type=socket.SOCK_STREAM)
        results = iter([[(999, socket.SOCK_STREAM, 0, "", ("", 0)), *found]])

        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: next(results))
        sock, address = await dimse.net.relay_link._connected("both.example", port, PATIENCE)
        with sock:
            assert address == (HOST, port)
            assert await loop.sock_recv(sock, 1) == b"x"


async def test_silent_name_server_takes_no_thread_of_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven look-ups would take all threads that asyncio has on a machine with two processors."""
    go_on, asked = threading.Event(), threading.Semaphore(0)

    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        asked.release()
        go_on.wait(60)
        return []

    async with relay(HOST, 0, "archive.example.org", 104, watch=Watched()) as running, AsyncExitStack() as stack:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        streams = [await stack.enter_async_context(client(running)) for _ in range(40)]
        for _ in streams:
            await in_own_thread(asked.acquire)
        assert await asyncio.to_thread(int, "7") == 7
        go_on.set()
        assert [await reader.read() for reader, _ in streams] == [b""] * 40


async def test_name_without_an_address_logs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async with relay(HOST, 0, "no.such.host.invalid", 104, watch=Watched()) as running:
        async with client(running) as (reader, _writer):
            assert await reader.read() == b""
    assert len(caplog.records) == 1
    assert "cannot connect to no.such.host.invalid:104" in caplog.text


@pytest.mark.parametrize(("host", "to_host", "name"), [("a..b", HOST, "host"), (HOST, "a..b", "to_host")])
async def test_relay_rejects_an_invalid_host(host: str, to_host: str, name: str) -> None:
    with pytest.raises(EncodeError, match=f"^{name}: 'a..b' is not a valid host name"):
        async with relay(host, 0, to_host, 104, watch=Watched()):
            pass


async def test_address_in_use_is_an_error() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on {HOST}:{port}: Address already in use$"):
            async with relay(HOST, port, HOST, 104, watch=Watched()):
                pass


@pytest.mark.parametrize("host", [HOST, "0.0.0.0", ""])
@pytest.mark.parametrize("to_host", [HOST, "localhost", "0.0.0.0", f"::ffff:{HOST}"])
async def test_relay_refuses_itself_as_target(host: str, to_host: str) -> None:
    port = free_port()
    target = re.escape(f"[{to_host}]:{port}" if ":" in to_host else f"{to_host}:{port}")
    with pytest.raises(EncodeError, match=f"^the target {target} is the address on which the relay listens$"):
        async with relay(host, port, to_host, port, watch=Watched()):
            pass


async def test_target_on_another_machine_may_have_the_same_port() -> None:
    port = free_port()
    async with relay(HOST, port, "192.0.2.1", port, watch=Watched()) as running:
        assert running.port == port


@pytest.mark.parametrize("host", [HOST, "0.0.0.0"])
async def test_target_of_the_other_ip_version_may_have_the_same_port(host: str) -> None:
    port = free_port()
    async with relay(host, port, "::", port, watch=Watched()) as running:
        assert running.port == port


async def test_many_associations_are_forwarded_at_once() -> None:
    async def ask(running: Relay) -> int:
        async with connect(running.host, running.port, ECHO) as association:
            await barrier.wait()
            return (await c_echo(association)).Status

    barrier = asyncio.Barrier(60)
    async with serve([VERIFICATION], port=0) as server:
        async with relay(HOST, 0, server.host, server.port, watch=Watched()) as running:
            assert await asyncio.gather(*(ask(running) for _ in range(60))) == [0] * 60


async def test_close_ends_all_connections() -> None:
    ended = asyncio.Event()

    async def behave(streams: Streams) -> None:
        with pytest.raises(ConnectionResetError):
            await streams[0].read()
        ended.set()

    async with target(behave) as port:
        watched = Watched()
        async with relay(HOST, 0, HOST, port, watch=watched) as running:
            reader, writer = await asyncio.open_connection(running.host, running.port)
            writer.write(b"x")
            await until(lambda: watched.count)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        assert watched.ends.get_nowait() == "the relay ends"
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
        writer.close()


async def test_more_connections_than_allowed_are_closed(caplog: pytest.LogCaptureFixture) -> None:
    async def behave(streams: Streams) -> None:
        await streams[0].read()

    async with target(behave) as port:
        async with relay(HOST, 0, HOST, port, watch=Watched(), limits=Limits(connections=1)) as running:
            async with client(running), client(running) as (reader, _):
                assert await reader.read() == b""
    assert "limit connections" in caplog.text


async def fill(sock: socket.socket) -> None:
    """Send until nobody has taken bytes for a while."""
    waits = 0
    while waits < 50:
        try:
            sock.send(bytes(1 << 20))
            waits = 0
        except BlockingIOError:
            waits += 1
            await asyncio.sleep(0.001)


class UnstartableThread:
    """A thread that the system refuses."""

    def __init__(self, **_arguments: object) -> None:
        pass

    def start(self) -> None:
        raise RuntimeError("can't start new thread")


async def test_refused_thread_resets_both_sides(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heard: asyncio.Queue[type[Exception]] = asyncio.Queue()

    async def behave(streams: Streams) -> None:
        try:
            await streams[0].readexactly(1)
        except Exception as exc:
            heard.put_nowait(type(exc))

    monkeypatch.setattr(dimse.net.relay_link, "Thread", UnstartableThread)
    watched = Watched()
    async with target(behave) as port, relay(HOST, 0, HOST, port, watch=watched) as running:
        async with client(running) as (reader, _):
            with pytest.raises(ConnectionResetError):
                await reader.read()
            assert await heard.get() is ConnectionResetError
    assert watched.ends.get_nowait() == "can't start new thread"
    assert "closed: can't start new thread" in caplog.text


class DroppedEnd(PlainEnd):
    """The end of a client that tells when it has failed."""

    is_dropped = False

    def drop(self) -> None:
        super().drop()
        self.is_dropped = True


async def test_canceled_link_ends_its_thread_while_it_lingers() -> None:
    is_full = asyncio.Event()

    async def behave(streams: Streams) -> None:
        streams[0]._transport.pause_reading()  # type: ignore[attr-defined]
        await is_full.wait()
        with suppress(ConnectionResetError):
            while True:
                streams[1].write(b"x")
                await asyncio.sleep(0)

    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    timeouts, watched = Timeouts(linger=10 * PATIENCE), Watched()
    watched.keeps = False
    async with asyncio.timeout(PATIENCE), target(behave) as port:
        settings = Settings(host=HOST, port=port, watch=watched, tls=None, to_tls=None, timeouts=timeouts)
        end = DroppedEnd(ours, ("", 0))
        link = Link(settings, end, lambda _: None)
        running = asyncio.create_task(link.run())
        with theirs:
            await fill(theirs)
        is_full.set()
        await until(lambda: end.is_dropped)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        link.close()


# --- TLS ---


@asynccontextmanager
async def secured(
    folder: Path, *, tls: bool, to_tls: bool
) -> AsyncIterator[tuple[Relay, Watched, TLSContext | None, Authority]]:
    """Run a server behind a relay; yield the context of a client, too."""
    authority = Authority(folder)
    identity = authority.issue("server")
    context, trust = server_context(identity.certificate, identity.key), client_context(authority.ca)
    watched = Watched()
    async with serve([VERIFICATION], port=0, tls=context if to_tls else None) as server:
        async with relay(
            HOST,
            0,
            server.host,
            server.port,
            watch=watched,
            tls=context if tls else None,
            to_tls=trust if to_tls else None,
        ) as running:
            yield running, watched, trust if tls else None, authority


@pytest.mark.parametrize(("tls", "to_tls"), [(True, True), (True, False), (False, True)])
async def test_either_side_may_use_tls(tls: bool, to_tls: bool, tmp_path: Path) -> None:
    async with secured(tmp_path, tls=tls, to_tls=to_tls) as (running, watched, context, _):
        async with connect(running.host, running.port, ECHO, tls=context) as association:
            assert (await c_echo(association)).Status == 0
        async with asyncio.timeout(PATIENCE):
            assert await watched.ends.get() == "closed by both sides"
    assert watched.bytes[True][0] == 1  # A-ASSOCIATE-RQ, in the clear
    assert watched.bytes[False][0] == 2


async def test_tls_carries_all_bytes_of_both_sides(tmp_path: Path) -> None:
    asked, told, watched = random.Random(1).randbytes(3 << 20), random.Random(2).randbytes(2 << 20), Watched()
    authority = Authority(tmp_path)
    identity = authority.issue("server")
    context, trust = server_context(identity.certificate, identity.key), client_context(authority.ca)
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def behave(streams: Streams) -> None:
        streams[1].write(told)
        heard.put_nowait(await streams[0].readexactly(len(asked)))

    async with target(behave, tls=context) as port:
        async with relay(HOST, 0, HOST, port, watch=watched, tls=context, to_tls=trust) as running:
            async with client(running, tls=trust) as (reader, writer):
                writer.write(asked)
                assert await reader.readexactly(len(told)) == told
                assert await heard.get() == asked
            assert await watched.ends.get() == "closed by both sides"
    assert watched.bytes == {True: asked, False: told}


async def test_client_without_tls_logs_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with secured(tmp_path, tls=True, to_tls=False) as (running, watched, _, _):
        async with client(running) as (reader, writer):
            writer.write(b"\1\0\0\0\0\4plain")
            assert (await reader.read())[:1] == b"\x15"  # an alert
        assert "the peer does not speak TLS" in await watched.ends.get()
        async with connect(running.host, running.port, ECHO, tls=client_context(tmp_path / "ca.pem")) as association:
            assert (await c_echo(association)).Status == 0
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line.partition(": ")[2] for line in lines] == ["closed: the peer does not speak TLS"]


async def test_client_gets_the_alert_without_a_reset(tmp_path: Path) -> None:
    """The client has sent more than the handshake reads."""
    async with secured(tmp_path, tls=True, to_tls=False) as (running, _, _, _):
        async with client(running) as (reader, writer):
            writer.write(b"\1\0\0\0\0\4plain" + bytes(1 << 16))
            assert (await reader.read())[:1] == b"\x15"  # an alert, then the end


async def test_target_without_tls_logs_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serve([VERIFICATION], port=0) as server:
        trust = client_context(Authority(tmp_path).ca)
        async with relay(HOST, 0, server.host, server.port, watch=Watched(), to_tls=trust) as running:
            async with client(running) as (reader, _):
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
    assert len([one for one in caplog.records if "closed: " in one.getMessage()]) == 1


@pytest.mark.parametrize(
    ("leave", "why"),
    [
        (lambda writer: writer.close(), "the connection closed during the TLS handshake"),
        (reset, "the connection broke during the TLS handshake: "),
    ],
    ids=["end", "reset"],
)
async def test_client_that_leaves_the_handshake_logs_one_line(
    leave: Callable[[asyncio.StreamWriter], None], why: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    identity, watched = Authority(tmp_path).issue("server"), Watched()
    context = server_context(identity.certificate, identity.key)

    async def behave(streams: Streams) -> None:
        with suppress(ConnectionResetError):
            await streams[0].read()

    async with target(behave) as port:
        async with relay(HOST, 0, HOST, port, watch=watched, tls=context) as running:
            async with client(running) as (_, writer):
                leave(writer)
                assert (await watched.ends.get()).startswith(f"the client: {why}")
    assert len([one for one in caplog.records if f"closed: {why}" in one.getMessage()]) == 1


async def test_close_during_a_handshake_resets_the_client(tmp_path: Path) -> None:
    is_asked = asyncio.Event()

    async def behave(streams: Streams) -> None:
        await streams[0].read(1)
        is_asked.set()
        with suppress(ConnectionResetError):
            await streams[0].read()

    trust = client_context(Authority(tmp_path).ca)
    async with target(behave) as port:
        async with relay(HOST, 0, HOST, port, watch=Watched(), to_tls=trust) as running:
            reader, writer = await asyncio.open_connection(running.host, running.port)
            await is_asked.wait()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_target_that_says_nothing_logs_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def behave(streams: Streams) -> None:
        with suppress(ConnectionResetError):
            await streams[0].read()

    trust, timeouts = client_context(Authority(tmp_path).ca), Timeouts(connect=0.1)
    async with target(behave) as port:
        async with relay(HOST, 0, HOST, port, watch=Watched(), to_tls=trust, timeouts=timeouts) as running:
            async with client(running) as (reader, _):
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
    lines = [one.getMessage() for one in caplog.records if "closed: " in one.getMessage()]
    assert [line.partition("closed: ")[2] for line in lines] == [f"{HOST}:{port} did not answer within 0.1 s"]
