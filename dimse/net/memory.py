"""Memory for received Data Sets. The memory of large Data Sets is reused.

A Data Set lies in an anonymous memory map if it has 4 MiB or more, or if only a small part of it has arrived. The pages
of a map are committed as bytes arrive: a peer that declares a large Data Set and sends little takes little memory. The
kernel fills each new page with zeros, which takes a third of the time of receiving an image. So an unused map is kept
for the next Data Set of similar size, and the kernel may take its pages back at any time (MADV_FREE). On a platform
without MADV_FREE, no map is kept.
"""

import mmap
from asyncio import AbstractEventLoop
from contextlib import suppress
from weakref import finalize

from ..message import MAX_AHEAD

__all__ = ["MAX_SPARE", "Memory"]

MAX_SPARE = 1 << 27  # bytes of all spare maps

# Bytes; a shorter Data Set is received faster into a bytearray, which uses memory that the process already has
_MAP_FROM = 1 << 22
_SMALLEST_MAP = 1 << 16  # bytes; up to this size, a Data Set always lies in a bytearray
_HUGE_PAGE = 1 << 21  # bytes; Linux uses huge pages throughout a map only if its length is a multiple of this
_SLICE = 1 << 25  # bytes to unmap in one iteration of the event loop, which takes up to 3 ms if pages are small
_CAN_KEEP = hasattr(mmap, "MADV_FREE")
_CAN_MAP_PRIVATE = hasattr(mmap, "MAP_PRIVATE")  # not on Windows


class Memory:
    """The memory of one server or one client, with its spare maps.

    A map becomes spare when the last view of it is gone, in whatever thread that happens.
    """

    def __init__(self, loop: AbstractEventLoop, max_spare: int = MAX_SPARE) -> None:
        self._loop = loop
        self._max_spare = max_spare
        self._maps: list[mmap.mmap] = []  # the oldest first; threads share this list, so each step on it is atomic

    @property
    def spare(self) -> int:
        """The number of bytes kept for the next Data Sets."""
        return sum(map(len, tuple(self._maps)))

    def reserve(self, size: int, arrived: int) -> memoryview:
        """Return ``size`` bytes of any content, of which ``arrived`` are needed now.

        At most `MAX_AHEAD` times ``arrived`` bytes are committed, or 64 KiB if that is more.
        """
        if size < _MAP_FROM and size <= max(MAX_AHEAD * arrived, _SMALLEST_MAP):
            return memoryview(bytearray(size))
        if not _CAN_MAP_PRIVATE:
            return memoryview(mmap.mmap(-1, size))
        length = _whole_pages(size)
        area = self._reuse(length) or _new_map(length, size // _HUGE_PAGE * _HUGE_PAGE)
        return self._lend(area, size) if _CAN_KEEP else memoryview(area)[:size]

    def grow(self, view: memoryview, length: int, size: int) -> memoryview:
        """Return ``size`` bytes that begin with the first ``length`` bytes of ``view``.

        ``view`` must not be used afterwards. If the system can do so, it moves the map without a copy: a copy of 64 MiB
        would take 50 ms.
        """
        owner: object = view.obj
        finalizer = getattr(owner, "finalizer", None)
        if isinstance(finalizer, finalize):
            detached = finalizer.detach()
            assert detached is not None
            area: mmap.mmap = detached[2][0]
            del owner, detached  # both hold a view of the map
            view.release()
            try:
                area.resize(_whole_pages(size))
                return self._lend(area, size)
            except (BufferError, SystemError, OSError):  # another view exists, no mremap, or mixed page sizes
                view = memoryview(area)
        if _CAN_KEEP and _CAN_MAP_PRIVATE and size >= _MAP_FROM:
            wider = self._lend(_new_map(_whole_pages(size), 0), size)  # this map can grow, as all its pages are small
        else:
            wider = self.reserve(size, length)
        wider[:length] = view[:length]
        return wider

    def _lend(self, area: mmap.mmap, size: int) -> memoryview:
        """Return the first ``size`` bytes of ``area``, which is taken back when the last view of the bytes is gone."""
        import ctypes  # not at the top: takes 2 ms, and only large Data Sets need it

        owner = (ctypes.c_ubyte * len(area)).from_buffer(area)
        owner.finalizer = finalizer = finalize(owner, self._take_back, area)  # type: ignore[attr-defined]  # ctypes allows it
        finalizer.atexit = False
        return memoryview(owner).cast("B")[:size]

    def _reuse(self, length: int) -> mmap.mmap | None:
        """Remove and return a spare map of ``length`` to twice ``length`` bytes; None if there is none."""
        for area in tuple(self._maps):
            if length <= len(area) <= 2 * length and self._remove(area):
                return area
        self._keep_at_most(self.spare - length)  # the new map takes the place of spare maps
        return None

    def _take_back(self, area: mmap.mmap) -> None:
        if len(area) > self._max_spare:
            self._unmap(area)
            return
        area.madvise(mmap.MADV_FREE)
        self._maps.append(area)
        if self.spare > self._max_spare:
            self._keep_at_most(self._max_spare)

    def _keep_at_most(self, max_bytes: int) -> None:
        """Unmap spare maps, the oldest first, until at most ``max_bytes`` bytes are kept."""
        for area in tuple(self._maps):
            if self.spare <= max_bytes:
                break
            if self._remove(area):
                self._unmap(area)

    def _remove(self, area: mmap.mmap) -> bool:
        """Remove a spare map. Return False if another thread has already removed it."""
        try:
            self._maps.remove(area)
        except ValueError:
            return False
        return True

    def _unmap(self, area: mmap.mmap) -> None:
        """Unmap ``area`` in slices: unmapping 512 MiB of small pages in one call would block the event loop for 50 ms.

        The last slice is unmapped with the last reference to ``area``.
        """
        if len(area) > _SLICE:
            with suppress(RuntimeError):  # the loop is closed, so nothing is blocked
                self._loop.call_soon_threadsafe(self._unmap_slice, area)

    def _unmap_slice(self, area: mmap.mmap) -> None:
        with suppress(SystemError, OSError):  # no mremap on this system
            area.resize(len(area) - _SLICE)
            self._unmap(area)


def _whole_pages(size: int) -> int:
    return -(-size // _HUGE_PAGE) * _HUGE_PAGE


def _new_map(length: int, huge_end: int) -> mmap.mmap:
    """Return a map of ``length`` bytes, with huge pages up to ``huge_end``."""
    area = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE") and huge_end > _HUGE_PAGE:
        # Huge pages take a fifth of the time of small pages. The start, which is committed first, and the end stay
        # small.
        area.madvise(mmap.MADV_HUGEPAGE, _HUGE_PAGE, huge_end - _HUGE_PAGE)
    return area
