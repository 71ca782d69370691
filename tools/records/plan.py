"""What the calculator answers: one plan for one product at one location, and the confidence in a quantity."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from tools.records.facts import (
    CurrencyCode,
    DemandClass,
    Location,
    OpenOrder,
    PriceBreak,
    ProductId,
    Quantity,
    Record,
    ServiceType,
    SomeQuantity,
)

Method = Annotated[
    Literal["normal", "forecast_error", "deterministic", "no_demand", "profit"],
    Field(
        description="How the reorder point is found. `forecast_error`: from the errors of the product's own past "
        "forecasts. `normal`: the textbook formula, for short histories. `deterministic`: demand does not vary. "
        "`profit`: from courses that demand and deliveries may take, up to the last unit that pays."
    ),
]
Distribution = Annotated[
    Literal["normal", "negative_binomial", "gamma", "lognormal", "poisson", "degenerate"],
    Field(description="Probability distribution of demand over the protection interval."),
]
Action = Annotated[
    Literal["purchase_order", "transfer", "none"],
    Field(description="`purchase_order` from the supplier, `transfer` from another location, or `none`."),
]
SafetyStock = Annotated[float, Field(description="Units held beyond the forecast demand of the protection interval.")]
ReorderPoint = Annotated[
    float, Field(description="An order is due when the inventory position is at or below this number of units.")
]
Stratum = Annotated[str, Field(description="Group of products: length of the history and class of the demand.")]
OnHand = Annotated[float, Field(description="Units in stock.")]
Shortage = Annotated[
    float, Field(description="Units by which the inventory position is below the reorder point; 0 when it is above.")
]


class Notice(Record):
    """A warning for people, with a stable code. One that `blocks_automatic` sends the order to a person."""

    code: str
    """Stable name of the kind of warning."""
    message: str
    """The warning in one sentence."""
    blocks_automatic: bool = False
    """Whether a person must decide because of it."""


class TextbookFigures(Record):
    """SS = z·σ·√(L + R) and ROP = mean·(L + R) + SS, beside the chosen method and over the same interval: lead time L
    and review period R, which may be 0. (Silver, Pyke & Thomas, 2017, 6.7 and 6.9)"""

    mean_per_period: float
    """Mean demand of one period, in units."""
    demand_sd: float
    """Standard deviation of demand from period to period, in units."""
    z: float
    """Standard normal quantile of the service level."""
    safety_stock: float
    """The textbook's safety stock, in units."""
    reorder_point: float
    """The textbook's reorder point, in units."""
    backtest_coverage: float | None = None
    """Share of past protection intervals that the textbook's reorder point would have covered; null if not tested."""


class ImpliedService(Record):
    """What the chosen reorder point delivers, by each of the three measures (None where it is undefined)."""

    cycle_service_level: float | None
    """Chance of no stock-out in one protection interval."""
    fill_rate: float | None
    """Share of demand served from stock."""
    critical_ratio: float | None = None
    """Shortage cost over shortage plus holding cost at which this level would be cost-optimal."""


class Transfer(Record):
    """Stock that another location can give and still stay above its own reorder point."""

    source_location: str
    """The location that gives the stock."""
    quantity: SomeQuantity
    """Units to move."""
    source_on_hand: float
    """Units that location has in stock now."""
    source_reorder_point: float
    """That location's own reorder point, in units."""


class DemandComponent(Record):
    """Demand over one possible length of the protection interval, and that length's share."""

    weight: float
    """Probability of this length."""
    mean: float
    """Mean demand over it, in units."""
    sd: float
    """Standard deviation of demand over it, in units."""
    no_demand: float = 0
    """The least chance of no demand over it, from how often the product sells."""


class PredictiveDemand(Record):
    """Demand over the protection interval as forecast, with the forecast's own uncertainty: what confidence is read
    from. More than one component where observed lead times are replayed."""

    distribution: Distribution
    components: tuple[DemandComponent, ...]
    """Demand for each possible length of the interval."""


