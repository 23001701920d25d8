"""Power failures under the embedded spool: the files of the last films are on the disk, but their rows are not."""

import asyncio
import errno
import os
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from spools import FOLDER, PRINTER, EmbeddedPlace, job

from print_mgmt.spool import Cancel, Done, EmbeddedSpool, FilmRecord, FilmState, SpoolError
from print_mgmt.spool.rows import job_values


@pytest.fixture
def place(tmp_path: Path) -> EmbeddedPlace:
    return EmbeddedPlace(tmp_path / "spool")


@contextmanager
def lost_index(place: EmbeddedPlace) -> Iterator[None]:
    """Undo all changes of the index in the block."""
    kept = {path: path.read_bytes() for path in place.folder.glob("index.sqlite*") if not path.name.endswith("-shm")}
    yield
    for path in place.folder.glob("index.sqlite*"):
        path.unlink()
    for path, data in kept.items():
        path.write_bytes(data)


@asynccontextmanager
async def power_failure(place: EmbeddedPlace) -> AsyncIterator[EmbeddedSpool]:
    """Yield a spool with one film. At the end of the block, power fails: the index loses all changes of the block."""
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
    with lost_index(place):
        async with place.spool() as spool:
            yield spool


async def films(place: EmbeddedPlace) -> tuple[FilmRecord, ...]:
    async with place.spool() as spool:
        return await spool.list()


def file_of(place: EmbeddedPlace, film_id: str) -> Path:
    (path,) = place.folder.rglob(f"{film_id}.*.dcm")
    return path


def data_of(film: FilmRecord) -> FilmRecord:
    """Return a film without the numbers of its rows."""
    return replace(film, deliveries=tuple(replace(one, id=0) for one in film.deliveries))


@pytest.mark.parametrize("hold", ["", "an operator decides"], ids=["queued", "held"])
async def test_power_failure_changes_no_accepted_film(place: EmbeddedPlace, hold: str) -> None:
    async with power_failure(place) as spool:
        await spool.accept(job(films=2, copies=3, PrintPriority="HIGH"), [PRINTER, FOLDER], hold=hold)
        before = await spool.list()
    assert list(map(data_of, await films(place))) == list(map(data_of, before))


async def test_power_failure_keeps_the_print_job(place: EmbeddedPlace) -> None:
    async with power_failure(place) as spool:
        accepted = job()
        await spool.accept(accepted, [PRINTER])
        before = await spool.find(accepted.SOPInstanceUID)
    async with place.spool() as spool:
        after = await spool.find(accepted.SOPInstanceUID)
    assert before is not None
    assert after is not None
    assert job_values(after) == job_values(before)


async def test_film_after_a_power_failure_is_delivered(place: EmbeddedPlace) -> None:
    async with power_failure(place) as spool:
        (film,) = await spool.accept(job(PrintPriority="HIGH"), [PRINTER])
    async with place.spool() as spool:
        lease = await spool.lease("printer", 60)
        assert lease is not None
        assert lease.film.id == film
        assert (await spool.report(lease, Done())).state is FilmState.DONE


async def test_damaged_film_without_rows_is_removed(place: EmbeddedPlace) -> None:
    async with power_failure(place) as spool:
        (film,) = await spool.accept(job(), [PRINTER])
    path = file_of(place, film)
    path.write_bytes(path.read_bytes()[:-1])
    assert film not in [one.id for one in await films(place)]
    assert not path.exists()


@pytest.mark.parametrize("fault", ["damaged", "missing"])
async def test_job_that_lacks_a_film_is_not_accepted(place: EmbeddedPlace, fault: str) -> None:
    async with power_failure(place) as spool:
        accepted = await spool.accept(job(films=3), [PRINTER])
    path = file_of(place, accepted[1])
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes(b"")
    assert len(await films(place)) == 1
    assert len(list((place.folder / "films").iterdir())) == 1


