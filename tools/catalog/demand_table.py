"""Demand histories of many products: products × periods, made from a file of sales or from the sample."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tools.catalog.histories import PERIOD_DAYS, Calendar, Period
from tools.catalog.reading.calendar import closed_days, stretches
from tools.catalog.reading.file_reading import FileReading
from tools.catalog.reading.periods import later
from tools.planning.demand import demand_of
from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.promotion import Cuts, Flags
from tools.planning.stock_outs import with_lost_demand
from tools.records.errors import InvalidInput
from tools.records.facts import ProductFacts
from tools.records.text import DAY_NAMES, several

if TYPE_CHECKING:
    import pandas as pd

Days = NDArray[np.datetime64]
PANDAS_PERIOD: dict[Period, str] = {"day": "D", "week": "W", "month": "M"}
CERTAIN_GAP_ROWS = 20
"""A stretch without rows is noted if, at the mean rate of the table, it would have had so many."""


@dataclass(frozen=True, slots=True)
class DemandTable:
    """Products × periods, oldest first; NaN is unknown."""

    products: tuple[str, ...]
    demand: FloatArray
    period: Period
    unit_prices: FloatArray | None = None
    """The median price of each product's sales, where the table has prices."""
    notes: tuple[str, ...] = ()
    """What was assumed, for a person to know."""
    locations: tuple[str, ...] = ()
    """The location of each row; empty where the table tells none."""
    open_days: int = 7
    """Days of the week on which business is open. A daily table has a column for each of these alone."""
    promotions: Cuts | None = None
    """Products × periods: which were promoted, and by what cut of the price; known in advance."""
    groups: tuple[str, ...] = ()
    """The group of each product; empty where none is told."""

    @property
    def period_days(self) -> float:
        return 7 / self.open_days if self.period == "day" else PERIOD_DAYS[self.period]

    def drawn(self, most: int) -> "DemandTable":
        """At most so many products, drawn by chance and always the same ones; the notes say so."""
        if len(self.products) <= most:
            return self
        rows = np.sort(np.random.default_rng(0).choice(len(self.products), most, replace=False))
        note = f"{most:,} of {len(self.products):,} products, drawn by chance: always the same ones."
        return replace(self.of(rows), notes=(note, *self.notes))

    def of(self, rows: IntArray | Flags) -> "DemandTable":
        """The products of these rows."""
        chosen = np.arange(len(self.products))[rows].tolist()
        return replace(
            self,
            products=tuple(self.products[row] for row in chosen),
            demand=self.demand[chosen],
            unit_prices=None if self.unit_prices is None else self.unit_prices[chosen],
            locations=tuple(self.locations[row] for row in chosen) if self.locations else (),
            promotions=None if self.promotions is None else self.promotions[chosen],
            groups=tuple(self.groups[row] for row in chosen) if self.groups else (),
        )


def table_of(facts: ProductFacts) -> DemandTable:
    """The one product of a catalogue, whose periods are days, open days, weeks or months."""
    history, price = facts.demand, facts.product.unit_price
    period: Period = next((name for name, days in PERIOD_DAYS.items() if days == history.period_days), "day")
    return DemandTable(
        (facts.product.id,),
        right_aligned([demand_of(history)]),
        period,
        None if price is None else np.array([float(price)]),
        locations=(facts.stock.location,),
        open_days=round(7 / history.period_days) if period == "day" else 7,
    )


def demand_table(
    reading: FileReading, *, period: Period | None = None, by_location: bool = True, today: date | None = None
) -> DemandTable:
    """The table of a file of sales. Without `period`, of days, or of the periods that the file itself counts.

    Sales are added up per period. From a product's first sale on, a period without a row has no demand; before it,
    demand is unknown. In a wide file every empty cell is unknown. A last period that is not over is left out.
    With `by_location` a product has a row for each location of the file. Where a column tells promotions, they are
    known in advance.
    """
    frame = reading.frame
    if frame.empty:
        raise InvalidInput(f"{reading.file} has no row with demand; give one row for each sale.")
    counted = reading.period
    chosen = _period(period, counted)
    keys = ["product_id", "location"] if by_location and "location" in frame else ["product_id"]
    starts, left_out = _finished(frame, chosen, counted, today or datetime.now(UTC).date())
    over = ~np.isnat(starts)
    frame, starts = frame[over], starts[over]
    closed = _closed(frame) if counted == chosen == "day" and not reading.wide else Calendar()
    columns = _columns(starts, chosen, closed)
    rows = frame.groupby(keys, sort=True).ngroup().to_numpy().astype(np.int64)
    cells, shape = rows * len(columns) + np.searchsorted(columns, starts), (int(rows.max()) + 1, len(columns))
    named = frame[keys].drop_duplicates().sort_values(keys)
    return DemandTable(
        tuple(named["product_id"]),
        _summed(frame, cells, shape, wide=reading.wide),
        chosen,
        _prices(frame, rows),
        (*left_out, *_working_days(closed), *_gap(columns, starts, chosen)),
        tuple(named["location"]) if len(keys) > 1 else (),
        7 - len(closed.weekdays),
        _marked(frame, "promotion", cells, shape).astype(np.float64) if "promotion" in frame else None,
    )


