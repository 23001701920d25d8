"""Memory for received Data Sets; the memory of large ones is used again.

A Data Set of 4 MiB or more lies in an anonymous map, whose pages are committed as bytes arrive: a peer that declares
much and sends little takes little. The kernel fills each new page with zeros, which is a third of the time that an
image takes. So an unused map is kept for the next Data Set of about its size, and the kernel may take its pages back at
any time (MADV_FREE). On a platform without MADV_FREE nothing is kept.
"""

import mmap
from asyncio import AbstractEventLoop
from contextlib import suppress
from weakref import finalize

from ..message import MOST_AHEAD

__all__ = ["MOST_SPARE", "Memory"]

MOST_SPARE = 1 << 27  # bytes that are kept at most

# Bytes: a shorter Data Set is faster in a bytearray, which uses memory that the process has already.
_MAP_FROM = 1 << 22
_SMALLEST_MAP = 1 << 16
_HUGE_PAGE = 1 << 21  # Linux uses huge pages throughout a map only if its length is a multiple of them
_SLICE = 1 << 25  # bytes to unmap in one iteration of the event loop: up to 3 ms where pages are small
_CAN_KEEP = hasattr(mmap, "MADV_FREE")
_CAN_MAP_PRIVATE = hasattr(mmap, "MAP_PRIVATE")  # not on Windows


class Memory:
    """The memory of one server or one client, with its spare maps.

    A map comes back when the last view of it is gone, in whatever thread that happens.
    """

    def __init__(self, loop: AbstractEventLoop, most_spare: int = MOST_SPARE) -> None:
        self._loop = loop
        self._most_spare = most_spare
        self._maps: list[mmap.mmap] = []  # the oldest first; each step on it is atomic, because threads share it

    @property
    def spare(self) -> int:
        """The bytes kept for the next Data Sets."""
        return sum(map(len, tuple(self._maps)))

    def reserve(self, size: int, arrived: int) -> memoryview:
        """Return ``size`` uninitialized bytes, of which ``arrived`` are needed now.

        At most `MOST_AHEAD` times as many as are needed are committed, or 64 KiB.
        """
        if size < _MAP_FROM and size <= max(MOST_AHEAD * arrived, _SMALLEST_MAP):
            return memoryview(bytearray(size))
        if not _CAN_MAP_PRIVATE:
            return memoryview(mmap.mmap(-1, size))
        length = _whole_pages(size)
        area = self._reuse(length) or _new_map(length, size // _HUGE_PAGE * _HUGE_PAGE)
        return self._lend(area, size) if _CAN_KEEP else memoryview(area)[:size]

    def grow(self, view: memoryview, length: int, size: int) -> memoryview:
        """Return ``size`` bytes that begin with the first ``length`` of ``view``, which must not be used any more.

        The map moves without a copy if the system can do that: a copy of 64 MiB would take 50 ms.
        """
        owner: object = view.obj
        finalizer = getattr(owner, "finalizer", None)
        if isinstance(finalizer, finalize):
            detached = finalizer.detach()
            assert detached is not None
            area: mmap.mmap = detached[2][0]
            del owner, detached  # they hold a view of the map
            view.release()
            try:
                area.resize(_whole_pages(size))
                return self._lend(area, size)
            except (BufferError, SystemError, OSError):  # another view; no mremap on this system; two kinds of pages
                view = memoryview(area)
        if _CAN_KEEP and _CAN_MAP_PRIVATE and size >= _MAP_FROM:
            wider = self._lend(_new_map(_whole_pages(size), 0), size)  # it can grow: all its pages are small
        else:
            wider = self.reserve(size, length)
        wider[:length] = view[:length]
        return wider

    def _lend(self, area: mmap.mmap, size: int) -> memoryview:
        """Return the first ``size`` bytes of ``area``, which comes back when the last view of them is gone."""
        from ctypes import c_ubyte  # 2 ms, which only large Data Sets need

        owner = (c_ubyte * len(area)).from_buffer(area)
        owner.finalizer = finalizer = finalize(owner, self._take_back, area)  # type: ignore[attr-defined]  # ctypes allow that
        finalizer.atexit = False
        return memoryview(owner).cast("B")[:size]

    def _reuse(self, length: int) -> mmap.mmap | None:
        """Return a spare map of ``length`` to twice ``length`` bytes, if there is one."""
        for area in tuple(self._maps):
            if length <= len(area) <= 2 * length and self._remove(area):
                return area
        self._keep_at_most(self.spare - length)  # the new map takes the place of spare ones
        return None

    def _take_back(self, area: mmap.mmap) -> None:
        if len(area) > self._most_spare:
            self._unmap(area)
            return
        area.madvise(mmap.MADV_FREE)
        self._maps.append(area)
        self._keep_at_most(self._most_spare)

    def _keep_at_most(self, most: int) -> None:
        """Unmap spare maps, the oldest first, until at most ``most`` bytes are kept."""
        for area in tuple(self._maps):
            if self.spare <= most:
                break
            if self._remove(area):
                self._unmap(area)

    def _remove(self, area: mmap.mmap) -> bool:
        """Remove a spare map; return whether no other thread was faster."""
        try:
            self._maps.remove(area)
        except ValueError:
            return False
        return True

    def _unmap(self, area: mmap.mmap) -> None:
        """Unmap ``area`` slice by slice. At once, 512 MiB of small pages would hold up the event loop for 50 ms.

        The last slice goes with the last reference to ``area``.
        """
        if len(area) > _SLICE:
            with suppress(RuntimeError):  # the loop is closed, so nothing is held up
                self._loop.call_soon_threadsafe(self._unmap_slice, area)

    def _unmap_slice(self, area: mmap.mmap) -> None:
        with suppress(SystemError, OSError):  # no mremap on this system
            area.resize(len(area) - _SLICE)
            self._unmap(area)


def _whole_pages(size: int) -> int:
    return -(-size // _HUGE_PAGE) * _HUGE_PAGE


def _new_map(length: int, huge: int) -> mmap.mmap:
    area = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE") and huge > _HUGE_PAGE:
        # Huge pages take a fifth of the time of small ones. The start, committed first, and the rest stay small.
        area.madvise(mmap.MADV_HUGEPAGE, _HUGE_PAGE, huge - _HUGE_PAGE)
    return area
