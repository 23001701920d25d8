"""TLS, PS3.15 Annex B: accepted suites and certificates, and the errors of both sides."""

import asyncio
import hashlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from certificates import Authority, Identity
from handshakes import read, shake_hands

from dimse.data import Dataset
from dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectionFailed,
    DecodeError,
    EncodeError,
    RemoteProtocolError,
)
from dimse.message import NSetRQ, Response
from dimse.net import (
    VERIFICATION,
    Association,
    Caller,
    Handlers,
    Limits,
    Operation,
    Server,
    Service,
    Timeouts,
    TLSContext,
    TLSProfile,
    client_context,
    connect,
    serve,
    server_context,
)
from dimse.net.scu import c_echo, dataset_of, n_set
from dimse.tls import TLSSession
from dimse.uids import BasicFilmSession, ImplicitVRLittleEndian, Verification
from dimse.ul import AssociateRJ, AssociateRQ

PRINT = "1.2.840.10008.5.1.1.9"
SYNTAXES = (ImplicitVRLittleEndian,)
ECHO = {Verification: SYNTAXES}


@pytest.fixture(params=get_args(TLSProfile))
def profile(request: pytest.FixtureRequest) -> TLSProfile:
    """Return each of the two profiles."""
    profile: TLSProfile = request.param
    if profile == "B.13":
        pytest.importorskip("OpenSSL")
    return profile


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def printer(authority: Authority) -> Identity:
    return authority.issue("printer")


@pytest.fixture(scope="module")
def modality(authority: Authority) -> Identity:
    return authority.issue("modality", "ct1.example.org")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an untrusted authority."""
    return Authority(tmp_path_factory.mktemp("stranger"))


async def echo(server: Server, tls: TLSContext | None) -> int:
    async with connect(server.host, server.port, ECHO, tls=tls) as association:
        return (await c_echo(association)).Status


def setter(received: list[Dataset | None], answer: Dataset) -> Service:
    """Return a service that keeps the Data Set of each N-SET and answers with one."""

    async def handler(operation: Operation) -> Response:
        received.append(operation.dataset())
        return operation.reply(dataset=answer)

    @asynccontextmanager
    async def open_(association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG001
        yield {(PRINT, NSetRQ): handler}

    return Service({PRINT: SYNTAXES}, open_)


# --- the profile ---


def test_suites_are_ephemeral_curves_with_aead(printer: Identity) -> None:
    """PS3.15 B.12 through RFC 9325 §4.2; TLS 1.3 has no others."""
    for context in (server_context(*printer), client_context()):
        for suite in context.get_ciphers():
            assert suite["aead"], suite
            assert suite["protocol"] == "TLSv1.3" or suite["name"].startswith("ECDHE-"), suite
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert ssl.OP_NO_RENEGOTIATION in context.options
        assert ssl.OP_NO_COMPRESSION in context.options


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_echo_passes_through_tls(authority: Authority, printer: Identity, version: str) -> None:
    tls = client_context(authority.ca)
    if version == "TLSv1.2":
        tls.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serve([VERIFICATION], port=0, tls=server_context(*printer)) as server:
        assert await echo(server, tls) == 0
        assert await echo(server, client_context(verify=False)) == 0


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_tls_1_1_is_refused(authority: Authority, printer: Identity) -> None:
    """PS3.15 B.12, RFC 8996."""
    old = client_context(authority.ca)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serve([VERIFICATION], port=0, tls=server_context(*printer)) as server:
        with pytest.raises(ConnectionFailed, match="the peer refused TLS: protocol version"):
            await echo(server, old)
        assert await echo(server, client_context(authority.ca)) == 0


@pytest.mark.parametrize("max_pdu", [4096, 1 << 17, 0])
@pytest.mark.parametrize("size", [2, 100_000, 6_000_000])
async def test_data_set_of_any_size_passes_both_ways(
    profile: TLSProfile, authority: Authority, printer: Identity, size: int, max_pdu: int
) -> None:
    """Records of at most 16 KiB and PDUs of any size begin in different places."""
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


# --- policies ---


async def test_policy_sees_the_certificate(
    profile: TLSProfile, authority: Authority, printer: Identity, modality: Identity
) -> None:
    callers: list[Caller] = []

    def refuse(request: AssociateRQ, caller: Caller) -> AssociateRJ | None:  # noqa: ARG001
        callers.append(caller)
        known = caller.certificate is not None and "DNS:ct1.example.org" in caller.certificate.names
        return None if known else AssociateRJ(1, 1, 3)

    optional = server_context(*printer, ca=authority.ca, require_client=False, profile=profile)
    async with serve([VERIFICATION], port=0, policy=refuse, tls=optional) as server:
        assert await echo(server, client_context(authority.ca, *modality, profile=profile)) == 0
        with pytest.raises(AssociationRejected, match="calling-AE-title-not-recognized"):
            await echo(server, client_context(authority.ca, profile=profile))
    shown = callers[0].certificate
    assert shown is not None
    assert shown.der == ssl.PEM_cert_to_DER_cert(modality.certificate.read_text())
    assert shown.fingerprint == hashlib.sha256(shown.der).hexdigest()
    assert shown.subject.endswith("CN=modality")
    assert callers[0].address.startswith("127.0.0.1:")
    assert callers[1].certificate is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_client_without_a_certificate_is_refused(
    authority: Authority, stranger: Authority, printer: Identity, modality: Identity, version: ssl.TLSVersion
) -> None:
    """In TLS 1.3 the client has finished its handshake by then, but it still gets an error."""
    refused = {
        "certificate required|handshake failure": client_context(authority.ca),
        "unknown ca": client_context(authority.ca, *stranger.issue("stranger")),
    }
    async with serve([VERIFICATION], port=0, tls=server_context(*printer, ca=authority.ca)) as server:
        for words, tls in refused.items():
            tls.maximum_version = version
            with pytest.raises(ConnectionFailed, match=f"the peer refused TLS: ({words})$"):
                await echo(server, tls)
        assert await echo(server, client_context(authority.ca, *modality)) == 0
    assert not server.associations


# --- failures ---


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log about peers, without their addresses."""
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert all(line.startswith("127.0.0.1:") for line in lines)
    return [line.partition(": ")[2] for line in lines]


