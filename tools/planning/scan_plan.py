"""The plan's numbers for a block of products, by the lines of one product's plan, as arrays. Pure."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tools.planning.demand import (
    DEMAND_CLASSES,
    ERRATIC_CV2,
    FEWEST_PERIODS,
    INTERMITTENT_INTERVAL,
    LARGEST_QUANTITY,
)
from tools.planning.demand_distribution import (
    SMALLEST_MEAN,
    FloatArray,
    chance_of_none,
    lognormal_expected_shortage,
    lognormal_quantile_at,
)
from tools.planning.interval_forecast import FEWEST_FOR_FORECAST_ERRORS, widening
from tools.planning.learned import LEARNED, averaged_rates
from tools.planning.order_quantity import order_step
from tools.planning.scan_history import Histories
from tools.planning.scan_rates import Rates
from tools.planning.service import DAYS_A_YEAR
from tools.planning.working import LONGEST_INTERVAL_DAYS
from tools.records.quantities import DIGITS, ROUNDING, SAME

METHODS = ("too_short", "normal", "no_demand", "forecast_error")


def plan_block(known: Histories, terms: dict[str, FloatArray], rates: Rates) -> dict[str, NDArray[Any]]:
    """The columns of a scan by name. `terms` are its terms, with the standard normal quantiles `z` and `asked_z`."""
    demand = _Interval.of(known, terms, rates)
    position = terms["on_hand"] + terms["on_order"] - terms["backorders"]
    stock, textbook_level = textbook_levels(known, terms)
    mean_per_day = demand.rate / terms["period_days"]
    shortage = np.maximum(0.0, demand.level - position)
    available = np.maximum(0.0, terms["on_hand"] - terms["backorders"])
    lasting = ~(mean_per_day > available / LONGEST_INTERVAL_DAYS)
    days = np.where(lasting, np.nan, available / np.where(lasting, 1.0, mean_per_day))
    lost = demand.lost(position) / (np.where(demand.length > 0, demand.length, 1.0) * terms["period_days"])
    return {
        "method": demand.method,
        "demand_class": _classify(known),
        "periods": known.periods,
        "nonzero_periods": known.nonzero,
        "counting_unit": known.counting_unit,
        "mean_per_day": mean_per_day,
        "mean_demand": demand.mean,
        "demand_sd": np.sqrt(demand.variance),
        "no_demand": demand.none,
        "reorder_point": demand.level,
        "safety_stock": demand.level - demand.mean,
        "inventory_position": position,
        "shortage": shortage,
        "order_quantity": _order_quantity(demand, position, mean_per_day, terms),
        "days_until_stockout": days,
        "lost_units_per_day": lost,
        "lost_revenue_per_day": lost * terms["unit_price"],
        "textbook_safety_stock": stock,
        "textbook_reorder_point": textbook_level,
    }


def textbook_levels(known: Histories, terms: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Safety stock and reorder point by the textbook. (Silver, Pyke & Thomas, 2017, 6.7 and 6.9)"""
    interval = (terms["lead_time_days"] + terms["review_period_days"]) / terms["period_days"]
    mean, sd = known.mean * terms["planned_uplift"], known.sd * terms["planned_uplift"]
    stock = terms["z"] * sd * np.sqrt(interval)
    unknown = known.periods < FEWEST_PERIODS
    return np.where(unknown, np.nan, stock), np.where(unknown, np.nan, mean * interval + stock)


