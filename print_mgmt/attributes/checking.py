"""A Data Set held against a table of attributes: PS3.4 H.2.4.

====================================  =========================  =============================
what came                             tolerant                   strict
====================================  =========================  =============================
M/M missing; without a value          0120; 0121                 the same
M/M with a value that is not taken    0106                       the same
M/M of another kind than its VR       0212                       the same
U   with a value that is not taken    0116 and the default       0106
U/U that this printer has not         0107 and passed over       0105
what the SOP Class has not            0107 and passed over       0105
====================================  =========================  =============================

Even a tolerant printer refuses (0106) what a film with the default would be waste for, such as a film size. What has
nothing to do with printing it passes over in silence: modalities send patients' data and private elements along, and
some of them stop at a warning (Agfa).
"""

from dataclasses import dataclass, field

from dimse.data import Dataset, Tag, Value, tag_of
from dimse.errors import DimseError, ServiceError

from ..status import (
    ATTRIBUTE_LIST,
    INVALID_VALUE,
    MISSING_ATTRIBUTE,
    MISSING_VALUE,
    MISTYPED_ARGUMENT,
    NO_SUCH_ATTRIBUTE,
    OUT_OF_RANGE,
    meaning,
)
from .tables import Attribute, Table
from .values import shown

__all__ = ["Checked", "Refusal", "check", "refuse"]

_PRINT_GROUPS = range(0x2000, 0x2131)  # attributes of printing, PS3.6 Table 6-1
_MOST_NAMED = 64  # attributes in an Attribute Identifier List: it is part of a command, which peers bound


class Refusal(ServiceError):
    """A request that fails for an attribute, which ``offending`` names."""

    def __init__(self, status: int, keyword: str, comment: str) -> None:
        self.offending = (tag_of(keyword),)
        super().__init__(status, meaning(status), comment=comment)


def refuse(status: int, keyword: str, comment: str) -> Refusal:
    """The error for an attribute that cannot be accepted; ``comment`` follows its keyword."""
    return Refusal(status, keyword, f"{keyword} {comment}")


@dataclass(slots=True)
class Checked:
    """What became of a Data Set: the attributes that hold, and the warnings there are.

    Of several warnings the response has room for one status: the first that is of printing (B6xx), else the first that
    a value was replaced, else the first there is.
    """

    attributes: Dataset = field(default_factory=Dataset)
    warnings: list[tuple[int, Tag | None, str]] = field(default_factory=list)

    def warn(self, status: int, keyword: str, comment: str) -> None:
        """Remember a warning; ``comment`` follows the keyword of the attribute, which may be "" for none."""
        tag = tag_of(keyword) if keyword else None
        self.warnings.append((status, tag, f"{keyword} {comment}".strip()))

    @property
    def Status(self) -> int:
        return self._foremost()[0]

    @property
    def comment(self) -> str:
        return self._foremost()[1]

    @property
    def offending(self) -> tuple[Tag, ...]:
        """The attributes of all warnings, each once."""
        tags = dict.fromkeys(tag for _, tag, _ in self.warnings if tag is not None)
        return tuple(tags)[:_MOST_NAMED]

    def _foremost(self) -> tuple[int, str]:
        if not self.warnings:
            return 0x0000, ""
        status, _, comment = max(self.warnings, key=lambda warning: warning[0])  # 0107 < 0116 < B600
        return status, comment


def check(table: Table, dataset: Dataset, *, defaults: bool = False, strict: bool = False) -> Checked:
    """Hold ``dataset`` against ``table``; ``defaults``: fill in what is missing (N-CREATE).

    Raises `Refusal` with the status of the first attribute that cannot be accepted.
    """
    checked = Checked()
    for row in table:
        _check_attribute(row, dataset, checked, defaults=defaults, strict=strict)
    _check_rest(table, dataset, checked, strict=strict)
    return checked


def _check_attribute(row: Attribute, dataset: Dataset, checked: Checked, *, defaults: bool, strict: bool) -> None:
    value = _value(dataset, row.keyword)
    if not row.supported:
        if row.keyword in dataset:
            _not_supported(row.keyword, "is not supported", checked, strict=strict)
        return
    if value is None or (value == [] and not row.values.takes(value)):
        if row.mandatory:
            raise _missing(row.keyword, dataset)
        if defaults and row.default is not None:
            checked.attributes[row.keyword] = row.default
        return
    meant = None if strict or not isinstance(value, str) else row.aliases.get(value)
    if row.values.takes(value if meant is None else meant):
        _check_items(row, value)
        if meant is None:
            checked.attributes.add(dataset[row.keyword])  # as it was written: it goes back to a peer who may be sloppy
        else:
            checked.attributes[row.keyword] = meant
        return
    _not_taken(row, value, checked, defaults=defaults, strict=strict)


def _value(dataset: Dataset, keyword: str) -> Value:
    try:
        return dataset.get(keyword)
    except DimseError as exc:  # bytes that are no value of the VR
        raise Refusal(INVALID_VALUE, keyword, f"{keyword}: {exc}") from exc


def _missing(keyword: str, dataset: Dataset, path: str = "") -> Refusal:
    status, words = (MISSING_VALUE, "has no value") if keyword in dataset else (MISSING_ATTRIBUTE, "is missing")
    return Refusal(status, keyword, f"{path}{keyword} {words}")


def _not_taken(row: Attribute, value: Value, checked: Checked, *, defaults: bool, strict: bool) -> None:
    comment = f"{shown(value)}, not {row.values.words}"
    if row.mandatory and isinstance(value, list) != row.values.is_sequence:
        raise refuse(MISTYPED_ARGUMENT, row.keyword, comment)
    if row.mandatory or row.refuse or strict:
        raise refuse(INVALID_VALUE, row.keyword, comment)
    checked.warn(OUT_OF_RANGE, row.keyword, comment)
    if defaults and row.default is not None:
        checked.attributes[row.keyword] = row.default


def _check_items(row: Attribute, value: Value) -> None:
    if not row.items or not isinstance(value, list):
        return
    for index, item in enumerate(value):
        assert isinstance(item, Dataset)
        path = f"{row.keyword}[{index}]."
        for inner in row.items:
            found = _value(item, inner.keyword)
            if found is None and inner.usage.startswith("M"):  # MC: where there is an item, they are in it
                raise _missing(inner.keyword, item, path)
            if found is not None and not inner.values.takes(found):
                comment = f"{path}{inner.keyword} {shown(found)}, not {inner.values.words}"
                raise Refusal(INVALID_VALUE, inner.keyword, comment)


def _check_rest(table: Table, dataset: Dataset, checked: Checked, *, strict: bool) -> None:
    """What no row knows: printing's own attributes at the wrong place, and what is no matter of printing."""
    known = {tag_of(row.keyword) for row in table}
    for element in dataset:
        tag, keyword = element.tag, element.keyword
        if keyword == "SpecificCharacterSet":  # may stand in any Data Set, and says how its text is written
            checked.attributes.add(element)
        if tag in known or not keyword or keyword == "SpecificCharacterSet":
            continue
        if strict or tag >> 16 in _PRINT_GROUPS:
            _not_supported(keyword, "has no place here", checked, strict=strict)


def _not_supported(keyword: str, words: str, checked: Checked, *, strict: bool) -> None:
    if strict:
        raise refuse(NO_SUCH_ATTRIBUTE, keyword, words)
    checked.warn(ATTRIBUTE_LIST, keyword, words)
