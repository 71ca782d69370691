"""How sure a proposed quantity is: the probability that it turns out acceptable. Computed by code, never by a model.

Acceptable means: no stock-out within the protection interval, and no more left over at its end than the asked service
itself needs and the cover permitted above it (`tools.planning.working`). So more service is a surer order.
The raw probability comes from the forecast's own distribution. A table fitted on past origins turns it into one that
held in the past; until such a table is there, the answer says that it is raw.
"""

from datetime import date
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from tools.planning.demand_distribution import Component, IntervalDemand
from tools.planning.order_quantity import whole_units
from tools.planning.summary import lasting
from tools.records.errors import InvalidInput
from tools.records.facts import Record
from tools.records.plan import Confidence, Plan, Stratum
from tools.records.text import several

SHORT_HISTORY = 26
TYPING_ERROR = 10
"""A quantity this many times the plan's counts as a typing error, however small the plan's is."""
TYPING_ERROR_CONFIDENCE = 0.1
SMALL = 0.05
"""A share that explains nothing."""
TABLE = "calibration_table.json"

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class CalibrationCurve(Record):
    """Share of orders that turned out acceptable at each raw probability; straight lines between the points."""

    raw: Annotated[tuple[Probability, ...], Field(min_length=1)]
    acceptable: tuple[Probability, ...]

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if len(self.raw) != len(self.acceptable):
            raise ValueError("raw and acceptable need as many points as each other")
        if any(after < before for column in (self.raw, self.acceptable) for before, after in pairwise(column)):
            raise ValueError("neither raw nor acceptable may fall from point to point")
        return self

    def at(self, raw: float) -> float:
        return float(np.interp(raw, self.raw, self.acceptable))


class ReliabilityBin(Record):
    """What was stated of some proposals, and what share of them turned out acceptable, with its 95 % interval."""

    stratum: Stratum
    predicted: Probability
    """Mean confidence stated in this tenth."""
    observed: Probability
    """Share that turned out right."""
    count: Annotated[int, Field(ge=1)]
    """Proposals or orders in this tenth."""
    low: Probability
    """Lower end of the observed share's 95 % interval."""
    high: Probability
    """Upper end of the observed share's 95 % interval."""


class CalibrationTable(Record):
    """One monotone curve per stratum, fitted on earlier origins. `origin` states the data it was fitted on."""

    origin: str
    curves: dict[str, CalibrationCurve]
    fitted_on: date | None = None
    proposals: int = 0
    """How many past proposals it was fitted on."""
    recorded_outcomes: int = 0
    """How many outcomes of real orders moved it."""
    reliability: tuple[ReliabilityBin, ...] = ()
    """On later proposals than those that a trial table was fitted on: how far such a table can be believed."""


def assess(plan: Plan, quantity: float, *, table: CalibrationTable | None = None) -> Confidence:
    """The probability that ordering `quantity` turns out acceptable under `plan`; for more than was planned, never
    higher than for what was.

    `table` replaces the one that ships with the package.
    """
    raw = raw_probability(plan, quantity)
    table = table or shipped_table()
    fitted = plan.method != "profit"  # Tables are fitted on the levels of asked services.
    curve = table.curves.get(stratum(plan)) if table and fitted else None
    value = raw if curve is None else curve.at(raw)
    if quantity > plan.order_quantity > 0:
        value = min(value, assess(plan, plan.order_quantity, table=table).value)
    label = "raw, not calibrated" if curve is None else f"calibrated ({stratum(plan)})"
    if plan.order_quantity > 0 and quantity >= TYPING_ERROR * plan.order_quantity and value > TYPING_ERROR_CONFIDENCE:
        value, label = TYPING_ERROR_CONFIDENCE, f"{label}; {TYPING_ERROR} times the plan's quantity or more"
    return Confidence(value=value, raw=raw, calibrated=curve is not None, label=label)


