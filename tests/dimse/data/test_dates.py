"""PS3.5 §6.2: DA, TM and DT, their partial values, and the ranges of PS3.4 §C.2.2.2.5."""

import datetime as dt
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import DA, DT, EXPLICIT_LE, TM, Dataset, decode, encode
from dimse.errors import DecodeError, EncodeError

EST = timezone(timedelta(hours=-5))


def time(hour: int, minute: int = 0, second: int = 0, microsecond: int = 0) -> dt.time:
    return dt.time(hour, minute, second, microsecond)


def moment(year: int, month: int, day: int, *clock: int, zone: timezone | None = None) -> dt.datetime:
    return dt.datetime.combine(dt.date(year, month, day), time(*clock or (0,)), zone)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("20240229", dt.date(2024, 2, 29), dt.date(2024, 2, 29)),
        ("1993.04.22", dt.date(1993, 4, 22), dt.date(1993, 4, 22)),
        ("20200101-20201231", dt.date(2020, 1, 1), dt.date(2020, 12, 31)),
        ("20200101-", dt.date(2020, 1, 1), None),
        ("-20201231 ", None, dt.date(2020, 12, 31)),
    ],
)
def test_da_has_its_first_and_last_day(text: str, earliest: dt.date | None, latest: dt.date | None) -> None:
    assert (DA(text).earliest, DA(text).latest) == (earliest, latest)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("07", time(7), time(7, 59, 59, 999_999)),
        ("1030", time(10, 30), time(10, 30, 59, 999_999)),
        ("103015", time(10, 30, 15), time(10, 30, 15, 999_999)),
        ("103015.5", time(10, 30, 15, 500_000), time(10, 30, 15, 599_999)),
        ("070907.0705 ", time(7, 9, 7, 70_500), time(7, 9, 7, 70_599)),
        ("10:30:15.123456", time(10, 30, 15, 123_456), time(10, 30, 15, 123_456)),
        ("235960", time(23, 59, 59), time(23, 59, 59, 999_999)),
        ("1000-1159", time(10), time(11, 59, 59, 999_999)),
        ("-1200", None, time(12, 0, 59, 999_999)),
        ("12-", time(12), None),
    ],
)
def test_tm_has_its_first_and_last_microsecond(text: str, earliest: dt.time | None, latest: dt.time | None) -> None:
    assert (TM(text).earliest, TM(text).latest) == (earliest, latest)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2024", moment(2024, 1, 1), moment(2024, 12, 31, 23, 59, 59, 999_999)),
        ("202402", moment(2024, 2, 1), moment(2024, 2, 29, 23, 59, 59, 999_999)),
        ("20240229", moment(2024, 2, 29), moment(2024, 2, 29, 23, 59, 59, 999_999)),
        ("2024022910", moment(2024, 2, 29, 10), moment(2024, 2, 29, 10, 59, 59, 999_999)),
        ("20240229103015.25", moment(2024, 2, 29, 10, 30, 15, 250_000), moment(2024, 2, 29, 10, 30, 15, 259_999)),
        ("20240229103015-0000", moment(2024, 2, 29, 10, 30, 15, zone=UTC),
         moment(2024, 2, 29, 10, 30, 15, 999999, zone=UTC)),
        ("20240229103015+0000", moment(2024, 2, 29, 10, 30, 15, zone=UTC),
         moment(2024, 2, 29, 10, 30, 15, 999_999, zone=UTC)),
        ("2024-0500", moment(2024, 1, 1, zone=EST), moment(2024, 12, 31, 23, 59, 59, 999_999, zone=EST)),
        ("2023-2024", moment(2023, 1, 1), moment(2024, 12, 31, 23, 59, 59, 999_999)),
        ("20240101-0500-20240201-0500", moment(2024, 1, 1, zone=EST),
         moment(2024, 2, 1, 23, 59, 59, 999_999, zone=EST)),
        ("2024-0500-", moment(2024, 1, 1, zone=EST), None),
        ("-2024", None, moment(2024, 12, 31, 23, 59, 59, 999_999)),
        ("-1200", None, moment(1200, 12, 31, 23, 59, 59, 999_999)),
    ],
)  # fmt: skip
def test_dt_has_its_earliest_and_latest_moment(
    text: str, earliest: dt.datetime | None, latest: dt.datetime | None
) -> None:
    assert (DT(text).earliest, DT(text).latest) == (earliest, latest)


