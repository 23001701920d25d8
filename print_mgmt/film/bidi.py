"""Text in both directions in one line: the Unicode Bidirectional Algorithm (UAX #9).

Pillow orders text only if it has raqm, and only within one font. So each character gets a level here: text of an even
level runs from left to right, text of an odd level from right to left. Comments name the rules of UAX #9. Marks of
direction (X1 to X8) are removed earlier, and the rule for pairs of brackets (N0) is not applied.

The library python-bidi does not replace this module: its algorithm in Rust does not mirror brackets, and its algorithm
in Python fails for characters that Python does not know yet.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import TypeVar

__all__ = ["base_level", "levels", "mirror_brackets", "visual_order"]

_T = TypeVar("_T")

_NEUTRAL = ("B", "S", "WS", "ON", "BN")
# Parts of the names of characters that are each other's mirror image, such as LESS-THAN SIGN and GREATER-THAN SIGN
_MIRRORED = {"LEFT": "RIGHT", "RIGHT": "LEFT", "LESS": "GREATER", "GREATER": "LESS"}
_SIDE = re.compile("|".join(_MIRRORED))


def base_level(text: str) -> int:
    """Return 1 if the first letter of a text runs from right to left, else 0 (P2, P3)."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    return int(next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L")


def levels(text: str) -> list[int]:
    """Return the level of each character."""
    base = base_level(text)
    start = "R" if base else "L"
    kinds = [unicodedata.bidirectional(character) or "L" for character in text]
    kinds = _resolve_neutral(_resolve_weak(kinds, start), start)
    resolved = [_level_of(kind, base) for kind in kinds]
    for index in range(len(text) - 1, -1, -1):  # L1
        if not text[index].isspace():
            break
        resolved[index] = base
    return resolved


def visual_order(parts: Sequence[_T], levels: Sequence[int]) -> list[_T]:
    """Return the parts of a line in their order from left to right; each part has one level (L2)."""
    ordered = list(zip(levels, parts, strict=True))
    for level in range(max(levels, default=0), 0, -1):
        ordered = _reverse_series(ordered, level)
    return [part for _, part in ordered]


def _reverse_series(ordered: list[tuple[int, _T]], lowest: int) -> list[tuple[int, _T]]:
    """Reverse each series of parts with levels of at least ``lowest``."""
    result: list[tuple[int, _T]] = []
    for is_inside, group in groupby(ordered, lambda part: part[0] >= lowest):
        parts = list(group)
        result += reversed(parts) if is_inside else parts
    return result


def mirror_brackets(text: str) -> str:
    """Return ``text`` with mirrored brackets and comparison signs, for text from right to left (L4)."""
    return "".join(map(_mirror, text))


def _mirror(character: str) -> str:
    """Return the mirror image of a character, found by its name; the character itself if it has none."""
    if not unicodedata.mirrored(character):
        return character
    name = _SIDE.sub(lambda side: _MIRRORED[side[0]], unicodedata.name(character))
    try:
        return unicodedata.lookup(name)
    except KeyError:
        return character


def _resolve_weak(kinds: list[str], start: str) -> list[str]:
    """Resolve numbers, and the signs between them (W1 to W7)."""
    before, strong = start, start
    resolved: list[str] = []
    for kind in kinds:
        if kind in ("NSM", "BN"):  # W1; a joiner is BN, and stays with its letter
            kind = before
        if kind in ("L", "R", "AL"):
            strong = kind
        if kind == "EN" and strong == "AL":  # W2
            kind = "AN"
        resolved.append(kind)
        before = kind
    for index in range(1, len(resolved) - 1):  # W4
        left, kind, right = resolved[index - 1 : index + 2]
        if left == right and (kind, left) in (("ES", "EN"), ("CS", "EN"), ("CS", "AN")):
            resolved[index] = left
    for index in [*range(1, len(resolved)), *range(len(resolved) - 2, -1, -1)]:  # W5
        beside = resolved[max(index - 1, 0) : index + 2]
        if resolved[index] == "ET" and "EN" in beside:
            resolved[index] = "EN"
    strong = start
    for index, kind in enumerate(resolved):
        if kind in ("ES", "ET", "CS"):  # W6
            resolved[index] = "ON"
        if kind in ("L", "R", "AL"):
            strong = "L" if kind == "L" else "R"
            resolved[index] = strong  # W3
        if kind == "EN" and strong == "L":  # W7
            resolved[index] = "L"
    return resolved


def _resolve_neutral(kinds: list[str], start: str) -> list[str]:
    """Give blanks and signs the direction of both sides if these agree, else the direction of the line (N1, N2)."""
    resolved: list[str] = []
    groups = [(neutral, list(group)) for neutral, group in groupby(kinds, lambda kind: kind in _NEUTRAL)]
    for index, (is_neutral, group) in enumerate(groups):
        if not is_neutral:
            resolved += group
            continue
        left = _side(groups[index - 1][1][-1]) if index else start
        right = _side(groups[index + 1][1][0]) if index + 1 < len(groups) else start
        resolved += [left if left == right else start] * len(group)
    return resolved


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"  # N1: numbers count as R


def _level_of(kind: str, base: int) -> int:
    """Return the level of a resolved character (I1, I2)."""
    if kind == "L":
        return 2 * base
    return 1 if kind == "R" else 2
