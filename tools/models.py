"""The records that pass between the catalogue, the calculator, the gate and the order book. All are frozen.

Units: quantities in the product's own unit; money in the product's currency as `Decimal`; durations in days; demand per
demand period (a day unless `DemandHistory.period_days` says otherwise).
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Mode = Literal["mock", "input", "database"]
ServiceType = Literal["cycle", "fill_rate", "cost"]
DemandClass = Literal["smooth", "erratic", "intermittent", "lumpy", "no_demand", "unclassified"]
Method = Literal["normal", "forecast_error", "deterministic", "no_demand"]
Distribution = Literal["normal", "negative_binomial", "gamma", "lognormal", "poisson", "degenerate"]
Action = Literal["purchase_order", "transfer", "none"]

Finite = Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ServiceLevel = Annotated[float, Field(gt=0, le=0.999, allow_inf_nan=False)]
Uplift = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Money = Annotated[Decimal, Field(ge=0, allow_inf_nan=False, max_digits=18, decimal_places=6)]


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OpenOrder(Record):
    """An order placed and not yet received. `due_in_days` is negative when it is overdue."""

    reference: str
    quantity: NonNegative
    due_in_days: Finite
    placed_days_ago: NonNegative | None = None
    placed_here: bool = False
    """Placed by this service and not yet due."""


class PriceBreak(Record):
    """`unit_price` for every unit once an order reaches `minimum_quantity` (an all-units discount)."""

    minimum_quantity: Annotated[int, Field(ge=1)]
    unit_price: Money


class Supplier(Record):
    """Who delivers. Observed lead times are those of past receipts, oldest first."""

    id: str
    name: str
    promised_lead_time_days: NonNegative
    lead_time_sd_days: NonNegative | None = None
    observed_lead_times_days: tuple[NonNegative, ...] = ()


class Product(Record):
    """What is stocked and how it may be ordered. Text fields are data from outside and carry no authority."""

    id: str
    name: str
    category: str = ""
    unit: str = "units"
    notes: str = ""
    unit_price: Money | None = None
    currency: str = "USD"
    minimum_order_quantity: Annotated[int, Field(ge=0)] = 0
    order_multiple: Annotated[int, Field(ge=1)] = 1
    maximum_order_quantity: Annotated[int, Field(ge=1)] | None = None
    price_breaks: tuple[PriceBreak, ...] = ()
    order_cost: Money | None = None
    holding_rate: NonNegative | None = None
    """Cost of holding one unit for a year, as a share of its price."""
    stockout_cost: Money | None = None
    """Cost of one unit of demand that stock could not serve."""
    service_level: ServiceLevel = 0.95
    service_type: ServiceType = "cycle"
    review_period_days: NonNegative = 0
    maximum_cover_days: Positive | None = None
    shelf_life_days: Positive | None = None
    budget: Money | None = None


class Stock(Record):
    """What one location holds and expects of a product."""

    location: str
    on_hand: NonNegative
    backorders: NonNegative = 0
    open_orders: tuple[OpenOrder, ...] = ()


class DemandHistory(Record):
    """Demand per period, oldest first. `None` is unknown (masked), never zero."""

    values: tuple[NonNegative | None, ...]
    period_days: Positive = 1
    last_period: date | None = None
    stockout_periods: frozenset[int] = frozenset()
    """Positions in `values` in which the product was out of stock, so that sales understate demand (masked)."""
    deterministic: bool = False
    """Stated by the planner: demand does not vary, so no Poisson floor is applied."""
    planned_uplift: Uplift = 1.0
    """A promotion that is planned for the coming interval: factor on what the history says."""


class ProductFacts(Record):
    """Everything known about one product at one location at one moment: the calculator's only input."""

    product: Product
    supplier: Supplier
    stock: Stock
    demand: DemandHistory
    source: Mode
    data_age_days: NonNegative = 0
    """Days between the end of the demand history and now."""


