"""The attributes that determine how other elements are read and written."""

import pytest

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, Element, Tag, TransferSyntax, encode
from dimse.data.charset import charset_of
from dimse.data.encoding_attributes import bits_allocated_in, charset_in, find_charset, word_vr
from dimse.data.vr import BITS_ALLOCATED

LATIN, GREEK = charset_of("ISO_IR 100"), charset_of("ISO_IR 126")
PIXEL_DATA = 0x7FE00010


def elements(**values: object) -> dict[int, Element]:
    return Dataset(**values).by_tag()


def test_charset_is_the_one_of_the_data_set() -> None:
    assert charset_in(elements(SpecificCharacterSet="ISO_IR 126"), LATIN) == GREEK


def test_surrounding_charset_applies_without_the_attribute() -> None:
    assert charset_in(elements(Rows=1), LATIN) == LATIN


def test_charset_that_is_too_long_names_no_set() -> None:
    assert charset_in({0x00080005: Element(0x00080005, "CS", b"\\" * 2000)}, LATIN) == ()


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE])
def test_charset_is_found_before_the_elements(syntax: TransferSyntax) -> None:
    data = memoryview(encode(Dataset(SpecificCharacterSet="ISO_IR 126", Modality="CT"), syntax))
    assert find_charset(data, syntax.layout, 0) == GREEK


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE])
def test_charset_is_not_found_in_other_data_sets(syntax: TransferSyntax) -> None:
    assert find_charset(memoryview(encode(Dataset(Modality="CT"), syntax)), syntax.layout, 0) == ()


@pytest.mark.parametrize(("bits", "vr"), [(8, "OW"), (16, "OW"), (32, "OL")])
def test_pixels_of_32_bits_are_swapped_as_long_words(bits: int, vr: str) -> None:
    assert word_vr(elements(BitsAllocated=bits), PIXEL_DATA, "OW") == vr


def test_other_words_are_swapped_by_their_vr() -> None:
    assert word_vr(elements(BitsAllocated=32), Tag(0x00283006), "OW") == "OW"


def test_unreadable_bits_allocated_are_none() -> None:
    assert bits_allocated_in({BITS_ALLOCATED: Element(BITS_ALLOCATED, "US", b"1")}) is None
    assert bits_allocated_in({}) is None