class Plan(Record):
    """One product in, one plan out. `mean_demand` and `demand_sd` are over the protection interval."""

    product_id: ProductId
    location: Location
    reason: str
    """What will be needed, what there is, and what to do, in at most three lines."""
    method: Method
    distribution: Distribution
    service_type: ServiceType
    service_level: float
    """Service asked for, as a share: 0.95 is 95 %. Of a cost or profit target, the share that its level gives."""
    implied: ImpliedService
    """Service that the reorder point gives, by each measure."""

    lead_time_days: float
    """Days from order to receipt that the plan counts with."""
    review_period_days: float
    """Days between two looks at the stock; 0 when it is watched all the time."""
    protection_interval_days: float
    """Lead time and review period together: the days that an order placed now must last."""
    mean_per_day: float
    """Forecast demand a day, in units."""
    mean_demand: float
    """Forecast demand over the protection interval, in units."""
    demand_sd: float
    """How far demand over the protection interval may miss the forecast: its standard deviation, in units."""
    demand_class: DemandClass
    periods: int
    """Periods in the demand history, unknown ones included."""
    nonzero_periods: int
    """Periods in which something sold."""
    masked_periods: int
    """Periods left out: demand unknown, or out of stock with nothing sold."""
    counting_unit: float = 1
    """The smallest amount that demand is counted in: `unit_size`, or less where the history has more decimals."""
    backtest_coverage: float | None
    """Share of past protection intervals that such a reorder point would have covered; null if too few to test."""

    safety_stock: SafetyStock
    reorder_point: ReorderPoint
    order_up_to_level: float
    """Inventory position to which an order brings the stock, in units."""

    on_hand: OnHand
    on_order: float
    """Units on open orders that count: due within the protection interval and not too long overdue."""
    open_orders: tuple[OpenOrder, ...] = ()
    """The orders on the way, whether they count or not."""
    backorders: float
    """Units that customers still wait for."""
    inventory_position: float
    """on_hand + on_order − backorders, in units."""
    shortage: Shortage
    days_until_stockout: float | None
    """Days that the stock on hand lasts at forecast demand; null when demand is zero or it lasts for decades."""

    recommended_action: Action
    order_quantity: Quantity
    """Units to order or to move; 0 for `none`."""
    minimum_quantity: Quantity
    """Fewest units that may be ordered without a person."""
    maximum_quantity: Quantity
    """Most units that may be ordered without a person."""
    unit_size: float = 1
    """The smallest amount that can be ordered or counted."""
    order_multiple: Quantity = 1
    """Orders come in multiples of so many units."""
    permitted_leftover: float
    """Units that may be left at the end of the protection interval for the order to count as right: the level that the
    service needs and a cover above it, or the stated maximum cover."""
    transfer: Transfer | None = None
    """Where the stock comes from, for a `transfer`."""
    unit_price: Decimal | None
    """Price of each unit at `order_quantity`, in `currency`; null when no price is known."""
    price_tiers: tuple[PriceBreak, ...] = ()
    """Unit prices by size of the order."""
    order_value: Decimal | None
    """order_quantity × unit_price, in `currency`; null when no price is known."""
    currency: CurrencyCode
    infeasible: str | None = None
    """Why an order that is due is not possible; null when nothing stands against it."""

    derivation: tuple[str, ...]
    """The calculation, line by line, in plain arithmetic."""
    notices: tuple[Notice, ...]
    """Warnings, those that a person must decide on first."""
    textbook: TextbookFigures | None
    """The textbook's figures, to compare with."""
    predictive: PredictiveDemand | None = None
    """What the confidence is read from; null when `distribution`, `mean_demand` and `demand_sd` say it all."""


class Confidence(Record):
    """The probability that the proposed quantity turns out acceptable: no stock-out in the protection interval and no
    more left over than `Plan.permitted_leftover`."""

    value: float
    """Probability that the quantity turns out right, 0 to 1."""
    raw: float
    """The same, read from the forecast alone."""
    calibrated: bool
    """Whether past outcomes correct the raw value."""
    label: str
    """`calibrated`, with the group of products that it comes from, or `raw, not calibrated`."""
