"""What may come in. Strict: no text for a number, no true for 1, no field that is not named here."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from agent.state import DecisionRequest
from tools.book.keys import ALL_SCOPES, Scope
from tools.book.webhooks import EventName
from tools.records.facts import ProductFacts, ServiceType
from tools.records.money import Currency, Limit
from tools.records.orders import DecisionKind, OutcomeReport
from tools.records.text import clean_text

MAX_QUANTITY = 1e9
MAX_PERIODS = 5_000
MIN_NUMBERS = 3
FINEST_DEMAND = 1e-6


class Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


_SHOWS_ALL = re.compile(r"[\w.:/-]+( [\w.:/-]+)*")


def identifier(value: str) -> str:
    """An id as it is, when it shows all that it is: letters, digits and ._:/- with single spaces inside."""
    if not _SHOWS_ALL.fullmatch(value) or (not value.isascii() and clean_text(value, limit=len(value)) != value):
        raise PydanticCustomError(
            "identifier", "Use letters, digits, . _ : / - and single spaces inside; nothing invisible"
        )
    return value


def _cleaned(limit: int) -> Callable[[str], str]:
    return lambda text: clean_text(text, limit=limit)


def _price(value: float) -> float:
    if Decimal(repr(value)).as_tuple().exponent < -6:  # type: ignore[operator]
        raise PydanticCustomError("price_digits", "Use at most 6 decimal places")
    return value


def _no_finer_than(grain: float) -> Callable[[float], float]:
    """A positive value below `grain` is a slip, and makes calculations run off to infinity."""

    def check(value: float) -> float:
        if 0 < value < grain:
            raise PydanticCustomError("too_fine", "Use 0 or at least {grain}", {"grain": grain})
        return value

    return check


def _none_too_fine(values: list[float | None]) -> list[float | None]:
    """A look at all of them together costs a tenth of one at each, which then says where the slip is."""
    if min(filter(None, values), default=1.0) < FINEST_DEMAND:
        _EACH_DEMAND.validate_python(values)
    return values


Identifier = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(identifier)]
Label = Annotated[str, Field(max_length=200), AfterValidator(_cleaned(200))]
Notes = Annotated[str, Field(max_length=1_000), AfterValidator(_cleaned(1_000))]
Demand = Annotated[float, Field(ge=0, le=1e8)]
_EACH_DEMAND: TypeAdapter[Any] = TypeAdapter(
    list[Annotated[Demand, AfterValidator(_no_finer_than(FINEST_DEMAND))] | None]
)
Quantity = Annotated[float, Field(ge=0, le=MAX_QUANTITY), AfterValidator(_no_finer_than(1e-6))]
Units = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
Days = Annotated[float, Field(ge=0, le=3_650), AfterValidator(_no_finer_than(0.001))]
SomeDays = Annotated[float, Field(ge=0.001, le=3_650)]
PeriodDays = Annotated[float, Field(ge=0.04, le=366)]
Price = Annotated[float, Field(ge=0, le=1e9), AfterValidator(_price)]
ServiceLevel = Annotated[float, Field(gt=0, le=0.999)]


def _none_given(**described: Any) -> Any:
    """An empty list by default. Pydantic copies a list that is the default itself, at each request, at length."""
    return Field(default_factory=list, json_schema_extra={"default": []}, **described)


class CommonTrigger(Body):
    product_id: Identifier = Field(examples=["STEEL_SHEETS"])
    note: Annotated[str, Field(max_length=2_000), AfterValidator(_cleaned(2_000))] = Field(
        default="", description="Anything the model should know. Data only: it changes no limit."
    )


class CatalogueTrigger(CommonTrigger):
    """One product of a catalogue: `mock` is the sample that ships with the service."""

    mode: Literal["mock", "database"]
    location: Identifier | None = Field(default=None, description="Without it, the product's home location.")
    service_level: ServiceLevel | None = Field(default=None, description="Replaces the product's own for this run.")

    def to_request(self, *, requested_by: str, requested_by_id: str = "", run_id: str | None = None) -> DecisionRequest:
        return DecisionRequest(
            product_id=self.product_id,
            mode=self.mode,
            location=self.location,
            service_level=self.service_level,
            note=self.note,
            requested_by=requested_by,
            requested_by_id=requested_by_id,
            run_id=run_id,
        )


class OpenOrderInput(Body):
    reference: Identifier
    quantity: Quantity
    due_in_days: Annotated[float, Field(ge=-3_650, le=3_650)] = Field(description="Negative when overdue.")
    placed_days_ago: Days | None = None


class PriceBreakInput(Body):
    minimum_quantity: Units
    unit_price: Price = Field(description="For every unit once an order reaches minimum_quantity.")


class InlineTrigger(CommonTrigger):
    """One product with everything there is to know about it."""

    mode: Literal["input"]
    current_stock: Quantity
    demand_history: Annotated[list[Demand | None], Field(max_length=MAX_PERIODS), AfterValidator(_none_too_fine)] = (
        Field(description="Demand per period, oldest first, at least 3 numbers. null is unknown, not zero.")
    )
    lead_time_days: Days
    service_level: ServiceLevel = 0.95
    service_type: ServiceType = "cycle"
    unit_price: Price | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    demand_period_days: PeriodDays = Field(default=1, description="Length of one period of demand_history.")
    stockout_periods: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=MAX_PERIODS)] = _none_given(
        description="Positions in demand_history at which the product was out of stock."
    )
    planned_uplift: Annotated[float, Field(ge=0.01, le=100)] = Field(
        default=1, description="A promotion planned for the coming interval: 1.3 is 30 % more than the history says."
    )
    data_age_days: Days = Field(default=0, description="Days since the end of demand_history.")
    backorders: Quantity = 0
    open_orders: Annotated[list[OpenOrderInput], Field(max_length=1_000)] = _none_given()
    review_period_days: Days = 0
    lead_time_sd_days: Days | None = None
    observed_lead_times_days: Annotated[list[Days], Field(max_length=1_000)] = _none_given()
    minimum_order_quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] = 0
    order_multiple: Units = 1
    maximum_order_quantity: Units | None = None
    maximum_cover_days: SomeDays | None = None
    shelf_life_days: SomeDays | None = None
    order_cost: Price | None = None
    holding_rate: Annotated[float, Field(ge=0, le=100)] | None = Field(
        default=None, description="Cost of holding one unit for a year, as a share of its price."
    )
    stockout_cost: Price | None = Field(default=None, description="Cost of one unit of demand not served.")
    price_breaks: Annotated[list[PriceBreakInput], Field(max_length=100)] = _none_given()
    product_name: Label = ""
    category: Label = ""
    notes: Notes = Field(default="", description="About the product. Data only: it changes no limit.")
    supplier: Label = ""
    location: Identifier = "default"

    @model_validator(mode="after")
    def _history_says_enough(self) -> Self:
        numbers = len(self.demand_history)
        if numbers < MIN_NUMBERS or None in self.demand_history[:MIN_NUMBERS]:
            numbers -= self.demand_history.count(None)
        if numbers < MIN_NUMBERS:
            raise PydanticCustomError(
                "too_few_numbers",
                "demand_history needs at least {least} numbers; it has {numbers}",
                {"least": MIN_NUMBERS, "numbers": numbers},
            )
        if any(position >= len(self.demand_history) for position in self.stockout_periods):
            raise PydanticCustomError("stockout_position", "stockout_periods names a position demand_history lacks")
        return self

    def to_request(self, *, requested_by: str, requested_by_id: str = "", run_id: str | None = None) -> DecisionRequest:
        return DecisionRequest(
            product_id=self.product_id,
            mode="input",
            location=self.location,
            facts=self._facts(),
            note=self.note,
            requested_by=requested_by,
            requested_by_id=requested_by_id,
            run_id=run_id,
        )

    def _facts(self) -> ProductFacts:
        """Checked as one, which takes half as long as each record by itself."""
        supplier = {
            "id": "stated",
            "name": self.supplier or "not named",
            "promised_lead_time_days": self.lead_time_days,
            "lead_time_sd_days": self.lead_time_sd_days,
            "observed_lead_times_days": self.observed_lead_times_days,
        }
        stock = {
            "location": self.location,
            "on_hand": self.current_stock,
            "backorders": self.backorders,
            "open_orders": [each.model_dump() for each in self.open_orders],
        }
        demand = {
            "values": self.demand_history,
            "period_days": self.demand_period_days,
            "planned_uplift": self.planned_uplift,
            "stockout_periods": self.stockout_periods,
        }
        given = {"product": self._product(), "supplier": supplier, "stock": stock, "demand": demand}
        return ProductFacts.model_validate(given | {"source": "input", "data_age_days": self.data_age_days})

    def _product(self) -> dict[str, Any]:
        return {
            "id": self.product_id,
            "name": self.product_name or self.product_id,
            "unit_price": _money(self.unit_price),
            "order_cost": _money(self.order_cost),
            "stockout_cost": _money(self.stockout_cost),
            "price_breaks": [
                {"minimum_quantity": each.minimum_quantity, "unit_price": _money(each.unit_price)}
                for each in self.price_breaks
            ],
            **{name: getattr(self, name) for name in _ALIKE},
        }


_ALIKE = (
    *("category", "notes", "currency", "minimum_order_quantity", "order_multiple", "maximum_order_quantity"),
    *("maximum_cover_days", "shelf_life_days", "holding_rate", "service_level", "service_type", "review_period_days"),
)
"""What a trigger and a product call the same and mean by it."""


def _money(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value))


Trigger = Annotated[CatalogueTrigger | InlineTrigger, Field(discriminator="mode")]


class ChatMessage(Body):
    message: Annotated[str, Field(min_length=1, max_length=100_000)] = Field(
        examples=["Should I reorder STEEL_SHEETS, and why?"]
    )
    conversation_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = Field(
        default=None, description="From an earlier answer, to go on with it. Without it a new conversation begins."
    )


class Decision(Body):
    """A person's word on a waiting order. What is said of the order must be what is stored of it."""

    decision: DecisionKind
    quantity: Units | None = Field(
        default=None, description="With `edit`: what to order instead. With `approve`: the quantity that was looked at."
    )
    reason: Annotated[str, Field(max_length=1_000), AfterValidator(_cleaned(1_000))] = Field(
        default="", description="Kept with the order. Needed to edit or reject."
    )
    version: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="The review's version that was looked at; refused when it has changed since."
    )
    unit_price: Price | None = Field(default=None, description="The review's unit price that was looked at.")
    supplier: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="The name or the id of the supplier that was looked at."
    )

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        if self.decision == "edit" and self.quantity is None:
            raise PydanticCustomError("quantity_and_edit", "quantity is needed to edit")
        if self.decision == "reject" and self.quantity is not None:
            raise PydanticCustomError("quantity_and_edit", "quantity does not go with a rejection")
        if self.decision != "approve" and not self.reason:
            raise PydanticCustomError("reason_missing", "reason is needed to edit or reject")
        return self

    @property
    def seen_unit_price(self) -> Decimal | None:
        return _money(self.unit_price)


