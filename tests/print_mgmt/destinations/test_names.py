"""File names from a template."""

import re

import pytest
from accepted import DOE, accepted_film
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import Dataset
from print_mgmt import ConfigError
from print_mgmt.destinations.names import TOKENS, NameTemplate, film_id, to_safe_text


def test_tokens_of_a_film_make_its_name() -> None:
    film = accepted_film(12)
    parts = NameTemplate("{date}/{calling}/{patient_id}-{time}-{number}-{id}").path_of(film, DOE)
    assert parts == ("20250102", "CT01", f"4711-030405-0012-{film_id(film)}")


def test_name_without_identifier_gets_one() -> None:
    film = accepted_film()
    assert NameTemplate("x").path_of(film, DOE) == (f"x-{film_id(film)}",)


def test_same_film_gets_the_same_name() -> None:
    assert NameTemplate().path_of(accepted_film(), DOE) == NameTemplate().path_of(accepted_film(), DOE)


def test_films_of_two_jobs_get_two_names() -> None:
    one, other = accepted_film(SOPInstanceUID="1.2.1"), accepted_film(SOPInstanceUID="1.2.2")
    assert NameTemplate("{date}").path_of(one, DOE) != NameTemplate("{date}").path_of(other, DOE)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Müller^Jörg", "Muller_Jorg"),
        ("../../etc/passwd", "etc_passwd"),
        ("\x1b[2J\r\n", "2J"),
        ("", "none"),
        ("...", "none"),
        ("a" * (1 << 20), "a" * 32),
    ],
)
def test_value_is_made_safe(value: str, said: str) -> None:
    assert to_safe_text(value) == said


@given(st.text(max_size=80), st.sampled_from(sorted(TOKENS)))
def test_hostile_value_stays_in_its_part_of_the_path(hostile: str, token: str) -> None:
    film = accepted_film(Originator=hostile, PrinterName=hostile, host=hostile, FilmSessionLabel=hostile)
    legal = re.sub(r"[\0-\x1f\x7f\\\\\ud800-\udfff]", "?", hostile)  # no Data Set can contain other characters
    identified = Dataset(PatientID=legal[:64], PatientName=legal.replace("=", "")[:64], AccessionNumber=legal[:16])
    folder, name = NameTemplate(f"{{{token}}}/{{{token}}}").path_of(film, identified)
    for part in (folder, name):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}", part)


@pytest.mark.parametrize(("template", "name"), [("CON/x", "CON_"), ("nul.txt/x", "nul_.txt")])
def test_name_of_a_device_is_changed(template: str, name: str) -> None:
    assert NameTemplate(template).path_of(accepted_film(), DOE)[0] == name


@pytest.mark.parametrize("template", ["x" * 127 + "/x", "x" * 114, "x" * 115 + "{id}"])
def test_part_may_have_127_characters(template: str) -> None:
    assert len(NameTemplate(template).path_of(accepted_film(), DOE)[0]) == 127


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{patient}", "unknown token {patient}. The tokens are date,"),
        ("../x", "begin with a letter or a digit"),
        ("/x", "begin with a letter or a digit"),
        ("x//y", "begin with a letter or a digit"),
        ("", "begin with a letter or a digit"),
        ("a b", "may only have ASCII"),
        ("{date", "may only have ASCII"),
        ("x" * 115, "can become a name of 128 characters; 127 are allowed"),  # with the identifier
        ("x" * 116 + "{id}", "can become a name of 128 characters; 127 are allowed"),
        ("x/" + "x" * 115, "can become a name of 128 characters; 127 are allowed"),  # with the identifier
        ("con." + "x" * 123 + "/x", "can become a name of 128 characters; 127 are allowed"),  # with an underscore
        ("x" * 128 + "/x", "can become a name of 128 characters; 127 are allowed"),
    ],
)
def test_wrong_template_is_refused(template: str, why: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(why)):
        NameTemplate(template)
