"""Memory for Data Sets that are received; that of large ones is used again.

More than 4 MiB are an anonymous map, whose pages are committed only as bytes arrive; so a peer that declares much and
sends little gets little. The kernel fills each page with zeros first, a third of the time that an image takes; so a map
that nobody looks at any more is kept for the next Data Set of about its size. Meanwhile the kernel may have its pages
back whenever it wants them (MADV_FREE); where it knows no such offer, nothing is kept.
"""

import mmap
from ctypes import c_ubyte
from weakref import finalize

__all__ = ["MOST_SPARE", "grown", "reserve", "spare"]

MOST_SPARE = 1 << 27  # bytes that are kept at most

# Below that a bytearray, which comes from memory in use already, is faster; a map gets huge pages above.
_MAP_FROM = 1 << 22
_AT_ONCE, _LEAST_MAP = 8, 1 << 16  # times what is needed now; bytes
_HUGE_PAGE = 1 << 21  # Linux lays out a map of whole huge pages so that all of it can be huge pages
_CAN_KEEP = hasattr(mmap, "MADV_FREE")

_spare: list[mmap.mmap] = []  # the oldest first; each step on it is atomic, because maps come back in any thread


def reserve(size: int, arrived: int = _MAP_FROM) -> memoryview:
    """``size`` bytes of memory, with anything in them, of which ``arrived`` are needed now.

    No more than eight times as much is committed.
    """
    if size < _MAP_FROM and size <= max(_AT_ONCE * arrived, _LEAST_MAP):
        return memoryview(bytearray(size))
    if not hasattr(mmap, "MAP_PRIVATE"):  # Windows
        return memoryview(mmap.mmap(-1, size))
    length = -(-size // _HUGE_PAGE) * _HUGE_PAGE
    area = _kept(length) or _mapped(length, size // _HUGE_PAGE * _HUGE_PAGE)
    if not _CAN_KEEP:
        return memoryview(area)[:size]
    return _lent(area, size)


def grown(view: memoryview, length: int, size: int) -> memoryview:
    """Memory for ``size`` bytes, the first ``length`` of them those of ``view``, which is not to be used any more.

    A map moves without a copy where the system can do that: 64 MiB would take 50 ms and more.
    """
    owner: object = view.obj
    finalizer = getattr(owner, "finalizer", None)
    if isinstance(finalizer, finalize):
        detached = finalizer.detach()
        assert detached is not None
        area: mmap.mmap = detached[2][0]
        del owner, detached  # and with it the hold that it has on the map
        view.release()
        try:
            area.resize(-(-size // _HUGE_PAGE) * _HUGE_PAGE)
            return _lent(area, size)
        except (BufferError, SystemError, OSError):  # somebody looks at it; no mremap here; not of one kind of pages
            view = memoryview(area)
    if _CAN_KEEP and hasattr(mmap, "MAP_PRIVATE") and size >= _MAP_FROM:
        wider = _lent(_mapped(-(-size // _HUGE_PAGE) * _HUGE_PAGE, 0), size)  # of one kind of pages: it can grow
    else:
        wider = reserve(size, length)
    wider[:length] = view[:length]
    return wider


def spare() -> int:
    """The bytes that are kept for the next Data Sets."""
    return sum(map(len, tuple(_spare)))


def _lent(area: mmap.mmap, size: int) -> memoryview:
    """The first ``size`` bytes of ``area``, which is kept once nobody looks at them any more."""
    owner = (c_ubyte * len(area)).from_buffer(area)  # gone when the last view of it is
    owner.finalizer = finalizer = finalize(owner, _keep, area)  # type: ignore[attr-defined]  # ctypes allow that
    finalizer.atexit = False
    return memoryview(owner).cast("B")[:size]


def _kept(length: int) -> mmap.mmap | None:
    """A map that was kept, of ``length`` bytes at least and of twice as many at most."""
    for area in tuple(_spare):
        if length <= len(area) <= 2 * length and _taken(area):
            return area
    _drop(spare() - length)  # with the new one there are no more than before
    return None


def _mapped(length: int, huge: int) -> mmap.mmap:
    area = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE") and huge > _HUGE_PAGE:
        # A fifth of the time that small pages take. Those are left for the rest, and for the start, committed first.
        area.madvise(mmap.MADV_HUGEPAGE, _HUGE_PAGE, huge - _HUGE_PAGE)
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
