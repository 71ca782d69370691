"""Reads the sample's files as the rows of a catalogue. They tell of `BASE_DATE`, and are moved to another day."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any

import numpy as np

from tools.catalog.histories import STOCK_OUT, UNKNOWN, History
from tools.catalog.snapshot import CatalogueSettings, Snapshot, StoredStock

BASE_DATE = date(2026, 1, 1)


def read_sample(today: date) -> Snapshot:
    """Every product at every location as on this day; the first location of a product is its home."""
    moved, suppliers, kept = today - BASE_DATE, _json("suppliers.json"), _json("stock.json")
    counted = datetime.min.replace(tzinfo=UTC)
    stock = {
        (row["product_id"], row["location"]): StoredStock(row["on_hand"], row["backorders"], counted) for row in kept
    }
    return Snapshot(
        settings=CatalogueSettings(
            day=today, demand_through=dict.fromkeys((place for _, place in stock), today - timedelta(1))
        ),
        suppliers={row["id"]: row | {"terms": {"lead_time_days": row["promised_lead_time_days"]}} for row in suppliers},
        products={row["id"]: _product(**row) for row in _json("products.json")},
        stock=stock,
        histories={(row["product_id"], row["location"]): _history(row, moved) for row in _csv("demand.csv")},
        lines=tuple(_line(row, order, moved) for row in kept for order in row["open_orders"]),
        receipts=tuple(receipt for row in suppliers for receipt in _receipts(row)),
        source="mock",
        places_in_order=tuple(stock),
    )


def _product(name: str, category: str, supplier_id: str, **terms: Any) -> dict[str, Any]:
    return {"name": name, "category": category, "supplier_id": supplier_id, "terms": terms}


def _line(row: dict[str, Any], order: dict[str, Any], moved: timedelta) -> dict[str, Any]:
    """An open order. Its days are those of the sample."""
    days = {to: (date.fromisoformat(order[of]) + moved).isoformat() for to, of in _DAYS.items()}
    return row | {"reference": order["reference"], "quantity": order["quantity"], "received": 0.0} | days


_DAYS = {"ordered_on": "placed", "due_on": "due"}


def _receipts(supplier: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One for each lead time that was observed, oldest first."""
    for number, days in enumerate(supplier["observed_lead_times_days"]):
        came = BASE_DATE + timedelta(number)
        ordered = came - timedelta(days)
        yield {"supplier_id": supplier["id"], "received_on": str(came), "ordered_on": str(ordered), "due_on": None}


def _history(row: dict[str, str], moved: timedelta) -> History:
    """One line of demand.csv: daily demand from `first_date` on; `-` is a day that nobody recorded."""
    first, demand = date.fromisoformat(row["first_date"]), row["daily_demand"].split()
    flags = np.array([UNKNOWN if text == "-" else 0 for text in demand], np.uint8)
    if row["out_of_stock"]:  # 2025-03-01/2025-03-14, both included
        begin, end = ((date.fromisoformat(part) - first).days for part in row["out_of_stock"].split("/"))
        flags[begin : end + 1] |= STOCK_OUT
    return History(first + moved, np.array([0.0 if text == "-" else float(text) for text in demand]), flags)


def _json(name: str) -> list[dict[str, Any]]:
    return json.loads((files("tools.catalog.sample") / name).read_text("utf-8"))  # type: ignore[no-any-return]


def _csv(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((files("tools.catalog.sample") / name).read_text("utf-8").splitlines()))
