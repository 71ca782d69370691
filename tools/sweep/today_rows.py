"""One line of today's list: a product at a location, and what is to be done about it today.

    needs_data        something is missing before it can be planned; `reason` says what, and how to give it
    waits_for_review  a person must decide on an order for it
    snoozed           a person said to leave it alone until a day, though an order is due
    late_order        an order for it is late, whether more is needed or not
    order_now         the position is at or below the reorder point
    not_possible      it should be ordered, but no quantity fits the supplier's rules and the caps
    on_order          what is on the way is why nothing is to be ordered
    no_demand         nothing sells, so nothing is to be ordered
    enough            nothing is to be ordered yet

The first that fits is the status.
"""

from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_args

from pydantic import ConfigDict, Field

from tools.book.snoozes import Snooze
from tools.planning.confidence import CalibrationTable, assess, why_unsure
from tools.planning.summary import units
from tools.planning.working import LONGEST_INTERVAL_DAYS, Working
from tools.records.facts import CurrencyCode, DemandClass, Location, ProductId
from tools.records.plan import Action, Plan
from tools.records.sweeps import JsonMoney
from tools.records.tables import Cell
from tools.records.text import amount

Status = Literal[
    "needs_data",
    "waits_for_review",
    "snoozed",
    "late_order",
    "order_now",
    "not_possible",
    "on_order",
    "no_demand",
    "enough",
]
STATUSES: tuple[Status, ...] = get_args(Status)
Cover = Literal["out", "at_risk", "fine", "too_much"]
"""How far the stock reaches:

    out       none is left, or units are owed
    at_risk   at mean demand it is gone before anything comes: what is on the way, or an order of today
    too_much  it lasts for over half a year beyond the lead time
    fine      anything else
"""
COVERS: tuple[Cover, ...] = get_args(Cover)
TOO_MANY_DAYS = 182.5


class Label(NamedTuple):
    """What a line says of its product beside the figures."""

    product_id: str
    name: str
    location: str
    category: str
    supplier_id: str
    supplier: str
    currency: str
    unit: str


class Figures(NamedTuple):
    """A plan's numbers. Units and days."""

    on_hand: float
    on_order: float
    inventory_position: float
    reorder_point: float
    mean_per_day: float
    days_left: float | None
    """Days that the stock on hand lasts at mean demand; None where that is for decades."""
    lost_revenue_per_day: float | None
    """Of demand that the position is expected to leave unserved; None where no price is known."""
    safety_stock: float
    lead_time_days: float
    demand_class: DemandClass
    stock_value: float | None
    """Of the units on hand; None where no price is known."""

    def cover(self, arrives_in: float | None = None) -> Cover:
        """How far the stock reaches, if something on the way comes in so many days."""
        mean, lead_time = self.mean_per_day, self.lead_time_days
        if mean and not self.days_left:
            return "out"
        if self.days_left is not None and self.days_left < min(lead_time, arrives_in or lead_time):
            return "at_risk"
        return "too_much" if self.inventory_position > mean * (lead_time + TOO_MANY_DAYS) else "fine"

    @classmethod
    def of(cls, working: Working) -> "Figures":
        position, mean, price = working.position, working.mean_per_day, working.facts.product.unit_price
        available = max(0.0, position.on_hand - position.backorders)
        lost = float(working.forecast.predictive.expected_shortage(position.units))
        per_day = lost / working.interval_days if working.interval_days else 0.0
        return cls(
            on_hand=position.on_hand,
            on_order=position.on_order,
            inventory_position=position.units,
            reorder_point=working.reorder_point,
            mean_per_day=mean,
            days_left=None if mean <= available / LONGEST_INTERVAL_DAYS else available / mean,
            lost_revenue_per_day=None if price is None else per_day * float(price),
            safety_stock=working.safety_stock,
            lead_time_days=working.lead_time.days,
            demand_class=working.statistics.demand_class,
            stock_value=None if price is None else position.on_hand * float(price),
        )


class Sales(NamedTuple):
    """What has sold lately."""

    last_sold: date | None = None
    sold_30_days: float | None = None


