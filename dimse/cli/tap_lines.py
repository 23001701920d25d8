"""The lines and the live view of ``dimse tap``: the process that makes them, and the queue to that process.

Explaining takes longer than forwarding, and a hostile peer can make it take much longer. In a process of its own,
explaining neither delays the forwarding nor shares the GIL with it. If explaining falls too far behind, the
association with the most bytes in the queue gets no further lines.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import NamedTuple

from ..command_line import escape_unencodable
from ..errors import escaped
from ..explain.live import Live
from ..net.byte_queue import Queue
from .tap_live import LiveView, Views

__all__ = ["CLOSED", "LOST", "OPENED", "RECEIVED", "Item", "LineOptions", "LineProcess", "Lines", "yield_to_forwarding"]

_MAX_QUEUED = 1 << 27  # bytes in the queue; beyond that, the association with the most bytes gets no more lines
_MAX_HELD = 1 << 28  # bytes of all incomplete messages; beyond that, the association with the most gets no more lines
_BATCH = 1 << 22  # bytes to hand over to the process at a time
_MAX_ITEMS = 256  # items to hand over at a time: few, because pickle holds the GIL, which the forwarding needs
_PAUSE = 0.02  # seconds to wait for a batch
_PATIENCE = 10.0  # seconds for the reader of the lines to read some of them, while the command ends
_NICE = 10  # is added to the niceness of the process, so that the programs on both sides come first
_TOO_FAR_BEHIND = "no more lines: the explanation is too far behind"
_FULL = "no more lines: the incomplete messages of all associations have more than {} bytes"

OPENED, RECEIVED, CLOSED, LOST = range(4)  # the kinds of items


class Item(NamedTuple):
    """An event of an association, as the process gets it.

    ``kind`` is `OPENED`, `RECEIVED`, `CLOSED` or `LOST`, which stands for missing bytes. ``words`` is the text to
    print, or for `RECEIVED` the side that sent ``data``. ``when`` is in seconds since 1970.
    """

    association: int
    kind: int
    words: str
    data: bytes
    when: float


class LineOptions(NamedTuple):
    """The outputs of the process: lines unless ``is_quiet``, and a live view if it gets a listening socket ``live``.

    ``host`` is the name that the user gave for the address of that socket. For each association in the live view,
    ``views`` returns new views, which see its messages; `tuple` returns no views.
    """

    is_quiet: bool = False
    is_redacted: bool = False
    live: socket.socket | None = None
    host: str = ""
    views: Views = tuple


_DEFAULT = LineOptions()


class LineProcess:
    """A process that prints lines on standard output; each line begins with the number of its association.

    It also serves the live view, if the options say so.
    """

    def __init__(
        self, options: LineOptions = _DEFAULT, *, max_queued: int = _MAX_QUEUED, patience: float = _PATIENCE
    ) -> None:
        self._queue: Queue[int, Item] = Queue(max_queued, _lost)
        self._patience = patience
        self._handed = 0  # batches that the process has got
        context = get_context("spawn")  # a fork would keep the sockets open
        receiver, self._sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_explain, args=(receiver, options), name="dimse tap: lines", daemon=True)
        self._process.start()
        receiver.close()
        self._feeder = Thread(target=self._feed, name="dimse tap: lines", daemon=True)
        self._feeder.start()

    def opened(self, number: int, title: str) -> None:
        """Show the beginning of an association; ``title`` has both addresses."""
        self._queue.put(Item(number, OPENED, title, b"", time.time()))

    def received(self, number: int, side: str, data: bytes, when: float | None = None) -> None:
        """Explain ``data`` of one ``side``, `REQUESTOR` or `ACCEPTOR`, received ``when`` (as in `Item`) or now."""
        when = time.time() if when is None else when
        self._queue.put_bytes(number, Item(number, RECEIVED, side, data, when), len(data))

    def closed(self, number: int, why: str) -> None:
        """Show the end of an association; ``why`` says in words how it ended."""
        self._queue.forget(number)
        self._queue.put(Item(number, CLOSED, why, b"", time.time()))

    def close(self) -> None:
        """Explain everything in the queue, and end the process.

        If it makes no progress for a time, because nobody reads its lines, kill it.
        """
        self._queue.close()
        handed = -1
        while self._feeder.is_alive() and handed != self._handed:
            handed = self._handed
            self._feeder.join(self._patience)
        self._process.join(self._patience)
        if self._process.is_alive():
            print(f"dimse: lines are missing: nobody has read them for {self._patience:g} s", file=sys.stderr)
            self._process.kill()
        self._feeder.join()
        self._process.join()

    def _feed(self) -> None:
        """Hand the items of the queue over to the process.

        If the process has ended, because nobody reads its lines any more, drop the items.
        """
        is_ended = False
        while items := self._queue.take(_BATCH, _PAUSE):
            try:
                for start in range(0, 0 if is_ended else len(items), _MAX_ITEMS):
                    self._sender.send(items[start : start + _MAX_ITEMS])
                    self._handed += 1
            except OSError:
                is_ended = True
        self._sender.close()


def _lost(number: int) -> Item:
    return Item(number, LOST, _TOO_FAR_BEHIND, b"", time.time())


def yield_to_forwarding() -> None:
    """Lower the priority of this process, and leave Ctrl-C, which also reaches it, to the process that forwards."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)


