"""The recordings of ``dimse tap``: a thread that writes them, so that no disk delays the forwarding.

If the disk is too slow for what passes, the recording with the most bytes in the queue ends.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from ..errors import escaped
from ..explain import REQUESTOR
from ..explain.pcapng import Address
from ..net import Recorder
from ..net.recorder import Tap
from .tap_queue import CLOSED, LOST, OPENED, RECEIVED, Item, Queue

__all__ = ["Finished", "Recordings"]

_log = logging.getLogger("dimse.tap")
_MOST_QUEUED = 1 << 27  # bytes in the queue; beyond this, one recording ends
_BATCH = 1 << 22  # bytes to write before the queue is looked at again
_TOO_SLOW = "the disk is too slow"
_NANO = 10**9


class Finished(NamedTuple):
    """A complete recording: its association, its file, the addresses in words, and how the association ended.

    ``is_cut`` says that the recording ends before the association.
    """

    association: int
    path: Path
    title: str
    why: str
    is_cut: bool


class Recordings:
    """A thread that records associations.

    ``finished`` is called in the thread for each complete recording.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        is_secure: bool,
        finished: Callable[[Finished], None],
        most_queued: int = _MOST_QUEUED,
    ) -> None:
        self._recorder = recorder
        self._is_secure = is_secure
        self._finished = finished
        self._addresses: dict[int, tuple[Address, Address]] = {}
        self._taps: dict[int, tuple[Tap, str]] = {}  # with their titles
        self._cut: set[int] = set()  # associations whose recordings have ended before them
        self._queue = Queue(most_queued, _TOO_SLOW)
        self._thread = Thread(target=self._write, name="dimse tap: recordings", daemon=True)
        self._thread.start()

    def opened(self, number: int, client: Address, target: Address, title: str) -> None:
        """Begin the recording of an association."""
        self._addresses[number] = client, target
        self._queue.put(number, OPENED, title)

    def received(self, number: int, who: str, data: bytes) -> None:
        """Record bytes of one side."""
        self._queue.put(number, RECEIVED, who, data)

    def closed(self, number: int, why: str) -> None:
        """End the recording of an association."""
        self._queue.put(number, CLOSED, why)

    def close(self) -> None:
        """Write everything in the queue, and end the thread."""
        self._queue.close()
        self._thread.join()

    def _write(self) -> None:
        while items := self._queue.take(_BATCH, 0.0):
            for item in items:
                self._record(item)

    def _record(self, item: Item) -> None:
        number, when = item.association, int(item.when * _NANO)
        if item.kind == OPENED:
            client, target = self._addresses.pop(number)
            made = self._recorder.tap(target, client, is_client=False, is_secure=self._is_secure, when=when)
            if made is not None:
                self._taps[number] = made, item.words
        elif number in self._taps:
            self._continue(*self._taps[number], item, when)

    def _continue(self, tap: Tap, title: str, item: Item, when: int) -> None:
        number = item.association
        if item.kind == RECEIVED and item.words == REQUESTOR:
            tap.received(item.data, when)
        elif item.kind == RECEIVED:
            tap.sent((item.data,), when)
        elif item.kind == LOST:
            self._cut.add(number)
            _log.error("%s: the recording ends here: %s", escaped(str(tap.path)), item.words)
        else:
            del self._taps[number]
            tap.closed(when)
            self._finished(Finished(number, tap.path, title, item.words, number in self._cut))
            self._cut.discard(number)