class Standing(NamedTuple):
    """What stands for a product already."""

    review_id: str | None = None
    late: tuple[str, ...] = ()
    """Numbers of the orders that are late."""
    snooze: Snooze | None = None
    arrives_in: float | None = None
    """Days until the next delivery that is not late."""
    on_the_way: float = 0.0
    """Units of all open orders, whether they count or not."""
    sales: Sales = Sales()


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayRow:
    """A product at a location, and what is to be done about it. Null is unknown, or does not apply."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(use_attribute_docstrings=True)

    product_id: ProductId
    name: str
    """The product's name."""
    location: Location
    supplier: str
    """The supplier's name."""
    on_hand: float | None = None
    """Units in stock."""
    on_order: float | None = None
    """Units on the way that count."""
    reorder_point: float | None = None
    """An order is due when the inventory position is at or below this number of units."""
    quantity: float | None = None
    """Units to order, or to move from `source_location`; 0 where nothing is to be ordered."""
    value: JsonMoney | None = None
    """Of the quantity, in `currency`; null where no price is known."""
    currency: CurrencyCode
    order_by: date | None = None
    """The day on which the position falls to the reorder point at mean demand; today where it has."""
    days_left: float | None = None
    """Days that the stock on hand lasts at mean demand; null where that is for decades."""
    confidence: float | None = None
    """Probability that the quantity turns out right; null where nothing is to be ordered."""
    reason: str
    """Why, in a few sentences; of a product that needs data, what is missing and how to give it."""
    status: Annotated[Status, Field(description="What is to be done, or what stands in the way.")]
    category: str
    """The product's category."""
    supplier_id: str
    """The supplier's id."""
    lost_revenue_per_day: float | None = None
    """Of demand that the position is expected to leave unserved, in `currency`; null where no price is known."""
    inventory_position: float | None = None
    """on_hand + on_order − backorders, in units."""
    mean_per_day: float | None = None
    """Forecast demand a day, in units."""
    action: Action = "none"
    source_location: str | None = None
    """Where a transfer comes from."""
    review_id: str | None = None
    """Id of the review, where an order waits for a person."""
    late_orders: str = ""
    """Numbers of the orders that are late."""
    safety_stock: float | None = None
    """Units held against what demand and lead time may do beyond the mean."""
    lead_time_days: float | None = None
    """Days from an order to its arrival, on average."""
    cover: Annotated[
        Cover | None,
        Field(
            description="How far the stock reaches: `out`; `at_risk`, gone before anything comes; "
            "`too_much`, for over half a year beyond the lead time; or `fine`."
        ),
    ] = None
    snoozed_until: date | None = None
    """The day until which a person said to leave it alone."""
    doubtful: bool = False
    """Whether there is something to read: a note on the product, or a warning that a person must decide on."""
    demand_class: Annotated[
        DemandClass | None, Field(description="Pattern of the demand: how often something sells, and how evenly.")
    ] = None
    stock_value: float | None = None
    """Of the units on hand, in `currency`; null where no price is known."""
    last_sold: date | None = None
    """The last day on which any was sold, or the first of the last period; null where none is known."""
    sold_30_days: float | None = None
    """Units sold in the thirty days before today."""
    unit: str
    """What is counted, such as `pieces`."""
    unsure: str = ""
    """What takes most from the confidence, in words; empty where nothing is to be ordered."""

    @property
    def place(self) -> tuple[str, str]:
        return self.product_id, self.location

    @property
    def is_due(self) -> bool:
        """Whether an order is due, possible or not."""
        return self.confidence is not None

    @property
    def is_to_order(self) -> bool:
        """Whether a quantity is to be ordered or moved that neither waits for a review nor is left alone."""
        return bool(self.quantity) and self.status in ("order_now", "late_order")

    def cells(self) -> dict[str, Cell]:
        """The row for a table, by the names of `COLUMNS`, its figures to six decimals."""
        figures = {name: getattr(self, name) for name in COLUMNS}
        shown = {name: round(value, 6) if isinstance(value, float) else value for name, value in figures.items()}
        return shown | {"doubtful": "yes" if self.doubtful else "no"}


COLUMNS = tuple(field.name for field in fields(TodayRow))
"""Of a table of the list."""


def missing_row(label: Label, missing: str, review_id: str | None) -> TodayRow:
    """A product that cannot be planned, with the sentence that says what is missing."""
    return TodayRow(**label._asdict(), status="needs_data", reason=missing, review_id=review_id)


