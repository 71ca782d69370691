"""Days as models ask for them: a period in words, or the first and the last day."""

import re
from calendar import month_name
from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from tools.records.errors import InvalidInput
from tools.records.text import DAY_NAMES

Period = Annotated[
    Literal[
        "today",
        "yesterday",
        "this_week",
        "last_week",
        "this_month",
        "last_month",
        "this_year",
        "last_7_days",
        "last_30_days",
        "last_90_days",
    ]
    | None,
    Field(description="Whole days; weeks begin on Monday. Or use since and until."),
]
Coming = Annotated[
    Literal["today", "tomorrow", "this_week", "next_week", "this_month", "next_month"] | None,
    Field(description="Only those due then."),
]
Day = Annotated[str | None, Field(max_length=20, description="As 2026-11-30, 3 days ago, monday or november.")]
"""A day of the week or a month is the newest that has begun."""


MOST_DAYS_AGO = 36_500
_AGO = re.compile(r"(\d{1,5}) days? ago")
_WEEKDAYS = tuple(name.lower() for name in DAY_NAMES)
_MONTHS = tuple(name.lower() for name in month_name[1:])


class Days(NamedTuple):
    """Both ends belong to it; None is open."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date | None) -> bool:
        """Whether the day is among them. An unknown day is among all days only."""
        if day is None:
            return self == ALL_DAYS
        return (self.first or day) <= day <= (self.last or day)

    def shown(self) -> dict[str, str]:
        named = {"since": self.first, "until": self.last}
        return {name: day.isoformat() for name, day in named.items() if day}


ALL_DAYS = Days()


def days_of(period: Period | Coming, since: Day, until: Day, *, today: date) -> Days:
    """
    >>> days_of("last_week", None, None, today=date(2026, 11, 30))
    Days(first=datetime.date(2026, 11, 23), last=datetime.date(2026, 11, 29))
    """
    if period is None:
        days = Days(_day(since, "since", today), _day(until, "until", today))
        if days.first and days.last and days.first > days.last:
            raise InvalidInput(f"since {days.first} is after until {days.last}; write both days as 2026-11-30.")
        return days
    if since or until:
        raise InvalidInput("Give a period, or since and until, not both.")
    return _PERIODS[period](today)


def _day(text: str | None, what: str, today: date) -> date | None:
    """Raises InvalidInput for anything but a day."""
    if text is None:
        return None
    word = text.strip().casefold()
    if ago := _AGO.fullmatch(word):
        return today - timedelta(min(int(ago[1]), MOST_DAYS_AGO))
    if word in _WEEKDAYS:
        return today - timedelta((today.weekday() - _WEEKDAYS.index(word)) % 7)
    if word in _MONTHS:
        month = _MONTHS.index(word) + 1
        days = _month(date(today.year - (month > today.month), month, 1))
        return days.first if what == "since" else days.last
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{what} {text!r} is no day; write it as 2026-11-30.") from None


def _month(day: date) -> Days:
    first = day.replace(day=1)
    return Days(first, (first + timedelta(31)).replace(day=1) - timedelta(1))


def _week(day: date) -> Days:
    monday = day - timedelta(day.weekday())
    return Days(monday, monday + timedelta(6))


_PERIODS: dict[str, Callable[[date], Days]] = {
    "today": lambda today: Days(today, today),
    "yesterday": lambda today: Days(today - timedelta(1), today - timedelta(1)),
    "tomorrow": lambda today: Days(today + timedelta(1), today + timedelta(1)),
    "this_week": _week,
    "next_week": lambda today: _week(today + timedelta(7)),
    "last_week": lambda today: _week(today - timedelta(7)),
    "this_month": _month,
    "next_month": lambda today: _month(today.replace(day=1) + timedelta(31)),
    "last_month": lambda today: _month(today.replace(day=1) - timedelta(1)),
    "this_year": lambda today: Days(today.replace(month=1, day=1), today),
    "last_7_days": lambda today: Days(today - timedelta(7), today),
    "last_30_days": lambda today: Days(today - timedelta(30), today),
    "last_90_days": lambda today: Days(today - timedelta(90), today),
}
