"""The real demand that the benchmarks and the shipped calibration are measured on. None of it is in the repository.

The folder comes from --data or RESTOCK_DATA and holds `data/uci_online_retail.parquet` (UCI "Online Retail", D. Chen,
CC BY 4.0) and `data/carparts_monthly_demand.parquet` (R package expsmooth).
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from tools.catalog.demand_table import DemandTable
from tools.lookback.rolling_origin import Interval

RETAIL_INTERVAL = Interval(lead_time=7, review_period=1)
CAR_PARTS_INTERVAL = Interval(lead_time=3, review_period=1)

RETAIL_CODE = r"^\d{5}[A-Z]*$"


def data_folder(given: str | None) -> Path:
    """Where the data lies; exits with what to do when nobody has said."""
    folder = given or os.environ.get("RESTOCK_DATA")
    if not folder:
        raise SystemExit("Give --data FOLDER or set RESTOCK_DATA to the folder that holds data/*.parquet.")
    return Path(folder) / "data"


def retail(folder: Path) -> DemandTable:
    """Units ordered per stock code and calendar day, 2010-12-01 to 2011-12-09.

    Kept: articles (five digits and letters; not postage, fees or samples), invoiced at a price, before returns. A line
    that the same customer cancelled whole later on (same article and quantity: 2,835 of 8,704 cancellations) was never
    demand and is left out; other returns do not lower demand. A day without a sale is a day without demand, from the
    article's first sale on.
    """
    lines = pd.read_parquet(folder / "uci_online_retail.parquet")
    lines["StockCode"] = lines["StockCode"].str.upper().str.strip()
    lines = lines[lines["StockCode"].str.match(RETAIL_CODE)].sort_values("InvoiceDate", kind="stable")
    cancelled = lines["InvoiceNo"].str.startswith("C") & (lines["Quantity"] < 0)
    sold = lines[~cancelled & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)]
    sold = sold.drop(index=_cancelled_whole(sold, lines[cancelled]))
    day = sold["InvoiceDate"].dt.normalize()
    units = sold.groupby(["StockCode", day])["Quantity"].sum().unstack()
    units = units.reindex(columns=pd.date_range("2010-12-01", "2011-12-09"))
    demand = units.to_numpy(dtype=np.float64, na_value=0.0)
    started = np.logical_or.accumulate(demand > 0, axis=1)
    prices = sold.groupby("StockCode")["UnitPrice"].median().reindex(units.index).to_numpy(dtype=np.float64)
    return DemandTable(tuple(units.index), np.where(started, demand, np.nan), "day", prices)


def _cancelled_whole(sold: pd.DataFrame, cancelled: pd.DataFrame) -> list[int]:
    """The latest earlier line that each cancellation takes back whole."""
    open_lines: dict[tuple[float, str, int], list[tuple[pd.Timestamp, int]]] = {}
    known = sold[sold["CustomerID"].notna()]
    for customer, code, quantity, moment, index in zip(
        known["CustomerID"], known["StockCode"], known["Quantity"], known["InvoiceDate"], known.index, strict=True
    ):
        open_lines.setdefault((customer, code, quantity), []).append((moment, index))
    taken_back = []
    for customer, code, quantity, moment in zip(
        cancelled["CustomerID"], cancelled["StockCode"], -cancelled["Quantity"], cancelled["InvoiceDate"], strict=True
    ):
        lines = open_lines.get((customer, code, quantity), [])
        earlier = [place for place, (sold_at, _) in enumerate(lines) if sold_at <= moment]
        if earlier:
            taken_back.append(lines.pop(earlier[-1])[1])
    return taken_back


def car_parts(folder: Path) -> DemandTable:
    """Units per part and month, 51 months; 165 parts end after a year."""
    frame = pd.read_parquet(folder / "carparts_monthly_demand.parquet")
    return DemandTable(tuple(frame["sku"].astype(str)), frame.drop(columns="sku").to_numpy(dtype=np.float64), "month")
