"""Memory of large Data Sets is used again when nobody looks at it any more, and kept within bounds until then."""

import gc
import mmap
from collections.abc import Iterator
from threading import Thread

import pytest

from dimse.message import memory
from dimse.message.memory import MOST_SPARE, reserve, spare

MIB = 1 << 20

pytestmark = pytest.mark.skipif(not hasattr(mmap, "MADV_FREE"), reason="nothing is kept on this platform")


@pytest.fixture(autouse=True)
def _none_spare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    gc.collect()
    monkeypatch.setattr(memory, "_spare", [])
    yield
    gc.collect()


def test_it_is_kept_when_the_last_view_of_it_is_gone() -> None:
    view = reserve(10 * MIB)
    part = view[5:10]
    del view
    assert spare() == 0
    part[0] = 7
    del part
    assert spare() == 10 * MIB


def test_small_ones_are_not_kept() -> None:
    reserve(MIB)
    assert spare() == 0


def test_it_is_used_again_for_about_the_same_size() -> None:
    reserve(10 * MIB)
    view = reserve(7 * MIB)
    assert (len(view), spare()) == (7 * MIB, 0)
    del view
    assert spare() == 10 * MIB


def test_it_is_not_used_for_less_than_half_of_it() -> None:
    reserve(10 * MIB)
    view = reserve(4 * MIB)
    assert (len(view), spare()) == (4 * MIB, 0), "and there are no more bytes than before"


def test_a_larger_one_takes_the_place_of_those_that_are_kept() -> None:
    views = [reserve(10 * MIB) for _ in range(4)]
    views.clear()
    assert spare() == 40 * MIB
    view = reserve(24 * MIB)
    assert spare() == 10 * MIB
    del view
    assert spare() == 34 * MIB


def test_a_map_grows_without_a_copy() -> None:
    view = memory.grown(memoryview(bytearray(10)), 10, 5 * MIB)
    view[0], view[5 * MIB - 1] = 1, 2
    wider = memory.grown(view, 5 * MIB, 50 * MIB)
    assert (len(wider), wider[0], wider[5 * MIB - 1]) == (50 * MIB, 1, 2)
    with pytest.raises(ValueError, match="released"):
        view[0]
    assert spare() == 0
    del wider
    assert spare() == 50 * MIB


def test_a_map_that_somebody_looks_at_is_copied() -> None:
    view = reserve(5 * MIB)
    view[0] = 1
    seen = view[:10]
    wider = memory.grown(view, 5 * MIB, 50 * MIB)
    seen[0] = 7
    assert (len(wider), wider[0]) == (50 * MIB, 1)


def test_short_memory_grows() -> None:
    view = reserve(1000, 10)
    view[9] = 3
    wider = memory.grown(view, 10, 5000)
    assert (len(wider), wider[9]) == (5000, 3)


@pytest.mark.parametrize(
    ("size", "arrived", "is_map"), [(1 << 20, 1 << 17, False), (1 << 21, 1 << 17, True), (1 << 16, 1, False)]
)
def test_what_has_not_arrived_is_not_committed(size: int, arrived: int, is_map: bool) -> None:
    assert isinstance(reserve(size, arrived).obj, bytearray) != is_map


def test_the_oldest_are_given_back_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_SPARE == 128 * MIB
    monkeypatch.setattr(memory, "MOST_SPARE", 20 * MIB)
    views = [reserve(size * MIB) for size in (8, 10, 12)]
    while views:
        views.pop(0)
    assert [len(area) for area in memory._spare] == [12 * MIB]


def test_each_map_is_in_one_place_at_a_time() -> None:
    """Maps come back in any thread, and are taken in others."""

    def work(mark: int) -> None:
        for _ in range(200):
            view = reserve(5 * MIB)
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
    assert len({id(area) for area in memory._spare}) == len(memory._spare)
    assert spare() <= MOST_SPARE, "however the threads took turns"


def test_a_map_is_taken_once() -> None:
    reserve(10 * MIB)
    (area,) = memory._spare
    assert memory._taken(area)
    assert not memory._taken(area)
    assert spare() == 0


@pytest.mark.parametrize("missing", ["MAP_PRIVATE", "MADV_FREE", "MADV_HUGEPAGE"])
def test_where_the_platform_has_no_such_thing(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delattr(mmap, missing)
    monkeypatch.setattr(memory, "_CAN_KEEP", missing == "MADV_HUGEPAGE" and hasattr(mmap, "MADV_FREE"))
    view = reserve(5 * MIB)
    assert (len(view), view.readonly, spare()) == (5 * MIB, False, 0)
