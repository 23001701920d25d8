"""PS3.5 Table 6.2-1: values that a program may set, and the errors of others."""

from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimse.data import Dataset, Element, Tag, Value
from dimse.data.check import check_value
from dimse.data.values import decode_value, encode_value
from dimse.data.vr import VRS
from dimse.errors import EncodeError


@pytest.mark.parametrize(
    ("vr", "value", "stored"),
    [
        ("CS", "A\\B", ["A", "B"]),
        ("CS", ["A"], "A"),
        ("CS", [], None),
        ("CS", "", None),
        ("CS", ["A", None], ["A", ""]),
        ("LO", " Doe ", "Doe"),
        ("LT", " Doe ", " Doe"),
        ("IS", "12", 12),
        ("IS", ["1", None, 2], [1, None, 2]),
        ("IS", "1\\2", [1, 2]),
        ("IS", "", None),
        ("DS", "1.50", 1.5),
        ("DS", None, None),
        ("DS", [1, "2"], [1.0, 2.0]),
        ("DS", Decimal("0.1"), 0.1),
        ("DS", 1 / 3, 0.33333333333333),  # to 16 characters
        ("DS", "0.3333333333333333333", 0.33333333333333),
        ("US", (1, 2), [1, 2]),
        ("US", range(3), [0, 1, 2]),
        ("US", True, 1),
        ("FL", 0.1, 0.10000000149011612),  # to 32 bits
        ("AT", 0x00280010, Tag(0x00280010)),
        ("US", np.uint16(5), 5),
        ("DS", np.float32(0.5), 0.5),
        ("US", np.array([1, 2], np.uint16), [1, 2]),
    ],
)
def test_set_value_equals_the_value_read_back(vr: str, value: object, stored: Value) -> None:
    kept = check_value(vr, value)
    assert kept == stored
    raw = encode_value(vr, kept)
    assert decode_value(vr, memoryview(raw)) == stored


