"""Memory of the printer's that its associations share: what film sessions reserve, and what clients have made."""

from collections import Counter
from contextlib import AbstractContextManager, nullcontext

__all__ = ["MemoryPool"]


class MemoryPool:
    """So much memory, of which each association holds a part; those of one host have at most ``host_size`` together.

    For Memory Allocation (2000,0060), PS3.4 H.4.1.2.1.1, it counts KB; for what is kept, bytes. ``lock`` is held while
    it counts: it is needed where requests of several associations are performed in threads.
    """

    def __init__(
        self, size: int, *, host_size: int | None = None, lock: AbstractContextManager[object] | None = None
    ) -> None:
        self.size = size
        self._host_size = size if host_size is None else host_size
        self._parts: dict[object, tuple[str, int]] = {}  # host and part of each holder
        self._by_host: Counter[str] = Counter()
        self._used = 0
        self._lock = nullcontext() if lock is None else lock

    def reserve(self, holder: object, part: int, host: str = "") -> bool:
        """Let ``holder``, which is of ``host``, have so much, in place of what it had. False where there is no room.

        To have less than before is always possible.
        """
        with self._lock:
            more = part - self._parts.get(holder, ("", 0))[1]
            full = self._used + more > self.size or self._by_host[host] + more > self._host_size
            if more > 0 and full:
                return False
            self._parts[holder] = host, part
            self._add(host, more)
            return True

    def release(self, holder: object) -> None:
        """Give back what ``holder`` has."""
        with self._lock:
            host, part = self._parts.pop(holder, ("", 0))
            self._add(host, -part)

    def _add(self, host: str, more: int) -> None:
        self._used += more
        self._by_host[host] += more
        if not self._by_host[host]:
            del self._by_host[host]
