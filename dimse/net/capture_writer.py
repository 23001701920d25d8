"""The thread that writes captures, so that no disk delays the event loop.

The event loop hands over copies of the bytes. The thread makes packets of them, and hands many packets to the system in
one call. The thread runs only while connections are recorded or work waits.

If the disk is slow, the bytes wait in a queue. While the queue is long, associations wait, too. If the queue becomes
too long nevertheless, the recording with the most bytes in the queue ends.
"""

import asyncio
import atexit
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread

from ..errors import escaped
from ..explain.pcapng import Part, capture_header
from .byte_queue import Queue
from .copy_memory import CopyMemory

__all__ = ["PATIENCE", "CaptureFile", "CaptureWriter", "Work"]

Work = Callable[[], None]  # something that the thread does

_log = logging.getLogger("dimse.net")
_PRIVATE = 0o600  # permissions; a recording may contain patient data
_BATCH = 1 << 18  # bytes in one write: few, so that most of a film is written while it is still being sent
# Seconds to wait for a batch. If the process is killed, the bytes of this time are lost, or more if the disk is slow.
_PAUSE = 0.05
PATIENCE = 10.0  # seconds for the disk to write the waiting bytes
_MAX_PARTS = 1024  # buffers that Linux takes in one call
_BINARY = getattr(os, "O_BINARY", 0)  # on Windows


