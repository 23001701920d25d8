"""The printer under load and abuse: accepted films are printed, and clients do not affect each other."""

import asyncio

import numpy as np
import pytest
from printers import gray, pixels, printer

from dimse.errors import (
    AssociationAborted,
    AssociationRejected,
)
from dimse.net import Caller, Limits
from dimse.ul import AssociateRJ, AssociateRQ
from print_mgmt import Film, PrintClient, PrintFailed, PrintServer
from print_mgmt.jobs import PrintQueue


async def test_films_of_many_clients_stay_apart() -> None:
    async with printer() as (server, films):

        async def client_prints(number: int) -> None:
            async with PrintClient(server.host, server.port, calling_ae_title=f"SCU{number}") as client:
                await client.print_images([np.full((8, 8), number, np.uint8)] * 3, ImageDisplayFormat=r"STANDARD\1,2")

        await asyncio.gather(*(client_prints(number) for number in range(8)))
    assert len(films) == 16
    for film in films:
        number = int(film.calling_ae_title.removeprefix("SCU"))
        assert all((found == number).all() for found in pixels(film) if found is not None)


async def test_accepted_film_survives_its_client() -> None:
    go_on = asyncio.Event()
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        await go_on.wait()
        films.append(film)

    async with PrintServer(on_film, port=0) as server:
        with pytest.raises(KeyError):
            async with PrintClient(server.host, server.port) as client:
                await client.print_images([gray(1)] * 2)
                raise KeyError("the client dies")
        go_on.set()
    assert len(films) == server.printed == 2


async def test_failed_film_does_not_stop_the_next() -> None:
    films: list[int] = []

    async def on_film(film: Film) -> None:
        films.append(film.number)
        if film.number == 1:
            raise OSError(28, "No space left on device")
        if film.number == 2:
            raise RuntimeError("a bug")

    async with PrintServer(on_film, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([gray(1)] * 3)
    assert (films, server.printed, server.failed) == ([1, 2, 3], 1, 2)


async def test_full_queue_accepts_the_film_later() -> None:
    """After C602 the client may try again."""
    go_on = asyncio.Event()
    printed: list[int] = []

    async def on_film(film: Film) -> None:
        await go_on.wait()
        printed.append(film.number)

    async with PrintServer(on_film, port=0, queue=PrintQueue(1)) as server:
        async with PrintClient(server.host, server.port, action="film") as client:
            async with client.film_session() as session, session.film_box() as film:
                await film.set_image(1, gray(1))
                await film.print()
                while True:  # the printer takes the first film out of the queue
                    try:
                        await film.print()
                    except PrintFailed:
                        await asyncio.sleep(0)
                    else:
                        break
                with pytest.raises(PrintFailed, match=r"N-ACTION \(Print\) of film 1: status C602H"):
                    await film.print()
                go_on.set()
    assert printed == [1, 2]


async def test_policy_decides_on_callers() -> None:
    def refuse(request: AssociateRQ, caller: Caller) -> AssociateRJ | None:  # noqa: ARG001
        return None if request.calling_ae_title == "FRIEND" else AssociateRJ(1, 1, 3)

    async with printer(policy=refuse) as (server, films):
        with pytest.raises(AssociationRejected, match="calling-AE-title-not-recognized"):
            async with PrintClient(server.host, server.port):
                pass
        async with PrintClient(server.host, server.port, calling_ae_title="FRIEND") as client:
            await client.print_images([gray(1)])
    assert len(films) == 1


async def test_too_large_image_ends_one_association() -> None:
    async with printer(limits=Limits(data_set=100_000)) as (server, films):
        async with PrintClient(server.host, server.port) as other:
            with pytest.raises(AssociationAborted):
                async with PrintClient(server.host, server.port) as client:
                    await client.print_images([gray(1, 400, 400)])
            await other.print_images([gray(1)])
    assert len(films) == 1
