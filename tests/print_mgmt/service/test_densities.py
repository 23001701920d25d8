"""Densities and light of a film: PS3.4 H.2.4 and Table H.4-6, PS3.14 §7."""

from dataclasses import replace
from typing import Any

import pytest
from print_scu import CONFIG, GRAY, SUCCESS, Scu, ramp, uids

from dimse.data import Dataset
from dimse.uids import BasicFilmBox, BasicFilmSession
from print_mgmt.film import Sheet
from print_mgmt.service import Answer

STRICT = replace(CONFIG, strict=True)
KEYWORDS = ("MinDensity", "MaxDensity", "Illumination", "ReflectedAmbientLight")
OF_FILM, OF_PAPER = (20, 320, 2000, 10), (5, 210, 150, 0)


def answered_values(answer: Answer) -> tuple[object, ...]:
    assert answer.dataset is not None
    return tuple(answer.dataset.get(keyword) for keyword in KEYWORDS)


def sheet_of(scu: Scu, film_box: str) -> Sheet:
    return scu.print(BasicFilmBox, film_box).films[0].sheet


def values_of(sheet: Sheet) -> tuple[object, ...]:
    return tuple(getattr(sheet, keyword) for keyword in KEYWORDS)


@pytest.mark.parametrize(
    ("medium", "values"), [("BLUE FILM", OF_FILM), ("MAMMO CLEAR FILM", OF_FILM), ("PAPER", OF_PAPER)]
)
def test_film_box_gets_the_densities_of_its_medium(medium: str, values: tuple[int, ...]) -> None:
    scu = Scu()
    answer = scu.film_box(scu.session(MediumType=medium))
    assert (answer.Status, answered_values(answer)) == (SUCCESS, values)


def test_missing_density_is_that_of_the_medium() -> None:
    scu = Scu()
    answer = scu.film_box(scu.session(MediumType="PAPER"), MaxDensity=150)
    assert (answer.Status, answered_values(answer)) == (SUCCESS, (5, 150, 150, 0))


def test_new_medium_brings_its_densities() -> None:
    scu = Scu()
    session = scu.session(MediumType="BLUE FILM")
    film = str(scu.film_box(session, Illumination=3000).AffectedSOPInstanceUID)
    scu.set(BasicFilmSession, session, Dataset(MediumType="PAPER"))
    assert values_of(sheet_of(scu, film)) == (5, 210, 3000, 0)
    scu.set(BasicFilmSession, session, Dataset(MediumType="BLUE FILM"))
    assert values_of(sheet_of(scu, film)) == (20, 320, 3000, 10)


def test_new_light_of_the_session_reaches_its_films() -> None:
    scu = Scu()
    session = scu.session(Illumination=3000)
    film = str(scu.film_box(session, ReflectedAmbientLight=5).AffectedSOPInstanceUID)
    scu.set(BasicFilmSession, session, Dataset(Illumination=1000, ReflectedAmbientLight=7))
    assert values_of(sheet_of(scu, film)) == (20, 320, 1000, 5)


LIGHT = [
    ("BLUE FILM", {"Illumination": 65535}, (2000, 10)),
    ("BLUE FILM", {"Illumination": 0}, (2000, 10)),
    ("BLUE FILM", {"Illumination": 1}, (2000, 10)),
    ("BLUE FILM", {"ReflectedAmbientLight": 65535}, (2000, 10)),
    ("BLUE FILM", {"Illumination": 65535, "ReflectedAmbientLight": 65535}, (2000, 10)),
    ("BLUE FILM", {"Illumination": 3000, "ReflectedAmbientLight": 4000}, (3000, 10)),
    ("PAPER", {"Illumination": 65535}, (150, 0)),
    ("PAPER", {"ReflectedAmbientLight": 10}, (150, 0)),
]


@pytest.mark.parametrize(("medium", "light", "used"), LIGHT)
def test_unusable_light_is_replaced(medium: str, light: dict[str, Any], used: tuple[int, int]) -> None:
    scu = Scu()
    answer = scu.film_box(scu.session(MediumType=medium), **light)
    assert (answer.Status, answered_values(answer)[2:]) == (0x0116, used)
    assert values_of(sheet_of(scu, str(answer.AffectedSOPInstanceUID)))[2:] == used


@pytest.mark.parametrize(("medium", "light", "used"), LIGHT)
def test_n_set_replaces_unusable_light(medium: str, light: dict[str, Any], used: tuple[int, int]) -> None:
    scu = Scu()
    film = str(scu.film_box(scu.session(MediumType=medium)).AffectedSOPInstanceUID)
    answer = scu.set(BasicFilmBox, film, Dataset(**light))
    assert answer.Status == 0x0116
    assert answer.dataset is not None
    assert {keyword: answer.dataset[keyword].value for keyword in light if keyword in answer.dataset} == {
        keyword: value for keyword, value in zip(KEYWORDS[2:], used, strict=True) if keyword in light
    }
    assert values_of(sheet_of(scu, film))[2:] == used


