"""Dates and times: the VRs DA, TM and DT of PS3.5 §6.2, and their ranges in queries.

Each is a ``str`` and compares as text. A value may be incomplete (``1030``, ``2024``) or an open range (``20240101-``),
so a value has two ends, ``earliest`` and ``latest``. In a DT, a hyphen separates the ends of a range, or begins a
negative offset from UTC. It is an offset if it follows a date, and if exactly four digits follow it: hours and minutes,
up to 1200. Python lacks leap seconds, so 60 is read as 59. The old forms 1993.04.22 and 10:30:00 and the offset -0000
are read, but a program cannot set them.
"""

import datetime as dt
import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from ..errors import DecodeError, EncodeError, shown

__all__ = ["DA", "DT", "TM"]

_T = TypeVar("_T")

_PADDING = " \0"
_DATE = re.compile("([0-9]{4})([.]?)([0-9]{2})\\2([0-9]{2})")  # year, separator, month, day
_TIME = re.compile("([0-9]{2})(?:(:?)([0-9]{2})(?:\\2([0-9]{2})(?:[.]([0-9]{1,6}))?)?)?")
_DATE_TIME = re.compile("([0-9]{4})([0-9]{2})?([0-9]{2})?([0-9]{2}[0-9.]*)?([+-][0-9]{4})?")
_RANGE_IN_DT = re.compile("^-|-(?!(?:(?:0[0-9]|1[01])[0-5][0-9]|1200)(?:-|$))")  # a hyphen that begins no offset
_LOCAL_OFFSET = re.compile("-0000(?:-|$)")  # if read, it counts as +0000
_OFFSETS = range(-12 * 60, 14 * 60 + 1)  # minutes from UTC, PS3.5 §6.2


class DA(str):
    """A date, or a range of dates."""

    __slots__ = ()

    @classmethod
    def of(cls, value: str | dt.date) -> Self:
        """Return a date, or text, as DA. Raises EncodeError for text that is not a DA."""
        return cls(_date_text(value) if isinstance(value, dt.date) else _DATES.checked_text(value))

    @property
    def earliest(self) -> dt.date | None:
        """The first day; None if the range has no beginning. Raises DecodeError if the text is not a date."""
        return _DATES.range_of(self)[0]

    @property
    def latest(self) -> dt.date | None:
        """The last day; None if the range has no end. Raises DecodeError if the text is not a date."""
        return _DATES.range_of(self)[1]

    def date(self) -> dt.date:
        """Return the date. Raises DecodeError if the text is a range, or not a date."""
        return _DATES.single(self)


class TM(str):
    """A time of day, or a range of times."""

    __slots__ = ()

    @classmethod
    def of(cls, value: str | dt.time | dt.datetime) -> Self:
        """Return a time, or text, as TM. Raises EncodeError for text that is not a TM."""
        return cls(_time_text(value) if isinstance(value, (dt.time, dt.datetime)) else _TIMES.checked_text(value))

    @property
    def earliest(self) -> dt.time | None:
        """The first microsecond; None if the range has no beginning. Raises DecodeError if the text is not a time."""
        return _TIMES.range_of(self)[0]

    @property
    def latest(self) -> dt.time | None:
        """The last microsecond; None if the range has no end. Raises DecodeError if the text is not a time."""
        return _TIMES.range_of(self)[1]

    def time(self) -> dt.time:
        """Return the first microsecond of the time. Raises DecodeError if the text is a range, or not a time."""
        return _TIMES.single(self)


class DT(str):
    """A date and time, perhaps with its offset from UTC, or a range of them."""

    __slots__ = ()

    @classmethod
    def of(cls, value: str | dt.date) -> Self:
        """Return a datetime, a date, or text as DT. Raises EncodeError for text or an offset that DT cannot hold."""
        if isinstance(value, dt.datetime):
            return cls(_date_text(value) + _time_text(value) + _offset_text(value))
        return cls(_date_text(value) if isinstance(value, dt.date) else _DATE_TIMES.checked_text(value))

    @property
    def earliest(self) -> dt.datetime | None:
        """The first microsecond; None if the range has no beginning.

        Raises DecodeError if the text is not a date and time.
        """
        return _DATE_TIMES.range_of(self)[0]

    @property
    def latest(self) -> dt.datetime | None:
        """The last microsecond; None if the range has no end. Raises DecodeError if the text is not a date and time."""
        return _DATE_TIMES.range_of(self)[1]

    def datetime(self) -> dt.datetime:
        """Return the first microsecond. Raises DecodeError if the text is a range, or not a date and time."""
        return _DATE_TIMES.single(self)


