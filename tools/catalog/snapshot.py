"""The rows of the own catalogue, and the facts that they make of a product at a location."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from tools.catalog.histories import PROMOTION, STOCK_OUT, UNKNOWN, Calendar, History, OpenDays
from tools.planning.demand_distribution import FloatArray
from tools.planning.interval_forecast import FEWEST_TO_REPLAY
from tools.planning.learned import unusable
from tools.planning.promotion import Usual, usual_promotion, usual_terms
from tools.records.errors import InvalidInput
from tools.records.facts import DemandHistory, LearnedDemand, Mode, OpenOrder, Product, ProductFacts, Stock, Supplier

Place = tuple[str, str]
"""Product id and location."""
DEFAULT_LOCATION = "MAIN"
NO_SUPPLIER = "no supplier"
"""The supplier of products that name none."""
PRODUCTS_OF_GROUP = 200
"""The first, among which promoted ones say what is usual."""
LOOKED_AHEAD_DAYS = 366
"""For planned promotions."""


class MissingFacts(InvalidInput):
    """The catalogue does not know enough of a product to plan it."""

    code = "facts_missing"


@dataclass(frozen=True, slots=True)
class CatalogueSettings:
    """What holds for the whole catalogue."""

    currency: str = "USD"
    """The base currency: that of prices without one."""
    time_zone: str = "UTC"
    default_location: str = DEFAULT_LOCATION
    """Where rows without a location belong."""
    demand_through: Mapping[str, date] = field(default_factory=dict)
    """The last day of demand that each location has reported."""
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    day: date | None = None
    """Taken for today, where it is given."""

    @property
    def today(self) -> date:
        return self.day or datetime.now(ZoneInfo(self.time_zone)).date()

    def calendar(self, location: str) -> Calendar:
        return self.calendars.get(location, Calendar())

    def end_of_demand(self, location: str) -> date | None:
        """The day after the last whole day of demand. Today is not over."""
        through = self.demand_through.get(location)
        return None if through is None else min(through + timedelta(1), self.today)


@dataclass(frozen=True, slots=True)
class StoredStock:
    on_hand: float
    backorders: float
    as_of: datetime


@dataclass(frozen=True)
class Snapshot:
    """Rows of one product, or of the whole catalogue."""

    settings: CatalogueSettings
    suppliers: Mapping[str, Mapping[str, Any]]
    products: Mapping[str, Mapping[str, Any]]
    stock: Mapping[Place, StoredStock]
    histories: Mapping[Place, History]
    lines: tuple[Mapping[str, Any], ...] = ()
    """Open orders of other systems."""
    receipts: tuple[Mapping[str, Any], ...] = ()
    promotions: tuple[Mapping[str, Any], ...] = ()
    learned: Mapping[Place, LearnedDemand] = field(default_factory=dict)
    usual_lateness: tuple[float, ...] = ()
    """By how many days receipts of all suppliers came later than their promise, in a few quantiles."""
    source: Mode = "database"
    places_in_order: tuple[Place, ...] = ()
    """Where they are not in the usual one."""
    group: "Snapshot | None" = None
    """Products, demand and promotions of the first products of a group, where one product was read."""

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every product at every location that has stock or demand of it, in order. The default location is first."""
        if self.places_in_order:
            return self.places_in_order
        home = self.settings.default_location
        known = {place for place in (*self.stock, *self.histories) if place[0] in self.products}
        homeless = set(self.products) - {product_id for product_id, _ in known}
        known |= {(product_id, home) for product_id in homeless}
        return tuple(sorted(known, key=lambda place: (place[0], place[1] != home, place[1])))

    def facts(self, place: Place) -> ProductFacts:
        """Raises MissingFacts for a product that cannot be planned, with what to give."""
        product_id, location = place
        if missing := self.missing(place):
            raise MissingFacts(missing)
        return ProductFacts(
            product=self.product(product_id),
            supplier=self.supplier(product_id),
            stock=self.stock_at(place),
            demand=self._demand(place),
            source=self.source,
            data_age_days=self.data_age_days(location),
            learned=self.learned.get(place),
        )

    def missing(self, place: Place) -> str | None:
        """What the catalogue must be told before this product can be planned, in one sentence."""
        product_id, location = place
        if place not in self.stock:
            return f"No stock of {product_id} at {location} is known; import a stock file, or send POST /stock."
        if self.lead_time_days(product_id) is None:
            return (
                f"No lead time of {product_id} is known; give its own, or its supplier's, with "
                f"`restock import` or PUT /products/{product_id}."
            )
        if place not in self.histories:
            return f"No demand of {product_id} at {location} is known; import sales, or send POST /demand."
        return None

    def stock_at(self, place: Place) -> Stock:
        """Negative stock is backorders."""
        stored = self.stock[place]
        return Stock(
            location=place[1],
            on_hand=max(0.0, stored.on_hand),
            backorders=stored.backorders + max(0.0, -stored.on_hand),
            sent_below_zero=stored.on_hand < 0,
            open_orders=tuple(self._open_order(line) for line in self._lines_by_place.get(place, ())),
        )

    def product(self, product_id: str) -> Product:
        if product_id not in self._made:
            self._made[product_id] = self._product(product_id)
        return self._made[product_id]

    def _product(self, product_id: str) -> Product:
        row = self.products[product_id]
        terms = {name: value for name, value in row["terms"].items() if name != "lead_time_days"}
        supplier = self._supplier_row(product_id)
        currency = supplier.get("terms", {}).get("currency") or self.settings.currency
        named = {"id": product_id, "name": row["name"], "category": row["category"]}
        return Product.model_validate({"currency": currency} | terms | named)

    def supplier(self, product_id: str) -> Supplier:
        row, identity = self._supplier_row(product_id), self.supplier_id(product_id)
        stored = self.products[product_id]["supplier_id"] or ""
        took, late = self._lead_times.get(stored, ()), self._lateness.get(stored, ())
        spread = row.get("terms", {}).get("lead_time_sd_days")
        more_is_known = spread is not None or (len(took) >= FEWEST_TO_REPLAY and not late)
        return Supplier(
            id=identity,
            name=row.get("name") or identity,
            promised_lead_time_days=self.lead_time_days(product_id) or 0.0,
            lead_time_sd_days=spread,
            observed_lead_times_days=took,
            observed_lateness_days=late,
            usual_lateness_days=() if more_is_known else self.usual_lateness,
        )

    def supplier_id(self, product_id: str) -> str:
        return self.products[product_id]["supplier_id"] or NO_SUPPLIER

    def lead_time_days(self, product_id: str) -> float | None:
        """The product's own, or its supplier's."""
        own: float | None = self.products[product_id]["terms"].get("lead_time_days")
        theirs: float | None = self._supplier_row(product_id).get("terms", {}).get("lead_time_days")
        return theirs if own is None else own

    def data_age_days(self, location: str) -> float:
        """Open days since the last one that has demand, as calendar days."""
        end = self.settings.end_of_demand(location)
        if end is None or end >= self.settings.today:
            return 0.0
        calendar = self.settings.calendar(location)
        if calendar.period != "day":
            return float((self.settings.today - end).days)
        return float(calendar.is_open(end, (self.settings.today - end).days).sum()) * calendar.period_days

    def promotions_in(self, place: Place) -> dict[int, float]:
        """Positions in the demand history of periods with a promotion, marked in sales or by the promotions' days, and
        how far it cut the price; 1 where that is not stated."""
        if place not in self.histories:
            return {}
        first, marked = self.histories[place].first, self.open_days(place).flags & PROMOTION
        by_days = self._periods(place, first, (self._end(place) - first).days, self._promotions_at(place))
        return dict.fromkeys(np.flatnonzero(marked).tolist(), 1.0) | by_days

    def learned_for(self, place: Place, interval_days: float) -> LearnedDemand | None:
        """What was learned, where it is used for this interval."""
        found = self.learned.get(place)
        if found is None:
            return None
        period_days, last = self.settings.calendar(place[1]).period_days, self.open_days(place).last
        refused = unusable(
            found,
            last_period=last,
            period_days=period_days,
            planned=self.promotions_planned(place),
            interval_days=interval_days,
        )
        return None if refused else found

    @cached_property
    def has_promotions(self) -> bool:
        """Whether any is marked in sales, or has days of its own."""
        return bool(self.promotions) or any((each.flags & PROMOTION).any() for each in self.histories.values())

    def usual_promotion(self, place: Place) -> Usual:
        """What promotions usually bring in the product's group."""
        if not self.has_promotions or (not self.promotions_in(place) and not self.promotions_planned(place)):
            return Usual()
        lifts, category = self._usual_lifts, self.products[place[0]]["category"]
        if category not in lifts:
            lifts[category] = (self.group or self).lift_of(category)
        return lifts[category]

    @cached_property
    def _usual_lifts(self) -> dict[str, Usual]:
        return {}

    def lift_of(self, category: str) -> Usual:
        """That promotions usually bring, by the promoted ones of its first products."""
        ids = sorted(product_id for product_id, row in self.products.items() if row["category"] == category)
        known = self._places_known
        places = (place for product_id in ids[:PRODUCTS_OF_GROUP] for place in known.get(product_id, ()))
        return usual_promotion(self._promoted(place) for place in places)

    @cached_property
    def _places_known(self) -> dict[str, list[Place]]:
        places = defaultdict(list)
        for place in sorted(self.histories):
            places[place[0]].append(place)
        return places

    def _promoted(self, place: Place) -> tuple[FloatArray, FloatArray]:
        """Past demand, and the cuts of its promotions."""
        demand, promotions = self.open_days(place).demand(), self.promotions_in(place)
        cuts = np.zeros(demand.size)
        cuts[list(promotions)] = list(promotions.values())
        return demand, cuts

    def promotions_planned(self, place: Place) -> dict[int, float]:
        """The same of periods to come, within a year, with a promotion that states no factor: 0 is the one after the
        history."""
        planned = [row for row in self._promotions_at(place) if not row["uplift"]]
        return self._periods(place, self._end(place), LOOKED_AHEAD_DAYS, planned)

    def _periods(self, place: Place, first: date, days: int, rows: list[Mapping[str, Any]]) -> dict[int, float]:
        """Of the `days` from `first` on, the periods in which there is one of these promotions, and the deepest cut."""
        found: dict[int, float] = {}
        if not rows:
            return found
        period = np.maximum(0, np.cumsum(self.settings.calendar(place[1]).is_open(first, days)) - 1)
        for row in sorted(rows, key=lambda row: row["price_cut"] or 0.0):
            begins, ends = ((date.fromisoformat(row[day]) - first).days for day in ("first_day", "last_day"))
            found |= dict.fromkeys(period[max(0, begins) : max(0, ends + 1)].tolist(), row["price_cut"] or 1.0)
        return found

    def _promotions_at(self, place: Place) -> list[Mapping[str, Any]]:
        return [row for row in self._promotions_of.get(place[0], ()) if row["location"] in ("", place[1])]

    def _end(self, place: Place) -> date:
        """The day after the last one that the location has reported."""
        history = self.histories[place]
        return max(self.settings.end_of_demand(place[1]) or history.end, history.first)

    def open_days(self, place: Place) -> OpenDays:
        """Demand by open day from the first up to the last that the location has reported."""
        history, end = self.histories[place], self._end(place)
        if end != history.end:
            history = history.spanning(history.first, end)
        return history.by_open_day(self.settings.calendar(place[1]))

    def _demand(self, place: Place) -> DemandHistory:
        days, past, planned = self.open_days(place), self.promotions_in(place), self.promotions_planned(place)
        pairs = zip(days.quantities.tolist(), days.flags.tolist(), strict=True)
        values = [None if flag & UNKNOWN else value for value, flag in pairs]
        return DemandHistory(
            values=tuple(values),
            period_days=self.settings.calendar(place[1]).period_days,
            last_period=days.last,
            stockout_periods=frozenset(np.flatnonzero(days.flags & STOCK_OUT).tolist()),
            planned_uplift=self.planned_uplift(place),
            promotion_periods=frozenset(past),
            planned_promotion_periods=frozenset(planned),
            price_cuts=stated_cuts(past),
            planned_price_cuts=stated_cuts(planned),
            **usual_terms(self.usual_promotion(place)),
        )

    def planned_uplift(self, place: Place) -> float:
        """The largest factor of a promotion that begins within the lead time, or is running."""
        today = self.settings.today
        until = today + timedelta(self.lead_time_days(place[0]) or 0.0)
        planned = [
            float(row["uplift"])
            for row in self._promotions_at(place)
            if row["uplift"]
            if date.fromisoformat(row["first_day"]) <= until and date.fromisoformat(row["last_day"]) >= today
        ]
        return max(planned, default=1.0)

    def _supplier_row(self, product_id: str) -> Mapping[str, Any]:
        return self.suppliers.get(self.products[product_id]["supplier_id"] or "", {})

    @cached_property
    def _made(self) -> dict[str, Product]:
        return {}

    @cached_property
    def _promotions_of(self) -> dict[str, list[Mapping[str, Any]]]:
        planned: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self.promotions:
            planned[row["product_id"]].append(row)
        return planned

    @cached_property
    def _lines_by_place(self) -> dict[Place, list[Mapping[str, Any]]]:
        lines: dict[Place, list[Mapping[str, Any]]] = defaultdict(list)
        for line in self.lines:
            lines[line["product_id"], line["location"]].append(line)
        return lines

    @cached_property
    def _lead_times(self) -> dict[str, tuple[float, ...]]:
        """Days from order to receipt, oldest first, by supplier."""
        times = self._days_since("ordered_on")
        return {supplier: tuple(max(0.0, days) for days in found) for supplier, found in times.items()}

    @cached_property
    def _lateness(self) -> dict[str, tuple[float, ...]]:
        """Days from the promised day to the receipt, oldest first, by supplier."""
        return self._days_since("due_on")

    def _days_since(self, start: str) -> dict[str, tuple[float, ...]]:
        found: dict[str, list[float]] = defaultdict(list)
        for row in sorted(self.receipts, key=lambda row: str(row["received_on"])):
            if row[start]:
                days = (date.fromisoformat(row["received_on"]) - date.fromisoformat(row[start])).days
                found[row["supplier_id"]].append(float(days))
        return {supplier: tuple(days) for supplier, days in found.items()}

    def _open_order(self, line: Mapping[str, Any]) -> OpenOrder:
        today = self.settings.today
        ordered = None if line["ordered_on"] is None else (today - date.fromisoformat(line["ordered_on"])).days
        lead = self.lead_time_days(line["product_id"]) or 0.0
        due_in = lead - (ordered or 0) if line["due_on"] is None else (date.fromisoformat(line["due_on"]) - today).days
        return OpenOrder(
            reference=line["reference"],
            quantity=line["quantity"],
            due_in_days=float(due_in),
            placed_days_ago=None if ordered is None else max(0.0, float(ordered)),
            received=line["received"],
        )


def moment(day: date, settings: CatalogueSettings) -> datetime:
    """The end of a day in the catalogue's time zone."""
    end = datetime.combine(day + timedelta(1), datetime.min.time(), ZoneInfo(settings.time_zone))
    return end.astimezone(UTC)


def stated_cuts(promotions: Mapping[int, float]) -> dict[int, float]:
    return {period: cut for period, cut in promotions.items() if cut < 1}
