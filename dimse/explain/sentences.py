"""A sentence about each field of a recording, and the table of the standard that defines the field."""

from collections.abc import Iterable
from functools import cache
from typing import Protocol

from ..data.dictionary import lookup
from ..data.vr import VRS
from ..packaged import packaged_text
from .elements import Field

__all__ = ["Glossary", "sentence_of", "table_of"]

_ITEM_TAG, _DELIMITERS = 0xFFFEE000, 0xFFFE


@cache
def _sentences() -> dict[str, str]:
    rows = (line.split("\t") for line in packaged_text("dimse.explain", "sentences.tsv").splitlines())
    return {row[0]: row[1] for row in rows}


def sentence_of(field: Field) -> str:
    """Return the purpose of a field in one sentence, or "" if none is known."""
    known = _sentences()
    if field.tag == _ITEM_TAG:
        return known["Item (FFFE,E000)"]
    if field.name in known:
        return known[field.name]
    entry = None if field.tag is None else lookup(field.tag)
    if entry is None:
        return ""
    vr = VRS.get(field.vr)
    kind = f", of VR {vr.name}, {vr.title}" if vr is not None else ""
    return f"{entry.name}: an attribute of the Data Set{kind}."


def table_of(field: Field) -> str:
    """Return the table or the section of the standard that defines a field."""
    if field.table or field.tag is None:
        return field.table
    if field.tag >> 16 == _DELIMITERS:
        return "PS3.5 Table 7.5-1"
    return "PS3.6 Table 6-1" if field.tag >> 16 & 1 == 0 else "PS3.5 §7.8"


class _Sentences(Protocol):
    def sentence(self, tag: int) -> tuple[str, str]: ...


class Glossary:
    """The sentences of a page, each once. ``views`` know the sentences for attributes of their services."""

    def __init__(self, views: Iterable[_Sentences] = ()) -> None:
        self._views = tuple(views)
        self._numbers: dict[tuple[str, str], int] = {}
        self._known: dict[tuple[str, str, int | None, str, str], int] = {}  # by the properties of a field

    def number(self, field: Field) -> int:
        """Return the index in ``entries`` of the sentence and the table of a field."""
        key = (field.category, field.name, field.tag, field.vr, field.table)
        number = self._known.get(key)  # most fields of a page occur many times: saves 3 ms of 90
        if number is None:
            number = self._known[key] = self._number(field)
        return number

    def _number(self, field: Field) -> int:
        of_view = ("", "")
        if field.tag is not None and field.category == "element":
            of_view = next(filter(any, (view.sentence(field.tag) for view in self._views)), of_view)
        key = of_view if any(of_view) else (sentence_of(field), table_of(field))
        return self._numbers.setdefault(key, len(self._numbers))

    @property
    def entries(self) -> list[tuple[str, str]]:
        """The sentences and their tables in the order of their numbers."""
        return list(self._numbers)
