"""Memory for Data Sets that are received; that of large ones is used again.

More than 4 MiB are an anonymous map, whose pages are committed only as bytes arrive; so a peer that declares much and
sends little gets little. The kernel fills each page with zeros first, a third of the time that an image takes; so a map
that nobody looks at any more is kept for the next Data Set of about its size. Meanwhile the kernel may have its pages
back whenever it wants them (MADV_FREE); where it knows no such offer, nothing is kept.
"""

import mmap
from ctypes import c_ubyte
from weakref import finalize

__all__ = ["MOST_SPARE", "reserve", "spare"]

MOST_SPARE = 1 << 29  # bytes that are kept at most

# Below that a bytearray, which comes from memory in use already, is faster; a map gets huge pages above.
_MAP_FROM = 1 << 22
_HUGE_PAGE = 1 << 21  # Linux lays out a map of whole huge pages so that all of it can be huge pages
_CAN_KEEP = hasattr(mmap, "MADV_FREE")

_spare: list[mmap.mmap] = []  # the oldest first; each step on it is atomic, because maps come back in any thread


def reserve(size: int) -> memoryview:
    """``size`` bytes of memory, with anything in them."""
    if size < _MAP_FROM:
        return memoryview(bytearray(size))
    if not hasattr(mmap, "MAP_PRIVATE"):  # Windows
        return memoryview(mmap.mmap(-1, size))
    length = -(-size // _HUGE_PAGE) * _HUGE_PAGE
    area = _kept(length) or _mapped(length, size // _HUGE_PAGE * _HUGE_PAGE)
    if not _CAN_KEEP:
        return memoryview(area)[:size]
    owner = (c_ubyte * len(area)).from_buffer(area)  # gone when the last view of it is
    finalize(owner, _keep, area).atexit = False
    return memoryview(owner).cast("B")[:size]


def spare() -> int:
    """The bytes that are kept for the next Data Sets."""
    return sum(map(len, tuple(_spare)))


def _kept(length: int) -> mmap.mmap | None:
    """A map that was kept, of ``length`` bytes at least and of twice as many at most."""
    for area in tuple(_spare):
        if length <= len(area) <= 2 * length and _taken(area):
            return area
    _drop(spare() - length)  # with the new one there are no more than before
    return None


def _mapped(length: int, huge: int) -> mmap.mmap:
    area = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):  # a fifth of the time that small pages take; they are left for the rest
        area.madvise(mmap.MADV_HUGEPAGE, 0, huge)
    return area


def _keep(area: mmap.mmap) -> None:
    area.madvise(mmap.MADV_FREE)
    _spare.append(area)
    _drop(MOST_SPARE)


def _drop(most: int) -> None:
    """Give maps back, the oldest first, until no more than ``most`` bytes are kept."""
    for area in tuple(_spare):
        if spare() <= most:
            break
        _taken(area)


def _taken(area: mmap.mmap) -> bool:
    """Take one of the spare maps, unless somebody else was faster."""
    try:
        _spare.remove(area)
    except ValueError:
        return False
    return True
