"""The values that an attribute may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import Value
from print_mgmt.attributes import shown
from print_mgmt.attributes.values import terms


@pytest.mark.parametrize(
    ("allowed", "value", "taken"),
    [
        (("BIN_i",), "BIN_1", True),
        (("BIN_i",), "BIN_12", True),
        (("BIN_i",), "BIN_0", False),
        (("BIN_i",), "BIN_01", False),
        (("BIN_i",), "BIN_i", False),
        (("i",), "0", True),
        (("i",), "150", True),
        (("i",), "1000", True),
        (("i",), "1001", False),
        (("i",), "015", False),
        (("i",), "-1", False),
        (("i",), "\u0661", False),
        (("BLACK",), "BLACK", True),
        (("BLACK",), "black", False),
        (("BLACK",), 3, False),
    ],
)
def test_numbered_terms_take_numbers(allowed: tuple[str, ...], value: str | int, taken: bool) -> None:
    """PS3.3 C.13.1: BIN_i counts from 1, without leading zeros; C.13.3: densities in hundredths of OD."""
    assert terms(*allowed).allows(value) is taken


@given(st.text() | st.binary() | st.integers())
def test_shown_value_is_short_and_harmless(value: str | bytes | int) -> None:
    words = shown(value)
    assert len(words) <= 40
    assert words.isascii()
    assert words.isprintable()


def test_comment_on_any_value_is_short() -> None:
    values: list[Value] = ["x" * (1 << 22), [1.0] * 100_000, bytes(1 << 22), memoryview(bytes(1 << 22)), 10**5000]
    assert max(len(shown(value)) for value in values) <= 40
