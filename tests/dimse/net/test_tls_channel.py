"""TLS on a connection: the handshake in its time, data in both directions, and every end."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from certificates import Authority, Identity
from pair import EXAMPLE
from raw import ECHO, HOST, PRINT, SYNTAXES, Raw, hosts_in_turn, raw_server, service
from raw import echo as echo_request
from tls_peers import echo, warnings

from dimse.data import Dataset
from dimse.errors import (
    AssociationAborted,
    ConnectionFailed,
)
from dimse.message import CEchoRQ, NSetRQ, Response
from dimse.net import (
    VERIFICATION,
    Limits,
    Operation,
    Server,
    Service,
    Timeouts,
    TLSProfile,
    client_context,
    connect,
    serve,
    server_context,
    tls_channel,
)
from dimse.net.scu import c_echo, dataset_of, n_set
from dimse.net.tls_channel import _MAX_RECORDS, TLSChannel
from dimse.tls import TLSSession
from dimse.uids import BasicFilmSession, Verification
from dimse.ul import AssociateRQ, encode_pdu


def setter(received: list[Dataset | None], answer: Dataset) -> Service:
    """Return a service that keeps the Data Set of each N-SET and answers with one."""

    async def handler(operation: Operation) -> Response:
        received.append(operation.dataset())
        return operation.reply(dataset=answer)

    return service(handler, NSetRQ)


@asynccontextmanager
async def relay(server: Server, change: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """Run a proxy that changes the bytes of the client; yield its port."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, alter: Callable[[bytes], bytes]) -> None:
        while data := await reader.read(65536):
            writer.write(alter(data))
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(server.host, server.port)
        await asyncio.gather(pump(reader, to_server, change), pump(from_server, writer, bytes))

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


