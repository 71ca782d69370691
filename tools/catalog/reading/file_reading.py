"""What is read of a file: its columns by role, typed rows, and every fault with its line."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from tools.catalog.histories import Period

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["suppliers", "products", "stock", "sales", "open_orders", "receipts", "promotions", "outcomes"]
Decimal = Literal["point", "comma"]
DateOrder = Literal["day-first", "month-first"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One bad cell or row of a file."""

    file: str
    line: int
    """As a spreadsheet counts."""
    column: str
    value: str
    problem: str
    """What is wrong, and what to do."""
    code: str
    """Stable name of the kind of fault, to count by."""


@dataclass(frozen=True, slots=True)
class FileReading:
    """A file whose columns are known and whose rows are typed."""

    file: str
    kind: Kind
    mapping: dict[str, str]
    """Column of the file by role."""
    unused: tuple[str, ...]
    """Columns that no role took."""
    example: list[dict[str, str]]
    """Up to three rows as they stand in the file, by role."""
    frame: "pd.DataFrame"
    """A column per role; the index is the line. Text is stripped str ("" is not given), quantities and prices are
    float64 (NaN is not given), days are datetime64. Rows with faults are not in it."""
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    """What was assumed or left out, with counts."""
    wide: bool = False
    """A row per product in the file: a period without a row is unknown, not without sales."""

    @property
    def period(self) -> Period:
        """What each row of sales counts."""
        if "period" not in self.frame or self.frame.empty:
            return "day"
        period: Period = self.frame["period"].iloc[0]
        return period


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Rows by role: days as 2026-12-31, None for what is not given."""
    days = {str(name): frame[name].dt.strftime("%Y-%m-%d") for name in frame.select_dtypes("datetime")}
    cells = frame.assign(**days).astype(object)
    return cast("list[dict[str, Any]]", cells.where(cells.notna(), None).to_dict("records"))
