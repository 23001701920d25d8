"""Lesson 8: pixels and P-Values, or how a pixel value becomes a gray on the film."""

import asyncio

import numpy as np

from dimse import Dataset
from dimse.data import EXPLICIT_LE, encode
from dimse.net import Trace
from print_mgmt import Film, Page, PrintClient, PrintImage, PrintServer, Sheet, render
from print_mgmt.film import Cell, PresentationLUT

RAMP = np.array([0, 64, 128, 192, 255], np.uint8)


def center(page: Page) -> int:
    """Return the pixel in the middle of a page: 0 is black, 255 is white."""
    rows, columns = page.pixels.shape
    return int(page.pixels[rows // 2, columns // 2])


def printed(value: int, photometric: str, polarity: str = "NORMAL", shape: str = "IDENTITY") -> int:
    """Return the P-Value on a film whose only image has this value in each pixel."""
    image = PrintImage(pixels=np.full((4, 4), value, np.uint8), PhotometricInterpretation=photometric)
    cell = Cell(image=image, Polarity=polarity, presentation_lut=PresentationLUT(shape=shape))
    return center(render(Sheet(ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID="8INX10IN", cells=(cell,)), dpi=10))


def table() -> None:
    print(f"{'pixel value':30}", *(f"{value:4}" for value in RAMP))
    for photometric, polarity, shape in (
        ("MONOCHROME2", "NORMAL", "IDENTITY"),
        ("MONOCHROME2", "REVERSE", "IDENTITY"),
        ("MONOCHROME2", "NORMAL", "LIN OD"),
    ):
        row = (f"{printed(int(value), photometric, polarity, shape):4}" for value in RAMP)
        print(f"{photometric} {polarity:8}{shape:9} ", *row)


async def main(trace: Trace | None = None) -> None:
    table()
    gray = (np.arange(64, dtype=np.uint16) * 65).reshape(8, 8)  # 12 bits: 0 to 4095
    print("the value 4095 in 16 bits:", encode(Dataset(PixelData=gray[-1:, -1:]), EXPLICIT_LE)[-2:].hex(" "))
    films: list[Film] = []
    async with PrintServer(films.append, port=0, trace=trace) as printer:
        address = {"called_ae_title": "PRINTSCP", "calling_ae_title": "STUDENT"}
        async with PrintClient(printer.host, printer.port, bits=12, **address) as client:
            image = PrintImage(pixels=gray, PhotometricInterpretation="MONOCHROME2", BitsStored=12)
            await client.print_images(image, ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID="8INX10IN")
    page = await films[0].render(dpi=10)
    print("the film has P-Values from", page.pixels.min(), "to", page.pixels.max())


if __name__ == "__main__":
    asyncio.run(main())