def _period(wanted: Period | None, counted: Period) -> Period:
    if wanted is not None and PERIOD_DAYS[wanted] < PERIOD_DAYS[counted]:
        raise InvalidInput(
            f"The file counts whole {counted}s, which cannot be told apart by {wanted}. Leave --period out, or say "
            f"--period {counted}."
        )
    return wanted or counted


def _finished(frame: "pd.DataFrame", period: Period, counted: Period, today: date) -> tuple[Days, tuple[str, ...]]:
    """The first day of each row's period; NaT for rows of a last period that is not over."""
    starts = frame["date"].dt.to_period(PANDAS_PERIOD[period]).dt.start_time.to_numpy().astype("datetime64[D]")
    last = starts.max()
    end = later(last.item(), period)
    if (starts == last).all() or not _is_open(frame, period, counted, end, today):
        return starts, ()
    rows = several(int((starts == last).sum()), "row")
    note = f"The {period} that began on {last} is not over and was left out ({rows})."
    return np.where(starts == last, np.datetime64("NaT", "D"), starts), (note,)


def _is_open(frame: "pd.DataFrame", period: Period, counted: Period, end: date, today: date) -> bool:
    """Whether rows of the last period may be missing: it is not over, or the file ends long before it does."""
    if end > today:
        return True
    if period == counted:
        return False
    days = np.unique(frame["date"].to_numpy().astype("datetime64[D]")).astype(np.int64)
    usual = int(np.diff(days).max(initial=1))
    return (end - timedelta(days=1) - date(1970, 1, 1)).days - int(days[-1]) >= max(usual, 1)


def _closed(frame: "pd.DataFrame") -> Calendar:
    """The days on which every location is closed."""
    found = list(closed_days(frame).values())
    weekdays = frozenset.intersection(*(each.weekdays for each in found))
    return Calendar(weekdays, frozenset.intersection(*(each.days for each in found))) if weekdays else Calendar()


def _working_days(closed: Calendar) -> tuple[str, ...]:
    if not closed.weekdays:
        return ()
    days = " and ".join(f"{DAY_NAMES[day]}s" for day in sorted(closed.weekdays))
    open_days = 7 - len(closed.weekdays)
    more = f", nor on {several(len(closed.days), 'holiday')}" if closed.days else ""
    return (f"Nothing sells on {days}{more}: demand is counted in working days, {open_days} a week.",)


def _columns(starts: Days, period: Period, closed: Calendar) -> Days:
    """The first day of each period from the first to the last, without closed days."""
    import pandas as pd

    every = pd.period_range(starts.min(), starts.max(), freq=PANDAS_PERIOD[period])
    days = every.start_time.to_numpy().astype("datetime64[D]")
    shut = np.isin((days.astype(np.int64) + 3) % 7, list(closed.weekdays))
    shut |= np.isin(days, np.array(list(closed.days), dtype="datetime64[D]"))
    return days[~shut] if period == "day" else days


def _marked(frame: "pd.DataFrame", role: str, cells: IntArray, shape: tuple[int, int]) -> Flags:
    """The cells of products × periods with a row that says so."""
    marked = np.zeros(shape, np.bool_)
    marked.ravel()[cells[frame[role].to_numpy(bool)]] = True
    return marked


def _summed(frame: "pd.DataFrame", cells: IntArray, shape: tuple[int, int], *, wide: bool) -> FloatArray:
    size = shape[0] * shape[1]
    total = np.bincount(cells, frame["quantity"].to_numpy(), size).reshape(shape)
    known = np.bincount(cells, minlength=size).reshape(shape) > 0
    if not wide:
        known = np.logical_or.accumulate(total > 0, axis=1)
    demand = np.where(known, total, np.nan)
    if "stock_out" in frame:
        ran_out = _marked(frame, "stock_out", cells, shape)
        for row in np.flatnonzero(ran_out.any(axis=1)):
            demand[row] = with_lost_demand(demand[row], ran_out[row])
    return demand


def _gap(columns: Days, starts: Days, period: Period) -> tuple[str, ...]:
    """A note on the longest stretch in which no product has a row, where it is too long for chance."""
    silent = stretches(~np.isin(columns, starts))
    first, end = max(silent, key=lambda each: each[1] - each[0], default=(0, 0))
    if end - first < max(3.0, CERTAIN_GAP_ROWS * len(columns) / len(starts)):
        return ()
    what = f"from {columns[first]} to {columns[end - 1]} ({end - first} {period}s)"
    return (
        f"No product has a row {what}. They are taken for {period}s without demand; if the file has a gap there, "
        "fill it.",
    )


def _prices(frame: "pd.DataFrame", rows: IntArray) -> FloatArray | None:
    if "price" not in frame:
        return None
    medians = frame["price"].where(frame["price"] > 0).groupby(rows).median()
    return np.asarray(medians.to_numpy(dtype=np.float64))


def right_aligned(histories: Sequence[Sequence[float | None] | FloatArray]) -> FloatArray:
    """Histories of different lengths as one matrix whose last column is the newest period of all."""
    width = max((len(history) for history in histories), default=0)
    demand = np.full((len(histories), width), np.nan)
    for row, history in enumerate(histories):
        if len(history):
            demand[row, width - len(history) :] = np.array(history, dtype=np.float64)
    return demand
