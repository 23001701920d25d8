"""Faults of the disk under the embedded spool: no accepted film is lost, and the spool continues."""

import asyncio
import errno
import os
import shutil
import sqlite3
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import numpy as np
import pytest
from spools import FOLDER, PRINTER, EmbeddedPlace, job

from dimse.errors import LocalProtocolError
from print_mgmt.spool import (
    Cancel,
    Done,
    Doubtful,
    EmbeddedSpool,
    FilmState,
    Hold,
    Later,
    Prioritize,
    Spool,
    SpoolError,
    SpoolFull,
    SpoolLimits,
    Target,
)

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


def one_of(place: EmbeddedPlace) -> Path:
    (path,) = (place.folder / "films").glob("[!.]*")
    return path


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT], ids=errno.errorcode.get)
@pytest.mark.parametrize("step", ACCEPT_STEPS)
async def test_error_at_a_step_refuses_that_film_alone(place: EmbeddedPlace, step: str, number: int) -> None:
    fault = Fault("", number)
    async with place.spool(step=fault) as spool:
        (before,) = await spool.accept(job(), [PRINTER])
        fault.name = step
        with pytest.raises(SpoolError, match=os.strerror(number)):
            await spool.accept(job(films=2), [PRINTER])
        (after,) = await spool.accept(job(), [PRINTER])
        assert [film.id for film in await spool.list()] == [before, after]
        assert len(files(place)) == 2