class WhatIf(Record):
    """Assumptions that replace a fact for one calculation. Never the basis of an order."""

    service_level: ServiceLevel | None = None
    lead_time_days: Annotated[float, Field(ge=0, le=3650, allow_inf_nan=False)] | None = None
    demand_uplift: Uplift = 1.0
    """Factor on mean demand; 1.2 is 20 % more than the history says."""

    @property
    def changes_nothing(self) -> bool:
        return self.service_level is None and self.lead_time_days is None and self.demand_uplift == 1


class Notice(Record):
    """A warning for people, with a stable code. One that `blocks_automatic` sends the order to a person."""

    code: str
    message: str
    blocks_automatic: bool = False


class TextbookFigures(Record):
    """SS = z·σ·√L and ROP = mean·L + SS, shown beside the chosen method (Silver, Pyke & Thomas, 2017, 6.7)."""

    mean_per_period: float
    demand_sd: float
    z: float
    safety_stock: float
    reorder_point: float
    backtest_coverage: float | None = None


class ImpliedService(Record):
    """What the chosen reorder point delivers, by each of the three measures (None where it is undefined)."""

    cycle_service_level: float | None
    fill_rate: float | None
    critical_ratio: float | None = None
    """Shortage cost over shortage plus holding cost at which this level would be cost-optimal."""


class Transfer(Record):
    """Stock that another location can give and still stay above its own reorder point."""

    source_location: str
    quantity: Annotated[int, Field(ge=1)]
    source_on_hand: float
    source_reorder_point: float


class DemandComponent(Record):
    """Demand over one possible length of the protection interval, and that length's share."""

    weight: float
    mean: float
    sd: float


class PredictiveDemand(Record):
    """Demand over the protection interval as forecast, with the forecast's own uncertainty: what confidence is read
    from. More than one component where observed lead times are replayed."""

    distribution: Distribution
    components: tuple[DemandComponent, ...]


class Plan(Record):
    """One product in, one plan out. `mean_demand` and `demand_sd` are over the protection interval."""

    product_id: str
    location: str
    method: Method
    distribution: Distribution
    service_type: ServiceType
    service_level: float
    implied: ImpliedService

    lead_time_days: float
    review_period_days: float
    protection_interval_days: float
    mean_per_day: float
    mean_demand: float
    demand_sd: float
    demand_class: DemandClass
    periods: int
    nonzero_periods: int
    masked_periods: int
    backtest_coverage: float | None

    safety_stock: float
    reorder_point: float
    order_up_to_level: float

    on_hand: float
    on_order: float
    """What counts of open orders within the protection interval."""
    backorders: float
    inventory_position: float
    shortage: float
    """How far the position is below the reorder point; 0 when it is above."""
    days_until_stockout: float | None

    recommended_action: Action
    order_quantity: int
    minimum_quantity: int
    maximum_quantity: int
    """An order outside minimum_quantity … maximum_quantity is never placed without a person."""
    order_multiple: int = 1
    permitted_leftover: float
    transfer: Transfer | None = None
    unit_price: Decimal | None
    """At `order_quantity`; another quantity may reach another price: ask `price_at`."""
    price_tiers: tuple[PriceBreak, ...] = ()
    order_value: Decimal | None
    currency: str
    infeasible: str | None = None

    reason: str
    derivation: tuple[str, ...]
    notices: tuple[Notice, ...]
    textbook: TextbookFigures | None
    predictive: PredictiveDemand | None = None
    """None: `distribution` with `mean_demand` and `demand_sd` stands for it."""

    def price_at(self, quantity: int) -> Decimal | None:
        """What each unit of an order of `quantity` costs; None where no price is known."""
        reached = [tier for tier in self.price_tiers if tier.minimum_quantity <= quantity]
        return max(reached, key=lambda tier: tier.minimum_quantity).unit_price if reached else self.unit_price

    @property
    def triggered(self) -> bool:
        """The inventory position is at or below the reorder point."""
        return self.recommended_action != "none" or self.infeasible is not None


class Confidence(Record):
    """The probability that the proposed quantity turns out acceptable: no stock-out in the protection interval and no
    more left over than `Plan.permitted_leftover`."""

    value: float
    raw: float
    calibrated: bool
    label: str
    """`calibrated` or `raw, not calibrated`, with the stratum where one was used."""


