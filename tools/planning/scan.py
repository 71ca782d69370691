"""The calculator for a whole catalogue at once: the same numbers as one product's plan, block by block.

Demand is a matrix of products × periods, oldest first, in which NaN is an unknown period (before a product's first day,
or out of stock). A block of rows stays in a cache, blocks are shared out among threads, and a few numbers a product are
all that is kept, so that memory stays near the size of the input.

Lead times are a mean and a standard deviation, targets are cycle service levels. A product whose receipts are replayed,
whose target is a fill rate or a cost, or whose price depends on the quantity needs `tools.planning.replenishment.plan`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from os import cpu_count
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tools.planning.demand import ERRATIC_CV2, FEWEST_PERIODS, INTERMITTENT_INTERVAL, LARGEST_QUANTITY
from tools.planning.demand_distribution import SMALLEST_MEAN, FloatArray, IntArray, z_value
from tools.planning.demand_forecast import (
    MEANS,
    PAIRS,
    Demand,
    ErrorMoments,
    Trust,
    combine,
    grid,
    newest_moments,
    whole_blocks,
)
from tools.planning.interval_forecast import FEWEST_FOR_FORECAST_ERRORS, widening
from tools.planning.lognormal import lognormal_expected_shortage, lognormal_quantile_at
from tools.planning.order_quantity import WHOLE_UNIT_FUZZ
from tools.planning.replenishment import DAYS_A_YEAR, LONGEST_INTERVAL_DAYS
from tools.records.errors import InvalidDemand, InvalidInput

CACHED_ROWS = 256
"""Histories that one call of NumPy works on: of a year, they fit a core's own cache in double precision."""
BLOCK_ROWS = 1024
"""The same where several threads work, so many that a call takes far longer than the interpreter's lock takes to change
hands. With 256, threads work one after the other; with 512 to 768, they wait for each other longer than they work."""
TASK_ROWS = 8 * BLOCK_ROWS
"""Products whose few numbers are worked on together, and which a thread takes at a time."""
DIGITS_AT_RISK = 1e-5
"""Ratio of the squares about the mean to those about zero below which their difference loses digits that count."""

METHODS = ("too_short", "normal", "no_demand", "forecast_error")
DEMAND_CLASSES = ("no_demand", "unclassified", "smooth", "erratic", "intermittent", "lumpy")

Column = float | FloatArray
Rows: TypeAlias = slice | IntArray


@dataclass(frozen=True, slots=True)
class Terms:
    """What is known of each product besides its demand; a number holds for all. NaN is unknown.

    Durations in days, quantities in units, money in one currency. `on_order` is what counts of open orders.
    """

    lead_time_days: Column
    lead_time_sd_days: Column = 0.0
    review_period_days: Column = 0.0
    period_days: Column = 1.0
    service_level: Column = 0.95
    asked_service_level: Column = np.nan
    """What to ask for in order to get `service_level`, where that is known (`tools.lookback.pooled_service`)."""
    planned_uplift: Column = 1.0
    on_hand: Column = 0.0
    on_order: Column = 0.0
    backorders: Column = 0.0
    unit_price: Column = np.nan
    minimum_order_quantity: Column = 0.0
    order_multiple: Column = 1.0
    maximum_order_quantity: Column = np.nan
    order_cost: Column = np.nan
    holding_rate: Column = np.nan


@dataclass(frozen=True, slots=True)
class TextbookColumns:
    """SS = z·σ·√(L + R) and ROP = mean·(L + R) + SS for each product. (Silver, Pyke & Thomas, 2017, 6.7 and 6.9)"""

    periods: IntArray
    mean_per_period: FloatArray
    demand_sd: FloatArray
    safety_stock: FloatArray
    reorder_point: FloatArray


@dataclass(frozen=True, slots=True)
class PlanColumns:
    """A plan's numbers for each product, by the names they have there. NaN where fewer than three periods are known."""

    method: NDArray[np.int8]
    """Position in `METHODS`."""
    demand_class: NDArray[np.int8]
    """Position in `DEMAND_CLASSES`."""
    periods: IntArray
    nonzero_periods: IntArray
    mean_per_day: FloatArray
    mean_demand: FloatArray
    demand_sd: FloatArray
    reorder_point: FloatArray
    safety_stock: FloatArray
    inventory_position: FloatArray
    shortage: FloatArray
    order_quantity: FloatArray
    """0 where nothing is to be ordered, NaN where no order is possible under the supplier's rules."""
    days_until_stockout: FloatArray
    lost_units_per_day: FloatArray
    """Expected demand that the present position leaves unserved, per day of the protection interval."""
    lost_revenue_per_day: FloatArray
    textbook_safety_stock: FloatArray
    textbook_reorder_point: FloatArray


