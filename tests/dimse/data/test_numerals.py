"""PS3.5 §6.2: DS and IS, numbers that keep their text."""

import copy
import pickle
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import DS, EXPLICIT_LE, IS, Dataset, Element, decode, encode
from dimse.data.numerals import MAX_VALUES, AnyDecimal
from dimse.errors import DecodeError, EncodeError


def read(raw: bytes) -> Dataset:
    return decode(raw, EXPLICIT_LE)


def spacing(text: bytes) -> bytes:
    """(0028,0030) Pixel Spacing, a DS."""
    return b"\x28\0\x30\0DS" + len(text).to_bytes(2, "little") + text


def frames(text: bytes) -> bytes:
    """(0028,0008) Number of Frames, an IS."""
    return b"\x28\0\x08\0IS" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "text", [b"0.50\\.5 ", b"1.0E+01\\ 7. ", b"+1\\ -0", b"0.500000", b" 1", b"1 ", b"40\\\\400 ", b"1e5\\1E-5"]
)
def test_decimal_string_is_copied_with_its_text(text: bytes) -> None:
    copied = Dataset(PixelSpacing=read(spacing(text)).PixelSpacing)
    assert encode(copied, EXPLICIT_LE) == spacing(text)


@pytest.mark.parametrize("text", [b"007 ", b"+1", b" 1", b"1 ", b"01\\2", b"1\\\\2", b"-0"])
def test_integer_string_is_copied_with_its_text(text: bytes) -> None:
    copied = Dataset(NumberOfFrames=read(frames(text)).NumberOfFrames)
    assert encode(copied, EXPLICIT_LE) == frames(text)


def test_wrong_text_is_corrected_when_it_is_copied() -> None:
    for wrong, right in ((b"1,5\0", b"1.5 "), (b"12345678.123456789 ", b"12345678.1234568"), (b"\t1.5", b"1.5 ")):
        copied = Dataset(PixelSpacing=read(spacing(wrong)).PixelSpacing)
        assert encode(copied, EXPLICIT_LE) == spacing(right)
    for wrong, right in ((b"1.0\0", b"1 "), (b"0000000000000001", b"1 "), (b"7\0", b"7 ")):
        copied = Dataset(NumberOfFrames=read(frames(wrong)).NumberOfFrames)
        assert encode(copied, EXPLICIT_LE) == frames(right)


@pytest.mark.parametrize("wrong", [b"\xa01.5", b"1.5\x85", b"\t1.5"])
def test_text_of_a_decimal_has_only_characters_of_ds(wrong: bytes) -> None:
    one, ds = read(spacing(wrong)).PixelSpacing, read(spacing(wrong + b"\\2"))
    several = ds.PixelSpacing
    assert isinstance(one, DS)
    assert one.text == "1.5"
    assert isinstance(several, list)
    several[1] = 3
    assert encode(ds, EXPLICIT_LE) == spacing(b"1.5\\3 ")


def test_exponent_of_an_integer_is_bounded() -> None:
    assert read(frames(b"1e19")).NumberOfFrames == 10**19
    with pytest.raises(DecodeError, match="at most 20 characters, got '1e300'"):
        _ = read(frames(b"1e300 ")).NumberOfFrames


def test_comma_in_a_decimal_is_the_decimal_point() -> None:
    value = read(spacing(b"1,000\\0,50 ")).PixelSpacing
    assert value == [1.0, 0.5]
    assert encode(Dataset(PixelSpacing=value), EXPLICIT_LE) == spacing(b"1.000\\0.50")


def test_several_commas_are_rejected() -> None:
    with pytest.raises(DecodeError, match="needs a finite decimal number, got '1,000,000'"):
        read(spacing(b"1,000,000 ")).PixelSpacing  # noqa: B018


@pytest.mark.parametrize("text", [b"1,000 ", b"12,000", b"1,0", b"1,000,000 ", b",5", b"1\\2,000 "])
def test_comma_in_an_integer_is_rejected(text: bytes) -> None:
    with pytest.raises(DecodeError, match="needs an integer of at most 20 characters, got"):
        read(frames(text)).NumberOfFrames  # noqa: B018


def test_numerals_are_numbers_with_a_text() -> None:
    thin, number = DS(" 1.50"), IS("007")
    assert (thin, thin * 2, thin.text) == (1.5, 3.0, "1.50")
    assert (number, number + 1, number.text, IS(7).text) == (7, 8, "007", "7")
    assert hash(thin) == hash(1.5)
    assert f"{thin} {number}" == "1.5 7"


