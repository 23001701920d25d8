"""Large images go to a disk while they arrive: the printer needs no memory for them, and their film is the same."""

import asyncio
import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from forked import copied
from numpy.typing import NDArray
from spools import EmbeddedPlace, Place

from dimse.errors import DimseError
from dimse.message import file_of
from print_mgmt import Film, PrintClient, PrintFailed, PrintImage, PrintServer
from print_mgmt.config import PrinterConfig
from print_mgmt.jobs import PrintJob
from print_mgmt.model import Printer
from print_mgmt.scp import Routing
from print_mgmt.spool import SpoolLimits, Target

LIMITS = SpoolLimits(in_memory=1 << 16)
IN_MEMORY = SpoolLimits(in_memory=1 << 30)
SMALL = PrinterConfig(printer=Printer(PrinterName="SMALL"), memory=1 << 16)
ELSEWHERE = Routing((Target(destination="elsewhere"),))


def image(bits: int = 8) -> PrintImage:
    """Return an image of 1.5 MiB or more."""
    made = np.random.default_rng(bits).integers(0, 1 << bits, (1536, 1024), np.uint16)
    pixels: NDArray[np.uint8 | np.uint16] = made.astype(np.uint8) if bits == 8 else made
    return PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2", BitsStored=bits)


async def printed(place: Place, sent: PrintImage, limits: SpoolLimits) -> NDArray[np.uint8 | np.uint16]:
    """Print an image through a spool, and return the page."""
    films: list[Film] = []
    async with place.spool(limits=limits) as spool, PrintServer(films.append, port=0, spool=spool) as server:
        async with PrintClient(server.host, server.port, bits=8 if sent.BitsStored == 8 else 12) as client:
            await client.print_images([sent])
        async with asyncio.timeout(30):
            while not films:  # noqa: ASYNC110  # `append` sets no event
                await asyncio.sleep(0)
    return (await films[0].render(dpi=20)).pixels


@pytest.mark.parametrize("bits", [8, 12])
async def test_page_is_the_same_through_disk_and_memory(place: Place, bits: int) -> None:
    sent = image(bits)
    through_disk = await printed(place, sent, LIMITS)
    assert np.array_equal(through_disk, await printed(place, sent, IN_MEMORY))


async def test_image_on_disk_counts_no_memory(tmp_path: Path) -> None:
    for limits, status in ((LIMITS, 0), (IN_MEMORY, 0xC605)):
        async with (
            EmbeddedPlace(tmp_path / "spool").spool(limits=limits) as spool,
            PrintServer(None, port=0, spool=spool, route=lambda _: ELSEWHERE, config=SMALL) as server,
            PrintClient(server.host, server.port) as client,
        ):
            assert await status_of(client) == status


async def status_of(client: PrintClient) -> int:
    """Print an image. Return the status of the failure, or 0."""
    try:
        await client.print_images([image()])
    except PrintFailed as exc:
        return exc.status
    return 0


async def test_pixels_of_the_film_are_a_view_of_the_file(tmp_path: Path) -> None:
    """The film is stored from that file."""
    found: list[bool] = []

    def route(job: PrintJob) -> Routing:
        found.extend(file_of(cell.image.pixels) is not None for cell in job.films[0].sheet.cells if cell.image)
        return ELSEWHERE

    async with (
        EmbeddedPlace(tmp_path / "spool").spool(limits=LIMITS) as spool,
        PrintServer(None, port=0, spool=spool, route=route) as server,
        PrintClient(server.host, server.port) as client,
    ):
        await client.print_images([image()])
    assert found == [True]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize(
    ("step", "after"), [("incoming created", 0), ("incoming write", 0), ("incoming write", 1), ("write", 0)]
)
async def test_failing_disk_refuses_the_film_and_the_server_goes_on(
    tmp_path: Path, step: str, after: int, number: int
) -> None:
    left = [after]

    def fail(name: str) -> None:
        if name == step:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(number, os.strerror(number))

    async with (
        EmbeddedPlace(tmp_path / "spool").spool(limits=LIMITS, step=fail) as spool,
        PrintServer(None, port=0, spool=spool, route=lambda _: ELSEWHERE) as server,
    ):
        async with PrintClient(server.host, server.port) as client:
            assert await status_of(client) == (0xC602 if step == "write" else 0x0213)
        async with PrintClient(server.host, server.port) as client:
            assert await status_of(client) == 0
        assert await spool.verify() == (1, ())


@pytest.mark.parametrize("change", [{"least": 1 << 60}, {"association_incoming": 1 << 16}, {"host_incoming": 1 << 16}])
async def test_limits_of_the_disk_refuse_large_images(place: Place, change: dict[str, int]) -> None:
    async with (
        place.spool(limits=replace(LIMITS, **change)) as spool,
        PrintServer(None, port=0, spool=spool, route=lambda _: ELSEWHERE) as server,
        PrintClient(server.host, server.port) as client,
    ):
        assert await status_of(client) == 0x0213


@pytest.mark.parametrize("step", ["incoming created", "incoming write"])
async def test_killed_printer_leaves_no_incoming_file(place: Place, tmp_path: Path, step: str) -> None:
    with copied("spool_process", place.address, tmp_path / "out", "serve", step, 2) as serving:
        port = int(await asyncio.to_thread(serving.stdout.readline))
        with pytest.raises(DimseError):
            while True:
                async with PrintClient("127.0.0.1", port) as client:
                    await client.print_images([image()])
        assert serving.wait() == -9
    async with place.spool() as spool:
        films = await spool.list()
        assert await spool.verify() == (len(films), ())
        with os.scandir(spool.incoming.folder) as entries:
            assert place.name != "embedded" or not list(entries)
