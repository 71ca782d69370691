"""`restock backup`: a copy of the order book and the catalogue while the service runs."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from api.commands.opening import AsJson, load_settings, no_start


def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes. A file that is there stays as it is.")],
    as_json: AsJson = False,
) -> None:
    """Copy orders, reviews, keys and your catalogue. To restore: stop the service and put the copy in place."""
    settings = load_settings()
    if settings.on_postgresql:
        raise no_start("The database is PostgreSQL: use pg_dump and pg_restore (docs/operations.md).")
    if file.exists():
        raise no_start(f"{file} is there already; give another name.")
    from tools.storage.database import create_engine, keep_private

    source = Path(create_engine(settings.database_url).url.database or "")
    if not source.is_file() or not source.stat().st_size:
        raise no_start(f"There is no order book at {source} yet.")
    keep_private(file)
    with closing(sqlite3.connect(source)) as book, closing(sqlite3.connect(file)) as copy:
        book.backup(copy)
    told = {"source": str(source), "copy": str(file), "bytes": file.stat().st_size}
    words = f"Copied {source} to {file}. To restore it, stop the service and put it in place of {source}."
    typer.echo(json.dumps(told) if as_json else words)
