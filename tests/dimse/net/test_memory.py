"""The memory of large Data Sets is used again after its last view is gone, and is bounded until then."""

import asyncio
import mmap
from collections.abc import Iterator
from threading import Thread

import pytest

from dimse.net import memory as memory_module
from dimse.net.memory import MAX_SPARE, Memory

MIB = 1 << 20

pytestmark = pytest.mark.skipif(not hasattr(mmap, "MADV_FREE"), reason="no map is kept on this platform")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def memory(loop: asyncio.AbstractEventLoop) -> Memory:
    return Memory(loop)


def reserve(memory: Memory, mebibytes: int) -> memoryview:
    return memory.reserve(mebibytes * MIB, mebibytes * MIB)


def test_map_is_kept_after_its_last_view(memory: Memory) -> None:
    view = reserve(memory, 10)
    part = view[5:10]
    del view
    assert memory.spare == 0
    part[0] = 7
    del part
    assert memory.spare == 10 * MIB


def test_short_memory_is_not_kept(memory: Memory) -> None:
    reserve(memory, 1)
    assert memory.spare == 0


def test_map_is_used_again_for_about_its_size(memory: Memory) -> None:
    reserve(memory, 10)
    view = reserve(memory, 7)
    assert (len(view), memory.spare) == (7 * MIB, 0)
    del view
    assert memory.spare == 10 * MIB


def test_map_is_not_used_for_less_than_half(memory: Memory) -> None:
    reserve(memory, 10)
    view = reserve(memory, 4)
    assert (len(view), memory.spare) == (4 * MIB, 0), "and there are no more bytes than before"


def test_larger_map_takes_the_place_of_spare_ones(memory: Memory) -> None:
    views = [reserve(memory, 10) for _ in range(4)]
    views.clear()
    assert memory.spare == 40 * MIB
    view = reserve(memory, 24)
    assert memory.spare == 10 * MIB
    del view
    assert memory.spare == 34 * MIB


def test_map_grows_without_a_copy(memory: Memory) -> None:
    view = memory.grow(memoryview(bytearray(10)), 10, 5 * MIB)
    view[0], view[5 * MIB - 1] = 1, 2
    wider = memory.grow(view, 5 * MIB, 50 * MIB)
    assert (len(wider), wider[0], wider[5 * MIB - 1]) == (50 * MIB, 1, 2)
    with pytest.raises(ValueError, match="released"):
        view[0]
    assert memory.spare == 0
    del wider
    assert memory.spare == 50 * MIB


def test_map_with_another_view_is_copied(memory: Memory) -> None:
    view = reserve(memory, 5)
    view[0] = 1
    seen = view[:10]
    wider = memory.grow(view, 5 * MIB, 50 * MIB)
    seen[0] = 7
    assert (len(wider), wider[0]) == (50 * MIB, 1)


def test_short_memory_grows(memory: Memory) -> None:
    view = memory.reserve(1000, 10)
    view[9] = 3
    wider = memory.grow(view, 10, 5000)
    assert (len(wider), wider[9]) == (5000, 3)


@pytest.mark.parametrize(
    ("size", "arrived", "is_map"), [(1 << 20, 1 << 17, False), (1 << 21, 1 << 17, True), (1 << 16, 1, False)]
)
def test_only_arrived_bytes_are_committed(memory: Memory, size: int, arrived: int, is_map: bool) -> None:
    assert isinstance(memory.reserve(size, arrived).obj, bytearray) != is_map


def test_oldest_maps_are_dropped_beyond_the_bound(loop: asyncio.AbstractEventLoop) -> None:
    memory = Memory(loop, 20 * MIB)
    views = [reserve(memory, size) for size in (8, 10, 12)]
    while views:
        views.pop(0)
    assert memory.spare == 12 * MIB


def test_bound_is_128_mib() -> None:
    assert MAX_SPARE == 128 * MIB


def test_map_beyond_the_bound_is_not_kept(loop: asyncio.AbstractEventLoop) -> None:
    memory = Memory(loop, 20 * MIB)
    reserve(memory, 24)
    assert memory.spare == 0


def test_large_map_is_unmapped_in_slices(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    areas: list[mmap.mmap] = []

    class Noted(mmap.mmap):
        def __init__(self, *_: object, **__: object) -> None:
            areas.append(self)

    monkeypatch.setattr(mmap, "mmap", Noted)
    reserve(Memory(loop, 20 * MIB), 100)
    lengths = []
    for _ in range(6):
        lengths.append(len(areas[0]) // MIB)
        loop.call_soon(loop.stop)
        loop.run_forever()  # for one iteration
    assert lengths == [100, 68, 36, 4, 4, 4]


def test_map_may_outlive_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    memory = Memory(loop, 20 * MIB)
    view = reserve(memory, 100)
    loop.close()
    del view
    assert memory.spare == 0


def test_threads_never_share_a_map(memory: Memory) -> None:
    """A map comes back in any thread."""

    def work(mark: int) -> None:
        for _ in range(200):
            view = reserve(memory, 5)
            view[0] = view[-1] = mark
            if (view[0], view[-1]) != (mark, mark):
                wrong.append(mark)

    wrong: list[int] = []
    threads = [Thread(target=work, args=(mark,)) for mark in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_spare_map_is_removed_once(memory: Memory) -> None:
    reserve(memory, 10)
    (area,) = memory._maps
    assert memory._remove(area)
    assert not memory._remove(area)
    assert memory.spare == 0


@pytest.mark.parametrize("missing", ["MAP_PRIVATE", "MADV_FREE", "MADV_HUGEPAGE"])
def test_memory_works_without_parts_of_mmap(memory: Memory, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delattr(mmap, missing)
    monkeypatch.setattr(memory_module, "_CAN_KEEP", missing == "MADV_HUGEPAGE")
    monkeypatch.setattr(memory_module, "_CAN_MAP_PRIVATE", missing != "MAP_PRIVATE")
    view = reserve(memory, 5)
    assert (len(view), view.readonly, memory.spare) == (5 * MIB, False, 0)
