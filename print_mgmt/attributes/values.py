"""The values that an attribute may have: a predicate, and a description for errors and conformance statements.

Terms are written as in the standard, where ``i`` stands for a number: ``BIN_i`` stands for BIN_1, BIN_2 and so on, and
``i`` alone for a density in hundredths of OD.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from dimse.data import Dataset, Value
from dimse.errors import cut
from dimse.uids import is_valid_uid

from ..film.icc import is_profile_of, without_padding

__all__ = [
    "Values",
    "character_sets",
    "display_format",
    "icc_profile",
    "is_like_uid",
    "items",
    "like_uid",
    "any_value",
    "number",
    "one_item",
    "shown",
    "terms",
    "text",
    "uid",
    "whole",
]

_MAX_SHOWN = 40  # characters of a value in an error
_TOLERANCE = 16  # a text may be this many times as long as the standard allows, because many peers send too much
_MAX_PROFILE = 16 << 20  # bytes; profiles of real devices have a few MiB, and the spool stores a profile as text
_MAX_DENSITY = 1000  # hundredths of OD; every film is less dense


@dataclass(frozen=True, slots=True)
class Values:
    """A set of values: ``allows`` returns whether a value is in the set, ``words`` describes the set.

    ``is_sequence``: the values are sequences.
    """

    allows: Callable[[Value], bool]
    words: str
    is_sequence: bool = False


def terms(*allowed: str) -> Values:
    """Return the set of these terms, in which ``i`` stands for a number."""
    exact = frozenset(term for term in allowed if not _is_numbered(term))
    numbered = tuple(_pattern(term) for term in allowed if _is_numbered(term))

    def allows(value: Value) -> bool:
        if not isinstance(value, str):
            return False
        return value in exact or any(pattern.fullmatch(value) for pattern in numbered)

    return Values(allows, ", ".join(allowed))


def _is_numbered(term: str) -> bool:
    return term == "i" or term.endswith(("_i", "\\i"))


def _pattern(term: str) -> re.Pattern[str]:
    digits = rf"(?:0|[1-9]\d{{0,2}}|{_MAX_DENSITY})" if term == "i" else r"[1-9]\d{0,8}"
    return re.compile(re.escape(term[:-1]) + digits, re.ASCII)


def text(longest: int) -> Values:
    """Return the set of texts. ``longest`` is the length that the standard allows; 16 times as much is accepted."""
    limit = _TOLERANCE * longest
    return Values(lambda value: isinstance(value, str) and len(value) <= limit, f"text of up to {longest} characters")


def whole(lowest: int, highest: int, unit: str = "") -> Values:
    """Return the set of whole numbers from ``lowest`` to ``highest``."""
    words = (f"{lowest} to {highest}" if lowest < highest else f"{lowest}") + (f" {unit}" if unit else "")
    return Values(lambda value: isinstance(value, int) and lowest <= value <= highest, words)


def number(above: float, below: float, unit: str) -> Values:
    """Return the set of numbers greater than ``above`` and less than ``below``."""
    words = f"between {above:g} and {below:g} {unit}"
    return Values(lambda value: isinstance(value, int | float) and above < value < below, words)


_FORMATS = re.compile(
    r"\s*(?:STANDARD\s*\\\s*\d+\s*,\s*\d+|(?:ROW|COL)\s*\\\s*\d+(?:\s*,\s*\d+)*|(?:SUPER)?SLIDE|CUSTOM\s*\\\s*\d+)\s*",
    re.ASCII,
)


def _is_display_format(value: Value) -> bool:
    return isinstance(value, str) and _FORMATS.fullmatch(value) is not None


display_format = Values(_is_display_format, r"STANDARD\C,R, ROW\R1,R2.., COL\C1,C2.., SLIDE, SUPERSLIDE, CUSTOM\i")


def any_value(words: str) -> Values:
    """Return the set of all values, for an attribute whose values another function checks."""
    return Values(lambda _: True, words)


def _are_terms(value: Value) -> bool:
    terms = value if isinstance(value, list) else [value]
    return all(term is None or isinstance(term, str) for term in terms)


character_sets = Values(_are_terms, "Defined Terms of PS3.3 C.12.1.1.2")
uid = Values(lambda value: isinstance(value, str) and is_valid_uid(value), "a UID")

_MAX_UID = 128  # characters that are accepted; the standard allows 64
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)


def is_like_uid(value: str) -> bool:
    """Return whether ``value`` is a UID by a tolerant rule.

    It may have leading zeros in its components, and up to 128 characters, because some SCUs send such UIDs.
    """
    return len(value) <= _MAX_UID and _NUMBERS.fullmatch(value) is not None


like_uid = Values(lambda value: isinstance(value, str) and is_like_uid(value), "a UID")


def _is_rgb_profile(value: Value) -> bool:
    if not isinstance(value, bytes | memoryview) or len(value) > _MAX_PROFILE:
        return False
    return is_profile_of(b"RGB ", without_padding(bytes(value)))


icc_profile = Values(_is_rgb_profile, f"an ICC profile of RGB (PS3.3 C.11.15), at most {_MAX_PROFILE >> 20} MiB")


def items(lowest: int, highest: int) -> Values:
    """Return the set of sequences with ``lowest`` to ``highest`` items."""
    one = "1 item" if lowest else "1 item or none"
    words = one if highest == 1 else f"{lowest} to {highest} items"

    def allows(value: Value) -> bool:
        return isinstance(value, list) and lowest <= len(value) <= highest and {*map(type, value)} <= {Dataset}

    return Values(allows, words, is_sequence=True)


one_item = items(1, 1)


def shown(value: Value) -> str:
    """Return a value from the wire for an error or a log: short, and harmless to a terminal."""
    if isinstance(value, list) and any(isinstance(item, Dataset) for item in value):
        return f"has {len(value)} item{'s' if len(value) > 1 else ''}"
    head = value[: _MAX_SHOWN + 1] if isinstance(value, str | bytes | list) else value
    if isinstance(head, memoryview):
        head = f"{len(head)} bytes"
    try:
        written = ascii(head).replace("\\\\", "\\")  # backslashes are common in values
    except ValueError:  # an int with more digits than Python converts to text
        written = f"<{type(value).__name__}>"
    return cut(written, _MAX_SHOWN)
