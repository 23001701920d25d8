"""PS3.5 Table 6.2-1: values that a program may set, and the errors of others."""

from decimal import Decimal

import numpy as np
import pytest

from dimse.data import Tag, Value
from dimse.data.check import check_value
from dimse.data.values import decode_value, encode_value
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
        ("OB", "text", "OB cannot hold 'text': type str, not bytes"),
        ("OW", b"\x01", "OW cannot hold .*: the length must be a multiple of 2 bytes, not 1"),
        ("LO", "x" * 100, r"LO cannot hold 'x{65}\.\.\.: 100 characters"),
    ],
)
def test_wrong_value_is_an_encode_error(vr: str, value: object, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        check_value(vr, value)


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
