"""Checks of the values that a program sets: PS3.5 Table 6.2-1.

Reading is lenient: see :mod:`dimse.data.values`. A value that a program sets must have an allowed type, repertoire,
length and range. (:mod:`dimse.data.dataset` takes bytes as the value of text or numbers without a check.) Numbers may
come from numpy, bytes from any buffer, and dates from :mod:`datetime`.
"""

import datetime as dt
import re
import sys
from collections.abc import Callable, Iterable
from typing import SupportsFloat, SupportsIndex, TypeAlias

from ..errors import EncodeError, shown
from .dates import DA, DT, TM
from .names import MAX_COMPONENTS, MAX_GROUPS, PersonName
from .numerals import DS, IS
from .values import RANGES, Scalar, Scalars, decode_value, fold, octets, pack_numbers, swap_words
from .vr import VR, VRS, row_of

__all__ = ["CHECKS", "REFUSED", "cannot_hold", "check_descriptor", "check_fragment", "check_value"]

_Check: TypeAlias = Callable[[object], Scalars]

# The errors by which a check refuses a value. Python raises the last one for a memoryview of several dimensions, over
# which it cannot iterate
REFUSED = (ValueError, TypeError, OverflowError, NotImplementedError)

_PADDING = " \0"


def check_value(vr: str, value: object) -> Scalars:
    """Return ``value`` in the form in which it would be read back. Raises EncodeError if the VR cannot hold it."""
    check = CHECKS.get(vr)
    try:
        return _check_stream(row_of(vr), value) if check is None else check(value)
    except REFUSED as exc:
        raise cannot_hold(vr, value, exc) from exc


def cannot_hold(vr: str, value: object, why: Exception, path: str = "") -> EncodeError:
    """Return the error for a value that a check has refused."""
    return EncodeError(f"{vr} cannot hold {shown(value)}: {why}", path=path)


def check_descriptor(value: object) -> Scalars:
    """Return the values of a LUT Descriptor with VR SS: only the second one is signed.

    Raises EncodeError, or one of `REFUSED`.
    """
    values = _as_list(value)
    check_value("US", values[:1] + values[2:])
    check_value("SS", values[1:2])
    return check_value("SL", values)


def check_fragment(item: object) -> memoryview | bytes:
    """Return a fragment of compressed pixels; b"" if it is empty. Raises EncodeError."""
    value = check_value("OB", item)
    return value if isinstance(value, (memoryview, bytes)) else b""


def _number_check(row: VR) -> _Check:
    name, common = row.name, range(0) if row.name == "AT" else RANGES.get(row.name, range(0))

    def check(value: object) -> Scalars:
        if type(value) is int and value in common:  # a shortcut: takes a tenth of the time
            return value
        return decode_value(name, pack_numbers(name, _as_list(value)))

    return check


def _text_check(row: VR) -> _Check:
    single = _TEXTS.get(row.name, _check_line)
    matches = _PATTERNS[row.name].fullmatch if single is _check_line else re.compile("(?!)").match
    strip, max_length = str.strip if row.strip == "both" else str.rstrip, row.max_length or sys.maxsize

    def check(value: object) -> Scalars:
        if type(value) is str and matches(text := strip(value, _PADDING)) and len(text) <= max_length:
            return text or None  # a shortcut for one valid text: takes half of the time
        if isinstance(value, str) and "\\" not in value:
            item = single(row, value)
            return None if item == "" else item
        items = _as_list(value)
        if len(items) > 1 and not row.many:
            raise ValueError(f"it can have only one value, not {len(items)}")
        return fold([single(row, piece) for item in items for piece in _split_item(row, item)])

    return check


def _check_line(row: VR, item: object) -> str:
    if not isinstance(item, str):
        raise TypeError(f"type {type(item).__name__}, not text")
    text = item.strip(_PADDING) if row.strip == "both" else item.rstrip(_PADDING)
    if text and not _PATTERNS[row.name].fullmatch(text):
        raise ValueError(_REPERTOIRES[row.name])
    if row.max_length is not None and len(text) > row.max_length and row.name != "PN":
        raise ValueError(f"{len(text)} characters, at most {row.max_length} are allowed")
    return text


