"""Kinds of files and their columns in words, and an example of each, for people who prepare files."""

from dataclasses import dataclass
from datetime import date, timedelta

from tools.catalog.reading.file_reading import Kind
from tools.catalog.reading.roles import KINDS, REQUIRED


@dataclass(frozen=True, slots=True)
class Role:
    """One thing that a column may hold."""

    name: str
    meaning: str
    example: str
    needed: bool = False

    @property
    def label(self) -> str:
        return _LABELS.get(self.name) or self.name.removesuffix("_days").replace("_", " ").capitalize()


KIND_WORDS: dict[Kind, tuple[str, str]] = {
    "suppliers": ("Suppliers", "whom you buy from: lead times and smallest orders"),
    "products": ("Products", "what you stock: supplier, price, pack size, targets"),
    "stock": ("Stock", "what is on hand now"),
    "sales": ("Sales", "what was asked for, day by day; half a year at least, better two years"),
    "open_orders": ("Open orders", "what other systems have ordered and is still to come"),
    "receipts": ("Receipts", "what has arrived before, and when: they teach the lead time"),
    "promotions": ("Promotions", "when products are or were promoted"),
}
"""Kinds that are imported: name, and what such a file says."""
_LABELS = {"product_id": "Product", "as_of": "Counted on", "lead_time_sd_days": "Lead time deviation"}
_ROLES: dict[str, tuple[str, str]] = {
    "product_id": ("the product's number, the same in all files", "A-100"),
    "name": ("what people call it", "Hex bolt M6"),
    "category": ("group of products", "Bolts"),
    "supplier": ("the supplier's number or name", "S1"),
    "supplier_id": ("the supplier's number", "S1"),
    "supplier_name": ("the supplier's name", "Nordhaus Fasteners"),
    "location": ("warehouse or shop; without it, the default location", "MAIN"),
    "date": ("the day; a week or a month for totals", ""),
    "year": ("the year, where it stands by itself", "2026"),
    "month": ("the month, where it stands by itself", "11"),
    "week": ("the week, where it stands by itself", "45"),
    "quantity": ("how many units", "12"),
    "price": ("selling price of a unit; tells returns apart", "1.20"),
    "status": ("whether the line was cancelled; such lines are no demand", "shipped"),
    "movement": ("sale, transfer or correction; only sales are demand", "sale"),
    "side": ("debit or credit, where quantities have no sign; lines of the rarer side are returns", "D"),
    "customer": ("who bought; tells returns apart", "C17"),
    "document": ("number of the invoice or order; tells returns apart", "SO-1001"),
    "promotion": ("whether it was promoted that day", "no"),
    "stock_out": ("whether it was out of stock that day, so that more could have been sold", "no"),
    "on_hand": ("units in stock", "40"),
    "bin": ("shelf, batch or the like within the location; its stock is added up", "A-01"),
    "backorders": ("units that customers wait for", "0"),
    "on_order": ("units that are on the way", "25"),
    "as_of": ("the day of the count; without it, today", ""),
    "unit": ("what is counted", "pieces"),
    "unit_price": ("purchase price of a unit", "0.85"),
    "price_unit": ("how many units the price is for", "1"),
    "currency": ("currency of the prices", "EUR"),
    "minimum_order_quantity": ("smallest order", "50"),
    "order_multiple": ("orders are multiples of this, such as a pack", "25"),
    "maximum_order_quantity": ("largest order", "1000"),
    "lead_time_days": ("days from order to delivery", "10"),
    "receiving_days": ("days from arrival until it is in stock; they are added to the lead time", "0"),
    "lead_time_sd_days": ("standard deviation of the lead time, in days", "2"),
    "service_level": ("chance of no stock-out in an order cycle", "0.95"),
    "review_period_days": ("days between two looks at its stock", "1"),
    "shelf_life_days": ("days for which it can be sold", "365"),
    "maximum_cover_days": ("most days of demand to hold", "180"),
    "unit_size": ("smallest amount that can be ordered: 1, 0.5, 0.001", "1"),
    "purchase_unit": ("what the supplier sells it in", "case"),
    "units_per_purchase_unit": ("units in one purchase unit", "100"),
    "order_cost": ("cost of placing one order", "15"),
    "holding_rate": ("cost of holding a unit for a year, as a share of its price", "0.2"),
    "stockout_cost": ("cost of a unit of demand that stock could not serve", "3"),
    "notes": ("what a planner should know", "discontinued next year"),
    "minimum_order_value": ("smallest value of an order", "250"),
    "free_freight_value": ("value from which delivery is free", "500"),
    "order_days": ("weekdays on which it takes orders", "mon thu"),
    "reference": ("number of the purchase order", "PO-700"),
    "due_date": ("the day on which it should arrive", ""),
    "ordered_date": ("the day on which it was ordered", ""),
    "received_quantity": ("how many of them have arrived already", "0"),
    "received_date": ("the day on which it arrived", ""),
    "first_day": ("first day of the promotion", ""),
    "last_day": ("last day of the promotion", ""),
    "uplift": ("how many times as much is sold", "1.5"),
    "price_cut": ("how far it cuts the price", "25 %"),
}
_DAYS_FROM_TODAY = {
    "date": -28,
    "as_of": 0,
    "due_date": 14,
    "ordered_date": -28,
    "received_date": -18,
    "first_day": 7,
    "last_day": 21,
}
_SPARED = {"year", "month", "week", "on_order", "movement", "side"}
"""Other ways to say what an example says already."""


def roles(kind: Kind) -> list[Role]:
    """What the columns of such a file may hold, what it needs first."""
    found = [Role(name, *_ROLES[name], needed=name in REQUIRED[kind]) for name in KINDS[kind] if name in _ROLES]
    return sorted(found, key=lambda role: not role.needed)


def example(kind: Kind, today: date) -> dict[str, str]:
    """One row of such a file by role, which stands for the column's name."""
    shown = [role for role in roles(kind) if role.name not in _SPARED]
    return {role.name: _example(role, today) for role in shown}


def _example(role: Role, today: date) -> str:
    days = _DAYS_FROM_TODAY.get(role.name)
    return role.example if days is None else (today + timedelta(days)).isoformat()
