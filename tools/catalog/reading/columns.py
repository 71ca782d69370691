"""Reads the cells of mapped columns: ids and texts, numbers, days. Every cell that cannot be read is a fault."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.catalog.histories import Period
from tools.catalog.reading.days import DayCells, alone, day_cells, order_of
from tools.catalog.reading.file_reading import DateOrder, Decimal, Fault
from tools.catalog.reading.names import UNITS, unit_of_time
from tools.catalog.reading.numbers import Numbers, decide, numbers_of, usual_unit, value
from tools.catalog.reading.roles import SOFT, content
from tools.catalog.reading.table import Coded, Table
from tools.records.errors import UnclearColumns, UnclearNotation

LARGEST = 1e9
HIGHEST_LEVEL = 0.999
TIME_DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12}
DURATIONS = {"lead_time_days", "lead_time_sd_days", "review_period_days", "shelf_life_days", "maximum_cover_days"}
DURATIONS |= {"receiving_days"}
LEVELS = {"service_level", "asked_service_level"}
SHARES = LEVELS | {"holding_rate", "price_cut"}
PAST = {"date", "as_of", "ordered_date", "received_date"}
WHOLE = re.compile(r"\d+\.0|")
"""Ids that a program wrote as decimal numbers."""
ROUNDED = re.compile(r"\d[.,]\d+E\+\d{2}")
"""Ids of which a spreadsheet kept the first digits only: 4.00639E+12."""
SIGNED = {"quantity", "on_hand"}
NOT_ZERO = {"order_multiple", "maximum_order_quantity", "unit_size", "units_per_purchase_unit", "maximum_cover_days"}
NOT_ZERO |= {"shelf_life_days", "price_unit"}
"""Where systems write 0 for "none"; it is read as not given."""
EARLIEST = date(1980, 1, 1)
WRONG_COLUMN = 0.5
"""A column most of whose cells cannot be read is the wrong one."""
NOT_THIS_COLUMN = {"no_number", "no_date", "missing", "too_large"}
Problem = tuple[str, str]
"""Code of a fault, and what to do."""


@dataclass(slots=True)
class Reader:
    """What reading the columns of one table needs and collects."""

    file: str
    table: Table
    mapping: Mapping[str, str]
    required: frozenset[str]
    decimal: Decimal | None
    dates: DateOrder | None
    today: date
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    periods: set[Period] = field(default_factory=set)
    """The periods that cells of the day of sale name, where they are longer than a day."""
    bad: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.bad = np.zeros(len(self.table.lines), dtype=bool)

    def read(self) -> dict[str, Any]:
        """The values of each role, row by row. `bad` marks rows with a fault."""
        texts = {role: self.table.coded(column) for role, column in self._of("id", "text")}
        numbers = {role: self.table.coded(column) for role, column in self._of("number")}
        days = {role: day_cells(self.table.cells[column]) for role, column in self._of("day")}
        apart = {role: numbers_of(cells.values) for role, cells in numbers.items()}
        dotted = any(cells.dotted for cells in days.values())
        found: dict[str, Any] = {role: self.texts(role, cells) for role, cells in texts.items()}
        for role, cells in numbers.items():
            found[role] = self.numbers(role, cells, apart[role], apart.values(), dotted)[cells.codes]
        for role, day in days.items():
            found[role] = self.days(role, day, days.values()).astype("datetime64[ns]")[day.coded.codes]
            self.periods |= day.periods if role == "date" else set()
        return {role: found[role] for role in self.mapping}

    def _of(self, *kinds: str) -> list[tuple[str, str]]:
        return [(role, column) for role, column in self.mapping.items() if content(role) in kinds]

    def texts(self, role: str, cells: Coded) -> NDArray[np.object_]:
        is_id = content(role) == "id"
        self.note_faults(role, cells, _rounded(cells) if is_id and role not in SOFT else {})
        if is_id and all(WHOLE.fullmatch(value) for value in cells.values):
            cells = Coded([value.partition(".")[0] for value in cells.values], cells.codes)
        return cells.texts()

    def numbers(
        self, role: str, cells: Coded, apart: Numbers, others: Iterable[Numbers], dotted: bool
    ) -> NDArray[np.float64]:
        """The number of each distinct cell; NaN where none is given."""
        decimal = self.decimal
        if apart.unclear and decimal is None:
            decimal = decide(apart, others, separator=self.table.separator, dotted_dates=dotted)
            if decimal is None:
                raise self._unclear_number(role, cells, next(iter(apart.unclear)))
        found = apart.plain.copy()
        for place, written in apart.written.items():
            if written is not None:
                found[place] = value(written, decimal)
        problems = {
            int(place): self._no_number(role) for place in np.flatnonzero(np.isnan(found)) if cells.values[place]
        }
        found = self._in_units(role, apart, found, problems)
        found, more = self._bounded(role, found)
        self.note_faults(role, cells, problems | more)
        return found

    def _unclear_number(self, role: str, cells: Coded, place: int) -> UnclearNotation:
        line = self.table.lines[np.argmax(cells.codes == place)]
        return UnclearNotation(
            f"{self.file}, line {line}, {self.mapping[role]} {cells.values[place]!r}: the mark may stand for decimals "
            "or for thousands, and nothing in the file shows which. Say it (--decimal point or --decimal comma)."
        )

    def _no_number(self, role: str) -> Problem:
        return "no_number", f"This is no number. Correct it, or name another column (--map {role}=COLUMN)."

    def _in_units(
        self, role: str, apart: Numbers, found: NDArray[np.float64], problems: dict[int, Problem]
    ) -> NDArray[np.float64]:
        """Durations in days, shares below 1; a second unit in one column is a fault."""
        units = {place: each.unit for place, each in apart.written.items() if each is not None and each.unit}
        if role in DURATIONS:
            factors = np.full(len(found), TIME_DAYS[unit_of_time(self.mapping[role])])
            for place, unit in units.items():
                factors[place] = TIME_DAYS[UNITS.get(unit, "day")]
            return np.asarray(found * factors)
        usual = "%" if role in SHARES else usual_unit(apart)
        for place, unit in units.items():
            if unit != usual or (unit == "%" and role not in SHARES):
                problems[place] = (
                    "unit",
                    f"The unit {unit!r} is another than that of the column. Write all in one unit.",
                )
        if role in SHARES:
            percent = [place for place, unit in units.items() if unit == "%"]
            found[percent] /= 100
            found = np.where(found > 1, found / 100, found)
        return found

    def _bounded(self, role: str, found: NDArray[np.float64]) -> tuple[NDArray[np.float64], dict[int, Problem]]:
        negative, all_of_it = (found < 0) & (role not in SIGNED), (found >= 1) & (role == "price_cut")
        no_level = ((found <= 0) | (found > HIGHEST_LEVEL)) & (role in LEVELS)
        bounds = (
            (np.abs(found) > LARGEST, "too_large", f"No more than {LARGEST:,.0f} is taken. Is this the right column?"),
            (negative, "negative", "This cannot be below 0. Correct it, or leave the cell empty."),
            (no_level, "share", f"A service level is at most {HIGHEST_LEVEL}: write 95 % as 0.95."),
            (all_of_it, "share", "A price is cut by less than all of it: write 25 % as 0.25."),
        )
        problems = {int(place): (code, words) for out, code, words in bounds for place in np.flatnonzero(out)}
        return (np.where(found == 0, np.nan, found) if role in NOT_ZERO else found), problems

    def days(self, role: str, cells: DayCells, others: Iterable[DayCells]) -> NDArray[np.datetime64]:
        """The day of each distinct cell; NaT where none is given."""
        order = self.dates or order_of(cells, others)
        if order is None:
            raise self._unclear_day(role, cells)
        found = cells.days(order)
        values = cells.coded.values
        problems: dict[int, Problem] = {
            int(place): ("no_date", "This is no day of the calendar. Write it as 2026-12-31.")
            for place in np.flatnonzero(np.isnat(found))
            if values[place]
        }
        if role in PAST:
            problems |= self._implausible(found, cells.coded.codes)
        self.note_faults(role, cells.coded, problems)
        return found

    def _unclear_day(self, role: str, cells: DayCells) -> UnclearNotation:
        place = cells.open if cells.open is not None else next(iter(cells.proof.values()))
        line = self.table.lines[np.argmax(cells.coded.codes == place)]
        seen = "some rows show the one, some the other" if len(cells.proof) > 1 else "no row shows which"
        return UnclearNotation(
            f"{self.file}, line {line}, {self.mapping[role]} {cells.coded.values[place]!r} may have the day or the "
            f"month first: {seen}. Say it (--dates day-first or --dates month-first), or write dates as 2026-12-31."
        )

    def _implausible(self, days: NDArray[np.datetime64], codes: NDArray[np.int64]) -> dict[int, Problem]:
        """Days in the future, before computers, or alone years away from all others."""
        known = np.flatnonzero(~np.isnat(days))
        counts = np.bincount(codes, minlength=len(days))
        problems: dict[int, Problem] = {}
        past = known[
            (days[known] <= np.datetime64(self.today + timedelta(days=1))) & (days[known] >= np.datetime64(EARLIEST))
        ]
        for place in np.setdiff1d(known, past):
            when = "in the future" if days[place] > np.datetime64(self.today) else f"before {EARLIEST.year}"
            problems[int(place)] = "implausible_date", f"This day is {when}. Correct it, or leave the line out."
        if past.size:
            for place in past[alone(days[past], counts[past])]:
                problems[int(place)] = (
                    "implausible_date",
                    "This day stands alone, years away from all others. Correct it, or leave the line out.",
                )
        return problems

    def note_faults(self, role: str, cells: Coded, problems: dict[int, Problem]) -> None:
        """A fault for each row with a problem, or with nothing in a column that must be filled."""
        if role in self.required:
            problems |= {
                place: ("missing", "The cell is empty. Fill it, or leave the line out.")
                for place, text in enumerate(cells.values)
                if not text
            }
        if not problems:
            return
        rows = np.flatnonzero(np.isin(cells.codes, list(problems)))
        self._refuse_wrong_column(role, cells, problems, rows)
        for row in rows.tolist():
            place = int(cells.codes[row])
            self.fault(row, self.mapping[role], cells.values[place], problems[place])

    def fault(self, row: int, column: str, text: str, problem: Problem) -> None:
        """A fault of a row; `row` counts the rows of the table from 0."""
        code, words = problem
        self.bad[row] = True
        self.faults.append(Fault(self.file, int(self.table.lines[row]), column, text, words, code))

    def _refuse_wrong_column(
        self, role: str, cells: Coded, problems: Mapping[int, Problem], rows: NDArray[np.int64]
    ) -> None:
        unread = {place for place, (code, _) in problems.items() if code in NOT_THIS_COLUMN}
        share = np.isin(cells.codes[rows], list(unread)).sum() / max(1, len(cells.codes))
        if share > WRONG_COLUMN and len(cells.codes) > 4:
            shown = ", ".join(repr(cells.values[place]) for place in list(unread)[:3])
            wrong = f"most of its cells are none: {shown}."
            if all(not cells.values[place] for place in unread):
                wrong = "most of its cells are empty. If they mean what stands above them, fill them down."
            raise UnclearColumns(
                f"{self.file}: column {self.mapping[role]!r} was taken for {role}, but {wrong} "
                f"Name the right one (--map {role}=COLUMN); the columns are "
                f"{', '.join(self.table.columns)}.",
                role=role,
                candidates=tuple(self.table.columns),
            )


def _rounded(cells: Coded) -> dict[int, Problem]:
    problem: Problem = ("rounded_id", "A spreadsheet has rounded this id. Export it again, with the column as text.")
    return {place: problem for place, text in enumerate(cells.values) if ROUNDED.fullmatch(text)}
