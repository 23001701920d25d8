"""Files for long Data Sets, so that a peer may send more than fits in memory.

A Data Set of more than `Disk.above` bytes is written to a file without a name while its fragments arrive, unless too
many files are open. The system removes the file once nothing uses it any more, even after a crash. A thread writes
windows of 1 MiB, so a slow disk does not block the event loop; while too many windows wait, this side does not read
from the peer. The received Data is a read-only map of the file, whose memory the system can take back at any time.

The request is performed once all windows are written (`FileMap.stored`). If the disk fails or is full, or if the
association or its host has too many bytes on it, the rest of the Data Set is dropped, and the request is answered with
a failure status (see `Performer`).
"""

import errno
import mmap
import os
import shutil
import sys
import tempfile
from asyncio import AbstractEventLoop, get_running_loop
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import BinaryIO, Self
from weakref import finalize

from ..errors import LimitExceeded
from ..message import FileMap, Sink
from ..ul import PDU, PDataTF
from ..ul.wire import Buffer
from .admission import allowed_descriptors
from .flow_control import DISK, FlowControl
from .thread_pool import ThreadPool

__all__ = ["Disk", "PeerDisk"]

WINDOW = 1 << 20  # bytes in one write
WAITING = 2  # windows of one Data Set; while this many wait to be written, this side does not read from the peer
MEMORY = (WAITING + 1) * WINDOW  # bytes of memory that one Data Set counts for
_THREADS = 4  # threads that write windows
_FILES = 256  # open files at most, and at most a quarter of all descriptors; further Data Sets stay in memory
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)  # the errors for too many open files

Step = Callable[[str], None]


def _no_step(name: str) -> None:
    """Do nothing at a named step. Tests pass a function that fails there."""


