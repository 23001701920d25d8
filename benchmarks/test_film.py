r"""A film of six images, 1024 x 1024 of 8 bits, as STANDARD\2,3: from connecting to the response to N-ACTION.

Each peer prints to itself, on both ends: N-CREATE of session and film box, six N-SETs, N-ACTION. A round is
the median of 5 films of ours, 2 of pynetdicom's, 1 of DCMTK's. Each has its own PDU size: ours 131072,
pynetdicom 16382 (its default), DCMTK 131072 (its largest).

The rounds differ: dcmprscu of DCMTK reads the images from files, asks the printer for its state, deletes its instances
and ends as a process (the time of a process that does nothing is subtracted); dcmprscp stores the film. Both have
TCP_NODELAY=1, except for *stock* ones.
"""

from concurrent.futures import Executor
from pathlib import Path

from benchmarks import dcmtk, own, pnd
from benchmarks.duels import Duel
from benchmarks.processes import in_process, require_package, require_programs, server

SUBJECT = "Film of six images"
TIMES, TIMES_PYNETDICOM = 5, 2


def test_pynetdicom(duel: Duel, own_worker: Executor, peer_worker: Executor) -> None:
    require_package("pynetdicom")
    with server(own.serve_films) as port, server(pnd.serve, pnd.DEFAULT_MAX_PDU) as peer_port:
        duel(
            SUBJECT,
            "pynetdicom",
            in_process(own_worker, own.film, port, TIMES),
            in_process(peer_worker, pnd.film, peer_port, TIMES_PYNETDICOM),
        )


def test_dcmtk(duel: Duel, own_worker: Executor, tmp_path: Path) -> None:
    require_programs("dcmprscp", "dcmprscu", "dcmpsprt")
    with server(own.serve_films) as port, dcmtk.printer(tmp_path) as printer:
        duel(SUBJECT, "dcmprscu to dcmprscp", in_process(own_worker, own.film, port, TIMES), printer.film)


def test_stock_dcmtk(duel: Duel, own_worker: Executor, tmp_path: Path) -> None:
    """Compare our client and dcmprscu, on a dcmprscp with its default settings."""
    require_programs("dcmprscp", "dcmprscu", "dcmpsprt")
    with dcmtk.printer(tmp_path, dcmtk.STOCK) as printer:
        ours = in_process(own_worker, own.film, printer.port, 1)
        duel(f"{SUBJECT} to stock dcmprscp", "stock dcmprscu to stock dcmprscp", ours, printer.film)
