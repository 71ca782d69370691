"""How sure a proposed quantity is: the probability that it turns out acceptable. Computed by code, never by a model.

Acceptable means: no stock-out within the protection interval, and no more left over at its end than the plan permits.
The raw probability comes from the forecast's own distribution. A table fitted on past origins turns it into one that
held in the past; until such a table is there, the answer says that it is raw.
"""

import json
from functools import cache
from importlib import resources
from typing import Annotated

import numpy as np
from pydantic import Field

from tools.demand_distribution import Component, IntervalDemand
from tools.models import Confidence, Plan, Record

SHORT_HISTORY = 26
TYPING_ERROR = 10
"""A quantity so many times the plan's is taken for a slip of the hand, however small the plan's was."""
TYPING_ERROR_CONFIDENCE = 0.1
TABLE = "calibration_table.json"

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class CalibrationCurve(Record):
    """Share of orders that turned out acceptable at each raw probability; straight lines between the points."""

    raw: tuple[Probability, ...]
    acceptable: tuple[Probability, ...]

    def at(self, raw: float) -> float:
        return float(np.interp(raw, self.raw, self.acceptable))


class CalibrationTable(Record):
    """One monotone curve per stratum, fitted on earlier origins. `origin` states the data it was fitted on."""

    origin: str
    curves: dict[str, CalibrationCurve]


def assess(plan: Plan, quantity: int, *, table: CalibrationTable | None = None) -> Confidence:
    """The probability that ordering `quantity` turns out acceptable under `plan`.

    `table` replaces the one that ships with the package.
    """
    raw = raw_probability(plan, quantity)
    table = table or shipped_table()
    curve = table.curves.get(stratum(plan)) if table else None
    value = raw if curve is None else curve.at(raw)
    label = "raw, not calibrated" if curve is None else f"calibrated ({stratum(plan)})"
    if plan.order_quantity > 0 and quantity >= TYPING_ERROR * plan.order_quantity and value > TYPING_ERROR_CONFIDENCE:
        value, label = TYPING_ERROR_CONFIDENCE, f"{label}; {TYPING_ERROR} times the plan's quantity or more"
    return Confidence(value=value, raw=raw, calibrated=curve is not None, label=label)


def raw_probability(plan: Plan, quantity: int) -> float:
    """P(D ≤ y) − P(D < y − E) with y = inventory position + quantity and E the permitted leftover.

    Where nothing is ordered, nothing that is left over comes of the decision, and it is P(D ≤ y).
    """
    demand = _predictive(plan)
    level = plan.inventory_position + quantity
    covered = demand.cdf(level)
    left_over = demand.below(level - plan.permitted_leftover) if quantity > 0 else 0.0
    return min(1.0, max(0.0, covered - left_over))


def stratum(plan: Plan) -> str:
    """History length and demand class: what a calibration curve is fitted for."""
    known = plan.periods - plan.masked_periods
    return f"{'short' if known < SHORT_HISTORY else 'long'} history, {plan.demand_class}"


@cache
def shipped_table() -> CalibrationTable | None:
    """The table in the package, or None while none has been fitted."""
    file = resources.files("tools").joinpath(TABLE)
    if not file.is_file():
        return None
    return CalibrationTable.model_validate(json.loads(file.read_text(encoding="utf-8")))


def _predictive(plan: Plan) -> IntervalDemand:
    if plan.predictive is None:
        return IntervalDemand(plan.distribution, (Component(1.0, plan.mean_demand, plan.demand_sd**2),))
    parts = plan.predictive.components
    return IntervalDemand(
        plan.predictive.distribution, tuple(Component(part.weight, part.mean, part.sd**2) for part in parts)
    )
