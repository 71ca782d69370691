"""What may be asked for: a decision on one product."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from agent.state import DecisionRequest
from api.bodies.fields import (
    FINEST_QUANTITY,
    MAX_QUANTITY,
    Body,
    Days,
    Demand,
    Identifier,
    Label,
    Lateness,
    Notes,
    Price,
    Quantity,
    ServiceLevel,
    SomeDays,
    SomeUnits,
    Units,
    WholeNumber,
    all_countable,
    cleaned,
    no_finer_than,
)
from tools.records.facts import DemandHistory, PriceCut, Product, ProductFacts, Record, ServiceType, Stock, Supplier
from tools.records.quantities import count_in

MAX_PERIODS = 5_000
MIN_NUMBERS = 3


class CommonTrigger(Body):
    product_id: Identifier = Field(examples=["STEEL_SHEETS"], description="The product's id.")
    note: Annotated[str, Field(max_length=2_000), cleaned(2_000)] = ""
    """Anything the model should know. It is data only and changes no limit."""
    dry_run: bool = Field(False, description="Decide, but record nothing and order nothing.")

    def to_request(self, *, requested_by: str, requested_by_id: str = "") -> DecisionRequest:
        return DecisionRequest(
            product_id=self.product_id,
            note=self.note,
            requested_by=requested_by,
            requested_by_id=requested_by_id,
            **self._subject(),
        )

    def _subject(self) -> dict[str, Any]:
        """The fields of the decision that depend on the mode."""
        raise NotImplementedError


class CatalogueTrigger(CommonTrigger):
    """One product of a catalogue."""

    mode: Literal["mock", "database"] = Field(description="`mock` is the sample catalogue, `database` your own.")
    location: Identifier | None = None
    """Location to plan for. Without it, the product's home location."""
    service_level: ServiceLevel | None = None
    """Service to aim for in this run instead of the product's own; 0.95 is 95 %."""

    def _subject(self) -> dict[str, Any]:
        return self.model_dump(include={"mode", "location", "service_level"})


class OpenOrderInput(Body):
    """An order that is on the way."""

    reference: Identifier
    """Its number. Give the number that this service returned, if it placed the order."""
    quantity: Quantity = Field(description="Units still to come.")
    due_in_days: Annotated[float, Field(ge=-3_650, le=3_650)]
    """Days until it is due; negative when it is overdue."""
    placed_days_ago: Days | None = Field(None, description="Days since it was placed.")


class PriceBreakInput(Body):
    """A lower price for larger orders."""

    minimum_quantity: Units = Field(description="Smallest order, in units, that gets this price.")
    unit_price: Price = Field(description="Price of each unit of such an order.")


Positions = Annotated[list[Annotated[int, Field(ge=0), WholeNumber]], Field(max_length=MAX_PERIODS)]

PriceCuts = Annotated[dict[Annotated[int, Field(ge=0, strict=False)], PriceCut], Field(max_length=MAX_PERIODS)]


