"""Days as people write them: 2026-12-31, 31.12.2026, 12/31/26, 20261231, Excel's and Unix' numbers, weeks, months.

A time of day and an offset are left out: what counts is the day where it was written.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tools.catalog.histories import Period
from tools.catalog.reading.file_reading import DateOrder
from tools.catalog.reading.periods import DAY_OR_MONTH_FIRST, MONTH, MONTHS, YEAR_FIRST, fold, full_year, period_of
from tools.catalog.reading.table import Coded, coded, distinct

Days = NDArray[np.datetime64]
TIME = r"[T ,]+\d{1,2}[:h.]\d{2}([:.]\d{2}.*|[ ]?[AaPp]\.?[Mm]\.?.*|[ ]?[-+Z].*|[ ]?[A-Z]{2,4})?$|T\d{4,6}.*$"
WEEKDAY = re.compile(r"^[a-z]{2,10}\.?,?\s+(?=\d|[a-z]{3,10}\.? \d)")
DAY_NAMED_MONTH = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th|\.)?[-/ ]*(?:de )?({MONTH})\.?[-/ ,]*(?:de )?(\d{{4}}|\d{{2}})"
)
NAMED_MONTH_DAY = re.compile(rf"({MONTH})\.?[-/ ](\d{{1,2}})(?:st|nd|rd|th)?(?:, ?|[-/ ])(\d{{4}}|\d{{2}})")
COMPACT = re.compile(r"(19|20)\d{6}")
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
EXCEL_START, UNIX_START = date(1899, 12, 30), date(1970, 1, 1)
EXCEL_DAYS, UNIX_SECONDS = range(18_000, 80_000), range(10**8, 5 * 10**9)


@dataclass(frozen=True, slots=True)
class Either:
    """A day whose first number may be the day or the month."""

    first: int
    second: int
    year: int
    mark: str

    @property
    def is_open(self) -> bool:
        return self.first != self.second and max(self.first, self.second) <= 12

    def day(self, order: DateOrder) -> date | None:
        month, day = (self.second, self.first) if order == "day-first" else (self.first, self.second)
        return _date(self.year, month, day)


@dataclass(slots=True)
class DayCells:
    """The distinct cells of a column of days, taken apart."""

    coded: Coded
    clear: dict[int, date] = field(default_factory=dict)
    either: dict[int, Either] = field(default_factory=dict)
    periods: set[Period] = field(default_factory=set)

    @property
    def proof(self) -> dict[DateOrder, int]:
        """The orders of day and month that cells prove, with one such cell."""
        found: dict[DateOrder, int] = {}
        for place, cell in self.either.items():
            if cell.first > 12 or (cell.mark == "." and cell.second <= 12):
                found.setdefault("day-first", place)
            elif cell.second > 12:
                found.setdefault("month-first", place)
        return found

    @property
    def open(self) -> int | None:
        """A cell that names two different days, if there is one."""
        return next((place for place, cell in self.either.items() if cell.is_open), None)

    @property
    def dotted(self) -> bool:
        return any(cell.mark == "." for cell in self.either.values())

    def days(self, order: DateOrder) -> Days:
        """The day of each distinct cell; NaT where it names none."""
        found = np.full(len(self.coded.values), "NaT", dtype="datetime64[D]")
        for place, day in self.clear.items():
            found[place] = day
        for place, cell in self.either.items():
            found[place] = cell.day(order) or np.datetime64("NaT")
        return found


def day_cells(column: pa.Array) -> DayCells:
    """Take the distinct days of a column apart."""
    if pa.types.is_timestamp(column.type):
        local = pc.local_timestamp(column) if column.type.tz else column
        column = pc.cast(pc.floor_temporal(local, unit="day"), pa.date32())
    written = coded(column)
    days = pc.replace_substring_regex(pa.array(written.values, pa.string()), TIME, "").to_pylist()
    cells = DayCells(distinct([day.strip() for day in days], written.codes))
    for place, value in enumerate(cells.coded.values):
        _take(cells, place, value)
    return cells


def _take(cells: DayCells, place: int, value: str) -> None:
    text = fold(value)
    if found := DAY_OR_MONTH_FIRST.fullmatch(text):
        cells.either[place] = Either(int(found[1]), int(found[3]), full_year(found[4]), found[2])
    elif (day := _day(text) or _day(WEEKDAY.sub("", text))) is not None:
        cells.clear[place] = day
    elif (named := period_of(value)) is not None and named.day is not None:
        cells.clear[place] = named.day
        cells.periods.add(named.period)


def _day(text: str) -> date | None:
    if found := YEAR_FIRST.fullmatch(text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := DAY_NAMED_MONTH.fullmatch(text):
        return _date(full_year(found[3]), MONTHS[found[2]], int(found[1]))
    if found := NAMED_MONTH_DAY.fullmatch(text):
        return _date(full_year(found[3]), MONTHS[found[1]], int(found[2]))
    if COMPACT.fullmatch(text):
        return _date(int(text[:4]), int(text[4:6]), int(text[6:]))
    return _counted(text) if NUMBER.fullmatch(text) else None


def _counted(text: str) -> date | None:
    """Days as Excel counts them, or seconds or milliseconds as Unix does."""
    number = int(float(text.replace(",", ".")))
    if number in EXCEL_DAYS:
        return EXCEL_START + timedelta(days=number)
    seconds = number // 1000 if len(str(number)) == 13 else number
    return UNIX_START + timedelta(seconds=seconds) if seconds in UNIX_SECONDS else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def order_of(cells: DayCells, others: Iterable[DayCells]) -> DateOrder | None:
    """Whether the day or the month comes first, as all cells allow; None where a person must say."""
    proof = cells.proof or {order: 0 for each in others for order in each.proof}
    if len(proof) == 1:
        return next(iter(proof))
    return "day-first" if not proof and cells.open is None else None


def alone(days: Days, counts: "NDArray[np.int64]") -> "NDArray[np.bool_]":
    """Which distinct days stand alone, more than four years from where the most rows are."""
    order = np.argsort(days)
    groups = np.zeros(len(days), dtype=np.int64)
    groups[order[1:]] = np.cumsum(np.diff(days[order]).astype(np.int64) > FAR_DAYS)
    rows = np.bincount(groups, counts)
    few = rows <= max(1.0, FEW * counts.sum())
    few[np.argmax(rows)] = False
    return np.asarray(few[groups])


FAR_DAYS = 4 * 365
FEW = 0.01
"""The share of rows up to which a far group of days is taken for slips."""
