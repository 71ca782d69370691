"""What commands share that read a person's file: how its columns are named, and what becomes of its faults."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from tools.catalog.reading import Fault, FileReading, Kind

Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help="Which column is what, as quantity='Qty sold'; repeatable. It goes before what is found."
    ),
]
Sheet = Annotated[str | None, typer.Option(help="The sheet of a workbook.")]
Mark = Literal["point", "comma"] | None
Order = Literal["day-first", "month-first"] | None
DecimalMark = Annotated[Mark, typer.Option("--decimal", help="The decimal mark, where the file leaves it open.")]
Dates = Annotated[Order, typer.Option(help="What 1/2/2026 means, where the file leaves it open.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Go on without the lines that have a fault.")]
Rejects = Annotated[Path | None, typer.Option(help="Write every fault here as CSV.")]


@contextmanager
def refusals() -> Iterator[None]:
    """End the command with the error's message and code 2."""
    from tools.records.errors import RestockError

    try:
        yield
    except RestockError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(2) from None


@dataclass(frozen=True, slots=True)
class Reading:
    """How a command reads its files."""

    sheet: str | None = None
    decimal: Mark = None
    dates: Order = None
    skip_bad: bool = False
    rejects: Path | None = None

    def read(self, *files: "tuple[Path, Kind, Sequence[str] | None]") -> "list[FileReading]":
        """Read files of known kinds, and show how. Raises FaultyFile unless bad lines are skipped."""
        from tools.catalog.reading import read_file
        from tools.records.text import several

        readings = [
            read_file(
                path,
                name=path.name,
                kind=kind,
                mapping=mapping_of(given),
                sheet=self.sheet,
                decimal=self.decimal,
                dates=self.dates,
            )
            for path, kind, given in files
        ]
        tell(readings)
        if faults := settled_faults(readings, self.rejects, self.skip_bad):
            count = len({(each.file, each.line) for each in faults})
            typer.echo(f"{several(count, 'line')} with faults left out.", err=True)
        return readings


def tell(readings: "Sequence[FileReading]") -> None:
    """Show how each file was read."""
    from tools.catalog.reading import mapping_report

    for reading in readings:
        typer.echo(mapping_report(reading), err=True)


def settled_faults(readings: "Sequence[FileReading]", rejects: Path | None, skip_bad: bool) -> "list[Fault]":
    """The faults of all files that are passed over. Raises FaultyFile if there are any and they are not to be."""
    from tools.catalog.reading import refuse_faults, write_rejects

    faults = [fault for reading in readings for fault in reading.faults]
    if rejects is not None:
        write_rejects(faults, rejects)
    if not skip_bad:
        refuse_faults(faults)
    return faults


def mapping_of(given: Sequence[str] | None) -> dict[str, str]:
    """Columns by role, of `role=column`. Without a column, no column has that role."""
    found = {}
    for each in given or ():
        role, sign, column = each.partition("=")
        if not (sign and role.strip()):
            raise typer.BadParameter(f"--map takes role=COLUMN, as product_id=SKU; it got {each!r}.")
        found[role.strip()] = column.strip()
    return found