def test_single_value_is_its_first_moment() -> None:
    assert DA("20240229").date() == dt.date(2024, 2, 29)
    assert TM("1030").time() == time(10, 30)
    assert DT("2024+1400").datetime() == moment(2024, 1, 1, zone=timezone(timedelta(hours=14)))
    assert DT("2024-0500 ").datetime() == moment(2024, 1, 1, zone=EST), "a hyphen before the padding"


@pytest.mark.parametrize("text", ["20240101-20240102", "20240101-", "-20240101"])
def test_range_is_not_a_single_date(text: str) -> None:
    with pytest.raises(
        DecodeError, match=rf"^DA must not be a range \(use earliest and latest\), got '{text}' \[PS3\.5 §6\.2\]$"
    ):
        DA(text).date()


@pytest.mark.parametrize("text", ["20240101-20240102", "20240101-", "-20240101"])
def test_range_is_not_a_single_date_time(text: str) -> None:
    with pytest.raises(DecodeError, match=r"^DT must not be a range"):
        DT(text).datetime()


def test_range_is_not_a_single_time() -> None:
    with pytest.raises(DecodeError, match=r"^TM must not be a range"):
        TM("10-12").time()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (DA("2024"), "DA needs YYYYMMDD, got '2024'"),
        (DA("2024.0101"), "DA needs YYYYMMDD"),
        (DA("20230229"), "DA needs a day that exists in the calendar, got '20230229'"),
        (DA("-"), "DA needs one value, or two with a hyphen between them, got '-'"),
        (DA("20240101-20240102-20240103"), "DA needs one value, or two"),
        (DA(""), "DA needs YYYYMMDD, got ''"),
        (TM("1"), r"TM needs HHMMSS\.FFFFFF or its beginning"),
        (TM("10:3015"), "TM needs HHMMSS"),
        (TM("1030.5"), "TM needs HHMMSS"),
        (TM("2400"), "TM needs a time of day, got '2400'"),
        (TM("1060"), "TM needs a time of day"),
        (TM("101061"), "TM needs a time of day"),
        (DT("20241301"), "DT needs a day that exists in the calendar"),
        (DT("202"), "DT needs YYYYMMDDHHMMSS.FFFFFF&ZZXX or its beginning, got '202'"),
        (DT("2024+1401"), r"DT needs an offset &ZZXX, hours and minutes, from -1200 to \+1400"),
        (DT("2024+0060"), "DT needs an offset"),
        (DT("2024010125"), "DT needs a time of day"),
        (DT("9" * 5000), r"DT needs a day that exists in the calendar, got '9{65}\.\.\. \[PS3\.5 §6\.2\]$"),
    ],
)
def test_wrong_text_is_a_decode_error(value: DA | TM | DT, message: str) -> None:
    with pytest.raises(DecodeError, match=f"^{message}"):
        value.earliest  # noqa: B018
    with pytest.raises(DecodeError, match=f"^{message}"):
        value.latest  # noqa: B018
    if "hyphen" not in message and "two" not in message:
        with pytest.raises(DecodeError, match=f"^{message}"):
            value.date() if isinstance(value, DA) else value.time() if isinstance(value, TM) else value.datetime()


