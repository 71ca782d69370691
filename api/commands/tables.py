"""Tables of commands: on the screen, or into a file that is what its ending says. `-` is standard output."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, get_args

import typer

from api.commands.opening import AsJson
from tools.records.errors import InvalidInput

if TYPE_CHECKING:
    from tools.records.tables import Cell

NARROW, GAP = 32, "  "


def one_of(given: str, literal: Any, what: str) -> Any:
    """The value, if the literal type has it. Raises BadParameter."""
    known = get_args(get_args(literal)[0]) or get_args(literal)  # It may be annotated.
    if given not in known:
        raise typer.BadParameter(f"There is no {what} {given!r}; use one of {', '.join(known)}.")
    return given


@dataclass(frozen=True, slots=True)
class Out:
    """Where a list goes: to the screen, as JSON, or into files."""

    csv: Annotated[
        str | None, typer.Option(metavar="[FILE]", help="Write a CSV here; to standard output without FILE, or with -.")
    ] = None
    xlsx: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a workbook here.")] = None
    as_json: AsJson = False

    @property
    def in_files(self) -> bool:
        return self.csv is not None or self.xlsx is not None

    @property
    def on_screen(self) -> bool:
        return not (self.in_files or self.as_json)

    def write(self, rows: "Sequence[Mapping[str, Cell]]", columns: Sequence[str]) -> None:
        """Write the rows to the files, and say where they are, or that there are none. Raises BadParameter for a file
        of another ending, or one that cannot be written."""
        from tools.records.tables import write_csv, write_xlsx
        from tools.records.text import several

        if self.csv == "-":
            write_csv(rows, columns, sys.stdout)
        elif self.csv is not None:
            with _opened(Path(self.csv), ".csv") as file, TextIOWrapper(file, "utf-8", newline="") as text:
                write_csv(rows, columns, text)
        if self.xlsx is not None:
            with _opened(self.xlsx, ".xlsx") as file:
                write_xlsx(rows, columns, file)
        for path in (self.csv, self.xlsx):
            if path not in (None, "-"):
                typer.echo(f"{several(len(rows), 'row', 'are')} in {path}.", err=True)
        if not rows:
            typer.echo("There are no rows, only a head.", err=True)

    def show(
        self,
        rows: "Sequence[Mapping[str, Cell]]",
        columns: Sequence[str],
        *,
        narrow: Sequence[str],
        json: Iterable[str],
        nothing: str,
    ) -> None:
        """Write files with all columns, or print a line of `json` for each, or the `narrow` columns; or that there is
        nothing."""
        if self.in_files:
            self.write(rows, columns)
        elif not rows:
            typer.echo(nothing, err=True)
        else:
            typer.echo("\n".join(json) if self.as_json else screen(rows, narrow))


@contextmanager
def _opened(path: Path, ending: str) -> Iterator[BinaryIO]:
    if path.suffix.lower() != ending:
        raise typer.BadParameter(f"{path} should end in {ending}.")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"There is no folder {path.parent}. Make it first.")
    try:
        with path.open("wb") as file:
            yield file
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror or error}.") from None
    except InvalidInput as error:
        raise typer.BadParameter(error.message) from None


def screen(rows: "Iterable[Mapping[str, Cell]]", columns: Sequence[str]) -> str:
    """The columns side by side: texts from the left, numbers from the right."""
    cells = [columns, *([_shown(row[name]) for name in columns] for row in rows)]
    sides = []
    for head, *column in zip(*cells, strict=True):
        width, aligned = max(map(len, (head, *column))), str.rjust if all(map(_is_number, column)) else str.ljust
        sides.append([aligned(cell, width) for cell in (head, *column)])
    return "\n".join(GAP.join(line).rstrip() for line in zip(*sides, strict=True))


def _shown(value: "Cell") -> str:
    from tools.records.text import amount

    if value is None:
        return ""
    if isinstance(value, datetime):
        return at_minute(value)
    text = amount(float(value)) if isinstance(value, int | float | Decimal) else str(value)
    return text if len(text) <= NARROW else f"{text[: NARROW - 1]}…"


def at_minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _is_number(text: str) -> bool:
    return not text or text.replace(",", "").replace(".", "").removeprefix("-").isdecimal()
