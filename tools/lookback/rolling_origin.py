"""What the calculator would have said at past moments, and what came: every product, every origin, no look ahead.

At each origin the calculator gets the history as it stood. Beside its answer stands the demand of the protection
interval that followed. Intervals and lead times are in whole periods of the table.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tools.catalog.demand_table import DemandTable
from tools.planning.demand_distribution import (
    SMALLEST_MEAN,
    FloatArray,
    IntArray,
    Values,
    lognormal_cdf,
    lognormal_quantile,
    z_value,
)
from tools.planning.interval_forecast import FEWEST_FOR_FORECAST_ERRORS
from tools.planning.notices import FEWEST_SALES
from tools.planning.promotion import UNKNOWN, Cuts, usual_promotion, usual_terms
from tools.planning.scan import Terms, scan
from tools.planning.scan_plan import METHODS
from tools.planning.working import MOST_INTERVALS, SAFETY_SHARE
from tools.records.errors import InvalidInput
from tools.records.quantities import ROUNDING

MOST_MOMENTS = 60
"""Origins looked at where the caller does not say how many."""
EARLIER_SHARE = 0.6
"""Of the origins: what is learned from these is tried out on the others."""
ONE_SD_ABOVE = 0.8413447460685429
"""The service level whose safety stock is one standard deviation."""

Flags = NDArray[np.bool_]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Interval:
    """Lead time and review period in whole periods; together the protection interval."""

    lead_time: int
    review_period: int

    def __post_init__(self) -> None:
        if self.lead_time < 0 or self.review_period < 0 or not self.length:
            raise InvalidInput(
                f"A lead time of {self.lead_time} and a review period of {self.review_period} leave nothing to cover; "
                "give 0 or more of each, and more than 0 together."
            )

    @property
    def length(self) -> int:
        return self.lead_time + self.review_period


@dataclass(frozen=True, slots=True)
class Origins:
    """One element for each product and origin, in the order of the origins."""

    interval: Interval
    step: int
    """Periods from one origin to the next."""
    product: IntArray
    moment: IntArray
    """Periods of the table before the origin."""
    known: IntArray
    """Of them, periods known of the product."""
    method: NDArray[np.int8]
    demand_class: NDArray[np.int8]
    mean: FloatArray
    variance: FloatArray
    """Mean and variance of demand over the interval as forecast."""
    none: FloatArray
    """The least chance of no demand over it."""
    textbook_mean: FloatArray
    textbook_sd: FloatArray
    """Mean and standard deviation of demand over the interval, by the textbook."""
    actual: FloatArray
    counting_unit: FloatArray
    """The smallest amount that the product's demand is counted in."""
    typical: FloatArray
    """The product's mean demand over an interval in the whole table: to sort and scale by, never to forecast with."""

    def __len__(self) -> int:
        return self.product.size

    def where(self, chosen: Flags) -> "Origins":
        """Those that are chosen."""
        columns = {name: getattr(self, name)[chosen] for name in COLUMNS}
        return replace(self, **columns)

    @property
    def earlier_and_later(self) -> tuple[Flags, Flags]:
        """Origins whose interval was over before the cut, and those after it."""
        cut = float(np.quantile(self.moment, EARLIER_SHARE))
        return self.moment + self.interval.length <= cut, self.moment > cut

    def levels(self, service_level: Values) -> FloatArray:
        """The reorder point that the calculator would have set, for all or for each of them."""
        some = self.mean > 0
        mean, variance = self._counts
        mean, variance = np.where(some, mean, 1.0), np.where(some, variance, 1.0)
        lognormal = lognormal_quantile(probability=service_level, mean=mean, variance=variance) * self.counting_unit
        normal = np.maximum(0.0, self.mean + z_value(service_level) * np.sqrt(self.variance))
        lognormal = np.where(np.less_equal(service_level, self.none), 0.0, lognormal)
        judged = self.method == METHODS.index("forecast_error")
        return np.where(some, np.where(judged, lognormal, normal), 0.0)

    @property
    def _counts(self) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of demand over the interval, in counts."""
        return self.mean / self.counting_unit, self.variance / self.counting_unit**2

    def textbook_levels(self, service_level: float) -> FloatArray:
        """mean·(L + R) + z·sd·√(L + R). (Silver, Pyke & Thomas, 2017, 6.9)"""
        return np.asarray(self.textbook_mean + z_value(service_level) * self.textbook_sd)

    def permitted_leftover(self, needed: FloatArray) -> FloatArray:
        """What may be left over where the asked service needs these levels, as in `tools.planning.working`."""
        cover = np.minimum(SAFETY_SHARE * (needed - self.mean), MOST_INTERVALS * self.mean)
        return np.asarray(needed + np.maximum(self.counting_unit, cover))

    def raw_confidence(self, level: FloatArray, permitted_leftover: FloatArray) -> FloatArray:
        """P(D ≤ level) − P(D < level − permitted leftover), as `tools.planning.confidence.raw_probability`."""
        unit = self.counting_unit
        below = np.ceil((level - permitted_leftover) / unit - ROUNDING) - 1
        covered = self.chance_up_to(level / unit + ROUNDING)
        return np.clip(covered - self.chance_up_to(below), 0.0, 1.0)

    def chance_up_to(self, counts: FloatArray) -> FloatArray:
        """P(D ≤ so many counts)."""
        mean, variance = (np.maximum(moment, SMALLEST_MEAN) for moment in self._counts)
        chance = lognormal_cdf(level=counts, mean=mean, variance=variance)
        return np.asarray(np.where(counts >= 0, np.maximum(chance, self.none), 0.0))


COLUMNS = tuple(name for name in Origins.__dataclass_fields__ if name not in ("interval", "step"))


def rolling_origins(
    table: DemandTable,
    interval: Interval,
    *,
    step: int = 1,
    first: int = FEWEST_FOR_FORECAST_ERRORS,
    progress: Progress | None = None,
) -> Origins:
    """Every `step`-th origin from `first` on that has a whole interval after it, of products with enough history."""
    moments = range(max(first, FEWEST_FOR_FORECAST_ERRORS), table.demand.shape[1] - interval.length + 1, step)
    parts = []
    for done, moment in enumerate(moments):
        found = origins_at(table, interval, moment)
        parts.append(found.where(~np.isnan(found.actual)))
        if progress:
            progress(done + 1, len(moments))
    if not parts:
        raise InvalidInput(
            f"The table has {table.demand.shape[1]} periods; looking back takes "
            f"{FEWEST_FOR_FORECAST_ERRORS + interval.length}."
        )
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    return Origins(interval, step, **columns)


def moments_of(periods: int, interval: Interval) -> int:
    """How many origins so many periods have."""
    return periods - interval.length - FEWEST_FOR_FORECAST_ERRORS + 1


def step_over(periods: int, interval: Interval) -> int:
    """Periods between two origins, so that at most sixty are looked at."""
    return max(1, -(-moments_of(periods, interval) // MOST_MOMENTS))


def origins_at(table: DemandTable, interval: Interval, moment: int) -> Origins:
    """The one origin after `moment` periods; `actual` is NaN where what came is not (wholly) known."""
    past = table.demand[:, :moment]
    known = np.count_nonzero(~np.isnan(past), axis=1)
    enough = (known >= FEWEST_FOR_FORECAST_ERRORS) & (np.count_nonzero(past > 0, axis=1) >= FEWEST_SALES)
    rows = np.flatnonzero(enough)
    came = table.demand[rows, moment : moment + interval.length]
    days = table.period_days
    terms = Terms(
        lead_time_days=interval.lead_time * days,
        review_period_days=interval.review_period * days,
        period_days=days,
        service_level=ONE_SD_ABOVE,
    )
    known_ahead = None if table.promotions is None else table.promotions[rows, : moment + interval.length]
    if known_ahead is not None and table.groups:
        terms = replace(terms, **_usual_terms(past[rows], known_ahead, np.array(table.groups)[rows]))
    found = scan(past[rows], terms, promotions=known_ahead)
    return Origins(
        interval=interval,
        step=1,
        product=rows,
        moment=np.full(rows.size, moment),
        known=found.periods,
        method=found.method,
        demand_class=found.demand_class,
        mean=found.mean_demand,
        variance=found.demand_sd**2,
        none=found.no_demand,
        textbook_mean=found.textbook_reorder_point - found.textbook_safety_stock,
        textbook_sd=found.textbook_safety_stock,
        actual=came.sum(axis=1) if came.shape[1] == interval.length else np.full(rows.size, np.nan),
        counting_unit=found.counting_unit,
        typical=interval.length * _mean_known(table.demand[rows]),
    )


def _usual_terms(past: FloatArray, promotions: Cuts, groups: NDArray[np.str_]) -> dict[str, FloatArray]:
    """Of each row's group, as known then."""
    found = {name: np.empty(len(past)) for name in usual_terms(UNKNOWN)}
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        usual = usual_terms(usual_promotion(zip(past[rows], promotions[rows], strict=True)))
        for name, column in found.items():
            column[rows] = usual[name]
    return found


def _mean_known(demand: FloatArray) -> FloatArray:
    return np.asarray(np.nansum(demand, axis=1) / np.maximum(np.count_nonzero(~np.isnan(demand), axis=1), 1))
