"""The way back from an import: the rows as they were before it."""

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from tools.catalog.importing.changes import delete, from_json, upsert
from tools.catalog.importing.draft import Key, Row, counted_ids
from tools.catalog.importing.record import ImportRecord
from tools.catalog.importing.sales import given_back
from tools.records.errors import Conflict
from tools.storage.catalogue_schema import demand, import_changes, imports, products, suppliers
from tools.storage.schema import metadata

KEPT = 50
"""Imports whose changes are kept."""
_BATCH = 500


def forget_old(connection: Connection) -> None:
    """Keep the changes of the newest imports only."""
    newest = sa.select(imports.c.number).where(imports.c.status == "done").order_by(imports.c.number.desc())
    oldest_kept = connection.scalar(newest.offset(KEPT - 1).limit(1))
    if oldest_kept is not None:
        connection.execute(sa.delete(import_changes).where(import_changes.c.import_number < oldest_kept))


def undo(connection: Connection, record: ImportRecord) -> None:
    """Raises Conflict where that cannot be done, with the reason."""
    number = record.number
    if record.status != "done":
        raise Conflict(f"Import {number} is {record.status}; only one that is done can be undone.")
    if not record.changes:
        raise Conflict(f"Import {number} changed nothing, so there is nothing to undo.")
    mine = import_changes.c.import_number == number
    if connection.scalar(sa.select(sa.func.count()).where(mine)) == 0:
        raise Conflict(
            f"Import {number} is too old to be undone: the rows before it are kept for {KEPT} imports. Import the "
            "right files instead."
        )
    _require_last(connection, int(number or 0))
    for name in connection.scalars(sa.select(import_changes.c.table_name).where(mine).distinct()).all():
        _give_back(connection, metadata.tables[name], mine)
    _require_whole(connection, int(number or 0))


def _require_last(connection: Connection, number: int) -> None:
    """Raises Conflict if a later import changed one of the same rows."""
    mine, later = import_changes.alias(), import_changes.alias()
    # PostgreSQL compares JSON as text only.
    same = (mine.c.table_name == later.c.table_name) & (sa.cast(mine.c.key, sa.Text) == sa.cast(later.c.key, sa.Text))
    found = (
        sa.select(later.c.import_number)
        .join_from(mine, later, same)
        .join(imports, imports.c.number == later.c.import_number)
        .where(mine.c.import_number == number, later.c.import_number > number, imports.c.status == "done")
        .distinct()
    )
    if numbers := sorted(connection.scalars(found)):
        named = counted_ids(list(map(str, numbers)))
        raise Conflict(f"Later imports changed the same rows as import {number}: undo {named} first, the newest first.")


def _give_back(connection: Connection, table: Table, mine: sa.ColumnElement[bool]) -> None:
    query = sa.select(import_changes.c.key, import_changes.c.before).where(mine)
    changes = connection.execute(query.where(import_changes.c.table_name == table.name)).all()
    for start in range(0, len(changes), _BATCH):
        batch = [(tuple(key), before) for key, before in changes[start : start + _BATCH]]
        delete(connection, table, [key for key, before in batch if before is None])
        upsert(connection, table, [_before(connection, table, key, row) for key, row in batch if row is not None])


def _before(connection: Connection, table: Table, key: Key, stored: Row) -> Row:
    row = from_json(table, stored)
    if table is not demand:
        return row
    same = [column == part for column, part in zip(table.primary_key, key, strict=True)]
    return given_back(dict(connection.execute(sa.select(table).where(*same)).mappings().one()), row)


def _require_whole(connection: Connection, number: int) -> None:
    """Raises Conflict if rows of later imports name a product or a supplier that would not be there any more."""
    for table in metadata.tables.values():
        for column, of in (("product_id", products), ("supplier_id", suppliers)):
            if table.name in _REFERRING and column in table.c:
                _require_known(connection, number, table, column, of)


_REFERRING = {"products", "stock", "demand", "purchase_lines", "supplier_receipts", "promotions"}


def _require_known(connection: Connection, number: int, table: Table, column: str, of: Table) -> None:
    named = table.c[column]
    there = sa.select(of.c.id).where(of.c.id == named).exists()
    lost = sa.select(named).where(named.is_not(None), named != "", ~there).distinct()
    if ids := connection.scalars(lost).all():
        raise Conflict(
            f"Later data of {counted_ids(ids)} in {table.name} need what import {number} brought in: undo the "
            "imports after it first, the newest first."
        )
