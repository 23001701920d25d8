r"""The time of a printer for each film, with our client: one image of 512 x 512 in STANDARD\2,3.

On one association 20 films, one after the other; and one film each of 1, 8 and 64 clients that associate at once. Our
printer and pynetdicom serve all at the same time, dcmprscp one after the other. Each has the PDU size that
`test_film` gives it.

The rounds differ: dcmprscp stores the film.
"""

from concurrent.futures import Executor
from pathlib import Path

import pytest

from benchmarks import dcmtk, own, pnd
from benchmarks.duels import Duel
from benchmarks.processes import in_process, require_package, require_programs, server

TIMES = 20
AT_ONCE = pytest.mark.parametrize("clients", [1, 8, 64])


def test_pynetdicom_on_one_association(duel: Duel, own_worker: Executor) -> None:
    require_package("pynetdicom")
    with server(own.serve_films) as port, server(pnd.serve, pnd.DEFAULT_MAX_PDU) as peer_port:
        ours = in_process(own_worker, own.films, port, TIMES)
        duel("A film, one association", "pynetdicom", ours, in_process(own_worker, own.films, peer_port, TIMES))


def test_dcmprscp_on_one_association(duel: Duel, own_worker: Executor, tmp_path: Path) -> None:
    require_programs("dcmprscp", "dcmprscu", "dcmpsprt")
    with server(own.serve_films) as port, dcmtk.printer(tmp_path) as printer:
        ours = in_process(own_worker, own.films, port, TIMES)
        duel("A film, one association", "dcmprscp", ours, in_process(own_worker, own.films, printer.port, TIMES))


@AT_ONCE
def test_pynetdicom_with_clients_at_once(duel: Duel, own_worker: Executor, clients: int) -> None:
    require_package("pynetdicom")
    with server(own.serve_films) as port, server(pnd.serve, pnd.DEFAULT_MAX_PDU) as peer_port:
        ours = in_process(own_worker, own.films_at_once, port, clients)
        theirs = in_process(own_worker, own.films_at_once, peer_port, clients)
        duel(f"A film, {clients} clients at once", "pynetdicom", ours, theirs)


@AT_ONCE
def test_dcmprscp_with_clients_at_once(duel: Duel, own_worker: Executor, tmp_path: Path, clients: int) -> None:
    require_programs("dcmprscp", "dcmprscu", "dcmpsprt")
    with server(own.serve_films) as port, dcmtk.printer(tmp_path) as printer:
        ours = in_process(own_worker, own.films_at_once, port, clients)
        theirs = in_process(own_worker, own.films_at_once, printer.port, clients)
        duel(f"A film, {clients} clients at once", "dcmprscp", ours, theirs)