@pytest.mark.parametrize(
    ("vr", "value", "message"),
    [
        ("US", 65536, "US cannot hold 65536: 65536 is not in the range 0 to 65535"),
        ("US", [1, -1], r"US cannot hold \[1, -1\]: -1 is not in the range 0 to 65535"),
        ("US", 1.5, "US cannot hold 1.5: type float, not an integer"),
        ("US", "4", "US cannot hold '4': type str, not an integer"),
        ("FL", "x", "FL cannot hold 'x': type str, not a number"),
        ("FL", 1e300, r"FL cannot hold 1e\+300: it is too large"),
        ("FD", 10**400, "it is too large"),
        ("FD", np.array([1.5, 2j]), "type complex128, not a number"),
        ("FL", [0.5, np.complex64(1 + 2j)], "type complex64, not a number"),
        ("FL", [np.zeros(2)], "type ndarray, not a number"),
        ("SV", 1 << 63, "9223372036854775808 is not in the range -9223372036854775808 to 9223372036854775807"),
        ("AT", "x", "AT cannot hold 'x': type str, not an integer"),
        ("AT", 1 << 33, "8589934592 is not in the range 0 to 4294967295"),
        ("CS", "lower", r"CS cannot hold 'lower': only A-Z, 0-9, space and underscore are allowed"),
        ("CS", "A" * 17, r"CS cannot hold .*: 17 characters, at most 16 are allowed"),
        ("LO", "a\nb", "LO cannot hold"),
        ("LO", "ä" * 65, "65 characters, at most 64 are allowed"),
        ("PN", "a" * 64 + "=" + "b" * 65, "65 characters in a component group, at most 64 are allowed"),
        ("UI", "1.2.x", "UI cannot hold"),
        ("UR", "a\\b", "UR cannot hold"),
        *((vr, ["a", "b"], "it can have only one value, not 2") for vr in ("LT", "ST", "UT", "UR")),
        ("AS", "45Y", "AS cannot hold"),
        ("DA", "today", "DA cannot hold"),
        ("LO", 5, "LO cannot hold 5: type int, not text"),
        ("IS", 2**31, "it is not an integer of 32 bits"),
        ("IS", "9" * 30, "it is not an integer of 32 bits"),
        ("IS", 1.5, "type float, not an integer"),
        ("IS", "x", "IS cannot hold 'x': it is not an integer of 32 bits"),
        ("DS", float("inf"), "it is not finite"),
        ("DS", 1.7976931348623157e308, "it is not finite"),  # when rounded to 16 characters
        ("DS", "x", "DS cannot hold 'x': it is not a finite decimal number"),
        ("DS", object(), "type object, not a number"),
        ("DS", np.complex64(1 + 2j), r"DS cannot hold .*\(1\+2j\): type complex64, not a number"),
        ("OB", "text", "OB cannot hold 'text': type str, not bytes"),
        ("SQ", b"abcd", "SQ cannot hold b'abcd': the value of a sequence must be a list of Dataset"),
        ("US", np.zeros((2, 2), "<u2").data, "US cannot hold <memory at .*: multi-dimensional"),
        ("OW", b"\x01", "OW cannot hold .*: the length must be a multiple of 2 bytes, not 1"),
        ("LO", "x" * 100, r"LO cannot hold 'x{65}\.\.\.: 100 characters"),
    ],
)
def test_wrong_value_is_an_encode_error(vr: str, value: object, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        check_value(vr, value)


KINDS: st.SearchStrategy[object] = st.one_of(
    st.one_of(st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=9), st.decimals(), st.fractions()),
    st.one_of(st.dates(), st.datetimes(), st.times(), st.timedeltas(), st.uuids(), st.complex_numbers()),
    st.sampled_from((None, True, 1, 10**5000, 1.5, float("nan"), 1j, "a", "1\\2", "\ud800", "\x1b", ..., type)),
    st.sampled_from((b"", b"abc", bytearray(b"abcd"), memoryview(b"abcd")[::2], np.zeros((2, 2), ">u2"))),
    st.builds(lambda: np.zeros((2, 2), ">u2").data),
    st.sampled_from((np.uint8(1), np.float64("nan"), np.array("a"), np.zeros((2, 2)), np.array([object()]))),
    st.sampled_from(({}, {"a": 1}, {1}, range(3), [[]], [[1]], [b"a"], [None], Dataset(), [Dataset(Rows=1)])),
    st.sampled_from((Decimal("sNaN"), Decimal("1e999999"), Fraction(1, 3), date.min, datetime.max, time.max)),
)


@pytest.mark.parametrize("vr", [*VRS, "ZZ"])
@given(value=KINDS)
@settings(max_examples=20)
def test_any_value_is_taken_or_is_an_encode_error(vr: str, value: object) -> None:
    for check in (check_value, partial(Element, 0x00283002)):  # a LUT Descriptor
        with suppress(EncodeError):
            check(vr, value)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, b"0"),
        (-0.5, b"-0.5"),
        (512.0, b"512"),
        (1e22, b"1e+22"),
        (0.1 + 0.2, b"0.3"),
        (-1 / 3, b"-0.3333333333333"),
        (1.2345678901234567e-300, b"1.23456789e-300"),
        (123456789012345678.0, b"1.23456789012e17"),
    ],
)
def test_decimal_strings_have_at_most_16_characters(number: float, text: bytes) -> None:
    assert encode_value("DS", check_value("DS", number)) == text


def test_arrays_are_not_copied() -> None:
    pixels = np.arange(6, dtype="<u2").reshape(2, 3)
    stored = check_value("OW", pixels)
    assert isinstance(stored, memoryview)
    pixels[0, 0] = 0xFFFF
    assert bytes(stored[:4]) == b"\xff\xff\x01\x00"
    assert encode_value("OW", stored) is stored
