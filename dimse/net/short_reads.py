"""The acknowledgment of short reads, for peers that wait for it before they send the rest of a message.

A sender with Nagle's algorithm waits for the acknowledgment of a short segment before it sends the next segment, and
the system may delay the acknowledgment by 40 ms. 20 C-ECHOs of such a sender (echoscu) take 0.03 s through the relay if
short reads are acknowledged at once, and 0.92 s otherwise. A peer that sends each message in one piece does not wait,
because the answer acknowledges the message. A C-ECHO of such a peer takes 8 us longer with the acknowledgment.
"""

import socket
from contextlib import suppress

__all__ = ["SHORT", "ShortReads"]

SHORT = 2048  # bytes; a read of fewer bytes is short
_MAX_UNKNOWN = 16  # after this number of short reads, all answered, the peer counts as a sender of whole messages
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class ShortReads:
    """The short reads from one peer."""

    __slots__ = ("_answered", "_sends_pieces", "is_answered")

    def __init__(self) -> None:
        self.is_answered = True  # whether bytes were sent to the peer after its latest short read; set by the sender
        self._answered = 0  # the number of short reads that were answered before the next one
        self._sends_pieces = False  # whether a short read was not answered before the next one

    def add(self, sock: socket.socket) -> None:
        """Note a short read, and acknowledge it at once if the peer may wait for the acknowledgment."""
        if self.is_answered:
            self.is_answered = False
            self._answered += 1
            if self._answered > _MAX_UNKNOWN and not self._sends_pieces:
                return
        else:
            self._sends_pieces = True
        if _QUICKACK is not None:
            with suppress(OSError):  # the connection is broken, which reading will report
                sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
