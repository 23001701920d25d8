"""The films of docs/films.md: each matches its picture."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from print_mgmt.film.fonts import SYSTEM_FONTS, has_character
from tools.films import DOCS, FILMS, FOLDER, contact_sheet, page

# Letters differ a little between versions of FreeType and fonts; a moved box or a changed tone makes more
LEVELS = 2  # of 255
SHARE = 0.99  # share of the pixels within that difference, at least
HAS_FONT = any(has_character(font, "A") for font in SYSTEM_FONTS)
MEAN = 0.5 if HAS_FONT else 0.6  # levels: the mean difference of all pixels, at most; 0.52 with the font inside Pillow

WRITTEN = sorted(name for name, film in FILMS.items() if film.sheet.annotations)


def reference(name: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO((FOLDER / f"{name}.png").read_bytes())))


@pytest.mark.parametrize("name", sorted(FILMS.keys() - set(WRITTEN)))
def test_film_matches_its_picture_exactly(name: str) -> None:
    """This holds on every processor."""
    assert np.array_equal(page(name).pixels, reference(name))


@pytest.mark.parametrize("name", WRITTEN)
def test_film_with_text_matches_its_picture_but_for_the_font(name: str) -> None:
    pixels, shown = page(name).pixels, reference(name)
    assert pixels.shape == shown.shape
    difference = np.abs(pixels.astype(np.int16) - shown)
    assert (difference <= LEVELS).mean() >= SHARE
    assert difference.mean() <= MEAN


def test_each_film_has_its_own_picture() -> None:
    assert {path.stem for path in FOLDER.glob("*.png")} == set(FILMS)
    assert len({path.read_bytes() for path in FOLDER.glob("*.png")}) == len(FILMS)


def test_contact_sheet_is_current() -> None:
    assert (DOCS / "films.md").read_text(encoding="utf-8") == contact_sheet()
