"""Files that were sent and wait for a person to confirm what they are."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.catalog.importing.record import ImportRecord, ReadFile
from tools.catalog.importing.sources import read_source, sheets_apart
from tools.catalog.imports import ImportStore, begun, found_import
from tools.catalog.reading import Fault, FileReading, refuse_faults
from tools.records.errors import Conflict, InvalidInput
from tools.storage.catalogue_schema import import_files, imports
from tools.storage.database import Store, reads, writes
from tools.storage.types import NowPlus

KEPT_SECONDS = 7 * 86_400
"""How long files wait; then they are forgotten."""
MOST_FILES = 20


@dataclass(frozen=True, slots=True)
class ReadAs:
    """How a file is to be read."""

    kind: str | None = None
    """None: by its columns."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Columns by role; "" for a role that no column has."""
    notation: Mapping[str, Any] = field(default_factory=dict)
    """`decimal`, `dates` and `sheet`, where they must be said."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was sent, and how it is to be read."""

    name: str
    content: bytes
    how: ReadAs = ReadAs()

    def read(self) -> FileReading:
        """Raises InvalidInput with what must be said first."""
        how = self.how
        return read_source(self.content, name=self.name, kind=how.kind, mapping=how.mapping, **how.notation)


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A file that was sent: as it is read, or what must be said before it can be."""

    sent: SentFile
    reading: FileReading | None = None
    question: InvalidInput | None = None


class ProposalStore(Store):
    """Imports that are only proposed."""

    @writes
    def propose(self, connection: Connection, files: Sequence[SentFile], by: Actor) -> int:
        """Keep the files, and return the import's number. Raises InvalidInput for two files of one name."""
        _forget_old(connection)
        if len(files) > MOST_FILES:
            raise InvalidInput(f"There are {len(files)} files; send at most {MOST_FILES} at once.")
        if len({file.name for file in files}) < len(files):
            raise InvalidInput("Two files have the same name; give each its own.")
        named = [ReadFile(name=file.name, kind=file.how.kind or "", mapping={}, lines=0, faults=0) for file in files]
        number = begun(connection, "proposed", named, by)
        connection.execute(sa.insert(import_files), [_row(number, file) for file in files])
        return number

    @writes
    def read_as(self, connection: Connection, number: int, how: Mapping[str, ReadAs]) -> None:
        """Read files of a proposed import in another way, by the file's name."""
        _require_proposed(connection, number)
        for name, each in how.items():
            change = sa.update(import_files).where(*_is(number, name))
            if not connection.execute(change.values(_stored(each))).rowcount:
                raise InvalidInput(f"Import {number} has no file {name!r}.")

    @writes
    def leave_out(self, connection: Connection, number: int, name: str) -> bool:
        """Take a file out of a proposed import. True if it was the last: then the import is gone."""
        _require_proposed(connection, number)
        connection.execute(sa.delete(import_files).where(*_is(number, name)))
        left = sa.select(import_files.c.name).where(import_files.c.import_number == number).limit(1)
        if connection.scalar(left) is not None:
            return False
        connection.execute(sa.delete(imports).where(imports.c.number == number))
        return True

    @reads
    def files(self, connection: Connection, number: int) -> list[SentFile]:
        """The files of a proposed import. Raises UnknownImport, and Conflict if it is not proposed any more."""
        _require_proposed(connection, number)
        query = sa.select(import_files).where(import_files.c.import_number == number).order_by(import_files.c.name)
        rows = connection.execute(query).mappings()
        return [
            SentFile(row["name"], row["content"], ReadAs(row["kind"], row["mapping"], row["notation"] or {}))
            for row in rows
        ]

    async def preview(self, looked_at: Sequence[LookedAt], by: Actor) -> ImportRecord:
        """What the files that can be read would change. Raises InvalidInput where they cannot come in together."""
        return await ImportStore(self.database).preview([each.reading for each in looked_at if each.reading], by)

    async def confirm(self, number: int, by: Actor, *, skip_bad: bool) -> ImportRecord:
        """Bring the files in, all of them or none. Raises FaultyFile for rows with faults that are not to be skipped,
        and Conflict if it was done before."""
        files = await self.files(number)
        readings = await asyncio.to_thread(lambda: [file.read() for file in files])
        if not skip_bad:
            refuse_faults([fault for reading in readings for fault in reading.faults])
        return await ImportStore(self.database).bring_in(readings, by, number=number)


async def sheets_as_files(files: Sequence[SentFile]) -> list[SentFile]:
    """The files; a workbook whose sheets hold different kinds of table as one for each sheet."""
    return await asyncio.to_thread(lambda: [each for file in files for each in _sheets_as_files(file)])


def _sheets_as_files(file: SentFile) -> list[SentFile]:
    sheets = sheets_apart(file.content, name=file.name) if file.how == ReadAs() else []
    apart = [SentFile(f"{file.name}, {each}", file.content, ReadAs(notation={"sheet": each})) for each in sheets]
    return apart or [file]


async def look_at(files: Sequence[SentFile]) -> list[LookedAt]:
    """The files, each read as far as it can be."""
    return await asyncio.to_thread(lambda: [_look_at(file) for file in files])


def _look_at(file: SentFile) -> LookedAt:
    try:
        return LookedAt(file, reading=file.read())
    except InvalidInput as error:
        return LookedAt(file, question=error)


def faults_of(looked_at: Sequence[LookedAt]) -> list[Fault]:
    return [fault for each in looked_at if each.reading for fault in each.reading.faults]


def _row(number: int, file: SentFile) -> dict[str, object]:
    return {"import_number": number, "name": file.name, "content": file.content} | _stored(file.how)


def _stored(how: ReadAs) -> dict[str, object]:
    return {"kind": how.kind, "mapping": dict(how.mapping), "notation": dict(how.notation)}


def _is(number: int, name: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return import_files.c.import_number == number, import_files.c.name == name


def _require_proposed(connection: Connection, number: int) -> None:
    status = found_import(connection, number)["status"]
    if status != "proposed":
        raise Conflict(f"Import {number} is {status} already; send the files again for another import.")


def _forget_old(connection: Connection) -> None:
    old = sa.select(imports.c.number).where(
        imports.c.status == "proposed", imports.c.created_at < NowPlus(-float(KEPT_SECONDS))
    )
    numbers = list(connection.scalars(old))
    connection.execute(sa.delete(import_files).where(import_files.c.import_number.in_(numbers)))
    connection.execute(sa.delete(imports).where(imports.c.number.in_(numbers)))
