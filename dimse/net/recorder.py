"""Recordings of associations: a trace that writes all bytes of both sides into captures, for `dimse explain`.

Bytes are taken where they enter and leave the upper layer, so invalid bytes are recorded as they are, and bytes of TLS
connections are recorded decrypted. For this reason, connections with TLS are recorded only on request.

A thread writes the captures (see `dimse.net.capture_writer`) from copies of the bytes, while the association goes on.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..errors import escaped
from ..explain.pcapng import Address, Flow, Part
from ..ul.wire import Buffer
from .capture_writer import PATIENCE, CaptureFile, CaptureWriter, Work
from .flow_control import DISK, FlowControl
from .trace import Record, Trace

__all__ = ["Recorder", "Tap", "address_of", "record"]

_log = logging.getLogger("dimse.net")
_MOST_QUEUED = 1 << 27  # bytes that wait for the disk; beyond this, one recording ends
_ENOUGH_QUEUED = 1 << 25  # the same; beyond this, associations wait for the disk
_TOO_SLOW = "the disk is too slow"


def record(path: str | os.PathLike[str], *, tls: bool = False, also: Trace | None = None) -> "Recorder":
    """Return a trace that writes a capture: ``trace=record("print.pcapng")``.

    A path that ends in ``.pcapng`` is one file for all associations; an existing file is replaced. Any other path is a
    folder, created if needed, which gets one file per association. ``tls`` also records connections with TLS,
    decrypted. ``also`` is called with the records of all events. Raises OSError if the file or folder cannot be
    created. The captures are complete when the block of `connect` or `serve` has been left.
    """
    return Recorder(Path(path), tls=tls, also=also)


def address_of(name: object) -> Address:
    """Return address and port of a socket's name; a socket of another kind has none."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else ("", 0)


class Recorder:
    """A trace that records bytes; created by `record`.

    A full disk ends the recording, never an association. A slow disk makes associations wait, for up to `PATIENCE`
    seconds; then the recording ends. More than ``most_queued`` bytes never wait for the disk.
    """

    def __init__(
        self, path: Path, *, tls: bool = False, also: Trace | None = None, most_queued: int = _MOST_QUEUED
    ) -> None:
        self.also = also
        self._records_tls = tls
        self._folder = None if path.suffix == ".pcapng" else path
        self._file = CaptureFile(path)
        self._count = 0
        self._writer = CaptureWriter(escaped(str(path)), most_queued)
        if self._folder is None:
            rest = self._file.replace()
            if rest is not None:
                self._writer.do(rest)
        else:
            self._folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, event: Record) -> None:
        if self.also is not None:
            self.also(event)

    def tap(self, local: Address, peer: Address, *, is_client: bool, is_secure: bool) -> "Tap | None":
        """Return the tap of a new connection; None if the connection is not to be recorded."""
        if is_secure and not self._records_tls:
            _log.warning("%s:%s: not recorded, because it uses TLS", *peer)
            return None
        self._count += 1
        file = self._file if self._folder is None else self._own_file(self._folder, peer)
        return Tap(self._writer, file, local, peer, is_client=is_client)

    def finish(self, seconds: float = PATIENCE) -> bool:
        """Wait up to ``seconds`` until everything is written. Return whether it is; if not, a log says so."""
        return self._writer.finish(seconds)

    async def written(self) -> None:
        """Wait until everything is written; after `PATIENCE` seconds, a log says what is missing."""
        future = asyncio.get_running_loop().create_future()
        self._writer.call(partial(_settle, future))
        if not await future:
            self._writer.report()

    def _own_file(self, folder: Path, peer: Address) -> CaptureFile:
        host = "".join(char if char.isalnum() or char == "." else "-" for char in peer[0])
        name = f"{time.strftime('%Y%m%dT%H%M%S')}-{self._count:05}-{host}-{peer[1]}.pcapng"
        return CaptureFile(folder / name)


def _settle(future: "asyncio.Future[bool]", is_written: bool) -> None:
    if not future.done():
        future.set_result(is_written)


class Tap:
    """A recording of one connection. The methods copy bytes; a thread records them."""

    def __init__(
        self, writer: CaptureWriter, file: CaptureFile, local: Address, peer: Address, *, is_client: bool
    ) -> None:
        self.path = file.path
        self._writer = writer
        self._file = file
        self._is_client = is_client
        self._is_open = False
        self._is_cut = False
        self._flow = Flow(*((local, peer) if is_client else (peer, local)))
        writer.begin(partial(self._open, peer, time.time_ns()))

    @property
    def is_behind(self) -> bool:
        """Whether the connection should wait until everything so far is written."""
        return self._writer.waiting > _ENOUGH_QUEUED and not self._is_cut

    def sent(self, buffers: Sequence[Buffer]) -> None:
        """Record what this side wrote."""
        self._add_bytes(self._is_client, buffers)

    def received(self, data: Buffer, flow: FlowControl | None = None) -> None:
        """Record what the peer wrote. If the disk is behind, hold ``flow``."""
        self._add_bytes(not self._is_client, (data,))
        if flow is not None and self.is_behind:
            flow.hold(DISK)
            self._call_when_written(partial(flow.release, DISK))

    def _add_bytes(self, by_client: bool, buffers: Sequence[Buffer]) -> None:
        data = self._writer.copies.copy(buffers)
        self._writer.add(self._lose, partial(self._write, by_client, data, time.time_ns()), len(data))

    def closed(self, finished: Callable[[bool], None] | None = None) -> None:
        """Record the end. Once the file is complete, ``finished`` is called in the thread.

        Its argument says whether the recording ends before the connection.
        """
        self._writer.end(self._lose, partial(self._close, time.time_ns(), finished))

    async def written(self) -> float:
        """Wait until everything so far is written; after `PATIENCE` seconds, end the recording instead.

        Return the seconds that this took.
        """
        loop = asyncio.get_running_loop()
        start, future = loop.time(), loop.create_future()
        self._call_when_written(partial(_settle, future, True))
        await future
        return loop.time() - start

    def _call_when_written(self, callback: Work) -> None:
        """Call ``callback`` in the event loop when `written` would return."""
        if self._is_cut:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._writer.call(partial(self._go_on, callback))

    def _go_on(self, callback: Work, is_written: bool) -> None:
        if not is_written:
            self._writer.drop(self._lose)
            self._lose()
        callback()

    # --- in the thread ---

    def _open(self, peer: Address, when: int) -> None:
        try:
            self._file.enter()
        except OSError as exc:
            _log.error("%s:%s: not recorded: %s", *peer, exc)
        else:
            self._is_open = True
            self._add(self._flow.opened(when))

    def _write(self, by_client: bool, data: Buffer, when: int) -> None:
        if self._is_open:
            for packet in self._flow.packets(by_client, (data,), when):
                self._file.add(packet)
            self._writer.touch(self._file)

    def _close(self, when: int, finished: Callable[[bool], None] | None) -> None:
        if self._is_open:
            self._add(self._flow.closed(when))
            self._file.leave()
            if finished is not None:
                finished(self._is_cut)

    def _lose(self) -> None:
        if not self._is_cut:
            self._is_cut = True
            _log.error("%s: the recording ends here: %s", escaped(str(self.path)), _TOO_SLOW)

    def _add(self, packet: list[Part]) -> None:
        self._file.add(packet)
        self._writer.touch(self._file)
