"""Films as a printer has accepted them, for destinations."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dimse.data import Dataset
from print_mgmt import Film
from print_mgmt.film import FILM, Cell, Imager, PrintImage, Sheet
from print_mgmt.jobs import PrintJob
from print_mgmt.model import Attributes, FilmCopy

__all__ = ["DOE", "accepted_film", "ramp"]

DOE = Dataset(PatientName="Doe^Jane", PatientID="4711", StudyInstanceUID="1.2.3", AccessionNumber="A1")


def ramp(rows: int = 20, columns: int = 30, *, color: bool = False) -> PrintImage:
    """Return an image whose rows all differ."""
    gray = np.linspace(0, 255, rows * columns).astype(np.uint8).reshape(rows, columns)
    pixels = np.stack([gray, gray[::-1], gray], axis=-1) if color else gray
    return PrintImage(pixels=pixels, PhotometricInterpretation="RGB" if color else "MONOCHROME2")


def accepted_film(
    number: int = 1,
    *,
    color: bool = False,
    sheet: Sheet | None = None,
    imager: Imager = FILM,
    sent: Sequence[Dataset] = (),
    **job: Any,
) -> Film:
    """Return a film of one image from CT01; ``job`` are fields of its `PrintJob`.

    ``sent`` are unused attributes that the client sent with image boxes.
    """
    fields = {
        "Originator": "CT01",
        "host": "192.0.2.7",
        "PrinterName": "FILM1",
        "SOPInstanceUID": "1.2.840.4711",
        "CreationDate": "20250102",
        "CreationTime": "030405",
        **job,
    }
    cells = (Cell(image=ramp(color=color)),)
    sheet = sheet or Sheet(ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID="8INX10IN", cells=cells)
    attributes = Dataset(ImageDisplayFormat=sheet.ImageDisplayFormat, FilmSizeID=sheet.FilmSizeID)
    unused = Attributes(image_boxes=tuple(sent))
    copy = FilmCopy(
        film_session=Dataset(),
        film_box=attributes,
        image_boxes=(Dataset(),),
        sheet=sheet,
        imager=imager,
        unused=unused,
    )
    made = PrintJob(films=(copy,), **fields)
    return Film(number, made, made.unprinted[0])
