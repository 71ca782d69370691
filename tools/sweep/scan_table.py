"""The scan as a table: from a DataFrame, a Parquet file or a file of sales, by the revenue that is lost per day.

One row per product (and location): `product_id`, its demand as a list in `demand` or in columns of numbers from the
oldest period to the newest, and what else is known of it under the names of `scan.Terms` (`lead_time_days`,
`on_hand`, `unit_price` …). A Parquet file is read some rows at a time, so that it may be larger than memory.

A file of sales has a product, a date and a quantity in each row, in any order. It is read twice, some rows at a time:
for its products and dates, then into one matrix of products × periods, which is all that is held of it.
"""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tools.catalog.demand_table import (
    DATE_NAMES,
    PANDAS_PERIOD,
    PERIOD_DAYS,
    PRODUCT_NAMES,
    QUANTITY_NAMES,
    DemandTable,
    Period,
    find_column,
    right_aligned,
)
from tools.lookback.pooled_service import pooled_service
from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.demand_forecast import Demand
from tools.planning.scan import DEMAND_CLASSES, METHODS, PlanColumns, Terms, scan
from tools.records.errors import InvalidDemand, InvalidInput

if TYPE_CHECKING:
    import pandas as pd

TERM_NAMES = tuple(term.name for term in fields(Terms))
KEYS = ("product_id", "location")
BATCH_ROWS = 65_536


def scan_frame(
    frame: "pd.DataFrame", *, pooled: bool = False, threads: int | None = None, **defaults: float
) -> "pd.DataFrame":
    """Plan every row. `defaults` stand for terms that the frame has no column of, as `lead_time_days=7`.

    With `pooled`, each product asks for what similar ones of the table had to ask for in order to get its service
    level (`pooled_service`). Raises `InvalidInput` where there is no product, demand or lead time, and what
    `scan.scan` raises, with the row counted from 0.
    """
    return _sorted([_planned(frame, pooled, threads, defaults)])


def scan_parquet(
    path: Path, *, pooled: bool = False, threads: int | None = None, batch_rows: int = BATCH_ROWS, **defaults: float
) -> "pd.DataFrame":
    """The same, some rows at a time; only the result is kept. What is pooled is learned from those rows."""
    return _sorted([_planned(batch, pooled, threads, defaults) for batch in _batches(path, batch_rows)])


def scan_demand(
    table: DemandTable,
    *,
    products: "pd.DataFrame | None" = None,
    pooled: bool = False,
    threads: int | None = None,
    **defaults: float,
) -> "pd.DataFrame":
    """Plan every product of a table of demand, or each of `products`, which has a row with the terms of each.

    A product without demand in the table has no plan, nor has one that is not among `products`.
    """
    import pandas as pd

    frame = pd.DataFrame({KEYS[0]: table.products}) if products is None else products
    _require_product(frame)
    rows = pd.Index(table.products)
    if not rows.is_unique:
        raise InvalidInput(f"{rows[rows.duplicated()][0]} has two rows of demand; add them up, so that each has one.")
    place = rows.get_indexer(pd.Index(frame[KEYS[0]].astype(str)))
    demand = np.where(place[:, None] < 0, np.nan, table.demand[place])
    if table.unit_prices is not None and "unit_price" not in frame.columns:
        frame = frame.assign(unit_price=np.where(place < 0, np.nan, table.unit_prices[place]))
    terms = _terms(frame, {"period_days": table.period_days} | defaults)
    return _sorted([_scanned(frame, demand, terms, pooled, threads)])


def scan_sales(
    path: Path,
    *,
    products: "pd.DataFrame | None" = None,
    period: Period = "day",
    pooled: bool = False,
    threads: int | None = None,
    batch_rows: int = BATCH_ROWS,
    **defaults: float,
) -> "pd.DataFrame":
    """Plan every product of a Parquet file of sales; `products` has a row with the terms of each.

    Sales are added up per period; from a product's first sale on, a period without one is a period without demand. A
    product that was never sold has no history and no plan. Raises `InvalidDemand` for a quantity below 0, naming it.
    """
    import pandas as pd

    names = _sales_columns(path)
    ids, first, last = _extent(path, names, period, batch_rows)
    frame = pd.DataFrame({KEYS[0]: ids}) if products is None else products
    index = pd.Index(frame[KEYS[0]].astype(str))
    demand = np.zeros((len(index), last - first + 1))
    for key, when, quantity in _sales(path, names, period, batch_rows):
        row = index.get_indexer(key)
        known = row >= 0
        np.add.at(demand, (row[known], when[known] - first), quantity[known])
    _mask_before_first_sale(demand)
    terms = _terms(frame, {"period_days": PERIOD_DAYS[period]} | defaults)
    return _sorted([_scanned(frame, demand, terms, pooled, threads)])


