"""Sinks for the fragments of a received Data Set. A sink gathers them, in memory or elsewhere, or counts their bytes.

If the first fragment tells how long the Data Set will be, all of its memory is reserved at once (see `Assembler`).
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from ..errors import LimitExceeded
from ..ul.p_data import PDataTF
from ..ul.pdu import PDU
from .messages import Buffer

__all__ = ["MAX_AHEAD", "STEP", "UNCOUNTED", "Drain", "LongStorage", "MemorySink", "PlainStorage", "Sink", "Storage"]

# `on_growth` is not called for the first UNCOUNTED bytes of a Data Set, because few messages except images are longer.
# Growth beyond them is reported in steps that double until they reach STEP.
STEP, UNCOUNTED = 1 << 20, 1 << 14  # bytes
MAX_AHEAD = 8  # the memory committed should be at most this many times the bytes received


class Storage(Protocol):
    """Memory for Data Sets that are received."""

    def reserve(self, size: int, arrived: int) -> memoryview:
        """Return ``size`` bytes of any content. Raises MemoryError or OSError if there is no room.

        Only ``arrived`` bytes are about to be written, so an implementation should commit at most `MAX_AHEAD` times
        ``arrived`` bytes of memory.
        """
        ...

    def grow(self, view: memoryview, length: int, size: int) -> memoryview:
        """Return ``size`` bytes that begin with the first ``length`` bytes of ``view``.

        ``view`` must not be used afterwards. Raises MemoryError or OSError if there is no room.
        """
        ...


class Sink(Protocol):
    """The gathered fragments of one Data Set. ``length`` is their number of bytes."""

    length: int

    def add(self, data: Buffer) -> None:
        """Add a fragment. Raises `LimitExceeded` if the Data Set becomes too long, or if memory has no room for it."""

    def add_run(self, pdus: Sequence[PDU], context_id: int | None) -> int:
        """See `Assembler.add_run`; ``context_id`` is the context of the message under way."""
        ...

    def data(self) -> memoryview | None:
        """Return the gathered bytes, None if they were dropped. No fragment is added afterwards."""
        ...

    def drop(self) -> None:
        """Forget the fragments, because the association has ended."""


class LongStorage(Protocol):
    """Storage that is not in memory, such as files, for Data Sets of more than ``above`` bytes.

    Each such Data Set still takes ``memory`` bytes of memory.
    """

    above: int
    memory: int

    def begin(self, limit: int) -> Sink | None:
        """Return a sink for a Data Set of at most ``limit`` bytes, or None if it must stay in memory."""
        ...


class PlainStorage:
    """Storage in byte arrays, whose memory is committed when it is reserved."""

    def reserve(self, size: int, arrived: int) -> memoryview:  # noqa: ARG002
        return memoryview(bytearray(size))

    def grow(self, view: memoryview, length: int, size: int) -> memoryview:
        wider = memoryview(bytearray(size))
        wider[:length] = view[:length]
        return wider


class MemorySink:
    """The fragments of one Data Set, gathered in memory of ``storage``. ``on_growth`` is as in `Assembler`.

    ``expected`` is the least length of the Data Set, None if it is unknown; ``arrived`` the length of its first
    fragment; ``limit`` the greatest length allowed. Raises `LimitExceeded` if memory has no room for it.
    """

    __slots__ = ("_limit", "_on_growth", "_storage", "_view", "length", "reported")

    SLACK = 1 << 14  # bytes beyond `expected`, for the elements after the large one; an image box needs far fewer

    def __init__(
        self, storage: Storage, expected: int | None, arrived: int, limit: int, on_growth: Callable[[int], None]
    ) -> None:
        self._storage = storage
        self._limit = limit
        self._on_growth = on_growth
        self.reported = UNCOUNTED  # bytes
        self.length = 0
        size = min((expected or 0) + self.SLACK, limit)
        try:
            self._view = storage.reserve(size, arrived)
        except (MemoryError, OSError) as exc:
            raise _no_room(size) from exc
        if (committed := min(size, MAX_AHEAD * arrived)) > UNCOUNTED:
            self._report(UNCOUNTED + committed)  # more than committed, so that an image of 1 MiB needs no second report

    def add(self, data: Buffer) -> None:
        start = self.length
        end = start + len(data)
        if end > len(self._view):
            self._grow(end)
        if end > self.reported:
            self._report(end)
        self._view[start:end] = data
        self.length = end

    def add_run(self, pdus: Sequence[PDU], context_id: int | None) -> int:
        """See `Assembler.add_run`; ``context_id`` is the context of the message under way."""
        view, start, room, taken = self._view, self.length, len(self._view), 0
        for pdu in pdus:
            if not isinstance(pdu, PDataTF) or len(pdu.pdvs) != 1:
                break
            pdv_context, data, is_command, is_last = pdu.pdvs[0]
            end = start + len(data)
            if is_command or is_last or pdv_context != context_id or end > room:
                break
            view[start:end] = data
            start = end
            taken += 1
        if start > self.reported:
            self._report(start)
        self.length = start
        return taken

    def _report(self, end: int) -> None:
        """Report growth up to ``end``, or by a whole step if that is more."""
        before, self.reported = self.reported, max(end, self.reported + min(self.reported, STEP))
        self._on_growth(self.reported - before)

    def data(self) -> memoryview:
        """Return the gathered bytes."""
        return self._view[: self.length]

    def drop(self) -> None:
        """Do nothing: the memory is free when nothing refers to it."""

    def widen(self, limit: int) -> None:
        """Allow ``limit`` bytes."""
        self._limit = limit

    def _grow(self, needed: int) -> None:
        if needed > self._limit:
            raise LimitExceeded("data_set", str(needed), self._limit, path="Data Set")
        size = min(max(needed, 2 * len(self._view)), self._limit)
        try:
            self._view = self._storage.grow(self._view, self.length, size)
        except (MemoryError, OSError) as exc:
            raise _no_room(size) from exc


def _no_room(size: int) -> LimitExceeded:
    return LimitExceeded("memory", f"the system has no room for {size} bytes", None, path="Data Set")


class Drain:
    """A counter of the bytes of a Data Set that is read and dropped: ``length`` so far, and ``max_length`` in all.

    ``limit`` is the limit of a Data Set that is kept; the error names it, not ``max_length``.
    """

    __slots__ = ("_limit", "_max_length", "length")

    def __init__(self, length: int, max_length: int, limit: int) -> None:
        self.length = length
        self._max_length = max_length
        self._limit = limit

    @property
    def left(self) -> int:
        """The number of bytes that may still come."""
        return self._max_length - self.length

    def add(self, data: Buffer) -> None:
        self.length += len(data)
        if self.length > self._max_length:
            raise LimitExceeded("data_set", str(self.length), self._limit, path="Data Set")

    def add_run(self, pdus: Sequence[PDU], context_id: int | None) -> int:  # noqa: ARG002  # as `MemorySink.add_run`
        return 0

    def data(self) -> None:
        return None

    def drop(self) -> None:
        """Do nothing: nothing is kept."""