@dataclass(frozen=True, slots=True)
class _Rules(Generic[_T]):
    """The rules of a VR. ``parse`` returns the first and the last moment that a value may mean."""

    vr: str
    parse: Callable[[str], tuple[_T, _T]]
    hyphen: re.Pattern[str]  # separates the ends of a range
    obsolete: str  # the separator in the old form
    local_offset: re.Pattern[str] | None = None  # the offset that PS3.5 forbids

    def range_of(self, text: str) -> tuple[_T | None, _T | None]:
        try:
            return self._parse_range(text.strip(_PADDING))
        except ValueError as exc:
            raise DecodeError(f"{self.vr} {exc}, got {shown(str(text))}", rule="PS3.5 §6.2") from exc

    def single(self, text: str) -> _T:
        try:
            stripped = text.strip(_PADDING)
            if len(self.hyphen.split(stripped)) > 1:
                raise ValueError("must not be a range (use earliest and latest)")
            return self.parse(stripped)[0]
        except ValueError as exc:
            raise DecodeError(f"{self.vr} {exc}, got {shown(str(text))}", rule="PS3.5 §6.2") from exc

    def checked_text(self, value: str) -> str:
        text = value.strip(_PADDING)
        try:
            if self.obsolete in text:
                raise ValueError(f"must be written without {self.obsolete!r}")
            if self.local_offset and self.local_offset.search(text):
                raise ValueError("must not have the offset -0000, by which RFC 2822 means local time")
            self._parse_range(text)
        except ValueError as exc:
            raise EncodeError(f"{self.vr} cannot hold {shown(str(value))}: it {exc}") from exc
        return text

    def _parse_range(self, text: str) -> tuple[_T | None, _T | None]:
        first, *rest = self.hyphen.split(text)
        if not rest:
            return self.parse(first)
        if len(rest) > 1 or not (first or rest[0]):
            raise ValueError("needs one value, or two with a hyphen between them")
        return self.parse(first)[0] if first else None, self.parse(rest[0])[1] if rest[0] else None


# From text to the first and the last moment that the text may mean


def _parse_date(text: str) -> tuple[dt.date, dt.date]:
    found = _DATE.fullmatch(text)
    if not found:
        raise ValueError("needs YYYYMMDD")
    day = _day(int(found[1]), int(found[3]), int(found[4]))
    return day, day


def _parse_time(text: str) -> tuple[dt.time, dt.time]:
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError("needs HHMMSS.FFFFFF or its beginning")
    hour, _, minute, second, fraction = found.groups()
    if hour > "23" or (minute or "") > "59" or (second or "") > "60":
        raise ValueError("needs a time of day")
    parts = int(hour), int(minute or 0), min(int(second or 0), 59)
    last = int(hour), int(minute or 59), min(int(second or 59), 59)
    fraction = fraction or ""
    return dt.time(*parts, int(fraction.ljust(6, "0"))), dt.time(*last, int(fraction.ljust(6, "9")))


def _parse_date_time(text: str) -> tuple[dt.datetime, dt.datetime]:
    found = _DATE_TIME.fullmatch(text)
    if not found:
        raise ValueError("needs YYYYMMDDHHMMSS.FFFFFF&ZZXX or its beginning")
    year, month, day, clock, offset = found.groups()
    zone = _zone(offset) if offset else None
    first = _day(int(year), int(month or 1), int(day or 1))
    last_month = int(month or 12)
    last = _day(int(year), last_month, int(day or monthrange(int(year), last_month)[1]))
    begin, end = _parse_time(clock) if clock else (dt.time.min, dt.time.max)
    return dt.datetime.combine(first, begin, zone), dt.datetime.combine(last, end, zone)


def _day(year: int, month: int, day: int) -> dt.date:
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise ValueError("needs a day that exists in the calendar") from None


def _zone(offset: str) -> dt.timezone:
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    minutes = -minutes if offset[0] == "-" else minutes
    if int(offset[3:]) > 59 or minutes not in _OFFSETS:
        raise ValueError("needs an offset &ZZXX, hours and minutes, from -1200 to +1400")
    return dt.timezone(dt.timedelta(minutes=minutes))


# To text


def _date_text(value: dt.date) -> str:
    return f"{value.year:04}{value:%m%d}"


def _time_text(value: dt.time | dt.datetime) -> str:
    return f"{value:%H%M%S.%f}" if value.microsecond else f"{value:%H%M%S}"


def _offset_text(value: dt.datetime) -> str:
    offset = value.utcoffset()
    if offset is None:
        return ""
    minutes, rest = divmod(offset, dt.timedelta(minutes=1))
    if rest or minutes not in _OFFSETS:
        rule = "an offset has whole minutes, from -1200 to +1400 (PS3.5 §6.2)"
        raise EncodeError(f"DT cannot hold the offset {value:%z} from UTC: {rule}")
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


_DATES = _Rules("DA", _parse_date, re.compile("-"), ".")
_TIMES = _Rules("TM", _parse_time, re.compile("-"), ":")
_DATE_TIMES = _Rules("DT", _parse_date_time, _RANGE_IN_DT, ":", _LOCAL_OFFSET)
