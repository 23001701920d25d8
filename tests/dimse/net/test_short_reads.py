"""The acknowledgment of short reads."""

import socket

import pytest

from dimse.net import short_reads
from dimse.net.short_reads import ShortReads

pytestmark = pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="this system has no TCP_QUICKACK")


class CountedSocket(socket.socket):
    """A socket that counts the acknowledgments."""

    count = 0

    def setsockopt(self, *arguments: object) -> None:
        assert arguments == (socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self.count += 1


def acknowledged(*steps: int) -> int:
    """Return how many reads of these lengths are acknowledged; 0 stands for an answer."""
    reads = ShortReads()
    with CountedSocket() as sock:
        for nbytes in steps:
            if nbytes:
                reads.add(nbytes, sock)
            else:
                reads.answer()
        return sock.count


def test_short_read_is_acknowledged() -> None:
    assert acknowledged(80) == 1


def test_long_read_is_not_acknowledged() -> None:
    assert acknowledged(2048) == 0


def test_peer_of_whole_messages_is_acknowledged_at_first_only() -> None:
    assert acknowledged(*[80, 0] * 100) == 16


def test_peer_of_pieces_is_always_acknowledged() -> None:
    assert acknowledged(*[80, 80, 0] * 100) == 200


def test_system_without_quick_acknowledgments_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_reads, "_QUICKACK", None)
    assert acknowledged(80) == 0
