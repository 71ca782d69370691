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
Day = Annotated[
    str | None,
    Field(
        max_length=20,
        description="As 2026-11-30, 15 november, 3 days ago, in 3 days, monday, november, before 5 march.",
    ),
]
"""A day of the week, of a month or a month itself is the newest that has begun; of what is due, the next to come."""


MOST_DAYS_AGO = 36_500
_BESIDE = re.compile(r"(before|after) (.+)")
_AGO, _IN = re.compile(r"(\d{1,5}) days? ago"), re.compile(r"in (\d{1,4}) days?")
_OF_MONTH = re.compile(r"(\d{1,2}) ([a-z]+)")
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


def days_of(period: Period | Coming, since: Day, until: Day, *, today: date, coming: bool = False) -> Days:
    """`coming` takes days without a year for those to come.

    >>> days_of("last_week", None, None, today=date(2026, 11, 30))
    Days(first=datetime.date(2026, 11, 23), last=datetime.date(2026, 11, 29))
    """
    if period is None:
        days = Days(_day(since, "since", today, coming), _day(until, "until", today, coming))
        if days.first and days.last and days.first > days.last:
            raise InvalidInput(f"since {days.first} is after until {days.last}; write both days as 2026-11-30.")
        return days
    if since or until:
        raise InvalidInput("Give a period, or since and until, not both.")
    return _PERIODS[period](today)


def _day(text: str | None, what: str, today: date, coming: bool) -> date | None:
    """Raises InvalidInput for anything but a day."""
    if text is None:
        return None
    word = text.strip().casefold()
    if ago := _AGO.fullmatch(word):
        return today - timedelta(min(int(ago[1]), MOST_DAYS_AGO))
    if beside := _BESIDE.fullmatch(word):
        is_after = beside[1] == "after"
        day = _day(beside[2], "until" if is_after else "since", today, coming)
        if day is None or day in (date.min, date.max):
            return day
        return day + timedelta(1 if is_after else -1)
    if ahead := _IN.fullmatch(word):
        return today + timedelta(int(ahead[1]))
    if word in _WEEKDAYS:
        to_come = (_WEEKDAYS.index(word) - today.weekday()) % 7
        return today + timedelta(to_come if coming or not to_come else to_come - 7)
    if word in _MONTHS:
        days = _month(_of_year(_MONTHS.index(word) + 1, 1, today.replace(day=1), coming))
        return days.first if what == "since" else days.last
    try:
        if (found := _OF_MONTH.fullmatch(word)) and found[2] in _MONTHS:
            return _of_year(_MONTHS.index(found[2]) + 1, int(found[1]), today, coming)
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{what} {text!r} is no day; write it as 2026-11-30.") from None


def _of_year(month: int, day: int, today: date, coming: bool) -> date:
    """The newest such day that has begun, or the next. Raises ValueError for a day that there is not."""
    this_year = date(today.year, month, day)
    if coming:
        return this_year if this_year >= today else date(today.year + 1, month, day)
    return this_year if this_year <= today else date(today.year - 1, month, day)


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
