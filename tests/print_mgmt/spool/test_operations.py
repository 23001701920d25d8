"""The operations and the upkeep of a spool, on every engine."""

import asyncio

import pytest
from spools import FOLDER, PRINTER, Place, job, leased

from print_mgmt.spool import (
    Action,
    Assign,
    Cancel,
    Confirm,
    CorruptFilm,
    Done,
    Doubtful,
    Failed,
    FilmState,
    Held,
    Hold,
    Later,
    Move,
    NoSuchFilm,
    Outcome,
    Prioritize,
    Release,
    Reprint,
    Retry,
    Spool,
    SpoolError,
    StaleLease,
    Target,
    film_file,
)
from print_mgmt.spool.film_file import read_film

NO_FILM = "0000000000000000.1"


# --- operators ---


async def test_film_that_is_too_large_is_refused(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not be read again."""
    monkeypatch.setattr(film_file, "MAX_FILM", 3000)
    with pytest.raises(SpoolError, match=r"the films cannot be stored: the film has \d+ bytes; the limit is 3000"):
        await spool.accept(job(nbytes=3000), [PRINTER])
    assert await spool.count() == 0


async def test_held_film_is_not_delivered_before_its_release(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER], hold="not identified")
    assert (await spool.show(film)).state is FilmState.HELD
    assert await spool.lease("printer", 60) is None
    await spool.change(film, Release())
    assert await spool.lease("printer", 60) is not None


async def test_released_film_has_all_its_attempts(spool: Spool) -> None:
    """It was held after the last attempt; after one more failure, it would be held again at once."""
    (film,) = await spool.accept(job(), [PRINTER])
    await spool.report(await leased(spool), Held(reason="12 attempts"))
    await spool.change(film, Release())
    assert (await leased(spool)).delivery.attempts == 1


async def test_hold_during_a_delivery_holds_the_next_attempt(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    lease = await leased(spool)
    await spool.change(film, Hold())
    assert (await spool.report(lease, Later())).state is FilmState.HELD


@pytest.mark.parametrize("outcome", [Later(reason="offline"), Held(reason="offline"), Doubtful(reason="offline")])
async def test_hold_during_a_delivery_keeps_its_reason(spool: Spool, outcome: Outcome) -> None:
    (film,) = await spool.accept(job(), [FOLDER])
    lease = await leased(spool, "folder")
    held = await spool.change(film, Hold("wrong patient"))
    assert held.deliveries[0].reason == "wrong patient"
    (delivery,) = (await spool.report(lease, outcome)).deliveries
    assert (delivery.state, delivery.reason) == (FilmState.HELD, "wrong patient; offline")


async def test_release_during_a_delivery_drops_the_reason_of_the_hold(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    lease = await leased(spool)
    await spool.change(film, Hold("wrong patient"))
    await spool.change(film, Release())
    assert (await spool.report(lease, Later(reason="offline"))).deliveries[0].reason == "offline"


async def test_cancel_during_a_delivery_ends_its_attempts(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER, FOLDER])
    lease = await leased(spool)
    await spool.change(film, Cancel())
    assert await spool.lease("folder", 60) is None
    assert (await spool.report(lease, Later())).state is FilmState.CANCELED


async def test_delivery_may_hold_its_film(spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    film = await spool.report(await leased(spool), Held(reason="10 attempts"))
    assert film.state is FilmState.HELD
    assert film.deliveries[0].reason == "10 attempts"


async def test_canceled_film_is_not_delivered(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    assert (await spool.change(film, Cancel())).state is FilmState.CANCELED
    assert await spool.lease("printer", 60) is None


@pytest.mark.parametrize("is_lost", [False, True])
async def test_film_without_destinations_is_canceled(place: Place, spool: Spool, *, is_lost: bool) -> None:
    (film,) = await spool.accept(job())
    if is_lost:
        place.damage(film)
        assert await spool.verify() == (0, (film,))
        assert (await spool.show(film)).state is FilmState.FAILED
    assert (await spool.change(film, Cancel())).state is FilmState.CANCELED
    assert (await spool.survey()).damaged == ()
    with pytest.raises(SpoolError, match="is canceled"):
        await spool.change(film, Assign((PRINTER,)))
    assert await spool.purge(count=0) == (film,)


@pytest.mark.parametrize("action", [Hold(), Release(), Retry(), Confirm()])
async def test_film_without_destinations_must_be_moved(spool: Spool, action: Action) -> None:
    (film,) = await spool.accept(job())
    with pytest.raises(SpoolError, match="is received and has no destinations: move it first"):
        await spool.change(film, action)
    assert (await spool.change(film, Move("LASER", (PRINTER,)))).state is FilmState.QUEUED


async def test_film_that_has_not_ended_is_not_reprinted(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    with pytest.raises(SpoolError, match="has ended"):
        await spool.change(film, Reprint())


async def test_reprint_repeats_the_deliveries(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    await spool.report(await leased(spool), Done())
    await spool.change(film, Reprint())
    assert (await leased(spool)).film.id == film
    assert (await spool.film(film)).sheet.FilmSizeID == "14INX17IN"


async def test_move_changes_the_destination(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    moved = await spool.change(film, Move("OTHER", (Target(destination="other"),)))
    assert moved.printer == "OTHER"
    assert await spool.lease("printer", 60) is None
    assert (await leased(spool, "other")).film.id == film


async def test_film_that_is_delivered_is_not_moved(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    await leased(spool)
    with pytest.raises(SpoolError, match="being delivered"):
        await spool.change(film, Move("OTHER", (FOLDER,)))


async def test_prioritized_film_comes_first(spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    (film,) = await spool.accept(job(), [PRINTER])
    await spool.change(film, Prioritize("HIGH"))
    assert (await leased(spool)).film.id == film


async def test_job_has_the_priority_of_its_films(spool: Spool) -> None:
    """A client reads it by N-GET of the Print Job."""
    made = job(films=2)
    first, second = await spool.accept(made, [PRINTER])
    found = []
    for film in (first, second):
        await spool.change(film, Prioritize("HIGH"))
        stored = await spool.find(made.SOPInstanceUID)
        found.append("" if stored is None else stored.PrintPriority)
    assert found == ["MED", "HIGH"]


async def test_change_of_a_priority_is_no_news_of_its_job(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    revision, _ = await spool.news()
    await spool.change(film, Prioritize("HIGH"))
    assert (await spool.news(revision)).jobs == ()


async def test_unknown_priority_is_refused(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    with pytest.raises(SpoolError, match="PrintPriority 'SOON'"):
        await spool.change(film, Prioritize("SOON"))


async def test_action_without_effect_is_refused(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    with pytest.raises(SpoolError, match="nothing to release"):
        await spool.change(film, Release())


async def test_unknown_film_is_refused(spool: Spool) -> None:
    with pytest.raises(NoSuchFilm, match=NO_FILM):
        await spool.show(NO_FILM)


async def test_path_is_not_a_film_id(spool: Spool) -> None:
    with pytest.raises(NoSuchFilm):
        await spool.change("../../etc/passwd", Hold())


async def test_list_selects_by_state_and_printer(spool: Spool) -> None:
    other = job()
    other.PrinterName = "OTHER"
    (one,) = await spool.accept(job(), [PRINTER], hold="wait")
    (two,) = await spool.accept(other, [PRINTER])
    assert [film.id for film in await spool.list(states=[FilmState.HELD])] == [one]
    assert [film.id for film in await spool.list(printer="OTHER")] == [two]
    assert [film.id for film in await spool.list(limit=1)] == [one]


async def test_count_selects_by_state_and_printer(spool: Spool) -> None:
    other = job()
    other.PrinterName = "OTHER"
    await spool.accept(job(), [PRINTER], hold="wait")
    await spool.accept(other, [PRINTER])
    assert await spool.count() == 2
    assert await spool.count(states=[FilmState.HELD, FilmState.QUEUED]) == 2
    assert await spool.count(states=[FilmState.HELD], printer="OTHER") == 0
    assert await spool.count(printer="OTHER") == 1


# --- upkeep ---


async def ended(spool: Spool, count: int) -> list[str]:
    films = [film for _ in range(count) for film in await spool.accept(job(), [FOLDER])]
    for _ in films:
        await spool.report(await leased(spool, "folder"), Done())
    return films


async def test_purge_keeps_films_that_have_not_ended(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    assert await spool.purge(age=0, count=0, size=0) == ()
    assert (await spool.show(film)).state is FilmState.QUEUED


@pytest.mark.parametrize("outcome", [Failed(), Doubtful()], ids=["failed", "indeterminate"])
async def test_purge_keeps_films_for_an_operator(spool: Spool, outcome: Outcome) -> None:
    await spool.accept(job(), [FOLDER])
    await spool.report(await leased(spool, "folder"), outcome)
    assert await spool.purge(age=-1, count=0, size=0) == ()


async def test_purge_removes_the_oldest_beyond_a_count(spool: Spool) -> None:
    films = await ended(spool, 3)
    assert await spool.purge(count=1) == tuple(films[:2])
    assert [film.id for film in await spool.list()] == films[2:]


async def test_purge_removes_films_beyond_a_size(spool: Spool) -> None:
    films = await ended(spool, 2)
    size = (await spool.show(films[1])).size
    assert await spool.purge(size=size) == (films[0],)


async def test_purge_by_age_keeps_young_films(spool: Spool) -> None:
    films = await ended(spool, 1)
    assert await spool.purge(age=3600) == ()
    assert await spool.purge(age=-1) == tuple(films)


async def test_purged_film_is_gone(spool: Spool) -> None:
    (film,) = await ended(spool, 1)
    await spool.purge(count=0)
    with pytest.raises(NoSuchFilm):
        await spool.film(film)


async def test_verify_skips_a_film_that_is_removed_meanwhile(
    place: Place, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_and_purge(data: bytes | memoryview) -> object:
        monkeypatch.undo()
        asyncio.run_coroutine_threadsafe(spool.purge(count=0), loop).result()
        return read_film(data)

    loop = asyncio.get_running_loop()
    for _ in range(2):
        await spool.accept(job(), [PRINTER])
        await spool.report(await leased(spool), Done())
    monkeypatch.setattr(f"print_mgmt.spool.{place.name}.read_film", read_and_purge)
    assert await spool.verify() == (1, ())


async def test_verify_finds_a_damaged_film(place: Place, spool: Spool) -> None:
    films = await spool.accept(job(films=3), [PRINTER])
    place.damage(films[1])
    assert await spool.verify() == (2, (films[1],))
    assert (await spool.show(films[1])).state is FilmState.FAILED


@pytest.mark.parametrize("targets", [[], [PRINTER]])
async def test_canceled_film_stays_canceled_when_it_is_lost(place: Place, spool: Spool, targets: list[Target]) -> None:
    """A failed film would never be purged, so `verify` must not make it one."""
    (film,) = await spool.accept(job(), targets)
    await spool.change(film, Cancel())
    place.damage(film)
    for _ in range(2):
        assert await spool.verify() == (0, (film,))
    assert (await spool.show(film)).state is FilmState.CANCELED
    assert await spool.purge(count=0) == (film,)


async def test_damaged_film_fails_and_others_are_printed(place: Place, spool: Spool) -> None:
    films = await spool.accept(job(films=2), [PRINTER])
    place.damage(films[0])
    with pytest.raises(CorruptFilm, match="checksum"):
        await spool.film(films[0])
    record = await spool.show(films[0])
    assert record.state is FilmState.FAILED
    assert "checksum" in record.deliveries[0].reason
    assert (await leased(spool)).film.id == films[1]


async def test_failure_of_a_damaged_film_fences_its_worker(place: Place, spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    lease = await leased(spool)
    place.damage(film)
    with pytest.raises(CorruptFilm):
        await spool.film(film)
    with pytest.raises(StaleLease):
        await spool.report(lease, Done())
