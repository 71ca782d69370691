"""Products and suppliers of the own catalogue as they are stored, one by one and in pages."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy import Connection

from tools.catalog.sources import no_product
from tools.records.errors import UnknownSupplier
from tools.records.facts import Record
from tools.storage.catalogue_schema import products, purchase_lines, suppliers
from tools.storage.database import Store, reads
from tools.storage.schema import orders


class ProductEntry(Record):
    """A product as it is stored."""

    id: str
    name: str
    category: str
    supplier_id: str | None
    terms: dict[str, Any]


class SupplierEntry(Record):
    """A supplier as it is stored."""

    id: str
    name: str
    terms: dict[str, Any]


class OpenLine(Record):
    """What is open of another system's order, of one product at one location."""

    reference: str = Field(description="The order's number in that system.")
    product_id: str = Field(description="The product's id.")
    location: str = Field(description="Where it is to arrive.")
    product_name: str | None = Field(description="Null where the product is not in the catalogue.")
    supplier_id: str | None = Field(description="The supplier's id, where it is known.")
    supplier_name: str | None = Field(description="The supplier's name, where it is known.")
    quantity: float = Field(description="Units that are still to come.")
    received: float = Field(description="Units that came before.")
    ordered_on: date | None = Field(description="The day of the order, where it is known.")
    due_on: date | None = Field(description="The day on which it should come, where it is known.")


class EntryStore(Store):
    """Reads entries of the catalogue."""

    @reads
    def product(self, connection: Connection, product_id: str) -> ProductEntry:
        """Raises UnknownProduct."""
        row = connection.execute(sa.select(products).where(products.c.id == product_id)).mappings().first()
        if row is None:
            raise no_product(product_id, tuple(connection.scalars(sa.select(products.c.id))))
        return ProductEntry(**row)

    @reads
    def supplier(self, connection: Connection, supplier_id: str) -> SupplierEntry:
        """Raises UnknownSupplier."""
        row = connection.execute(sa.select(suppliers).where(suppliers.c.id == supplier_id)).mappings().first()
        if row is None:
            raise UnknownSupplier(f"No supplier {supplier_id!r}; GET /suppliers lists them.")
        return SupplierEntry(**row)

    @reads
    def products(
        self,
        connection: Connection,
        limit: int,
        after: str | None = None,
        *,
        text: str | None = None,
        supplier: str | None = None,
        category: str | None = None,
    ) -> tuple[list[ProductEntry], int]:
        """Products by id, from the one after `after` on, and how many match in all. `supplier` is an id or a name;
        `text` is looked for in id and name."""
        query = sa.select(products)
        if category is not None:
            query = query.where(products.c.category == category)
        if supplier is not None:
            named = sa.select(suppliers.c.id).where(suppliers.c.name == supplier)
            query = query.where((products.c.supplier_id == supplier) | products.c.supplier_id.in_(named))
        if text:
            found = (column.icontains(text, autoescape=True) for column in (products.c.id, products.c.name))
            query = query.where(sa.or_(*found))
        rows, total = _page(connection, query, products.c.id, limit, after)
        return [ProductEntry(**row) for row in rows], total

    @reads
    def suppliers(
        self, connection: Connection, limit: int, after: str | None = None
    ) -> tuple[list[SupplierEntry], int]:
        """Suppliers by id, from the one after `after` on, and how many there are in all."""
        rows, total = _page(connection, sa.select(suppliers), suppliers.c.id, limit, after)
        return [SupplierEntry(**row) for row in rows], total

    @reads
    def open_lines(
        self, connection: Connection, limit: int, skip: int = 0, *, supplier: str = "", product: str = ""
    ) -> tuple[list[OpenLine], int]:
        """Open orders of other systems, what is due first before the others, and how many there are in all. Those that
        this service placed and another system lists too are left out. `supplier` is an id or a name."""
        query = _OPEN_LINES
        if supplier:
            query = query.where((purchase_lines.c.supplier_id == supplier) | (suppliers.c.name == supplier))
        if product:
            query = query.where(purchase_lines.c.product_id == product)
        total = connection.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
        rows = connection.execute(query.order_by(*_DUE_FIRST).limit(limit).offset(skip)).mappings()
        return [OpenLine.model_validate(dict(row)) for row in rows], total


_OPEN_LINES = (
    sa.select(purchase_lines, products.c.name.label("product_name"), suppliers.c.name.label("supplier_name"))
    .outerjoin(products, products.c.id == purchase_lines.c.product_id)
    .outerjoin(suppliers, suppliers.c.id == purchase_lines.c.supplier_id)
    .where(purchase_lines.c.reference.not_in(sa.select(orders.c.number)))
)
_DUE_FIRST = (purchase_lines.c.due_on.is_(None), purchase_lines.c.due_on, *purchase_lines.primary_key.columns)


def _page(
    connection: Connection, query: sa.Select[Any], key: sa.Column[str], limit: int, after: str | None
) -> tuple[list[sa.RowMapping], int]:
    total = connection.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    page = query if after is None else query.where(key > after)
    return list(connection.execute(page.order_by(key).limit(limit)).mappings()), total
