"""Demand histories of many products from a table: CSV or Parquet, one row per sale or one row per product.

A *long* table has a product, a date and a quantity in each row; sales are added up per period, and a period without a
row is one without demand, from the product's first sale on (before it, demand is unknown). A *wide* table has one row
per product, with the periods as columns from left to right or as a list in a column `demand`; an empty cell is unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from tools.demand_distribution import FloatArray
from tools.errors import InvalidDemand, InvalidInput

if TYPE_CHECKING:
    import pandas as pd

Period = Literal["day", "week", "month"]
PERIOD_DAYS: dict[Period, float] = {"day": 1.0, "week": 7.0, "month": 365.25 / 12}
PANDAS_PERIOD: dict[Period, str] = {"day": "D", "week": "W", "month": "M"}

PRODUCT_NAMES = ("product_id", "product", "sku", "item_id", "item", "stockcode", "article", "id")
DATE_NAMES = ("date", "day", "week", "month", "period", "invoicedate", "timestamp", "time")
QUANTITY_NAMES = ("quantity", "demand", "units", "qty", "sales")
PRICE_NAMES = ("unit_price", "unitprice", "price")


@dataclass(frozen=True, slots=True)
class DemandTable:
    """Products × periods, oldest first; NaN is unknown."""

    products: tuple[str, ...]
    demand: FloatArray
    period: Period
    unit_prices: FloatArray | None = None
    """The median price of each product's sales, where the table has prices."""

    @property
    def period_days(self) -> float:
        return PERIOD_DAYS[self.period]


def read_demand(
    path: Path, *, period: Period = "day", drop_returns: bool = False, product: str | None = None
) -> DemandTable:
    """Read a table from a file. `product` names the column that tells products apart, where its name does not.

    Rows with a quantity below 0 are returns: refused, unless they are to be left out, as demand is counted before them.
    """
    import pandas as pd

    if path.suffix.lower() in (".parquet", ".pq"):
        frame = pd.read_parquet(path)
    elif path.suffix.lower() in (".csv", ".txt", ".tsv"):
        frame = pd.read_csv(path, sep=None, engine="python")
    else:
        raise InvalidInput(f"{path.name} is neither .csv nor .parquet; give one of these.")
    return demand_table(frame, period=period, drop_returns=drop_returns, product=product)


def demand_table(
    frame: "pd.DataFrame",
    *,
    period: Period = "day",
    drop_returns: bool = False,
    product: str | None = None,
) -> DemandTable:
    """The same from a DataFrame."""
    key = product or find_column(frame.columns, PRODUCT_NAMES)
    if key is None or key not in frame.columns:
        raise InvalidInput(
            f"No product column among {list(frame.columns)[:12]}; name one of them {PRODUCT_NAMES[0]!r}."
        )
    date, quantity = find_column(frame.columns, DATE_NAMES), find_column(frame.columns, QUANTITY_NAMES)
    if date is not None and quantity is not None:
        return _from_sales(frame, key=key, date=date, quantity=quantity, period=period, drop_returns=drop_returns)
    return _from_rows(frame, key=key, period=period)


def find_column(columns: Iterable[object], names: tuple[str, ...]) -> str | None:
    """The column that goes by the first of these names, whatever its case."""
    lower = {str(column).lower().replace(" ", "_"): str(column) for column in columns}
    return next((lower[name] for name in names if name in lower), None)


def _from_sales(
    frame: "pd.DataFrame", *, key: str, date: str, quantity: str, period: Period, drop_returns: bool
) -> DemandTable:
    import pandas as pd

    sales = frame[[key, date, quantity]].dropna()
    negative = sales[quantity] < 0
    if negative.any() and not drop_returns:
        row = int(np.flatnonzero(negative.to_numpy())[0])
        raise InvalidDemand(
            f"Row {sales.index[row]} has {quantity} {sales[quantity].iloc[row]} for {sales[key].iloc[row]}: demand is "
            "counted before returns. Leave returns out, or say that they are to be dropped."
        )
    sales = sales[~negative]
    periods = pd.to_datetime(sales[date]).dt.to_period(PANDAS_PERIOD[period])
    total = sales.groupby([sales[key].astype(str), periods])[quantity].sum().unstack()
    total = total.reindex(columns=pd.period_range(periods.min(), periods.max(), freq=PANDAS_PERIOD[period]))
    demand = total.to_numpy(dtype=np.float64, na_value=np.nan)
    started = np.logical_or.accumulate(demand > 0, axis=1)
    return DemandTable(
        tuple(total.index.astype(str)),
        np.where(started, np.nan_to_num(demand), np.nan),
        period,
        _prices(frame, key, total),
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
            "The table has neither a date and a quantity column nor columns of numbers to take for periods."
        )
    return DemandTable(products, numbers.to_numpy(dtype=np.float64, na_value=np.nan), period)


def right_aligned(histories: list[list[float | None]]) -> FloatArray:
    """Histories of different lengths as one matrix whose last column is the newest period of all."""
    width = max((len(history) for history in histories), default=0)
    demand = np.full((len(histories), width), np.nan)
    for row, history in enumerate(histories):
        if len(history):
            demand[row, width - len(history) :] = np.array(history, dtype=np.float64)
    return demand
