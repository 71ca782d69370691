"""Where rows come from: files, and databases by a query."""

import csv
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast, get_args

import sqlalchemy as sa
from sqlalchemy import exc

from tools.catalog.importing.checks import checked
from tools.catalog.reading import FileReading, Kind, choices, read_file
from tools.catalog.reading.workbook import sheet_names
from tools.records.errors import InvalidInput

CHUNK_ROWS = 10_000
KINDS = tuple(kind for kind in get_args(Kind) if kind != "outcomes")


def read_source(
    source: Path | bytes,
    *,
    name: str,
    kind: str | None = None,
    mapping: Mapping[str, str] = {},
    kept: Mapping[str, Mapping[str, str]] = {},
    **how: Any,
) -> FileReading:
    """A file with all of its faults. `kept` has mappings by kind; one that fits is used. Raises InvalidInput."""
    if kind is not None and kind not in KINDS:
        raise InvalidInput(f"There is no kind {kind!r} to import; use one of {', '.join(KINDS)}.")
    for known, columns in kept.items():
        if kind in (None, known):
            try:
                return checked(
                    read_file(source, name=name, kind=cast("Kind", known), mapping={**columns, **mapping}, **how)
                )
            except InvalidInput:
                continue  # a profile keeps the mappings of several files
    return checked(read_file(source, name=name, kind=cast("Kind | None", kind), mapping=mapping, **how))


def read_tables(source: Path, *, sheet: str | None = None, **how: Any) -> list[FileReading]:
    """The table of a file; of a workbook whose sheets hold different kinds of table, each. Raises InvalidInput."""
    told = sheet or how.get("kind") or how.get("mapping") or how.get("kept") or not source.is_file()
    apart = [] if told else sheets_apart(source, name=source.name)
    if apart:
        return [read_source(source, name=f"{source.name}, {each}", sheet=each, **how) for each in apart]
    return [read_source(source, name=source.name, sheet=sheet, **how)]


def sheets_apart(source: Path | bytes, *, name: str) -> list[str]:
    """The sheets of a workbook that hold tables, where each holds another kind of them; else none."""
    raw = source if isinstance(source, bytes) else source.read_bytes()
    found = {sheet: choices(raw, name=name, sheet=sheet) for sheet in sheet_names(raw)}
    kinds = {sheet: each.kind for sheet, each in found.items() if each and each.kind}
    return list(kinds) if 1 < len(kinds) == len(set(kinds.values())) else []


@contextmanager
def from_database(url: str, query: str) -> Iterator[Path]:
    """The rows of a SELECT as a CSV file, read in chunks. Nothing is written to the database. Raises InvalidInput."""
    if not query.lower().lstrip(" \n\t(").startswith(("select", "with")):
        raise InvalidInput("--query takes a SELECT: `restock import` only reads from a database.")
    with tempfile.TemporaryDirectory(prefix="restock-query-") as folder:
        file = Path(folder) / "query.csv"
        try:
            with closing(_Source(url)) as source:
                source.write(query, file)
        except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
            raise InvalidInput(f"--from cannot be used: {error}. Write it as postgresql://user@host/name.") from None
        except exc.DBAPIError as error:
            raise InvalidInput(f"The database refuses the query: {error.orig}") from None
        yield file


class _Source:
    """A database that is only read."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(_reading(url), hide_parameters=True)

    def close(self) -> None:
        self._engine.dispose()

    def write(self, query: str, file: Path) -> None:
        """The rows of the query as CSV. The transaction is rolled back."""
        with self._engine.connect() as connection:
            if connection.dialect.name in ("postgresql", "mysql", "mariadb"):
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            rows = connection.execution_options(yield_per=CHUNK_ROWS).execute(sa.text(query))
            with file.open("w", newline="", encoding="utf-8") as out:
                lines = csv.writer(out)
                lines.writerow(rows.keys())
                for chunk in rows.partitions():
                    lines.writerows(chunk)
            connection.rollback()


def _reading(url: str) -> sa.URL:
    """The URL; SQLite's for a file that is there, and not to be written to."""
    found = sa.make_url(url)
    if found.get_backend_name() == "sqlite" and found.database:
        if not Path(found.database).is_file():
            raise InvalidInput(f"There is no database {found.database}; check its name and folder.")
        return found.set(database=f"file:{found.database}", query={"mode": "ro", "uri": "true"})
    if found.drivername in ("postgres", "postgresql"):
        return found.set(drivername="postgresql+psycopg")
    return found
