"""The lines and the live view of ``dimse tap``: a process that explains, and a bounded queue to that process.

Explaining takes longer than forwarding, and a hostile peer can make it take much longer. In a process of its own,
explaining neither delays the forwarding nor shares Python's lock with it. If explaining falls too far behind, the
association with the most bytes in the queue gets no further lines.
"""

import os
import signal
import socket
import sys
import time
from collections import Counter, deque
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Condition, Thread
from typing import NamedTuple

from ..errors import escaped
from ..explain.live import Live
from .tap_live import LiveView, Views

__all__ = ["LineOptions", "LineProcess", "step_back"]

_MOST_QUEUED = 1 << 27  # bytes in the queue; beyond this, one association gets no further lines
_BATCH = 1 << 22  # bytes to hand over to the process at once
_TURN = 0.02  # seconds between two batches, so that the forwarding does not share Python's lock at each message
_NICE = 10  # the programs on both sides come first
_TOO_FAR_BEHIND = "no more lines: the explanation is too far behind"
_OPENED, _RECEIVED, _CLOSED, _LOST = range(4)

_Item = tuple[int, int, str, bytes, float]  # association; kind; the side, or words to print; bytes; time


class LineOptions(NamedTuple):
    """What the process makes: lines unless ``is_quiet``, and a live view if it gets a listening socket."""

    is_quiet: bool = False
    is_redacted: bool = False
    live: socket.socket | None = None
    views: Views = tuple


_DEFAULT = LineOptions()


class LineProcess:
    """A process that prints lines on standard output; each line begins with the number of its association.

    It also serves the live view, if the options say so.
    """

    def __init__(self, options: LineOptions = _DEFAULT, *, most_queued: int = _MOST_QUEUED) -> None:
        self._most_queued = most_queued
        self._queue: deque[_Item] = deque()
        self._queued: Counter[int] = Counter()  # queued bytes by association
        self._lost: set[int] = set()  # associations that get no further lines
        self._changed = Condition()
        self._is_closed = False
        context = get_context("spawn")  # a fork would keep the sockets open
        receiver, self._sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_explain, args=(receiver, options), name="dimse tap: lines", daemon=True)
        self._process.start()
        receiver.close()
        self._feeder = Thread(target=self._feed, name="dimse tap: lines", daemon=True)
        self._feeder.start()

    def opened(self, number: int, title: str) -> None:
        """Print the beginning of an association."""
        self._put((number, _OPENED, title, b"", time.time()))

    def received(self, number: int, who: str, data: bytes) -> None:
        """Explain bytes of one side."""
        if number not in self._lost:
            self._put((number, _RECEIVED, who, data, time.time()))

    def closed(self, number: int, why: str) -> None:
        """Print the end of an association."""
        self._put((number, _CLOSED, why, b"", time.time()))

    def close(self) -> None:
        """Print everything in the queue, and end the process."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._feeder.join()
        self._process.join()

    def _put(self, item: _Item) -> None:
        with self._changed:
            if not self._queue:
                self._changed.notify()
            self._queue.append(item)
            self._queued[item[0]] += len(item[3])
            if self._queued.total() > self._most_queued:
                self._drop()

    def _drop(self) -> None:
        """Drop the bytes of the association with the most bytes in the queue, and all its later bytes."""
        ((number, _),) = self._queued.most_common(1)
        self._lost.add(number)
        self._queue = deque(item for item in self._queue if item[0] != number or item[1] != _RECEIVED)
        self._queue.append((number, _LOST, _TOO_FAR_BEHIND, b"", time.time()))
        del self._queued[number]

    def _feed(self) -> None:
        """Hand the queue over to the process. Once the process has ended, as at the end of a pipe, drop all items."""
        is_ended = False
        while items := self._next():
            if not is_ended:
                try:
                    self._sender.send(items)
                except OSError:
                    is_ended = True
        self._sender.close()

    def _next(self) -> list[_Item]:
        """Wait for items and return a batch; an empty list once the queue is closed and empty."""
        items: list[_Item] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closed)
            self._changed.wait_for(lambda: self._is_closed, _TURN)
            while self._queue and size < _BATCH:
                number, kind, _, data, _ = item = self._queue.popleft()
                items.append(item)
                size += len(data)
                self._queued[number] -= len(data)
                if not self._queued[number]:
                    del self._queued[number]
                if kind == _CLOSED:
                    self._lost.discard(number)
        return items


def step_back() -> None:
    """Lower the priority of this process, and leave Ctrl-C, which also reaches it, to the process that forwards."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)


def _explain(receiver: Connection, options: LineOptions) -> None:
    """Explain the received items until the other end is closed."""
    step_back()
    lives: dict[int, Live] = {}
    view = None
    if options.live is not None:
        view = LiveView(options.live, options.views, is_redacted=options.is_redacted)
    try:
        with suppress(EOFError, BrokenPipeError):  # the other end is closed, or the reader of the lines has gone
            while True:
                for item in receiver.recv():
                    if view is not None:
                        _show(view, item)
                    if not options.is_quiet:
                        for line in _lines(lives, item, options):
                            print(escaped(line))
                sys.stdout.flush()
    finally:
        if view is not None:
            view.close()


def _show(view: LiveView, item: _Item) -> None:
    number, kind, words, data, when = item
    if kind == _OPENED:
        view.opened(number, words, when)
    elif kind == _RECEIVED:
        view.received(number, words, data, when)
    else:
        view.closed(number, words)


def _lines(lives: dict[int, Live], item: _Item, options: LineOptions) -> list[str]:
    number, kind, words, data, _ = item
    if kind == _OPENED:
        lives[number] = Live(is_redacted=options.is_redacted)
        return [f"{number} = {'an association' if options.is_redacted else words}"]
    if kind == _RECEIVED:
        return [f"{number} {line}" for line in lives[number].receive(words, data)] if number in lives else []
    live = lives.pop(number, None)
    if kind == _LOST or live is None:
        return [f"{number} {'!' if kind == _LOST else '='} {words}"]
    return [*(f"{number} {line}" for line in live.close()), f"{number} = {words}"]