class Disk:
    """A folder for the files of Data Sets of more than ``above`` bytes, used in a ``with`` statement.

    Without ``folder``, it is the folder for large temporary files: TMPDIR, otherwise /var/tmp if this process can write
    there, otherwise the folder of `tempfile`. A Data Set is refused if fewer than ``least`` bytes are free when it
    begins. It is also refused if the files of its association would have more than ``association_size`` bytes together,
    or the files of its host more than ``host_size``. A file counts until the last view of it is gone. ``step`` is
    called with the name of each step, before the step and in the thread that does it.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None,
        *,
        above: int,
        least: int = 0,
        association_size: int = sys.maxsize,
        host_size: int = sys.maxsize,
        step: Step = _no_step,
    ) -> None:
        self.folder = _temporary_folder() if folder is None else folder
        self.above = above
        self.least = least
        self.association_size = association_size
        self.host_size = host_size
        self.step = step
        self._hosts: Counter[str] = Counter()  # bytes in the files of each host
        self._freed: deque[_Use] = deque()  # files that were closed, by any thread, and still count
        self.max_files = min(_FILES, allowed_descriptors() // 4) if hasattr(os, "pwrite") else 0  # none on Windows
        self._files: deque[None] = deque()  # one for each open file; any thread may remove one
        self._writers: ThreadPool | None = None

    def __enter__(self) -> Self:
        os.makedirs(self.folder, mode=0o700, exist_ok=True)  # noqa: PTH103  # any path-like object
        self._writers = ThreadPool(_THREADS, "dimse disk")
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._writers is not None:
            self._writers.shutdown()

    @property
    def files(self) -> int:
        """The number of files that are open."""
        return len(self._files)

    def of_peer(self, flow: FlowControl) -> "PeerDisk":
        """Return the storage for the Data Sets of one peer; ``flow`` stops reading from it while the disk is busy."""
        return PeerDisk(self, flow)

    def create(self) -> BinaryIO:
        """Create a file. Raises OSError, also if fewer than ``least`` bytes are free."""
        if self._writers is None:
            raise OSError(errno.ESHUTDOWN, "the disk is not open: use it in `with`")
        self.step("incoming created")
        if shutil.disk_usage(self.folder).free < self.least:
            raise OSError(errno.ENOSPC, f"fewer than {self.least} bytes are free on the disk")
        file = tempfile.TemporaryFile(dir=self.folder, buffering=0)  # noqa: SIM115  # its sink closes it
        self._files.append(None)
        return file

    def submit(self, file: BinaryIO, window: memoryview, offset: int) -> "Future[None]":
        """Write ``window``, which must not change meanwhile, in a thread. The future raises OSError."""
        assert self._writers is not None
        try:
            return self._writers.submit(self._write, file.fileno(), window, offset)
        except RuntimeError as exc:  # the disk was closed before the server, or the system allows no thread
            failed: Future[None] = Future()
            failed.set_exception(OSError(errno.EAGAIN, f"no thread can write: {exc}"))
            return failed

    def _write(self, descriptor: int, window: memoryview, offset: int) -> None:
        self.step("incoming write")
        while window:
            count = os.pwrite(descriptor, window, offset)
            window, offset = window[count:], offset + count

    def take(self, use: "_Use", size: int) -> None:
        """Count ``size`` more bytes of a file. Raises OSError if its association or host would have too many bytes."""
        while self._freed:
            freed = self._freed.popleft()
            freed.peer.size -= freed.size
            self._hosts[freed.host] -= freed.size
            if not self._hosts[freed.host]:
                del self._hosts[freed.host]
        if use.peer.size + size > self.association_size:
            raise OSError(errno.EDQUOT, f"the association may have at most {self.association_size} bytes on the disk")
        if self._hosts[use.host] + size > self.host_size:
            raise OSError(errno.EDQUOT, f"{use.host} may have at most {self.host_size} bytes on the disk")
        use.size += size
        use.peer.size += size
        self._hosts[use.host] += size

    def closed(self, use: "_Use") -> None:
        """Note that nothing uses a file any more; any thread may call this."""
        self._files.pop()
        self._freed.append(use)


class PeerDisk:
    """The storage for the long Data Sets of one peer."""

    def __init__(self, disk: Disk, flow: FlowControl) -> None:
        self._disk = disk
        self._flow = flow
        self.above = disk.above
        self.memory = MEMORY
        self.size = 0  # bytes in files

    def begin(self, limit: int) -> Sink | None:
        """Return a sink for a Data Set of at most ``limit`` bytes, or None if it must stay in memory."""
        if self._disk.files >= self._disk.max_files:
            return None
        sink = _FileSink(self._disk, self._flow, limit, _Use(self, self._flow.host))
        return None if sink.lacks_descriptor else sink


class _Use:
    """The part of the disk that one file of a peer uses."""

    __slots__ = ("host", "peer", "size")

    def __init__(self, peer: PeerDisk, host: str) -> None:
        self.peer, self.host = peer, host
        self.size = 0


class _FileSink:
    """The gathered fragments of one Data Set, in a file."""

    def __init__(self, disk: Disk, flow: FlowControl, limit: int, use: _Use) -> None:
        self.length = 0
        self._disk = disk
        self._flow = flow
        self._limit = limit
        self._use = use
        self._loop: AbstractEventLoop = get_running_loop()
        self._spare: list[memoryview] = []  # windows that have been written
        self._window = memoryview(bytearray(WINDOW))
        self._start = 0  # the offset of the window in the file
        self._writing = 0  # windows that are being written or wait for that
        self._is_over = False  # whether no more fragments follow
        self._holds = False  # whether this side does not read from the peer because of these windows
        self._stored: Future[None] = Future()
        self._file: BinaryIO | None = None
        try:
            self._file = disk.create()
        except OSError as exc:
            self._stored.set_exception(exc)

    def __del__(self) -> None:
        """Close the file if the event loop has ended before it was told that all windows are written."""
        if self._file is not None:
            self._file.close()

    @property
    def lacks_descriptor(self) -> bool:
        """Whether the file could not be created because too many are open."""
        error = self._stored.exception() if self._file is None and self._stored.done() else None
        return isinstance(error, OSError) and error.errno in _NO_DESCRIPTOR

    def add(self, data: Buffer) -> None:
        view = memoryview(data)
        if self.length + len(view) > self._limit:
            raise LimitExceeded("data_set", str(self.length + len(view)), self._limit, path="Data Set")
        while view:
            at = self.length - self._start
            part = view[: WINDOW - at]
            self._window[at : at + len(part)] = part
            self.length += len(part)
            view = view[len(part) :]
            if at + len(part) == WINDOW:
                self._write()

    def add_run(self, pdus: Sequence[PDU], context_id: int | None) -> int:
        """See `Assembler.add_run`; ``context_id`` is the context of the message under way."""
        taken = 0
        for pdu in pdus:
            if not isinstance(pdu, PDataTF) or len(pdu.pdvs) != 1:
                break
            pdv_context, data, is_command, is_last = pdu.pdvs[0]
            if is_command or is_last or pdv_context != context_id or self.length + len(data) > self._limit:
                break
            self.add(data)
            taken += 1
        return taken

    def _write(self) -> None:
        """Give the window to a thread, and take another window. Only the last window may be incomplete."""
        size, start = self.length - self._start, self._start
        window, self._start = self._window, self.length
        if self._file is None or self._stored.done():  # the disk has failed: the rest is dropped
            return
        try:
            self._disk.take(self._use, size)
        except OSError as exc:
            self._stored.set_exception(exc)
            return
        writing = self._disk.submit(self._file, window[:size], start)
        self._writing += 1
        if self._writing >= WAITING and not self._is_over:
            self._holds = True
            self._flow.hold(DISK)
        self._window = self._spare.pop() if self._spare else memoryview(bytearray(WINDOW))
        writing.add_done_callback(lambda done: self._report(done, window))

    def _report(self, done: "Future[None]", window: memoryview) -> None:
        """Tell the event loop that a window is written, or that writing it has failed; this can run in the thread."""
        try:
            self._loop.call_soon_threadsafe(self._written, done, window)
        except RuntimeError:  # the loop is closed, so nobody waits
            self._writing -= 1
            self._finish()

    def _written(self, done: "Future[None]", window: memoryview) -> None:
        self._writing -= 1
        self._spare.append(window)
        if (error := done.exception()) is not None and not self._stored.done():
            self._stored.set_exception(error)
        if self._writing < WAITING:
            self._let_go()
        self._finish()

    def _finish(self) -> None:
        """Close the file if nothing more will be written; a map keeps it open."""
        if not self._is_over or self._writing:
            return
        if self._file is not None:
            self._file.close()
            self._file = None
        if not self._stored.done():
            self._stored.set_result(None)
        self._spare.clear()

    def data(self) -> memoryview:
        """Return a view of a map of the file; the file is complete when ``stored`` of the map has its result.

        If the Data Set could not be stored, return an empty view of a map whose ``stored`` has the error.
        """
        self._is_over = True
        if self._file is None or self._stored.done():
            self._release()
            return memoryview(_mapped(None, 0, self._stored))[:0]
        try:
            os.ftruncate(self._file.fileno(), self.length)
            whole = _mapped(self._file, self.length, self._stored)
        except (OSError, ValueError) as exc:
            self._stored.set_exception(exc if isinstance(exc, OSError) else OSError(errno.ENOMEM, str(exc)))
            self._release()
            return memoryview(_mapped(None, 0, self._stored))[:0]
        finalize(whole, self._disk.closed, self._use).atexit = False
        self._write()
        self._let_go()
        self._finish()
        return memoryview(whole)

    def drop(self) -> None:
        """Forget the Data Set, because the association has ended."""
        self._is_over = True
        self._stored.cancel()
        self._release()

    def _release(self) -> None:
        if self._file is not None:
            self._disk.closed(self._use)
        self._let_go()
        self._finish()

    def _let_go(self) -> None:
        """Let this side read from the peer again, unless another Data Set of the peer still waits for the disk."""
        if self._holds:
            self._holds = False
            self._flow.release(DISK)


def _mapped(file: BinaryIO | None, length: int, stored: "Future[None]") -> FileMap:
    """Return a read-only map of ``file``; without a file, a page of zeros for a Data Set that could not be stored."""
    whole = FileMap(-1, mmap.PAGESIZE) if file is None else FileMap(file.fileno(), length, access=mmap.ACCESS_READ)
    whole.stored = stored
    return whole


def _temporary_folder() -> str:
    """Return the folder for large temporary files. /tmp is often in memory, unlike /var/tmp (FHS 5.15)."""
    if "TMPDIR" not in os.environ and os.access("/var/tmp", os.W_OK | os.X_OK):
        return "/var/tmp"
    return tempfile.gettempdir()
