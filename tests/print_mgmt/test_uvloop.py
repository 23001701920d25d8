"""Printing on uvloop, which has transports of its own."""

import numpy as np
import pytest

from print_mgmt import Film, PrintClient, PrintServer

uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed: pip install uvloop")


def test_large_image_prints_on_uvloop() -> None:
    image = np.random.default_rng(1).integers(0, 256, (3000, 2000), dtype=np.uint8)
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        films.append(film)

    async def main() -> None:
        async with PrintServer(on_film, port=0) as server:
            async with PrintClient(server.host, server.port) as client:
                await client.print_images([image] * 3, ImageDisplayFormat=r"STANDARD\2,1")

    uvloop.run(main())
    printed = [cell.image.pixels for film in films for cell in film.sheet.cells if cell.image]
    assert len(printed) == 3
    assert all(np.array_equal(found, image) for found in printed)
