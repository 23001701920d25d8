"""Faults of the disk under the embedded spool: no accepted film is lost, and the spool continues."""

import asyncio
import errno
import os
import shutil
import tempfile
import threading
import tracemalloc
from collections.abc import Collection, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from cycles import cycles_left
from spools import FOLDER, PRINTER, EmbeddedPlace, job, leased, only_film_file

from dimse.errors import LocalProtocolError
from print_mgmt.spool import (
    Cancel,
    Done,
    EmbeddedSpool,
    FilmRecord,
    FilmState,
    Hold,
    Later,
    Prioritize,
    SpoolError,
    SpoolFull,
    SpoolLimits,
    Survey,
    embedded,
)
from print_mgmt.spool.film_folder import FilmFolder
from print_mgmt.spool.index import Index
from print_mgmt.spool.repair import survey

NOBODY = 65534
NO_WATERMARKS = SpoolLimits(low=0, least=0)
ACCEPT_STEPS = ("draft created", "write", "fsync", "name", "named", "folder sync", "commit")


@pytest.fixture
def place(tmp_path: Path) -> EmbeddedPlace:
    return EmbeddedPlace(tmp_path / "spool")


class Fault:
    """A step that fails with an error number, several times in a row from its n-th call on."""

    def __init__(self, name: str, number: int = errno.ENOSPC, *, times: int = 1) -> None:
        self.name, self.number, self.times = name, number, times

    def __call__(self, name: str) -> None:
        if name == self.name and self.times:
            self.times -= 1
            raise OSError(self.number, os.strerror(self.number))


def files(place: EmbeddedPlace) -> list[str]:
    """Return the names of the films, without drafts, which may stay a little longer."""
    return sorted(path.name for name in ("films", "ended") for path in (place.folder / name).glob("[!.]*"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT], ids=errno.errorcode.get)
@pytest.mark.parametrize("step", ACCEPT_STEPS)
async def test_error_at_a_step_refuses_only_that_film(place: EmbeddedPlace, step: str, number: int) -> None:
    fault = Fault("", number)
    async with place.spool(step=fault) as spool:
        (before,) = await spool.accept(job(), [PRINTER])
        fault.name = step
        with pytest.raises(SpoolError, match=os.strerror(number)):
            await spool.accept(job(films=2), [PRINTER])
        (after,) = await spool.accept(job(), [PRINTER])
        assert [film.id for film in await spool.list()] == [before, after]
        assert len(files(place)) == 2


