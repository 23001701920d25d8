"""Explanations of recordings, beside ``tshark -V`` on the same capture, and a recorded film beside one that is not.

The captures are made with our recorder: a film of six images of 1024 x 1024 pixels and 8 bits, and an N-SET of 40 MiB
in PDUs of 16 KiB. Ours are the page of the film with its pictures, and the text. tshark writes its details as text.
Both are processes of their own, whose start counts.
"""

import os
import subprocess
import sys
from concurrent.futures import Executor
from pathlib import Path
from time import perf_counter

import pytest

from benchmarks import own
from benchmarks.duels import Contestant, Duel
from benchmarks.processes import in_process, require_programs, server

SUBJECT, TIMES = "Film of six images", 5
LARGE, MAX_PDU = 40, 16_384  # an image of so many MiB


@pytest.fixture
def film(own_worker: Executor, tmp_path: Path) -> Path:
    """The capture of a film of six images."""
    path = tmp_path / "film.pcapng"
    with server(own.serve_films) as port:
        in_process(own_worker, own.film, port, 0, path)()
    return path


@pytest.fixture
def image(own_worker: Executor, tmp_path: Path) -> Path:
    """The capture of a large image."""
    path = tmp_path / "image.pcapng"
    with server(own.serve, MAX_PDU) as port:
        in_process(own_worker, own.n_set, port, MAX_PDU, LARGE, 0, path)()
    return path


def ours(package: str, *words: str | Path) -> Contestant:
    """Return our command as a contestant."""
    return _program(sys.executable, "-m", package, "explain", *words)


def tshark(capture: Path) -> Contestant:
    require_programs("tshark")
    return _program("tshark", "-V", "-d", "tcp.port==1-65535,dicom", "-r", capture)


def _program(*command: str | Path) -> Contestant:
    def run() -> float:
        start = perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=dict(os.environ))
        return perf_counter() - start

    return run


def test_page_of_a_film(duel: Duel, film: Path, tmp_path: Path) -> None:
    page = ours("print_mgmt", film, "-o", tmp_path / "page.html")
    duel(f"{SUBJECT}, explained as a page", "tshark -V", page, tshark(film), nbytes=film.stat().st_size)


def test_text_of_a_film(duel: Duel, film: Path) -> None:
    duel(f"{SUBJECT}, explained as text", "tshark -V", ours("dimse", film), tshark(film), nbytes=film.stat().st_size)


def test_text_of_a_large_capture(duel: Duel, image: Path) -> None:
    subject = f"N-SET of {LARGE} MiB, explained as text"
    duel(subject, "tshark -V", ours("dimse", image), tshark(image), nbytes=image.stat().st_size)


def test_page_of_a_large_capture(duel: Duel, image: Path, tmp_path: Path) -> None:
    page = ours("dimse", image, "-o", tmp_path / "page.html")
    subject = f"N-SET of {LARGE} MiB, explained as a page"
    duel(subject, "tshark -V", page, tshark(image), nbytes=image.stat().st_size)


def test_recorded_film(duel: Duel, own_worker: Executor, peer_worker: Executor, tmp_path: Path) -> None:
    with server(own.serve_films) as port:
        recorded = in_process(own_worker, own.film, port, TIMES, tmp_path / "film.pcapng")
        duel(f"{SUBJECT}, recorded", "ours, not recorded", recorded, in_process(peer_worker, own.film, port, TIMES))