async def test_job_with_an_unreadable_film_waits_for_the_next_start(place: EmbeddedPlace) -> None:
    async with power_failure(place) as spool:
        accepted = await spool.accept(job(films=2), [PRINTER])
    path, aside = file_of(place, accepted[1]), place.folder / "aside"
    path.rename(aside)
    path.mkdir()
    assert len(await films(place)) == 1
    path.rmdir()
    aside.rename(path)
    assert [film.id for film in await films(place)][1:] == [*accepted]


async def test_purged_film_does_not_come_back(place: EmbeddedPlace) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        await spool.change(film, Cancel())
        assert await spool.purge(age=-1) == (film,)
    assert await films(place) == ()


async def test_start_of_another_process_leaves_unfinished_films_alone(place: EmbeddedPlace) -> None:
    seen: list[tuple[FilmRecord, ...]] = []

    def start_another(name: str) -> None:
        if name == "named":
            other = Thread(target=lambda: seen.append(asyncio.run(films(place))))
            other.start()
            other.join()

    async with place.spool(step=start_another) as spool:
        accepted = await spool.accept(job(films=2), [PRINTER])
        assert seen == [()]
        assert [film.id for film in await spool.list()] == [*accepted]
        assert (await spool.verify()).intact == 2


async def test_refused_film_that_cannot_be_removed_is_not_accepted_later(
    place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        if name == "named":
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def stay(path: Path, *, missing_ok: bool = False) -> None:  # noqa: ARG001
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    async with place.spool(step=fail) as spool:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", stay)
            with pytest.raises(SpoolError):
                await spool.accept(job(), [PRINTER])
        assert len(list((place.folder / "films").glob("[!.]*"))) == 1
    assert await films(place) == ()


# --- pipes, devices, sockets and folders with the names of films ---


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero, which never ends
    except PermissionError:
        pytest.skip("only root may make a device")


def make_socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


NOT_FILES = (make_pipe, make_device, make_socket, Path.mkdir)
NAME = f"1ngsr4ffmp7pd8em.1.{'0' * 64}.dcm"


@pytest.mark.parametrize("make", NOT_FILES)
async def test_start_reports_a_pipe_device_or_folder(
    place: EmbeddedPlace, make: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
    make(place.folder / "films" / NAME)
    assert [one.id for one in await films(place)] == [film]
    assert "film 1ngsr4ffmp7pd8em.1 cannot be read and stays for the next start" in caplog.text


@pytest.mark.parametrize("make", NOT_FILES)
async def test_rebuild_quarantines_a_pipe_device_or_folder(place: EmbeddedPlace, make: Callable[[Path], None]) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
    (place.folder / "index.sqlite").unlink()
    make(place.folder / "films" / NAME)
    assert [one.id for one in await films(place)] == [film]
    assert (place.folder / "quarantine" / NAME).exists()


@pytest.mark.parametrize("make", NOT_FILES)
async def test_purge_quarantines_a_pipe_device_or_folder(place: EmbeddedPlace, make: Callable[[Path], None]) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        await spool.change(film, Cancel())
        path = file_of(place, film)
        path.unlink()
        make(path)
        assert await spool.verify() == (0, (film,))
        with pytest.raises(SpoolError, match="not a regular file"):
            await spool.film(film)
        assert await spool.purge(count=0) == (film,)
    assert (place.folder / "quarantine" / path.name).exists()


async def test_folder_that_was_removed_fails_its_films(place: EmbeddedPlace, caplog: pytest.LogCaptureFixture) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        removed = (place.folder / "films").rename(place.folder / "removed")  # at once, while the spool works in it
        shutil.rmtree(removed, ignore_errors=True)
        assert (await spool.verify()).damaged == (film,)
        with pytest.raises(SpoolError, match="the films cannot be stored"):
            await spool.accept(job(), [PRINTER])
    assert f"film {film}: its file is missing" in caplog.text
    async with place.spool() as spool:
        assert (await spool.show(film)).state is FilmState.FAILED
        await spool.accept(job(), [PRINTER])
