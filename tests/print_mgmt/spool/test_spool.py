"""The rules of a spool, on every engine."""

import asyncio

import numpy as np
import pytest
from spools import FOLDER, PRINTER, Place, job

from print_mgmt.film import render
from print_mgmt.spool import (
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
    Lease,
    Move,
    NoMedia,
    NoSuchFilm,
    Outcome,
    Prioritize,
    Release,
    Reprint,
    Retry,
    Spool,
    SpoolError,
    SpoolFull,
    SpoolLimits,
    StaleLease,
    Target,
)

COPIES = Target(destination="copies", each_copy=True)
NOBODY = "0000000000000000.1"


async def leased(spool: Spool, destination: str = "printer") -> Lease:
    lease = await spool.lease(destination, 60)
    assert lease is not None
    return lease


async def status(spool: Spool, uid: str) -> tuple[str, str]:
    found = await spool.find(uid)
    assert found is not None
    return found.ExecutionStatus, found.ExecutionStatusInfo


# --- accept ---


async def test_accepted_film_is_queued(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    assert (await spool.show(film)).state is FilmState.QUEUED


async def test_accepted_film_survives_a_restart(place: Place) -> None:
    async with place.spool() as spool:
        films = await spool.accept(job(films=2), [PRINTER, FOLDER])
    async with place.spool() as spool:
        assert tuple(film.id for film in await spool.list()) == films


async def test_stored_film_equals_the_accepted_film(spool: Spool) -> None:
    made = job()
    (film,) = await spool.accept(made, [PRINTER])
    pages = [render(one.sheet, 10).pixels for one in (made.films[0], await spool.film(film))]
    assert np.array_equal(pages[0], pages[1])


async def test_record_names_job_and_client(spool: Spool) -> None:
    made = job(copies=3)
    (film,) = await spool.accept(made, [PRINTER])
    record = await spool.show(film)
    assert (record.job, record.printer, record.Originator) == (made.SOPInstanceUID, "LASER", "SCU")
    assert (record.FilmSessionLabel, record.copies, record.FilmSizeID) == ("thorax", 3, "14INX17IN")


async def test_texts_that_no_database_holds_are_escaped(spool: Spool) -> None:
    made = job()
    made.Originator, made.FilmSessionLabel = "R\udcd6NTGEN1", "knee\0\ud800"
    (film,) = await spool.accept(made, [PRINTER])
    record = await spool.show(film)
    assert (record.Originator, record.FilmSessionLabel) == (r"R\xd6NTGEN1", r"knee\x00\ud800")


async def test_job_is_accepted_once(spool: Spool) -> None:
    made = job()
    await spool.accept(made, [PRINTER])
    with pytest.raises(SpoolError):
        await spool.accept(made, [PRINTER])
    assert len(await spool.list()) == 1


async def test_film_without_targets_is_received(spool: Spool) -> None:
    (film,) = await spool.accept(job())
    assert (await spool.show(film)).state is FilmState.RECEIVED
    assert await spool.lease("printer", 60) is None


async def test_assign_queues_a_received_film(spool: Spool) -> None:
    (film,) = await spool.accept(job())
    assert (await spool.change(film, Assign((PRINTER,)))).state is FilmState.QUEUED
    with pytest.raises(SpoolError, match="destinations already"):
        await spool.change(film, Assign((FOLDER,)))


async def test_full_disk_refuses_a_film(place: Place) -> None:
    async with place.spool(limits=SpoolLimits(least=1 << 60)) as spool:
        assert spool.room.is_full
        with pytest.raises(SpoolFull):
            await spool.accept(job(), [PRINTER])
        assert await spool.list() == ()


async def test_low_disk_warns_and_accepts(place: Place) -> None:
    async with place.spool(limits=SpoolLimits(low=1 << 60, least=1)) as spool:
        assert spool.room.is_low
        assert not spool.room.is_full
        assert await spool.accept(job(), [PRINTER])


async def test_full_spool_refuses_a_film(place: Place) -> None:
    async with place.spool(limits=SpoolLimits(films=2)) as spool:
        await spool.accept(job(films=2), [PRINTER])
        with pytest.raises(SpoolFull):
            await spool.accept(job(), [PRINTER])


async def test_concurrent_accepts_store_all_films(spool: Spool) -> None:
    accepted = await asyncio.gather(*(spool.accept(job(films=2), [PRINTER]) for _ in range(20)))
    assert {film.id for film in await spool.list()} == {film for films in accepted for film in films}


# --- print jobs ---


async def test_find_returns_a_pending_job(spool: Spool) -> None:
    made = job()
    await spool.accept(made, [PRINTER])
    found = await spool.find(made.SOPInstanceUID)
    assert found is not None
    assert (found.ExecutionStatus, found.ExecutionStatusInfo) == ("PENDING", "QUEUED")
    assert (found.PrinterName, found.Originator, found.CreationDate) == ("LASER", "SCU", made.CreationDate)


async def test_find_of_unknown_job_returns_none(spool: Spool) -> None:
    assert await spool.find("1.2.3") is None


async def test_job_is_printing_then_done(spool: Spool) -> None:
    made = job(films=2)
    await spool.accept(made, [PRINTER])
    lease = await leased(spool)
    assert await status(spool, made.SOPInstanceUID) == ("PRINTING", "NORMAL")
    await spool.report(lease, Done())
    assert await status(spool, made.SOPInstanceUID) == ("PRINTING", "NORMAL")
    await spool.report(await leased(spool), Done())
    assert await status(spool, made.SOPInstanceUID) == ("DONE", "NORMAL")


async def test_failed_film_fails_its_job(spool: Spool) -> None:
    made = job()
    await spool.accept(made, [PRINTER])
    await spool.report(await leased(spool), Failed(info="FILM JAM"))
    assert await status(spool, made.SOPInstanceUID) == ("FAILURE", "FILM JAM")


async def test_retried_job_is_pending(spool: Spool) -> None:
    made = job()
    (film,) = await spool.accept(made, [PRINTER])
    await spool.report(await leased(spool), Failed())
    await spool.change(film, Retry())
    assert await status(spool, made.SOPInstanceUID) == ("PENDING", "QUEUED")


async def test_job_of_another_process_is_found(place: Place, spool: Spool) -> None:
    made = job()
    async with place.spool() as other:
        await other.accept(made, [PRINTER])
        assert await status(spool, made.SOPInstanceUID) == ("PENDING", "QUEUED")


async def test_confirmed_job_is_gone(spool: Spool) -> None:
    made = job()
    await spool.accept(made, [PRINTER])
    await spool.report(await leased(spool), Done())
    await spool.confirm(made.SOPInstanceUID)
    assert await spool.find(made.SOPInstanceUID) is None


async def test_news_has_the_changed_jobs(spool: Spool) -> None:
    first, second = job(), job()
    await spool.accept(first, [PRINTER])
    await spool.accept(second, [PRINTER])
    revision, jobs = await spool.news()
    assert jobs == ()
    await spool.report(await leased(spool), Done())
    news = await spool.news(revision)
    assert [(one.SOPInstanceUID, one.ExecutionStatus) for one in news.jobs] == [(first.SOPInstanceUID, "DONE")]
    assert (await spool.news(news.revision)).jobs == ()


async def test_news_wait_for_a_change(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    revision, _ = await spool.news()
    waiting = asyncio.create_task(spool.news(revision, wait=60))
    async with place.spool() as other:
        await leased(other)
        assert [one.ExecutionStatus for one in (await waiting).jobs] == ["PRINTING"]


# --- leases ---


async def test_lease_takes_the_most_urgent_film(spool: Spool) -> None:
    accepted = [await spool.accept(job(PrintPriority=one), [PRINTER]) for one in ("LOW", "MED", "HIGH", "HIGH")]
    order = [(await leased(spool)).film.id for _ in accepted]
    assert order == [accepted[number][0] for number in (2, 3, 1, 0)]


async def test_leased_film_is_not_leased_again(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    await leased(spool)
    async with place.spool() as other:
        assert await other.lease("printer", 60) is None


async def test_two_workers_never_lease_one_film(place: Place, spool: Spool) -> None:
    for _ in range(10):
        await spool.accept(job(), [PRINTER])
    async with place.spool() as other:
        leases = await asyncio.gather(*(one.lease("printer", 60) for one in (spool, other) * 6))
    films = [lease.film.id for lease in leases if lease is not None]
    assert len(films) == len(set(films)) == 10


async def test_destinations_are_independent(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER, FOLDER])
    await spool.report(await leased(spool), Failed())
    await spool.report(await leased(spool, "folder"), Done())
    states = {one.destination: one.state for one in (await spool.show(film)).deliveries}
    assert states == {"printer": FilmState.FAILED, "folder": FilmState.DONE}


async def test_copies_are_collated(spool: Spool) -> None:
    await spool.accept(job(films=2, copies=2), [COPIES])
    order = []
    for _ in range(4):
        lease = await leased(spool, "copies")
        order.append((lease.film.number, lease.delivery.copy))
        await spool.report(lease, Done())
    assert order == [(1, 1), (2, 1), (1, 2), (2, 2)]


async def test_copies_without_collation_follow_each_other(spool: Spool) -> None:
    made = job(films=2, copies=2)
    made.collated = False
    await spool.accept(made, [COPIES])
    order = [((lease := await leased(spool, "copies")).film.number, lease.delivery.copy) for _ in range(4)]
    assert order == [(1, 1), (1, 2), (2, 1), (2, 2)]


async def test_lease_waits_for_a_film(place: Place, spool: Spool) -> None:
    waiting = asyncio.create_task(spool.lease("printer", 60, wait=60))
    async with place.spool() as other:
        (film,) = await other.accept(job(), [PRINTER])
    lease = await waiting
    assert lease is not None
    assert lease.film.id == film


async def test_canceled_lease_is_returned(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    waiting = asyncio.create_task(spool.lease("printer", 60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await spool.show(film)).state is FilmState.QUEUED


async def test_limit_of_leases_at_once_is_kept(spool: Spool) -> None:
    await spool.accept(job(films=2), [PRINTER])
    lease = await spool.lease("printer", 60, at_once=1)
    assert lease is not None
    assert await spool.lease("printer", 60, at_once=1) is None
    await spool.report(lease, Done())
    assert await spool.lease("printer", 60, at_once=1) is not None


async def test_later_delays_the_next_attempt(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    await spool.report(await leased(spool), Later(delay=30, reason="busy"))
    assert await spool.lease("printer", 60) is None
    place.clock.now += 31
    assert (await leased(spool)).delivery.attempts == 2


async def test_retry_does_not_wait_for_the_next_attempt(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    await spool.report(await leased(spool), Later(delay=3000))
    await spool.change(film, Retry())
    assert await spool.lease("printer", 60) is not None


async def test_ended_lease_of_a_folder_returns(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [FOLDER])
    first = await leased(spool, "folder")
    place.clock.now += 61
    assert (await leased(spool, "folder")).fence > first.fence


async def test_ended_lease_of_a_printer_is_indeterminate(place: Place, spool: Spool) -> None:
    made = job()
    (film,) = await spool.accept(made, [PRINTER])
    await leased(spool)
    place.clock.now += 61
    assert await spool.lease("printer", 60) is None
    assert (await spool.show(film)).state is FilmState.INDETERMINATE
    assert await status(spool, made.SOPInstanceUID) == ("FAILURE", "CHECK PRINTER")


async def test_late_result_is_refused_by_the_fence(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [FOLDER])
    late = await leased(spool, "folder")
    place.clock.now += 61
    again = await leased(spool, "folder")
    with pytest.raises(StaleLease, match="has ended"):
        await spool.report(late, Done())
    assert (await spool.report(again, Done())).state is FilmState.DONE


async def test_result_after_the_end_is_refused(place: Place, spool: Spool) -> None:
    """A late result is refused even if no other worker has the film yet."""
    await spool.accept(job(), [PRINTER])
    late = await leased(spool)
    place.clock.now += 61
    with pytest.raises(StaleLease):
        await spool.report(late, Done())


async def test_renewed_lease_continues(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    lease = await leased(spool)
    place.clock.now += 50
    lease = await spool.renew(lease, 60)
    place.clock.now += 50
    assert (await spool.report(lease, Done())).state is FilmState.DONE


async def test_ended_lease_is_not_renewed(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    lease = await leased(spool)
    place.clock.now += 61
    with pytest.raises(StaleLease):
        await spool.renew(lease, 60)


async def test_clock_set_back_loses_and_blocks_no_film(place: Place, spool: Spool) -> None:
    """The current delivery continues, and later films are delivered at once."""
    await spool.accept(job(), [PRINTER])
    before = await spool.lease("printer", 60)
    assert before is not None
    place.clock.now -= 500
    (film,) = await spool.accept(job(), [PRINTER])
    after = await spool.lease("printer", 60)
    assert after is not None
    assert after.film.id == film
    assert {(await spool.report(lease, Done())).state for lease in (before, after)} == {FilmState.DONE}


async def test_restart_ends_the_leases_of_a_dead_process(place: Place) -> None:
    async with place.spool() as spool:
        films = [await spool.accept(job(), [target]) for target in (PRINTER, FOLDER)]
        await leased(spool)
        await leased(spool, "folder")
    async with place.spool() as spool:
        states = [(await spool.show(film)).state for (film,) in films]
        assert states == [FilmState.INDETERMINATE, FilmState.QUEUED]


async def test_start_leaves_the_leases_of_a_living_process(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    lease = await leased(spool)
    async with place.spool() as other:
        assert (await other.show(lease.film.id)).state is FilmState.DELIVERING
    assert (await spool.report(lease, Done())).state is FilmState.DONE


async def test_doubtful_result_is_indeterminate(spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    film = await spool.report(await leased(spool), Doubtful(reason="cut off"))
    assert film.state is FilmState.INDETERMINATE
    assert await spool.lease("printer", 60) is None


async def test_confirm_ends_a_doubt(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    await spool.report(await leased(spool), Doubtful())
    assert (await spool.change(film, Confirm())).state is FilmState.DONE


# --- media ---


async def test_film_waits_for_media(spool: Spool) -> None:
    films = await spool.accept(job(films=2), [PRINTER])
    await spool.report(await leased(spool), NoMedia())
    assert (await spool.show(films[0])).state is FilmState.WAITING
    assert (await leased(spool)).film.id == films[1]


async def test_loaded_media_queue_the_film(spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    await spool.report(await leased(spool), NoMedia())
    assert await spool.media_loaded("folder") == 0
    assert await spool.media_loaded("printer") == 1
    assert await spool.lease("printer", 60) is not None


# --- operators ---


async def test_held_film_is_not_delivered(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER], hold="not identified")
    assert (await spool.show(film)).state is FilmState.HELD
    assert await spool.lease("printer", 60) is None
    await spool.change(film, Release())
    assert await spool.lease("printer", 60) is not None


async def test_hold_during_a_delivery_holds_the_next_attempt(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    lease = await leased(spool)
    await spool.change(film, Hold())
    assert (await spool.report(lease, Later())).state is FilmState.HELD


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


async def test_reprint_repeats_the_deliveries(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    with pytest.raises(SpoolError, match="not ended"):
        await spool.change(film, Reprint())
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


async def test_unknown_priority_is_refused(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    with pytest.raises(SpoolError, match="PrintPriority 'SOON'"):
        await spool.change(film, Prioritize("SOON"))


async def test_action_without_effect_is_refused(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    with pytest.raises(SpoolError, match="nothing to release"):
        await spool.change(film, Release())


async def test_unknown_film_is_refused(spool: Spool) -> None:
    with pytest.raises(NoSuchFilm, match=NOBODY):
        await spool.show(NOBODY)
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


async def test_verify_finds_a_damaged_film(place: Place, spool: Spool) -> None:
    films = await spool.accept(job(films=3), [PRINTER])
    place.damage(films[1])
    assert await spool.verify() == (2, (films[1],))
    assert (await spool.show(films[1])).state is FilmState.FAILED


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


@pytest.mark.parametrize("uid", ["", "1.2.\udcff", "1.2.\0"])
async def test_uid_that_is_not_storable_names_no_job(spool: Spool, uid: str) -> None:
    assert await spool.find(uid) is None
    await spool.confirm(uid)


async def test_reason_that_is_not_storable_is_escaped(spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    lease = await spool.lease("printer", 60)
    assert lease is not None
    film = await spool.report(lease, Failed(info="\udcff", reason="\0\udcff"))
    assert (film.deliveries[0].info, film.deliveries[0].reason) == (r"\xff", r"\x00\xff")


@pytest.mark.parametrize(("films", "copies"), [(10_000, 1), (1, 1_000_001)])
async def test_job_that_is_too_long_is_refused(spool: Spool, films: int, copies: int) -> None:
    long = job()
    long.films, long.copies = long.films * films, copies
    with pytest.raises(SpoolError, match=f"a job of {films} films in {copies} copies"):
        await spool.accept(long, [PRINTER])