def scan(demand: Demand, terms: Terms, *, threads: int | None = None) -> PlanColumns:
    """Plan every row of `demand`, products × periods.

    Raises `InvalidDemand` naming the first row with a negative or infinite demand, and `InvalidInput` for terms that
    no plan could be made with.
    """
    columns = _columns(terms, len(demand))
    interval = (columns["lead_time_days"] + columns["review_period_days"]) / columns["period_days"]
    result = _empty(len(demand), PLAN_TYPES)

    def work(rows: Rows, horizon: int, at_once: int) -> None:
        known = _read(demand, rows, horizon, at_once)
        block = {name: column[rows] for name, column in columns.items()}
        for name, values in _plan_block(known, block, horizon).items():
            result[name][rows] = values

    _run(work, list(_blocks_by_horizon(np.maximum(1, (interval + 0.5).astype(np.int64)))), threads)
    return PlanColumns(**result)


def scan_textbook(demand: Demand, terms: Terms, *, threads: int | None = None) -> TextbookColumns:
    """Mean, standard deviation, safety stock and reorder point by the textbook only."""
    columns = _columns(terms, len(demand))
    result = _empty(len(demand), TEXTBOOK_TYPES)

    def work(rows: Rows, _: int, at_once: int) -> None:
        known = _read(demand, rows, None, at_once)
        stock, level = _textbook(known, {name: column[rows] for name, column in columns.items()})
        result["periods"][rows], result["mean_per_period"][rows] = known.periods, known.mean
        result["demand_sd"][rows], result["safety_stock"][rows], result["reorder_point"][rows] = known.sd, stock, level

    _run(work, [(rows, 0) for rows in _row_blocks(len(demand))], threads)
    return TextbookColumns(**result)


def _empty(size: int, types: Mapping[str, type[np.generic]]) -> dict[str, Any]:
    return {name: np.empty(size, dtype=dtype) for name, dtype in types.items()}


def _run(work: Callable[[Rows, int, int], None], blocks: Sequence[tuple[Rows, int]], threads: int | None) -> None:
    """Each thread takes every n-th block; NumPy lets go of the interpreter while it computes."""
    count = max(1, min(threads or cpu_count() or 1, len(blocks)))
    at_once = BLOCK_ROWS if count > 1 else CACHED_ROWS

    def share(first: int) -> None:
        for rows, horizon in blocks[first::count]:
            work(rows, horizon, at_once)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(share, range(count)))


def _row_blocks(size: int) -> Iterator[slice]:
    for start in range(0, size, TASK_ROWS):
        yield slice(start, min(start + TASK_ROWS, size))


def _blocks_by_horizon(horizons: IntArray) -> Iterator[tuple[Rows, int]]:
    """Blocks of rows that share a horizon; consecutive rows where all do."""
    for horizon in np.unique(horizons):
        rows = np.flatnonzero(horizons == horizon)
        for block in _row_blocks(rows.size):
            yield (block if rows.size == horizons.size else rows[block]), int(horizon)


def _columns(terms: Terms, size: int) -> dict[str, FloatArray]:
    given = {term.name: np.asarray(getattr(terms, term.name), dtype=np.float64) for term in fields(terms)}
    _refuse_bad_terms(given)
    level, asked = given["service_level"], given["asked_service_level"]
    given["z"], given["asked_z"] = z_value(level), z_value(np.where(np.isnan(asked), level, asked))
    return {name: np.broadcast_to(column, (size,)) for name, column in given.items()}


