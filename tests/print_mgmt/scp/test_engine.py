"""The engine of a printer: the order of films, jobs with failed films, and the attributes of `Film`."""

import asyncio
import errno
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from copy import copy, deepcopy

import numpy as np
import pytest
from made_films import print_job

from dimse.errors import DimseError
from print_mgmt import PrintClient, PrintServer
from print_mgmt.film import LayoutError
from print_mgmt.jobs import JobFailed, PrintJob, PrintQueue
from print_mgmt.scp import Film
from print_mgmt.scp.engine import PrintEngine

COPIES: dict[str, Callable[[Film], Film]] = {
    "pickle": lambda film: pickle.loads(pickle.dumps(film)),
    "deepcopy": deepcopy,
    "copy": copy,
}


@asynccontextmanager
async def engine(on_film: Callable[[Film], Awaitable[None]], *, each_copy: bool = False) -> AsyncIterator[PrintEngine]:
    made = PrintEngine(PrintQueue(), on_film, each_copy=each_copy)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def printed(job: PrintJob, *, each_copy: bool = False) -> list[tuple[int, int]]:
    """Return number and copy of each film that ``on_film`` gets."""
    films: list[tuple[int, int]] = []
    wanted: list[int] = []

    async def on_film(film: Film) -> None:
        films.append((film.number, film.copy))
        wanted.append(film.copies)

    async with engine(on_film, each_copy=each_copy) as printing:
        assert printing.offer(job)
        await printing.drain()
    assert set(wanted) == {job.copies}
    return films


async def test_on_film_gets_a_film_once_for_all_copies() -> None:
    assert await printed(print_job(films=2, copies=3)) == [(1, 1), (2, 1)]


async def test_on_film_gets_each_copy_in_collated_order() -> None:
    copies = await printed(print_job(films=3, copies=2), each_copy=True)
    assert copies == [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 2)]


@pytest.mark.parametrize(
    ("error", "info"),
    [
        (JobFailed("FILM JAM", "a jam in tray 2"), "FILM JAM"),
        (OSError(errno.ENOSPC, "No space left on device"), "INSUFFIC MEMORY"),
        (PermissionError(errno.EACCES, "Permission denied"), "CHECK PRINTER"),
        (MemoryError(), "INSUFFIC MEMORY"),
        (LayoutError("dpi", 0, "is too few"), "INVALID PAGE DES"),
        (DimseError("something else"), "UNKNOWN"),
        (ZeroDivisionError("a bug"), "UNKNOWN"),
        (asyncio.CancelledError("of something that on_film awaits"), "UNKNOWN"),
    ],
)
async def test_failure_has_a_term_of_the_standard(error: BaseException, info: str) -> None:
    async def on_film(film: Film) -> None:  # noqa: ARG001
        raise error

    job = print_job()
    async with engine(on_film) as printing:
        printing.offer(job)
        await printing.drain()
    assert (job.ExecutionStatus, job.ExecutionStatusInfo) == ("FAILURE", info)
    assert len(job.unprinted) == 1


async def test_retry_prints_only_failed_films() -> None:
    tried: list[int] = []
    disk_is_full = True

    async def on_film(film: Film) -> None:
        number = job.films.index(next(copy for copy in job.films if copy.sheet is film.sheet)) + 1
        tried.append(number)
        if number == 2 and disk_is_full:
            raise OSError(errno.ENOSPC, "No space left on device")

    job = print_job(films=3)
    async with engine(on_film) as printing:
        printing.offer(job)
        await printing.drain()
        assert (tried, job.ExecutionStatus) == ([1, 2, 3], "FAILURE"), "the other films are printed"
        printing.offer(job)
        await printing.drain()
        disk_is_full = False
        printing.offer(job)
        await printing.drain()
    assert (tried, job.ExecutionStatus, job.films) == ([1, 2, 3, 2, 2], "DONE", ())
    assert (printing.printed, printing.failed) == (3, 2)


async def test_failed_job_does_not_stop_the_next() -> None:
    async def on_film(film: Film) -> None:
        if film.job is jobs[0]:
            raise JobFailed("FILM JAM")

    jobs = [print_job(), print_job()]
    async with engine(on_film) as printing:
        for job in jobs:
            printing.offer(job)
        await printing.drain()
    assert [job.ExecutionStatus for job in jobs] == ["FAILURE", "DONE"]


