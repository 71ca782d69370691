"""What an import was, or would be."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field

from tools.records.facts import Record

Status = Literal["proposed", "done", "undone"]


class ReadFile(Record):
    """A file as it was read."""

    name: str
    """Its name."""
    kind: str
    """What its rows are."""
    mapping: dict[str, str]
    """Column of the file by role."""
    unused: tuple[str, ...] = ()
    """Columns that nothing is made of."""
    lines: int
    """Rows that were taken."""
    faults: int
    """Rows that were left out, because they could not be read."""
    notes: tuple[str, ...] = ()
    """What was assumed or left out."""

    @classmethod
    def without_file(cls, name: str, *, kind: str = "request", lines: int = 1) -> Self:
        """A change that came in no file."""
        return cls(name=name, kind=kind, mapping={}, lines=lines, faults=0)


class TableCounts(Record):
    """What became of the rows of one table."""

    new: int = 0
    """Rows that were not there."""
    changed: int = 0
    """Rows that say something else now."""
    unchanged: int = 0
    """Rows that said this already."""
    gone: int = 0
    """Rows that are not there any more."""


class ImportRecord(Record):
    """One bringing in of data: who, when, what, and what it changed."""

    number: int | None
    """Its number; None while it is only looked at."""
    status: Status
    """`proposed`: it waits for a person. `done`: it is in the catalogue. `undone`: it was taken back."""
    recorded_by: str
    """Who brought it in."""
    created_at: datetime | None
    """When it was sent."""
    done_at: datetime | None = None
    """When it came into the catalogue."""
    undone_at: datetime | None = None
    """When it was taken back."""
    files: tuple[ReadFile, ...]
    """The files."""
    counts: dict[str, TableCounts] = Field(description="What it changes, by table.")
    notes: tuple[str, ...] = ()
    """What it assumed, made or left out."""

    @property
    def changes(self) -> int:
        """Rows that are different from before."""
        return sum(each.new + each.changed + each.gone for each in self.counts.values())

    @property
    def in_words(self) -> str:
        """What it changes, as "products 300 new; stock 580 changed, 20 unchanged"."""
        tables = [
            f"{table.replace('_', ' ')} " + ", ".join(f"{count:,} {what}" for what, count in counts if count)
            for table, counts in self.counts.items()
            if table != "catalogue"
        ]
        return "; ".join(tables) or "nothing"


def record_from(row: Any) -> ImportRecord:
    """From a row of the table `imports`."""
    files, counts = row["files"], row["counts"]
    return ImportRecord(
        number=row["number"],
        status=row["status"],
        recorded_by=row["recorded_by"],
        created_at=row["created_at"],
        done_at=row["done_at"],
        undone_at=row["undone_at"],
        files=files["read"],
        counts=counts,
        notes=files["notes"],
    )
