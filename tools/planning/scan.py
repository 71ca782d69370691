"""The calculator for a whole catalogue at once: the same numbers as one product's plan, block by block.

Demand is a matrix of products × periods, oldest first. NaN is an unknown period: before a product's first day, or out
of stock. Threads share the blocks. Only a few numbers a product are kept, so memory stays near the size of the input.

Lead times are a mean and a standard deviation, targets are cycle service levels. A product whose receipts are replayed,
whose target is a fill rate, a cost or profit, or whose price depends on the quantity needs
`tools.planning.replenishment.plan`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from os import cpu_count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.planning.demand import LARGEST_QUANTITY
from tools.planning.demand_distribution import FloatArray, IntArray, z_value
from tools.planning.forecast_grid import Demand
from tools.planning.learned import LEARNED, Learned
from tools.planning.promotion import Cuts
from tools.planning.scan_history import CACHED_ROWS, Rows, read_histories
from tools.planning.scan_plan import plan_block, textbook_levels
from tools.planning.scan_rates import read_rates, unseen_lifts
from tools.records.errors import InvalidInput
from tools.records.quantities import FINEST

BLOCK_ROWS = 1024
"""Histories that one call of NumPy works on where several threads work: with fewer, they wait for each other longer
than they work."""
TASK_ROWS = 8 * BLOCK_ROWS
"""Products that a thread takes at a time."""

Column = float | FloatArray


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
    usual_lift: Column = 1.0
    """How many times as much a promoted period usually sells in each product's group."""
    usual_cut: Column = 0.0
    usual_spread: Column = 0.0
    usual_scatter: Column = 0.0
    """With the price cut so far, and how products and promotions scatter (`tools.planning.promotion.Usual`)."""
    on_hand: Column = 0.0
    on_order: Column = 0.0
    backorders: Column = 0.0
    unit_price: Column = np.nan
    unit_size: Column = 1.0
    """The smallest amount that can be ordered or counted."""
    minimum_order_quantity: Column = 0.0
    order_multiple: Column = np.nan
    """NaN: of `unit_size`."""
    units_per_purchase_unit: Column = np.nan
    """NaN: it is bought by the unit."""
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
    """Position in `tools.planning.scan_plan.METHODS`."""
    demand_class: NDArray[np.int8]
    """Position in `tools.planning.demand.DEMAND_CLASSES`."""
    periods: IntArray
    nonzero_periods: IntArray
    counting_unit: FloatArray
    mean_per_day: FloatArray
    mean_demand: FloatArray
    demand_sd: FloatArray
    no_demand: FloatArray
    """The least chance of no demand over the protection interval."""
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


def scan(
    demand: Demand,
    terms: Terms,
    *,
    promotions: Cuts | None = None,
    learned: Learned | None = None,
    threads: int | None = None,
) -> PlanColumns:
    """Plan every row of `demand`, products × periods.

    `promotions` tells which periods were promoted, and in further columns which of those to come will be; where it is
    known, by how far the price is cut (0.25 is 25 % off).
    `learned` is what the catalogue has taught of each row's interval, with a share of 0 where nothing.
    Raises `InvalidDemand` naming the first row with a negative or infinite demand, and `InvalidInput` for terms that
    no plan could be made with.
    """
    columns = _columns(terms, len(demand))
    interval = (columns["lead_time_days"] + columns["review_period_days"]) / columns["period_days"]
    if promotions is not None:
        lifts = unseen_lifts(demand, promotions, columns, interval)
        columns["planned_uplift"] = columns["planned_uplift"] * lifts
    if learned is not None:
        columns |= dict(zip(LEARNED, learned, strict=True))
    result = _empty(len(demand), PLAN_TYPES)

    def work(rows: Rows, horizon: int, at_once: int) -> None:
        block = {name: column[rows] for name, column in columns.items()}
        known = read_histories(demand, rows, horizon, at_once, block["unit_size"])
        rates = read_rates(demand, rows, known, block, horizon, promotions)
        for name, values in plan_block(known, block, rates).items():
            result[name][rows] = values

    _run(work, list(_blocks_by_horizon(np.maximum(1, (interval + 0.5).astype(np.int64)))), threads)
    return PlanColumns(**result)


def scan_textbook(demand: Demand, terms: Terms, *, threads: int | None = None) -> TextbookColumns:
    """Mean, standard deviation, safety stock and reorder point by the textbook only."""
    columns = _columns(terms, len(demand))
    result = _empty(len(demand), TEXTBOOK_TYPES)

    def work(rows: Rows, _: int, at_once: int) -> None:
        known = read_histories(demand, rows, None, at_once)
        stock, level = textbook_levels(known, {name: column[rows] for name, column in columns.items()})
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
        "usual_lift above 0 and at most 100": (given["usual_lift"] > 0) & (given["usual_lift"] <= 100),
        "usual_cut of 0 or more and below 1": (given["usual_cut"] >= 0) & (given["usual_cut"] < 1),
        "usual_spread of 0 to 5": (given["usual_spread"] >= 0) & (given["usual_spread"] <= 5),
        "usual_scatter of 0 to 5": (given["usual_scatter"] >= 0) & (given["usual_scatter"] <= 5),
        f"unit_size of {FINEST} or more": given["unit_size"] >= FINEST,
        "order_multiple above 0": np.isnan(given["order_multiple"]) | (given["order_multiple"] > 0),
        "units_per_purchase_unit above 0": np.isnan(given["units_per_purchase_unit"])
        | (given["units_per_purchase_unit"] > 0),
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
