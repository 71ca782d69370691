"""Demand by day as it is stored: one row for a product at a location, with a number and a flag for each day."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tools.planning.demand_distribution import FloatArray
from tools.planning.stock_outs import with_lost_demand

STOCK_OUT, PROMOTION, UNKNOWN = 1, 2, 4
"""Bits of a day's flag."""
Period = Literal["day", "week", "month"]
PERIOD_DAYS: dict[Period, float] = {"day": 1.0, "week": 7.0, "month": 365.25 / 12}
_FLOAT, _FLAG = np.dtype("<f8"), np.dtype("u1")


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of a location that stand for a period of demand: those on which it is open.

    A location whose demand is known by week or month has one such day in each: the Monday, or the first.
    """

    weekdays: frozenset[int] = frozenset()
    """0 is Monday."""
    days: frozenset[date] = frozenset()
    period: Period = "day"

    @property
    def period_days(self) -> float:
        """Calendar days for each open day: 1.4 where the weekend is closed."""
        return 7 / (7 - len(self.weekdays)) if self.period == "day" else PERIOD_DAYS[self.period]

    def is_open(self, first: date, length: int) -> NDArray[np.bool_]:
        """Whether each of the days from `first` on is open."""
        if self == Calendar():
            return np.ones(length, np.bool_)
        every = np.datetime64(first) + np.arange(length)
        if self.period == "month":
            return np.asarray(every == every.astype("datetime64[M]"))
        week = [day == 0 if self.period == "week" else day not in self.weekdays for day in range(7)]
        return np.asarray(np.is_busday(every, week, np.array(list(self.days), "datetime64[D]")))


@dataclass(frozen=True, slots=True)
class OpenDays:
    """Demand by open day, oldest first."""

    quantities: FloatArray
    flags: NDArray[np.uint8]
    last: date | None
    """The last open day."""

    def demand(self) -> FloatArray:
        """The quantities, with NaN where a day is unknown, and at least what sold where stock ran out."""
        sold = np.where(self.flags & UNKNOWN, np.nan, self.quantities)
        return with_lost_demand(sold, (self.flags & STOCK_OUT) > 0)


@dataclass(frozen=True, slots=True)
class History:
    """Demand from `first` on, a number and a flag a day."""

    first: date
    quantities: FloatArray
    flags: NDArray[np.uint8]

    @property
    def end(self) -> date:
        """The day after the last one."""
        return self.first + timedelta(len(self.quantities))

    @property
    def last_sale(self) -> date | None:
        """The last day with demand."""
        sold = np.flatnonzero(self.quantities)
        return self.first + timedelta(int(sold[-1])) if sold.size else None

    def sold_since(self, day: date) -> float:
        """Demand on this day and after."""
        return float(self.quantities[max(0, (day - self.first).days) :].sum())

    def stored(self) -> dict[str, Any]:
        return {
            "first_day": self.first.isoformat(),
            "quantities": self.quantities.astype(_FLOAT).tobytes(),
            "flags": self.flags.astype(_FLAG).tobytes(),
        }

    def spanning(self, first: date, end: date) -> "History":
        """The same from `first` to before `end`. A day that was not there has no demand."""
        before, after = (self.first - first).days, (end - self.end).days
        kept = slice(max(0, -before), len(self.quantities) + min(0, after))
        padding = (max(0, before), max(0, after))
        return History(first, np.pad(self.quantities[kept], padding), np.pad(self.flags[kept], padding))

    def by_open_day(self, calendar: Calendar) -> OpenDays:
        """What sells on a closed day counts for the open day before it."""
        starts = np.flatnonzero(calendar.is_open(self.first, len(self.quantities)))
        if not starts.size:
            return OpenDays(np.zeros(0), np.zeros(0, np.uint8), None)
        if starts.size == len(self.quantities):
            return OpenDays(self.quantities, self.flags, self.end - timedelta(1))
        flags, last = self.flags[starts], self.first + timedelta(int(starts[-1]))
        starts[0] = 0
        promoted = np.bitwise_or.reduceat(self.flags, starts) & PROMOTION
        return OpenDays(np.add.reduceat(self.quantities, starts), (flags | promoted).astype(_FLAG), last)


def read_history(first_day: str, quantities: bytes, flags: bytes) -> History:
    return History(date.fromisoformat(first_day), np.frombuffer(quantities, _FLOAT), np.frombuffer(flags, _FLAG))
