"""The days on which nothing sells: weekends and holidays, found in the sales themselves."""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tools.catalog.histories import Calendar

if TYPE_CHECKING:
    import pandas as pd

FEWEST_WEEKS = 8
CHANCE = 1e-4
"""A weekday is closed where its silence would have no greater chance in business that never closes."""
LONGEST_HOLIDAY = 3
"""Working days in a row. A longer silence may be a gap in the file and is named as such."""
OPEN_SHARE = 0.95
"""Where a smaller share of working days has a sale, a day without one is no holiday."""


def closed_days(frame: "pd.DataFrame") -> dict[str, Calendar]:
    """The calendar of each location of sales; one location "" where the file names none."""
    if "location" not in frame:
        return {"": _closed(frame["date"])}
    return {str(place): _closed(rows["date"]) for place, rows in frame.groupby("location", sort=True)}


def _closed(dates: "pd.Series[pd.Timestamp]") -> Calendar:
    sold = np.unique(dates.dropna().to_numpy().astype("datetime64[D]"))
    if sold.size == 0 or (sold[-1] - sold[0]).astype(int) < 7 * FEWEST_WEEKS:
        return Calendar()
    weekdays = (sold.astype(np.int64) + 3) % 7
    silent = frozenset(set(range(7)) - set(weekdays.tolist()))
    if (1 - len(silent) / 7) ** sold.size * 35 > CHANCE or len(silent) > 3:
        return Calendar()
    return Calendar(silent, _holidays(sold, silent))


def _holidays(sold: "np.ndarray[tuple[int], np.dtype[np.datetime64]]", silent: frozenset[int]) -> frozenset[date]:
    """Short silences on working days, where business is on nearly every one of them."""
    days = np.arange(sold[0], sold[-1] + 1)
    working = days[~np.isin((days.astype(np.int64) + 3) % 7, list(silent))]
    quiet = ~np.isin(working, sold)
    if quiet.mean() > 1 - OPEN_SHARE:
        return frozenset()
    return frozenset(
        day.item() for start, end in stretches(quiet) if end - start <= LONGEST_HOLIDAY for day in working[start:end]
    )


def stretches(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end of each run of marked ones.

    >>> stretches(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(marked.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
