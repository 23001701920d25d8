"""Recordings of associations: a trace that writes all bytes of both sides into captures, for `dimse explain`.

Bytes are taken where they enter and leave the upper layer, so invalid bytes are recorded as they are, and bytes of TLS
connections are recorded decrypted. For this reason, connections with TLS are recorded only on request.

A film of 6 MiB takes 5 ms more with a recording. That is 7 % of a film that the printer renders at 150 dpi.
"""

import logging
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..explain.pcapng import Address, Flow, Part, capture_header
from ..ul.wire import Buffer
from .trace import Record, Trace

__all__ = ["Recorder", "Tap", "address_of", "record"]

_log = logging.getLogger("dimse.net")
_PRIVATE = 0o600  # permissions; a recording may contain patient data
_BUFFER = 1 << 15  # bytes; longer parts are written without a further copy


def record(path: str | os.PathLike[str], *, tls: bool = False, also: Trace | None = None) -> "Recorder":
    """Return a trace that writes a capture: ``trace=record("print.pcapng")``.

    A path that ends in ``.pcapng`` is one file for all associations; an existing file is replaced. Any other path is a
    folder, created if needed, which gets one file per association. ``tls`` also records connections with TLS,
    decrypted. ``also`` is called with the records of all events. Raises OSError if the file or folder cannot be
    created.
    """
    return Recorder(Path(path), tls=tls, also=also)


def address_of(name: object) -> Address:
    """Return address and port of a socket's name; a socket of another kind has none."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else ("", 0)


class Recorder:
    """A trace that records bytes; created by `record`. A full disk ends the recording, never an association."""

    def __init__(self, path: Path, *, tls: bool = False, also: Trace | None = None) -> None:
        self.also = also
        self._records_tls = tls
        self._folder = None if path.suffix == ".pcapng" else path
        self._file: _File | None = None
        self._count = 0
        if self._folder is None:
            self._file = _File(path)
        else:
            self._folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, event: Record) -> None:
        if self.also is not None:
            self.also(event)

    def tap(
        self, local: Address, peer: Address, *, is_client: bool, is_secure: bool, when: int | None = None
    ) -> "Tap | None":
        """Return the tap of a new connection, as of ``when``; None if the connection is not to be recorded."""
        if is_secure and not self._records_tls:
            _log.warning("%s:%s: not recorded, because it uses TLS", *peer)
            return None
        self._count += 1
        try:
            file = self._file or self._own_file(peer)
            return Tap(file, local, peer, is_client=is_client, when=when)
        except OSError as exc:
            _log.error("%s:%s: not recorded: %s", *peer, exc)
            return None

    def _own_file(self, peer: Address) -> "_File":
        assert self._folder is not None
        host = "".join(char if char.isalnum() or char == "." else "-" for char in peer[0])
        name = f"{time.strftime('%Y%m%dT%H%M%S')}-{self._count:05}-{host}-{peer[1]}.pcapng"
        return _File(self._folder / name)


class _File:
    """A capture, open while a connection uses it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._users = 0
        self._file: BinaryIO | None = None
        self._has_failed = False
        self._opened(os.O_TRUNC).close()

    def _opened(self, how: int) -> BinaryIO:
        """Open the file, and write the header if the file is empty."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | how, _PRIVATE)
        file = os.fdopen(descriptor, "wb", _BUFFER)
        if not os.fstat(descriptor).st_size:
            file.write(capture_header())
        return file

    def enter(self) -> None:
        if not self._users:
            self._file = self._opened(os.O_APPEND)
        self._users += 1

    def leave(self) -> None:
        self._users -= 1
        if not self._users:
            self._close()

    def write(self, parts: Iterable[Part]) -> None:
        if self._file is None:
            return
        try:
            for part in parts:
                self._file.write(part)
        except OSError as exc:
            self._fail(exc)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as exc:
                self._fail(exc)

    def _fail(self, error: OSError) -> None:
        """End the recording: its rest is lost, and a log says so once."""
        if not self._has_failed:
            self._has_failed = True
            _log.error("%s: the recording ends here: %s", self.path, error)
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # closing fails again, because the rest is still in the buffer
                file.close()


class Tap:
    """A recording of one connection. ``when`` is the time in nanoseconds since 1970, by default now."""

    def __init__(self, file: _File, local: Address, peer: Address, *, is_client: bool, when: int | None = None) -> None:
        self._file = file
        self._is_client = is_client
        self._flow = Flow(*((local, peer) if is_client else (peer, local)))
        file.enter()
        file.write(self._flow.opened(when or time.time_ns()))

    @property
    def path(self) -> Path:
        """The file of the recording."""
        return self._file.path

    def sent(self, buffers: Iterable[Buffer], when: int | None = None) -> None:
        """Record what this side wrote."""
        self._file.write(self._flow.segments(self._is_client, buffers, when or time.time_ns()))

    def received(self, data: Buffer, when: int | None = None) -> None:
        """Record what the peer wrote."""
        self._file.write(self._flow.segments(not self._is_client, [data], when or time.time_ns()))

    def closed(self, when: int | None = None) -> None:
        """Record the end, and let go of the file."""
        self._file.write(self._flow.closed(when or time.time_ns()))
        self._file.leave()
