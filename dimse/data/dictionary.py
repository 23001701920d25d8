"""The data dictionary: all elements of PS3.6, and the command elements of PS3.7 Annex E.

The table is ``part06.tsv``, which is generated, and read on first use. The functions also describe tags without a row
of their own: repeating elements, such as (60xx,3000) and (0020,31xx), group lengths, and private creators.
"""

from dataclasses import dataclass
from functools import cache

from ..errors import EncodeError
from ..packaged import packaged_text
from .tag import Tag

__all__ = [
    "Entry",
    "is_known",
    "keyword_of",
    "lookup",
    "plain_vrs",
    "sequence_tags",
    "tag_of",
    "tags_by_keyword",
    "vr_of",
    "vrs_of",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the dictionary. ``vr`` may be a choice, such as "US or SS"; ``vm`` may be a range, such as "1-n"."""

    tag: Tag
    vr: str
    vm: str
    keyword: str
    name: str
    retired: bool


_Row = list[str]  # tag, VR, VM, keyword, name, and "Y" if retired, otherwise ""

# The rows of private creators and group lengths, PS3.5 §7.8.1 and §7.2
_PRIVATE_CREATOR = ["", "LO", "1", "", "Private Creator", ""]
_GROUP_LENGTH = ["", "UL", "1", "", "Group Length", "Y"]

# The choices of VR that do not depend on the Data Set, PS3.5 §A.1 and §A.2
_CHOSEN = {"OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW"}


@dataclass(frozen=True, slots=True)
class _Table:
    rows: dict[int, _Row]
    repeating: dict[int, dict[int, _Row]]  # by mask (F: fixed digit, 0: x), then by tag with 0 for each x
    tags: dict[str, Tag]


@cache
def _table() -> _Table:
    table = _Table({}, {}, {})
    for line in packaged_text("dimse.data", "part06.tsv").splitlines():
        row = line.split("\t")
        digits = row[0]
        tag = int(digits.replace("x", "0"), 16)
        if "x" in digits:
            mask = int("".join("0" if digit == "x" else "F" for digit in digits), 16)
            table.repeating.setdefault(mask, {})[tag] = row
        else:
            table.rows[tag] = row
        table.tags[row[3]] = Tag(tag)
    return table


def _find_row(tag: int) -> _Row | None:
    table = _table()
    row = table.rows.get(tag)
    if row is not None:
        return row
    if tag & 0xFFFF == 0:
        return _GROUP_LENGTH
    if tag >> 16 & 1:
        return _PRIVATE_CREATOR if 0x10 <= tag & 0xFFFF <= 0xFF else None
    for mask, rows in table.repeating.items():
        if tag & mask in rows:
            return rows[tag & mask]
    return None


def is_known(tag: int) -> bool:
    """Return whether the dictionary describes ``tag``."""
    return _find_row(tag) is not None


def lookup(tag: int) -> Entry | None:
    """Return the row that describes ``tag``; None if the tag is not in the dictionary."""
    row = _find_row(tag)
    return None if row is None else Entry(Tag(tag), row[1], row[2], row[3], row[4], row[5] == "Y")


def keyword_of(tag: int) -> str:
    """Return the keyword of ``tag``; "" if the dictionary has none."""
    row = _find_row(tag)
    return "" if row is None else row[3]


@cache
def tags_by_keyword() -> dict[str, Tag]:
    """Return the tags of all keywords; for a repeating element, its first tag. The dict must not be changed."""
    return _table().tags


def tag_of(keyword: str) -> Tag:
    """Return the tag of a keyword; for a repeating element, its first tag.

    Raises EncodeError for a word that is not a keyword, with similar keywords in the message.
    """
    tags = tags_by_keyword()
    tag = tags.get(keyword)
    if tag is not None:
        return tag
    from difflib import get_close_matches

    similar = get_close_matches(keyword, tags, n=3)
    hint = f": did you mean {' or '.join(similar)}?" if similar else ""
    raise EncodeError(f"{keyword!r} is not a DICOM keyword{hint}")


def vrs_of(tag: int) -> str:
    """Return the VRs of ``tag`` in the words of PS3.6, such as "OB or OW"; "" if the tag is unknown."""
    row = _table().rows.get(tag) or _find_row(tag)
    return "" if row is None else row[1]


def vr_of(tag: int) -> str:
    """Return the VR of ``tag`` in implicit VR: two letters, or "US or SS".

    It is "NONE" for items and delimiters, and "UN" for an unknown tag.
    """
    row = _table().rows.get(tag) or _find_row(tag)
    return "UN" if row is None else _CHOSEN.get(row[1], row[1])


@cache
def plain_vrs() -> dict[int, str]:
    """Return the VR of each element for which PS3.6 gives only one VR, by tag, for the parser's fast loop.

    Sequences, choices of VRs and repeating elements are left out, and so is (0000,0000), which may be padding. The dict
    must not be changed.
    """
    return {tag: row[1] for tag, row in _table().rows.items() if len(row[1]) == 2 and row[1] != "SQ" and tag}


@cache
def sequence_tags() -> frozenset[int]:
    """Return the tags of all sequences, including those in repeating groups."""
    table = _table()
    repeating = (tag for rows in table.repeating.values() for tag, row in rows.items() if row[1] == "SQ")
    tags = (tag | group << 16 for tag in repeating for group in range(0, 0x100, 2))
    return frozenset(tag for tag, row in table.rows.items() if row[1] == "SQ").union(tags)
