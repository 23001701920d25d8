"""A TLS session without I/O: bytes in any pieces, the end, and wrong bytes."""

import pytest
from certificates import Authority, Identity
from handshakes import read, shake_hands
from raw import ECHO

from dimse.errors import (
    EncodeError,
    RemoteProtocolError,
)
from dimse.net import (
    VERIFICATION,
    TLSProfile,
    client_context,
    connect,
    serve,
    server_context,
)
from dimse.tls import TLSSession


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
def test_plain_bytes_are_not_tls(profile: TLSProfile, authority: Authority, printer: Identity, first: bytes) -> None:
    _, server = pair(authority, printer, profile)
    server.receive(first)
    with pytest.raises(RemoteProtocolError, match=r"^the peer does not speak TLS$"):
        server.handshake()
    assert server.data_to_send()[0] == 0x15  # an alert, which also shows a client without TLS that it needs TLS


async def test_context_of_the_other_side_raises(profile: TLSProfile, authority: Authority, printer: Identity) -> None:
    with pytest.raises(EncodeError, match="tls: not a context for serve"):
        async with serve([VERIFICATION], port=0, tls=client_context(authority.ca, profile=profile)):
            pass
    with pytest.raises(EncodeError, match="tls: not a context for connect"):
        async with connect("127.0.0.1", 1, ECHO, tls=server_context(*printer, profile=profile)):
            pass


@pytest.mark.parametrize("host", ["", ".example.org"])
async def test_malformed_host_raises(profile: TLSProfile, host: str) -> None:
    with pytest.raises(EncodeError, match="is not a valid host name"):
        async with connect(host, 1, ECHO, tls=client_context(profile=profile)):
            pass
