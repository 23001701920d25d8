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


def acknowledged(steps: str) -> int:
    """Return how many short reads, each an "r", are acknowledged; "a" stands for an answer."""
    reads = ShortReads()
    with CountedSocket() as sock:
        for step in steps:
            if step == "r":
                reads.add(sock)
            else:
                reads.is_answered = True
        return sock.count


def test_short_read_is_acknowledged() -> None:
    assert acknowledged("r") == 1


def test_peer_of_whole_messages_is_acknowledged_at_first_only() -> None:
    assert acknowledged("ra" * 100) == 16


def test_peer_of_pieces_is_always_acknowledged() -> None:
    assert acknowledged("rra" * 100) == 200


def test_system_without_quick_acknowledgments_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_reads, "_QUICKACK", None)
    assert acknowledged("r") == 0
