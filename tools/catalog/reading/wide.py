"""Wide files: a row per product, a column per period. The columns become rows of sales."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import pyarrow as pa

from tools.catalog.histories import Period
from tools.catalog.reading.days import day_cells, order_of
from tools.catalog.reading.file_reading import DateOrder
from tools.catalog.reading.periods import Named, later, period_of
from tools.records.errors import UnclearColumns, UnclearNotation

FEWEST = 3
CALENDAR_WEEK, WEEKS = re.compile(r"\W*(?:kw|cw|kalenderwoche|calendar week)\b|\W*[kc]w\d", re.IGNORECASE), (52, 53)


@dataclass(frozen=True, slots=True)
class PeriodColumns:
    """Columns that are periods in a row, oldest first, with the first day of each."""

    period: Period
    days: dict[str, date]
    assumed: str = ""
    """What was assumed of their days."""


def period_columns(columns: Sequence[str], *, dates: DateOrder | None, today: date) -> PeriodColumns | None:
    """The columns whose names are periods in a row; None where fewer than three are. Raises UnclearColumns."""
    named = {column: found for column in columns if (found := period_of(column)) is not None}
    if len(named) < FEWEST:
        return None
    period = Counter(each.period for each in named.values()).most_common(1)[0][0]
    named = {column: each for column, each in named.items() if each.period == period}
    days, assumed = _dated(named, dates) or _numbered(named, period, today)
    if len(days) < FEWEST:
        return None
    return _in_a_row(days, period, assumed)


def _dated(named: dict[str, Named], dates: DateOrder | None) -> tuple[dict[str, date], str] | None:
    """The first day of each period, where its name has one."""
    if any(each.day is None and each.number for each in named.values()) or all(
        each.day is None and each.period != "day" for each in named.values()
    ):
        return None
    cells = day_cells(pa.array(list(named), pa.string()))
    order = dates or order_of(cells, ())
    if order is None:
        raise UnclearNotation(
            f"Columns such as {next(iter(named))!r} may have the day or the month first. Say which (--dates day-first "
            "or --dates month-first)."
        )
    found = cells.days(order)[cells.coded.codes]
    days = {name: each.day or day.item() for (name, each), day in zip(named.items(), found, strict=True)}
    return {name: day for name, day in days.items() if day is not None}, ""


def _numbered(named: dict[str, Named], period: Period, today: date) -> tuple[dict[str, date], str]:
    """Periods that only have a number: the highest is taken for the last that is over, and a month or a week
    of the calendar for the last of its name that has begun."""
    numbers = {name: each.number for name, each in named.items() if each.day is None}
    last = _last_start(period, today)
    cycle = _cycle(numbers, period)
    if cycle:
        numbers = _unwrapped(numbers, cycle)
        newest = (max(numbers.values()) - 1) % cycle + 1
        last = later(last, period)
        while _place(last, period) != newest:
            last = later(last, period, -1)
    newest = max(numbers.values(), default=0)
    days = {name: later(last, period, number - newest) for name, number in numbers.items()}
    name = max(numbers, key=lambda each: numbers[each], default="")
    which = "the last of that name" if cycle else "the last that is over"
    return days, f"Column {name!r} was taken for the {period} that began on {last}, {which}."


def _cycle(numbers: dict[str, int], period: Period) -> int:
    """How many such periods a year has, where the names are a calendar's: Sep, KW 40. 0 where they only count."""
    if period == "month" and not any(char.isdigit() for name in numbers for char in name):
        return 12
    if period != "week" or not numbers or min(numbers.values()) < 1 or max(numbers.values()) > WEEKS[-1]:
        return 0
    counted = set(numbers.values()) == set(range(1, len(numbers) + 1))
    named = all(CALENDAR_WEEK.match(name) for name in numbers) or not counted
    return max(WEEKS[0], *numbers.values()) if named else 0


def _place(start: date, period: Period) -> int:
    """The number of a month or week in its year."""
    return start.month if period == "month" else start.isocalendar().week


def _unwrapped(numbers: dict[str, int], cycle: int) -> dict[str, int]:
    """Periods by name that go on over the turn of a year: Nov, Dec, Jan."""
    found, last = {}, 0
    for name, number in numbers.items():
        while number < last - cycle // 2:
            number += cycle
        found[name] = last = number
    return found


def _last_start(period: Period, today: date) -> date:
    if period == "day":
        return today - timedelta(days=1)
    if period == "week":
        return today - timedelta(days=today.weekday() + 7)
    return later(today, "month", -1)


def _in_a_row(days: dict[str, date], period: Period, assumed: str) -> PeriodColumns:
    """Oldest first. Days that are a week or a month apart are weeks or months."""
    ordered = dict(sorted(days.items(), key=lambda each: each[1]))
    starts = list(ordered.values())
    if period == "day":
        period, starts = _spaced(starts)
        ordered = dict(zip(ordered, starts, strict=True))
    for (name, day), after in zip(ordered.items(), starts[1:], strict=False):
        if after != later(day, period):
            wrong = "twice" if after == day else f"without the {period} after it"
            raise UnclearColumns(
                f"Column {name!r} is there {wrong}. Give each {period} in a row a column; leave unknown cells empty."
            )
    return PeriodColumns(period, ordered, assumed)


def _spaced(starts: list[date]) -> tuple[Period, list[date]]:
    gaps = [(after - day).days for day, after in pairwise(starts)]
    if min(gaps) >= 28 and max(gaps) <= 31:
        return "month", [day.replace(day=1) for day in starts]
    return ("week" if min(gaps) >= 7 else "day"), starts