def planned_row(
    label: Label, working: Working, plan: Plan, standing: Standing, *, day: date, table: CalibrationTable | None
) -> TodayRow:
    """A product that triggers, with its plan and the confidence in its quantity."""
    status: Status = "not_possible" if plan.infeasible else "order_now"
    reason = plan.reason.replace("\n", " ")
    if standing.late:
        status, reason = "late_order", f"{_late(standing, working.position.on_order)} {reason}"
    if snooze := standing.snooze:
        why = f" ({snooze.reason})" if snooze.reason else ""
        status, reason = "snoozed", f"Left alone until {snooze.until} by {snooze.by}{why}. {reason}"
    sure = assess(plan, plan.order_quantity, table=table)
    return _row(
        label,
        Figures.of(working),
        standing,
        status,
        reason,
        day,
        quantity=plan.order_quantity,
        value=plan.order_value,
        confidence=sure.value,
        unsure=why_unsure(plan, plan.order_quantity, sure),
        action=plan.recommended_action,
        source_location=plan.transfer.source_location if plan.transfer else None,
        doubtful=bool(working.facts.product.notes) or any(notice.blocks_automatic for notice in plan.notices),
    )


def resting_row(label: Label, figures: Figures, standing: Standing, *, day: date) -> TodayRow:
    """A product of which nothing is to be ordered today."""
    status, reason = _resting(figures, day)
    if standing.late:
        status, reason = "late_order", f"{_late(standing, figures.on_order)} {reason}"
    if standing.on_the_way and figures.cover(standing.arrives_in) in ("out", "at_risk"):
        reason += f" {_gap(figures, standing)}"
    return _row(label, figures, standing, status, reason, day, quantity=0)


def _late(standing: Standing, counted: float) -> str:
    """Which orders are late, and how much counts if that is not all."""
    said = f"Late: {', '.join(standing.late)}."
    if counted >= standing.on_the_way:
        return said
    count = f"Of {amount(standing.on_the_way)} on the way {amount(counted) if counted else 'none'} count"
    return f"{said} {count}: half of what is later than its supplier has ever been, and none of what is far too late."


def _gap(figures: Figures, standing: Standing) -> str:
    """That there is enough in all, and not all the time."""
    days, due = figures.days_left or 0, standing.arrives_in
    gone = f"lasts for {amount(days, 1)} days" if days else "is gone already"
    comes = f"the next delivery is due in {amount(due, 1)}" if due is not None else "what is on the way is late"
    return f"But the stock on hand {gone}, and {comes}: ask whether it can come sooner."


def _resting(figures: Figures, day: date) -> tuple[Status, str]:
    level, position = figures.reorder_point, figures.inventory_position
    if not figures.mean_per_day:
        return "no_demand", "Nothing sold in the known periods, so nothing is to be ordered."
    if position - figures.on_order <= level:
        return (
            "on_order",
            f"{amount(figures.on_order)} on the way are enough above the reorder point of {units(level)}.",
        )
    until = order_by(figures, day)
    when = f"until {until}" if until else "for decades"
    return "enough", f"{amount(position)} are enough {when}; an order is due at {units(level)}."


def order_by(figures: Figures, day: date) -> date | None:
    """The day on which the position falls to the reorder point; None where that is never, or not within a century."""
    spare = figures.inventory_position - figures.reorder_point
    if spare <= 0:
        return day
    if figures.mean_per_day * LONGEST_INTERVAL_DAYS <= spare:
        return None
    return day + timedelta(int(spare / figures.mean_per_day))


def _row(
    label: Label, figures: Figures, standing: Standing, status: Status, reason: str, day: date, **order: Any
) -> TodayRow:
    return TodayRow(
        **label._asdict(),
        **figures._asdict(),
        **standing.sales._asdict(),
        status="waits_for_review" if standing.review_id else status,
        reason=reason,
        order_by=order_by(figures, day),
        review_id=standing.review_id,
        late_orders=", ".join(standing.late),
        cover=figures.cover(standing.arrives_in),
        snoozed_until=standing.snooze.until if standing.snooze else None,
        **order,
    )
