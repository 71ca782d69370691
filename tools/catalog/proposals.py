"""Files that were sent and wait for a person to confirm what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.catalog.importing.record import ReadFile
from tools.catalog.imports import begun, found_import
from tools.records.errors import Conflict, InvalidInput
from tools.storage.catalogue_schema import import_files, imports
from tools.storage.database import Store, reads, writes
from tools.storage.types import NowPlus

KEPT_SECONDS = 7 * 86_400
"""How long files wait; then they are forgotten."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was sent, and how it is to be read."""

    name: str
    content: bytes
    kind: str | None = None
    """None: by its columns."""
    mapping: Mapping[str, str] | None = None


class ProposalStore(Store):
    """Imports that are only proposed."""

    @writes
    def propose(self, connection: Connection, files: Sequence[SentFile], by: Actor) -> int:
        """Keep the files, and return the import's number. Raises InvalidInput for two files of one name."""
        _forget_old(connection)
        if len({file.name for file in files}) < len(files):
            raise InvalidInput("Two files have the same name; give each its own.")
        named = [ReadFile(name=file.name, kind=file.kind or "", mapping={}, lines=0, faults=0) for file in files]
        number = begun(connection, "proposed", named, by)
        connection.execute(sa.insert(import_files), [_row(number, file) for file in files])
        return number

    @writes
    def read_as(
        self, connection: Connection, number: int, how: Mapping[str, tuple[str | None, dict[str, str]]]
    ) -> None:
        """Read files of a proposed import in another way: kind and columns by role, by the file's name."""
        _require_proposed(connection, number)
        for name, (kind, mapping) in how.items():
            change = sa.update(import_files).where(import_files.c.import_number == number, import_files.c.name == name)
            if not connection.execute(change.values(kind=kind, mapping=mapping)).rowcount:
                raise InvalidInput(f"Import {number} has no file {name!r}.")

    @reads
    def files(self, connection: Connection, number: int) -> list[SentFile]:
        """The files of a proposed import. Raises UnknownImport, and Conflict if it is not proposed any more."""
        _require_proposed(connection, number)
        query = sa.select(import_files).where(import_files.c.import_number == number).order_by(import_files.c.name)
        rows = connection.execute(query).mappings()
        return [SentFile(row["name"], row["content"], row["kind"], row["mapping"]) for row in rows]


def _row(number: int, file: SentFile) -> dict[str, object]:
    return {
        "import_number": number,
        "name": file.name,
        "kind": file.kind,
        "mapping": dict(file.mapping or {}),
        "content": file.content,
    }


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
