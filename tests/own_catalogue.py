"""A small catalogue of one's own, written straight into the tables."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from tools.catalog.histories import History
from tools.storage import catalogue_schema as tables

ACME = {"id": "ACME", "name": "Acme Fasteners", "terms": {"lead_time_days": 7, "currency": "EUR"}}
BOLTS: dict[str, Any] = {"id": "BOLTS", "name": "Bolts M8", "category": "fixings", "supplier_id": "ACME"}
BOLTS |= {"terms": {"unit_price": "0.5", "minimum_order_quantity": 10, "order_multiple": 5}}
YESTERDAY = datetime.now(UTC).date() - timedelta(1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
STEADY = (10, 12, 9, 11, 10, 8, 12) * 12


def put(engine: sa.Engine, table: sa.Table, *rows: dict[str, Any]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(table), list(rows))


def stock_row(product_id: str = "BOLTS", location: str = "SHOP", on_hand: float = 20, **more: Any) -> dict[str, Any]:
    place = {"product_id": product_id, "location": location}
    return place | {"on_hand": on_hand, "backorders": 0, "as_of": LONG_AGO} | more


def demand_row(
    values: Sequence[float] = STEADY,
    *,
    product_id: str = "BOLTS",
    location: str = "SHOP",
    last: date = YESTERDAY,
    flags: Sequence[int] | None = None,
) -> dict[str, Any]:
    flagged = np.zeros(len(values), np.uint8) if flags is None else np.array(flags, np.uint8)
    history = History(last - timedelta(len(values) - 1), np.array(values, np.float64), flagged)
    return {"product_id": product_id, "location": location} | history.stored()


def keep_bolts(engine: sa.Engine, *, on_hand: float = 20, last: date = YESTERDAY, **settings: Any) -> None:
    """BOLTS of ACME at SHOP, with twelve weeks of steady demand."""
    put(engine, tables.suppliers, ACME)
    put(engine, tables.products, BOLTS)
    put(engine, tables.stock, stock_row(on_hand=on_hand))
    put(engine, tables.demand, demand_row(last=last))
    given = {"default_location": "SHOP", "currency": "EUR", "demand_through": {"SHOP": last.isoformat()}} | settings
    put(engine, tables.catalogue, *({"name": name, "value": value} for name, value in given.items()))