def _refuse_bad_terms(given: dict[str, FloatArray]) -> None:
    level = given["service_level"]
    amounts = ("lead_time_days", "lead_time_sd_days", "review_period_days", "on_hand", "on_order", "backorders")
    asked = given["asked_service_level"]
    checks = {
        "service_level above 0 and at most 0.999": (level > 0) & (level <= 0.999),
        "asked_service_level above 0 and at most 0.999": np.isnan(asked) | (asked > 0) & (asked <= 0.999),
        "period_days above 0": given["period_days"] > 0,
        "planned_uplift above 0 and at most 100": (given["planned_uplift"] > 0) & (given["planned_uplift"] <= 100),
        "order_multiple of 1 or more": given["order_multiple"] >= 1,
        **{f"{name} of 0 or more": (given[name] >= 0) & (given[name] <= LARGEST_QUANTITY) for name in amounts},
    }
    for wanted, good in checks.items():
        if not good.all():
            row = int(np.flatnonzero(~good)[0])
            value = given[wanted.split()[0]].flat[row]
            raise InvalidInput(f"Row {row} has {wanted.split()[0]} {value:g}; give {wanted}.")


def _names(columns: type) -> dict[str, type[np.generic]]:
    whole: dict[str, type[np.generic]] = {"method": np.int8, "demand_class": np.int8}
    whole |= {"periods": np.int64, "nonzero_periods": np.int64}
    return {column.name: whole.get(column.name, np.float64) for column in fields(columns)}


PLAN_TYPES, TEXTBOOK_TYPES = _names(PlanColumns), _names(TextbookColumns)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the histories of some products say, in a few numbers each."""

    periods: IntArray
    mean: FloatArray
    sd: FloatArray
    nonzero: IntArray
    means: FloatArray
    moments: ErrorMoments


def _read(demand: Demand, rows: Rows, horizon: int | None, at_once: int) -> _Known:
    """Block by block. Without a horizon, what only the plan needs is left at 0."""
    size = rows.stop - rows.start if isinstance(rows, slice) else rows.size
    periods, nonzero = np.empty(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    numbers = np.zeros((3 + 2 * MEANS + len(PAIRS), size))
    total, squares, windows = numbers[:3]
    width = demand.shape[1] if horizon is None else whole_blocks(demand.shape[1], horizon)
    room, ones = np.zeros((min(at_once, size), width)), np.ones(width)
    for start in range(0, size, at_once):
        here = slice(start, min(start + at_once, size))
        block = _part(rows, here)
        values, known = _known_values(demand, block, room)
        periods[here] = known
        if horizon is None:
            np.vecdot(values, ones, out=total[here])
        else:
            nonzero[here] = _count_sales(values)
            with np.errstate(invalid="ignore"):
                total[here] = _judge(values, known, horizon, numbers[2:, here])
        if not np.maximum.reduce(total[here]) <= LARGEST_QUANTITY:
            _refuse_bad_demand(values, block)
        np.vecdot(values, values, out=squares[here])
    mean, sd = _describe(demand, rows, periods, total, squares)
    means, bias, products = np.split(numbers[3:], (MEANS, 2 * MEANS))
    return _Known(
        periods, mean, sd, nonzero, means, ErrorMoments(bias, products, Trust.in_windows(windows, horizon or 1))
    )


def _part(rows: Rows, here: Rows) -> Rows:
    if not isinstance(rows, slice):
        return rows[here]
    return slice(rows.start + here.start, rows.start + here.stop) if isinstance(here, slice) else rows.start + here


def _known_values(demand: Demand, rows: Rows, room: FloatArray) -> tuple[FloatArray, IntArray]:
    """The known periods, right-aligned in `room` with zeros before their start; how many (one number if equal)."""
    block = demand[rows]
    values = room[: len(block)]
    least = np.minimum.reduce(block, axis=None, initial=np.inf)
    if least >= 0:
        values[:, values.shape[1] - block.shape[1] :] = block
        return values, np.array([block.shape[1]])
    if not np.isnan(least):
        _refuse_bad_demand(block, rows)
    block, known = _close_up(block.astype(np.float64))
    if np.minimum.reduce(block, axis=None) < 0:
        _refuse_bad_demand(block, rows)
    values[:, : values.shape[1] - block.shape[1]] = 0.0
    values[:, values.shape[1] - block.shape[1] :] = block
    return values, known


def _describe(
    demand: Demand, rows: Rows, periods: IntArray, total: FloatArray, squares: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation (ddof = 1): from the sum of squares, in two passes where that would cost digits."""
    mean = total / np.maximum(periods, 1)
    level = total * mean
    spread = squares - level
    doubtful = np.flatnonzero(spread < DIGITS_AT_RISK * level)
    room = np.zeros((min(CACHED_ROWS, doubtful.size), demand.shape[1]))
    for start in range(0, doubtful.size, CACHED_ROWS):
        chosen = doubtful[start : start + CACHED_ROWS]
        values, _ = _known_values(demand, _part(rows, chosen), room)
        deviation = values - mean[chosen, None]
        deviation[np.arange(values.shape[1]) < values.shape[1] - periods[chosen, None]] = 0.0
        spread[chosen] = np.vecdot(deviation, deviation)
    return mean, np.sqrt(spread / np.maximum(periods - 1, 1))


