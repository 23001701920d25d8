"""The lines that a printer prints: a reader that is slow, stops or goes away does not hold it up.

A pipe that nobody reads takes some kilobytes, and a terminal nothing after Ctrl-S. A write would then wait for ever,
and the event loop with it. So a thread writes, behind a queue that is bounded: lines beyond it are lost, and counted.
"""

import logging
import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from queue import Full, Queue
from typing import TextIO

__all__ = ["Lines", "logged_lines"]

_MOST = 10_000  # lines that wait
_MOST_CHARACTERS = 1 << 24  # in the lines that wait: one tells all attributes of a film, as JSON
_PATIENCE = 2.0  # seconds at the end, for a reader that may still read


class Lines:
    """Lines for ``stream``, written in the order of `write` by a thread of their own."""

    def __init__(self, stream: TextIO, most: int = _MOST, most_characters: int = _MOST_CHARACTERS) -> None:
        self._stream = stream
        try:
            self._file: int | None = stream.fileno()
        except UnsupportedOperation:  # a stream in memory
            self._file = None
        self._queue: Queue[str | None] = Queue(most)
        self._most_characters = most_characters
        self._waiting = 0  # characters
        self._lost = 0
        self._lock = threading.Lock()  # for both numbers
        self._thread = threading.Thread(target=self._run, name="lines", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs: it ends with `close`, or when the reader is gone."""
        return self._thread.is_alive()

    def write(self, line: str) -> None:
        """Write ``line`` soon, or lose it where too many wait or the reader is gone."""
        if not self._thread.is_alive():
            return
        with self._lock:
            try:
                if self._waiting and self._waiting + len(line) > self._most_characters:
                    raise Full
                self._queue.put_nowait(line)
            except Full:
                self._lost += 1
            else:
                self._waiting += len(line)

    def close(self, patience: float = _PATIENCE) -> None:
        """Wait for the lines so far, ``patience`` seconds at most."""
        try:
            self._queue.put(None, timeout=patience)
        except Full:
            return
        self._thread.join(patience)

    def _run(self) -> None:
        told = 0
        with suppress(OSError):  # the reader is gone: there is nobody to tell
            while (line := self._queue.get()) is not None:
                self._put(f"{line}\n")
                with self._lock:
                    self._waiting -= len(line)
                    lost = self._lost
                if lost > told:
                    self._put(f"{lost - told} lines were lost: nobody read them in time\n")
                    told = lost

    def _put(self, text: str) -> None:
        if self._file is None:
            self._stream.write(text)
            return
        left = memoryview(text.encode(self._stream.encoding, "backslashreplace"))
        while left:  # not by the stream: Python waits for its lock when it ends
            try:
                left = left[os.write(self._file, left) :]
            except BlockingIOError:
                select.select((), (self._file,), ())


class _Handler(logging.Handler):
    """Log records as lines, with the formatter of the handler that they went to before."""

    def __init__(self, lines: Lines, formatter: logging.Formatter | None) -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.write(self.format(record))


@contextmanager
def logged_lines(stream: TextIO, formatter: logging.Formatter) -> Iterator[None]:
    """Send all log records to ``stream`` as lines while the block runs, instead of where they went."""
    lines, root = Lines(stream), logging.getLogger()
    before = root.handlers
    root.handlers = [_Handler(lines, formatter)]
    try:
        yield
    finally:
        root.handlers = before
        lines.close()
