"""Reads the sample's files. What is read is relative to `BASE_DATE`, the day on which the sample is "today"."""

import csv
import json
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from typing import Any

from tools.records.facts import (
    DemandHistory,
    OpenOrder,
    Product,
    ProductFacts,
    Stock,
    Supplier,
)

BASE_DATE = date(2026, 1, 1)


def read_sample() -> tuple[ProductFacts, ...]:
    """Every product at every location; the first location of a product is its home."""
    suppliers = {row["id"]: Supplier(**row) for row in _json("suppliers.json")}
    products = {row["id"]: row for row in _json("products.json")}
    demand = {(row["product_id"], row["location"]): _history(row) for row in _csv("demand.csv")}
    return tuple(_facts(row, products[row["product_id"]], suppliers, demand) for row in _json("stock.json"))


def _facts(
    row: dict[str, Any],
    product: dict[str, Any],
    suppliers: dict[str, Supplier],
    demand: dict[tuple[str, str], DemandHistory],
) -> ProductFacts:
    terms = {name: value for name, value in product.items() if name != "supplier_id"}
    return ProductFacts(
        product=Product(**terms),
        supplier=suppliers[product["supplier_id"]],
        stock=Stock(
            location=row["location"],
            on_hand=row["on_hand"],
            backorders=row["backorders"],
            open_orders=tuple(_open_order(order) for order in row["open_orders"]),
        ),
        demand=demand[row["product_id"], row["location"]],
        source="mock",
    )


def _open_order(order: dict[str, Any]) -> OpenOrder:
    return OpenOrder(
        reference=order["reference"],
        quantity=order["quantity"],
        due_in_days=(date.fromisoformat(order["due"]) - BASE_DATE).days,
        placed_days_ago=(BASE_DATE - date.fromisoformat(order["placed"])).days,
    )


def _history(row: dict[str, str]) -> DemandHistory:
    """One line of demand.csv: daily demand from `first_date` to `last_date`; `-` is a day that nobody recorded."""
    first, last = date.fromisoformat(row["first_date"]), date.fromisoformat(row["last_date"])
    values = tuple(None if text == "-" else float(text) for text in row["daily_demand"].split())
    if len(values) != (last - first).days + 1:
        raise ValueError(f"demand.csv: {row['product_id']} at {row['location']} has {len(values)} days, not its dates'")
    return DemandHistory(
        values=values,
        last_period=last,
        stockout_periods=frozenset(_stockout_days(row["out_of_stock"], first)),
    )


def _stockout_days(text: str, first: date) -> Iterator[int]:
    """Positions of the days in `2025-03-01/2025-03-14`, an inclusive interval; empty text is none."""
    if text:
        begin, end = (date.fromisoformat(part) for part in text.split("/"))
        yield from range((begin - first).days, (end - first).days + 1)


def _json(name: str) -> list[dict[str, Any]]:
    return json.loads((files("tools.catalog.sample") / name).read_text("utf-8"))  # type: ignore[no-any-return]


def _csv(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((files("tools.catalog.sample") / name).read_text("utf-8").splitlines()))
