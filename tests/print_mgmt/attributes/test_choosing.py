"""What an SCU chose, by keyword, to the level where it belongs."""

import pytest

from dimse.data import Dataset
from dimse.errors import EncodeError
from print_mgmt.attributes import FILM_SESSION, choose, pick


def test_each_attribute_goes_to_its_level() -> None:
    chosen = choose({"NumberOfCopies": 2, "FilmSizeID": "A4", "Polarity": "REVERSE", "MagnificationType": "CUBIC"})
    assert chosen.film_session == Dataset(NumberOfCopies=2)
    assert chosen.film_box == Dataset(FilmSizeID="A4", MagnificationType="CUBIC"), "of both levels: the film box"
    assert chosen.image_box == Dataset(Polarity="REVERSE")


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("ReferencedFilmSessionSequence", "set by the client itself"),
        ("FilmSizeID", "no attribute that an SCU sets there"),
        ("NumberOfCopys", "did you mean NumberOfCopies"),
    ],
)
def test_what_cannot_be_chosen_for_a_session(keyword: str, words: str) -> None:
    with pytest.raises(EncodeError, match=words):
        pick(FILM_SESSION, {keyword: "x"})


def test_values_are_for_the_printer_to_judge() -> None:
    assert pick(FILM_SESSION, {"MediumType": "CURRENT"}).MediumType == "CURRENT"