@pytest.mark.parametrize("max_pdu", [4096, 1 << 17, 0])
@pytest.mark.parametrize("size", [2, 100_000, 6_000_000])
async def test_data_set_of_any_size_passes_both_ways(
    profile: TLSProfile, authority: Authority, printer: Identity, size: int, max_pdu: int
) -> None:
    """TLS record and PDU boundaries do not coincide."""
    sent = Dataset(Rows=1, PixelData=bytes(range(256)) * (size // 256) + bytes(size % 256))
    answer = Dataset(Rows=2, PixelData=bytes(range(255, -1, -1)) * (size // 256) + bytes(size % 256))
    received: list[Dataset | None] = []
    limits = Limits(max_pdu=max_pdu)
    tls = server_context(*printer, profile=profile)
    async with serve([setter(received, answer)], port=0, limits=limits, tls=tls) as server:
        tls = client_context(authority.ca, profile=profile)
        async with connect(server.host, server.port, {PRINT: SYNTAXES}, tls=tls, limits=limits) as association:
            context = association.context_for(PRINT)
            response = await n_set(association, context, BasicFilmSession, "1.2.3", sent)
            assert dataset_of(association, context, response) == answer
    assert received == [sent]


async def test_concurrent_associations_stay_apart(profile: TLSProfile, authority: Authority, printer: Identity) -> None:
    received: list[Dataset | None] = []
    sent = [Dataset(Rows=n, PixelData=bytes([n]) * 700_000) for n in range(8)]
    tls = server_context(*printer, profile=profile)
    async with serve([setter(received, Dataset(Rows=2))], port=0, tls=tls) as server:

        async def set_one(dataset: Dataset) -> None:
            tls = client_context(authority.ca, profile=profile)
            async with connect(server.host, server.port, {PRINT: SYNTAXES}, tls=tls) as association:
                await n_set(association, association.context_for(PRINT), BasicFilmSession, "1.2.3", dataset)

        await asyncio.gather(*map(set_one, sent))
    assert len(received) == len(sent)
    assert all(dataset in received for dataset in sent)


async def test_plain_client_of_a_tls_server_fails(
    profile: TLSProfile, authority: Authority, printer: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve([VERIFICATION], port=0, tls=server_context(*printer, profile=profile)) as server:
        with pytest.raises(ConnectionFailed, match="the peer speaks TLS, but this side does not"):
            await echo(server, None)
        assert await echo(server, client_context(authority.ca, profile=profile)) == 0
    assert not server.associations
    assert warnings(caplog) == ["the peer does not speak TLS"]


async def test_tls_client_of_a_plain_server_fails(
    profile: TLSProfile, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve([VERIFICATION], port=0) as server:
        with pytest.raises(ConnectionFailed, match="the peer does not speak TLS"):
            await echo(server, client_context(authority.ca, profile=profile))
        assert await echo(server, None) == 0
    assert warnings(caplog) == ["the peer speaks TLS, but this side does not"]


async def test_close_during_the_handshake_fails(profile: TLSProfile) -> None:
    async with raw_server(lambda raw: raw.reader.read(1000)) as port:
        with pytest.raises(ConnectionFailed, match="the connection closed during the TLS handshake"):
            async with connect("127.0.0.1", port, ECHO, tls=client_context(profile=profile)):
                pass


async def test_connect_timeout_of_zero_fails_at_once(profile: TLSProfile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConnectionFailed, match="did not answer within 0 s"):
            tls = client_context(profile=profile)
            async with connect("127.0.0.1", port, ECHO, tls=tls, timeouts=Timeouts(connect=0)):
                pass


async def test_silent_server_times_out(profile: TLSProfile) -> None:
    async with raw_server(lambda raw: raw.reader.read()) as port:
        with pytest.raises(ConnectionFailed, match=r"did not finish the TLS handshake within 0\.05 s"):
            tls = client_context(profile=profile)
            async with connect("127.0.0.1", port, ECHO, tls=tls, timeouts=Timeouts(connect=0.05)):
                pass


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"])
async def test_silent_client_times_out(
    profile: TLSProfile, printer: Identity, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    timeouts = Timeouts(connect=0.05)
    tls = server_context(*printer, profile=profile)
    async with serve([VERIFICATION], port=0, tls=tls, timeouts=timeouts) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(said)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
    assert not server.associations
    assert warnings(caplog) == ["the TLS handshake was not complete within 0.05 s"]


async def test_closing_server_ends_a_handshake(profile: TLSProfile, printer: Identity) -> None:
    tls = server_context(*printer, profile=profile)
    async with serve([VERIFICATION], port=0, tls=tls, timeouts=Timeouts(linger=0.05)) as server:
        client = TLSSession(client_context(profile=profile), "127.0.0.1")
        client.handshake()
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(client.data_to_send())
        assert await reader.read(1)
        assert server.associations
    assert not server.associations
    with suppress(ConnectionResetError):
        await reader.read()  # to its end
    writer.close()
    with suppress(ConnectionResetError):
        await writer.wait_closed()


async def test_canceled_handshake_closes_the_connection(profile: TLSProfile) -> None:
    """It closes at once, and leaves nothing behind."""
    hello, gone = asyncio.Event(), asyncio.Event()

    async def silent(raw: Raw) -> None:
        await raw.reader.readexactly(1)
        hello.set()
        await raw.reader.read()
        gone.set()

    async def ask(port: int) -> None:
        async with connect("127.0.0.1", port, ECHO, tls=client_context(profile=profile)):
            pass

    async with raw_server(silent) as port:
        asking = asyncio.create_task(ask(port))
        await hello.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(gone.wait(), 5)


async def test_close_without_close_notify_is_an_end(
    profile: TLSProfile, authority: Authority, printer: Identity
) -> None:
    """This client is asyncio's own TLS. RFC 8446 §6.1 calls it truncation; a server treats it like any close."""
    async with serve([VERIFICATION], port=0, tls=server_context(*printer, profile=profile)) as server:
        _, writer = await asyncio.open_connection(server.host, server.port, ssl=client_context(authority.ca))
        writer.transport.abort()
        assert await echo(server, client_context(authority.ca, profile=profile)) == 0


async def test_changed_bytes_end_the_association(
    profile: TLSProfile, authority: Authority, printer: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    """Both sides get an error, and no changed byte becomes a PDU."""
    tampering = False

    def change(data: bytes) -> bytes:
        return data[:-1] + bytes([data[-1] ^ 1]) if tampering else data

    tls = server_context(*printer, profile=profile)
    async with serve([VERIFICATION], port=0, tls=tls) as server, relay(server, change) as port:
        with pytest.raises(AssociationAborted, match="the peer refused TLS: bad record mac"):
            tls = client_context(authority.ca, profile=profile)
            async with connect("127.0.0.1", port, ECHO, tls=tls) as association:
                assert (await c_echo(association)).Status == 0
                tampering = True
                await c_echo(association)
    assert len(warnings(caplog)) == 1
    assert "bad record mac" in warnings(caplog)[0]


async def test_handshakes_wait_for_their_turn(profile: TLSProfile, authority: Authority, printer: Identity) -> None:
    """Each takes a millisecond, and a peer may begin hundreds at the same time."""
    async with serve([VERIFICATION], port=0, tls=server_context(*printer, profile=profile)) as server:
        waited = hosts_in_turn(server)
        assert await echo(server, client_context(authority.ca, profile=profile)) == 0
        assert len(waited) >= 2, "ClientHello, and the end of the handshake"


async def test_many_records_are_processed_in_pieces(
    profile: TLSProfile, authority: Authority, printer: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL goes on until it finds data, so thousands of changes of keys in one read would block the event loop."""
    pieces: list[int] = []
    process = TLSChannel._process

    def counted(channel: TLSChannel, data: bytes | memoryview) -> None:
        if channel.session.is_established:
            pieces.append(len(data))
        process(channel, data)

    monkeypatch.setattr(TLSChannel, "_process", counted)
    monkeypatch.setattr(tls_channel, "SHARE", 0.0)
    request = b"".join(map(bytes, encode_pdu(EXAMPLE[AssociateRQ])))
    async with serve([VERIFICATION], port=0, tls=server_context(*printer, profile=profile)) as server:
        context = ssl.create_default_context(cafile=authority.ca)
        reader, writer = await asyncio.open_connection(server.host, server.port, ssl=context, server_hostname=HOST)
        for octet in request:
            writer.write(bytes([octet]))
        assert (await reader.read(1)) == b"\2"
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    assert len(request) > 2 * _MAX_RECORDS
    assert max(pieces) <= 30 * _MAX_RECORDS, "a record of one octet has at most 30"


async def test_requests_that_come_with_the_end_of_tls_are_performed(
    profile: TLSProfile, authority: Authority, printer: Identity
) -> None:
    """All but those that are not taken yet when this side reads the end, as without TLS."""
    performed: list[int] = []

    async def perform(operation: Operation) -> Response:
        performed.append(operation.message.MessageID)
        return operation.reply()

    verification = Service({Verification: SYNTAXES}, {(Verification, CEchoRQ): perform})
    async with serve([verification], port=0, tls=server_context(*printer, profile=profile)) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        client = TLSSession(client_context(authority.ca, profile=profile), HOST)
        while not client.handshake():
            writer.write(client.data_to_send())
            client.receive(await reader.read(65536))
        client.write(encode_pdu(EXAMPLE[AssociateRQ]))
        writer.write(client.data_to_send())
        while not client.read_into(memoryview(bytearray(1000))):
            client.receive(await reader.read(65536))
        client.write(part for number in range(1, 301) for part in encode_pdu(echo_request(number)))
        client.close()
        writer.write(client.data_to_send())
        with suppress(ConnectionResetError):
            await reader.read()  # to its end
        writer.close()
    assert performed[:298] == [*range(1, 299)]