async def test_failing_fsync_refuses_only_that_film(place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    async with place.spool() as spool:
        fsync = os.fsync

        def fail(_: int) -> None:
            monkeypatch.setattr(os, "fsync", fsync)
            raise OSError(errno.EIO, "fsync failed")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(SpoolError, match="fsync failed"):
            await spool.accept(job(), [PRINTER])
        (film,) = await spool.accept(job(), [PRINTER])
        assert [one.id for one in await spool.list()] == [film]


@pytest.mark.parametrize("step", ACCEPT_STEPS)
async def test_refused_films_are_freed_at_once(place: EmbeddedPlace, step: str) -> None:
    fault = Fault("")
    async with place.spool(step=fault) as spool:
        fault.name = step
        with cycles_left() as left:
            with pytest.raises(SpoolError):
                await spool.accept(job(films=3), [PRINTER])
            await asyncio.sleep(0)  # the loop drops what has woken this task
    assert left == set()


async def test_failed_job_leaves_no_file(place: EmbeddedPlace) -> None:
    async with place.spool(step=Fault("folder sync")) as spool:
        with pytest.raises(SpoolError):
            await spool.accept(job(films=3), [PRINTER])
        assert list((place.folder / "films").iterdir()) == []


async def test_report_on_a_failing_disk_can_be_repeated(place: EmbeddedPlace) -> None:
    fault = Fault("", errno.EIO)
    async with place.spool(step=fault) as spool:
        await spool.accept(job(), [PRINTER])
        lease = await spool.lease("printer", 60)
        assert lease is not None
        fault.name = "commit"
        with pytest.raises(SpoolError):
            await spool.report(lease, Done())
        assert (await spool.report(lease, Done())).state is FilmState.DONE


async def test_removed_folder_refuses_films(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        shutil.rmtree(place.folder)
        for _ in range(2):
            with pytest.raises(SpoolError):
                await spool.accept(job(), [PRINTER])
        assert spool.room.is_full


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user who may not write to the folders of others: root may write anywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)  # this applies to all threads
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder without read permission, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


async def test_read_only_folder_is_named(open_folder: Path) -> None:
    folder = open_folder / "spool"
    folder.mkdir(mode=0o555)
    with nobody(), pytest.raises(SpoolError, match=r"spool.*Permission denied"):
        await EmbeddedPlace(folder).spool().__aenter__()


async def test_folder_that_becomes_read_only_refuses_films(open_folder: Path) -> None:
    place = EmbeddedPlace(open_folder / "spool")
    films = place.folder / "films"
    async with place.spool() as spool:
        place.folder.chmod(0o755)
        films.chmod(0o555)
        with nobody(), pytest.raises(SpoolError, match="Permission denied"):
            await spool.accept(job(), [PRINTER])
        films.chmod(0o755)
        (film,) = await spool.accept(job(), [PRINTER])
        assert [one.id for one in await spool.list()] == [film]


async def test_full_disk_refuses_films_until_there_is_room(small_disk: Path) -> None:
    place = EmbeddedPlace(small_disk / "spool")
    async with place.spool(limits=NO_WATERMARKS) as spool:
        filling = small_disk / "filling"
        filling.write_bytes(bytes(10 << 20))
        accepted: list[str] = []
        with pytest.raises(SpoolError, match=r"No space left|full"):
            while True:
                accepted += await spool.accept(job(films=20, nbytes=60_000), [PRINTER])
        assert [film.id for film in await spool.list()] == accepted
        assert await spool.verify() == (len(accepted), ())
        filling.unlink()
        accepted += await spool.accept(job(films=20, nbytes=60_000), [PRINTER])
    async with place.spool() as spool:
        assert [film.id for film in await spool.list()] == accepted


def fill(disk: Path) -> Path:
    """Fill a disk completely, and return the file that fills it."""
    filling = disk / "filling"
    with pytest.raises(OSError, match="No space left"), filling.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filling


async def test_index_on_a_full_disk_goes_on_when_there_is_room(small_disk: Path) -> None:
    place = EmbeddedPlace(small_disk / "spool")
    async with place.spool(limits=NO_WATERMARKS) as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        (place.folder / "reserve").unlink()
        filling = fill(small_disk)
        with pytest.raises(SpoolError):
            while True:
                await spool.change(film, Prioritize("HIGH"))
                await spool.change(film, Prioritize("LOW"))
        filling.unlink()
        await spool.change(film, Hold())
        assert (await spool.show(film)).state is FilmState.HELD


@pytest.mark.parametrize("is_running", [False, True], ids=["stopped", "running"])
async def test_films_are_canceled_and_purged_on_a_full_disk(small_disk: Path, *, is_running: bool) -> None:
    place = EmbeddedPlace(small_disk / "spool")
    films: list[str] = []
    async with AsyncExitStack() as stack:
        async with AsyncExitStack() as stopped:
            server = await (stack if is_running else stopped).enter_async_context(place.spool(limits=NO_WATERMARKS))
            for _ in range(100):
                films += await server.accept(job(nbytes=20_000), [PRINTER])
        fill(small_disk)
        async with place.spool() as operator:
            for film in films:
                assert (await operator.change(film, Cancel())).state is FilmState.CANCELED
            assert set(await operator.purge(age=-1)) == set(films)
            assert await operator.list() == ()


async def test_films_are_refused_until_the_reserve_is_back(small_disk: Path) -> None:
    place = EmbeddedPlace(small_disk / "spool")
    async with place.spool(limits=NO_WATERMARKS) as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        filling = fill(small_disk)
        while (place.folder / "reserve").exists():
            await spool.change(film, Prioritize("HIGH"))
            await spool.change(film, Prioritize("LOW"))
        with pytest.raises(SpoolFull):
            await spool.accept(job(), [PRINTER])
        filling.unlink()
        place.clock.now += 2
        await spool.accept(job(), [PRINTER])
        assert (place.folder / "reserve").exists()


async def test_file_in_place_of_the_folder_is_named(place: EmbeddedPlace) -> None:
    place.folder.write_bytes(b"")
    with pytest.raises(SpoolError, match="cannot be opened"):
        await place.spool().__aenter__()


async def test_film_files_are_only_for_their_owner(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
        assert only_film_file(place).stat().st_mode & 0o077 == 0


# --- start ---


async def test_start_removes_films_never_accepted(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
    known = only_film_file(place)
    shutil.copy(known, known.with_name(known.name.replace(known.name[:16], "0" * 16)))
    (place.folder / "films" / ".1.dcm.01234567.part").write_bytes(b"half")
    async with place.spool():
        assert files(place) == [known.name]


async def test_start_keeps_films_that_others_are_accepting(place: EmbeddedPlace) -> None:
    found = []

    async def look() -> None:
        async with place.spool() as other:
            found.append(await other.list())

    class Pause:
        def __call__(self, name: str) -> None:
            if name == "folder sync" and not found:
                asyncio.run(look())

    async with place.spool(step=Pause()) as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        assert found == [()]
        assert [one.id for one in await spool.list()] == [film]
        assert await spool.film(film) is not None


async def test_missing_film_fails_at_the_start(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
    only_film_file(place).unlink()
    async with place.spool() as spool:
        assert (await spool.show(film)).state is FilmState.FAILED


async def test_restarted_clock_ends_all_delays(place: EmbeddedPlace) -> None:
    """The machine was restarted, and its monotonic clock with it."""
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
        lease = await spool.lease("printer", 60)
        assert lease is not None
        await spool.report(lease, Later(delay=3600))
    place.clock.now = 5.0
    async with place.spool() as spool:
        assert await spool.lease("printer", 60) is not None


async def test_restarted_clock_ends_the_delay_after_a_long_delivery(place: EmbeddedPlace) -> None:
    """The clock shows more than at the time of the lease, and less than at the time of its outcome."""
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
        lease = await spool.lease("printer", 60)
        assert lease is not None
        leased_at = place.clock.now
        for _ in range(100):
            place.clock.now += 50
            lease = await spool.renew(lease, 60)
        await spool.report(lease, Later(delay=60))
    place.clock.now = leased_at + 10
    async with place.spool() as spool:
        assert await spool.lease("printer", 60) is not None


async def test_wall_clock_set_back_changes_nothing(place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [FOLDER])
        monkeypatch.setattr("time.time", lambda: 0.0)
        lease = await spool.lease("folder", 60)
        assert lease is not None
        place.clock.now += 61
        assert await spool.lease("folder", 60) is not None
        (film,) = await spool.accept(job(), [PRINTER])
        assert (await spool.show(film)).state is FilmState.QUEUED


async def test_spool_is_opened_once(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        with pytest.raises(LocalProtocolError):
            await spool.__aenter__()


async def test_spool_can_be_opened_after_its_recovery_failed(place: EmbeddedPlace) -> None:
    spool = place.spool(step=Fault("commit", errno.EIO))
    with pytest.raises(SpoolError):
        await spool.__aenter__()
    async with spool:
        assert await spool.accept(job(), [PRINTER])


async def test_spool_can_be_opened_after_a_canceled_attempt(place: EmbeddedPlace) -> None:
    spool = place.spool()
    opening = asyncio.create_task(spool.__aenter__())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    async with spool:
        assert await spool.accept(job(), [PRINTER])


async def test_canceled_lease_is_canceled_even_on_a_failing_disk(place: EmbeddedPlace) -> None:
    fault = Fault("", errno.EIO)
    async with place.spool(step=fault) as spool:
        fault.name = "commit"
        waiting = asyncio.create_task(spool.lease("printer", 60))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_jobs_at_the_same_time_keep_the_limit(place: EmbeddedPlace) -> None:
    async with place.spool(limits=SpoolLimits(films=3)) as spool:
        ended = await asyncio.gather(*(spool.accept(job(films=2)) for _ in range(3)), return_exceptions=True)
        assert [isinstance(one, SpoolFull) for one in ended] == [False, True, True]


async def test_canceled_report_moves_the_file(place: EmbeddedPlace) -> None:
    """The film is done; if the index is lost, it must not be printed again."""
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
        lease = await spool.lease("printer", 60)
        assert lease is not None
        reporting = asyncio.create_task(spool.report(lease, Done()))
        await asyncio.sleep(0)
        reporting.cancel()
        await asyncio.wait({reporting})
        assert (await spool.show(lease.film.id)).state is FilmState.DONE
    assert len(list((place.folder / "ended").iterdir())) == 1


async def test_closed_spool_raises() -> None:
    with pytest.raises(LocalProtocolError, match="not open"):
        await EmbeddedSpool("nowhere").list()


async def test_held_state_survives_a_restart(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        await spool.change(film, Hold(reason="check"))
    async with place.spool() as spool:
        record = await spool.show(film)
        assert (record.state, record.deliveries[0].reason) == (FilmState.HELD, "check")


async def test_delivery_of_a_large_film_takes_little_memory(place: EmbeddedPlace) -> None:
    size = 24 << 20
    async with place.spool(limits=SpoolLimits(in_memory=1 << 20)) as spool:
        (film_id,) = await spool.accept(job(nbytes=size), [PRINTER])
        tracemalloc.start()
        try:
            film = await spool.film(film_id)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    image = film.sheet.cells[0].image
    assert image is not None
    assert image.pixels.nbytes == size
    assert peak < size / 2


async def test_large_film_equals_the_accepted_one(place: EmbeddedPlace) -> None:
    accepted = job(nbytes=10_000)
    async with place.spool(limits=SpoolLimits(in_memory=1)) as spool:
        (film_id,) = await spool.accept(accepted, [PRINTER])
        film = await spool.film(film_id)
        await spool.change(film_id, Cancel())
        await spool.purge(age=-1)
    before, after = accepted.films[0].sheet.cells[0].image, film.sheet.cells[0].image
    assert before is not None
    assert after is not None
    assert np.array_equal(after.pixels, before.pixels)


async def test_list_delays_no_film(place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of 100,000 films takes seconds."""
    has_begun, go_on, select = asyncio.Event(), threading.Event(), Index.select
    loop = asyncio.get_running_loop()

    def wait(index: Index, states: Collection[FilmState], printer: str, limit: int | None) -> list[FilmRecord]:
        found = select(index, states, printer, limit)
        loop.call_soon_threadsafe(has_begun.set)
        go_on.wait(60)
        return found

    monkeypatch.setattr(Index, "select", wait)
    async with place.spool() as spool:
        listing = asyncio.create_task(spool.list())
        await has_begun.wait()
        await spool.accept(job(), [PRINTER])
        assert not listing.done()
        go_on.set()
        assert await listing == ()
        assert len(await spool.list()) == 1


async def test_list_of_another_process_delays_no_film(place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator may look at the spool at any time."""
    has_begun, go_on, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def wait(index: Index, files: FilmFolder) -> Survey:
        found = survey(index, files)
        loop.call_soon_threadsafe(has_begun.set)
        go_on.wait(60)
        return found

    monkeypatch.setattr(embedded, "survey", wait)
    async with place.spool() as spool, place.spool() as other:
        looking = asyncio.create_task(other.survey())
        await has_begun.wait()
        await spool.accept(job(), [PRINTER])
        assert not looking.done()
        go_on.set()
        assert (await looking).films == ()


async def test_films_that_wait_for_their_next_attempt_are_not_searched(place: EmbeddedPlace) -> None:
    """A destination that is away may have 100,000 of them, and its worker asks four times a second."""
    async with place.spool() as spool:
        for _ in range(3):
            await spool.accept(job(), [PRINTER])
            lease = await leased(spool)
            await spool.report(lease, Later(delay=1000))
        steps = list[str]()

        def count() -> int:
            steps.append("")
            return 0

        spool._rows.db.set_progress_handler(count, 1)
        assert await spool.lease(PRINTER.destination, 10) is None
        few = len(steps)
        spool._rows.db.set_progress_handler(None, 1)
        for _ in range(100):
            await spool.accept(job(), [PRINTER])
            await spool.report(await leased(spool), Later(delay=1000))
        steps.clear()
        spool._rows.db.set_progress_handler(count, 1)
        assert await spool.lease(PRINTER.destination, 10) is None
        assert len(steps) < few + 100
        spool._rows.db.set_progress_handler(None, 1)