def _sales_columns(path: Path) -> tuple[str, str, str]:
    import pyarrow.parquet as parquet

    columns = parquet.read_schema(path).names
    found = tuple(find_column(columns, names) for names in (PRODUCT_NAMES, DATE_NAMES, QUANTITY_NAMES))
    if None in found:
        raise InvalidInput(
            f"{path.name} has no product, date and quantity among {columns[:12]}; name three of them so."
        )
    return found  # type: ignore[return-value]


def _sales(
    path: Path, names: tuple[str, str, str], period: Period, batch_rows: int
) -> Iterator[tuple["pd.Index[str]", IntArray, FloatArray]]:
    """Products, periods (counted from a fixed day) and quantities of some rows at a time."""
    import pandas as pd

    product, date, quantity = names
    for batch in _batches(path, batch_rows, columns=list(names)):
        sales = batch.dropna()
        units = sales[quantity].to_numpy(dtype=np.float64)
        if (units < 0).any():
            worst = sales.iloc[int(np.argmin(units))]
            raise InvalidDemand(
                f"{worst[product]} has {quantity} {worst[quantity]} on {worst[date]}: demand is counted before "
                "returns. Leave returns out."
            )
        when = pd.to_datetime(sales[date]).dt.to_period(PANDAS_PERIOD[period])
        yield pd.Index(sales[product].astype(str)), pd.PeriodIndex(when).asi8, units


def _extent(path: Path, names: tuple[str, str, str], period: Period, batch_rows: int) -> tuple[list[str], int, int]:
    """Products in order, and the first and the last period with a row."""
    ids: set[str] = set()
    ends: list[int] = []
    for key, when, _ in _sales(path, names, period, batch_rows):
        ids.update(key.unique())
        ends += [int(when.min()), int(when.max())] if when.size else []
    if not ends:
        raise InvalidInput(f"{path.name} has no sales; give a product, a date and a quantity in each row.")
    return sorted(ids), min(ends), max(ends)


def _mask_before_first_sale(demand: FloatArray) -> None:
    sold = demand > 0
    first = np.where(sold.any(axis=1), sold.argmax(axis=1), demand.shape[1])
    demand[np.arange(demand.shape[1]) < first[:, None]] = np.nan


def _batches(path: Path, batch_rows: int, columns: list[str] | None = None) -> Iterator["pd.DataFrame"]:
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=batch_rows, columns=columns):
            yield batch.to_pandas(split_blocks=True)


def _planned(frame: "pd.DataFrame", pooled: bool, threads: int | None, defaults: dict[str, float]) -> "pd.DataFrame":
    _require_product(frame)
    return _scanned(frame, _demand(frame), _terms(frame, defaults), pooled, threads)


def _require_product(frame: "pd.DataFrame") -> None:
    if KEYS[0] not in frame.columns:
        raise InvalidInput(f"The table has no column product_id among {list(frame.columns)[:12]}; name one of them so.")


def _scanned(frame: "pd.DataFrame", demand: Demand, terms: Terms, pooled: bool, threads: int | None) -> "pd.DataFrame":
    if not pooled:
        return _table(frame, scan(demand, terms, threads=threads))
    learned = pooled_service(demand, terms, threads=threads)
    return _table(frame, scan(demand, learned.terms(terms), threads=threads)).assign(asked_service_level=learned.asked)


def _terms(frame: "pd.DataFrame", defaults: dict[str, float]) -> Terms:
    terms = {name: _numbers(frame, name) for name in TERM_NAMES if name in frame.columns}
    unknown = [name for name in defaults if name not in TERM_NAMES]
    if unknown or "lead_time_days" not in terms | defaults:
        what = f"{unknown[0]!r} is not a term" if unknown else "No lead_time_days, neither a column nor a default"
        raise InvalidInput(f"{what}; terms are {', '.join(TERM_NAMES)}.")
    return Terms(**(defaults | terms))


def _numbers(frame: "pd.DataFrame", name: str) -> FloatArray:
    try:
        return np.asarray(frame[name].to_numpy(dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"Column {name} has something else than numbers ({error}); correct it.") from error


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
