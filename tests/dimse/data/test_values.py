"""PS3.5 §6.2 and §6.4: one value's bytes to Python and back."""

import array
import re

import numpy as np
import pytest

from dimse.data import Tag, Value
from dimse.data.check import check_value
from dimse.data.values import decode_value, encode_value, swap_words
from dimse.errors import DecodeError, EncodeError

# VR, little endian bytes, big endian bytes, value
BOTH_WAYS: list[tuple[str, bytes, bytes, Value]] = [
    ("AE", b"PRINTSCP", b"PRINTSCP", "PRINTSCP"),
    ("AS", b"045Y", b"045Y", "045Y"),
    ("AT", b"\x28\x00\x10\x00", b"\x00\x28\x00\x10", Tag(0x00280010)),
    ("AT", b"\x28\x00\x10\x00\xe0\x7f\x10\x00", b"\0\x28\0\x10\x7f\xe0\0\x10", [Tag(0x00280010), Tag(0x7FE00010)]),
    ("CS", b"PORTRAIT", b"PORTRAIT", "PORTRAIT"),
    ("CS", b"ORIGINAL\\PRIMARY\\\\AXIAL", b"ORIGINAL\\PRIMARY\\\\AXIAL", ["ORIGINAL", "PRIMARY", "", "AXIAL"]),
    ("DA", b"20240229", b"20240229", "20240229"),
    ("DS", b"-1.5", b"-1.5", -1.5),
    ("DS", b"40\\\\400", b"40\\\\400", [40.0, None, 400.0]),
    ("DT", b"20240229120000.5+0100", b"20240229120000.5+0100", "20240229120000.5+0100"),
    ("FL", b"\x00\x00\xc0\x3f", b"\x3f\xc0\x00\x00", 1.5),
    ("FD", b"\0\0\0\0\0\0\xf8\x3f", b"\x3f\xf8\0\0\0\0\0\0", 1.5),
    ("IS", b"-12", b"-12", -12),
    ("IS", b"1\\2", b"1\\2", [1, 2]),
    ("LO", b"A\\B", b"A\\B", ["A", "B"]),
    ("LT", b" A\\B\r\n", b" A\\B\r\n", " A\\B\r\n"),
    ("OB", b"\x01\x02", b"\x01\x02", b"\x01\x02"),
    ("OW", b"\x01\x02", b"\x02\x01", b"\x01\x02"),
    ("OL", b"\x01\x02\x03\x04", b"\x04\x03\x02\x01", b"\x01\x02\x03\x04"),
    ("OF", b"\x01\x02\x03\x04", b"\x04\x03\x02\x01", b"\x01\x02\x03\x04"),
    ("OD", bytes(range(8)), bytes(range(7, -1, -1)), bytes(range(8))),
    ("OV", bytes(range(8)), bytes(range(7, -1, -1)), bytes(range(8))),
    ("PN", b"Doe^Jane", b"Doe^Jane", "Doe^Jane"),
    ("SH", b"x", b"x", "x"),
    ("SL", b"\xfe\xff\xff\xff", b"\xff\xff\xff\xfe", -2),
    ("SS", b"\xfe\xff", b"\xff\xfe", -2),
    ("ST", b"STANDARD\\2,3", b"STANDARD\\2,3", "STANDARD\\2,3"),
    ("SV", b"\xfe" + b"\xff" * 7, b"\xff" * 7 + b"\xfe", -2),
    ("TM", b"235959.123456", b"235959.123456", "235959.123456"),
    ("UC", b" A\\B", b" A\\B", [" A", "B"]),
    ("UI", b"1.2.3", b"1.2.3", "1.2.3"),
    ("UL", b"\x01\0\0\0", b"\0\0\0\x01", 1),
    ("UN", b"\x01\x02", b"\x01\x02", b"\x01\x02"),
    ("UR", b"http://a/b", b"http://a/b", "http://a/b"),
    ("US", b"\x01\x02", b"\x02\x01", 0x0201),
    ("US", b"\x01\0\x02\0", b"\0\x01\0\x02", [1, 2]),
    ("UT", b"a\\b", b"a\\b", "a\\b"),
    ("UV", b"\x01" + bytes(7), bytes(7) + b"\x01", 1),
]


@pytest.mark.parametrize(("vr", "little", "big", "value"), BOTH_WAYS, ids=[row[0] for row in BOTH_WAYS])
def test_values_are_read_and_written_in_both_byte_orders(vr: str, little: bytes, big: bytes, value: Value) -> None:
    assert decode_value(vr, memoryview(little)) == value
    assert decode_value(vr, memoryview(big), True) == value
    assert check_value(vr, value) == value
    assert encode_value(vr, value) == little
    assert encode_value(vr, value, big_endian=True) == big


