"""A bounded queue of the bytes that pass the tap, for a thread that explains or records them.

Putting never waits. If too much is in the queue, the association with the most bytes in it loses them, and all its
later bytes; the other associations lose nothing.
"""

import time
from collections import Counter, deque
from threading import Condition
from typing import NamedTuple

__all__ = ["CLOSED", "LOST", "OPENED", "RECEIVED", "Item", "Queue"]

OPENED, RECEIVED, CLOSED, LOST = range(4)
_OVERHEAD = 200  # bytes of memory that an item takes besides its data, so that short reads are bounded, too


class Item(NamedTuple):
    """Something that happened in an association.

    ``words`` are those to print, or the side that sent ``data``. ``when`` is in seconds since 1970.
    """

    association: int
    kind: int
    words: str
    data: bytes
    when: float

    @property
    def size(self) -> int:
        """The number of bytes that count in the queue."""
        return len(self.data) + _OVERHEAD


class Queue:
    """The queue. ``most`` bytes are in it; `LOST` with the words ``lost`` stands for what an association has lost."""

    def __init__(self, most: int, lost: str) -> None:
        self._most = most
        self._words = lost
        self._items: deque[Item] = deque()
        self._sizes: Counter[int] = Counter()  # bytes in the queue by association
        self._lost: set[int] = set()  # associations that have lost bytes
        self._changed = Condition()
        self._is_closed = False

    def put(self, association: int, kind: int, words: str, data: bytes = b"") -> None:
        """Add something that happens now."""
        if kind == RECEIVED and association in self._lost:
            return
        item = Item(association, kind, words, data, time.time())
        with self._changed:
            if not self._items:
                self._changed.notify()
            self._items.append(item)
            if kind == RECEIVED:
                self._sizes[association] += item.size
                if self._sizes.total() > self._most:
                    self._drop()

    def close(self) -> None:
        """Add nothing more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def take(self, most: int, pause: float) -> list[Item]:
        """Wait for items, then for ``pause`` seconds; return up to ``most`` bytes of items, [] at the end."""
        items: list[Item] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._is_closed)
            self._changed.wait_for(lambda: self._is_closed, pause)
            while self._items and size < most:
                item = self._items.popleft()
                items.append(item)
                size += item.size
                if item.kind == RECEIVED:
                    self._sizes[item.association] -= item.size
                    if not self._sizes[item.association]:
                        del self._sizes[item.association]
                elif item.kind == CLOSED:
                    self._lost.discard(item.association)
        return items

    def _drop(self) -> None:
        ((association, _),) = self._sizes.most_common(1)
        self._lost.add(association)
        self._items = deque(one for one in self._items if one.association != association or one.kind != RECEIVED)
        self._items.append(Item(association, LOST, self._words, b"", time.time()))
        del self._sizes[association]
