"""Demand histories of many products from a table: CSV or Parquet, one row per sale or one row per product.

A *long* table has a product, a date and a quantity in each row. Sales are added up per period. From the product's first
sale on, a period without a row has no demand; before it, demand is unknown. A *wide* table has one row
per product, with the periods as columns from left to right or as a list in a column `demand`; an empty cell is unknown.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tools.planning.demand_distribution import FloatArray
from tools.records.errors import InvalidDemand, InvalidInput
from tools.records.facts import DemandHistory

if TYPE_CHECKING:
    import pandas as pd

Period = Literal["day", "week", "month"]
PERIOD_DAYS: dict[Period, float] = {"day": 1.0, "week": 7.0, "month": 365.25 / 12}
PANDAS_PERIOD: dict[Period, str] = {"day": "D", "week": "W", "month": "M"}

PARQUET, CSV = (".parquet", ".pq"), (".csv", ".txt", ".tsv")
CERTAIN_GAP_ROWS = 20
"""A stretch without rows is noted if, at the mean rate of the table, it would have had so many."""
PRODUCT_NAMES = ("product_id", "product", "sku", "item_id", "item", "stockcode", "article", "id")
DATE_NAMES = ("date", "day", "week", "month", "period", "invoicedate", "timestamp", "time")
QUANTITY_NAMES = ("quantity", "demand", "units", "qty", "sales")
PRICE_NAMES = ("unit_price", "unitprice", "price")
FIRST_LINE = 2
"""Line of a CSV file's first row, as a spreadsheet counts. Faults are named by their line."""
SHORT_DATE = re.compile(r"^\s*(?P<first>\d{1,2})(?P<mark>[./-])(?P<second>\d{1,2})[./-]\d{2,4}\b")
DECIMAL_COMMA = re.compile(r"\s*-?[\d.]*,\d+\s*")


@dataclass(frozen=True, slots=True)
class DemandTable:
    """Products × periods, oldest first; NaN is unknown."""

    products: tuple[str, ...]
    demand: FloatArray
    period: Period
    unit_prices: FloatArray | None = None
    """The median price of each product's sales, where the table has prices."""
    notes: tuple[str, ...] = ()
    """What was assumed, for a person to know."""

    @property
    def period_days(self) -> float:
        return PERIOD_DAYS[self.period]


def read_demand(
    path: Path, *, period: Period = "day", drop_returns: bool = False, product: str | None = None
) -> DemandTable:
    """Read a table from a file. `product` names the product column if its own name does not tell.

    Rows with a quantity below 0 are returns. They are refused, or left out on demand: demand counts before returns.
    """
    if path.suffix.lower() not in (*PARQUET, *CSV):
        raise InvalidInput(f"{path.name} is neither .csv nor .parquet; give one of these.")
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}; give the path of a CSV or Parquet file.")
    return demand_table(_read(path, product), period=period, drop_returns=drop_returns, product=product)


def sample_table() -> DemandTable:
    """The sample catalogue of the package: made-up demand, with out-of-stock days unknown."""
    from tools.catalog.sample.reader import read_sample

    facts = [each for each in read_sample() if not each.demand.deterministic]
    return DemandTable(
        tuple(f"{each.product.id} at {each.stock.location}" for each in facts),
        right_aligned([_masked(each.demand) for each in facts]),
        "day",
        np.array([float(each.product.unit_price or 0) or np.nan for each in facts]),
        ("This is the sample catalogue: its demand is made up.",),
    )


def _masked(history: DemandHistory) -> list[float]:
    return [
        np.nan if value is None or position in history.stockout_periods else value
        for position, value in enumerate(history.values)
    ]


