"""The index of the embedded spool is damaged or missing: a start rebuilds it from the films."""

import asyncio
import errno
import sqlite3
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest
from spools import FOLDER, PRINTER, EmbeddedPlace, job, leased, only_film_file

from print_mgmt.spool import (
    Assign,
    Done,
    Doubtful,
    FilmState,
    Move,
    Spool,
    SpoolError,
    Target,
)
from print_mgmt.spool.film_folder import FilmFolder


@pytest.fixture
def place(tmp_path: Path) -> EmbeddedPlace:
    return EmbeddedPlace(tmp_path / "spool")


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


@pytest.mark.parametrize(
    ("outcome", "state"), [(Done(), FilmState.DONE), (Doubtful(reason="no response"), FilmState.INDETERMINATE)]
)
async def test_film_that_was_routed_later_is_not_routed_again(
    place: EmbeddedPlace, outcome: Done | Doubtful, state: FilmState
) -> None:
    """Its file does not name its destinations."""
    async with place.spool() as spool:
        (film,) = await spool.accept(job())
        await spool.change(film, Assign((PRINTER,)))
        await spool.report(await leased(spool), outcome)
    damage_index(place)
    async with place.spool() as spool:
        assert [(found.id, found.state) for found in await spool.list()] == [(film, state)]
        assert (await spool.survey()).damaged == ()
        assert (await spool.change(film, Move("LASER", (PRINTER,)))).state is FilmState.QUEUED


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
    path = only_film_file(place)
    path.unlink()
    path.mkdir()
    async with spool:
        assert await spool.list() == ()
    assert [found.name for found in (place.folder / "quarantine").iterdir()] == [path.name]
    assert path.name.startswith(film)


def refuse(film: str, patch: pytest.MonkeyPatch) -> None:
    """Let the system refuse to read the file of a film."""
    read = FilmFolder.read

    def refused(folder: FilmFolder, film_id: str, checksum: str) -> bytes | memoryview:
        if film_id == film:
            raise PermissionError(errno.EACCES, "Permission denied", f"{film_id}.dcm")
        return read(folder, film_id, checksum)

    patch.setattr(FilmFolder, "read", refused)


async def test_film_that_the_system_refuses_to_read_stays(
    place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool, film = await rebuilt(place, PRINTER)
    with monkeypatch.context() as patch:
        refuse(film, patch)
        async with spool:
            ((damaged, _),) = (await spool.survey()).damaged
    assert damaged == film
    assert only_film_file(place).name.startswith(film)
    assert (
        f"film {film} cannot be read, and needs print-mgmt spool repair: {film}.dcm: Permission denied" in caplog.text
    )


async def test_film_that_could_not_be_read_is_not_printed_again(
    place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been printed before its index was damaged."""
    spool, film = await rebuilt(place, PRINTER)
    with monkeypatch.context() as patch:
        refuse(film, patch)
        async with spool:
            assert await spool.repair() == ((), ())
    async with place.spool() as spool:
        assert await spool.lease("printer", 60) is None
        assert await spool.repair() == ((film,), ())
        assert (await spool.show(film)).state is FilmState.INDETERMINATE


async def test_repair_goes_on_after_a_film_that_cannot_be_read(
    place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.spool() as spool:
        films = [film for _ in range(3) for film in await spool.accept(job(), [FOLDER])]
        place.sql(f"UPDATE film SET state = 'lost' WHERE id <> '{films[0]}'")
        refuse(films[1], monkeypatch)
        assert await spool.repair() == ((films[2],), ())
        assert [film.id for film in (await spool.survey()).damaged] == [films[1]]


async def test_verify_names_a_film_that_cannot_be_read(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        path = only_film_file(place)
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


async def test_log_names_the_file_that_is_kept(place: EmbeddedPlace, caplog: pytest.LogCaptureFixture) -> None:
    """A rebuild that was killed had kept the index, but not its write-ahead log: the line named no file at all."""
    async with place.spool() as spool:
        await spool.accept(job(), [FOLDER])
    (place.folder / "index.sqlite").rename(place.folder / "index.1.damaged")
    (place.folder / "index.sqlite-wal").write_bytes(b"log")
    async with place.spool():
        (line,) = caplog.messages
    (kept,) = place.folder.glob("index.*.damaged-wal")
    assert line.endswith(f"has been rebuilt: 1 film; the log of the damaged index is kept as {kept}")


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
