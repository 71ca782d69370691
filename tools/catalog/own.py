"""The planner's own catalogue: suppliers, products, stock, demand and open orders, in the order book's database."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from tools.catalog.histories import PROMOTION, Calendar, History, read_history
from tools.catalog.snapshot import PRODUCTS_OF_GROUP, CatalogueSettings, Place, Snapshot, StoredStock
from tools.catalog.sources import SnapshotCatalog
from tools.planning.interval_forecast import usual_lateness
from tools.records.errors import InvalidInput, UnknownProduct
from tools.records.facts import LearnedDemand
from tools.storage.catalogue_schema import (
    catalogue,
    demand,
    learned,
    products,
    promotions,
    purchase_lines,
    stock,
    supplier_receipts,
    suppliers,
)
from tools.storage.database import Store, reads
from tools.storage.schema import counters

VERSION = "catalogue"
"""The counter that every change of the catalogue moves on."""
RECEIPTS_OF_ALL = 500
"""The latest with a promised day, among all suppliers', say how late they usually are."""

_BY_PRODUCT = (products.c.id, *(table.c.product_id for table in (stock, demand, purchase_lines, promotions, learned)))
_BY_SUPPLIER = (suppliers.c.id, supplier_receipts.c.supplier_id)
# Every run asks these. They are built once, because building one costs more than running it.
_SETTINGS = sa.select(catalogue)
_ALL = {key.table: sa.select(key.table) for key in (*_BY_PRODUCT, *_BY_SUPPLIER)}
_OF_KEY = {key.table: _ALL[key.table].where(key == sa.bindparam("key")) for key in (*_BY_PRODUCT, *_BY_SUPPLIER)}
_PROMISED = (supplier_receipts.c.due_on, supplier_receipts.c.received_on)
_LATEST_PROMISED = (
    sa.select(*_PROMISED)
    .where(supplier_receipts.c.due_on.is_not(None))
    .order_by(*(column.desc() for column in _PROMISED))
    .limit(RECEIPTS_OF_ALL)
)


class NoCatalogue(InvalidInput):
    code = "no_catalogue"


class OwnCatalog(SnapshotCatalog, Store):
    """A `Catalog` over the tables. Without a location, a product's home is the default location if it is kept there."""

    def unknown(self, product_id: str, known: tuple[str, ...]) -> InvalidInput | UnknownProduct:
        if not known:
            return NoCatalogue(
                "There is no catalogue of your own yet; bring one in with `restock import`, or use mode mock."
            )
        return super().unknown(product_id, known)

    @reads
    def has_products(self, connection: Connection) -> bool:
        return connection.scalar(sa.select(products.c.id).limit(1)) is not None

    @reads
    def product_ids(self, connection: Connection) -> tuple[str, ...]:
        return tuple(connection.scalars(sa.select(products.c.id).order_by(products.c.id)))

    @reads
    def version(self, connection: Connection) -> int:
        """Moves on with every change. 0: there is no catalogue yet."""
        return connection.scalar(sa.select(counters.c.value).where(counters.c.name == VERSION)) or 0

    @reads
    def settings(self, connection: Connection) -> CatalogueSettings:
        return read_settings(connection)

    @reads
    def snapshot(self, connection: Connection, product_id: str | None = None) -> Snapshot:
        """All rows, or those that one product needs."""
        found = {row["id"]: row for row in _rows(connection, products, product_id)}
        supplier = None if product_id is None else next((row["supplier_id"] or "" for row in found.values()), "")
        settings = read_settings(connection)
        found_promotions = _rows(connection, promotions, product_id)
        histories = _by_place(_rows(connection, demand, product_id))
        promoted = bool(found_promotions) or any((each.flags & PROMOTION).any() for each in histories.values())
        return Snapshot(
            settings=settings,
            suppliers={row["id"]: row for row in _rows(connection, suppliers, supplier)},
            products=found,
            stock={
                (row["product_id"], row["location"]): StoredStock(row["on_hand"], row["backorders"], row["as_of"])
                for row in _rows(connection, stock, product_id)
            },
            histories=histories,
            lines=_rows(connection, purchase_lines, product_id),
            receipts=_rows(connection, supplier_receipts, supplier),
            promotions=found_promotions,
            usual_lateness=_usual_lateness(connection),
            group=_group(connection, settings, found[product_id]["category"])
            if promoted and product_id in found
            else None,
            learned={
                (row["product_id"], row["location"]): LearnedDemand(**row["value"])
                for row in _rows(connection, learned, product_id)
            },
        )


def _usual_lateness(connection: Connection) -> tuple[float, ...]:
    """Of the latest receipts of all suppliers."""
    days = [
        (date.fromisoformat(row.received_on) - date.fromisoformat(row.due_on)).days
        for row in connection.execute(_LATEST_PROMISED)
    ]
    return usual_lateness(np.array(days, np.float64))


def _group(connection: Connection, settings: CatalogueSettings, category: str) -> Snapshot:
    """What the first products of a group tell of its promotions."""
    ids = connection.scalars(sa.select(products.c.id).where(products.c.category == category))
    first = sorted(ids)[:PRODUCTS_OF_GROUP]
    of_first: list[Any] = [
        connection.execute(sa.select(table).where(table.c.product_id.in_(first))).mappings().all()
        for table in (demand, promotions)
    ]
    named = {product_id: {"category": category} for product_id in first}
    return Snapshot(settings, {}, named, {}, _by_place(of_first[0]), promotions=tuple(of_first[1]))


def read_settings(connection: Connection) -> CatalogueSettings:
    stored: dict[str, Any] = {row.name: row.value for row in connection.execute(_SETTINGS)}
    through, calendars = stored.pop("demand_through", {}), stored.pop("calendars", {})
    known = {name: value for name, value in stored.items() if name in ("currency", "time_zone", "default_location")}
    return CatalogueSettings(
        **known,
        demand_through={place: date.fromisoformat(day) for place, day in through.items()},
        calendars={place: _calendar(value) for place, value in calendars.items()},
    )


def _calendar(stored: dict[str, Any]) -> Calendar:
    days = frozenset(map(date.fromisoformat, stored.get("days", ())))
    return Calendar(frozenset(stored.get("weekdays", ())), days, stored.get("period", "day"))


def _by_place(rows: Iterable[Mapping[str, Any]]) -> dict[Place, History]:
    return {
        (row["product_id"], row["location"]): read_history(row["first_day"], row["quantities"], row["flags"])
        for row in rows
    }


def _rows(connection: Connection, table: sa.Table, key: str | None) -> tuple[Any, ...]:
    """The rows of one product or supplier, or all."""
    found = connection.execute(_ALL[table]) if key is None else connection.execute(_OF_KEY[table], {"key": key})
    return tuple(found.mappings())
