"""What the calculator answers: one plan for one product at one location, and the confidence in a quantity."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from tools.records.facts import DemandClass, PriceBreak, Record, ServiceType

Method = Literal["normal", "forecast_error", "deterministic", "no_demand"]
Distribution = Literal["normal", "negative_binomial", "gamma", "lognormal", "poisson", "degenerate"]
Action = Literal["purchase_order", "transfer", "none"]


class Notice(Record):
    """A warning for people, with a stable code. One that `blocks_automatic` sends the order to a person."""

    code: str
    message: str
    blocks_automatic: bool = False


class TextbookFigures(Record):
    """SS = z·σ·√(L + R) and ROP = mean·(L + R) + SS, beside the chosen method and over the same interval: lead time L
    and review period R, which may be 0. (Silver, Pyke & Thomas, 2017, 6.7 and 6.9)"""

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
