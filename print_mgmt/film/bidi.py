"""The order in which text of both directions is written: the Unicode Bidirectional Algorithm (UAX #9) for one line.

Pillow orders text only where it has raqm, and only within one font. So levels are found here: an even level is
written from the left, an odd one from the right. The rules have their names in UAX #9. Marks that ask for a direction
(X1 to X8) are removed before, and the rule for pairs of brackets (N0) is left out.
"""

import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import TypeVar

__all__ = ["base_level", "levels", "mirrored", "visual"]

_T = TypeVar("_T")

_NEUTRAL = ("B", "S", "WS", "ON", "BN")
_MIRRORED = str.maketrans("()[]{}<>\xab\xbb\u2039\u203a", ")(][}{><\xbb\xab\u203a\u2039")


def base_level(text: str) -> int:
    """Return 1 for a text whose first letter is written from the right, else 0 (P2, P3)."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    return int(next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L")


def levels(text: str) -> list[int]:
    """Return the level of each character."""
    base = base_level(text)
    start = "R" if base else "L"
    kinds = _neutral(_weak([unicodedata.bidirectional(character) or "L" for character in text], start), start)
    found = [_level(kind, base) for kind in kinds]
    for index in range(len(text) - 1, -1, -1):  # L1
        if not text[index].isspace():
            break
        found[index] = base
    return found


def visual(parts: Sequence[_T], levels: Sequence[int]) -> list[_T]:
    """Return parts of a line as they are written from left to right; each is of one level (L2)."""
    ordered = list(zip(levels, parts, strict=True))
    for level in range(max(levels, default=0), 0, -1):
        ordered = _turned(ordered, level)
    return [part for _, part in ordered]


def _turned(ordered: list[tuple[int, _T]], lowest: int) -> list[tuple[int, _T]]:
    """Turn around each series of parts whose levels are ``lowest`` at least."""
    turned: list[tuple[int, _T]] = []
    for is_inside, group in groupby(ordered, lambda part: part[0] >= lowest):
        parts = list(group)
        turned += reversed(parts) if is_inside else parts
    return turned


def mirrored(text: str) -> str:
    """Return ``text`` with brackets turned, as they are written from the right (L4)."""
    return text.translate(_MIRRORED)


def _weak(kinds: list[str], start: str) -> list[str]:
    """Numbers and what stands between them: W1 to W7."""
    before, strong = start, start
    found: list[str] = []
    for kind in kinds:
        if kind in ("NSM", "BN"):  # W1; joiners are BN, and stay with their letter
            kind = before
        if kind in ("L", "R", "AL"):
            strong = kind
        if kind == "EN" and strong == "AL":  # W2
            kind = "AN"
        found.append(kind)
        before = kind
    for index in range(1, len(found) - 1):  # W4
        left, kind, right = found[index - 1 : index + 2]
        if left == right and (kind, left) in (("ES", "EN"), ("CS", "EN"), ("CS", "AN")):
            found[index] = left
    for index in [*range(1, len(found)), *range(len(found) - 2, -1, -1)]:  # W5
        beside = found[max(index - 1, 0) : index + 2]
        if found[index] == "ET" and "EN" in beside:
            found[index] = "EN"
    strong = start
    for index, kind in enumerate(found):
        if kind in ("ES", "ET", "CS"):  # W6
            found[index] = "ON"
        if kind in ("L", "R", "AL"):
            strong = "L" if kind == "L" else "R"
            found[index] = strong  # W3
        if kind == "EN" and strong == "L":  # W7
            found[index] = "L"
    return found


def _neutral(kinds: list[str], start: str) -> list[str]:
    """Blanks and signs: as what stands on both sides of them, else as the line (N1, N2)."""
    found: list[str] = []
    groups = [(neutral, list(group)) for neutral, group in groupby(kinds, lambda kind: kind in _NEUTRAL)]
    for index, (is_neutral, group) in enumerate(groups):
        if not is_neutral:
            found += group
            continue
        left = _side(groups[index - 1][1][-1]) if index else start
        right = _side(groups[index + 1][1][0]) if index + 1 < len(groups) else start
        found += [left if left == right else start] * len(group)
    return found


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"  # N1: numbers count as R


def _level(kind: str, base: int) -> int:
    """I1, I2."""
    if kind == "L":
        return 2 * base
    return 1 if kind == "R" else 2
