"""True size: the image is printed in life size, or not at all (PS3.3 C.13.5)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from printers import Odd, printer

from dimse.errors import EncodeError
from dimse.message import NActionRQ, NSetRQ, Request
from print_mgmt import ImageError, PrintClient, PrinterConfig, PrintFailed, PrintImage
from print_mgmt.film import FILM
from print_mgmt.service import Answer

WIDE: dict[str, Any] = {"ImageDisplayFormat": r"STANDARD\1,1", "FilmSizeID": "8INX10IN"}


def image(millimeters: float) -> PrintImage:
    pixels = np.zeros((10, 100), np.uint8)
    return PrintImage(
        pixels=pixels, PhotometricInterpretation="MONOCHROME2", PixelSpacing=(millimeters / 100, millimeters / 100)
    )


class Sets:
    """Answer N-SETs with these statuses in turn; 0 leaves the answer to the printer."""

    def __init__(self, *statuses: int, kind: type[Request] = NSetRQ) -> None:
        self.statuses = list(statuses)
        self.kind = kind

    def __call__(self, message: Request) -> Answer | None:
        status = self.statuses.pop(0) if isinstance(message, self.kind) and self.statuses else 0
        return Answer(Status=status) if status else None


async def printed(config: PrinterConfig, millimeters: float, **attributes: Any) -> list[Any]:
    """Return the image boxes that our printer receives."""
    async with printer(config=config) as (server, films):
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([image(millimeters)], true_size=True, **WIDE, **attributes)
    return [film.sheet.cells[0] for film in films]


def unsupporting(*keywords: str, **options: Any) -> PrinterConfig:
    return PrinterConfig(unsupported=keywords, **options)


@pytest.mark.parametrize(
    "config",
    [
        PrinterConfig(),
        PrinterConfig(imager=replace(FILM, RequestedDecimateCropBehavior="CROP")),
        unsupporting("RequestedDecimateCropBehavior"),
        unsupporting("RequestedDecimateCropBehavior", strict=True),
        PrinterConfig(RequestedDecimateCropBehavior=("DECIMATE", "CROP")),
        PrinterConfig(RequestedDecimateCropBehavior=("DECIMATE", "CROP"), strict=True),
    ],
)
async def test_image_that_fits_is_printed_by_every_printer(config: PrinterConfig) -> None:
    (cell,) = await printed(config, 150)
    assert cell.RequestedImageSize == 150


@pytest.mark.parametrize(
    ("config", "status"),
    [
        (PrinterConfig(), "C603"),
        (unsupporting("RequestedDecimateCropBehavior"), "B604"),
        (unsupporting("RequestedDecimateCropBehavior", strict=True), "B604"),
        (PrinterConfig(RequestedDecimateCropBehavior=("DECIMATE", "CROP"), strict=True), "B604"),
        (
            unsupporting("RequestedDecimateCropBehavior", imager=replace(FILM, RequestedDecimateCropBehavior="CROP")),
            "B609",
        ),
    ],
)
async def test_image_that_is_too_large_is_refused(config: PrinterConfig, status: str) -> None:
    async with printer(config=config) as (server, films):
        async with PrintClient(server.host, server.port) as client:
            with pytest.raises((ImageError, PrintFailed), match=rf"image 1 of film 1.*{status}H"):
                await client.print_images([image(300)], true_size=True, **WIDE)
    assert films == []


async def test_crop_is_requested_if_chosen() -> None:
    (cell,) = await printed(PrinterConfig(), 300, RequestedDecimateCropBehavior="CROP")
    assert (cell.RequestedDecimateCropBehavior, cell.RequestedImageSize) == ("CROP", 300)


@pytest.mark.parametrize("attributes", [{"RequestedDecimateCropBehavior": "DECIMATE"}, {"RequestedImageSize": 50.0}])
async def test_contradiction_is_refused_before_printing(attributes: dict[str, Any]) -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            with pytest.raises(EncodeError, match=r"contradicts true size.*C\.13\.5"):
                await client.print_images([image(50)], true_size=True, **attributes)
            assert client.answers == []
    assert films == []


@pytest.mark.parametrize("strict", [False, True])
async def test_printer_without_image_sizes_prints_nothing(strict: bool) -> None:
    with pytest.raises((ImageError, PrintFailed), match=r"Requested ?Image ?Size"):
        await printed(unsupporting("RequestedImageSize", strict=strict), 50)


@pytest.mark.parametrize("statuses", [(0x0105,), (0x0106,), (0x0107,), (0x0116,)])
async def test_unnamed_attribute_is_retried(statuses: tuple[int, ...]) -> None:
    odd = Odd(Sets(*statuses))
    async with odd.client() as client:
        await client.print_images([image(50)], true_size=True, **WIDE)
    assert odd.asked.count("NSetRQ") == 2
    assert odd.printed == 1


@pytest.mark.parametrize(
    "statuses", [(0x0107, 0x0107), (0x0105, 0x0105), (0xB604,), (0xB609,), (0xB60A,), (0x0106, 0xB60A)]
)
async def test_doubtful_size_is_not_printed(statuses: tuple[int, ...]) -> None:
    odd = Odd(Sets(*statuses))
    async with odd.client() as client:
        with pytest.raises((ImageError, PrintFailed), match=f"{statuses[-1]:04X}H"):
            await client.print_images([image(50)], true_size=True, **WIDE)
    assert odd.printed == 0


@pytest.mark.parametrize("collate", [False, True])
async def test_smaller_film_is_an_error(collate: bool) -> None:
    """Some printers report it only at N-ACTION."""
    odd = Odd(Sets(0xB604, kind=NActionRQ))
    async with odd.client() as client:
        with pytest.raises(ImageError, match=r"film.*: true size: .*B604H"):
            await client.print_images([image(50)], true_size=True, collate=collate, **WIDE)
