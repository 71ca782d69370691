"""The scan as a table: from a DataFrame or a Parquet file, sorted by the revenue that is lost per day.

One row per product (and location): `product_id`, its demand as a list in `demand` or in columns of numbers from the
oldest period to the newest, and what else is known of it under the names of `tools.scan.Terms` (`lead_time_days`,
`on_hand`, `unit_price` …). A Parquet file is read some rows at a time, so that it may be larger than memory.
"""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tools.demand_forecast import Demand
from tools.demand_table import right_aligned
from tools.errors import InvalidInput
from tools.scan import DEMAND_CLASSES, METHODS, PlanColumns, Terms, scan

if TYPE_CHECKING:
    import pandas as pd

TERM_NAMES = tuple(term.name for term in fields(Terms))
KEYS = ("product_id", "location")
BATCH_ROWS = 65_536


def scan_frame(frame: "pd.DataFrame", *, threads: int | None = None, **defaults: float) -> "pd.DataFrame":
    """Plan every row. `defaults` stand for terms that the frame has no column of, as `lead_time_days=7`.

    Raises `InvalidInput` where there is no product, demand or lead time, and what `tools.scan.scan` raises, with the
    row counted from 0.
    """
    return _sorted([_planned(frame, threads, defaults)])


def scan_parquet(
    path: Path, *, threads: int | None = None, batch_rows: int = BATCH_ROWS, **defaults: float
) -> "pd.DataFrame":
    """The same, some rows at a time; only the result is kept."""
    return _sorted([_planned(batch, threads, defaults) for batch in _batches(path, batch_rows)])


def _batches(path: Path, batch_rows: int) -> Iterator["pd.DataFrame"]:
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=batch_rows):
            yield batch.to_pandas(split_blocks=True)


def _planned(frame: "pd.DataFrame", threads: int | None, defaults: dict[str, float]) -> "pd.DataFrame":
    if KEYS[0] not in frame.columns:
        raise InvalidInput(f"The table has no column product_id among {list(frame.columns)[:12]}; name one of them so.")
    terms = {name: frame[name].to_numpy(dtype=np.float64) for name in TERM_NAMES if name in frame.columns}
    unknown = [name for name in defaults if name not in TERM_NAMES]
    if unknown or "lead_time_days" not in terms | defaults:
        what = f"{unknown[0]!r} is not a term" if unknown else "No lead_time_days, neither a column nor a default"
        raise InvalidInput(f"{what}; terms are {', '.join(TERM_NAMES)}.")
    return _table(frame, scan(_demand(frame), Terms(**(defaults | terms)), threads=threads))


def _demand(frame: "pd.DataFrame") -> Demand:
    if "demand" in frame.columns and frame["demand"].dtype == object:
        return _from_lists(frame["demand"].tolist())
    periods = [name for name in frame.columns if name not in (*TERM_NAMES, *KEYS)]
    numbers = frame[periods].select_dtypes("number")
    if numbers.shape[1] == 0:
        raise InvalidInput("The table has neither a list column demand nor columns of numbers to take for periods.")
    single = all(dtype == np.float32 for dtype in numbers.dtypes)
    return numbers.to_numpy(dtype=np.float32 if single else np.float64, na_value=np.nan)


def _from_lists(histories: list[object]) -> Demand:
    """As they are where all have the same length, so that single precision stays so."""
    arrays = [np.asarray(history) for history in histories]
    if len({array.shape for array in arrays}) == 1 and arrays[0].dtype in (np.float32, np.float64):
        return np.stack(arrays)
    return right_aligned([array.tolist() for array in arrays])


def _table(frame: "pd.DataFrame", found: PlanColumns) -> "pd.DataFrame":
    import pandas as pd

    columns: dict[str, object] = {name: frame[name].to_numpy() for name in KEYS if name in frame.columns}
    columns |= {column.name: getattr(found, column.name) for column in fields(found)}
    columns["method"] = pd.Categorical.from_codes(found.method, categories=pd.Index(METHODS))
    columns["demand_class"] = pd.Categorical.from_codes(found.demand_class, categories=pd.Index(DEMAND_CLASSES))
    return pd.DataFrame(columns)


def _sorted(parts: list["pd.DataFrame"]) -> "pd.DataFrame":
    """Where no price is known, what is lost in units decides."""
    import pandas as pd

    table = pd.concat(parts, ignore_index=True) if len(parts) != 1 else parts[0]
    order = ["lost_revenue_per_day", "lost_units_per_day"]
    return table.sort_values(order, ascending=False, kind="stable", na_position="last", ignore_index=True)
