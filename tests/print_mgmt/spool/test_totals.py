"""The totals of a spool: films of other processes, films of this one, and films that are being accepted."""

import asyncio
from types import SimpleNamespace

import pytest

from print_mgmt.spool import SpoolError, SpoolFull, SpoolLimits, totals
from print_mgmt.spool.totals import Totals


async def test_films_are_counted_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now, counts = [100.0], []

    async def count() -> tuple[int, int]:
        counts.append(now[0])
        return 1, 10

    monkeypatch.setattr(totals, "time", SimpleNamespace(monotonic=lambda: now[0]))
    found = Totals(count)
    for now[0] in (100.0, 100.9, 101.0):
        await found.refresh()
    assert counts == [100.0, 101.0]


@pytest.mark.parametrize("error", [SpoolError("the database is gone"), asyncio.CancelledError()], ids=["fails", "ends"])
async def test_count_that_does_not_finish_is_repeated(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    ends: list[BaseException | None] = [error, None]

    async def count() -> tuple[int, int]:
        if (end := ends.pop(0)) is not None:
            raise end
        return 3, 30

    monkeypatch.setattr(totals, "time", SimpleNamespace(monotonic=lambda: 100.0))
    found = Totals(count)
    with pytest.raises(type(error)):
        await found.refresh()
    await found.refresh()
    assert (found.films, found.size) == (3, 30)


async def test_film_that_is_stored_during_a_count_is_not_missed() -> None:
    async def count() -> tuple[int, int]:
        found.add(1, 10)  # too late for this count
        return 3, 30

    found = Totals(count)
    assert await found.count() == (3, 30)
    assert (found.films, found.size) == (4, 40)


async def test_two_counts_at_once_count_each_film_once() -> None:
    async def count() -> tuple[int, int]:
        await asyncio.sleep(0)
        return 3, 30

    found = Totals(count)
    await asyncio.gather(found.count(), found.count())
    assert (found.films, found.size) == (3, 30)


async def test_films_that_are_being_accepted_count() -> None:
    async def count() -> tuple[int, int]:
        return 0, 0

    found, limits = Totals(count), SpoolLimits(films=2)
    with found.accept(2, 20, limits), pytest.raises(SpoolFull, match=r"has 2 films, 20 bytes"):
        found.accept(1, 10, limits).__enter__()
    with found.accept(2, 20, limits):
        assert found.accepting == 20
