"""A bounded queue from the event loop to a thread that records or explains the bytes of associations.

Putting never waits. If too many bytes are in the queue, the association with the most bytes loses all its bytes in the
queue, and all its later bytes; the other associations lose nothing.
"""

from collections import Counter, deque
from collections.abc import Callable
from threading import Condition
from typing import Generic, TypeVar

__all__ = ["Queue"]

K = TypeVar("K")
T = TypeVar("T")

_OVERHEAD = 200  # bytes of memory that an item takes besides its data, so that short reads are bounded, too


class Queue(Generic[K, T]):
    """The queue, which holds at most ``max_bytes``, including `_OVERHEAD` bytes for each item of `put_bytes`.

    Items of `put` do not count. The key of an item is its association. ``make_lost`` gets a key, and returns the item
    that is added when this association has lost its bytes because the queue was full.
    """

    def __init__(self, max_bytes: int, make_lost: Callable[[K], T]) -> None:
        self.size = 0  # bytes in the queue
        self.taken = 0  # bytes of the items that were taken last
        self._max_bytes = max_bytes
        self._make_lost = make_lost
        self._items: deque[tuple[K | None, int, T]] = deque()  # the key, the bytes that count, the item
        self._sizes: Counter[K] = Counter()  # bytes in the queue by key
        self._lost: set[K] = set()  # keys that have lost bytes
        self._changed = Condition()
        self._enough = 0  # bytes for which the thread waits
        self._is_urgent = False  # whether the thread must not wait for more
        self._is_closed = False

    @property
    def is_empty(self) -> bool:
        """Whether there are no items."""
        return not self._items

    def put(self, item: T, *, is_urgent: bool = False) -> None:
        """Add an item that is never lost. With ``is_urgent``, the thread takes it without a pause."""
        with self._changed:
            if is_urgent:
                self._is_urgent = True
            if is_urgent or not self._items:
                self._changed.notify()
            self._items.append((None, 0, item))

    def put_bytes(self, key: K, item: T, size: int) -> None:
        """Add an item that holds ``size`` bytes, unless its association has lost bytes before."""
        if key in self._lost:
            return
        size += _OVERHEAD
        with self._changed:
            if not self._items or self.size < self._enough <= self.size + size:
                self._changed.notify()
            self._items.append((key, size, item))
            self._sizes[key] += size
            self.size += size
            if self.size > self._max_bytes:
                ((largest, _),) = self._sizes.most_common(1)
                self._drop(largest)
                self._items.append((None, 0, self._make_lost(largest)))

    def drop(self, key: K) -> None:
        """Drop the bytes of a key, and all its later bytes."""
        with self._changed:
            self._drop(key)

    def forget(self, key: K) -> None:
        """Forget that a key has lost bytes, because no more bytes of it will come."""
        self._lost.discard(key)

    def close(self) -> None:
        """Let the thread take the remaining items without a pause, because nothing more will be added."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def take(self, enough: int, pause: float) -> list[T]:
        """Wait for the first item, then up to ``pause`` seconds until the items have ``enough`` bytes.

        Return the first items that have ``enough`` bytes together, or all items. Return [] if the queue is closed and
        empty, or if it has lost all its items during the pause.
        """
        items: list[T] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._is_closed)
            self._enough = enough
            self._changed.wait_for(lambda: self._is_urgent or self._is_closed or self.size >= enough, pause)
            self._enough = 0
            while self._items and size < enough:
                key, length, item = self._items.popleft()
                items.append(item)
                if key is not None:
                    size += length
                    self._sizes[key] -= length
                    if not self._sizes[key]:
                        del self._sizes[key]
            self.size -= size
            self.taken = size
            if not self._items:
                self._is_urgent = False
        return items

    def _drop(self, key: K) -> None:
        self._lost.add(key)
        self._items = deque(one for one in self._items if one[0] != key)
        self.size -= self._sizes.pop(key, 0)
