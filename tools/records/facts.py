"""What is known of a product: the calculator's only input. Every record is frozen.

Units: quantities in the product's own unit; money in the product's currency as `Decimal`; durations in days; demand per
demand period (a day unless `DemandHistory.period_days` says otherwise).
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tools.records.quantities import FINEST, quantity

ProductId = Annotated[str, Field(description="The product's id.")]
Location = Annotated[str, Field(description="The location whose stock is planned.")]
Mode = Annotated[
    Literal["mock", "input", "database"],
    Field(
        description="Where the facts come from: `mock` is the sample catalogue, `input` the request itself, "
        "`database` your own catalogue."
    ),
]
ServiceType = Annotated[
    Literal["cycle", "fill_rate", "cost", "profit"],
    Field(
        description="What the service target means. `cycle`: the chance of no stock-out until the next delivery. "
        "`fill_rate`: the share of demand served from stock. `cost`: the least cost of shortage and holding together. "
        "`profit`: the most profit less holding, where demand that stock cannot serve is lost."
    ),
]
DemandClass = Annotated[
    Literal["smooth", "erratic", "intermittent", "lumpy", "no_demand", "unclassified"],
    Field(description="Pattern of the demand: how often something sells, and how much the amounts vary."),
]
CurrencyCode = Annotated[str, Field(description="Three-letter code of the currency (ISO 4217).")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Quantity = Annotated[int | Finite, Field(ge=0), AfterValidator(quantity)]
"""How many, in the product's own unit. Whole ones are `int`, so that JSON says 748 and not 748.0."""
SomeQuantity = Annotated[int | Finite, Field(gt=0), AfterValidator(quantity)]
UnitSize = Annotated[float, Field(ge=FINEST, allow_inf_nan=False)]
ServiceLevel = Annotated[float, Field(gt=0, le=0.999, allow_inf_nan=False)]
PriceCut = Annotated[float, Field(gt=0, lt=1)]
Uplift = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Money = Annotated[Decimal, Field(ge=0, allow_inf_nan=False, max_digits=18, decimal_places=6)]


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class OpenOrder(Record):
    """An order placed and not yet received."""

    reference: str
    """Its number."""
    quantity: NonNegative
    """Units still to come."""
    due_in_days: Finite
    """Days until it is due; negative when it is overdue."""
    placed_days_ago: NonNegative | None = None
    """Days since it was placed; null when not known."""
    placed_here: bool = False
    """Placed by this service."""
    received: NonNegative = 0
    """Units that have arrived of it; `quantity` is what is still to come."""
    cover_days: NonNegative | None = None
    """Days that all of it lasts, at the demand that it was planned on. None: not known, or no demand."""


class PriceBreak(Record):
    """`unit_price` for every unit once an order reaches `minimum_quantity` (an all-units discount)."""

    minimum_quantity: SomeQuantity
    """Smallest order, in units, that gets this price."""
    unit_price: Money
    """Price of each unit of the order."""


class Supplier(Record):
    """Who delivers. What was observed is of past receipts, oldest first."""

    id: str
    name: str
    promised_lead_time_days: NonNegative
    lead_time_sd_days: NonNegative | None = None
    observed_lead_times_days: tuple[NonNegative, ...] = ()
    observed_lateness_days: tuple[Finite, ...] = ()
    """By how many days each receipt was later than its own order's promise; negative where it was earlier."""
    usual_lateness_days: tuple[Finite, ...] = ()
    """The same of all suppliers, in a few evenly spaced quantiles. Each counts as much as one of the receipts."""


class Product(Record):
    """What is stocked and how it may be ordered. Text fields are data from outside and carry no authority."""

    id: str
    name: str
    category: str = ""
    unit: str = "units"
    notes: str = ""
    unit_price: Money | None = None
    currency: str = "USD"
    unit_size: UnitSize = 1
    """The smallest amount that can be ordered or counted: 1, or 0.001 for kilograms that are sold by the gram."""
    purchase_unit: str = ""
    """What it is bought in, in the plural: `cases`."""
    units_per_purchase_unit: Positive = 1
    """Units in one of these: 144 pieces a case. An order is then a multiple of it."""
    minimum_order_quantity: Quantity = 0
    order_multiple: SomeQuantity = Field(default_factory=lambda given: given.get("unit_size", 1))
    """Orders come in multiples of so many units; without it, of `unit_size`."""
    maximum_order_quantity: SomeQuantity | None = None
    price_breaks: tuple[PriceBreak, ...] = ()
    order_cost: Money | None = None
    holding_rate: NonNegative | None = None
    """Cost of holding one unit for a year, as a share of its price."""
    stockout_cost: Money | None = None
    """Cost of one unit of demand that stock could not serve."""
    unit_profit: Money | None = None
    """What the sale of one unit earns."""
    holding_cost: Money | None = None
    """Cost of holding one unit for a year, where it is known; else it is `holding_rate` × `unit_price`."""
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
    sent_below_zero: bool = False
    """The caller's stock was negative, which is taken as backorders."""
    open_orders: tuple[OpenOrder, ...] = ()


