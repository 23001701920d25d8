"""The spool: durable accepting beside the disk, the queue in memory and PostgreSQL; its start; its memory.

The spool and its peers write to the disk of the temporary folder. Before each turn, `sync` writes all pending data, so
that no turn pays for another. Writing and forcing a file to the disk is not enough to find it after a power failure,
because its name may be lost; so there are two peers of small files, without the name and with it.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from postgres import programs, running

from benchmarks import own, spools
from benchmarks.conftest import Figure
from benchmarks.duels import Duel
from benchmarks.processes import in_process, require_linux, require_package, server, watched_server

FILMS = 20
MIB = 1 << 20


@contextmanager
def database() -> Iterator[str]:
    """Yield the address of an empty database, on a server of its own that forces its writes to the disk."""
    require_package("asyncpg")
    if programs() is None:
        pytest.skip("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    with running(durable=True) as database_server:
        yield database_server.database()


@pytest.mark.parametrize("clients", [1, 8])
@pytest.mark.parametrize("mebibytes", [0.1, 6, 40])
def test_accept_beside_the_disk(duel: Duel, tmp_path: Path, clients: int, mebibytes: float) -> None:
    nbytes = int(mebibytes * MIB)
    with (
        closing(spools.Accepting(str(tmp_path / "spool"), nbytes, clients)) as ours,
        closing(spools.Disk(tmp_path / "disk", nbytes, clients)) as theirs,
    ):
        subject = f"Accept a film of {mebibytes} MiB, {clients} at once"
        duel(subject, "write, fsync", ours, theirs, nbytes=nbytes * clients)


@pytest.mark.parametrize("clients", [1, 8])
def test_accept_beside_the_disk_with_names(duel: Duel, tmp_path: Path, clients: int) -> None:
    nbytes = MIB // 10
    with (
        closing(spools.Accepting(str(tmp_path / "spool"), nbytes, clients)) as ours,
        closing(spools.Disk(tmp_path / "disk", nbytes, clients, named=True)) as theirs,
    ):
        subject = f"Accept a film of 0.1 MiB, {clients} at once"
        duel(subject, "write, fsync, rename, fsync", ours, theirs, nbytes=nbytes * clients)


@pytest.mark.parametrize("clients", [1, 8])
@pytest.mark.parametrize("mebibytes", [0.1, 40])
def test_accept_beside_postgresql(duel: Duel, tmp_path: Path, clients: int, mebibytes: float) -> None:
    nbytes = int(mebibytes * MIB)
    with (
        database() as address,
        closing(spools.Accepting(str(tmp_path / "spool"), nbytes, clients)) as ours,
        closing(spools.Accepting(address, nbytes, clients)) as theirs,
    ):
        subject = f"Accept a film of {mebibytes} MiB, {clients} at once"
        duel(subject, "our spool in PostgreSQL", ours, theirs, nbytes=nbytes * clients)


def test_film_beside_the_queue_in_memory(duel: Duel, own_worker: Executor, tmp_path: Path) -> None:
    with server(spools.serve_films, str(tmp_path / "spool")) as port, server(spools.serve_films, None) as peer_port:
        ours = in_process(own_worker, own.films, port, FILMS)
        theirs = in_process(own_worker, own.films, peer_port, FILMS)
        duel("A film in a spool, one association", "in memory", ours, theirs)


@pytest.mark.parametrize("clients", [8, 64])
def test_films_beside_the_queue_in_memory(duel: Duel, own_worker: Executor, tmp_path: Path, clients: int) -> None:
    with server(spools.serve_films, str(tmp_path / "spool")) as port, server(spools.serve_films, None) as peer_port:
        ours = in_process(own_worker, own.films_at_once, port, clients)
        theirs = in_process(own_worker, own.films_at_once, peer_port, clients)
        duel(f"A film in a spool, {clients} clients at once", "in memory", ours, theirs)


def test_start_with_many_films(figure: Figure, tmp_path: Path) -> None:
    seconds = spools.start(str(tmp_path / "spool"), 10_000)
    figure("Start of a spool with 10,000 films", f"{seconds:.2f} s")


def test_memory_of_large_films(figure: Figure, own_worker: Executor, tmp_path: Path) -> None:
    require_linux()
    with watched_server(spools.serve_films, str(tmp_path / "spool")) as (port, memory):
        own_worker.submit(own.films, port, 1).result()
        before = memory.now
        memory.forget_peak()
        seconds = own_worker.submit(spools.print_large, port, 64, 40).result()
        peak = (memory.peak - before) / MIB
    told = f"{seconds:.1f} s; {peak:.0f} MiB more at the peak, beside {64 * 40} MiB sent"
    figure("64 clients print 40 MiB each into a spool", told)