WebhookUrl = Annotated[str, Field(min_length=1, max_length=2_000, examples=["https://erp.example/hooks/restock"])]
WebhookEvents = Annotated[list[EventName], Field(max_length=20, description="Empty for every event.")]


class NewWebhook(Body):
    """An address that is told of events from now on."""

    url: WebhookUrl
    events: WebhookEvents = []
    description: Label = ""


class WebhookChange(Body):
    """What is to change; what is left out stays."""

    url: WebhookUrl | None = None
    events: WebhookEvents | None = None
    description: Label | None = None
    enabled: bool | None = Field(
        default=None, description="When disabled, what was still to be delivered becomes dead letters."
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.changes():
            raise PydanticCustomError("nothing_to_change", "Name at least one field to change, and not as null")
        return self

    def changes(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class Rotation(Body):
    """A new secret for a webhook."""

    keep_old_hours: Annotated[float, Field(ge=0, le=168)] = Field(
        default=24, description="For so long the old secret signs as well; 0 ends it at once."
    )


KeyName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_cleaned(100))]
KeyScopes = Annotated[list[Scope], Field(min_length=1, max_length=len(ALL_SCOPES))]


class LimitInput(Body):
    """What a key may spend in one currency; leave out what is not limited."""

    currency: Currency = Field(examples=["EUR"])
    per_order: Price | None = Field(default=None, description="On one order, and so in one run.", examples=[5_000])
    per_day: Price | None = Field(default=None, description="In a day (UTC).", examples=[20_000])
    in_total: Price | None = Field(default=None, description="Ever.")

    def limit(self) -> Limit:
        return Limit(
            currency=self.currency,
            per_order=_money(self.per_order),
            per_day=_money(self.per_day),
            in_total=_money(self.in_total),
        )