def _read(path: Path, product: str | None) -> "pd.DataFrame":
    import pandas as pd

    try:
        if path.suffix.lower() in PARQUET:
            return pd.read_parquet(path)
        names = pd.read_csv(path, sep=None, engine="python", nrows=0).columns
        key = product or find_column(names, PRODUCT_NAMES)
        # Product ids are text: 007 is not 7.
        frame = pd.read_csv(path, sep=None, engine="python", dtype={key: str} if key in names else None)
        frame.index = frame.index + FIRST_LINE
        return frame
    except (OSError, ValueError, csv.Error) as error:  # both readers' own errors are ValueErrors
        kind = "Parquet" if path.suffix.lower() in PARQUET else "CSV with a line of column names"
        raise InvalidInput(f"{path.name} cannot be read as {kind}: {error}.") from error


def demand_table(
    frame: "pd.DataFrame",
    *,
    period: Period = "day",
    drop_returns: bool = False,
    product: str | None = None,
) -> DemandTable:
    """The table of a DataFrame."""
    key = product or find_column(frame.columns, PRODUCT_NAMES)
    if key is None or key not in frame.columns:
        wanted = f" {product!r}" if product else ""
        raise InvalidInput(
            f"No product column{wanted} among {list(frame.columns)[:12]}; "
            f"name one of them {PRODUCT_NAMES[0]!r}, or say which it is with --product."
        )
    date, quantity = find_column(frame.columns, DATE_NAMES), find_column(frame.columns, QUANTITY_NAMES)
    if date is not None and quantity is not None:
        return _from_sales(frame, key=key, date=date, quantity=quantity, period=period, drop_returns=drop_returns)
    return _from_rows(frame, key=key, period=period)


def find_column(columns: Iterable[object], names: tuple[str, ...]) -> str | None:
    """The column with the first of these names that the table has, whatever its case."""
    lower = {str(column).lower().replace(" ", "_"): str(column) for column in columns}
    return next((lower[name] for name in names if name in lower), None)


def _from_sales(
    frame: "pd.DataFrame", *, key: str, date: str, quantity: str, period: Period, drop_returns: bool
) -> DemandTable:
    import pandas as pd

    sales = frame[[key, date, quantity]].assign(
        **{
            quantity: pd.to_numeric(frame[quantity], errors="coerce"),
            date: _dates(frame[date]),
        }
    )
    _refuse_unreadable(sales, frame)
    negative = sales[quantity] < 0
    if negative.any() and not drop_returns:
        row = int(np.flatnonzero(negative.to_numpy())[0])
        raise InvalidDemand(
            f"Row {sales.index[row]} has {quantity} {sales[quantity].iloc[row]:g} for {sales[key].iloc[row]}: demand "
            "is counted before returns. Leave returns out, or drop them with --drop-returns."
        )
    sales = sales[~negative]
    if sales.empty:
        raise InvalidInput("The table has no row with demand; give one row for each sale.")
    periods = sales[date].dt.to_period(PANDAS_PERIOD[period])
    total = sales.groupby([sales[key].astype(str), periods])[quantity].sum().unstack()
    total = total.reindex(columns=pd.period_range(periods.min(), periods.max(), freq=PANDAS_PERIOD[period]))
    demand = total.to_numpy(dtype=np.float64, na_value=np.nan)
    started = np.logical_or.accumulate(demand > 0, axis=1)
    return DemandTable(
        tuple(total.index.astype(str)),
        np.where(started, np.nan_to_num(demand), np.nan),
        period,
        _prices(frame, key, total),
        _gap(total, rows_each=len(sales) / total.shape[1], period=period),
    )