async def test_failing_fsync_refuses_that_film_alone(place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
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
        assert one_of(place).stat().st_mode & 0o077 == 0


# --- start ---


async def test_start_removes_films_never_accepted(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
    known = one_of(place)
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
    one_of(place).unlink()
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


# --- a damaged index ---


def damage_index(place: EmbeddedPlace, *, log: bool = True) -> None:
    """Overwrite the schema; with ``log``, also remove the write-ahead log."""
    path = place.folder / "index.sqlite"
    data = bytearray(path.read_bytes())
    data[100:4000] = bytes([0xFF]) * 3900
    path.write_bytes(data)
    for suffix in ("-wal", "-shm") if log else ():
        path.with_name(path.name + suffix).unlink(missing_ok=True)


async def rebuilt(place: EmbeddedPlace, target: Target, *, hold: str = "") -> tuple[Spool, str]:
    """Accept a film, damage the index, and return a spool that rebuilds it when it is opened, and the film."""
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [target], hold=hold)
    damage_index(place)
    return place.spool(), film


@pytest.mark.parametrize(
    ("target", "hold", "state"),
    [
        (PRINTER, "", FilmState.INDETERMINATE),
        (FOLDER, "", FilmState.QUEUED),
        (PRINTER, "wait", FilmState.HELD),
    ],
)
async def test_rebuilt_film_is_printed_only_if_that_is_harmless(
    place: EmbeddedPlace, target: Target, hold: str, state: FilmState
) -> None:
    spool, film = await rebuilt(place, target, hold=hold)
    async with spool:
        (found,) = await spool.list()
        assert (found.id, found.state, found.deliveries[0].destination) == (film, state, target.destination)
        assert (await spool.film(film)).sheet.FilmSizeID == "14INX17IN"


@pytest.mark.parametrize("log", ["", "-wal"], ids=["no file", "log only"])
async def test_film_without_an_index_is_not_printed_again(place: EmbeddedPlace, log: str) -> None:
    async with place.spool() as spool:
        (doubtful,) = await spool.accept(job(), [PRINTER])
        (done,) = await spool.accept(job(), [PRINTER])
        for outcome in (Doubtful(reason="no response"), Done()):
            lease = await spool.lease("printer", 10)
            assert lease is not None
            await spool.report(lease, outcome)
        for path in place.folder.glob("index.sqlite*"):
            if not log or not path.name.endswith(log):
                path.unlink()
    async with place.spool() as spool:
        found = {film.id: film.state for film in await spool.list()}
    assert found == {doubtful: FilmState.INDETERMINATE, done: FilmState.DONE}


async def test_empty_index_is_rebuilt(place: EmbeddedPlace) -> None:
    spool, film = await rebuilt(place, PRINTER)
    (place.folder / "index.sqlite").write_bytes(b"")
    async with spool:
        assert [(found.id, found.state) for found in await spool.list()] == [(film, FilmState.INDETERMINATE)]


async def test_index_without_its_tables_is_rebuilt(place: EmbeddedPlace) -> None:
    spool, film = await rebuilt(place, PRINTER)
    (place.folder / "index.sqlite").unlink()
    with closing(sqlite3.connect(place.folder / "index.sqlite")) as other:
        other.execute("CREATE TABLE other (one)")
    async with spool:
        assert [(found.id, found.state) for found in await spool.list()] == [(film, FilmState.INDETERMINATE)]


@pytest.mark.parametrize("table", ["job", "film", "delivery", "counter"])
async def test_index_that_lacks_a_table_is_rebuilt(place: EmbeddedPlace, table: str) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
    place.sql(f"DROP TABLE {table}")
    async with place.spool() as spool:
        assert [(found.id, found.state) for found in await spool.list()] == [(film, FilmState.INDETERMINATE)]
    assert list(place.folder.glob("index.*.damaged"))


@pytest.mark.parametrize("moment", ["rebuild", "rebuild: aside"])
async def test_interrupted_rebuild_is_made_again(place: EmbeddedPlace, moment: str) -> None:
    spool, film = await rebuilt(place, PRINTER)

    def end(name: str) -> None:
        if name == moment:
            raise InterruptedError(name)

    with pytest.raises(SpoolError, match=moment):
        await place.spool(step=end).__aenter__()
    async with spool:
        assert [(found.id, found.state) for found in await spool.list()] == [(film, FilmState.INDETERMINATE)]
    assert not list(place.folder.glob("index.sqlite.new*"))


async def test_rebuild_puts_unreadable_films_into_quarantine(place: EmbeddedPlace) -> None:
    spool, film = await rebuilt(place, PRINTER)
    path = one_of(place)
    path.unlink()
    path.mkdir()
    async with spool:
        assert await spool.list() == ()
    assert [found.name for found in (place.folder / "quarantine").iterdir()] == [path.name]
    assert path.name.startswith(film)


async def test_verify_names_a_film_that_cannot_be_read(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        path = one_of(place)
        path.unlink()
        path.mkdir()
        (right,) = await spool.accept(job(), [PRINTER])
        assert await spool.verify() == (1, (film,))
        assert right != film


async def test_rebuilt_index_knows_the_job(place: EmbeddedPlace) -> None:
    made = job(films=2, copies=2)
    async with place.spool() as spool:
        await spool.accept(made, [FOLDER])
    damage_index(place)
    async with place.spool() as spool:
        found = await spool.find(made.SOPInstanceUID)
        assert found is not None
        assert (found.ExecutionStatus, found.Originator, found.copies) == ("PENDING", "SCU", 2)
        assert found.CreationDate == made.CreationDate


async def test_rebuilt_index_does_not_print_done_films(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [FOLDER])
        lease = await spool.lease("folder", 60)
        assert lease is not None
        await spool.report(lease, Done())
    damage_index(place)
    async with place.spool() as spool:
        assert (await spool.show(film)).state is FilmState.DONE


async def test_rebuilt_index_holds_an_incomplete_job(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        films = await spool.accept(job(films=2), [FOLDER])
    damage_index(place)
    next(place.folder.glob(f"films/{films[0]}.*")).unlink()
    async with place.spool() as spool:
        (film,) = await spool.list()
        assert (film.id, film.state) == (films[1], FilmState.HELD)


async def test_damaged_index_is_kept_aside(place: EmbeddedPlace) -> None:
    spool, _ = await rebuilt(place, FOLDER)
    async with spool:
        assert len(list(place.folder.glob("index.*.damaged"))) == 1


async def test_rebuild_puts_damaged_films_into_quarantine(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        films = [film for _ in range(2) for film in await spool.accept(job(), [FOLDER])]
    damage_index(place)
    place.damage(films[0])
    async with place.spool() as spool:
        assert [film.id for film in await spool.list()] == films[1:]
    (path,) = (place.folder / "quarantine").iterdir()
    assert path.name.startswith(films[0])


async def test_damaged_index_is_rebuilt_by_one_of_many_processes(place: EmbeddedPlace) -> None:
    """All open the spool at the same moment. Spools in one process suffice, because a lock belongs to an open file."""
    _, film = await rebuilt(place, FOLDER)
    meeting = Barrier(3)

    def meet(name: str) -> None:
        """Give the other processes time to rebuild the index, too."""
        if name == "rebuild":
            with suppress(BrokenBarrierError):
                meeting.wait(0.2)

    spools = [place.spool(step=meet) for _ in range(3)]
    async with AsyncExitStack() as stack:
        await asyncio.gather(*map(stack.enter_async_context, spools))
        assert [[one.id for one in await each.list()] for each in spools] == [[film]] * 3
    assert len(list(place.folder.glob("index.*.damaged"))) == 1


async def test_damaged_index_of_a_living_process_is_not_rebuilt(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [FOLDER])
    async with place.spool():
        damage_index(place, log=False)
        with pytest.raises(SpoolError, match="another process has it open"):
            await place.spool().__aenter__()
    assert not list(place.folder.glob("index.*.damaged"))


@pytest.mark.parametrize("table", ["film", "delivery"])
async def test_unknown_state_is_an_error_of_the_spool(place: EmbeddedPlace, table: str) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
    place.sql(f"UPDATE {table} SET state = 'lost'")
    with pytest.raises(
        SpoolError, match=f"the index is damaged: {table} .*: state is 'lost', not one of the states received, held"
    ):
        async with place.spool() as spool:
            await spool.list()


@pytest.mark.parametrize("statement", ["DELETE FROM job", "UPDATE delivery SET film = '0123456789abcdef.1'"])
async def test_index_with_a_dangling_reference_is_rebuilt(place: EmbeddedPlace, statement: str) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [FOLDER])
    place.sql(statement)
    async with place.spool() as spool:
        lease = await spool.lease("folder", 60)
    assert lease is not None
    assert lease.film.id == film
    assert list(place.folder.glob("index.*.damaged"))


async def test_index_without_a_version_is_one_of_version_1(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
    place.sql("PRAGMA user_version = 0")
    async with place.spool() as spool:
        assert [one.id for one in await spool.list()] == [film]


async def test_index_of_a_newer_version_is_refused(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
    place.sql("PRAGMA user_version = 2")
    with pytest.raises(SpoolError, match=r"index\.sqlite has version 2, but this program knows only version 1: "):
        await place.spool().__aenter__()
    assert not list(place.folder.glob("index.*.damaged"))


async def test_locked_index_is_not_rebuilt(place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
    monkeypatch.setattr("print_mgmt.spool.index._BUSY", 0.01)
    lock = sqlite3.connect(place.folder / "index.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(SpoolError, match="locked"):
            await place.spool().__aenter__()
    finally:
        lock.close()
    async with place.spool() as spool:
        assert len(await spool.list()) == 1


async def test_spool_is_opened_once(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        with pytest.raises(LocalProtocolError):
            await spool.__aenter__()


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
