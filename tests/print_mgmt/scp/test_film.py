"""A film as the embedding program gets it: which of its attributes the client chose, and which the printer did."""

import pickle
from collections.abc import Callable
from copy import copy, deepcopy

import numpy as np
import pytest

from print_mgmt import Film, PrintClient, PrintServer

COPIES: dict[str, Callable[[Film], Film]] = {
    "pickle": lambda film: pickle.loads(pickle.dumps(film)),
    "deepcopy": deepcopy,
    "copy": copy,
}


async def test_what_the_client_left_to_the_printer_is_named() -> None:
    """PS3.4 H.2.4: what was not sent, and what was sent and replaced with the default (0116)."""
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        films.append(film)

    async with PrintServer(on_film, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            async with client.film_session(PrintPriority="HIGH", NumberOfCopies=500) as session:
                async with session.film_box(FilmSizeID="A4") as box:
                    await box.set_image(1, np.zeros((2, 2), np.uint8))
                    await box.print()
    (film,) = films
    chosen = {"PrintPriority", "FilmSizeID", "ImageDisplayFormat"}
    assert not chosen & set(film.defaulted)
    assert {"NumberOfCopies", "MediumType", "FilmOrientation", "MagnificationType"} <= set(film.defaulted)
    told = {element.keyword for attributes in (film.film_session, film.film_box) for element in attributes}
    assert set(film.defaulted) <= told


@pytest.mark.parametrize("way", COPIES)
async def test_copy_of_a_film_is_printed_alike(way: str) -> None:
    """Such as one in another process."""
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        film.job.listeners.add(lambda _: None)  # nothing that could be pickled
        films.extend((film, COPIES[way](film)))

    async with PrintServer(on_film, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([np.arange(400, dtype=np.uint8).reshape(20, 20)])
    film, twin = films
    assert repr(twin) == repr(film)
    assert (twin.number, twin.copy, twin.calling_ae_title) == (film.number, film.copy, film.calling_ae_title)
    assert (twin.film_session, twin.film_box, twin.image_boxes) == (film.film_session, film.film_box, film.image_boxes)
    assert twin.defaulted == film.defaulted
    assert twin.job is not film.job
    assert twin.job.SOPInstanceUID == film.job.SOPInstanceUID
    assert (twin.job.films, twin.job.unprinted, twin.job.listeners) == ((), [], set())
    assert np.array_equal((await twin.render(30)).pixels, (await film.render(30)).pixels)
