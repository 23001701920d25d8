"""Busy polling: after each message to the peer, the event loop looks for the answer for a short time before it sleeps.

Sleeping and waking up takes longer than most peers on the same machine need to answer. A C-ECHO between our client and
our server takes 98 us without polling, 72 us if the server polls, and 40 us if both poll; an association with a C-ECHO
takes 770, 600 and 510 us.

A server polls while a single peer sends requests, but not while several peers take turns. Between two looks it leaves
the processor to any other program that is ready to run.

A client polls only if its event loop has no other task: eight clients in one process that all polled took 8 % longer
for their films. It polls for a shorter time than a server, and stops before most answers through a relay arrive: if a
client, a relay and a server all polled for long on two processors, they would delay each other. A client does not poll
if other programs keep all processors busy when its association begins: there, a program that sleeps gets a processor
sooner than one that polls.

Polling ends for a peer that has been late a few times in a row. It begins again when the peer is in time, and is also
tried again now and then. Polling pauses after another program had the processor. So it costs little processor time for
distant or slow peers, and on busy machines.
"""

import asyncio
import os
from time import perf_counter
from typing import Self

__all__ = ["MAX_MISSES", "SECONDS", "BusyPoll", "Polls", "yield_processor"]

_PROCESSORS = os.cpu_count() or 1  # counted once: Linux takes 6 us, more than half of a check of the load
SECONDS = 100e-6 if _PROCESSORS > 1 else 0.0  # on a single processor, polling would delay the peer itself
_CLIENT_SECONDS = 0.45 * SECONDS  # our server needs 14 us for a C-ECHO, 44 for the first one; a relay, 55 and more
MAX_MISSES = 4  # late answers in a row after which polling ends
_CYCLE = 512  # late answers after which polling is tried again; while nobody polls, the answers of a fast peer are late
_LONG_TURN = 500e-6  # seconds; in a longer turn of the loop, another program probably had the processor
_PAUSE = 0.1  # seconds without polling after such a turn
_LOAD = "/proc/loadavg"  # of Linux


def _do_nothing() -> None:
    pass


yield_processor = getattr(os, "sched_yield", _do_nothing)  # to programs that are ready to run; not on Windows


def _are_processors_busy() -> bool:
    """Return whether more programs are ready to run than there are processors; False if the system does not tell.

    This program is one of them, and so is a server that polls.
    """
    try:
        descriptor = os.open(_LOAD, os.O_RDONLY)  # takes half of the time of `open`
    except OSError:
        return False
    try:
        ready = os.read(descriptor, 100).split(b" ")[3].split(b"/")[0]
    finally:
        os.close(descriptor)
    return int(ready) > max(_PROCESSORS, 2)


class Polls:
    """The state that the polls of one server share. Each association of a client has its own state."""

    latest: "BusyPoll | None" = None  # the poll for the peer that was the last to send something, if still connected
    pause_end = 0.0  # when polling may begin again after another program had the processor


class BusyPoll:
    """The polling for one peer in an event loop. It lasts ``seconds`` after each message to the peer.

    With ``yields``, programs that are ready to run get the processor between two turns of the loop.
    """

    __slots__ = (
        "_is_alone",
        "_is_polling",
        "_is_waiting",
        "_loop",
        "_misses",
        "_needs_check",
        "_polls",
        "_seconds",
        "_sent",
        "_turn",
        "_yields",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, polls: Polls, seconds: float = SECONDS, *, yields: bool = True
    ) -> None:
        self._loop = loop
        self._polls = polls
        self._seconds = seconds
        self._yields = yields
        self._sent = 0.0  # when the latest message was sent
        self._turn = 0.0  # when the latest turn began
        self._is_waiting = False  # whether nothing has come since the latest message
        self._is_alone = True  # whether no other peer sent anything between the last two reads from this peer
        self._is_polling = False  # whether `_poll` will be called
        self._misses = 0  # late answers in a row
        self._needs_check = False  # whether the load is still to be checked

    @classmethod
    def of_client(cls, loop: asyncio.AbstractEventLoop, polls: Polls) -> Self:
        """Return the polling of a new client."""
        poll = cls(loop, polls, _CLIENT_SECONDS if len(asyncio.all_tasks(loop)) == 1 else 0.0, yields=False)
        poll._needs_check = bool(poll._seconds)
        return poll

    def sent(self) -> None:
        """Begin to poll, because a message was sent just now."""
        self._sent, self._is_waiting = perf_counter(), True
        if self._needs_check:
            self._needs_check = False
            if _are_processors_busy():  # takes 6 us, while the peer works
                self._seconds = 0.0
        if self._is_polling or not self._is_alone or not self._seconds or self._sent < self._polls.pause_end:
            return
        if self._misses < MAX_MISSES or not self._misses % _CYCLE:
            self._is_polling = True
            self._turn = self._sent
            self._loop.call_soon(self._poll)
        else:
            self._misses += 1

    def received(self) -> None:
        """Stop polling until the next message is sent, because the peer has sent something."""
        self._is_alone = self._polls.latest in (self, None)
        self._polls.latest = self
        if self._is_waiting:
            self._is_waiting = False
            if perf_counter() - self._sent < self._seconds:
                self._misses = 0
            else:
                self._misses += self._is_polling  # otherwise, it is counted already, or nobody polled for it

    def close(self) -> None:
        """Stop polling, because the connection has ended."""
        self._is_waiting = False
        if self._polls.latest is self:
            self._polls.latest = None

    def _poll(self) -> None:
        """Look at the clock in each turn. While a callback is ready, the loop looks for bytes without sleeping."""
        now = perf_counter()
        if now - self._turn > _LONG_TURN:
            self._polls.pause_end = now + _PAUSE
        self._turn = now
        if self._is_waiting and self._polls.latest in (self, None) and now - self._sent < self._seconds:
            if self._yields:
                yield_processor()
            self._loop.call_soon(self._poll)
        else:
            self._is_polling = False
            self._misses += self._is_waiting