async def test_jobs_are_printed_by_priority() -> None:
    go_on = asyncio.Event()
    order: list[str] = []

    async def on_film(film: Film) -> None:
        await go_on.wait()
        order.append(film.job.PrintPriority)

    async with engine(on_film) as printing:
        printing.offer(print_job(PrintPriority="LOW"))
        await asyncio.sleep(0)  # it is being printed now
        for priority in ("LOW", "MED", "HIGH"):
            printing.offer(print_job(PrintPriority=priority))
        go_on.set()
        await printing.drain()
    assert order == ["LOW", "HIGH", "MED", "LOW"]


async def test_canceled_printer_fails_no_film() -> None:
    started = asyncio.Event()

    async def on_film(film: Film) -> None:  # noqa: ARG001
        started.set()
        await asyncio.Event().wait()

    job = print_job()
    async with engine(on_film) as printing:
        printing.offer(job)
        await started.wait()
    assert (job.ExecutionStatus, printing.failed) == ("PRINTING", 0)


async def test_on_film_gets_a_copy_of_the_attributes() -> None:
    """The printer and the next copy use them, too."""
    labels: list[object] = []

    async def on_film(film: Film) -> None:
        labels.append(film.film_session.FilmSessionLabel)
        film.film_session.FilmSessionLabel = "done"
        assert film.film_session.FilmSessionLabel == "done"

    job = print_job(copies=2)
    job.films[0].film_session.FilmSessionLabel = "knee"
    kept = job.films[0].film_session
    async with engine(on_film, each_copy=True) as printing:
        printing.offer(job)
        await printing.drain()
    assert labels == ["knee", "knee"]
    assert kept.FilmSessionLabel == "knee"


async def test_stopped_engine_accepts_no_job() -> None:
    """It would not be printed."""

    class Broken(PrintQueue):
        def finish(self, job: PrintJob) -> None:
            raise ZeroDivisionError(job)

    async def on_film(film: Film) -> None:
        del film

    printing = PrintEngine(Broken(), on_film)
    running = asyncio.create_task(printing.run())
    assert printing.offer(print_job())
    with pytest.raises(ZeroDivisionError):
        await running
    assert not printing.offer(print_job())
    assert await printing.accept(print_job()) == "the printer has stopped"


# --- a film as the embedding program gets it ---


async def test_defaulted_names_the_attributes_with_defaults() -> None:
    """PS3.4 H.2.4: attributes that were not sent, or were replaced with the default (0116)."""
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        films.append(film)

    async with PrintServer(on_film, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            async with client.film_session(PrintPriority="HIGH", NumberOfCopies=500) as session:
                async with session.film_box(FilmSizeID="A4") as box:
                    await box.set_image(1, np.zeros((2, 2), np.uint8))
                    await box.print()
    (film,) = films
    chosen = {"PrintPriority", "FilmSizeID", "ImageDisplayFormat"}
    assert not chosen & set(film.defaulted)
    assert {"NumberOfCopies", "MediumType", "FilmOrientation", "MagnificationType"} <= set(film.defaulted)
    told = {element.keyword for attributes in (film.film_session, film.film_box) for element in attributes}
    assert set(film.defaulted) <= told


@pytest.mark.parametrize("way", COPIES)
async def test_copy_of_a_film_is_printed_alike(way: str) -> None:
    """For example in another process."""
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        film.job.listeners.add(lambda _: None)  # a listener that cannot be pickled
        films.extend((film, COPIES[way](film)))

    async with PrintServer(on_film, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([np.arange(400, dtype=np.uint8).reshape(20, 20)])
    film, twin = films
    assert repr(twin) == repr(film)
    assert (twin.number, twin.copy, twin.calling_ae_title) == (film.number, film.copy, film.calling_ae_title)
    assert (twin.film_session, twin.film_box, twin.image_boxes) == (film.film_session, film.film_box, film.image_boxes)
    assert twin.defaulted == film.defaulted
    assert twin.job is not film.job
    assert twin.job.SOPInstanceUID == film.job.SOPInstanceUID
    assert (twin.job.films, twin.job.unprinted, twin.job.listeners) == ((), [], set())
    assert np.array_equal((await twin.render(30)).pixels, (await film.render(30)).pixels)
