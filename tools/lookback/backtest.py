"""Would the calculator have kept its promise on this data? Rolling origins and a simulation, the textbook beside it."""

from dataclasses import dataclass

import numpy as np

from tools.catalog.demand_table import DemandTable
from tools.lookback.calibration import calibrated, judge_proposals
from tools.lookback.coverage import FEWEST_ORIGINS, SERVICE_LEVELS, Coverage, coverage_table
from tools.lookback.pooled_service import PooledFactor, pooled_factors
from tools.lookback.reliability import calibration_error, reliability
from tools.lookback.rolling_origin import Interval, Progress, origins_at, rolling_origins, step_over
from tools.lookback.simulation import OrderTerms, Played, play
from tools.planning.confidence import CalibrationTable, ReliabilityBin, shipped_table
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.demand_distribution import IntArray
from tools.planning.interval_forecast import FEWEST_FOR_FORECAST_ERRORS
from tools.planning.notices import FEWEST_SALES
from tools.records.errors import InvalidInput

LEARNING_SHARE = 0.25
"""Of the periods, before the simulation begins."""


@dataclass(frozen=True, slots=True)
class SimulatedRow:
    """One demand class under one method and one asked service, over the simulated time."""

    demand_class: str
    method: str
    asked: float
    products: int
    cycles: int
    """Review cycles, all products together."""
    short_cycles: int
    """Those with unmet demand."""
    fill_rate: float
    stock: float
    """Units on hand on average, all products together."""
    stock_value: float
    orders_per_year: float
    cost_per_year: float

    @property
    def cycle_service(self) -> float:
        """Share of the cycles without unmet demand."""
        return 1 - self.short_cycles / self.cycles


@dataclass(frozen=True, slots=True)
class Backtest:
    """All that the report shows."""

    table: DemandTable
    interval: Interval
    terms: OrderTerms
    origins: int
    coverage: list[Coverage]
    pooled: list[PooledFactor]
    simulated: list[SimulatedRow]
    reliability: tuple[ReliabilityBin, ...]
    calibration_error: float
    calibration_origin: str


def backtest(
    table: DemandTable,
    interval: Interval,
    *,
    terms: OrderTerms | None = None,
    asked: tuple[float, ...] = SERVICE_LEVELS,
    step: int | None = None,
    calibration: CalibrationTable | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Look back on every `step`-th origin, then play the orders through."""
    terms = terms or OrderTerms()
    _refuse_impossible(asked)
    step = step or step_over(table.demand.shape[1], interval)
    origins = rolling_origins(table, interval, step=step, progress=_half(progress, 0))
    if not len(origins):
        raise _too_little(table)
    first = max(FEWEST_FOR_FORECAST_ERRORS, int(table.demand.shape[1] * LEARNING_SHARE))
    played = play(table, interval, terms, asked=asked, first=first, progress=_half(progress, 50))
    if not any(run.cycles.any() for run in played):
        raise _too_short(table, interval)
    curves = calibration or shipped_table()
    outcomes = judge_proposals(origins)
    confidence = outcomes.raw if curves is None else calibrated(curves, outcomes)
    return Backtest(
        table=table,
        interval=interval,
        terms=terms,
        origins=len(origins),
        coverage=coverage_table(origins, asked),
        pooled=[factor for level in asked for factor in pooled_factors(origins, level)],
        simulated=_simulated(table, interval, terms, played),
        reliability=reliability(confidence, outcomes.acceptable, overlap=outcomes.overlap),
        calibration_error=calibration_error(confidence, outcomes.acceptable),
        calibration_origin="not calibrated" if curves is None else curves.origin,
    )


def _too_little(table: DemandTable) -> InvalidInput:
    return InvalidInput(
        f"None of the {len(table.products)} products has {FEWEST_FOR_FORECAST_ERRORS} known periods with "
        f"{FEWEST_SALES} sales and a whole protection interval after them; give a longer history."
    )


def _too_short(table: DemandTable, interval: Interval) -> InvalidInput:
    return InvalidInput(
        f"The table has {table.demand.shape[1]} periods, which end before orders over {interval.length} of them can be "
        "played through; give a longer history or a shorter lead time."
    )


def _refuse_impossible(asked: tuple[float, ...]) -> None:
    for level in asked:
        if not 0 < level < 1:
            raise InvalidInput(f"A service of {level:g} cannot be asked for; give a share between 0 and 1, as in 0.95.")


def few_moments(found: Backtest) -> str | None:
    """A warning where the figures come from few past moments."""
    if found.origins >= FEWEST_ORIGINS:
        return None
    return (
        f"Only {found.origins} past moments: chance alone moves these figures by several points. A longer history, "
        "more products or a smaller --step gives more."
    )


def _half(progress: Progress | None, begun: int) -> Progress:
    """Progress of one of two equally long tasks, out of a hundred."""

    def tell(done: int, of: int) -> None:
        if progress:
            progress(begun + 50 * done // of, 100)

    return tell


def _simulated(table: DemandTable, interval: Interval, terms: OrderTerms, played: list[Played]) -> list[SimulatedRow]:
    last = origins_at(table, interval, table.demand.shape[1])
    classes = np.zeros(len(table.products), dtype=np.int64)
    classes[last.product] = last.demand_class
    rows = []
    for run in played:
        lived = run.cycles > 0
        rows.append(_row("all", np.flatnonzero(lived), run, table, terms))
        for index, name in enumerate(DEMAND_CLASSES):
            own = np.flatnonzero(lived & (classes == index))
            if own.size:
                rows.append(_row(name, own, run, table, terms))
    return sorted(rows, key=lambda row: (row.demand_class != "all", row.demand_class, row.asked, row.method))


def _row(name: str, chosen: IntArray, run: Played, table: DemandTable, terms: OrderTerms) -> SimulatedRow:
    prices = np.ones(len(table.products)) if table.unit_prices is None else np.nan_to_num(table.unit_prices)
    years = np.maximum(run.periods, 1) * table.period_days / 365.25
    return SimulatedRow(
        demand_class=name,
        method=run.method,
        asked=run.asked,
        products=int(chosen.size),
        cycles=int(run.cycles[chosen].sum()),
        short_cycles=int((run.cycles - run.served_cycles)[chosen].sum()),
        fill_rate=float(1 - run.unmet[chosen].sum() / max(run.demand[chosen].sum(), np.finfo(float).tiny)),
        stock=float(run.stock[chosen].sum()),
        stock_value=float((run.stock * prices)[chosen].sum()),
        orders_per_year=float((run.orders / years)[chosen].sum()),
        cost_per_year=float(run.cost_per_year(prices, terms, table.period_days)[chosen].sum()),
    )
