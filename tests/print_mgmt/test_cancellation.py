"""A print that is canceled at any point leaves no task, socket, film or association behind."""

import numpy as np
from cancelling import at_every_suspension, nothing_left
from peers import Films
from raw import until

from dimse.limits import Timeouts
from print_mgmt import PrintClient, PrintServer

IMAGE = np.arange(64, dtype=np.uint8).reshape(8, 8)


async def print_two(port: int) -> None:
    # Pixels of 12 bits are made in another thread, which is a place to be canceled, too
    async with PrintClient("127.0.0.1", port, bits=12, timeouts=Timeouts(linger=0.02)) as client:
        await client.print_images([IMAGE, IMAGE], ImageDisplayFormat=r"STANDARD\1,2")


async def test_canceled_print_leaves_nothing() -> None:
    films = Films()
    async with PrintServer(films, port=0) as server, nothing_left():
        runs = 0
        async for _ in at_every_suspension(lambda: print_two(server.port)):
            await until(lambda: not server.associations)
            runs += 1
        await until(lambda: not server.associations)
    assert runs > 10
    # A film is printed whole or not at all: each has two images, and there are no more films than runs.
    assert 1 <= len(films) <= runs + 1
    assert {len(film.image_boxes) for film in films} == {2}