def _dates(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Dates with the day first where the column shows that or writes dots.

    Raises `InvalidDemand` where 1/2/2026 may mean two days.
    """
    import pandas as pd

    parts = column.astype(str).str.extract(SHORT_DATE)
    first, second = (pd.to_numeric(parts[name]).to_numpy() for name in ("first", "second"))
    day_first = bool((first > 12).any() or (parts["mark"] == ".").any())
    month_first = bool((second > 12).any())
    unclear = (first <= 12) & (second <= 12) & (first != second)
    if unclear.any() and day_first == month_first:
        row = int(np.flatnonzero(unclear)[0])
        seen = "some rows show the one, some the other" if day_first else "no row shows which"
        raise InvalidDemand(
            f"Row {column.index[row]} has {column.name} {column.iloc[row]!r}, which may have the day or the month "
            f"first: {seen}. Write dates as 2026-12-31."
        )
    return pd.to_datetime(column, errors="coerce", format="mixed", dayfirst=day_first)


def _refuse_unreadable(sales: "pd.DataFrame", frame: "pd.DataFrame") -> None:
    """Name the first row without a product, a date or a finite quantity."""
    for column in sales.columns:
        bad = sales[column].isna() | sales[column].isin([np.inf, -np.inf])
        if bad.any():
            row = int(np.flatnonzero(bad.to_numpy())[0])
            value = frame[column].iloc[row]
            raise InvalidDemand(
                f"Row {frame.index[row]} has {column} {value!r}, which {_at_fault(value)}. Correct the row, "
                "or leave it out: a period without a row is one without demand."
            )


def _at_fault(value: object) -> str:
    if DECIMAL_COMMA.fullmatch(str(value)):
        return "is no number here: decimals take a point, as in 1.5, and thousands nothing"
    return "says nothing"


def _gap(total: "pd.DataFrame", *, rows_each: float, period: Period) -> tuple[str, ...]:
    """A note on the longest stretch in which no product has a row, where it is too long for chance."""
    silent = total.isna().all(axis=0).to_numpy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    if not starts.size or rows_each * (ends - starts).max() < CERTAIN_GAP_ROWS or (ends - starts).max() < 3:
        return ()
    longest = int(np.argmax(ends - starts))
    first, last = total.columns[starts[longest]], total.columns[ends[longest] - 1]
    return (
        f"No product has a row from {first} to {last} ({ends[longest] - starts[longest]} {period}s). They are taken "
        f"for {period}s without demand; if the file has a gap there, fill it.",
    )


def _prices(frame: "pd.DataFrame", key: str, total: "pd.DataFrame") -> FloatArray | None:
    price = find_column(frame.columns, PRICE_NAMES)
    if price is None:
        return None
    positive = frame[frame[price] > 0]
    medians = positive.groupby(positive[key].astype(str))[price].median()
    return np.asarray(medians.reindex(total.index).to_numpy(dtype=np.float64))


def _from_rows(frame: "pd.DataFrame", *, key: str, period: Period) -> DemandTable:
    products = tuple(frame[key].astype(str))
    listed = find_column(frame.columns, ("demand",))
    if listed is not None and frame[listed].dtype == object:
        return DemandTable(products, right_aligned(frame[listed].tolist()), period)
    numbers = frame.drop(columns=[key]).select_dtypes("number")
    if numbers.shape[1] == 0:
        raise InvalidInput(
            f"The table has neither a date and a quantity column nor columns of numbers to take for periods, but "
            f"{list(frame.columns)[:12]}. Name a date column {DATE_NAMES[0]!r} and a quantity column "
            f"{QUANTITY_NAMES[0]!r}, or give a row per product and a column per period."
        )
    demand = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    negative = np.argwhere(demand < 0)
    if negative.size:
        row, column = negative[0]
        raise InvalidDemand(
            f"Row {frame.index[row]} ({products[row]}) has {demand[row, column]:g} in {numbers.columns[column]}: "
            "demand is counted before returns. Give 0, or leave the cell empty where it is unknown."
        )
    return DemandTable(products, demand, period)


def right_aligned(histories: Sequence[Sequence[float | None] | FloatArray]) -> FloatArray:
    """Histories of different lengths as one matrix whose last column is the newest period of all."""
    width = max((len(history) for history in histories), default=0)
    demand = np.full((len(histories), width), np.nan)
    for row, history in enumerate(histories):
        if len(history):
            demand[row, width - len(history) :] = np.array(history, dtype=np.float64)
    return demand
