"""The ends of a link: what they read and send, and how they end."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Iterator

import pytest
from raw import HOST

from dimse.errors import RemoteProtocolError
from dimse.net.relay_ends import PlainEnd, SecureEnd
from dimse.net.short_reads import SHORT, ShortReads
from dimse.tls import TLSSession

RESET = struct.pack("ii", 1, 0)
MUCH = bytes(1 << 24)  # more than the system takes at once

Pair = tuple[PlainEnd, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Yield an end and its peer."""
    with socket.create_server((HOST, 0)) as listener:
        with socket.create_connection(listener.getsockname()) as peer:
            sock, address = listener.accept()
            with sock:
                sock.setblocking(False)
                yield PlainEnd(sock, address), peer


def receive(peer: socket.socket, count: int) -> bytes:
    """Receive ``count`` bytes, or fewer if the connection ends. A signal may cut off a single read."""
    data = bytearray()
    while len(data) < count and (more := peer.recv(count - len(data))):
        data += more
    return bytes(data)


def test_silent_peer_does_not_end_the_reading(pair: Pair) -> None:
    end, _ = pair
    assert (end.read(), end.is_ended) == (b"", False)


def test_half_closed_peer_ends_the_reading(pair: Pair) -> None:
    end, peer = pair
    peer.shutdown(socket.SHUT_WR)
    assert (end.read(), end.is_ended) == (b"", True)


def test_closed_peer_ends_the_reading(pair: Pair) -> None:
    end, peer = pair
    end.finish()
    assert peer.recv(1) == b""
    peer.close()
    assert (end.read(), end.is_ended) == (b"", True)


def test_reset_is_an_error(pair: Pair) -> None:
    end, peer = pair
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()
    with pytest.raises(ConnectionResetError):
        end.read()


async def test_error_without_a_number_has_its_text(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every event loop gives the errors of the system."""

    async def fail(*_: object) -> bytes:
        raise ConnectionResetError("the loop lost the connection")

    plain, _ = pair
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_recv", fail)
    session = TLSSession(ssl.create_default_context(), HOST)
    with pytest.raises(RemoteProtocolError, match=r"during the TLS handshake: the loop lost the connection$"):
        await SecureEnd(plain.socket, plain.address, session).handshake()


def test_bytes_that_the_system_does_not_take_are_unsent(pair: Pair) -> None:
    end, peer = pair
    end.write(MUCH)
    unsent = len(end.unsent)
    assert 0 < unsent < len(MUCH)
    assert len(receive(peer, len(MUCH) - unsent)) == len(MUCH) - unsent


def test_bytes_after_unsent_bytes_keep_their_order(pair: Pair) -> None:
    end, peer = pair
    end.write(MUCH)
    before = len(end.unsent)
    end.write(b"end")
    assert bytes(end.unsent[before:]) == b"end"
    receive(peer, len(MUCH) - before)
    while end.unsent:
        before = len(end.unsent)
        end.flush()
        last = receive(peer, before - len(end.unsent))
    assert last.endswith(b"end")


@pytest.mark.parametrize(("nbytes", "count"), [(SHORT - 1, 1), (SHORT, 0)])
def test_only_short_reads_are_acknowledged(
    nbytes: int, count: int, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    end, peer = pair
    acknowledged: list[object] = []
    monkeypatch.setattr(ShortReads, "add", lambda _, sock: acknowledged.append(sock))
    peer.sendall(bytes(nbytes))
    while end.socket.recv(SHORT, socket.MSG_PEEK) != bytes(nbytes):
        continue  # the bytes are on the way
    end.acknowledge(len(end.read()))
    assert acknowledged == [end.socket] * count


def test_finish_waits_for_unsent_bytes(pair: Pair) -> None:
    end, peer = pair
    end.write(MUCH)
    end.finish()
    left = len(MUCH)
    while left:
        left -= len(peer.recv(left))
        end.flush()
    assert peer.recv(1) == b""


def test_flush_of_a_full_connection_changes_nothing(pair: Pair) -> None:
    end, _ = pair
    end.write(MUCH)
    before = len(end.unsent)
    while True:  # until the system takes no more
        end.flush()
        if len(end.unsent) == before:
            break
        before = len(end.unsent)
    assert before > 0


def test_stopped_end_resets_the_connection(pair: Pair) -> None:
    end, peer = pair
    end.stop(resets=True)
    end.close()
    with pytest.raises(ConnectionResetError):
        peer.recv(1)


def test_stopped_end_without_reset_closes_the_connection(pair: Pair) -> None:
    end, peer = pair
    end.stop(resets=False)
    end.close()
    assert peer.recv(1) == b""