@pytest.mark.parametrize("vr", sorted({row[0] for row in BOTH_WAYS}))
def test_empty_bytes_are_read_as_none(vr: str) -> None:
    for big_endian in (False, True):
        assert decode_value(vr, memoryview(b""), big_endian) is None
    assert check_value(vr, None) is None
    assert encode_value(vr, None) == b""


@pytest.mark.parametrize(
    ("vr", "raw", "value"),
    [
        ("CS", b" PORTRAIT \0", "PORTRAIT"),
        ("LO", b"  ", None),
        ("LT", b"  a  ", "  a"),
        ("PN", b" Doe ", " Doe"),
        ("UI", b"1.2.3 ", "1.2.3"),  # some devices pad with a space
        ("UI", b"1.2\0\\1.3\0", ["1.2", "1.3"]),
        ("CS", b"A \\ B", ["A", "B"]),
        ("IS", b" 12 ", 12),
        ("IS", b"12\0", 12),
        ("IS", b"1.0", 1),
        ("IS", b"  ", None),
        ("DS", b"1,5", 1.5),
        ("DS", b" 1.50 \0", 1.5),
        ("DS", b"\0", None),
        ("DS", b"123456789.123456789", 123456789.12345679),  # over 16 characters
        ("ZZ", b"\x01", b"\x01"),  # a future VR
    ],
)
def test_lenient_forms_are_read(vr: str, raw: bytes, value: Value) -> None:
    assert decode_value(vr, memoryview(raw)) == value


@pytest.mark.parametrize(
    ("vr", "raw", "message"),
    [
        ("US", b"\x01\x02\x03", "US needs a multiple of 2 bytes, got 3"),
        ("AT", b"\x01\x02", "AT needs a multiple of 4 bytes, got 2"),
        ("IS", b"1_0", "IS needs an integer of at most 20 characters, got '1_0'"),
        ("IS", b"9" * 5000, "IS needs an integer of at most 20 characters, got '9999"),
        ("IS", b"1.5", "IS needs an integer of at most 20 characters, got '1.5'"),
        ("IS", b"x", "IS needs an integer of at most 20 characters, got 'x'"),
        ("DS", b"1e999", "DS needs a finite decimal number, got '1e999'"),
        ("DS", b"nan", "DS needs a finite decimal number"),
        ("DS", b"1_0", "DS needs a finite decimal number"),
        ("DS", b"1\\1e999", "DS needs a finite decimal number, got '1e999'"),
        ("DS", b"1\\x", "DS needs a finite decimal number, got 'x'"),
    ],
)
def test_wrong_bytes_are_a_decode_error(vr: str, raw: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=re.escape(message)):
        decode_value(vr, memoryview(raw))


def test_incomplete_words_cannot_be_swapped() -> None:
    with pytest.raises(DecodeError, match=r"^OW"):
        decode_value("OW", memoryview(b"\x01\x02\x03"), True)
    assert swap_words(b"\x01\x02\x03\x04", 2) == b"\x02\x01\x04\x03"


def test_arrays_are_written_little_endian_and_in_rows() -> None:
    big = np.arange(3, dtype=">u2")
    assert check_value("OW", big) == b"\x00\x00\x01\x00\x02\x00"
    columns = np.arange(4, dtype="<u2").reshape(2, 2).T
    assert check_value("OW", columns) == b"\x00\x00\x02\x00\x01\x00\x03\x00"
    assert check_value("OW", array.array("H", [1])) == np.array([1], "<u2").tobytes()
    assert check_value("OB", np.zeros((0, 3), np.uint8)) is None


def test_text_beyond_the_character_set_is_an_encode_error() -> None:
    with pytest.raises(EncodeError, match="'é'"):
        encode_value("LO", "é")
    with pytest.raises(EncodeError, match="'é'"):
        encode_value("UR", "é")


@pytest.mark.parametrize("vr", ["DS", "IS"])
def test_cached_numbers_are_right(vr: str) -> None:
    for number in (*range(10_000), 1, 2, 9_999):
        assert decode_value(vr, b"%d" % number) == number
        assert decode_value(vr, b"%d\\7" % number) == [number, 7]


def test_list_of_numbers_is_not_shared() -> None:
    first, second = (decode_value("DS", b"1.5\\2.5") for _ in range(2))
    assert isinstance(first, list)
    first.append(3.5)
    assert second == decode_value("DS", b"1.5\\2.5") == [1.5, 2.5]