def _check_name(row: VR, item: object) -> PersonName:
    name = PersonName(_check_line(row, item))
    groups = name.split("=")
    if len(groups) > MAX_GROUPS:
        raise ValueError(f"{len(groups)} component groups, at most {MAX_GROUPS} are allowed")
    for group in groups:
        if row.max_length is not None and len(group) > row.max_length:
            raise ValueError(f"{len(group)} characters in a component group, at most {row.max_length} are allowed")
        if group.count("^") >= MAX_COMPONENTS:
            raise ValueError(f"{group.count('^') + 1} components, at most {MAX_COMPONENTS} are allowed")
    return name


def _check_date(row: VR, item: object) -> DA:  # noqa: ARG001
    if isinstance(item, str | dt.date):
        return DA.of(item) if item else DA()
    raise TypeError(f"type {type(item).__name__}, not a date")


def _check_time(row: VR, item: object) -> TM:  # noqa: ARG001
    if isinstance(item, str | dt.time | dt.datetime):
        return TM.of(item) if item else TM()
    raise TypeError(f"type {type(item).__name__}, not a time")


def _check_date_time(row: VR, item: object) -> DT:  # noqa: ARG001
    if isinstance(item, str | dt.date):
        return DT.of(item) if item else DT()
    raise TypeError(f"type {type(item).__name__}, not a date and time")


def _check_decimal(row: VR, item: object) -> DS | None:  # noqa: ARG001
    if not item and isinstance(item, str):
        return None
    # float and int first: isinstance() of a Protocol takes at least ten times as long
    if isinstance(item, (float, int, str, SupportsFloat)):
        return DS(item)
    raise TypeError(f"type {type(item).__name__}, not a number")


def _check_integer(row: VR, item: object) -> IS | None:  # noqa: ARG001
    if not item and isinstance(item, str):
        return None
    if isinstance(item, (int, str, SupportsIndex)):
        return IS(item)
    raise TypeError(f"type {type(item).__name__}, not an integer")


def _check_stream(row: VR, value: object) -> Scalars:
    if value is None:
        return None
    if row.kind == "sequence":
        raise TypeError("the value of a sequence must be a list of Dataset")
    try:
        view = memoryview(value)  # type: ignore[arg-type]  # anything but a buffer raises TypeError
    except TypeError as exc:
        raise TypeError(f"type {type(value).__name__}, not bytes") from exc
    if not view.nbytes:
        return None
    if view.nbytes % row.size:
        raise ValueError(f"the length must be a multiple of {row.size} bytes, not {view.nbytes}")
    if view.itemsize > 1 and (view.format[0] in ">!" or (view.format[0] not in "<=" and sys.byteorder == "big")):
        return swap_words(view.tobytes(), view.itemsize)
    return octets(view)


def _as_list(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def _split_item(row: VR, item: object) -> list[object]:
    """Return the values in one item of a list.

    None is one empty value. Text with a backslash is several values, unless the VR has only one, such as LT.
    """
    if item is None:
        return [""]
    return [*item.split("\\")] if row.many and isinstance(item, str) else [item]


_TEXTS: dict[str, Callable[[VR, object], Scalar]] = {
    "DA": _check_date,
    "DS": _check_decimal,
    "DT": _check_date_time,
    "IS": _check_integer,
    "PN": _check_name,
    "TM": _check_time,
}
_PATTERNS = {row.name: re.compile(row.pattern) for row in VRS.values() if row.pattern}

# The requirement of each pattern, in words. DA, DT and TM raise their own messages.
_ASCII = "only printable ASCII characters except the backslash are allowed"
_LINE = "control characters are not allowed"
_LINES = "control characters except TAB, LF, FF and CR are not allowed"
_REPERTOIRES = {
    "AE": _ASCII,
    "AS": "three digits and one of D, W, M and Y are required",
    "CS": "only A-Z, 0-9, space and underscore are allowed",
    "LO": _LINE,
    "LT": _LINES,
    "PN": _LINE,
    "SH": _LINE,
    "ST": _LINES,
    "UC": _LINE,
    "UI": "only digits and dots are allowed",
    "UR": _ASCII,
    "UT": _LINES,
}

# The checks of texts and numbers, by VR
CHECKS = {row.name: _text_check(row) for row in VRS.values() if row.kind == "text"}
CHECKS |= {row.name: _number_check(row) for row in VRS.values() if row.kind == "number"}