async def test_untrusted_server_is_refused(
    profile: TLSProfile, authority: Authority, stranger: Authority, printer: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    """The client names the failed check; the server logs it in one line, and goes on."""
    async with serve([VERIFICATION], port=0, tls=server_context(*printer, profile=profile)) as server:
        with pytest.raises(ConnectionFailed, match="the certificate of the peer is not accepted: unable to get local"):
            await echo(server, client_context(stranger.ca, profile=profile))
        assert await echo(server, client_context(authority.ca, profile=profile)) == 0
    assert warnings(caplog) == ["the peer refused TLS: unknown ca"]


async def test_server_with_another_name_is_refused(profile: TLSProfile, authority: Authority) -> None:
    elsewhere = authority.issue("elsewhere", "elsewhere.example.org")
    async with serve([VERIFICATION], port=0, tls=server_context(*elsewhere, profile=profile)) as server:
        with pytest.raises(ConnectionFailed, match=r"IP address mismatch, certificate is not valid for '127\.0\.0\.1'"):
            await echo(server, client_context(authority.ca, profile=profile))
        lenient = client_context(authority.ca, profile=profile)
        lenient.check_hostname = False
        assert await echo(server, lenient) == 0


async def test_plain_client_of_a_tls_server_fails(
    profile: TLSProfile, authority: Authority, printer: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve([VERIFICATION], port=0, tls=server_context(*printer, profile=profile)) as server:
        with pytest.raises(ConnectionFailed, match="the peer speaks TLS, and this side does not"):
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
    assert warnings(caplog) == ["the peer speaks TLS, and this side does not"]


@asynccontextmanager
async def raw_server(behavior: Callable[[asyncio.StreamReader], Awaitable[object]]) -> AsyncIterator[int]:
    """Run a peer that closes after ``behavior``; yield its port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behavior(reader)
        finally:
            writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


async def test_close_during_the_handshake_fails(profile: TLSProfile) -> None:
    async with raw_server(lambda reader: reader.read(1000)) as port:
        with pytest.raises(ConnectionFailed, match="the connection closed during the TLS handshake"):
            async with connect("127.0.0.1", port, ECHO, tls=client_context(profile=profile)):
                pass


async def test_silent_close_hints_at_tls() -> None:
    """DCMTK with TLS closes like this, so the error suggests TLS."""
    async with raw_server(lambda reader: reader.read(1000)) as port:
        with pytest.raises(AssociationAborted, match="before the peer said anything; perhaps it wants TLS"):
            async with connect("127.0.0.1", port, ECHO):
                pass


async def test_timeout_before_the_connection(profile: TLSProfile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConnectionFailed, match="did not answer within 0 s"):
            tls = client_context(profile=profile)
            async with connect("127.0.0.1", port, ECHO, tls=tls, timeouts=Timeouts(connect=0)):
                pass


async def test_silent_server_times_out(profile: TLSProfile) -> None:
    async with raw_server(lambda reader: reader.read()) as port:
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
    assert warnings(caplog) == ["the TLS handshake was not done within 0.05 s"]


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

    async def silent(reader: asyncio.StreamReader) -> None:
        await reader.readexactly(1)
        hello.set()
        await reader.read()
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


# --- bytes ---


def pair(authority: Authority, printer: Identity, profile: TLSProfile) -> tuple[TLSSession, TLSSession]:
    client, server = client_context(authority.ca, profile=profile), server_context(*printer, profile=profile)
    return TLSSession(client, "127.0.0.1"), TLSSession(server, None)


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_bytes_in_any_pieces_pass_through_tls(
    profile: TLSProfile, authority: Authority, printer: Identity, step: int
) -> None:
    client, server = pair(authority, printer, profile)
    shake_hands(client, server, step)
    sent = bytes(range(256)) * 300
    client.write([sent[:6], memoryview(sent)[6:]])
    data = client.data_to_send()
    received = b""
    for start in range(0, len(data), step):
        server.receive(data[start : start + step])
        received += read(server, 5000)
    assert received == sent


def test_close_notify_ends_the_reading_of_the_peer(
    profile: TLSProfile, authority: Authority, printer: Identity
) -> None:
    client, server = pair(authority, printer, profile)
    shake_hands(client, server)
    client.write([b"the last"])
    client.close()
    server.receive(client.data_to_send())
    assert (read(server, 100), server.is_ended) == (b"the last", True)
    with pytest.raises(RemoteProtocolError, match="protocol is shutdown"):
        client.write([b"one more"])
    server.close()
    client.receive(server.data_to_send())
    assert (read(client, 100), client.is_ended) == (b"", True)


def test_changed_record_ends_the_session(profile: TLSProfile, authority: Authority, printer: Identity) -> None:
    """Earlier bytes are read; then the connection ends, and the peer gets an alert."""
    client, server = pair(authority, printer, profile)
    shake_hands(client, server)
    client.write([b"good"])
    server.receive(client.data_to_send())
    client.write([b"bad"])
    record = bytearray(client.data_to_send())
    record[-1] ^= 1
    server.receive(record)
    buffer = memoryview(bytearray(100))
    assert bytes(buffer[: server.read_into(buffer)]) == b"good"
    with pytest.raises(RemoteProtocolError, match="bad record mac"):
        server.read_into(buffer)
    assert server.data_to_send()


@pytest.mark.parametrize("first", [b"\x01\x00\x00\x00\x00\xcd\x00\x01", b"GET / HTTP/1.1\r\n"])
def test_plain_bytes_are_no_tls(profile: TLSProfile, authority: Authority, printer: Identity, first: bytes) -> None:
    _, server = pair(authority, printer, profile)
    server.receive(first)
    with pytest.raises(RemoteProtocolError, match=r"^the peer does not speak TLS$"):
        server.handshake()
    assert server.data_to_send()[0] == 0x15  # an alert, so that a client without TLS hears of it


# --- contexts and files that cannot be used ---


async def test_context_of_the_other_side_raises(profile: TLSProfile, authority: Authority, printer: Identity) -> None:
    with pytest.raises(EncodeError, match="tls: not a context to serve with"):
        async with serve([VERIFICATION], port=0, tls=client_context(authority.ca, profile=profile)):
            pass
    with pytest.raises(EncodeError, match="tls: not a context to connect with"):
        async with connect("127.0.0.1", 1, ECHO, tls=server_context(*printer, profile=profile)):
            pass


@pytest.mark.parametrize("host", ["", ".example.org"])
async def test_malformed_host_raises(profile: TLSProfile, host: str) -> None:
    with pytest.raises(EncodeError, match="is not the name of a host"):
        async with connect(host, 1, ECHO, tls=client_context(profile=profile)):
            pass


def test_unusable_files_raise(
    profile: TLSProfile, authority: Authority, printer: Identity, modality: Identity, tmp_path: Path
) -> None:
    text, empty = tmp_path / "text.pem", tmp_path / "empty.pem"
    text.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    empty.write_bytes(b"\x30\x82\xff")
    encrypted, old = tmp_path / "encrypted.pem", tmp_path / "old.pem"
    encrypted.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
    old.write_text("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n")
    refusals = [
        ((empty, printer.key), empty, "not a PEM file with a certificate"),
        ((printer.key, printer.key), printer.key, "not a PEM file with a certificate"),
        ((printer.certificate, printer.certificate), printer.certificate, "not a PEM file with a private key"),
        ((printer.certificate, None), printer.certificate, "not a PEM file with a private key"),
        ((printer.certificate, modality.key), modality.key, f"not the private key of the certificate {printer[0]}"),
        ((printer.certificate, encrypted), encrypted, "the private key is encrypted"),
        ((printer.certificate, old), old, "the private key is encrypted"),
        ((text, printer.key), f"{text}, {printer.key}", "cannot be used: "),
    ]
    for files, path, words in refusals:
        for make in (server_context, partial(client_context, authority.ca)):
            with pytest.raises(DecodeError) as caught:
                make(*files, profile=profile)
            assert caught.value.path == str(path)
            assert caught.value.what.startswith(words)
    for ca in (empty, text, printer.key):
        with pytest.raises(DecodeError) as caught:
            client_context(ca, profile=profile)
        assert caught.value.path == str(ca)


def test_expired_or_future_certificate_raises(profile: TLSProfile, authority: Authority) -> None:
    now, day = datetime.now(UTC), timedelta(days=1)
    past = authority.issue("past", not_before=now - 9 * day, not_after=now - day)
    future = authority.issue("future", not_before=now + day, not_after=now + 9 * day)
    far = authority.issue("far", not_before=now - day, not_after=datetime(2055, 1, 1, tzinfo=UTC))
    with pytest.raises(DecodeError, match=f"past.pem: the certificate expired on {now - day:%Y-%m-%d %H:%M} UTC"):
        server_context(*past, profile=profile)
    with pytest.raises(DecodeError, match=f"future.pem: the certificate is valid only from {now + day:%Y-%m-%d}"):
        client_context(authority.ca, *future, profile=profile)
    server_context(*far, profile=profile)  # its year has four digits, RFC 5280 §4.1.2.5


def test_missing_files_raise(profile: TLSProfile, printer: Identity, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    for files in ((missing, printer.key), (printer.certificate, missing)):
        with pytest.raises(FileNotFoundError) as caught:
            server_context(*files, profile=profile)
        assert caught.value.filename == str(missing)


def test_contradictory_arguments_raise(profile: TLSProfile, printer: Identity) -> None:
    with pytest.raises(EncodeError, match="ca: needed to verify"):
        server_context(*printer, require_client=True, profile=profile)
    with pytest.raises(EncodeError, match="a key needs its certificate"):
        client_context(key=printer.key, profile=profile)


def test_certificate_and_key_may_share_a_file(
    profile: TLSProfile, authority: Authority, printer: Identity, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_text("# ward 3, première\n" + printer.key.read_text() + printer.certificate.read_text(), "utf-8")
    client = TLSSession(client_context(authority.ca, profile=profile), "127.0.0.1")
    server = TLSSession(server_context(both, profile=profile), None)
    shake_hands(client, server)
    assert client.certificate is not None
    assert set(client.certificate.names) == {"IP Address:127.0.0.1", "DNS:localhost"}
