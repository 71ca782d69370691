"""All files of an import together, kind by kind."""

from collections.abc import Iterator, Sequence

from tools.catalog.importing.draft import Draft
from tools.catalog.importing.goods import (
    bring_on_order,
    bring_open_orders,
    bring_promotions,
    bring_receipts,
    bring_stock,
)
from tools.catalog.importing.record import ReadFile
from tools.catalog.importing.sales import Sales, bring_sales
from tools.catalog.importing.terms import (
    PRODUCT_TERMS,
    SUPPLIER_TERMS,
    bring_products,
    bring_suppliers,
    choose_currency,
)
from tools.catalog.reading import FileReading, Kind

STORED_ROLES: dict[str, frozenset[str]] = {
    "sales": frozenset(
        ["product_id", "date", "year", "month", "week", "quantity", "location", "promotion", "stock_out"]
    ),
    "products": PRODUCT_TERMS
    | frozenset(["product_id", "name", "category", "supplier", "location", "on_hand", "backorders", "on_order"]),
    "suppliers": SUPPLIER_TERMS | frozenset(["supplier_id", "supplier_name"]),
    "stock": frozenset(["product_id", "location", "on_hand", "backorders", "as_of"]),
    "receipts": frozenset(
        ["reference", "supplier", "product_id", "location", "quantity", "ordered_date", "due_date", "received_date"]
    ),
}
"""Roles of which something is stored; of kinds that are not here, all are."""


def drafted(draft: Draft, readings: Sequence[FileReading]) -> Sales:
    """What the readings want, in such an order that a file may name what another one brings."""

    def of(kind: Kind) -> list[FileReading]:
        return [reading for reading in readings if reading.kind == kind]

    def with_column(role: str) -> list[FileReading]:
        return [reading for reading in of("products") if role in reading.frame]

    bring_suppliers(draft, of("suppliers"))
    bring_products(draft, of("products"))
    if of("suppliers") or of("products"):
        choose_currency(draft)
    bring_stock(draft, [*with_column("on_hand"), *of("stock")])
    sales = bring_sales(draft, of("sales"))
    bring_on_order(draft, with_column("on_order"))
    bring_open_orders(draft, of("open_orders"))
    bring_receipts(draft, of("receipts"))
    bring_promotions(draft, of("promotions"))
    return sales


def read_as(reading: FileReading) -> ReadFile:
    """What is recorded of a file."""
    return ReadFile(
        name=reading.file,
        kind=reading.kind,
        mapping=reading.mapping,
        unused=reading.unused,
        lines=len(reading.frame),
        faults=len({fault.line for fault in reading.faults}),
        notes=(*reading.notes, *_not_stored(reading)),
    )


def _not_stored(reading: FileReading) -> Iterator[str]:
    stored = STORED_ROLES.get(reading.kind)
    other = [] if stored is None else [column for role, column in reading.mapping.items() if role not in stored]
    if other:
        yield f"Looked at to understand the rows, and not stored: {', '.join(other)}."
