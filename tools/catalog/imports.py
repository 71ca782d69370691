"""Imports: data that come into the catalogue in one transaction, are recorded, and can be undone."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.book.placing import next_value, write_audit
from tools.catalog.importing.changes import Counts, counted, upsert, write
from tools.catalog.importing.draft import Change, Draft
from tools.catalog.importing.goods import (
    bring_on_order,
    bring_open_orders,
    bring_promotions,
    bring_receipts,
    bring_stock,
)
from tools.catalog.importing.record import ImportRecord, ReadFile, TableCounts, record_from
from tools.catalog.importing.sales import Sales, bring_sales
from tools.catalog.importing.terms import bring_products, bring_suppliers, choose_currency
from tools.catalog.importing.undoing import forget_old, undo
from tools.catalog.own import VERSION
from tools.catalog.reading import FileReading, Kind
from tools.records.errors import UnknownImport
from tools.storage.catalogue_schema import import_profiles, imports
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import counters
from tools.storage.types import Now

STORED_ROLES = {
    "sales": {"product_id", "date", "year", "month", "week", "quantity", "location", "promotion", "stock_out"}
}
"""Roles of which something is stored; of kinds that are not here, all are."""


class ImportStore(Store):
    """Brings readings of files into the catalogue."""

    @reads
    def preview(self, connection: Connection, readings: Sequence[FileReading], by: Actor) -> ImportRecord:
        """What these files would change. Nothing is written."""
        draft, sales = drafted(connection, readings)
        counts = counted(_all_changes(draft, sales))
        return ImportRecord(
            number=None,
            status="proposed",
            recorded_by=by.name,
            created_at=None,
            files=tuple(map(read_as, readings)),
            counts=_typed(counts),
            notes=(*draft.notes, *sales.notes()),
        )

    @writes
    def bring_in(self, connection: Connection, readings: Sequence[FileReading], by: Actor) -> ImportRecord:
        """Write all files, whatever their order, or nothing. The same files again change nothing."""
        lock(connection)
        draft, sales = drafted(connection, readings)
        number = _begun(connection, readings, by)
        counts = write(connection, number, _all_changes(draft, sales))
        return _ended(connection, number, readings, counts, (*draft.notes, *sales.notes()), by)

    @writes
    def undo(self, connection: Connection, number: int, by: Actor) -> ImportRecord:
        """Give back the rows as they were before this import. Raises UnknownImport, and Conflict where that cannot be
        done, with the reason."""
        lock(connection)
        row = _found(connection, number)
        undo(connection, record_from(row))
        next_value(connection, VERSION)
        ended = sa.update(imports).where(imports.c.number == number).values(status="undone", undone_at=Now())
        connection.execute(ended)
        write_audit(connection, "import.undone", by, {"import": number})
        return record_from(_found(connection, number))

    @reads
    def get(self, connection: Connection, number: int) -> ImportRecord:
        """Raises UnknownImport."""
        return record_from(_found(connection, number))

    @reads
    def page(self, connection: Connection, limit: int, before: int | None = None) -> list[ImportRecord]:
        """Newest first."""
        query = sa.select(imports).order_by(imports.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(imports.c.number < before)
        return list(map(record_from, connection.execute(query).mappings()))

    @reads
    def profile(self, connection: Connection, name: str) -> dict[str, dict[str, str]]:
        """The columns by role that were kept under this name, by kind of file; none for a new name."""
        kept = connection.scalar(sa.select(import_profiles.c.mapping).where(import_profiles.c.name == name))
        return kept or {}

    @writes
    def keep_profile(self, connection: Connection, name: str, readings: Sequence[FileReading]) -> None:
        """Keep how these files were read, for the next ones like them."""
        known = connection.scalar(sa.select(import_profiles.c.mapping).where(import_profiles.c.name == name))
        mapping = (known or {}) | {reading.kind: reading.mapping for reading in readings}
        upsert(connection, import_profiles, [{"name": name, "mapping": mapping}])


def drafted(connection: Connection, readings: Sequence[FileReading]) -> tuple[Draft, Sales]:
    """What the readings want, kind by kind, so that a file may name what another one brings."""
    draft = Draft(connection)

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
    return draft, sales


def _all_changes(draft: Draft, sales: Sales) -> Iterator[Change]:
    return chain(draft.changes(), sales.changes(draft))


def lock(connection: Connection) -> None:
    """One import at a time. SQLite has its write lock already."""
    first = conflict_insert(counters).values(name=VERSION, value=0).on_conflict_do_nothing()
    connection.execute(first)
    connection.execute(sa.select(counters.c.value).where(counters.c.name == VERSION).with_for_update())


def _begun(connection: Connection, readings: Iterable[FileReading], by: Actor) -> int:
    row = sa.insert(imports).values(
        status="done",
        recorded_by=by.name,
        recorded_by_id=by.id,
        files={"read": [read_as(reading).model_dump() for reading in readings], "notes": []},
        counts={},
        created_at=Now(),
    )
    return int(connection.execute(row.returning(imports.c.number)).scalar_one())


def _ended(
    connection: Connection,
    number: int,
    readings: Sequence[FileReading],
    counts: Counts,
    notes: tuple[str, ...],
    by: Actor,
) -> ImportRecord:
    files = {"read": [read_as(reading).model_dump() for reading in readings], "notes": list(notes)}
    values = {"files": files, "counts": counts, "done_at": Now()}
    connection.execute(sa.update(imports).where(imports.c.number == number).values(values))
    record = record_from(_found(connection, number))
    if record.changes:
        next_value(connection, VERSION)
    forget_old(connection)
    write_audit(connection, "import.done", by, {"import": number, "counts": counts})
    return record


def _found(connection: Connection, number: int) -> sa.RowMapping:
    row = connection.execute(sa.select(imports).where(imports.c.number == number)).mappings().first()
    if row is None:
        raise UnknownImport(f"No import {number}; `restock imports` lists them.")
    return row


def read_as(reading: FileReading) -> ReadFile:
    """What is recorded of a file."""
    return ReadFile(
        name=reading.file,
        kind=reading.kind,
        mapping=reading.mapping,
        lines=len(reading.frame),
        faults=len({fault.line for fault in reading.faults}),
        notes=(*reading.notes, *_not_kept(reading)),
    )


def _not_kept(reading: FileReading) -> Iterator[str]:
    kept = STORED_ROLES.get(reading.kind)
    other = [] if kept is None else [column for role, column in reading.mapping.items() if role not in kept]
    if other:
        yield f"Looked at to understand the rows, and not stored: {', '.join(other)}."


def _typed(counts: Counts) -> dict[str, TableCounts]:
    return {table: TableCounts(**found) for table, found in counts.items()}
