"""What is written beside a page."""

import io
import json

import numpy as np

from dimse.data import IMPLICIT_LE, Dataset, decode, encode
from print_mgmt.film import Page
from print_mgmt.output import plain, write_sidecar


def test_page_and_every_decision_are_told_first() -> None:
    page = Page(
        pixels=np.zeros((4, 3, 3), np.uint8), width_mm=203.2, height_mm=254.0, dpi=150, notes=("image box 1: clipped",)
    )
    file = io.BytesIO()
    write_sidecar(page, {"number": 7}, file)
    assert json.loads(file.getvalue()) == {
        "page": {
            "Rows": 4,
            "Columns": 3,
            "BitsAllocated": 8,
            "PhotometricInterpretation": "RGB",
            "width_mm": 203.2,
            "height_mm": 254.0,
            "dpi": 150,
            "notes": ["image box 1: clipped"],
        },
        "number": 7,
    }


def test_attributes_keep_their_keywords_and_values() -> None:
    film_box = Dataset(
        ImageDisplayFormat=r"STANDARD\1,1",
        MaxDensity=300,
        FilmSessionLabel="Müller",
        Trim=None,
        RequestedImageSize=152.5,
        ReferencedImageBoxSequence=[Dataset(ReferencedSOPInstanceUID="1.2.3")],
        ICCProfile=bytes(588),
    )
    told = plain(film_box)
    assert told == {
        "FilmSessionLabel": "Müller",
        "ImageDisplayFormat": r"STANDARD\1,1",
        "MaxDensity": 300,
        "Trim": None,
        "RequestedImageSize": 152.5,
        "ReferencedImageBoxSequence": [{"ReferencedSOPInstanceUID": "1.2.3"}],
        "ICCProfile": "588 bytes",
    }
    file = io.BytesIO()
    write_sidecar(Page(pixels=np.zeros((1, 1), np.uint8), width_mm=1, height_mm=1, dpi=1), {"film_box": told}, file)
    assert json.loads(file.getvalue())["film_box"] == told
    assert "Müller" in file.getvalue().decode()


def test_a_value_that_cannot_be_read_is_told_as_its_error() -> None:
    """No film is lost for it."""
    dataset = decode(encode(Dataset(NumberOfCopies=12), IMPLICIT_LE).replace(b"12", b"ab"), IMPLICIT_LE)
    (told,) = plain(dataset).values()
    assert str(told).startswith("! ")


def test_a_text_with_a_lone_surrogate_is_json() -> None:
    file = io.BytesIO()
    page = Page(pixels=np.zeros((1, 1), np.uint8), width_mm=1, height_mm=1, dpi=1)
    write_sidecar(page, {"who": "R\udcd6NTGEN"}, file)
    assert json.loads(file.getvalue())["who"] == "R\udcd6NTGEN"