@pytest.mark.parametrize(
    ("keyword", "value", "text"),
    [
        ("StudyDate", dt.date(998, 1, 2), "09980102"),
        ("StudyDate", moment(2024, 2, 29, 10), "20240229"),
        ("StudyDate", "20240101-", "20240101-"),
        ("StudyDate", ["20240101", dt.date(2024, 1, 2)], ["20240101", "20240102"]),
        ("StudyDate", ["20240101", None], ["20240101", ""]),
        ("StudyDate", "", None),
        ("StudyTime", time(10, 30), "103000"),
        ("StudyTime", moment(2024, 1, 1, 10, 30, 15, 5), "103015.000005"),
        ("StudyTime", "10", "10"),
        ("StudyTime", ["10", None], ["10", ""]),
        ("AcquisitionDateTime", dt.date(2024, 2, 29), "20240229"),
        ("AcquisitionDateTime", moment(2024, 2, 29, 10), "20240229100000"),
        ("AcquisitionDateTime", moment(2024, 2, 29, 10, zone=EST), "20240229100000-0500"),
        ("AcquisitionDateTime", moment(2024, 2, 29, zone=timezone(timedelta(hours=5, minutes=30))),
         "20240229000000+0530"),
        ("AcquisitionDateTime", "2024+0100", "2024+0100"),
        ("AcquisitionDateTime", ["2024", None], ["2024", ""]),
    ],
)  # fmt: skip
def test_set_values_become_text(keyword: str, value: object, text: object) -> None:
    assert Dataset(**{keyword: value}).get(keyword) == text


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("StudyDate", "1993.04.22", r"DA cannot hold '1993\.04\.22': it must be written without '\.'"),
        ("StudyDate", "20230229", "DA cannot hold '20230229': it needs a day that exists in the calendar"),
        ("StudyDate", 20240101, "DA cannot hold 20240101: type int, not a date"),
        ("StudyTime", "10:30", "TM cannot hold '10:30': it must be written without ':'"),
        ("StudyTime", dt.date(2024, 1, 1), "TM cannot hold .*: type date, not a time"),
        ("AcquisitionDateTime", time(10), "DT cannot hold .*: type time, not a date and time"),
        ("AcquisitionDateTime", "noon", "DT cannot hold 'noon': it needs YYYYMMDDHHMMSS"),
        ("AcquisitionDateTime", "20240101-0000", "DT cannot hold '20240101-0000': it must not have the offset -0000"),
        ("AcquisitionDateTime", "2024-0000-2025+0100", "DT cannot hold .*: it must not have the offset -0000"),
        ("AcquisitionDateTime", moment(2024, 1, 1, zone=timezone(timedelta(seconds=1))),
         r"DT cannot hold the offset \+000001 from UTC"),
        ("AcquisitionDateTime", moment(2024, 1, 1, zone=timezone(timedelta(hours=15))), "DT cannot hold the offset"),
    ],
)  # fmt: skip
def test_wrong_values_cannot_be_set(keyword: str, value: object, message: str) -> None:
    with pytest.raises(EncodeError, match=rf"^\(\w{{4}},\w{{4}}\): {message}"):
        Dataset(**{keyword: value})


def test_range_of_times_may_end_at_midnight() -> None:
    assert TM.of("2200-0000") == "2200-0000"


@given(
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.integers(-12 * 60, 14 * 60).map(lambda at: timezone(timedelta(minutes=at))) | st.none()),
)
def test_reading_undoes_setting(day: dt.date, clock: dt.time, stamp: dt.datetime) -> None:
    ds = decode(encode(Dataset(StudyDate=day, StudyTime=clock, AcquisitionDateTime=stamp), EXPLICIT_LE), EXPLICIT_LE)
    found = ds.StudyDate, ds.StudyTime, ds.AcquisitionDateTime
    assert isinstance(found[0], DA)
    assert isinstance(found[1], TM)
    assert isinstance(found[2], DT)
    assert (found[0].date(), found[1].time(), found[2].datetime()) == (day, clock, stamp)


@given(st.text("0123456789.:+- \0²x", max_size=30))
def test_any_text_is_a_value_or_a_decode_error(text: str) -> None:
    for value in (DA(text), TM(text), DT(text)):
        try:
            ends = value.earliest, value.latest
        except DecodeError:
            continue
        assert ends != (None, None)
