"""Writes lines of output without blocking the printer, even if their reader is slow, stops or goes away.

A pipe that is not read holds only some kilobytes, and a terminal accepts nothing after Ctrl-S, so a write could block
the event loop forever. Instead, a thread writes the lines from a bounded queue; lines that do not fit into the queue
are dropped and counted.
"""

import logging
import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from queue import Full, Queue
from typing import TextIO

from dimse.command_line import log_formatter

__all__ = ["Lines", "logged_lines", "server_lines"]

_MAX_LINES = 10_000  # lines that may wait in the queue
_MAX_CHARACTERS = 1 << 24  # characters of all waiting lines; a line of JSON can have all attributes of a film
_CLOSE_WAIT = 2.0  # seconds that `Lines.close` waits for a place in the queue, and then for a slow reader


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


class _Handler(logging.Handler):
    """A log handler that writes records as `Lines`."""

    def __init__(self, lines: Lines, formatter: logging.Formatter | None) -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as exc:  # as in `logging`, a wrong call of a logger does not stop the caller
            line = f"{record.name}: {record.msg!r} cannot be logged with {record.args!r}: {exc}"
        self._lines.write(line)


@contextmanager
def logged_lines(stream: TextIO, formatter: logging.Formatter) -> Iterator[None]:
    """While the block runs, send all log records to ``stream`` as `Lines`, instead of to the current handlers."""
    lines, root = Lines(stream), logging.getLogger()
    before = root.handlers
    root.handlers = [_Handler(lines, formatter)]
    try:
        yield
    finally:
        root.handlers = before
        lines.close()


@contextmanager
def server_lines() -> Iterator[Lines]:
    """Yield `Lines` for stdout. While the block runs, log records go to stderr as `Lines`, too."""
    lines = Lines(sys.stdout)
    try:
        with logged_lines(sys.stderr, log_formatter("%(asctime)s %(name)s: %(message)s")):
            yield lines
    finally:
        lines.close()
