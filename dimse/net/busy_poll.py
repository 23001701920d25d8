"""Busy polling: after a response, the event loop of a server looks for the next request for a while before it sleeps.

Sleeping and waking up takes longer than most peers on the same machine need to send their next request. With polling, a
C-ECHO takes 72 us instead of 98, and an association with a C-ECHO 600 us instead of 770. If clients poll, too, a C-ECHO
takes 40 us; but eight clients in one process then need 8 % more time for their films.

Polling leaves the processor to any other program that is ready to run. A server polls while a single peer sends
requests, but not while several peers take turns. Polling ends for a peer that has been late a few times in a row, until
a request of that peer comes in time again. So polling for distant or slow peers costs no processor time.
"""

import asyncio
import os
from time import perf_counter

__all__ = ["MAX_MISSES", "SECONDS", "BusyPoll", "LatestPeer", "yield_processor"]

SECONDS = 100e-6 if (os.cpu_count() or 1) > 1 else 0.0  # on a single processor, polling would delay the peer itself
MAX_MISSES = 4  # late requests in a row after which polling ends


def _do_nothing() -> None:
    pass


yield_processor = getattr(os, "sched_yield", _do_nothing)  # to programs that are ready to run; not on Windows


class LatestPeer:
    """The peer of a server that was the last to send something. The polls of one server share this object."""

    poll: "BusyPoll | None" = None  # the poll for that peer; None before the first bytes, and after it has disconnected


class BusyPoll:
    """The polling for one peer in an event loop. It lasts ``seconds`` after each message to the peer."""

    __slots__ = ("_is_alone", "_is_polling", "_is_waiting", "_latest", "_loop", "_misses", "_seconds", "_sent")

    def __init__(self, loop: asyncio.AbstractEventLoop, latest: LatestPeer, seconds: float = SECONDS) -> None:
        self._loop = loop
        self._latest = latest
        self._seconds = seconds
        self._sent = 0.0  # when the latest message was sent
        self._is_waiting = False  # whether nothing has come since then
        self._is_alone = True  # whether no other peer sent anything between the last two reads from this peer
        self._is_polling = False  # whether `_poll` will be called
        self._misses = 0 if seconds else MAX_MISSES

    def sent(self) -> None:
        """Begin to poll, because a message was sent just now."""
        self._sent, self._is_waiting = perf_counter(), True
        if self._misses < MAX_MISSES and not self._is_polling and self._is_alone:
            self._is_polling = True
            self._loop.call_soon(self._poll)

    def received(self) -> None:
        """Stop polling until the next message is sent, because the peer has sent something."""
        self._is_alone = self._latest.poll in (self, None)
        self._latest.poll = self
        if self._is_waiting:
            self._is_waiting = False
            if self._misses and perf_counter() - self._sent < self._seconds:
                self._misses = 0

    def close(self) -> None:
        """Stop polling, because the connection has ended."""
        self._is_waiting = False
        if self._latest.poll is self:
            self._latest.poll = None

    def _poll(self) -> None:
        """Look at the clock in each turn. While a callback is ready, the loop looks for bytes without sleeping."""
        if self._is_waiting and self._latest.poll in (self, None) and perf_counter() - self._sent < self._seconds:
            yield_processor()
            self._loop.call_soon(self._poll)
        else:
            self._is_polling = False
            self._misses += self._is_waiting
