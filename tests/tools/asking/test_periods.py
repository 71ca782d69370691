"""Days in words are whole days, weeks begin on Monday, and nothing else is taken for a day."""

from datetime import date, timedelta
from typing import Any, get_args

import pytest

from tools.asking.periods import ALL_DAYS, Coming, Days, Period, days_of
from tools.records.errors import InvalidInput

MONDAY = date(2026, 11, 30)
EVERY = [each for kind in (Period, Coming) for each in get_args(get_args(get_args(kind)[0])[0])]


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", "2026-11-30", "2026-11-30"),
        ("yesterday", "2026-11-29", "2026-11-29"),
        ("this_week", "2026-11-30", "2026-12-06"),
        ("last_week", "2026-11-23", "2026-11-29"),
        ("this_month", "2026-11-01", "2026-11-30"),
        ("last_month", "2026-10-01", "2026-10-31"),
        ("this_year", "2026-01-01", "2026-11-30"),
        ("last_7_days", "2026-11-23", "2026-11-30"),
        ("tomorrow", "2026-12-01", "2026-12-01"),
        ("next_week", "2026-12-07", "2026-12-13"),
        ("next_month", "2026-12-01", "2026-12-31"),
    ],
)
def test_a_period_is_its_days(period: Any, first: str, last: str) -> None:
    assert days_of(period, None, None, today=MONDAY).shown() == {"since": first, "until": last}


def test_every_period_ends_after_it_began() -> None:
    for day in (MONDAY, date(2024, 2, 29), date(2025, 1, 1)):
        for period in EVERY:
            days = days_of(period, None, None, today=day)
            assert days.first is not None and days.last is not None and days.first <= days.last


def test_both_ends_belong_to_the_days_and_an_unknown_day_to_all_only() -> None:
    days = days_of(None, "2026-11-01", "2026-11-03", today=MONDAY)
    assert [days.holds(date(2026, 11, day)) for day in (1, 3, 4)] == [True, True, False]
    assert Days(first=MONDAY).holds(MONDAY + timedelta(900))
    assert (ALL_DAYS.holds(None), days.holds(None)) == (True, False)


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("3 days ago", "2026-11-27", "2026-11-27"),
        ("Monday", "2026-11-30", "2026-11-30"),
        ("tuesday", "2026-11-24", "2026-11-24"),
        ("november", "2026-11-01", "2026-11-30"),
        ("december", "2025-12-01", "2025-12-31"),
        ("february", "2026-02-01", "2026-02-28"),
        ("15 november", "2026-11-15", "2026-11-15"),
        ("1 december", "2025-12-01", "2025-12-01"),
        ("in 3 days", "2026-12-03", "2026-12-03"),
        ("before 2026-11-30", "2026-11-29", "2026-11-29"),
        ("after friday", "2026-11-28", "2026-11-28"),
        ("after 9999-12-31", "9999-12-31", "9999-12-31"),
    ],
)
def test_a_day_may_be_told_from_today(day: str, first: str, last: str) -> None:
    assert days_of(None, day, day, today=MONDAY).shown() == {"since": first, "until": last}


@pytest.mark.parametrize(
    ("day", "expected"), [("friday", "2026-12-04"), ("monday", "2026-11-30"), ("1 march", "2027-03-01")]
)
def test_a_day_to_come_is_the_next_one(day: str, expected: str) -> None:
    days = days_of(None, None, day, today=MONDAY, coming=True)
    assert days.shown() == {"until": expected}


@pytest.mark.parametrize("day", ["31 february", "before", "last tuesday", "30.11.2026", "2026-13-01", ""])
def test_what_is_no_day_is_refused_with_how_to_write_one(day: str) -> None:
    with pytest.raises(InvalidInput, match="write it as 2026-11-30"):
        days_of(None, day, None, today=MONDAY)


def test_a_period_and_a_day_at_once_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not both"):
        days_of("today", "2026-11-01", None, today=MONDAY)


def test_days_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(InvalidInput, match="since 2026-11-30 is after until 2026-11-25"):
        days_of(None, "monday", "wednesday", today=MONDAY)
