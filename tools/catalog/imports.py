"""Imports: data that come into the catalogue in one transaction, are recorded, and can be undone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.book.placing import next_value, write_audit
from tools.catalog.importing.changes import counted, upsert, write
from tools.catalog.importing.draft import Draft
from tools.catalog.importing.files import drafted, read_as
from tools.catalog.importing.record import ImportRecord, ReadFile, TableCounts, record_from
from tools.catalog.importing.sales import Sales
from tools.catalog.importing.undoing import forget_old, undo
from tools.catalog.own import VERSION
from tools.catalog.reading import FileReading
from tools.records.errors import Conflict, UnknownImport
from tools.storage.catalogue_schema import import_files, import_profiles, imports
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import counters
from tools.storage.types import Now

Work = Callable[[Draft], Sales | None]
"""What an import does to the catalogue's rows, in memory."""


class ImportStore(Store):
    """Brings data into the catalogue."""

    @reads
    def preview(self, connection: Connection, readings: Sequence[FileReading], by: Actor) -> ImportRecord:
        """What these files would change. Nothing is written."""
        draft = Draft(connection)
        sales = drafted(draft, readings)
        counts = counted(chain(draft.changes(), sales.changes(draft)))
        return ImportRecord(
            number=None,
            status="proposed",
            recorded_by=by.name,
            created_at=None,
            files=tuple(map(read_as, readings)),
            counts={table: TableCounts(**found) for table, found in counts.items()},
            notes=(*draft.notes, *sales.notes()),
        )

    @writes
    def bring_in(
        self,
        connection: Connection,
        readings: Sequence[FileReading],
        by: Actor,
        *,
        number: int | None = None,
        told: Callable[[int, int], None] | None = None,
    ) -> ImportRecord:
        """Write all files, whatever their order, or nothing. The same files again change nothing.

        `number` is a proposed import that a person has confirmed. Raises Conflict if it is done already. `told` hears
        how many of how many histories are written, from the thread that writes.
        """

        def work(draft: Draft) -> Sales:
            return replace(drafted(draft, readings), told=told)

        return _carried_out(connection, tuple(map(read_as, readings)), work, by, number)

    @writes
    def change(self, connection: Connection, file: ReadFile, work: Work, by: Actor) -> ImportRecord:
        """A change that comes from no file, such as stock by the API. `file` says what it was."""
        return _carried_out(connection, (file,), work, by, None)

    @writes
    def undo(self, connection: Connection, number: int, by: Actor) -> ImportRecord:
        """Give back the rows as they were before this import. Raises UnknownImport, and Conflict where that cannot be
        done, with the reason."""
        _lock(connection)
        undo(connection, record_from(found_import(connection, number)))
        next_value(connection, VERSION)
        ended = sa.update(imports).where(imports.c.number == number).values(status="undone", undone_at=Now())
        connection.execute(ended)
        write_audit(connection, "import.undone", by, {"import": number})
        return record_from(found_import(connection, number))

    @reads
    def get(self, connection: Connection, number: int) -> ImportRecord:
        """Raises UnknownImport."""
        return record_from(found_import(connection, number))

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
        return _profile(connection, name)

    @writes
    def keep_profile(self, connection: Connection, name: str, readings: Sequence[FileReading]) -> None:
        """Keep how these files were read, for the next ones like them."""
        mapping = _profile(connection, name) | {reading.kind: reading.mapping for reading in readings}
        upsert(connection, import_profiles, [{"name": name, "mapping": mapping}])


def _profile(connection: Connection, name: str) -> dict[str, dict[str, str]]:
    kept = connection.scalar(sa.select(import_profiles.c.mapping).where(import_profiles.c.name == name))
    return kept or {}


def _lock(connection: Connection) -> None:
    """One import at a time. SQLite has its write lock already."""
    connection.execute(conflict_insert(counters).values(name=VERSION, value=0).on_conflict_do_nothing())
    connection.execute(sa.select(counters.c.value).where(counters.c.name == VERSION).with_for_update())


def _carried_out(
    connection: Connection, files: tuple[ReadFile, ...], work: Work, by: Actor, proposed: int | None
) -> ImportRecord:
    _lock(connection)
    number = begun(connection, "done", files, by) if proposed is None else _confirmed(connection, proposed)
    draft = Draft(connection)
    sales = work(draft) or Sales({})
    counts = write(connection, number, chain(draft.changes(), sales.changes(draft)))
    values = {"files": _files(files, [*draft.notes, *sales.notes()]), "counts": counts, "done_at": Now()}
    connection.execute(sa.update(imports).where(imports.c.number == number).values(values))
    record = record_from(found_import(connection, number))
    if record.changes:
        next_value(connection, VERSION)
    forget_old(connection)
    write_audit(connection, "import.done", by, {"import": number, "counts": counts})
    return record


def begun(connection: Connection, status: str, files: Sequence[ReadFile], by: Actor) -> int:
    """The number of a new import."""
    row = sa.insert(imports).values(
        status=status,
        recorded_by=by.name,
        recorded_by_id=by.id,
        files=_files(files, []),
        counts={},
        created_at=Now(),
    )
    return int(connection.execute(row.returning(imports.c.number)).scalar_one())


def _confirmed(connection: Connection, number: int) -> int:
    status = found_import(connection, number)["status"]
    if status != "proposed":
        raise Conflict(f"Import {number} is {status} already; read it with GET /imports/{number}.")
    connection.execute(sa.delete(import_files).where(import_files.c.import_number == number))
    connection.execute(sa.update(imports).where(imports.c.number == number).values(status="done"))
    return number


def _files(files: Sequence[ReadFile], notes: list[str]) -> dict[str, list[object]]:
    return {"read": [file.model_dump() for file in files], "notes": list(notes)}


def found_import(connection: Connection, number: int) -> sa.RowMapping:
    """Raises UnknownImport."""
    row = connection.execute(sa.select(imports).where(imports.c.number == number)).mappings().first()
    if row is None:
        raise UnknownImport(f"No import {number}; `restock imports` lists them.")
    return row
