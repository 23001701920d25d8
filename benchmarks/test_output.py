"""A film of 14 x 17 inches at 320 dpi, 4480 x 5440 pixels, to files; and the delay for other clients.

The peers are Pillow, at its default level and at its fastest, and pydicom. PDF by Pillow is lossy JPEG, ours is
lossless. All write to memory.

Meanwhile: `print-mgmt serve` renders such films in its own process and writes them as PNG, PDF and TIFF, as fast as
they come from another process. A third process sends a C-ECHO every 2 ms; a round is the longest C-ECHO in a second.
The peer is the same printer without films.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import BinaryIO

import pytest

from benchmarks.duels import Duel, timed
from benchmarks.images import phantom
from benchmarks.processes import HOST, free_port, in_process, program, server
from benchmarks.test_render import DPI, FILM, FORMAT, Bits, film
from dimse.net import connect, scu
from dimse.uids import ImplicitVRLittleEndian, Verification
from print_mgmt import PrintClient, PrintFailed
from print_mgmt.film import Page
from print_mgmt.output import write_capture, write_pdf, write_png, write_tiff

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pip install pillow")

Write = Callable[[Page, BinaryIO], object]

_QUEUE_FULL = 0.05  # seconds until a full queue is tried again

OURS: dict[str, Write] = {
    "PNG": write_png,
    "TIFF": lambda page, file: write_tiff([page], file),
    "PDF": lambda page, file: write_pdf([page], file),
    "DICOM": lambda page, file: write_capture([page], file),
}


def by_pillow(kind: str, page: Page, file: BinaryIO, **options: object) -> None:
    Image.fromarray(page.pixels).save(file, kind, **options)


def by_pydicom(page: Page, file: BinaryIO) -> None:
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed: pip install pydicom")
    captured = BytesIO()
    write_capture([page], captured)
    captured.seek(0)
    dataset = pydicom.dcmread(captured)
    dataset.PixelData = page.pixels.tobytes()
    dataset.save_as(file)


PEERS: list[tuple[str, str, Write]] = [
    ("PNG", "Pillow, default", partial(by_pillow, "PNG")),
    ("PNG", "Pillow, fastest", partial(by_pillow, "PNG", compress_level=1)),
    ("TIFF", "Pillow, Deflate", partial(by_pillow, "TIFF", compression="tiff_adobe_deflate", tiffinfo={317: 2})),
    ("TIFF", "Pillow, LZW", partial(by_pillow, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})),
    ("PDF", "Pillow, JPEG", partial(by_pillow, "PDF", resolution=DPI)),
    ("DICOM", "pydicom", by_pydicom),
]


def size(write: Write, page: Page) -> int:
    """Return the size of a file in bytes."""
    file = BytesIO()
    write(page, file)
    return len(file.getvalue())


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("kind", "peer", "theirs"), PEERS, ids=[f"{kind} {peer}" for kind, peer, _ in PEERS])
def test_file(duel: Duel, kind: str, peer: str, theirs: Write, bits: Bits) -> None:
    if kind == "PDF" and bits == 16:
        pytest.skip("JPEG has 8 bits")
    page, ours = film("BILINEAR", bits), OURS[kind]
    peer = f"{peer}; size {size(theirs, page) / size(ours, page):.2f} of ours"
    duel(f"Write {kind}, {bits} bit", peer, timed(partial(size, ours, page)), timed(partial(size, theirs, page)))


def test_echo_meanwhile(duel: Duel, own_worker: Executor) -> None:
    with printer() as idle, printer() as busy, server(keep_printing, busy):
        echoes = [in_process(own_worker, worst_echo, port, 1.0) for port in (busy, idle)]
        duel("Worst C-ECHO in a second of printing", "while idle", *echoes)


@contextmanager
def printer() -> Iterator[int]:
    """Run a printer whose files are deleted; yield its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        what = (
            "--port",
            str(port),
            "--out",
            folder,
            "--spool",
            f"{folder}/spool",
            "--dpi",
            str(DPI),
            "--format",
            "png,pdf,tiff",
        )
        argv = (sys.executable, "-m", "print_mgmt", "serve", *what)
        with program(argv, port, environment=os.environ, folder=Path.cwd()):
            yield port


def keep_printing(ready: Connection, port: int) -> None:
    """Print films as fast as the printer accepts them, until this process is killed."""
    asyncio.run(_keep_printing(ready, port))


async def _keep_printing(ready: Connection, port: int) -> None:
    images = [phantom(number) for number in range(1, 13)]
    async with PrintClient(HOST, port) as client:
        ready.send(port)
        while True:
            try:
                await client.print_images(images, ImageDisplayFormat=FORMAT, FilmSizeID=FILM, MagnificationType="CUBIC")
            except PrintFailed:
                await asyncio.sleep(_QUEUE_FULL)


def worst_echo(port: int, seconds: float) -> float:
    """Return the longest C-ECHO of ``seconds`` seconds."""
    return asyncio.run(_worst_echo(port, seconds))


async def _worst_echo(port: int, seconds: float) -> float:
    worst, end = 0.0, perf_counter() + seconds
    async with connect(HOST, port, {Verification: (ImplicitVRLittleEndian,)}) as association:
        await scu.c_echo(association)
        while perf_counter() < end:
            start = perf_counter()
            await scu.c_echo(association)
            worst = max(worst, perf_counter() - start)
            await asyncio.sleep(0.002)
    return worst
