"""The deliveries of a spool, on every engine: leases, their outcomes, and films that wait for media."""

import asyncio
from dataclasses import replace

import pytest
from spools import FOLDER, PRINTER, Place, job, leased, status

from print_mgmt.spool import (
    Action,
    Confirm,
    Done,
    Doubtful,
    Failed,
    FilmRecord,
    FilmState,
    Hold,
    Later,
    NoMedia,
    Release,
    Retry,
    Spool,
    StaleLease,
    Target,
)
from print_mgmt.spool.changes import MAX_ABANDONED

COPIES = Target(destination="copies", each_copy=True)
OTHER = Target(destination="other")


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


# A state that no film has, and a state that the delivery of the film contradicts
@pytest.mark.parametrize("damage", ["'lost'", "'done'"])
async def test_lease_skips_a_film_with_a_damaged_row(place: Place, spool: Spool, damage: str) -> None:
    (damaged,) = await spool.accept(job(), [PRINTER])
    (intact,) = await spool.accept(job(), [PRINTER])
    place.sql(f"UPDATE film SET state = {damage} WHERE id = '{damaged}'")
    assert (await leased(spool)).film.id == intact
    assert await spool.lease("printer", 60) is None


async def test_lease_skips_a_film_with_a_damaged_delivery(place: Place, spool: Spool) -> None:
    (damaged,) = await spool.accept(job(), [PRINTER])
    (intact,) = await spool.accept(job(), [PRINTER])
    place.sql(f"UPDATE delivery SET attempts = -1 WHERE film = '{damaged}'")
    assert (await leased(spool)).film.id == intact


async def test_lease_skips_all_films_of_a_damaged_job(place: Place, spool: Spool) -> None:
    _, damaged = await spool.accept(job(films=2), [PRINTER])
    (intact,) = await spool.accept(job(), [PRINTER])
    place.sql(f"UPDATE film SET checksum = 'lost' WHERE id = '{damaged}'")
    assert (await leased(spool)).film.id == intact
    assert await spool.lease("printer", 60) is None