def raw_probability(plan: Plan, quantity: float) -> float:
    """P(D ≤ y) − P(D < y − E) with y = inventory position + quantity and E the permitted leftover.

    Where nothing is ordered, nothing that is left over comes of the decision, and it is P(D ≤ y).
    """
    demand = _predictive(plan)
    level = plan.inventory_position + quantity
    covered = demand.cdf(level)
    left_over = demand.below(level - plan.permitted_leftover) if quantity > 0 else 0.0
    return min(1.0, max(0.0, covered - left_over))


def chance_to_last(plan: Plan, quantity: float) -> float:
    """The chance that the position with this quantity covers the demand of the protection interval."""
    return _predictive(plan).cdf(plan.inventory_position + quantity)


def why_unsure(plan: Plan, quantity: float, confidence: Confidence) -> str:
    """What takes most from the confidence in `quantity`: demand beyond it, what it would leave over, or past orders
    that turned out worse than forecast."""
    short = 1 - _predictive(plan).cdf(plan.inventory_position + quantity)
    excess, learned = 1 - confidence.raw - short, confidence.raw - confidence.value
    if excess > max(short, learned):
        return _why_left_over(plan, quantity)
    known, asked = plan.periods - plan.masked_periods, plan.implied.cycle_service_level or 0.0
    if short > learned:
        if quantity < plan.shortage:
            missing = whole_units(plan.shortage, plan.unit_size)
            ordered = "1 unit is" if quantity == 1 else f"{quantity:,} units are"
            return f"{ordered} ordered, and {missing:,} {'is' if missing == 1 else 'are'} missing"
        if short <= 1 - asked + SMALL:
            cause = "The order that earns most" if plan.method == "profit" else "The service asked for"
            return f"{cause} lets stock run out in {1 - asked:.0%} of such intervals"
        if known < SHORT_HISTORY:
            return f"Only {several(known, 'period')} of demand {'is' if known == 1 else 'are'} known"
    if plan.backtest_coverage is not None and plan.backtest_coverage < 1 - SMALL:
        return f"{10 * (1 - plan.backtest_coverage):.0f} of 10 past intervals needed more"
    return f"Of past orders that looked as sure ({stratum(plan)}), {confidence.value:.0%} turned out right"


def _why_left_over(plan: Plan, quantity: float) -> str:
    if not plan.mean_per_day:
        return "No demand is expected"
    # Above the need by a whole multiple or more: the supplier's minimum is why.
    is_minimum = quantity <= plan.minimum_quantity and quantity >= plan.shortage + plan.order_multiple
    least = "minimum order" if is_minimum else "order"
    return f"The {least} of {quantity:,} is {lasting(quantity / plan.mean_per_day)} of demand"


def stratum(plan: Plan) -> str:
    """History length and demand class: what a calibration curve is fitted for."""
    known = plan.periods - plan.masked_periods
    return f"{'short' if known < SHORT_HISTORY else 'long'} history, {plan.demand_class}"


@cache
def shipped_table() -> CalibrationTable | None:
    """The table in the package, or None while none has been fitted."""
    file = resources.files("tools.planning").joinpath(TABLE)
    if not file.is_file():
        return None
    return CalibrationTable.model_validate_json(file.read_bytes())


def read_table(path: Path | None) -> CalibrationTable | None:
    """A table that was fitted on one's own data; None where no file is named. Raises `InvalidInput` for a file that is
    none."""
    if path is None:
        return None
    try:
        return CalibrationTable.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidInput(f"The calibration table {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"])) or "the file"
        raise InvalidInput(
            f"{path} is no calibration table: {place}: {fault['msg']}. Make one with `restock calibrate`."
        ) from error


def _predictive(plan: Plan) -> IntervalDemand:
    if plan.predictive is None:
        return IntervalDemand(
            plan.distribution, (Component(1.0, plan.mean_demand, plan.demand_sd**2),), plan.counting_unit
        )
    parts = [Component(part.weight, part.mean, part.sd**2, part.no_demand) for part in plan.predictive.components]
    return IntervalDemand(plan.predictive.distribution, tuple(parts), plan.counting_unit)