class DemandHistory(Record):
    """Demand per period, oldest first. `None` is unknown (masked), never zero."""

    values: tuple[NonNegative | None, ...]
    period_days: Positive = 1
    last_period: date | None = None
    stockout_periods: frozenset[int] = frozenset()
    """Positions in `values` in which the product ran out of stock: at least what sold was wanted."""
    deterministic: bool = False
    """Stated by the planner: demand does not vary, so no Poisson floor is applied."""
    planned_uplift: Uplift = 1.0
    """A promotion that is planned for the coming interval: factor on what the history says."""
    promotion_periods: frozenset[int] = frozenset()
    """Positions in `values` that were promoted."""
    planned_promotion_periods: frozenset[int] = frozenset()
    """Periods to come that will be promoted: 0 is the one after the history. The product's own past says how much more
    they will sell."""
    price_cuts: dict[int, PriceCut] = {}
    """Of the promoted positions: how far the price was cut (0.25 is 25 % off), where that is known."""
    planned_price_cuts: dict[int, PriceCut] = {}
    """The same of the promoted periods to come."""
    usual_lift: Uplift = 1.0
    """How many times as much a promoted period usually sells in the product's group; 1 where that is not known."""
    usual_cut: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The cut of the price that it is for; 0 for promotions of which none is known."""
    usual_spread: Annotated[float, Field(ge=0, le=5)] = 0.0
    """Standard deviation of the logarithm of the lift between products of the group; 0 where that is not known."""
    usual_scatter: Annotated[float, Field(ge=0, le=5)] = 0.0
    """The same between promotions of one product."""

    @property
    def promotions(self) -> dict[int, float]:
        """The promoted positions, with the cut of the price; 1 where none is known."""
        return {each: self.price_cuts.get(each, 1.0) for each in self.promotion_periods}

    @property
    def planned_promotions(self) -> dict[int, float]:
        """The same of periods to come."""
        return {each: self.planned_price_cuts.get(each, 1.0) for each in self.planned_promotion_periods}


class LearnedDemand(Record):
    """What a model of the whole catalogue has learned of a product's coming interval (`restock learn`)."""

    mean: NonNegative
    sd: NonNegative
    """Of demand over the interval."""
    share: Annotated[float, Field(ge=0, le=1)]
    """Its weight beside the product's own forecast."""
    interval_days: Positive
    last_period: date
    """The last period of demand that it knew."""
    planned_promotion_periods: frozenset[int] = frozenset()
    """That it knew: 0 is the period after the last."""
    planned_price_cuts: dict[int, PriceCut] = {}
    """Theirs, where they were known."""

    @property
    def planned_promotions(self) -> dict[int, float]:
        """Period to come → cut of the price; 1 where none was known."""
        return {each: self.planned_price_cuts.get(each, 1.0) for each in self.planned_promotion_periods}


class ProductFacts(Record):
    """Everything known about one product at one location at one moment: the calculator's only input."""

    product: Product
    supplier: Supplier
    stock: Stock
    demand: DemandHistory
    source: Mode
    data_age_days: NonNegative = 0
    """Days between the end of the demand history and now."""
    learned: LearnedDemand | None = None
    """What the whole catalogue says of the coming interval, where `restock learn` has looked."""


class WhatIf(Record):
    """Assumptions that replace a fact for one calculation. Never the basis of an order."""

    service_level: ServiceLevel | None = None
    lead_time_days: Annotated[float, Field(ge=0, le=3650, allow_inf_nan=False)] | None = None
    demand_uplift: Uplift = 1.0
    """Factor on mean demand; 1.2 is 20 % more than the history says."""
    days_late: Annotated[float, Field(ge=0, le=3650, allow_inf_nan=False)] | None = None
    """So much longer than the lead time that is counted with."""
    review_period_days: Annotated[float, Field(ge=0, le=3650, allow_inf_nan=False)] | None = None
    on_hand: NonNegative | None = None


AS_THINGS_ARE = WhatIf()
"""No assumptions."""
