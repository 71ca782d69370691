"""The rows of a table as a frame: as they stand, or with a row for each period of a wide file."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.catalog.reading.columns import Reader
from tools.catalog.reading.numbers import numbers_of
from tools.catalog.reading.table import Table
from tools.catalog.reading.wide import PeriodColumns

if TYPE_CHECKING:
    import pandas as pd

FEWEST_FOR_A_TOTAL = 3
"""Rows above one that adds them up."""


def framed(values: Mapping[str, Any], table: Table) -> "pd.DataFrame":
    """A column per role; the index is the line."""
    import pandas as pd

    return pd.DataFrame(values, index=pd.Index(table.lines, name="line"), copy=False)


def unfolded(reader: Reader, periods: PeriodColumns, values: Mapping[str, Any]) -> "pd.DataFrame":
    """A row for each product and period. An empty cell is an unknown quantity, and no row."""
    import pandas as pd

    quantities = _quantities(reader, periods)
    _leave_out_sum(reader, quantities, values["product_id"])
    reader.notes.append(_described(periods))
    size, width = quantities.shape
    days = np.array(list(periods.days.values()), dtype="datetime64[s]")
    repeated = {role: np.repeat(np.asarray(column), width) for role, column in values.items()}
    frame = pd.DataFrame(
        {**repeated, "date": np.tile(days, size), "quantity": quantities.ravel(), "period": periods.period},
        index=pd.Index(np.repeat(reader.table.lines, width), name="line"),
    )
    keep = ~np.repeat(reader.bad, width) & ~np.isnan(quantities.ravel())
    reader.bad = np.zeros(int(keep.sum()), dtype=bool)
    return frame[keep]


def _described(periods: PeriodColumns) -> str:
    oldest, *_, newest = periods.days
    what = f"The columns from {oldest!r} to {newest!r} are {len(periods.days)} {periods.period}s."
    return f"{what} {periods.assumed}".strip()


def _quantities(reader: Reader, periods: PeriodColumns) -> NDArray[np.float64]:
    """Products × periods. Negative quantities are faults: returns cannot be told from sales in a sum."""
    cells = {column: reader.table.coded(column) for column in periods.days}
    apart = {column: numbers_of(each.values) for column, each in cells.items()}
    columns = []
    for column, each in cells.items():
        reader.mapping = {**reader.mapping, "quantity": column}
        found = reader.numbers("quantity", each, apart[column], apart.values(), dotted=False)
        below = {
            int(place): ("negative", "Demand counts before returns: give 0, or leave the cell empty if it is unknown.")
            for place in np.flatnonzero(found < 0)
        }
        reader.note_faults("quantity", each, below)
        columns.append(found[each.codes])
    reader.mapping = {role: column for role, column in reader.mapping.items() if role != "quantity"}
    return np.column_stack(columns)


def _leave_out_sum(reader: Reader, quantities: NDArray[np.float64], products: NDArray[np.object_]) -> None:
    """Leave out a last row that is the sum of all others in every period."""
    if len(quantities) <= FEWEST_FOR_A_TOTAL:
        return
    above, last = np.nansum(quantities[:-1], axis=0), np.nan_to_num(quantities[-1])
    if above.any() and np.allclose(above, last, rtol=1e-9):
        reader.bad[-1] = True
        line = reader.table.lines[-1]
        reader.notes.append(f"Line {line} ({products[-1]}) is the sum of all others in every period and was left out.")