class CaptureFile:
    """A capture, open while a connection uses it. All methods but `replace` are for the thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._users = 0
        self._descriptor: int | None = None
        self.has_failed = False  # whether an error of the disk has ended the capture
        self._parts: list[Part] = []  # to be written
        self._packets: list[int] = []  # how many of the parts each packet has

    def replace(self) -> Work | None:
        """Begin an empty capture, whatever the file contains.

        Return the rest of the work, which is for the thread because removing old bytes takes time, or None if there are
        no old bytes. Raises OSError.
        """
        header = capture_header()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | _BINARY, _PRIVATE)
        try:
            is_longer = os.fstat(descriptor).st_size > len(header)
            os.write(descriptor, header)
        except OSError:
            os.close(descriptor)
            raise
        if is_longer:
            return partial(self._shorten, descriptor, len(header))
        os.close(descriptor)
        return None

    def enter(self) -> None:
        """Open the file for one more connection, unless the capture has ended. Raises OSError."""
        if not self._users and not self.has_failed:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _BINARY, _PRIVATE)
            if not os.fstat(self._descriptor).st_size:
                self.add([capture_header()])
        self._users += 1

    def leave(self) -> None:
        """Write everything that was added, and close the file if this was its last connection."""
        self.flush()
        self._users -= 1
        if not self._users:
            self._close()

    def add(self, packet: Sequence[Part]) -> None:
        """Add a packet, which the next `flush` writes."""
        self._parts += packet
        self._packets.append(len(packet))

    def flush(self) -> None:
        """Write the packets that were added. An error is logged, and ends the capture."""
        parts, packets = self._parts, self._packets
        self._parts, self._packets = [], []
        if self._descriptor is None or not parts:
            return
        try:
            _write_all(self._descriptor, parts, packets)
        except OSError as exc:
            self._report(exc)
            self._close()

    def _shorten(self, descriptor: int, length: int) -> None:
        try:
            # Not O_TRUNC: ext4 forces a file to the disk when it is closed after its length was 0. For a recording of
            # 6 MiB that is replaced again and again, this takes 0.3 ms instead of 0.7 to 3.5 ms.
            os.ftruncate(descriptor, length)
        except OSError as exc:
            self._report(exc)
        finally:
            os.close(descriptor)

    def _report(self, error: OSError) -> None:
        """Log the first error."""
        if not self.has_failed:
            self.has_failed = True
            _log.error("%s: the recording ends here: %s", escaped(str(self.path)), error)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):  # all bytes are already written, or their loss is already reported
                os.close(descriptor)


def _write_all(descriptor: int, parts: Sequence[Part], packets: Iterable[int]) -> None:
    """Write ``parts``; ``packets`` has the number of parts of each packet.

    If that fails, remove the packet that was written in part, and raise OSError.
    """
    written = 0
    try:
        for start in range(0, len(parts), _MAX_PARTS):
            batch = parts[start : start + _MAX_PARTS]
            rest = sum(map(len, batch))
            while rest:
                count = _write(descriptor, batch)
                written, rest = written + count, rest - count
                batch = _without(batch, count) if rest else ()
    except OSError:
        rest, place = written, 0
        for count in packets:
            length = sum(map(len, parts[place : place + count]))
            if length > rest:
                break
            rest, place = rest - length, place + count
        with suppress(OSError):  # a pipe or a device has no length
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - rest)
        raise


def _write(descriptor: int, parts: Sequence[Part]) -> int:
    """Write what the system takes in one call; return the number of bytes."""
    return os.writev(descriptor, parts) if hasattr(os, "writev") else os.write(descriptor, b"".join(parts))


def _without(parts: Sequence[Part], count: int) -> list[Part]:
    """Return ``parts`` without their first ``count`` bytes; there are more bytes than that."""
    place = 0
    while count >= len(parts[place]):
        count -= len(parts[place])
        place += 1
    return [memoryview(parts[place])[count:], *parts[place + 1 :]]


class CaptureWriter:
    """The thread and its queue of at most ``max_queued`` bytes. Log messages name the file or folder ``name``."""

    def __init__(self, name: str, max_queued: int) -> None:
        self.copies = CopyMemory()
        self._name = name
        self._queue: Queue[Work, Work] = Queue(max_queued, lambda give_up: give_up)
        self._lock = Lock()  # guards `_thread` and `_recordings`
        self._thread: Thread | None = None
        self._recordings = 0  # recordings that have begun and not ended
        self._files: set[CaptureFile] = set()  # with packets to write

    @property
    def waiting(self) -> int:
        """The number of bytes in the queue."""
        return self._queue.size

    def do(self, work: Work) -> None:
        """Do ``work`` in the thread, or now if no thread can be started."""
        with self._lock:
            if self._start() is None:
                self._queue.put(work, is_urgent=True)
                return
        work()

    def begin(self, work: Work) -> RuntimeError | None:
        """Begin a recording: do ``work`` in the thread. Return the error if no thread can be started."""
        with self._lock:
            error = self._start()
            if error is None:
                self._recordings += 1
                self._queue.put(work)
        return error

    def _start(self) -> RuntimeError | None:
        """Start the thread, unless it runs. Return the error if the system allows no more threads."""
        if self._thread is None:
            thread = Thread(target=self._run, name="dimse: recordings", daemon=True)
            try:
                thread.start()  # the new thread waits for the lock, which the caller holds
            except RuntimeError as exc:
                return exc
            self._thread = thread
            atexit.register(self.finish)
        return None

    def add(self, give_up: Work, work: Work, size: int) -> None:
        """Do ``work`` in the thread; ``work`` holds ``size`` bytes until then.

        ``give_up`` identifies the recording. If too many bytes wait, the recording that has the most loses its waiting
        and all its later work; the thread calls its ``give_up`` instead.
        """
        self._queue.put_bytes(give_up, work, size)

    def end(self, give_up: Work, work: Work) -> None:
        """Do ``work`` in the thread, and end the recording that ``give_up`` identifies."""
        self._queue.forget(give_up)
        self._queue.put(partial(self._end, work), is_urgent=True)

    def drop(self, give_up: Work) -> None:
        """Drop the work of the recording that ``give_up`` identifies: what waits now, and what is added later."""
        self._queue.drop(give_up)

    def call(self, callback: Callable[[bool], None]) -> None:
        """Call ``callback`` in the event loop: with True when everything added so far is written, or with False after
        `PATIENCE` seconds.
        """
        loop = asyncio.get_running_loop()
        waiting = [callback]

        def done(is_written: bool) -> None:
            timer.cancel()
            if waiting:
                waiting.pop()(is_written)

        def notify() -> None:
            with suppress(RuntimeError):  # the event loop is closed
                loop.call_soon_threadsafe(done, True)

        timer = loop.call_later(PATIENCE, done, False)
        self._notify_when_written(notify)

    def finish(self, seconds: float = PATIENCE) -> bool:
        """Wait up to ``seconds`` until everything is written. Return whether that succeeded; if it did not, log it."""
        is_written = Event()
        self._notify_when_written(is_written.set)
        if is_written.wait(seconds):
            return True
        self.report(seconds)
        return False

    def report(self, seconds: float = PATIENCE) -> None:
        """Log that the disk did not take the waiting bytes within ``seconds``. The process can exit without them."""
        left = self._queue.size + self._queue.taken
        words = "incomplete: the disk did not take the last bytes, at most %d, within %g s"
        _log.error(f"%s: {words}", self._name, left, seconds)
        atexit.unregister(self.finish)

    def _notify_when_written(self, notify: Work) -> None:
        """Call ``notify`` when everything added so far is written: in the thread, or now if there is no thread."""
        with self._lock:
            has_thread = self._thread is not None
            if has_thread:
                self._queue.put(partial(self._flush_and_notify, notify), is_urgent=True)
        if not has_thread:
            notify()

    # --- in the thread ---

    def touch(self, file: CaptureFile) -> None:
        """Write the packets of ``file`` soon."""
        self._files.add(file)

    def _run(self) -> None:
        while self._is_needed():
            self._perform(self._queue.take(_BATCH, _PAUSE))
            self._flush()

    def _perform(self, works: Iterable[Work]) -> None:
        """Do ``works``, and keep no reference to them, so that the memory of their bytes can be used again."""
        for work in works:
            try:
                work()
            except Exception:
                _log.exception("%s: a recording failed", self._name)

    def _is_needed(self) -> bool:
        with self._lock:
            if self._recordings or not self._queue.is_empty:
                return True
            self._thread = None
            atexit.unregister(self.finish)
            return False

    def _end(self, work: Work) -> None:
        try:
            work()
        finally:
            with self._lock:
                self._recordings -= 1

    def _flush_and_notify(self, notify: Work) -> None:
        self._flush()
        notify()

    def _flush(self) -> None:
        for file in self._files:
            file.flush()
        self._files.clear()
