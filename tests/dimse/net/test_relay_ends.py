"""The ends of a link: a reset is never taken for the end of the bytes."""

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest
from raw import HOST

from dimse.net.relay_ends import PlainEnd

RESET = struct.pack("ii", 1, 0)

Pair = tuple[PlainEnd, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Yield an end and its peer."""
    with socket.create_server((HOST, 0)) as listener:
        with socket.create_connection(listener.getsockname()) as peer:
            sock, address = listener.accept()
            with sock:
                yield PlainEnd(sock, address), peer


def test_end_of_the_bytes_is_an_end(pair: Pair) -> None:
    end, peer = pair
    peer.shutdown(socket.SHUT_WR)
    assert end.read(1) == b""
    end.check_end()


def test_end_of_both_directions_is_an_end(pair: Pair) -> None:
    end, peer = pair
    end.finish()
    assert peer.recv(1) == b""
    peer.close()
    assert end.read(1) == b""
    end.check_end()


def test_finish_during_the_check_of_an_end_is_no_reset(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    end, peer = pair
    peer.shutdown(socket.SHUT_WR)
    assert end.read(1) == b""
    name = end.socket.getpeername

    def finish_before() -> object:
        end.finish()  # as in the other thread
        assert peer.recv(1) == b""
        return name()

    monkeypatch.setattr(end, "socket", SimpleNamespace(getpeername=finish_before, shutdown=end.socket.shutdown))
    end.check_end()


def test_reset_that_another_thread_has_seen_is_no_end(pair: Pair) -> None:
    end, peer = pair
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()
    with pytest.raises(ConnectionResetError):
        end.read(1)
    with suppress(ConnectionResetError):  # not on Linux, which reports a reset once
        assert end.read(1) == b""
    with pytest.raises(ConnectionResetError):
        end.check_end()


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
