"""`print-mgmt serve` as hospitals run it: accepting into a spool, and one file for each film in a folder.

From the response to N-ACTION to the file: a film of 8 x 10 inches at 150 dpi, as PNG. The start is
measured from the start of Python to the line "listening on". The peer of two processes is one process.
"""

from concurrent.futures import Executor
from pathlib import Path

import pytest

from benchmarks import own, sites
from benchmarks.conftest import Figure
from benchmarks.duels import Duel
from benchmarks.processes import in_process, require_linux

FILMS = 20
FILMS_IN_TURN = 5


def test_time_from_action_to_file(figure: Figure, tmp_path: Path) -> None:
    file = sites.site_file(tmp_path)
    with sites.started(file) as (port, _):
        sites.latency(file, port, 1)
    file = sites.site_file(tmp_path)
    with sites.started(file) as (port, _):
        for path in (tmp_path / "films").iterdir():
            path.unlink()
        seconds = sites.latency(file, port, FILMS)
    figure("From N-ACTION to the file in the folder", f"{seconds * 1e3:.1f} ms")


@pytest.mark.parametrize("films", [0, 10_000])
def test_start_of_a_server(figure: Figure, tmp_path: Path, films: int) -> None:
    file = sites.site_file(tmp_path, hold=True)
    sites.fill(file, films)
    with sites.started(file) as (_, seconds):
        figure(f"Start of a server with {films:,} films in its spool", f"{seconds:.2f} s")


@pytest.mark.parametrize("clients", [8, 64])
def test_films_through_two_processes(duel: Duel, own_worker: Executor, tmp_path: Path, clients: int) -> None:
    require_linux()
    folders = tmp_path / "two", tmp_path / "one"
    for folder in folders:
        folder.mkdir()
    two, one = (sites.site_file(folder, hold=True) for folder in folders)
    with sites.started(two, "--processes", "2") as (port, _), sites.started(one) as (peer_port, _):
        ours = in_process(own_worker, own.films_at_once, port, clients)
        theirs = in_process(own_worker, own.films_at_once, peer_port, clients)
        duel(f"A film in a spool, {clients} clients at once, 2 processes", "1 process", ours, theirs)


def test_recorded_film(duel: Duel, own_worker: Executor, peer_worker: Executor, tmp_path: Path) -> None:
    """A film that the client records, beside one that it does not record. Nothing is rendered."""
    with sites.started(sites.site_file(tmp_path, hold=True)) as (port, _):
        duel(
            "Film of six images, in a spool, recorded",
            "ours, not recorded",
            in_process(own_worker, own.film, port, FILMS_IN_TURN, tmp_path / "film.pcapng"),
            in_process(peer_worker, own.film, port, FILMS_IN_TURN),
        )
