"""Tables that a command writes: a file is what its ending says, and `-` is standard output."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from tools.records.errors import InvalidInput
from tools.records.tables import Cell, write_csv, write_xlsx

CsvFile = Annotated[str | None, typer.Option("--csv", metavar="FILE|-", help="Write a CSV file; - is standard output.")]
XlsxFile = Annotated[str | None, typer.Option("--xlsx", metavar="FILE", help="Write a workbook of text and numbers.")]


def save(
    rows: Iterable[Mapping[str, Cell]], columns: Sequence[str], *, csv: str | None = None, xlsx: str | None = None
) -> None:
    """Write the rows to each of the files. Standard error says how many there are, or that there are none."""
    rows = list(rows)
    if csv == "-":
        write_csv(rows, columns, sys.stdout)
    elif csv is not None:
        _write(csv, ".csv", lambda path: _to_csv(rows, columns, path))
    if xlsx is not None:
        _write(xlsx, ".xlsx", lambda path: _to_xlsx(rows, columns, path))
    where = " and ".join("standard output" if file == "-" else file for file in (csv, xlsx) if file is not None)
    typer.echo(
        f"Rows written to {where}: {len(rows):,}." if rows else f"There are no rows; {where} has a head only.", err=True
    )


def _to_csv(rows: Iterable[Mapping[str, Cell]], columns: Sequence[str], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        write_csv(rows, columns, file)


def _to_xlsx(rows: Iterable[Mapping[str, Cell]], columns: Sequence[str], path: Path) -> None:
    with path.open("wb") as file:
        write_xlsx(rows, columns, file)


def _write(name: str, ending: str, write: Callable[[Path], object]) -> None:
    path, option = Path(name), f"--{ending[1:]}"
    if path.suffix.lower() != ending:
        raise typer.BadParameter(f"{name!r} does not end in {ending}, which {option} writes.", param_hint=option)
    try:
        write(path)
    except InvalidInput as error:
        raise typer.BadParameter(error.message, param_hint=option) from None
    except OSError as error:
        raise typer.BadParameter(f"{name} cannot be written: {error.strerror or error}.", param_hint=option) from None
