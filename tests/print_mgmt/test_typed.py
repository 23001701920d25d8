"""Typed access to values, whatever type a peer has sent."""

import pytest

from dimse.data import EXPLICIT_LE, Dataset, Element, decode, encode, tag_of
from print_mgmt.typed import integer, integers, items, real, term, text, texts


def received(keyword: str, VR: str, value: object) -> Dataset:
    """Return a Data Set from the wire, with an attribute in any VR."""
    sent = Dataset()
    sent.add(Element(tag_of(keyword), VR, value))
    return decode(encode(sent, EXPLICIT_LE), EXPLICIT_LE)


@pytest.mark.parametrize(("VR", "value", "found"), [("LO", "knee", "knee"), ("US", 3, ""), ("LO", ["a", "b"], "")])
def test_text_is_one_text(VR: str, value: object, found: str) -> None:
    assert text(received("FilmSessionLabel", VR, value), "FilmSessionLabel") == found


@pytest.mark.parametrize(("VR", "value", "found"), [("CS", "DONE", "DONE"), ("LO", "Done", "DONE"), ("US", 3, "")])
def test_term_has_capital_letters(VR: str, value: object, found: str) -> None:
    assert term(received("ExecutionStatus", VR, value), "ExecutionStatus") == found


@pytest.mark.parametrize(("VR", "value", "found"), [("IS", 3, 3), ("US", 3, 3), ("LO", "3", -1), ("US", [1, 2], -1)])
def test_integer_is_one_whole_number(VR: str, value: object, found: int) -> None:
    assert integer(received("NumberOfCopies", VR, value), "NumberOfCopies") == found


@pytest.mark.parametrize(("VR", "value", "found"), [("DS", "2.5", 2.5), ("US", 3, 3.0), ("LO", "3", None)])
def test_real_is_one_number(VR: str, value: object, found: float | None) -> None:
    assert real(received("RequestedImageSize", VR, value), "RequestedImageSize") == found


@pytest.mark.parametrize(("VR", "value", "count"), [("SQ", [Dataset(), Dataset()], 2), ("SQ", [], 0), ("LO", "x", 0)])
def test_items_are_those_of_a_sequence(VR: str, value: object, count: int) -> None:
    keyword = "ReferencedImageBoxSequence"
    assert len(items(received(keyword, VR, value), keyword)) == count


def test_missing_attribute_is_the_default() -> None:
    empty = Dataset()
    assert text(empty, "PrintPriority", "MED") == "MED"
    assert integer(empty, "NumberOfCopies", 1) == 1
    assert real(empty, "RequestedImageSize") is None
    assert items(empty, "ReferencedImageBoxSequence") == []


def test_texts_are_empty_if_missing_or_not_text() -> None:
    dataset = Dataset(FilmSessionLabel="knee", NumberOfCopies=3)
    assert texts(dataset, "NumberOfCopies", "FilmSessionLabel", "MediumType") == ["", "knee", ""]


def test_integers_are_none_if_missing_or_not_whole() -> None:
    dataset = Dataset(FilmSessionLabel="knee", NumberOfCopies=3)
    assert integers(dataset, "NumberOfCopies", "FilmSessionLabel", "MinDensity") == [3, None, None]
