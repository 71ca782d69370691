"""What commands share that read a person's file: how its columns are named, and what becomes of its faults."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from tools.catalog.reading import FileReading, Kind


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

    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="Which column is what, as quantity='Qty sold'; repeatable. It goes before what is found."
        ),
    ] = None
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook.")] = None
    decimal: Annotated[
        Literal["point", "comma"] | None, typer.Option(help="The decimal mark, where the file leaves it open.")
    ] = None
    dates: Annotated[
        Literal["day-first", "month-first"] | None,
        typer.Option(help="What 1/2/2026 means, where the file leaves it open."),
    ] = None
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Go on without the lines that have a fault.")] = False
    rejects: Annotated[Path | None, typer.Option(help="Write every fault here as CSV.")] = None
    drop_returns: Annotated[bool, typer.Option("--drop-returns", hidden=True)] = False
    """Of scripts for the version before. Returns never lower demand now."""

    @property
    def how(self) -> dict[str, Any]:
        """What the reader takes beside the columns."""
        return {"sheet": self.sheet, "decimal": self.decimal, "dates": self.dates}

    def read(self, *files: "tuple[Path, Kind, Sequence[str] | None]") -> "list[FileReading]":
        """Read files of known kinds, and show how. Raises FaultyFile unless bad lines are skipped."""
        from tools.catalog.reading import read_file

        readings = [
            read_file(path, name=path.name, kind=kind, mapping=mapping_of(given), **self.how)
            for path, kind, given in files
        ]
        self.settle(readings)
        return readings

    def settle(self, readings: "Sequence[FileReading]") -> None:
        """Show how each file was read, and every fault. Raises FaultyFile for faults that are not to be skipped."""
        from tools.catalog.reading import fault_report, mapping_report, refuse_faults, write_rejects

        for reading in readings:
            typer.echo(mapping_report(reading), err=True)
        faults = [fault for reading in readings for fault in reading.faults]
        if self.rejects is not None:
            write_rejects(faults, self.rejects)
        if not self.skip_bad:
            refuse_faults(faults)
        if faults:
            typer.echo(f"Left out: {fault_report(faults)}", err=True)


def mapping_of(given: Sequence[str] | None) -> dict[str, str]:
    """Columns by role, of `role=column`. Without a column, no column has that role."""
    found = {}
    for each in given or ():
        role, sign, column = each.partition("=")
        if not (sign and role.strip()):
            raise typer.BadParameter(f"--map takes role=COLUMN, as product_id=SKU; it got {each!r}.")
        found[role.strip()] = column.strip()
    return found