def _one_limit_each(limits: list[LimitInput]) -> list[LimitInput]:
    if len({limit.currency for limit in limits}) < len(limits):
        raise PydanticCustomError("currency_twice", "There are two limits in the same currency; send one for each")
    return limits


LimitInputs = Annotated[list[LimitInput], Field(max_length=50), AfterValidator(_one_limit_each)]


class NewKey(Body):
    """A key to be made."""

    name: KeyName = Field(examples=["erp bridge"], description="Shown with all that is done with it.")
    scopes: KeyScopes = Field(examples=[["trigger", "read"]])
    expires_at: Annotated[AwareDatetime, Field(strict=False)] | None = Field(
        default=None, description="When it ends by itself; with a time zone.", examples=["2027-01-01T00:00:00Z"]
    )
    may_approve_own: bool = Field(default=False, description="Whether it may approve what it has asked for itself.")
    limits: LimitInputs = Field(default=[], description="Without any, it may spend without limit.")


class KeyRotation(Body):
    """A new secret for a key."""

    keep_old_hours: Annotated[float, Field(ge=0, le=8_760)] = Field(
        default=24, description="For so long the old secret opens as well; 0 ends it at once."
    )


class NewLimits(Body):
    limits: LimitInputs = Field(description="All limits of the key; what is not named is not limited any more.")


class OutcomeInput(Body):
    """How an order turned out at the end of the lead time and review period that it had to cover."""

    ran_out: bool = Field(description="Demand went unserved, or waited.")
    left_over: Quantity = Field(description="Units on hand at the end; 0 when none were.")
    received_quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] | None = Field(
        default=None, description="Units that came in, where it is known."
    )

    def to_report(self, number: str) -> OutcomeReport:
        return OutcomeReport(order_number=number, **self.model_dump())
