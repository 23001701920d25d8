"""Films whose medium is loaded, and films that are moved to another medium."""

from dataclasses import replace

import numpy as np
import pytest
from accepted import accepted_film

from dimse.data import Dataset, tag_of
from print_mgmt import PrinterConfig
from print_mgmt.config import Medium
from print_mgmt.film import Cell, LayoutError, PrintImage, Sheet, render
from print_mgmt.model import FilmCopy
from print_mgmt.site.media import is_loaded, move_to_loaded, move_to_size, with_size
from print_mgmt.typed import text


def medium(MediumType: str, *sizes: str, installed: bool = True) -> Medium:
    return Medium(MediumType=MediumType, FilmSizeID=sizes, installed=installed)


def film(MediumType: str = "", FilmSizeID: str = "8INX10IN") -> FilmCopy:
    made = accepted_film().job.films[0]
    sized = replace(made, film_session=Dataset(MediumType=MediumType) if MediumType else Dataset())
    return with_size(sized, FilmSizeID)


MISSING = medium("BLUE FILM", "8INX10IN", "14INX17IN", installed=False)


def test_installed_medium_is_loaded() -> None:
    config = PrinterConfig(media=(medium("BLUE FILM", "8INX10IN"), medium("PAPER", "A4", installed=False)))
    assert is_loaded(config, film("BLUE FILM"))
    assert not is_loaded(config, film("PAPER", "A4"))


def test_film_without_a_type_is_on_the_first_medium() -> None:
    assert not is_loaded(PrinterConfig(media=(MISSING,)), film())


def test_unknown_medium_counts_as_loaded() -> None:
    assert is_loaded(PrinterConfig(media=(MISSING,)), film("PAPER"))


@pytest.mark.parametrize(
    ("loaded", "expected"),
    [
        ([medium("BLUE FILM", "10INX12IN"), medium("PAPER", "8INX10IN")], ("BLUE FILM", "10INX12IN")),
        ([medium("PAPER", "A3", "A4")], ("PAPER", "A4")),
        ([medium("CLEAR FILM", "14INX14IN", "10INX12IN")], ("CLEAR FILM", "10INX12IN")),
    ],
)
def test_nearest_medium_is_chosen(loaded: list[Medium], expected: tuple[str, str]) -> None:
    moved = move_to_loaded(PrinterConfig(media=(MISSING, *loaded)), film("BLUE FILM"))
    assert (text(moved.film_session, "MediumType"), moved.sheet.FilmSizeID) == expected
    assert text(moved.film_box, "FilmSizeID") == expected[1]


def test_paper_is_seen_by_reflected_light() -> None:
    moved = move_to_loaded(PrinterConfig(media=(MISSING, medium("PAPER", "A4"))), film("BLUE FILM"))
    assert moved.imager.reflective


PAPER_ONLY = PrinterConfig(media=(MISSING, medium("PAPER", "A4")))


def film_of_densities(**sent: int) -> FilmCopy:
    """Return a film for BLUE FILM with the densities and the light that this printer filled in, or the client sent."""
    made, imager = film("BLUE FILM"), PAPER_ONLY.imager
    values = {
        key: getattr(imager, key) for key in ("MinDensity", "MaxDensity", "Illumination", "ReflectedAmbientLight")
    }
    box = made.film_box.copy()
    box.update(Dataset(**values | sent))
    sheet = replace(made.sheet, **values | sent)
    return replace(made, film_box=box, sheet=sheet, sent=frozenset(map(tag_of, sent)))


def test_white_of_a_moved_film_is_the_white_of_its_medium() -> None:
    moved = move_to_loaded(PAPER_ONLY, film_of_densities())
    assert render(moved.sheet, 20, imager=moved.imager).pixels.max() == 255
    assert (moved.sheet.MinDensity, moved.film_box.get("MinDensity")) == (5, 5)


def test_moved_film_keeps_the_densities_of_the_client() -> None:
    moved = move_to_loaded(PAPER_ONLY, film_of_densities(MaxDensity=150))
    assert (moved.sheet.MinDensity, moved.sheet.MaxDensity) == (5, 150)


def test_other_size_may_have_other_densities() -> None:
    dense = Medium(MediumType="BLUE FILM", FilmSizeID=("14INX17IN",), MinDensity=20, MaxDensity=250)
    config = PrinterConfig(media=(medium("BLUE FILM", "8INX10IN"), dense))
    moved = move_to_size(config, film_of_densities(), "14INX17IN")
    assert (moved.imager.MaxDensity, moved.sheet.MaxDensity, moved.sheet.FilmSizeID) == (250, 250, "14INX17IN")
    made = film_of_densities()
    assert move_to_size(config, made, "A4").imager == made.imager  # the printer does not have this size


COARSE = replace(PrinterConfig().imager, dpi=100)


def large_image(behavior: str) -> FilmCopy:
    """Return a film of 10 x 12 inches with an image that fills it pixel for pixel."""
    image = PrintImage(pixels=np.zeros((1140, 940), np.uint8), PhotometricInterpretation="MONOCHROME2")
    cell = Cell(image=image, RequestedDecimateCropBehavior=behavior)
    sheet = Sheet(ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID="10INX12IN", cells=(cell,))
    return replace(film("BLUE FILM"), sheet=sheet, imager=COARSE)


@pytest.mark.parametrize(("behavior", "size"), [("FAIL", "11INX14IN"), ("CROP", "24CMX30CM")])
def test_film_is_moved_to_a_size_for_its_image(behavior: str, size: str) -> None:
    """A film that was accepted must be printed, so a size is passed over where its image must not be printed."""
    config = PrinterConfig(imager=COARSE, media=(MISSING, medium("BLUE FILM", "11INX14IN", "24CMX30CM")))
    assert move_to_loaded(config, large_image(behavior)).sheet.FilmSizeID == size


def test_size_is_refused_if_an_image_must_not_be_made_smaller() -> None:
    with pytest.raises(LayoutError, match="the image is larger than its image box"):
        with_size(large_image("FAIL"), "24CMX30CM")


def test_slides_stay_on_a_film_with_enough_mounts() -> None:
    slides = tuple(Cell() for _ in range(20))
    made = replace(film(), sheet=Sheet(ImageDisplayFormat="SLIDE", FilmSizeID="14INX17IN", cells=slides))
    with pytest.raises(LayoutError, match="image boxes for 20 images"):
        with_size(made, "8INX10IN")


def test_printer_without_loaded_media_is_an_error() -> None:
    with pytest.raises(LayoutError, match="no medium is loaded"):
        move_to_loaded(PrinterConfig(media=(MISSING,)), film("BLUE FILM"))


def test_given_film_is_not_changed() -> None:
    made = film("BLUE FILM")
    with_size(made, "A4")
    assert (made.sheet.FilmSizeID, text(made.film_box, "FilmSizeID")) == ("8INX10IN", "8INX10IN")
