"""Films for images that come one by one: streams, lost associations, and collated films."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import suppress

import numpy as np
import pytest
from numpy.typing import NDArray
from printers import Odd, gray, pixels, printer

from dimse.errors import AssociationAborted, ConnectionFailed
from dimse.message import NActionRQ, NCreateRQ, NSetRQ, Request
from dimse.net import Association, Operation
from print_mgmt import ImageError, PrintClient, PrinterConfig, PrintFailed, PrintImage, PrintUncertain
from print_mgmt.scu import Printable, connection
from print_mgmt.service import Answer


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PAUSE", 0.0)


class Breaks:
    """Abort the association at the ``number``-th request of a kind only."""

    def __init__(self, message: type[Request], number: int) -> None:
        self.message = message
        self.number = number
        self.seen = 0

    async def __call__(self, association: Association, operation: Operation) -> None:
        self.seen += isinstance(operation.message, self.message)
        if isinstance(operation.message, self.message) and self.seen == self.number:
            association.abort()


async def test_stream_holds_one_film_at_a_time() -> None:
    """The next image is requested after the films before it are printed and their pixels freed."""
    async with printer() as (server, printed):
        async with PrintClient(server.host, server.port) as client:
            seen: list[int] = []
            alive: list[int] = []

            async def stream() -> AsyncIterator[Printable]:
                given: list[weakref.ref[NDArray[np.uint8]]] = []
                for number in range(6):
                    seen.append(len(client.answers))
                    alive.append(sum(each() is not None for each in given))
                    image = gray(number)
                    given.append(weakref.ref(image))
                    yield image
                    del image

            report = await client.print_images(stream(), ImageDisplayFormat=r"STANDARD\1,2")
    assert seen == [0, 3, 5, 7, 9, 11]  # session, film, image; image, print; film, image; ...
    assert max(alive) <= 2
    assert report.films == len(printed) == 3


@pytest.mark.parametrize("message", [NCreateRQ, NSetRQ])
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_lost_film_is_refilled(message: type[Request], number: int) -> None:
    """On a new association, with the images of that film only; each is printed once."""
    odd = Odd(before=Breaks(message, number))
    images = [gray(seed) for seed in range(5)]
    async with odd.client(retries=1) as client:
        report = await client.print_images(images, ImageDisplayFormat=r"STANDARD\1,2")
    assert (report.films, report.images, odd.printed) == (3, 5, 3)
    sent = [cell.image.pixels for film in odd.films for cell in film.sheet.cells if cell.image is not None]
    assert len(sent) == 5
    assert all(np.array_equal(found, image) for found, image in zip(sent, images, strict=True))


async def test_lost_association_is_an_error_without_retries() -> None:
    odd = Odd(before=Breaks(NSetRQ, 2))
    with pytest.raises(AssociationAborted):
        async with odd.client() as client:
            await client.print_images([gray(1), gray(2)], ImageDisplayFormat=r"STANDARD\1,2")
    assert odd.printed == 0


async def test_retries_limit_the_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pause is twice as long as the one before."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    odd = Odd()
    async with odd.serving() as server:
        client = PrintClient(server.host, server.port, retries=3)
        await client.__aenter__()
    monkeypatch.setattr(connection, "_PAUSE", 1.0)
    monkeypatch.setattr(asyncio, "sleep", pause)
    with pytest.raises(ConnectionFailed):
        await client.print_images([gray(1)])
    assert pauses == [1.0, 2.0, 4.0]


async def test_film_is_not_retried_after_n_action() -> None:
    """It is unknown whether N-ACTION was performed, and a second film is worse than an error."""
    odd = Odd(before=Breaks(NActionRQ, 2))
    with pytest.raises(PrintUncertain, match="it is unknown whether film 2 was printed"):
        async with odd.client(retries=9) as client:
            await client.print_images([gray(1)] * 3)
    assert odd.asked.count("NActionRQ") == 2


@pytest.mark.parametrize("status", [0xB604, 0xC603, 0x0110])
async def test_film_is_not_printed_again_after_an_error(status: int) -> None:
    """A caller that goes on after the error of N-ACTION gets a new film for the next image."""
    refused = [status]

    def change(message: Request) -> Answer | None:
        return Answer(Status=refused.pop()) if isinstance(message, NActionRQ) and refused else None

    odd = Odd(change)
    image = PrintImage(pixels=gray(1), PhotometricInterpretation="MONOCHROME2", PixelSpacing=(0.1, 0.1))
    async with odd.client(action="film") as client:
        async with client.films(true_size=True) as films:
            with pytest.raises((ImageError, PrintFailed), match=f"film 1.*{status:04X}H"):
                await films.add(image)
            await films.add(image)
    assert odd.asked.count("NActionRQ") == odd.asked.count("NSetRQ") == 2
    assert films.printed == (2 if status == 0xB604 else 1)


async def test_uncertain_film_is_not_printed_at_the_end() -> None:
    odd = Odd(before=Breaks(NActionRQ, 1))
    async with odd.client(retries=1) as client:
        async with client.films() as films:
            with pytest.raises(PrintUncertain):
                await films.add(gray(1))
            await films.add(gray(2))
    assert (films.printed, odd.asked.count("NActionRQ")) == (1, 2)


@pytest.mark.parametrize("collate", [False, True])
async def test_refused_image_is_left_out_of_its_film(collate: bool) -> None:
    refused = [0, 0xC605]

    def change(message: Request) -> Answer | None:
        status = refused.pop(0) if isinstance(message, NSetRQ) and refused else 0
        return Answer(Status=status) if status else None

    odd = Odd(change)
    async with odd.client() as client:
        async with client.films(ImageDisplayFormat=r"STANDARD\1,2", collate=collate) as films:
            await films.add(gray(1))
            with pytest.raises(PrintFailed, match="image 2 of film 1"):
                await films.add(gray(2))
            for seed in (3, 4):
                await films.add(gray(seed))
    sent = [cell.image.pixels for film in odd.films for cell in film.sheet.cells if cell.image is not None]
    assert len(sent) == 3
    assert all(np.array_equal(image, gray(seed)) for image, seed in zip(sent, (1, 3, 4), strict=True))
    assert (films.printed, films.images) == (2, 3)


@pytest.mark.parametrize("collate", [False, True])
async def test_image_of_the_wrong_size_is_not_on_the_film(collate: bool) -> None:
    """The printer puts it into its box, reduced, with a warning."""
    config = PrinterConfig(unsupported=("RequestedDecimateCropBehavior",))
    small, large = (
        PrintImage(pixels=gray(seed, 10, 100), PhotometricInterpretation="MONOCHROME2", PixelSpacing=(size, size))
        for seed, size in ((1, 0.5), (2, 5.0))
    )
    async with printer(config=config) as (server, printed):
        async with PrintClient(server.host, server.port) as client:
            async with client.films(ImageDisplayFormat=r"STANDARD\1,2", true_size=True, collate=collate) as films:
                await films.add(small)
                with pytest.raises(ImageError, match="B604H"):
                    await films.add(large)
    (film,) = printed
    first, second = pixels(film)
    assert first is not None
    assert np.array_equal(first, small.pixels)
    assert second is None


async def test_association_is_reopened_between_films() -> None:
    odd = Odd()
    async with odd.client(retries=1) as client, client.films() as feeder:
        await feeder.add(gray(1))
        client.association.abort()
        await feeder.add(gray(2))
    assert (feeder.printed, odd.printed) == (2, 2)


async def test_film_is_refilled_after_a_release_by_the_printer() -> None:
    """The release comes between two images of one film."""
    associations: list[Association] = []

    async def remember(association: Association, _: Operation) -> None:
        associations.append(association)

    odd = Odd(before=remember)
    async with odd.client(retries=1) as client, client.films(ImageDisplayFormat=r"STANDARD\1,2") as films:
        await films.add(gray(1))
        await associations[-1].release()
        await films.add(gray(2))
    assert (films.printed, odd.printed, odd.asked.count("NSetRQ")) == (1, 1, 3)


async def test_collated_films_need_one_n_action() -> None:
    """PS3.4 H.4.1.2.4: N-ACTION on the session, with all of its film boxes."""
    async with printer() as (server, printed):
        async with PrintClient(server.host, server.port) as client:
            report = await client.print_images([gray(1), gray(2), gray(3)], collate=True, NumberOfCopies=2)
            (job,) = report.jobs
            assert await job.wait() == "DONE"
    assert report.films == 3
    assert [what for what, _ in report.answers].count("N-ACTION (Print) of the film session") == 1
    shown = [int(found[0, 0]) for film in printed for found in pixels(film) if found is not None]
    assert shown == [int(gray(seed)[0, 0]) for seed in (1, 2, 3)]
    assert {film.copies for film in printed} == {2}


@pytest.mark.parametrize("status", [0x0000, 0xC603])
async def test_collated_films_are_printed_once(status: int) -> None:
    """Films that are added after N-ACTION of the session belong to another session, whatever the response was."""
    statuses = [status]

    def change(message: Request) -> Answer | None:
        found = statuses.pop() if isinstance(message, NActionRQ) and statuses else 0
        return Answer(Status=found) if found else None

    odd = Odd(change)
    async with odd.client() as client:
        async with client.films(collate=True) as films:
            await films.add(gray(1))
            with suppress(PrintFailed):
                await films.finish()
            await films.add(gray(2))
    sent = [cell.image.pixels for film in odd.films for cell in film.sheet.cells if cell.image is not None]
    wanted = [gray(2)] if status else [gray(1), gray(2)]
    assert len(sent) == len(wanted)
    assert all(np.array_equal(found, image) for found, image in zip(sent, wanted, strict=True))
    assert films.printed == len(wanted)


async def test_failed_session_is_not_printed_at_the_end() -> None:
    def change(message: Request) -> Answer | None:
        return Answer(Status=0xC603) if isinstance(message, NActionRQ) else None

    odd = Odd(change)
    async with odd.client() as client:
        async with client.films(collate=True) as films:
            await films.add(gray(1))
            with pytest.raises(PrintFailed):
                await films.finish()
    assert odd.asked.count("NActionRQ") == 1


async def test_lost_collated_films_are_an_error() -> None:
    odd = Odd(before=Breaks(NCreateRQ, 3))
    with pytest.raises(AssociationAborted):
        async with odd.client(retries=9) as client:
            await client.print_images([gray(1)] * 3, collate=True)
    assert odd.printed == 0


async def test_lost_session_response_is_uncertain() -> None:
    odd = Odd(before=Breaks(NActionRQ, 1))
    with pytest.raises(PrintUncertain, match="film session"):
        async with odd.client(retries=9) as client:
            await client.print_images([gray(1)] * 3, collate=True)


async def test_session_is_certainly_not_printed_without_an_association() -> None:
    odd = Odd()
    with pytest.raises(AssociationAborted, match="ended before the film session could be printed"):
        async with odd.client() as client, client.films(collate=True) as films:
            await films.add(gray(1))
            client.association.abort()
    assert "NActionRQ" not in odd.asked


async def test_true_size_requests_the_width_in_mm() -> None:
    """PS3.3 C.13.5: Requested Image Size is the width in mm."""
    images = [
        PrintImage(pixels=gray(1, 20, 30), PhotometricInterpretation="MONOCHROME2", PixelSpacing=(0.4, 0.5)),
        PrintImage(pixels=gray(2, 20, 30), PhotometricInterpretation="MONOCHROME2"),
    ]
    async with printer() as (server, printed):
        async with PrintClient(server.host, server.port) as client:
            await client.print_images(images[:1], true_size=True, Polarity="REVERSE")
            with pytest.raises(ImageError, match=r"true size: .* 10\.7\.1"):
                await client.print_images(images, true_size=True)
    (cell,) = printed[0].sheet.cells
    assert (cell.RequestedImageSize, cell.Polarity) == (15.0, "REVERSE")


async def test_images_are_reduced_to_the_box_size() -> None:
    async with printer() as (server, printed):
        async with PrintClient(server.host, server.port, bits="auto") as client:
            box = await client.box_size(ImageDisplayFormat=r"STANDARD\4,5", FilmSizeID="8INX10IN")
            assert box is not None
            await client.print_images(
                [gray(1, 1500, 1000), gray(2)],
                reduce=True,
                ImageDisplayFormat=r"STANDARD\4,5",
                FilmSizeID="8INX10IN",
            )
    first, second = (found for found in pixels(printed[0]) if found is not None)
    assert first.shape == (box[0], round(box[0] / 1.5))
    assert second.shape == (20, 30)
    assert printed[0].sheet.cells[0].image is not None
    assert printed[0].sheet.cells[0].image.BitsStored == 12  # as its Memory and Printing Bit Depth say


async def test_annotations_are_on_every_film() -> None:
    async with printer() as (server, printed):
        async with PrintClient(server.host, server.port) as client:
            report = await client.print_images(
                [gray(1)] * 2, annotations=["left", "knee"], AnnotationDisplayFormatID="LABEL"
            )
    assert [[each.TextString for each in film.sheet.annotations] for film in printed] == [["left"], ["left"]]
    why = "the printer created no more boxes for AnnotationDisplayFormatID LABEL"
    words = f"only 1 of 2 annotations were written, because {why}"
    assert report.warnings == (f"film 1: {words}", f"film 2: {words}")


async def test_annotations_without_a_format_are_a_warning() -> None:
    async with printer() as (server, _), PrintClient(server.host, server.port) as client:
        report = await client.print_images([gray(1)], annotations=["left"])
    assert report.warnings[0].startswith("film 1: only 0 of 1 annotations were written")
    assert report.warnings[0].endswith("AnnotationDisplayFormatID selects boxes")


async def test_canceled_stream_leaves_no_film() -> None:
    """PS3.8 §7.3: the client sends A-ABORT, which ends the session (PS3.4 H.4.1)."""
    async with printer() as (server, printed):
        waits = asyncio.Event()

        async def stream() -> AsyncIterator[PrintImage]:
            yield PrintImage(pixels=gray(1), PhotometricInterpretation="MONOCHROME2")
            waits.set()
            await asyncio.Event().wait()

        async def work() -> None:
            async with PrintClient(server.host, server.port) as client:
                await client.print_images(stream(), ImageDisplayFormat=r"STANDARD\1,2")

        task = asyncio.create_task(work())
        await waits.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert printed == []