class InlineTrigger(CommonTrigger):
    """One product with everything that is known about it."""

    mode: Literal["input"] = Field(description="All facts are in this request.")
    current_stock: Annotated[float, Field(ge=-MAX_QUANTITY, le=MAX_QUANTITY), no_finer_than(FINEST_QUANTITY)]
    """Units in stock. Below 0, none is in stock and so many are backorders."""
    demand_history: Annotated[list[Demand | None], Field(max_length=MAX_PERIODS), AfterValidator(all_countable)]
    """Units of demand in each period, oldest first, at least 3 numbers. null is unknown, not zero."""
    lead_time_days: Days = Field(description="Days from order to receipt, as the supplier promises.")
    service_level: ServiceLevel = 0.95
    """Service to aim for; 0.95 is 95 %. `service_type` says of what."""
    service_type: ServiceType = "cycle"
    unit_price: Price | None = Field(None, description="Price of one unit. Without it the cost of an order is unknown.")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    """Currency of all prices and costs (ISO 4217)."""
    demand_period_days: Annotated[float, Field(ge=0.04, le=366)] = 1
    """Days in one period of demand_history."""
    stockout_periods: Positions = Field([])
    """Positions in demand_history, from 0, at which the product ran out of stock: at least what sold was wanted."""
    planned_uplift: Annotated[float, Field(ge=0.01, le=100)] = 1
    """A promotion planned for the coming interval, as a factor: 1.3 is 30 % more than the history says."""
    promotion_periods: Positions = Field([])
    """Positions in demand_history, from 0, that were promoted. They tell what a promotion brings."""
    planned_promotion_periods: Positions = Field([])
    """Periods to come that will be promoted, without a factor: 0 is the one after demand_history."""
    price_cuts: PriceCuts = Field({})
    """How far the price was cut in periods of promotion_periods, where it is known: {"12": 0.25} is 25 % off in 12."""
    planned_price_cuts: PriceCuts = Field({}, description="The same of planned_promotion_periods.")
    usual_lift: Annotated[float, Field(ge=0.01, le=100)] = 1
    """How many times as much a promoted period usually sells in the product's group; few promotions are drawn to it."""
    usual_cut: Annotated[float, Field(ge=0, lt=1)] = 0
    """The cut of the price that usual_lift is for; 0 for promotions that state none."""
    usual_spread: Annotated[float, Field(ge=0, le=5)] = 0
    """By how much products of the group differ: the standard deviation of ln(lift). 0 where it is not known."""
    usual_scatter: Annotated[float, Field(ge=0, le=5)] = 0
    """By how much promotions of one product differ: the same between its promotions."""
    data_age_days: Days = Field(0, description="Days since the end of demand_history.")
    backorders: Quantity = Field(0, description="Units that customers still wait for.")
    open_orders: Annotated[list[OpenOrderInput], Field(max_length=1_000)] = Field([])
    """Orders that are on the way."""
    review_period_days: Days = 0
    """Days between two looks at the stock; 0 when it is watched all the time."""
    lead_time_sd_days: Days | None = Field(None, description="Standard deviation of the lead time, in days.")
    observed_lead_times_days: Annotated[list[Days], Field(max_length=1_000)] = Field([])
    """Days that past orders took, oldest first. Ten or more are planned with instead of the promise."""
    observed_lateness_days: Annotated[list[Lateness], Field(max_length=1_000)] = Field([])
    """By how many days past orders came later than their own promise (earlier: negative), oldest first. The promise and
    ten or more of these are planned with instead of `observed_lead_times_days`."""
    usual_lateness_days: Annotated[list[Lateness], Field(max_length=100)] = Field([])
    """The same of all your suppliers, in a few evenly spaced quantiles, ten for example. Each counts as much as one
    past order, so that a new supplier has a spread too."""
    unit_size: Units = 1
    """The smallest amount that can be ordered or counted: 1, or 0.001 for kilograms that are sold by the gram."""
    unit: Label = Field("units", description="Name of the unit, in the plural: `pieces`, `kg`.")
    purchase_unit: Label = Field("", description="Name of what the product is bought in, in the plural: `cases`.")
    units_per_purchase_unit: Units = 1
    """Units in one of these: 144 pieces a case. Orders are multiples of it."""
    minimum_order_quantity: SomeUnits = Field(0, description="Fewest units that the supplier sells at once.")
    order_multiple: Units | None = Field(
        None, description="Orders come in multiples of so many units. Without it, of `unit_size`."
    )
    maximum_order_quantity: Units | None = Field(None, description="Most units that the supplier sells at once.")
    maximum_cover_days: SomeDays | None = None
    """Longest time, in days of forecast demand, that the stock may last after an order."""
    shelf_life_days: SomeDays | None = Field(None, description="Days after which stock can no longer be sold.")
    order_cost: Price | None = None
    """Fixed cost of one order. With `holding_rate` and `unit_price` it gives the economic quantity."""
    holding_rate: Annotated[float, Field(ge=0, le=100)] | None = None
    """Cost of holding one unit for a year, as a share of its price."""
    stockout_cost: Price | None = None
    """Cost of one unit of demand not served. Needed for service type `cost`."""
    unit_profit: Price | None = None
    """What the sale of one unit earns. Needed for service type `profit`."""
    holding_cost: Price | None = None
    """Cost of holding one unit for a year. Without it, `holding_rate` × `unit_price`."""
    price_breaks: Annotated[list[PriceBreakInput], Field(max_length=100)] = Field([])
    """Lower prices for larger orders."""
    product_name: Label = Field("", description="The product's name.")
    category: Label = Field("", description="The product's category.")
    notes: Notes = Field("", description="About the product. It is data only and changes no limit.")
    supplier: Label = Field("", description="The supplier's name.")
    location: Identifier = Field("default", description="The location whose stock this is.")

    @model_validator(mode="after")
    def _history_says_enough(self) -> Self:
        numbers = len(self.demand_history) - self.demand_history.count(None)
        if numbers < MIN_NUMBERS:
            raise PydanticCustomError(
                "too_few_numbers",
                "demand_history needs at least {least} numbers; it has {numbers}",
                {"least": MIN_NUMBERS, "numbers": numbers},
            )
        for name in ("stockout_periods", "promotion_periods"):
            if max(getattr(self, name), default=-1) >= len(self.demand_history):
                words = "{name} names a position demand_history lacks"
                raise PydanticCustomError("period_position", words, {"name": name})
        for cuts, periods in (("price_cuts", "promotion_periods"), ("planned_price_cuts", "planned_promotion_periods")):
            if not set(getattr(self, periods)) >= getattr(self, cuts).keys():
                words = "{cuts} names a period that {periods} lacks"
                raise PydanticCustomError("period_position", words, {"cuts": cuts, "periods": periods})
        if self.current_stock < 0 < self.backorders:
            raise PydanticCustomError(
                "backorders_twice", "a current_stock below 0 means backorders; send those or a current_stock of 0"
            )
        return self

    @field_validator("price_breaks")
    @classmethod
    def _one_price_each(cls, breaks: list[PriceBreakInput]) -> list[PriceBreakInput]:
        quantities = [each.minimum_quantity for each in breaks]
        if twice := next((each for each in quantities if quantities.count(each) > 1), None):
            words = "price_breaks names two prices from {quantity} units on; give one"
            raise PydanticCustomError("price_break_twice", words, {"quantity": twice})
        return breaks

    @field_validator("minimum_order_quantity", "order_multiple", "maximum_order_quantity", "price_breaks")
    @classmethod
    def _countable(cls, given: Any, info: ValidationInfo) -> Any:
        """In whole units, which the unit size says."""
        size = info.data.get("unit_size", 1)
        for value in [each.minimum_quantity for each in given] if isinstance(given, list) else [given or 0]:
            if count_in(value, size) % 1:
                words = "{value} is no multiple of unit_size {size}; send a unit_size that it is a multiple of"
                raise PydanticCustomError("unit_size", words, {"value": value, "size": size})
        return given

    def _subject(self) -> dict[str, Any]:
        facts = {
            "product": self._stated(
                Product,
                id=self.product_id,
                name=self.product_name or self.product_id,
                price_breaks=[each.model_dump() for each in self.price_breaks],
                order_multiple=self.unit_size if self.order_multiple is None else self.order_multiple,
            ),
            "supplier": self._stated(
                Supplier,
                id="stated",
                name=self.supplier or "not named",
                promised_lead_time_days=self.lead_time_days,
            ),
            "stock": self._stated(
                Stock,
                on_hand=max(0.0, self.current_stock),
                backorders=max(self.backorders, -self.current_stock),
                sent_below_zero=self.current_stock < 0,
                open_orders=[each.model_dump() for each in self.open_orders],
            ),
            "demand": self._stated(DemandHistory, values=self.demand_history, period_days=self.demand_period_days),
            "source": "input",
            "data_age_days": self.data_age_days,
        }
        return {"mode": "input", "location": self.location, "facts": ProductFacts.model_validate(facts)}

    def _stated(self, record: type[Record], **otherwise: Any) -> dict[str, Any]:
        """What the request says by the names of the record's fields, and what it says otherwise."""
        names = type(self).model_fields.keys() & record.model_fields.keys()
        return {name: getattr(self, name) for name in names} | otherwise


Trigger = Annotated[CatalogueTrigger | InlineTrigger, Field(discriminator="mode")]
