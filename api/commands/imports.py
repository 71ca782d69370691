"""`restock import` and `restock imports`: the planner's own data, from files and databases."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.files import Reading, mapping_of, refusals
from api.commands.opening import AsJson, no_start, operator, with_book
from api.commands.options import with_options
from api.commands.tables import at_minute

if TYPE_CHECKING:
    from tools.book.book import OrderBook
    from tools.catalog.importing.record import ImportRecord
    from tools.catalog.reading import FileReading

KINDS = "suppliers, products, stock, sales, open_orders, receipts or promotions"
Files = Annotated[list[Path] | None, typer.Argument(help="CSV, TSV, XLSX, XLS or Parquet; several in any order.")]


@with_options
def bring_in(
    reading: Reading,
    files: Files = None,
    kind: Annotated[str | None, typer.Option(help=f"What a file holds: {KINDS}. [by its columns]")] = None,
    profile: Annotated[str | None, typer.Option(help="Use the mapping kept under this name; keep this one.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Import without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and end.")] = False,
    undo: Annotated[int | None, typer.Option(help="Take back the import of this number.")] = None,
    url: Annotated[str | None, typer.Option("--from", help="A database to read, as URL; with --query.")] = None,
    query: Annotated[str | None, typer.Option(help="The SELECT whose rows are imported.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring suppliers, products, stock, sales, open orders, receipts and promotions into your catalogue.

    The columns are found by their names and shown before anything is written. What is already there is replaced row by
    row; the same file twice changes nothing.
    """
    from tools.catalog.imports import ImportStore

    if undo is not None:
        record = with_book(lambda book: ImportStore(book.database).undo(undo, operator()))
        words = f"Import {undo} is undone: its rows are as they were before."
        typer.echo(record.model_dump_json() if as_json else words)
        return
    with refusals():
        readings = _read(files or [], url, query, reading, kind, profile)
        reading.settle(readings)
    if dry_run or not yes:
        _show(with_book(lambda book: ImportStore(book.database).preview(readings, operator())), as_json and dry_run)
    if dry_run:
        return
    if not yes:
        _ask()
    _show(_brought_in(readings, profile), as_json)


def list_imports(
    limit: Annotated[int, typer.Option(min=1, max=200, help="Most imports to show.")] = 20,
    before: Annotated[int | None, typer.Option(help="The last number seen, to go on from.")] = None,
    as_json: AsJson = False,
) -> None:
    """List imports, newest first: number, status, who, when, files and what they changed."""
    from tools.catalog.imports import ImportStore

    found = with_book(lambda book: ImportStore(book.database).page(limit, before))
    for record in found:
        typer.echo(record.model_dump_json() if as_json else _line(record))
    if not found:
        typer.echo("There are no imports yet; bring in your files with `restock import FILE…`.", err=True)


def _read(
    files: list[Path], url: str | None, query: str | None, reading: Reading, kind: str | None, profile: str | None
) -> "list[FileReading]":
    """Every file, or the rows of the query. Raises InvalidInput."""
    from tools.catalog.importing.sources import from_database, read_source, read_tables
    from tools.catalog.imports import ImportStore
    from tools.lookback.progress import progress_bar
    from tools.records.errors import InvalidInput

    if bool(files) == bool(url) or bool(url) != bool(query):
        raise InvalidInput("Name the files to import, or a database with --from URL --query SELECT.")
    if len(files) > 1 and (reading.columns or kind or reading.sheet):
        raise InvalidInput("--map, --kind and --sheet speak of one file: import this file by itself.")
    how = reading.how | {"kind": kind, "mapping": mapping_of(reading.columns)}
    if profile:
        how["kept"] = with_book(lambda book: ImportStore(book.database).profile(profile))
    if url and query:
        with from_database(url, query) as file:
            return [read_source(file, name="query", **how)]
    readings: list[FileReading] = []
    for number, file in enumerate(files, 1):
        readings += read_tables(file, **how)
        progress_bar(number, len(files))
    return readings


def _ask() -> None:
    if not sys.stdin.isatty():
        raise no_start("Nothing is imported yet: add --yes to import without being asked.")
    typer.confirm("Import this?", abort=True, err=True)


def _brought_in(readings: "list[FileReading]", profile: str | None) -> "ImportRecord":
    async def bring(book: "OrderBook") -> "ImportRecord":
        from tools.catalog.imports import ImportStore
        from tools.lookback.progress import progress_bar

        store = ImportStore(book.database)
        done = await store.bring_in(readings, operator(), told=progress_bar)
        if profile:
            await store.keep_profile(profile, readings)
        return done

    return with_book(bring)


def _show(record: "ImportRecord", as_json: bool) -> None:
    if as_json:
        typer.echo(record.model_dump_json())
        return
    for note in record.notes:
        typer.echo(f"  {note}", err=True)
    if record.number is None:
        typer.echo(f"Would change: {record.in_words}", err=True)
    elif record.changes:
        typer.echo(f"Import {record.number} is done: {record.in_words}")
    else:
        typer.echo(f"Import {record.number} changed nothing: all of it was there already.")


def _line(record: "ImportRecord") -> str:
    from tools.records.text import several

    files = ", ".join(f"{file.name} ({file.kind}, {several(file.lines, 'row')})" for file in record.files)
    when = record.undone_at or record.done_at or record.created_at
    moment = "" if when is None else at_minute(when)
    parts = [str(record.number), record.status, moment, record.recorded_by, files]
    return " | ".join([*parts, record.in_words])