def test_decimal_keeps_digits_beyond_a_float() -> None:
    assert DS("9007199254740993").decimal() == Decimal(9007199254740993)
    assert DS(9007199254740993).text == "9007199254740993"
    assert DS(Decimal("1.10")).text == "1.10"
    value = read(spacing(b"0.1234567890123456789 ")).PixelSpacing
    assert isinstance(value, DS)
    assert value.decimal() == Decimal("0.1234567890123456789")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-7, "1e-07"),
        (-1.2345678901234567e-07, "-1.2345678901e-7"),
        (10**20, "1e+20"),
        (Decimal("1E+3"), "1E+3"),
        (Decimal("0.12345678901234567890"), "0.12345678901235"),
        (True, "1"),
        (np.float64(0.25), "0.25"),
        (np.float32(0.1), "0.10000000149012"),
        (np.int64(5), "5"),
        (IS("05"), "5"),
        ("1,5", "1.5"),
    ],
)
def test_numbers_become_at_most_16_characters(value: float, text: str) -> None:
    assert DS(value).text == text
    assert Dataset(PixelSpacing=value)["PixelSpacing"].value == float(text)


@pytest.mark.parametrize(
    "value",
    ["", " ", "x", "1_0", "1e999", "nan", "1" * 400, Decimal("sNaN"), Decimal("Infinity"), np.complex64(1), 1 + 0j],
)
def test_wrong_decimal_is_rejected(value: AnyDecimal) -> None:
    with pytest.raises(EncodeError, match=r"^DS cannot hold "):
        DS(value)


def test_infinite_decimal_is_rejected() -> None:
    for value in (float("nan"), float("inf"), 1.7976931348623157e308, 10**400, 10**5000):
        with pytest.raises(EncodeError, match=r"^DS cannot hold "):
            DS(value)


@pytest.mark.parametrize("value", ["", "x", "1.5", "1_0", "9" * 5000, 2**31, -(2**31) - 1, "2147483648", "1" * 13])
def test_wrong_integer_is_rejected(value: str | int) -> None:
    with pytest.raises(EncodeError, match=r"^IS cannot hold "):
        IS(value)


def test_changed_list_of_decimals_is_written() -> None:
    ds = read(spacing(b"0.50\\0.50 "))
    values = ds.PixelSpacing
    assert isinstance(values, list)
    values[1] = 1 / 3
    values += [None, "2.0"]
    assert encode(ds, EXPLICIT_LE) == spacing(b"0.50\\0.33333333333333\\\\2.0")


def test_changed_list_of_integers_is_written() -> None:
    ds = read(frames(b"01\\2"))
    values = ds.NumberOfFrames
    assert isinstance(values, list)
    values += [None, 3, "04"]
    assert encode(ds, EXPLICIT_LE) == frames(b"01\\2\\\\3\\04")


@pytest.mark.parametrize("keyword", ["PixelSpacing", "NumberOfFrames"])
@pytest.mark.parametrize("wrong", [b"1", "x"])
def test_broken_lists_are_encode_errors(keyword: str, wrong: str | bytes) -> None:
    ds = Dataset(**{keyword: [1, 2]})
    values = ds[keyword].value
    assert isinstance(values, list)
    values.append(wrong)
    with pytest.raises(EncodeError, match=r"^\(0028,00\d\d\): (DS|IS) cannot hold"):
        encode(ds, EXPLICIT_LE)


def test_numerals_are_pickled_with_their_text() -> None:
    for value in (DS("1.50"), IS("007"), IS(7)):
        for twin in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            assert (type(twin), twin, twin.text) == (type(value), value, value.text)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_decimal_uses_all_16_characters(number: float) -> None:
    text = DS(number).text
    assert len(text) <= 16
    assert float(text) == pytest.approx(number, rel=2e-9), "1.23456789e-300 has nine digits"
    assert DS(text).text == text


@given(st.text("0123456789.,+-eE_ \0\\naif\t", max_size=24))
def test_any_text_is_numbers_or_a_decode_error(text: str) -> None:
    for vr, kind in (("DS", DS), ("IS", IS)):
        element = Element(0x00280008, vr, text.encode())
        try:
            value = element.value
        except DecodeError:
            continue
        assert all(item is None or isinstance(item, kind) for item in (value if isinstance(value, list) else [value]))
        if vr == "DS":
            Element(0x00280008, vr, value)  # a value that was read may be set, except an IS beyond 32 bits


@pytest.mark.parametrize("vr", ["CS", "DA", "DS", "IS", "PN"])
def test_number_of_values_is_bounded(vr: str) -> None:
    value = Element(0x00280008, vr, b"\\" * 1_000_000).value
    assert isinstance(value, list)
    assert len(value) == 1_000_001
    too_many = Element(0x00280008, vr, b"\\" * MAX_VALUES)
    with pytest.raises(DecodeError, match=rf"^\(0028,0008\): {vr} has 1048577 values, more than 1048576"):
        too_many.value  # noqa: B018
