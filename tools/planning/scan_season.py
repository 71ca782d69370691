"""Seasons in a scan: those few products in whose demand one strikes the eye are forecast one by one, as a plan is."""

from dataclasses import dataclass

import numpy as np

from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.forecast_grid import Demand
from tools.planning.interval_forecast import FEWEST_FOR_FORECAST_ERRORS, own_forecast
from tools.planning.scan_history import CACHED_ROWS, Histories, Rows, part_of
from tools.planning.season import FEWEST_SEASONS, STRIKING, resemblance, season_length


@dataclass(frozen=True, slots=True)
class SeasonalRates:
    """Mean and variance per period of the coming interval, of the rows of a block in which a season won."""

    rows: IntArray
    mean: FloatArray
    variance: FloatArray


def seasonal_rates(demand: Demand, rows: Rows, known: Histories, terms: dict[str, FloatArray]) -> SeasonalRates:
    """Of a block of products, whose histories were read."""
    lengths, place = np.unique(terms["period_days"], return_inverse=True)
    seasons = np.array([season_length(days) for days in lengths.tolist()], dtype=np.int64)[place]
    interval = (terms["lead_time_days"] + terms["review_period_days"]) / terms["period_days"]
    won = []
    for row in _striking_rows(demand, rows, known, seasons).tolist():
        values = np.asarray(demand[part_of(rows, np.array([row]))][0], dtype=np.float64)
        positions = np.flatnonzero(~np.isnan(values))
        own = own_forecast(
            values[positions],
            positions,
            periods=values.size,
            interval=float(interval[row]),
            season=int(seasons[row]),
            unit=float(known.counting_unit[row]),
        )
        if own.season is not None:
            won.append((row, own.rates.mean[-1], own.rates.variance[-1]))
    columns = np.array(won, dtype=np.float64).reshape(-1, 3).T
    return SeasonalRates(columns[0].astype(np.int64), columns[1], columns[2])


def _striking_rows(demand: Demand, rows: Rows, known: Histories, seasons: IntArray) -> IntArray:
    """Positions in the block; some rows at a time."""
    found = [np.empty(0, dtype=np.int64)]
    periods = np.broadcast_to(known.periods, known.mean.shape)
    for season in np.unique(seasons).tolist():
        fewest = max(FEWEST_SEASONS * season, FEWEST_FOR_FORECAST_ERRORS)
        if season == 0 or demand.shape[1] < fewest:
            continue
        able = np.flatnonzero((seasons == season) & (periods >= fewest) & (known.mean > 0))
        for start in range(0, able.size, CACHED_ROWS):
            chosen = able[start : start + CACHED_ROWS]
            deviations = demand[part_of(rows, chosen)] - known.mean[chosen, None]
            if np.isnan(np.add.reduce(deviations, axis=None)):
                deviations = np.nan_to_num(deviations, copy=False, nan=0.0)
            alike = resemblance(deviations, periods[chosen], season)
            found.append(chosen[alike > STRIKING])
    return np.concatenate(found)
