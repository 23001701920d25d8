"""PS3.5 §6.2.1: person names, with the examples of the standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import ComponentGroup, Dataset, PersonName, decode, encode
from dimse.data.syntax import EXPLICIT_LE
from dimse.errors import EncodeError

YAMADA = PersonName("Yamada^Tarou=山田^太郎=やまだ^たろう")
ADAMS = PersonName("Adams^John Robert Quincy^^Rev.^B.A. M.Div.")


def test_name_has_its_components() -> None:
    assert (ADAMS.family_name, ADAMS.given_name, ADAMS.middle_name) == ("Adams", "John Robert Quincy", "")
    assert (ADAMS.name_prefix, ADAMS.name_suffix) == ("Rev.", "B.A. M.Div.")
    assert PersonName("Doe").given_name == ""
    assert PersonName("").family_name == ""
    assert PersonName(" Doe ^ Jane ").given_name == "Jane", "spaces around a component are insignificant"


def test_name_has_its_component_groups() -> None:
    assert (YAMADA.alphabetic, YAMADA.ideographic, YAMADA.phonetic) == ("Yamada^Tarou", "山田^太郎", "やまだ^たろう")
    assert (YAMADA.family_name, YAMADA.ideographic.family_name, YAMADA.phonetic.given_name) == (
        "Yamada",
        "山田",
        "たろう",
    )
    assert PersonName("=洪^吉洞").family_name == ""
    assert PersonName("Doe").phonetic == ""


def test_name_is_text() -> None:
    assert YAMADA == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    assert str(YAMADA) in {YAMADA}


def test_name_is_made_of_parts() -> None:
    assert PersonName.of("Adams", "John Robert Quincy", "", "Rev.", "B.A. M.Div.") == ADAMS
    ideographic = ComponentGroup.of("山田", "太郎")
    assert PersonName.of("Yamada", "Tarou", ideographic=ideographic, phonetic="やまだ^たろう") == YAMADA
    assert PersonName.of(ideographic="山田") == "=山田"
    assert PersonName.of("Doe") == "Doe"


@pytest.mark.parametrize(
    ("family", "ideographic", "delimiter"),
    [("a^b", "", r"\^"), ("a=b", "", "="), ("a\\b", "", r"\\"), ("", "a=b", "="), ("", "a\\b", r"\\")],
)
def test_delimiter_in_a_part_is_an_error(family: str, ideographic: str, delimiter: str) -> None:
    with pytest.raises(EncodeError, match=rf"PN cannot hold .*: {delimiter} is a delimiter \(PS3\.5 §6\.2\.1\)"):
        PersonName.of(family, ideographic=ideographic)


@given(st.lists(st.text("AB é-山", max_size=8).map(str.strip), min_size=5, max_size=5))
def test_parts_of_a_made_name_are_its_components(parts: list[str]) -> None:
    name = PersonName.of(*parts)
    assert [name.family_name, name.given_name, name.middle_name, name.name_prefix, name.name_suffix] == parts


def test_pn_values_are_person_names() -> None:
    ds = Dataset(SpecificCharacterSet="ISO_IR 192", PatientName=str(YAMADA), OtherPatientNames=["Doe^Jane", ADAMS])
    for source in (ds, decode(encode(ds, EXPLICIT_LE), EXPLICIT_LE)):
        name, others = source.PatientName, source.OtherPatientNames
        assert isinstance(name, PersonName)
        assert name == YAMADA
        assert isinstance(others, list)
        assert all(isinstance(other, PersonName) for other in others)
        assert others == ["Doe^Jane", ADAMS]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a=b=c=d", "4 component groups, at most 3 are allowed"),
        ("a^b^c^d^e^f", "6 components, at most 5 are allowed"),
        ("=" + "a" * 65, "65 characters in a component group, at most 64 are allowed"),
    ],
)
def test_wrong_name_cannot_be_set(value: str, message: str) -> None:
    with pytest.raises(EncodeError, match=rf"^\(0010,0010\): PN cannot hold .*: {message}"):
        Dataset(PatientName=value)
