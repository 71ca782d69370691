"""Products, suppliers, stock and demand of the own catalogue: what may be said of them, and how they are shown."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from api.bodies.fields import (
    MAX_QUANTITY,
    Answer,
    Body,
    Days,
    Identifier,
    Label,
    Moment,
    Notes,
    Price,
    Quantity,
    ServiceLevel,
    SomeDays,
)
from tools.catalog.entries import ProductEntry, SupplierEntry
from tools.catalog.importing.direct import DayOfDemand, Level
from tools.catalog.snapshot import CatalogueSettings
from tools.records.facts import ServiceType
from tools.records.money import Currency

MOST = 10_000
"""Entries of one request."""
ClosedDays = Annotated[list[Label], Field(max_length=1_000)]
NearDay = Annotated[date, Field(strict=False, ge=date(2000, 1, 1), le=date(2200, 12, 31))]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ProductInput(Body):
    """A product. What is left out is the default."""

    name: Label = Field("", description="Name; without it, the id.")
    category: Label = Field("", description="Group of products it belongs to.")
    supplier: Label = Field("", description="Supplier's id or name. An unknown one is made.")
    unit: Label = Field("units", description="What is counted: pieces, kg, m.")
    notes: Notes = Field("", description="What a planner should know.")
    unit_price: Price | None = Field(None, description="Purchase price of one unit.")
    currency: Currency | None = Field(None, description="Currency of its prices; without it, the supplier's.")
    lead_time_days: Days | None = Field(None, description="Days from order to delivery; without it, the supplier's.")
    minimum_order_quantity: Quantity | None = Field(None, description="Smallest order.")
    order_multiple: Quantity | None = Field(None, description="Orders are multiples of this, such as a pack.")
    maximum_order_quantity: Quantity | None = Field(None, description="Largest order.")
    unit_size: Quantity | None = Field(None, description="Smallest amount that can be ordered: 1, 0.5, 0.001.")
    purchase_unit: Label = Field("", description="What the supplier sells it in, such as a case.")
    units_per_purchase_unit: Quantity | None = Field(None, description="Units in one purchase unit.")
    service_level: ServiceLevel | None = Field(None, description="Chance of no stock-out in an order cycle.")
    service_type: ServiceType | None = Field(None, description="What the target means.")
    review_period_days: Days | None = Field(None, description="Days between two looks at its stock.")
    shelf_life_days: SomeDays | None = Field(None, description="Days for which it can be sold.")
    maximum_cover_days: SomeDays | None = Field(None, description="Most days of demand to hold.")
    order_cost: Price | None = Field(None, description="Cost of placing one order.")
    holding_rate: Annotated[float, Field(ge=0, le=100)] | None = None
    """Cost of holding a unit for a year, as a share of its price."""
    stockout_cost: Price | None = Field(None, description="Cost of a unit of demand that stock could not serve.")
    unit_profit: Price | None = Field(None, description="What the sale of a unit earns.")
    holding_cost: Price | None = Field(None, description="Cost of holding a unit for a year, in place of the rate.")
    budget: Price | None = Field(None, description="Most that one order may cost.")

    def given(self) -> dict[str, Any]:
        """The terms that the request states."""
        return {name: value for name, value in self.model_dump(exclude_unset=True).items() if value is not None}


class ProductAnswer(Answer, ProductInput):
    """A product as it is stored. What is null or empty is the default."""

    id: str = Field(description="The product's id.")

    @classmethod
    def of(cls, entry: ProductEntry) -> "ProductAnswer":
        shown = {"id": entry.id, "name": entry.name, "category": entry.category, "supplier": entry.supplier_id or ""}
        return cls.model_construct(**entry.terms | shown)


class Products(Answer):
    """A page of products, by id."""

    products: tuple[ProductAnswer, ...] = Field(description="The products of this page.")
    total: int = Field(description="Products that match, on all pages.")
    next: str | None = Field(description="Pass as `after` for the next page; null at the end.")


class SupplierInput(Body):
    """A supplier and its terms. What is left out is not known."""

    name: Label = Field("", description="Name; without it, the id.")
    lead_time_days: Days | None = Field(None, description="Days from order to delivery.")
    lead_time_sd_days: Days | None = Field(None, description="Standard deviation of the lead time, in days.")
    minimum_order_value: Price | None = Field(None, description="Smallest value of an order.")
    free_freight_value: Price | None = Field(None, description="Value from which delivery is free.")
    order_days: list[Weekday] | None = Field(None, description="Weekdays on which it takes orders; null for any.")
    currency: Currency | None = Field(None, description="Currency of its prices.")

    def given(self) -> dict[str, Any]:
        """The terms that the request states."""
        stated = {name: value for name, value in self.model_dump(exclude_unset=True).items() if value is not None}
        stated["supplier_name"] = stated.pop("name", "")
        if "order_days" in stated:
            stated["order_days"] = " ".join(stated["order_days"])
        return stated


class SupplierAnswer(Answer, SupplierInput):
    """A supplier as it is stored."""

    id: str = Field(description="The supplier's id.")

    @classmethod
    def of(cls, entry: SupplierEntry) -> "SupplierAnswer":
        return cls.model_construct(**entry.terms | {"id": entry.id, "name": entry.name})


class Suppliers(Answer):
    """A page of suppliers, by id."""

    suppliers: tuple[SupplierAnswer, ...] = Field(description="The suppliers of this page.")
    total: int = Field(description="Suppliers on all pages.")
    next: str | None = Field(description="Pass as `after` for the next page; null at the end.")


class Where(Body):
    """A product at a location."""

    product_id: Identifier = Field(description="The product's id. An unknown one is made.")
    location: Identifier | None = Field(None, description="Where; without it, the default location.")


class StockLevel(Where):
    """Stock that was counted."""

    on_hand: Annotated[float, Field(ge=-MAX_QUANTITY, le=MAX_QUANTITY)] = Field(
        description="Units on hand. Below 0 is backorders."
    )
    backorders: Quantity | None = Field(None, description="Units that customers wait for.")
    as_of: Moment | None = Field(None, description="When it was counted, with a time zone; without it, now.")


class StockMovement(Where):
    """Units that went in or out."""

    quantity: Annotated[float, Field(ge=-MAX_QUANTITY, le=MAX_QUANTITY)] = Field(
        description="Units that came in; below 0, that went out."
    )


class StockInput(Body):
    """Stock in bulk."""

    levels: Annotated[list[StockLevel], Field(max_length=MOST)] = Field([], description="Counted stock.")
    movements: Annotated[list[StockMovement], Field(max_length=MOST)] = Field(
        [], description="What went in or out since. It is added, so it needs an Idempotency-Key."
    )

    def entries(self) -> list[Level]:
        counted = [Level(**level.model_dump()) for level in self.levels]
        return counted + [Level(each.product_id, each.location, moved=each.quantity) for each in self.movements]


class DemandDay(Where):
    """What was asked for of one product at one location on one day."""

    day: NearDay = Field(description="The day, as 2026-11-30.")
    quantity: Quantity = Field(description="Units; this replaces what was stored for the day.")
    stock_out: bool = Field(False, description="Whether it was out of stock, so that demand was higher than sales.")
    promotion: bool = Field(False, description="Whether it was promoted.")


class DemandInput(Body):
    """Demand in bulk. Products without an entry had none, up to the last day named for their location."""

    days: Annotated[list[DemandDay], Field(min_length=1, max_length=MOST)] = Field(description="Demand by day.")

    def entries(self) -> list[DayOfDemand]:
        return [DayOfDemand(**day.model_dump()) for day in self.days]


class CatalogueInput(Body):
    """What holds for the whole catalogue. What is left out stays as it is."""

    currency: Currency | None = Field(None, description="Currency of prices that name none.")
    time_zone: Annotated[str, Field(max_length=100)] | None = None
    """Time zone of days and of lateness, such as Europe/Berlin."""
    default_location: Identifier | None = Field(None, description="Where rows without a location belong.")
    closed: Annotated[dict[Identifier, ClosedDays], Field(max_length=1_000)] = Field({})
    """Weekdays (`mon`) and days (`2026-12-25`) on which a location is closed, by location. They replace what was known
    of it."""

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in self.model_dump().items() if value}


class LocationAnswer(Answer):
    """How a location's demand is kept."""

    period: str = Field(description="What one figure of demand counts: `day`, `week` or `month`.")
    demand_through: date = Field(description="The last day of demand that is known.")
    closed_weekdays: tuple[int, ...] = Field(description="Weekdays on which nothing sells; 0 is Monday.")
    closed_days: tuple[date, ...] = Field(description="Single days on which nothing sells.")

    @classmethod
    def of(cls, settings: CatalogueSettings, place: str) -> "LocationAnswer":
        calendar, through = settings.calendar(place), settings.demand_through[place]
        weekdays, days = tuple(sorted(calendar.weekdays)), tuple(sorted(calendar.days))
        return cls(period=calendar.period, demand_through=through, closed_weekdays=weekdays, closed_days=days)


class CatalogueAnswer(Answer):
    """What holds for the whole catalogue."""

    currency: str = Field(description="Currency of prices that name none.")
    time_zone: str = Field(description="Time zone of days and of lateness.")
    default_location: str = Field(description="Where rows without a location belong.")
    locations: dict[str, LocationAnswer] = Field(description="Locations with demand.")

    @classmethod
    def of(cls, settings: CatalogueSettings) -> "CatalogueAnswer":
        return cls.copy_of(
            settings,
            locations={place: LocationAnswer.of(settings, place) for place in sorted(settings.demand_through)},
        )
