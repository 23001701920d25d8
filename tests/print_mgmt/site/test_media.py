"""Films whose medium is loaded, and films that are moved to another medium."""

from dataclasses import replace

import pytest
from accepted import accepted_film

from dimse.data import Dataset
from print_mgmt import PrinterConfig
from print_mgmt.config import Medium
from print_mgmt.film import LayoutError
from print_mgmt.model import FilmCopy
from print_mgmt.site.media import is_loaded, move_to_loaded, with_size
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


def test_nothing_loaded_is_an_error() -> None:
    with pytest.raises(LayoutError, match="no medium is loaded"):
        move_to_loaded(PrinterConfig(media=(MISSING,)), film("BLUE FILM"))


def test_given_film_is_not_changed() -> None:
    made = film("BLUE FILM")
    with_size(made, "A4")
    assert (made.sheet.FilmSizeID, text(made.film_box, "FilmSizeID")) == ("8INX10IN", "8INX10IN")