def _judge(values: FloatArray, periods: IntArray, horizon: int, numbers: FloatArray) -> FloatArray:
    """What the mean forecasts of a block are and what they missed: windows, means, biases, products of errors.
    Returns each product's whole demand, which comes of it."""
    past = grid(values, periods=periods, horizon=horizon)
    moments = newest_moments(past)
    numbers[0], numbers[1 : 1 + MEANS] = past.frame.windows, past.means
    numbers[1 + MEANS : 1 + 2 * MEANS], numbers[1 + 2 * MEANS :] = moments.bias, moments.products
    return past.sums[0, :, -1]


def _close_up(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Drop the unknown periods of each row: what is known moves to the right, zeros come before it."""
    unknown = np.isnan(values)
    periods = values.shape[1] - np.count_nonzero(unknown, axis=1)
    if (unknown[:, 1:] > unknown[:, :-1]).any():
        values = np.take_along_axis(values, np.argsort(~unknown, axis=1, kind="stable"), axis=1)
    first = values.shape[1] - max(1, int(periods.max(initial=0)))
    return np.nan_to_num(values[:, first:], nan=0.0, posinf=np.inf, neginf=-np.inf), periods


def _refuse_bad_demand(values: Demand, rows: Rows) -> None:
    bad = (values < 0).any(axis=1) | ~(values <= LARGEST_QUANTITY).all(axis=1)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        row = rows.start + first if isinstance(rows, slice) else int(rows[first])
        raise InvalidDemand(
            f"Row {row} has a demand below 0, infinite or above {LARGEST_QUANTITY:g}; give demand before returns, "
            "or NaN where it is unknown."
        )


def _textbook(known: _Known, terms: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    interval = (terms["lead_time_days"] + terms["review_period_days"]) / terms["period_days"]
    mean, sd = known.mean * terms["planned_uplift"], known.sd * terms["planned_uplift"]
    stock = terms["z"] * sd * np.sqrt(interval)
    unknown = known.periods < FEWEST_PERIODS
    return np.where(unknown, np.nan, stock), np.where(unknown, np.nan, mean * interval + stock)


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
    level: FloatArray

    @classmethod
    def of(cls, known: _Known, terms: dict[str, FloatArray], horizon: int) -> Self:
        length = (terms["lead_time_days"] + terms["review_period_days"]) / terms["period_days"]
        method = _method(known)
        judged = method == METHODS.index("forecast_error")
        rate, variance = _rates(known, judged, horizon)
        rate, variance = rate * terms["planned_uplift"], variance * terms["planned_uplift"] ** 2
        mean = rate * length
        between = (rate * terms["lead_time_sd_days"] / terms["period_days"]) ** 2
        unseen = widening(length, np.maximum(known.periods, 1))
        widened = np.maximum(variance, rate) * length * unseen + between
        plain = np.where(variance == 0, rate, variance) * length + between
        level = _level(mean, widened, plain, judged, terms["asked_z"])
        variance = np.where(judged, widened, plain)
        unknown = method == METHODS.index("too_short")
        if unknown.any():
            rate, mean, variance, level = (
                np.where(unknown, np.nan, column) for column in (rate, mean, variance, level)
            )
        return cls(method, length, rate, mean, variance, widened, level)

    def lost(self, position: FloatArray) -> FloatArray:
        """Units of demand over the interval that `position` is expected to leave unserved."""
        some = self.mean > 0
        mean, variance = _least(self.mean), _least(self.predictive_variance)
        unserved = lognormal_expected_shortage(level=position, mean=mean, variance=variance)
        return np.where(some, unserved, np.maximum(0.0, self.mean - position))


def _least(values: FloatArray) -> FloatArray:
    """What stands for no demand at all, as in `tools.planning.demand_distribution.IntervalDemand`."""
    return np.maximum(values, SMALLEST_MEAN)


def _method(known: _Known) -> NDArray[np.int8]:
    chosen = np.where(
        known.periods < FEWEST_FOR_FORECAST_ERRORS, METHODS.index("normal"), METHODS.index("forecast_error")
    )
    chosen = np.where(known.mean == 0, METHODS.index("no_demand"), chosen)
    return np.where(known.periods < FEWEST_PERIODS, METHODS.index("too_short"), chosen).astype(np.int8)


def _rates(known: _Known, judged: NDArray[np.bool_], horizon: int) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of demand per period."""
    if not judged.any():
        return known.mean, known.sd**2
    rate = combine(means=known.means, moments=known.moments, variance=known.sd**2, horizon=horizon)
    return np.where(judged, rate.mean, known.mean), np.where(judged, rate.variance, known.sd**2)


def _level(
    mean: FloatArray, widened: FloatArray, plain: FloatArray, judged: NDArray[np.bool_], z: FloatArray
) -> FloatArray:
    some = mean > 0
    lognormal = lognormal_quantile_at(z, mean=_least(mean), variance=_least(widened))
    if judged.all() and some.all():
        return lognormal
    normal = np.maximum(0.0, mean + z * np.sqrt(plain))
    return np.where(some, np.where(judged, lognormal, normal), 0.0)


def _count_sales(demand: FloatArray) -> IntArray:
    """Periods with a sale: as bits, which are counted eight bytes at a time."""
    bits = np.packbits(demand != 0, axis=1)
    words = np.zeros((len(bits), -(-bits.shape[1] // 8) * 8), dtype=np.uint8)
    words[:, : bits.shape[1]] = bits
    return np.asarray(np.bitwise_count(words.view(np.uint64)).sum(axis=1, dtype=np.int64))


def _classify(known: _Known) -> NDArray[np.int8]:
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
    triggered = (position <= demand.level) & ((demand.rate > 0) | (demand.level > 0) | (position < 0))
    multiple, minimum = terms["order_multiple"], np.maximum(terms["minimum_order_quantity"], 1.0)
    economic = _economic_quantity(mean_per_day, terms)
    need = demand.level - position
    needed = np.where((demand.rate > 0) | (demand.level > 0), _units_above(need), _whole_units(need))
    wanted = np.maximum(needed, _whole_units(economic))
    wanted = np.ceil(np.maximum(wanted, minimum) / multiple) * multiple
    smallest = np.ceil(minimum / multiple) * multiple
    capped = np.floor(terms["maximum_order_quantity"] / multiple) * multiple
    possible = np.where(capped >= smallest, capped, np.nan)
    quantity = np.where(wanted > terms["maximum_order_quantity"], possible, wanted)
    return np.where(np.isnan(demand.level), np.nan, np.where(triggered, quantity, 0.0))


def _fuzz(units: FloatArray) -> FloatArray:
    return np.minimum(0.5, WHOLE_UNIT_FUZZ * np.maximum(1.0, np.abs(units)))


def _units_above(need: FloatArray) -> FloatArray:
    return np.maximum(0.0, np.floor(need + _fuzz(need))) + 1.0


def _whole_units(need: FloatArray) -> FloatArray:
    return np.maximum(0.0, np.ceil(need - _fuzz(need)))


def _economic_quantity(mean_per_day: FloatArray, terms: dict[str, FloatArray]) -> FloatArray:
    """√(2·K·D/h), or 0 where a cost is not known."""
    holding = terms["holding_rate"] * terms["unit_price"]
    known = (terms["order_cost"] > 0) & (holding > 0) & (mean_per_day > 0)
    if not known.any():
        return np.zeros_like(mean_per_day)
    square = 2 * terms["order_cost"] * mean_per_day * DAYS_A_YEAR / np.where(known, holding, 1.0)
    return np.where(known, np.minimum(np.sqrt(np.where(known, square, 0.0)), LARGEST_QUANTITY), 0.0)


def _plan_block(known: _Known, terms: dict[str, FloatArray], horizon: int) -> dict[str, NDArray[Any]]:
    demand = _Interval.of(known, terms, horizon)
    position = terms["on_hand"] + terms["on_order"] - terms["backorders"]
    stock, textbook_level = _textbook(known, terms)
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
        "mean_per_day": mean_per_day,
        "mean_demand": demand.mean,
        "demand_sd": np.sqrt(demand.variance),
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
