"""Writes lines of output without blocking the printer, even if their reader is slow, stops or goes away.

A pipe that is not read holds only some kilobytes, and a terminal accepts nothing after Ctrl-S, so a write could block
the event loop forever. Instead, a thread writes the lines from a bounded queue; lines that do not fit into the queue
are dropped and counted.

A client can cause any number of warnings and errors. So the log gets at most `_MAX_OF_A_KIND` of each kind in a minute;
two records are of one kind if they have the same logger and the same format, whatever values are put into the format.
"""

import logging
import os
import select
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from queue import Full, Queue
from time import monotonic
from typing import TextIO

from dimse.command_line import log_formatter
from dimse.errors import escaped

__all__ = ["Lines", "logged_lines", "server_lines"]

_MAX_LINES = 10_000  # lines that may wait in the queue
_MAX_CHARACTERS = 1 << 24  # characters of all waiting lines; a line of JSON can have all attributes of a film
_CLOSE_WAIT = 2.0  # seconds that `Lines.close` waits for a place in the queue, and then for a slow reader
_MAX_OF_A_KIND = 500  # warnings and errors of one kind that are logged in a minute
_MINUTE = 60.0  # seconds


class Lines:
    """Lines for ``stream``, which a thread writes in the order of the calls of `write`."""

    def __init__(self, stream: TextIO, max_lines: int = _MAX_LINES, max_characters: int = _MAX_CHARACTERS) -> None:
        self._stream = stream
        try:
            self._file: int | None = stream.fileno()
        except UnsupportedOperation:  # a stream in memory
            self._file = None
        self._queue: Queue[str | None] = Queue(max_lines)
        self._max_characters = max_characters
        self._waiting = 0  # characters of the waiting lines
        self._lost = 0
        self._lock = threading.Lock()  # guards `_waiting` and `_lost`
        self._thread = threading.Thread(target=self._run, name="lines", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread is running. It ends when `close` has been called, or when the reader is gone."""
        return self._thread.is_alive()

    def write(self, line: str) -> None:
        """Write ``line`` soon, or drop it if too many lines or characters wait, or the reader is gone."""
        if not self._thread.is_alive():
            return
        with self._lock:
            try:
                if self._waiting and self._waiting + len(line) > self._max_characters:
                    raise Full
                self._queue.put_nowait(line)
            except Full:
                self._lost += 1
            else:
                self._waiting += len(line)

    def close(self, patience: float = _CLOSE_WAIT) -> None:
        """Write the waiting lines, for at most twice ``patience`` seconds; the remaining lines are lost."""
        try:
            self._queue.put(None, timeout=patience)
        except Full:
            return
        self._thread.join(patience)

    def _run(self) -> None:
        reported = 0
        with suppress(OSError):  # the reader is gone
            while (line := self._queue.get()) is not None:
                self._write_text(f"{line}\n")
                with self._lock:
                    self._waiting -= len(line)
                    lost = self._lost
                if lost > reported:
                    self._write_text(f"{lost - reported} lines were dropped: the reader was too slow\n")
                    reported = lost

    def _write_text(self, text: str) -> None:
        if self._file is None:
            self._stream.write(text)
            return
        left = memoryview(text.encode(self._stream.encoding, "backslashreplace"))
        while left:  # bypass the stream: at exit, Python would wait for its lock
            try:
                left = left[os.write(self._file, left) :]
            except BlockingIOError:
                select.select((), (self._file,), ())


class _Quota:
    """A bound on the warnings and errors of each kind in a minute."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._counts: Counter[str] = Counter()

    def excess(self, *, is_over: bool = False) -> Iterator[str]:
        """At the end of the minute, yield a line for each kind with records that were not logged.

        ``is_over`` ends the minute early.
        """
        if is_over or monotonic() - self._began > _MINUTE:
            self._began = monotonic()
            counts, self._counts = self._counts, Counter()
            for kind, count in counts.items():
                if count > _MAX_OF_A_KIND:
                    yield f"{count - _MAX_OF_A_KIND} lines like the following were not logged: {kind}"

    def admits(self, record: logging.LogRecord) -> bool:
        """Count a record, and return whether to log it."""
        if record.levelno < logging.WARNING:  # the user has asked for all of them
            return True
        kind = escaped(f"{record.name}: {record.msg}")
        self._counts[kind] += 1
        return self._counts[kind] <= _MAX_OF_A_KIND


class _Handler(logging.Handler):
    """A log handler that writes records as `Lines`, within a quota."""

    def __init__(self, lines: Lines, formatter: logging.Formatter | None) -> None:
        super().__init__()
        self._lines = lines
        self._quota = _Quota()
        self.setFormatter(formatter)

    def close(self) -> None:
        for line in self._quota.excess(is_over=True):
            self._lines.write(line)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        for line in self._quota.excess():
            self._lines.write(line)
        if self._quota.admits(record):
            self._write(record)

    def _write(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as exc:  # as in `logging`, a wrong call of a logger does not stop the caller
            line = f"{record.name}: {record.msg!r} cannot be logged with {record.args!r}: {exc}"
        self._lines.write(line)


@contextmanager
def logged_lines(stream: TextIO, formatter: logging.Formatter) -> Iterator[None]:
    """While the block runs, send all log records to ``stream`` as `Lines`, not to the handlers of the root logger."""
    lines, root = Lines(stream), logging.getLogger()
    before, handler = root.handlers, _Handler(lines, formatter)
    root.handlers = [handler]
    try:
        yield
    finally:
        root.handlers = before
        handler.close()
        lines.close()


@contextmanager
def server_lines() -> Iterator[Lines]:
    """Yield `Lines` for stdout. While the block runs, other `Lines` write the log records to stderr."""
    lines = Lines(sys.stdout)
    try:
        with logged_lines(sys.stderr, log_formatter("%(asctime)s %(name)s: %(message)s")):
            yield lines
    finally:
        lines.close()
