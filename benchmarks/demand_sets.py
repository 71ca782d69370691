"""The sets of real demand that forecasts are judged on, each with the interval that orders have to cover.

The folder comes from --data or RESTOCK_DATA. `benchmarks/real_data.py` reads two of them; the others are the
prescriptions of Medicare Australia (tsibbledata), the monthly shipments of the M3 competition (Mcomp), a bakery chain
and a restaurant by day (ddop), and Dominick's orange juice by week (bayesm). None is in the repository.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.real_data import CAR_PARTS_INTERVAL, RETAIL_INTERVAL, car_parts, retail
from tools.catalog.demand_table import DemandTable
from tools.catalog.histories import Period
from tools.lookback.rolling_origin import Interval


@dataclass(frozen=True, slots=True)
class DemandSet:
    """A table of demand, what has to be covered, and how it is looked at."""

    name: str
    read: Callable[[Path], DemandTable]
    interval: Interval
    season: int
    """Periods of the season that a peer is told of."""
    step: int
    """Periods between two origins."""
    products: int = 400
    """At most so many are drawn."""


def prescriptions(folder: Path) -> DemandTable:
    frame = pd.read_parquet(folder / "pbs_monthly_scripts.parquet")
    return _wide(frame, "series", "month", "scripts", "month")


def shipments(folder: Path) -> DemandTable:
    """Right-aligned: each series has its own months, so that no calendar is common to all."""
    frame = pd.read_parquet(folder / "m3_monthly_shipments.parquet")
    series = {str(name): own.sort_values("month")["shipments"] for name, own in frame.groupby("series")}
    longest = max(map(len, series.values()))
    demand = np.full((len(series), longest), np.nan)
    for row, own in zip(demand, series.values(), strict=True):
        row[longest - len(own) :] = own
    return DemandTable(tuple(series), demand, "month")


def bakery(folder: Path) -> DemandTable:
    frame = pd.read_parquet(folder / "bakery_daily_demand.parquet")
    frame["id"] = frame["store"].astype(str) + "/" + frame["product"].astype(str)
    table = _promoted(frame, "date", frame["promotion"], "day")
    return replace(table, groups=tuple(name.split("/")[1] for name in table.products))


def restaurant(folder: Path) -> DemandTable:
    return _wide(pd.read_parquet(folder / "yaz_daily_demand.parquet"), "item", "date", "units", "day")


def groceries(folder: Path) -> DemandTable:
    """Weeks with a deal, or with most of the brand in the advertisement, are promoted. The price is cut below the
    highest of the last quarter of a year; where it was not, no cut is stated. A brand is a group."""
    frame = pd.read_parquet(folder / "dominicks_oj_weekly.parquet")
    frame["id"] = frame["store"].astype(str) + "/" + frame["brand"].astype(str)
    table = _promoted(frame, "week_start", (frame["deal"] > 0) | (frame["feat"] > 0.5), "week")
    price = pd.DataFrame(_wide(frame, "id", "week_start", "price", "week").demand.T).ffill()
    cuts = (1 - price / price.rolling(13, min_periods=1).max()).to_numpy().T
    return replace(
        table,
        promotions=np.where(table.promotions, np.where(cuts > 0, cuts, 1.0), 0.0),
        groups=tuple(name.split("/")[1] for name in table.products),
    )


def _promoted(frame: pd.DataFrame, moment: str, promotions: pd.Series, period: Period) -> DemandTable:
    table = _wide(frame, "id", moment, "units", period)
    marks = _wide(frame.assign(promoted=promotions.astype(float)), "id", moment, "promoted", period).demand
    return replace(table, promotions=np.nan_to_num(marks) > 0)


def _wide(frame: pd.DataFrame, product: str, moment: str, amount: str, period: Period) -> DemandTable:
    wide = frame.pivot(index=product, columns=moment, values=amount)
    frequency = {"day": "D", "week": "7D", "month": "MS"}[period]
    wide = wide.reindex(columns=pd.date_range(wide.columns.min(), wide.columns.max(), freq=frequency))
    return DemandTable(tuple(wide.index.astype(str)), wide.to_numpy(dtype=np.float64), period)


SETS = (
    DemandSet("retail", retail, RETAIL_INTERVAL, season=7, step=8),
    DemandSet("car parts", car_parts, CAR_PARTS_INTERVAL, season=12, step=1, products=1000),
    DemandSet("prescriptions", prescriptions, Interval(1, 1), season=12, step=1),
    DemandSet("shipments", shipments, Interval(1, 1), season=12, step=1),
    DemandSet("bakery", bakery, Interval(2, 1), season=7, step=4),
    DemandSet("restaurant", restaurant, Interval(2, 1), season=7, step=1),
    DemandSet("groceries", groceries, Interval(1, 1), season=1, step=1),
)
