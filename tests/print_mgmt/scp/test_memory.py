"""The memory of films in the printer: their pixels, and little more."""

import asyncio
import tracemalloc
from typing import Literal

import numpy as np
import pytest

from print_mgmt import Film, PrintClient, PrintImage, PrintServer
from print_mgmt.jobs import PrintQueue


@pytest.mark.parametrize(("films", "bits"), [(1, 8), (3, 8), (1, 12)])
async def test_film_in_flight_takes_its_pixels_and_a_fifth(films: int, bits: Literal[8, 12]) -> None:
    pixels = np.zeros((4096, 4096), np.uint8 if bits == 8 else np.uint16)
    image = PrintImage(pixels=pixels, BitsStored=bits, PhotometricInterpretation="MONOCHROME2")  # as it is sent
    go_on = asyncio.Event()

    async def on_film(film: Film) -> None:  # noqa: ARG001
        await go_on.wait()

    async with PrintServer(on_film, port=0, queue=PrintQueue(films)) as server:
        async with PrintClient(server.host, server.port, bits=bits) as client:
            tracemalloc.start()
            try:
                before, _ = tracemalloc.get_traced_memory()
                await client.print_images([image] * films)
                _, peak = tracemalloc.get_traced_memory()
                go_on.set()
            finally:
                tracemalloc.stop()
    assert server.printed == films
    assert peak - before <= 1.2 * films * pixels.nbytes
