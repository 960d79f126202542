"""Cron lines: cron's meaning of weekdays and days, and the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from connector.cron import cron_trigger

BERLIN = "Europe/Berlin"


def times(line: str, after: str, count: int, zone: str = BERLIN) -> list[str]:
    start = datetime.fromisoformat(after)
    found = islice(cron_trigger(line, zone).following(start), count)
    return [time.isoformat(timespec="minutes") for time in found]


@pytest.mark.parametrize(
    ("line", "days"),
    [
        pytest.param("0 6 * * 1-5", "Mon Tue Wed Thu Fri", id="numbers"),
        pytest.param("0 6 * * mon-FRI", "Mon Tue Wed Thu Fri", id="names"),
        pytest.param("0 6 * * 0", "Sun", id="0 is Sunday"),
        pytest.param("0 6 * * 7", "Sun", id="7 is Sunday too"),
        pytest.param("0 6 * * 5-7", "Fri Sat Sun", id="up to 7"),
        pytest.param("0 6 * * fri-sun", "Fri Sat Sun", id="up to sun"),
        pytest.param("0 6 * * 0-2", "Mon Tue Sun", id="from 0"),
        pytest.param("0 6 * * */2", "Tue Thu Sat Sun", id="every other from Sunday"),
        pytest.param("0 6 * * 1-5/2", "Mon Wed Fri", id="range with step"),
        pytest.param("0 6 * * 3/2", "Wed Fri", id="from a day with step"),
        pytest.param("0 6 * * sat,3", "Wed Sat", id="list"),
        pytest.param("0 6 * * *", "Mon Tue Wed Thu Fri Sat Sun", id="every day"),
    ],
)
def test_weekdays_are_those_of_cron(line: str, days: str) -> None:
    monday = datetime(2026, 6, 1, tzinfo=UTC)
    week = cron_trigger(line, "UTC").following(monday)
    found = [time for time in islice(week, 7) if time < monday + timedelta(days=7)]
    assert " ".join(f"{time:%a}" for time in found) == days


def test_a_day_and_a_weekday_are_alternatives() -> None:
    assert times("0 6 15 * mon", "2026-06-07T00:00+00:00", 4, "UTC") == [
        "2026-06-08T06:00+00:00",
        "2026-06-15T06:00+00:00",
        "2026-06-22T06:00+00:00",
        "2026-06-29T06:00+00:00",
    ]
    assert times("0 6 13 * fri", "2026-11-12T00:00+00:00", 2, "UTC") == [
        "2026-11-13T06:00+00:00",
        "2026-11-20T06:00+00:00",
    ]


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        pytest.param(
            "30 2 * * *",
            "2026-03-28T00:00+01:00",
            ["2026-03-28T02:30+01:00", "2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"],
            id="a skipped time comes an hour later",
        ),
        pytest.param(
            "30 2 * * *",
            "2026-03-29T03:10+02:00",
            ["2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"],
            id="also when asked after the change",
        ),
        pytest.param(
            "30 2 * * *",
            "2026-10-24T12:00+02:00",
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
            id="a repeated time comes once",
        ),
        pytest.param(
            "30 2 * * *",
            "2026-10-25T02:10+01:00",
            ["2026-10-26T02:30+01:00"],
            id="also when asked in between",
        ),
        pytest.param(
            "0 2,3 * * *",
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"],
            id="what falls together is one",
        ),
        pytest.param(
            "0,30 2,3 * * *",
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00", "2026-03-30T02:00+02:00"],
            id="in order",
        ),
        pytest.param(
            "15 * * * *",
            "2026-03-29T00:30+01:00",
            ["2026-03-29T01:15+01:00", "2026-03-29T03:15+02:00", "2026-03-29T04:15+02:00"],
            id="hourly in spring",
        ),
        pytest.param(
            "15 * * * *",
            "2026-10-25T01:30+02:00",
            ["2026-10-25T02:15+02:00", "2026-10-25T02:15+01:00", "2026-10-25T03:15+01:00"],
            id="hourly in autumn",
        ),
    ],
)
def test_clock_changes_lose_and_double_nothing(line: str, after: str, expected: list[str]) -> None:
    assert times(line, after, len(expected)) == expected


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"])
@pytest.mark.parametrize("line", ["30 2 * * *", "15 1 * * *", "5 0 * * *", "45 3 * * *"])
def test_a_daily_job_runs_once_on_each_day_of_a_year(line: str, zone: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))
    found = list(islice(cron_trigger(line, zone).following(start), 365))
    assert len({time.date() for time in found}) == 365
    assert found[-1].date().isoformat() == "2026-12-31"


def test_every_quarter_of_an_hour_goes_evenly_through_both_changes() -> None:
    for day in ("2026-03-28T23:00+01:00", "2026-10-24T23:00+02:00"):
        found = islice(
            cron_trigger("*/15 * * * *", BERLIN).following(datetime.fromisoformat(day)), 40
        )
        utc = [time.astimezone(UTC) for time in found]
        assert {later - time for time, later in pairwise(utc)} == {timedelta(minutes=15)}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param("0 6 * *", "4 fields instead of 5", id="too few"),
        pytest.param("0 25 * * *", "higher than the maximum", id="hour"),
        pytest.param("0 6 * * 8", "no weekday: '8'", id="weekday number"),
        pytest.param("0 6 * * mo", "no weekday: 'mo'", id="weekday name"),
        pytest.param("0 6 * * 5-1", "no weekdays: '5-1'", id="backwards"),
        pytest.param("0 6 * * 1/0", "no weekdays: '1/0'", id="step"),
        pytest.param("0 6 31 2 *", "never comes", id="31 February"),
    ],
)
def test_a_wrong_line_says_what_is_wrong(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        cron_trigger(line, "UTC")
