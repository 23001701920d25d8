"""The intake of a spool, on every engine: accepted films, and the status of their jobs."""

import asyncio

import numpy as np
import pytest
from spools import FOLDER, PRINTER, Place, job, leased, status

from print_mgmt.film import render
from print_mgmt.spool import (
    Assign,
    Done,
    Failed,
    FilmState,
    Retry,
    Spool,
    SpoolError,
    SpoolFull,
    SpoolLimits,
)
from print_mgmt.spool.tasks import Completion

# --- accept ---


async def test_accepted_film_is_queued(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    assert (await spool.show(film)).state is FilmState.QUEUED


async def test_accepted_film_survives_a_restart(place: Place) -> None:
    async with place.spool() as spool:
        films = await spool.accept(job(films=2), [PRINTER, FOLDER])
    async with place.spool() as spool:
        assert tuple(film.id for film in await spool.list()) == films


async def test_spool_can_be_opened_after_a_canceled_close(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancel(_: Completion) -> None:
        raise asyncio.CancelledError

    spool = await place.spool().__aenter__()
    with monkeypatch.context() as patched:
        patched.setattr(Completion, "close", cancel)
        with pytest.raises(asyncio.CancelledError):
            await spool.__aexit__(None, None, None)
    async with spool:
        assert await spool.list() == ()


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


@pytest.mark.parametrize("limits", [SpoolLimits(films=1), SpoolLimits(size=2500, least=0)])
async def test_films_of_another_process_count(place: Place, limits: SpoolLimits) -> None:
    async with place.spool(limits=limits) as first, place.spool(limits=limits) as second:
        await first.accept(job(nbytes=1000), [PRINTER])
        with pytest.raises(SpoolFull, match="the spool has 1 films"):
            await second.accept(job(nbytes=1000), [PRINTER])


@pytest.mark.parametrize("limits", [SpoolLimits(films=2), SpoolLimits(size=2500, least=0)])
async def test_concurrent_accepts_keep_the_limits(place: Place, limits: SpoolLimits) -> None:
    async with place.spool(limits=limits) as spool:
        jobs = (spool.accept(job(nbytes=1000), [PRINTER]) for _ in range(5))
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert sum(isinstance(result, SpoolFull) for result in results) == 3
        assert len(await spool.list()) == 2


@pytest.mark.parametrize(("films", "copies"), [(10_000, 1), (1, 1_000_001), (1, 0), (1, -1)])
async def test_job_with_a_wrong_length_is_refused(spool: Spool, films: int, copies: int) -> None:
    wrong = job()
    wrong.films, wrong.copies = wrong.films * films, copies
    with pytest.raises(SpoolError, match=f"a job of {films} films in {copies} copies"):
        await spool.accept(wrong, [PRINTER])


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


async def test_late_confirmation_does_not_hide_a_retried_job(spool: Spool) -> None:
    """The client confirms the FAILURE at the moment in which an operator retries the film."""
    made = job()
    (film_id,) = await spool.accept(made, [PRINTER])
    await spool.report(await leased(spool), Failed(info="FILM JAM"))
    await spool.change(film_id, Retry())
    await spool.confirm(made.SOPInstanceUID)
    assert await status(spool, made.SOPInstanceUID) == ("PENDING", "QUEUED")


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


@pytest.mark.parametrize("uid", ["", "1.2.\udcff", "1.2.\0"])
async def test_uid_that_is_not_storable_names_no_job(spool: Spool, uid: str) -> None:
    assert await spool.find(uid) is None
    await spool.confirm(uid)
