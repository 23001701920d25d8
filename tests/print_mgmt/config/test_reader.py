"""Values of TOML, read as the types of fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pytest

from print_mgmt.config import ConfigError
from print_mgmt.config.reader import read_table, read_value

Choice = Literal["auto", 8, 12]


@dataclass(frozen=True)
class Tray:
    """A class that finds two errors in its own values."""

    size: str
    medium: str
    sheets: int = 0

    def __post_init__(self) -> None:
        if self.sheets < 0:
            raise ConfigError("sheets", "must be at least 0", (ConfigError("size", "has no sheets"),))


def errors_of(table: object, key: str = "tray") -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read_table(Tray, table, key)
    return [str(error) for error in (raised.value, *raised.value.others)]


def test_missing_keys_are_among_the_errors_of_the_others() -> None:
    assert errors_of({"size": 3, "sheets": "no"}) == [
        "tray.size: 3 is not text",
        "tray.sheets: 'no' is not a whole number",
        "tray: missing keys: medium",
    ]


@pytest.mark.parametrize(("key", "prefix"), [("tray", "tray."), ("", "")])
def test_all_errors_of_a_class_are_kept(key: str, prefix: str) -> None:
    assert errors_of({"size": "A4", "medium": "PAPER", "sheets": -1}, key) == [
        f"{prefix}sheets: must be at least 0",
        f"{prefix}size: has no sheets",
    ]


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (str, "text", "text"),
        (float, 3, 3),
        (Choice, 12, 12),
        (Choice | None, "auto", "auto"),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[str, int], ["a", 1], ("a", 1)),
    ],
)
def test_value_is_read_as_its_type(kind: object, value: object, read: object) -> None:
    assert read_value(kind, value, "key") == read


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (str, 3, "3 is not text"),
        (str, "a\0b", r"'a\\x00b' has a NUL character"),
        (int, True, "True is not a whole number"),
        (float, "1", "'1' is not a number"),
        (bool, 1, "1 is not true or false"),
        (Choice, 9, "9 is not one of auto, 8, 12"),
        (Literal[1, 2], True, "True is not one of 1, 2"),
        (Literal[8, 16], 8.0, "8.0 is not one of 8, 16"),
        (float, 2**63, "9223372036854775808 does not fit in 64 bits"),
        (int, -(2**63) - 1, "-9223372036854775809 does not fit in 64 bits"),
    ],
)
def test_value_of_another_type_is_refused(kind: object, value: object, why: str) -> None:
    with pytest.raises(ConfigError, match=f"^key: {why}$"):
        read_value(kind, value, "key")


@pytest.mark.parametrize("name", ["one", "-1", "01", "9" * 5000])
def test_key_that_is_not_a_short_number_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="the key is not a whole number of at most 9 digits"):
        read_value(Mapping[int, str], {name: ""}, "key")