async def test_damaged_row_is_logged_once(place: Place, spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    (damaged,) = await spool.accept(job(), [PRINTER])
    place.sql("UPDATE film SET state = 'lost'")
    for _ in range(3):
        assert await spool.lease("printer", 60) is None
    (line,) = caplog.messages
    assert line.startswith(f"film '{damaged}' is skipped until the index is repaired: ")
    assert "state is 'lost', not one of the states received" in line


async def test_repaired_row_is_leased(place: Place, spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    place.sql("UPDATE film SET state = 'lost'")
    assert await spool.lease("printer", 60) is None
    place.sql("UPDATE film SET state = 'queued'")
    assert (await leased(spool)).film.id == film


async def test_lease_of_a_damaged_film_blocks_no_other(place: Place, spool: Spool) -> None:
    (damaged,) = await spool.accept(job(), [PRINTER])
    (intact,) = await spool.accept(job(), [PRINTER])
    assert (await leased(spool)).film.id == damaged
    place.sql(f"UPDATE film SET state = 'lost' WHERE id = '{damaged}'")
    place.clock.now += 61
    assert (await leased(spool)).film.id == intact


async def test_expired_lease_of_a_damaged_film_takes_no_place(place: Place, spool: Spool) -> None:
    (damaged,) = await spool.accept(job(), [PRINTER])
    (intact,) = await spool.accept(job(), [PRINTER])
    assert await spool.lease("printer", 60, at_once=1) is not None
    place.sql(f"UPDATE film SET state = 'lost' WHERE id = '{damaged}'")
    assert await spool.lease("printer", 60, at_once=1) is None
    place.clock.now += 61
    lease = await spool.lease("printer", 60, at_once=1)
    assert lease is not None
    assert lease.film.id == intact


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


async def test_twice_canceled_lease_is_returned(place: Place) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
        waiting = asyncio.create_task(spool.lease("printer", 60))
        for _ in range(3):
            await asyncio.sleep(0)
            waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with place.spool() as spool:
        (film,) = await spool.list()
    assert film.state is FilmState.QUEUED


async def test_limit_of_leases_at_once_is_kept(spool: Spool) -> None:
    await spool.accept(job(films=2), [PRINTER])
    lease = await spool.lease("printer", 60, at_once=1)
    assert lease is not None
    assert await spool.lease("printer", 60, at_once=1) is None
    await spool.report(lease, Done())
    assert await spool.lease("printer", 60, at_once=1) is not None


async def test_delay_of_a_result_postpones_the_next_attempt(place: Place, spool: Spool) -> None:
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


async def test_film_for_a_folder_is_leased_again_when_its_lease_ends(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [FOLDER])
    first = await leased(spool, "folder")
    place.clock.now += 61
    assert (await leased(spool, "folder")).fence > first.fence


@pytest.mark.parametrize(("info", "told"), [("INVALID PAGE DES", "INVALID PAGE DES"), ("no term", "UNKNOWN")])
async def test_failed_job_keeps_its_term(spool: Spool, info: str, told: str) -> None:
    made = job()
    await spool.accept(made, [PRINTER])
    await spool.report(await leased(spool), Failed(info=info))
    assert await status(spool, made.SOPInstanceUID) == ("FAILURE", told)


async def test_film_for_a_printer_is_indeterminate_when_its_lease_ends(place: Place, spool: Spool) -> None:
    made = job()
    (film,) = await spool.accept(made, [PRINTER])
    await leased(spool)
    place.clock.now += 61
    assert await spool.lease("printer", 60) is None
    assert (await spool.show(film)).state is FilmState.INDETERMINATE
    assert await status(spool, made.SOPInstanceUID) == ("FAILURE", "CHECK PRINTER")


async def test_doubtful_film_is_logged_once(place: Place, spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    await leased(spool)
    place.clock.now += 61
    for _ in range(2):
        assert await spool.lease("printer", 60) is None
    (line,) = caplog.messages
    assert line.startswith(f"film {film} may have been printed by printer: the lease of its worker has ended; check,")


async def test_each_doubtful_delivery_is_logged_once(
    place: Place, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    """The first line was repeated with the second lease, and came not at all if the second delivery succeeded."""
    await spool.accept(job(), [PRINTER, OTHER])
    for destination in ("printer", "other"):
        await leased(spool, destination)
        place.clock.now += 61
        for _ in range(2):
            assert await spool.lease(destination, 60) is None
    logged = [line.partition(" by ")[2].partition(":")[0] for line in caplog.messages]
    assert logged == ["printer", "other"]


async def abandoned(place: Place, spool: Spool, count: int) -> FilmRecord:
    """Return a film for a folder after ``count`` leases that ended without an outcome."""
    for _ in range(count):
        await leased(spool, "folder")
        place.clock.now += 61
    (film,) = await spool.list()
    return film


async def test_film_that_may_kill_its_worker_is_held(
    place: Place, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    """It was delivered again after each start, without end."""
    await spool.accept(job(), [FOLDER])
    film = await abandoned(place, spool, MAX_ABANDONED)
    reason = f"{MAX_ABANDONED} deliveries in a row ended without an outcome; the lease of its worker has ended"
    assert (film.state, film.deliveries[0].reason) == (FilmState.HELD, reason)
    assert caplog.messages == [f"film {film.id} is held: folder: {reason}; see print-mgmt spool release"]


async def test_held_delivery_is_logged_once(place: Place, spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    """The line was repeated when a lease of another delivery of its film ended."""
    await spool.accept(job(), [FOLDER, PRINTER])
    await abandoned(place, spool, MAX_ABANDONED)
    await leased(spool)
    place.clock.now += 61
    for _ in range(2):
        assert await spool.lease("printer", 60) is None
    assert len([line for line in caplog.messages if "is held" in line]) == 1


async def test_film_after_one_that_is_held_is_delivered(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [FOLDER])
    await abandoned(place, spool, MAX_ABANDONED)
    (film,) = await spool.accept(job(), [FOLDER])
    assert (await leased(spool, "folder")).film.id == film


async def test_starts_count_the_leases_of_killed_workers(place: Place) -> None:
    for _ in range(MAX_ABANDONED):
        async with place.spool() as spool:
            if not await spool.count():
                await spool.accept(job(), [FOLDER])
            await leased(spool, "folder")
    async with place.spool() as spool:
        (film,) = await spool.list()
    assert film.state is FilmState.HELD


@pytest.mark.parametrize("actions", [(), (Hold(), Release())], ids=["outcome", "release"])
async def test_only_leases_in_a_row_count(place: Place, spool: Spool, actions: tuple[Action, ...]) -> None:
    (film,) = await spool.accept(job(), [FOLDER])
    await abandoned(place, spool, MAX_ABANDONED - 1)
    if not actions:
        await spool.report(await leased(spool, "folder"), Later())
    for action in actions:
        await spool.change(film, action)
    assert (await abandoned(place, spool, MAX_ABANDONED - 1)).state is FilmState.QUEUED


async def test_index_of_an_older_program_counts_leases(place: Place) -> None:
    """Its deliveries have no count."""
    async with place.spool() as spool:
        await spool.accept(job(), [FOLDER])
    place.sql("ALTER TABLE delivery DROP COLUMN abandoned")
    async with place.spool() as spool:
        assert (await abandoned(place, spool, MAX_ABANDONED)).state is FilmState.HELD


async def test_late_result_is_refused_by_the_fence(place: Place, spool: Spool) -> None:
    await spool.accept(job(), [FOLDER])
    late = await leased(spool, "folder")
    place.clock.now += 61
    again = await leased(spool, "folder")
    with pytest.raises(StaleLease, match="has ended"):
        await spool.report(late, Done())
    assert (await spool.report(again, Done())).state is FilmState.DONE


async def test_result_after_the_end_is_refused(place: Place, spool: Spool) -> None:
    """A late outcome is refused even if no other worker has the film yet."""
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


@pytest.mark.parametrize(("target", "state"), [(PRINTER, FilmState.QUEUED), (FOLDER, FilmState.INDETERMINATE)])
async def test_renewal_records_whether_to_repeat(place: Place, spool: Spool, target: Target, state: FilmState) -> None:
    await spool.accept(job(), [target])
    lease = await leased(spool, target.destination)
    await spool.renew(replace(lease, delivery=replace(lease.delivery, repeatable=not target.repeatable)), 60)
    place.clock.now += 61
    (film,) = await spool.list()
    assert film.state is state


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


async def test_reason_that_is_not_storable_is_escaped(spool: Spool) -> None:
    await spool.accept(job(), [PRINTER])
    lease = await spool.lease("printer", 60)
    assert lease is not None
    film = await spool.report(lease, Failed(info="\udcff", reason="\0\udcff"))
    assert (film.deliveries[0].info, film.deliveries[0].reason) == (r"\xff", r"\x00\xff")


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


async def test_loaded_media_give_the_film_all_its_attempts(spool: Spool) -> None:
    """Nothing was sent to the destination while the film waited, and each start and reload tries the film."""
    await spool.accept(job(), [PRINTER])
    for _ in range(3):
        lease = await leased(spool)
        assert lease.delivery.attempts == 1
        await spool.report(lease, NoMedia())
        await spool.media_loaded("printer")


async def test_loaded_media_queue_all_films_but_a_damaged_one(place: Place, spool: Spool) -> None:
    (damaged,) = await spool.accept(job(), [PRINTER])
    (intact,) = await spool.accept(job(), [PRINTER])
    for _ in range(2):
        await spool.report(await leased(spool), NoMedia())
    place.sql(f"UPDATE film SET state = 'lost' WHERE id = '{damaged}'")
    assert await spool.media_loaded("printer") == 1
    assert (await leased(spool)).film.id == intact