def _explain(receiver: Connection, options: LineOptions) -> None:
    """Explain the received items until the other end is closed."""
    yield_to_forwarding()
    escape_unencodable()
    lines = Lines(options)
    view = None
    if options.live is not None:
        view = LiveView(options.live, options.views, is_redacted=options.is_redacted, host=options.host)
    try:
        with suppress(EOFError, BrokenPipeError):  # the other end is closed, or the reader of the lines has gone
            while True:
                for item in receiver.recv():
                    if view is not None:
                        _show(view, item)
                    if not options.is_quiet:
                        for line in lines.of(item):
                            print(escaped(line))
                sys.stdout.flush()
    finally:
        if view is not None:
            view.close()


def _show(view: LiveView, item: Item) -> None:
    number, kind, words, data, when = item
    if kind == OPENED:
        view.opened(number, words, when)
    elif kind == RECEIVED:
        view.received(number, words, data, when)
    else:
        view.closed(number, words)


class Lines:
    """The lines of all associations. The incomplete messages of all associations have at most ``max_held`` bytes."""

    def __init__(self, options: LineOptions = _DEFAULT, *, max_held: int = _MAX_HELD) -> None:
        self._is_redacted = options.is_redacted
        self._max_held = max_held
        self._lives: dict[int, Live] = {}
        self._held = 0  # bytes of incomplete messages

    def of(self, item: Item) -> Iterator[str]:
        """Yield the lines of an item of the queue."""
        number, kind, words, data, _ = item
        if kind == OPENED:
            self._lives[number] = Live(is_redacted=self._is_redacted)
            yield f"{number} = {'an association' if self._is_redacted else words}"
        elif kind == RECEIVED:
            if number in self._lives:
                yield from self._received(number, words, data)
        else:
            live = self._lives.pop(number, None)
            if live is not None:
                self._held -= live.held
                if kind == CLOSED:
                    yield from (f"{number} {line}" for line in live.close())
            yield f"{number} {'!' if kind == LOST else '='} {words}"

    def _received(self, number: int, side: str, data: bytes) -> Iterator[str]:
        live = self._lives[number]
        before = live.held
        for line in live.receive(side, data):
            yield f"{number} {line}"
        self._held += live.held - before
        if self._held > self._max_held:
            largest = max(self._lives, key=lambda one: self._lives[one].held)
            self._held -= self._lives[largest].held
            self._lives[largest].forget()
            yield f"{largest} ! {_FULL.format(self._max_held)}"
