"""Mean and variance of demand per period in a scan. Those few products that were promoted, or in which a season or a
trend strikes the eye, are forecast one by one, by the lines of a plan."""

from dataclasses import dataclass

import numpy as np

from tools.planning.competing_forecast import trends
from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.demand_forecast import combine
from tools.planning.forecast_grid import Demand
from tools.planning.interval_forecast import FEWEST_FOR_FORECAST_ERRORS, own_forecast
from tools.planning.promotion import Cuts, Flags, Usual, promotions_of, unseen_lift
from tools.planning.scan_history import CACHED_ROWS, Histories, Rows, part_of
from tools.planning.season import FEWEST_SEASONS, STRIKING, resemblance, season_length


@dataclass(frozen=True, slots=True)
class Rates:
    """Of the coming interval, per period, for each product of a block."""

    mean: FloatArray
    variance: FloatArray


def read_rates(
    demand: Demand,
    rows: Rows,
    known: Histories,
    terms: dict[str, FloatArray],
    horizon: int,
    promotions: Cuts | None = None,
) -> Rates:
    """Of products whose histories were read; the textbook's where these are short."""
    periods = np.broadcast_to(known.periods, known.mean.shape)
    judged = (periods >= FEWEST_FOR_FORECAST_ERRORS) & (known.mean > 0)
    if not judged.any():
        return Rates(known.mean, known.sd**2)
    plain = combine(means=known.means, moments=known.moments, variance=known.sd**2, horizon=horizon)
    mean, variance = np.where(judged, plain.mean, known.mean), np.where(judged, plain.variance, known.sd**2)
    lengths, place = np.unique(terms["period_days"], return_inverse=True)
    seasons = np.array([season_length(days) for days in lengths.tolist()], dtype=np.int64)[place]
    striking = _striking_rows(demand, rows, known, seasons)
    moving = np.flatnonzero(judged & trends(plain.doubt, known.nonzero, periods))
    interval = (terms["lead_time_days"] + terms["review_period_days"]) / terms["period_days"]
    promoted = _promoted_rows(promotions, rows, judged)
    for row in sorted({*striking.tolist(), *moving.tolist(), *promoted.tolist()}):
        here = part_of(rows, np.array([row]))
        values = np.asarray(demand[here][0], dtype=np.float64)
        positions = np.flatnonzero(~np.isnan(values))
        marked = None
        if promotions is not None:
            marked = promotions_of(promotions[here][0], positions, values.size, _usual(terms, row))
        own = own_forecast(
            values[positions],
            positions,
            periods=values.size,
            interval=float(interval[row]),
            season=int(seasons[row]),
            unit=float(known.counting_unit[row]),
            promotions=marked,
        )
        mean[row], variance[row] = own.rates.mean[-1], own.rates.variance[-1]
    return Rates(mean, variance)


def _promoted_rows(promotions: Cuts | None, rows: Rows, judged: Flags) -> IntArray:
    """Positions in the block of those that were or will be promoted."""
    if promotions is None:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(judged & promotions[rows].any(axis=1))


def _usual(terms: dict[str, FloatArray], row: int) -> Usual:
    """Of the row's group."""
    return Usual(*(float(terms[f"usual_{name}"][row]) for name in ("lift", "cut", "spread", "scatter")))


def unseen_lifts(demand: Demand, promotions: Cuts, terms: dict[str, FloatArray], interval: FloatArray) -> FloatArray:
    """Factor on the interval of each product that has never been promoted and will be: by what is usual."""
    lifts = np.ones(len(demand))
    for row in np.flatnonzero((terms["usual_lift"] != 1) & promotions[:, demand.shape[1] :].any(axis=1)).tolist():
        (known,) = np.nonzero(~np.isnan(demand[row]))
        own = promotions_of(promotions[row], known, demand.shape[1], _usual(terms, row))
        lifts[row] = unseen_lift(own, float(interval[row]))
    return lifts


def _striking_rows(demand: Demand, rows: Rows, known: Histories, seasons: IntArray) -> IntArray:
    """Positions in the block of those whose demand resembles that of a season ago; some rows at a time."""
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
