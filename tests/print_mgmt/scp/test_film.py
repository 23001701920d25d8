"""A film as the embedding program gets it: which of its attributes the client chose, and which the printer did."""

import numpy as np

from print_mgmt import Film, PrintClient, PrintServer


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