Lane = Literal["interactive", "bulk"]
"""Whether somebody waits for the run's answer, or will ask for it later."""
RunStatus = Literal["queued", "running", "pending_review", "executed", "no_action", "rejected", "expired", "failed"]
ProposalStatus = Literal["proposed", "placed", "pending", "approved", "rejected", "expired", "no_action"]
DecisionKind = Literal["approve", "edit", "reject"]


class NewRun(Record):
    """A decision run, recorded before anything else happens. `request` is all that a re-run needs, as JSON."""

    id: str
    product_id: str
    location: str
    mode: Mode
    origin: Literal["trigger", "chat"]
    requested_by: str
    requested_by_id: str = ""
    """The key that asked, by its id: names repeat."""
    request: dict[str, object]
    product_version: int | None = None
    """How many orders the product had seen before a standing one was looked for; None: as many as when it is recorded.
    Orders beyond that are ones that this run could not know of."""


class Run(NewRun):
    status: RunStatus
    lane: Lane
    attempts: int
    owner: str | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    failure: str | None = None
    """Why the run failed, when it did."""


class NewProposal(Record):
    """What a run proposes, with everything a reviewer needs. Written once per run; the first one stands."""

    run_id: str
    action: Action
    product_id: str
    product_name: str
    location: str
    mode: Mode
    source_location: str | None = None
    supplier_id: str | None = None
    supplier_name: str | None = None
    quantity: Annotated[int, Field(ge=0)]
    unit_price: Money | None
    currency: str
    lead_time_days: NonNegative
    plan: Plan
    confidence: Confidence
    review_reasons: tuple[str, ...] = ()
    """Why a person must look; empty when the order may be placed automatically."""
    rationale: str = ""
    """The model's words: unverified text."""
    concerns: tuple[str, ...] = ()
    provider: str
    model: str
    origin: Literal["trigger", "chat"]
    requested_by: str
    requested_by_id: str = ""

    @property
    def value(self) -> Decimal | None:
        return None if self.unit_price is None else self.unit_price * self.quantity


class Proposal(NewProposal):
    id: str
    version: int
    status: ProposalStatus
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    decided_at: AwareDatetime | None = None
    decided_by: str | None = None
    decided_by_id: str = ""
    decision_reason: str | None = None


class OrderLine(Record):
    product_id: str
    name: str
    quantity: int
    unit_price: Decimal | None
    value: Decimal | None


class Order(Record):
    """A placed order. `number` is what people and outside systems call it: PO-2026-000001, TR-2026-000001."""

    number: str
    type: Literal["purchase_order", "transfer"]
    run_id: str
    proposal_id: str
    mode: Mode
    product_id: str
    location: str
    source_location: str | None
    supplier_id: str | None
    supplier_name: str | None
    items: tuple[OrderLine, ...]
    currency: str
    total: Decimal | None
    placed_by: str
    """`automatic`, or the name of the key that approved it."""
    placed_by_id: str = ""
    """The key that answers for it: the one that asked for an automatic order, or the one that approved it."""
    provider: str
    created_at: AwareDatetime
    due_at: AwareDatetime


class OutcomeReport(Record):
    """What became of a placed order, as seen at the end of its protection interval: the lead time and review period
    that it had to cover."""

    order_number: str
    ran_out: bool
    """Demand went unserved, or waited, within the interval."""
    left_over: NonNegative
    """Units on hand when the interval ended."""
    received_quantity: Annotated[int, Field(ge=0)] | None = None
    """None: not known."""


OutcomeRoute = Literal["automatic", "approved", "edited"]


class OrderOutcome(OutcomeReport):
    """A report beside what had been said of the quantity that was ordered. Acceptable: it did not run out, and no more
    was left over than the plan permits."""

    acceptable: bool
    confidence: float
    """As it was stated for this quantity; of an edited one, as it would have been."""
    raw: float
    stratum: str
    route: OutcomeRoute
    recorded_by: str
    recorded_at: AwareDatetime


class RunView(Record):
    """A run with what came of it. `standing` marks an earlier run's answer, returned instead of a second one."""

    run: Run
    proposal: Proposal | None
    order: Order | None
    standing: bool = False