@pytest.mark.parametrize(("medium", "light", "used"), LIGHT)
def test_light_of_a_session_is_replaced(medium: str, light: dict[str, Any], used: tuple[int, int]) -> None:
    scu = Scu()
    made = scu.create(BasicFilmSession, dataset=Dataset(MediumType=medium, **light))
    assert made.Status == 0x0116
    answer = scu.film_box(str(made.AffectedSOPInstanceUID))
    assert (answer.Status, answered_values(answer)[2:]) == (SUCCESS, used)


@pytest.mark.parametrize("keyword", ["Illumination", "ReflectedAmbientLight"])
def test_strict_printer_refuses_light(keyword: str) -> None:
    """PS3.4 H.2.4."""
    scu = Scu(config=STRICT)
    light: dict[str, Any] = {keyword: 65535}
    answer = scu.film_box(scu.session(), **light)
    assert (answer.Status, answer.comment[: len(keyword)]) == (0x0106, keyword)


def test_light_follows_the_densities_of_the_film() -> None:
    """Through a minimum density of 0.60, 12000 cd/m2 gives less than 4000; through 0.20, more (PS3.14 §7.1)."""
    scu = Scu()
    answer = scu.film_box(scu.session(), MinDensity=60, Illumination=12000)
    assert (answer.Status, answered_values(answer)) == (SUCCESS, (60, 320, 12000, 10))
    answer = scu.set(BasicFilmBox, str(answer.AffectedSOPInstanceUID), Dataset(MinDensity=20))
    assert (answer.Status, answered_values(answer)[2]) == (0x0116, 2000)


def test_n_set_compares_a_density_with_the_current_one() -> None:
    scu = Scu()
    film = str(scu.film_box(scu.session(), MaxDensity=150).AffectedSOPInstanceUID)
    answer = scu.set(BasicFilmBox, film, Dataset(MinDensity=200))
    assert (answer.Status, answered_values(answer)[:2]) == (0x0116, (20, 320))


def test_image_box_compares_a_density_with_that_of_the_film() -> None:
    scu = Scu(GRAY)
    created = scu.film_box(scu.session(), MaxDensity=150)
    box = uids(created, "ReferencedImageBoxSequence")[0]
    answer = scu.image(box, 1, ramp(), MinDensity=200)
    assert (answer.Status, answered_values(answer)[:2]) == (0x0116, (20, 320))


def test_n_set_returns_the_current_value() -> None:
    """PS3.4 H.2.4: the answer to an unsupported value contains the current value."""
    scu = Scu()
    film = str(scu.film_box(scu.session(), Trim="YES").AffectedSOPInstanceUID)
    answer = scu.set(BasicFilmBox, film, Dataset(Trim="MAYBE"))
    assert answer.dataset is not None
    assert (answer.Status, answer.dataset.Trim) == (0x0116, "YES")


@pytest.mark.parametrize(
    ("medium", "term", "used"),
    [("BLUE FILM", "400", "320"), ("BLUE FILM", "0", "20"), ("PAPER", "300", "210"), ("PAPER", "1", "5")],
)
@pytest.mark.parametrize("keyword", ["BorderDensity", "EmptyImageDensity"])
def test_border_density_is_limited_to_the_range(keyword: str, medium: str, term: str, used: str) -> None:
    scu = Scu()
    given: dict[str, Any] = {keyword: term}
    answer = scu.film_box(scu.session(MediumType=medium), **given)
    assert answer.dataset is not None
    assert (answer.Status, answer.dataset[keyword].value) == (0x0116, used)
    again = scu.set(BasicFilmBox, str(answer.AffectedSOPInstanceUID), Dataset(**given))
    assert again.dataset is not None
    assert (again.Status, again.dataset[keyword].value) == (0x0116, used)
    strict = Scu(config=STRICT)
    assert strict.film_box(strict.session(MediumType=medium), **given).Status == 0x0106


@pytest.mark.parametrize("term", ["BLACK", "WHITE", "150", "20", "320"])
def test_border_density_within_the_range_stays(term: str) -> None:
    scu = Scu(config=STRICT)
    answer = scu.film_box(scu.session(MediumType="BLUE FILM"), BorderDensity=term, EmptyImageDensity=term)
    assert answer.dataset is not None
    assert (answer.Status, answer.dataset.BorderDensity) == (SUCCESS, term)
