"""Films and jobs as N-ACTION makes them, without a network."""

import numpy as np

from dimse.data import Dataset
from print_mgmt.film import Cell, PrintImage, Sheet
from print_mgmt.jobs import PrintJob
from print_mgmt.model import FilmCopy

__all__ = ["film_copy", "print_job"]


def film_copy(nbytes: int = 1) -> FilmCopy:
    """Return a film of two image boxes; one of them has an image of ``nbytes`` pixels."""
    shape = (1, nbytes) if nbytes < 1 << 16 else (nbytes >> 12, 1 << 12)
    image = PrintImage(pixels=np.zeros(shape, np.uint8), PhotometricInterpretation="MONOCHROME2")
    sheet = Sheet(ImageDisplayFormat=r"STANDARD\1,2", cells=(Cell(image=image), Cell()))
    return FilmCopy(film_session=Dataset(), film_box=Dataset(), image_boxes=(), sheet=sheet)


def print_job(
    nbytes: int = 1, *, films: int = 1, copies: int = 1, PrintPriority: str = "MED", host: str = ""
) -> PrintJob:
    """Return a job that is in no queue."""
    made = tuple(film_copy(nbytes) for _ in range(films))
    return PrintJob(films=made, copies=copies, PrintPriority=PrintPriority, host=host)