def _with_catalogue(
    rate: FloatArray,
    variance: FloatArray,
    unit: FloatArray,
    interval: tuple[FloatArray, FloatArray],
    terms: dict[str, FloatArray],
    judged: NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Mean and variance per period, averaged with what was learned where something was; `interval` is its length, and
    the factor for what the history does not show."""
    mean, sd, share = (terms[name] for name in LEARNED)
    told, uplift = judged & (share > 0) & (interval[0] > 0), terms["planned_uplift"]
    length = np.where(told, interval[0], 1.0)
    averaged = averaged_rates(
        rate,
        variance,
        floor=rate * unit,
        growth=length * interval[1],
        length=length,
        of=(mean * uplift, sd * uplift, share),
    )
    return np.where(told, averaged[0], rate), np.where(told, averaged[1], variance)


@dataclass(frozen=True, slots=True)
class _Interval:
    """Demand over each product's protection interval, and the level that covers it."""

    method: NDArray[np.int8]
    length: FloatArray
    """In periods."""
    rate: FloatArray
    mean: FloatArray
    variance: FloatArray
    """What the level is read from."""
    predictive_variance: FloatArray
    none: FloatArray
    """The least chance of no demand."""
    level: FloatArray

    @classmethod
    def of(cls, known: Histories, terms: dict[str, FloatArray], rates: Rates) -> Self:
        length = (terms["lead_time_days"] + terms["review_period_days"]) / terms["period_days"]
        method = _method(known)
        judged = method == METHODS.index("forecast_error")
        rate, variance = rates.mean * terms["planned_uplift"], rates.variance * terms["planned_uplift"] ** 2
        unseen = np.asarray(widening(length, np.maximum(known.periods, 1)))
        if LEARNED[0] in terms:
            rate, variance = _with_catalogue(rate, variance, known.counting_unit, (length, unseen), terms, judged)
        mean = rate * length
        between = (rate * terms["lead_time_sd_days"] / terms["period_days"]) ** 2
        least = rate * known.counting_unit
        widened = np.maximum(variance, least) * length * unseen + between
        plain = np.where(variance == 0, least, variance) * length + between
        none = _none(known, rate, length)
        level = _level(mean, widened, plain, judged, terms["asked_z"], known.counting_unit)
        level = np.where(judged & (special.ndtr(terms["asked_z"]) <= none), 0.0, level)
        variance = np.where(judged, widened, plain)
        unknown = method == METHODS.index("too_short")
        if unknown.any():
            rate, mean, variance, level = (
                np.where(unknown, np.nan, column) for column in (rate, mean, variance, level)
            )
        return cls(method, length, rate, mean, variance, widened, none, level)

    def lost(self, position: FloatArray) -> FloatArray:
        """Units of demand over the interval that `position` is expected to leave unserved."""
        some = self.mean > SMALLEST_MEAN
        mean, variance = _least(self.mean), _least(self.predictive_variance)
        unserved = lognormal_expected_shortage(level=position, mean=mean, variance=variance, none=self.none)
        return np.where(some, unserved, np.maximum(0.0, self.mean - position))


def _none(known: Histories, rate: FloatArray, length: FloatArray) -> FloatArray:
    """The least chance of no demand; 0 where nothing ever sold, whose demand is certain."""
    some = known.mean > 0
    selling = known.nonzero / np.maximum(known.periods, 1)
    none = chance_of_none(selling=selling, change=rate / np.where(some, known.mean, 1.0), interval=length)
    return np.where(some, none, 0.0)


def _least(values: FloatArray) -> FloatArray:
    """What stands for no demand at all, as in `tools.planning.demand_distribution.IntervalDemand`."""
    return np.maximum(values, SMALLEST_MEAN)


def _method(known: Histories) -> NDArray[np.int8]:
    chosen = np.where(
        known.periods < FEWEST_FOR_FORECAST_ERRORS, METHODS.index("normal"), METHODS.index("forecast_error")
    )
    chosen = np.where(known.mean == 0, METHODS.index("no_demand"), chosen)
    return np.where(known.periods < FEWEST_PERIODS, METHODS.index("too_short"), chosen).astype(np.int8)


def _level(
    mean: FloatArray,
    widened: FloatArray,
    plain: FloatArray,
    judged: NDArray[np.bool_],
    z: FloatArray,
    unit: FloatArray,
) -> FloatArray:
    some = mean > 0
    count = lognormal_quantile_at(z, mean=_least(mean / unit), variance=_least(widened / unit**2))
    lognormal = np.round(count * unit, DIGITS) if (unit != 1).any() else count
    if judged.all() and some.all():
        return lognormal
    normal = np.maximum(0.0, mean + z * np.sqrt(plain))
    return np.where(some, np.where(judged, lognormal, normal), 0.0)


def _classify(known: Histories) -> NDArray[np.int8]:
    """As `tools.planning.demand.classify`; the spread of the sales' size follows from that of all periods."""
    nonzero, sales = known.nonzero, np.maximum(known.nonzero, 1)
    size = known.mean * known.periods / sales
    square = known.sd**2 * (known.periods - 1) + known.mean**2 * known.periods - size**2 * sales
    with np.errstate(divide="ignore", invalid="ignore"):
        erratic = square / np.maximum(sales - 1, 1) / size**2 >= ERRATIC_CV2
        intermittent = known.periods / sales >= INTERMITTENT_INTERVAL
    named = DEMAND_CLASSES.index("smooth") + erratic + 2 * intermittent
    named = np.where(nonzero < FEWEST_PERIODS, DEMAND_CLASSES.index("unclassified"), named)
    return np.where(nonzero == 0, DEMAND_CLASSES.index("no_demand"), named).astype(np.int8)


def _order_quantity(
    demand: _Interval, position: FloatArray, mean_per_day: FloatArray, terms: dict[str, FloatArray]
) -> FloatArray:
    """As `tools.planning.order_quantity.decide_quantity` with the supplier's maximum as the only cap."""
    expected = (demand.rate > 0) | (demand.level > 0)
    unit, step = _order_steps(terms)
    minimum = np.maximum(_whole_units(terms["minimum_order_quantity"] / unit), 1.0)
    economic = _economic_quantity(mean_per_day, terms) / unit
    need, size = demand.level - position, terms["unit_size"]
    continuous = expected & (terms["review_period_days"] == 0)
    needed = np.where(continuous, _units_above(need / size), _whole_units(need / size))
    triggered = (position <= demand.level * (1 + SAME)) & (expected | (position < 0)) & (needed > 0)
    wanted = np.maximum(_whole_units(needed * (size / unit)), _whole_units(economic))
    wanted = np.ceil(np.maximum(wanted, minimum) / step) * step
    smallest, most = np.ceil(minimum / step) * step, _permitted_units(terms["maximum_order_quantity"] / unit)
    capped = np.floor(most / step) * step
    possible = np.where(capped >= smallest, capped, np.nan)
    quantity = np.where(wanted > most, possible, wanted) * unit
    quantity = np.round(quantity, DIGITS) if (unit != 1).any() else quantity
    return np.where(np.isnan(demand.level), np.nan, np.where(triggered, quantity, 0.0))


def _order_steps(terms: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """The unit that each product's orders are counted in, and of how many an order is a multiple."""
    size, multiple, pack = (terms[name] for name in ("unit_size", "order_multiple", "units_per_purchase_unit"))
    multiple = np.where(np.isnan(multiple), size, multiple)
    if (size == 1).all() and np.isnan(pack).all() and not (multiple % 1).any():
        return size, multiple
    given = np.stack([size, multiple, np.where(np.isnan(pack), size, pack)])
    distinct, place = np.unique(given, axis=1, return_inverse=True)
    steps = np.array([order_step(*column) for column in distinct.T.tolist()], dtype=np.float64)
    unit, step = steps[place].T
    return unit, step


def _fuzz(units: FloatArray) -> FloatArray:
    return np.minimum(0.5, ROUNDING * np.maximum(1.0, np.abs(units)))


def _units_above(need: FloatArray) -> FloatArray:
    return np.maximum(0.0, np.floor(need + _fuzz(need))) + 1.0


def _whole_units(need: FloatArray) -> FloatArray:
    return np.maximum(0.0, np.ceil(need - _fuzz(need)))


def _permitted_units(room: FloatArray) -> FloatArray:
    return np.floor(room + _fuzz(room))


def _economic_quantity(mean_per_day: FloatArray, terms: dict[str, FloatArray]) -> FloatArray:
    """√(2·K·D/h), or 0 where a cost is not known."""
    holding = terms["holding_rate"] * terms["unit_price"]
    known = (terms["order_cost"] > 0) & (holding > 0) & (mean_per_day > 0)
    if not known.any():
        return np.zeros_like(mean_per_day)
    square = 2 * terms["order_cost"] * mean_per_day * DAYS_A_YEAR / np.where(known, holding, 1.0)
    return np.where(known, np.minimum(np.sqrt(np.where(known, square, 0.0)), LARGEST_QUANTITY), 0.0)
