"""Checks exercise 8: renders the images."""

import numpy as np
from exercises import Exercise, Wrong

from dimse import Dataset
from dimse.data import EXPLICIT_LE, encode
from print_mgmt import PrintImage, Sheet, render
from print_mgmt.film import Cell, PresentationLUT

_CASES = (
    ("MONOCHROME1", 0, "NORMAL"),
    ("MONOCHROME1", 64, "NORMAL"),
    ("MONOCHROME1", 64, "REVERSE"),
    ("MONOCHROME2", 255, "REVERSE"),
)
_VALUE = 1000
_HINTS = (
    "In MONOCHROME1 the smallest pixel value is displayed as white: PS3.3 C.7.6.3.1.2.",
    "Each step up in pixel value is a step down in brightness.",
    "What do two inversions do?",
    "Polarity REVERSE inverts the image, whatever its Photometric Interpretation is.",
)


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    given = exercise.answers("P_VALUES", int, len(_CASES), "Begin with the table that run.py prints for MONOCHROME2.")
    for number, (answer, case, hint) in enumerate(zip(given, _CASES, _HINTS, strict=True), 1):
        if answer != _printed(*case):
            raise Wrong(f"case {number} does not print {answer}", hint)
    pixel = exercise.octets("PIXEL", "1000 is 03E8H.")
    wanted = encode(Dataset(PixelData=np.full((1, 1), _VALUE, np.uint16)), EXPLICIT_LE)[-2:]
    if len(pixel) != 2:
        raise Wrong(f"PIXEL has {len(pixel)} bytes", "A pixel with Bits Allocated 16 has two.")
    if pixel != wanted:
        value = int.from_bytes(pixel, "little")
        raise Wrong(f"PIXEL is the value {value} for the printer", "run.py printed the bytes of 4095: ff 0f.")
    return "Two values invert an image, MONOCHROME1 and REVERSE; both together change nothing."


def _printed(photometric: str, value: int, polarity: str) -> int:
    image = PrintImage(pixels=np.full((4, 4), value, np.uint8), PhotometricInterpretation=photometric)
    cell = Cell(image=image, Polarity=polarity, presentation_lut=PresentationLUT(shape="IDENTITY"))
    page = render(Sheet(ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID="8INX10IN", cells=(cell,)), dpi=10)
    rows, columns = page.pixels.shape
    return int(page.pixels[rows // 2, columns // 2])
