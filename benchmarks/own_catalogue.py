"""A made catalogue in a database, for benchmarks and trials: products with a history each, of which a share is due."""

from datetime import UTC, datetime, timedelta

import numpy as np
import sqlalchemy as sa

from tools.catalog.histories import History
from tools.catalog.own import VERSION
from tools.storage import catalogue_schema as tables
from tools.storage.database import conflict_insert
from tools.storage.schema import counters

SUPPLIERS = 40
YESTERDAY = datetime.now(UTC).date() - timedelta(1)


def make_catalogue(engine: sa.Engine, products: int, *, days: int = 365, due: float = 0.1, seed: int = 0) -> None:
    """Store so many products at one location, a share `due` of them with too little in stock. Lead times are a week."""
    random = np.random.default_rng(seed)
    rates = random.lognormal(1.5, 1.0, products)
    demand = random.poisson(rates[:, None], (products, days)).astype(np.float64)
    prices = np.round(random.lognormal(2, 1, products) + 0.5, 2)
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.suppliers), [_supplier(number) for number in range(SUPPLIERS)])
        connection.execute(sa.insert(tables.products), [_product(row, prices[row]) for row in range(products)])
        connection.execute(sa.insert(tables.demand), [_demand(row, demand[row]) for row in range(products)])
        connection.execute(sa.insert(tables.stock), _stock(demand, due, random))
        settings = {"currency": "EUR", "default_location": "MAIN", "demand_through": {"MAIN": YESTERDAY.isoformat()}}
        connection.execute(
            sa.insert(tables.catalogue), [{"name": name, "value": value} for name, value in settings.items()]
        )
        connection.execute(conflict_insert(counters).values(name=VERSION, value=1))


def another_day(engine: sa.Engine, *, due: float = 0.1, seed: int = 1) -> None:
    """New stock and a day of sales for every product, as two imports bring them."""
    random = np.random.default_rng(seed)
    with engine.begin() as connection:
        rows = connection.execute(sa.select(tables.demand)).mappings().all()
        demand = np.stack([np.frombuffer(row["quantities"]) for row in rows])
        demand = np.concatenate([demand[:, 1:], random.poisson(demand.mean(axis=1))[:, None]], axis=1)
        for table in (tables.demand, tables.stock):
            connection.execute(sa.delete(table))
        places = [int(row["product_id"][1:]) for row in rows]
        connection.execute(sa.insert(tables.demand), [_demand(row, demand[at]) for at, row in enumerate(places)])
        connection.execute(sa.insert(tables.stock), _stock(demand, due, random, places))
        connection.execute(sa.update(counters).where(counters.c.name == VERSION).values(value=counters.c.value + 1))


def _supplier(number: int) -> dict[str, object]:
    return {"id": f"S{number}", "name": f"Supplier {number}", "terms": {"lead_time_days": 7}}


def _product(row: int, price: float) -> dict[str, object]:
    terms = {"unit_price": float(price), "order_multiple": 5, "minimum_order_quantity": 10}
    about = {"id": f"P{row:06d}", "name": f"Product {row}", "category": f"Category {row % 12}"}
    return {**about, "supplier_id": f"S{row % SUPPLIERS}", "terms": terms}


def _demand(row: int, quantities: np.ndarray) -> dict[str, object]:
    first = YESTERDAY - timedelta(len(quantities) - 1)
    history = History(first, quantities, np.zeros(len(quantities), np.uint8))
    return {"product_id": f"P{row:06d}", "location": "MAIN", **history.stored()}


def _stock(
    demand: np.ndarray, due: float, random: np.random.Generator, places: list[int] | None = None
) -> list[dict[str, object]]:
    """Two days of demand where an order is due, six weeks where not."""
    days = np.where(random.random(len(demand)) < due, 2, 42)
    on_hand = np.ceil(demand.mean(axis=1) * days)
    named = places or range(len(demand))
    about = {"location": "MAIN", "backorders": 0.0, "as_of": datetime.now(UTC)}
    return [{"product_id": f"P{row:06d}", "on_hand": float(on_hand[at]), **about} for at, row in enumerate(named)]
