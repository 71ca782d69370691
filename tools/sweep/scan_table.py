"""The scan as a table of plans, the largest lost revenue a day first, and its files.

The terms of a product stand in a row with its `product_id`, under the names of `tools.planning.scan.Terms`.
"""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.book.stock import OwnOrders
from tools.catalog.block import Block, block_of
from tools.catalog.demand_table import DemandTable
from tools.catalog.snapshot import Snapshot
from tools.lookback.pooled_service import pooled_service
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.forecast_grid import Demand
from tools.planning.scan import PlanColumns, Terms, scan
from tools.planning.scan_plan import METHODS
from tools.records.errors import InvalidInput
from tools.records.text import several

if TYPE_CHECKING:
    import pandas as pd

TERM_NAMES = tuple(term.name for term in fields(Terms))
PARQUET = (".parquet", ".pq")
KEYS = ("product_id", "location")
KEPT = (*KEYS, "currency")
"""Columns of the terms that stand in the plans too."""
SHOWN = (
    "product_id",
    "location",
    "demand_class",
    "reorder_point",
    "inventory_position",
    "order_quantity",
    "lost_revenue_per_day",
    "currency",
)


def scan_demand(
    table: DemandTable,
    *,
    products: "pd.DataFrame | None" = None,
    pooled: bool = False,
    **defaults: float,
) -> "pd.DataFrame":
    """Plan every row of a table of demand, or each of `products`, which has a row with the terms of each.

    `defaults` are terms that `products` does not give, as `lead_time_days=7`. A product without demand has no plan.
    With `pooled`, each product asks for what similar ones had to ask for to get its service level.
    """
    frame = _all_rows(table) if products is None else products
    place = places(table, frame)
    demand = np.where(place[:, None] < 0, np.nan, table.demand[place])
    if table.unit_prices is not None and "unit_price" not in frame.columns:
        frame = frame.assign(unit_price=np.where(place < 0, np.nan, table.unit_prices[place]))
    terms = _terms(frame, {"period_days": table.period_days} | defaults)
    promotions = None if table.promotions is None else np.where(place[:, None] < 0, 0.0, table.promotions[place])
    return _plans(frame, demand, terms, pooled=pooled, promotions=promotions)


def scan_catalogue(snapshot: Snapshot, own: OwnOrders, *, pooled: bool = False) -> "tuple[pd.DataFrame, list[str]]":
    """Plan every product of the own catalogue with its stock, open orders and terms; and in words what has no plan, or
    needs more than the scan. Raises InvalidInput where nothing can be planned."""
    import pandas as pd

    block = block_of(snapshot, own)
    if not block.places:
        raise InvalidInput(
            "Nothing in your catalogue can be planned yet; `restock today` says what each product needs."
        )
    frame = pd.DataFrame(block.places, columns=list(KEYS))
    frame["currency"] = [snapshot.product(product_id).currency for product_id, _ in block.places]
    known = {"promotions": block.promotions, "learned": block.learned}
    return _plans(frame, block.demand, block.terms, pooled=pooled, **known), _catalogue_notes(snapshot, block)


def _catalogue_notes(snapshot: Snapshot, block: Block) -> list[str]:
    planned = set(block.places)
    missing = [place for place in snapshot.places if place not in planned]
    alone = [place for place, by_itself in zip(block.places, block.alone.tolist(), strict=True) if by_itself]
    return [
        *_listed(missing, "without a plan, because something is missing (`restock today` says what)"),
        *_listed(alone, "with terms that only the full plan knows (`restock today` has it)"),
    ]


def _plans(frame: "pd.DataFrame", demand: Demand, terms: Terms, *, pooled: bool, **known: Any) -> "pd.DataFrame":
    """Sorted. `known` is what `scan` takes beside demand and terms."""
    if not pooled:
        return _sorted(_table(frame, scan(demand, terms, **known)))
    asked = pooled_service(demand, terms)
    plans = _table(frame, scan(demand, asked.terms(terms), **known))
    return _sorted(plans.assign(asked_service_level=asked.asked))


def _all_rows(table: DemandTable) -> "pd.DataFrame":
    import pandas as pd

    keys = {KEYS[0]: table.products} | ({KEYS[1]: table.locations} if table.locations else {})
    return pd.DataFrame(keys)


def places(table: DemandTable, products: "pd.DataFrame") -> IntArray:
    """The row of demand of each product, at its location where both tell one; -1 where there is none.

    Raises InvalidInput for two rows of the same, and for products at several locations where demand tells none.
    """
    import pandas as pd

    if KEYS[0] not in products.columns:
        raise InvalidInput(
            f"The terms have no column product_id among {list(products.columns)[:12]}; name one of them so."
        )
    keys = list(KEYS) if table.locations and KEYS[1] in products.columns else [KEYS[0]]
    rows, wanted = (
        pd.MultiIndex.from_frame(_all_rows(table)[keys]),
        pd.MultiIndex.from_frame(products[keys].astype(str)),
    )
    if not rows.is_unique:
        raise InvalidInput(f"{_name(rows)} has two rows of demand; add them up, so that each has one.")
    if not wanted.is_unique:
        where = "" if len(keys) > 1 else " and the sales tell no location. Give the sales a location column, or"
        raise InvalidInput(f"{_name(wanted)} has two rows of terms;{where} leave one of them out.")
    return np.asarray(rows.get_indexer(wanted))


def _name(rows: "pd.MultiIndex") -> str:
    return " at ".join(map(str, rows[rows.duplicated()][0]))


def unmatched(table: DemandTable, products: "pd.DataFrame") -> list[str]:
    """In words: terms without demand, and demand without terms."""
    place, known = places(table, products), _all_rows(table)
    without_demand = products[place < 0]
    without_terms = known[~known.index.isin(place)]
    return [
        *_listed(_keys(without_demand), "of the terms without demand in the sales, so without a plan"),
        *_listed(_keys(without_terms), "of the sales without terms, so not planned"),
    ]


def _keys(rows: "pd.DataFrame") -> list[tuple[str, ...]]:
    return list(rows[[key for key in KEYS if key in rows]].astype(str).itertuples(index=False, name=None))


def _listed(rows: Sequence[tuple[str, ...]], what: str) -> list[str]:
    if not rows:
        return []
    names = [" at ".join(row) for row in rows[:5]]
    return [f"{several(len(rows), 'product')} {what}: {', '.join(names)}{', …' if len(rows) > 5 else ''}."]


def _terms(frame: "pd.DataFrame", defaults: dict[str, float]) -> Terms:
    """The terms of each product; where a cell is empty, the default."""
    unknown = [name for name in defaults if name not in TERM_NAMES]
    usual = {term.name: term.default for term in fields(Terms)} | defaults
    terms = {name: _numbers(frame, name, usual[name]) for name in TERM_NAMES if name in frame.columns}
    if unknown or "lead_time_days" not in terms | defaults:
        what = f"{unknown[0]!r} is not a term" if unknown else "No lead_time_days, neither a column nor a default"
        raise InvalidInput(f"{what}; terms are {', '.join(TERM_NAMES)}.")
    return Terms(**(defaults | terms))


def _numbers(frame: "pd.DataFrame", name: str, usual: object) -> FloatArray:
    try:
        values = np.asarray(frame[name].to_numpy(dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"Column {name} holds something other than numbers ({error}). Correct it.") from error
    return np.where(np.isnan(values), usual, values) if isinstance(usual, float) else values


def _table(frame: "pd.DataFrame", found: PlanColumns) -> "pd.DataFrame":
    import pandas as pd

    columns: dict[str, object] = {name: frame[name].to_numpy() for name in KEPT if name in frame.columns}
    columns |= {column.name: getattr(found, column.name) for column in fields(found)}
    columns["method"] = pd.Categorical.from_codes(found.method, categories=pd.Index(METHODS))
    columns["demand_class"] = pd.Categorical.from_codes(found.demand_class, categories=pd.Index(DEMAND_CLASSES))
    return pd.DataFrame(columns)


def _sorted(plans: "pd.DataFrame") -> "pd.DataFrame":
    """By lost revenue; without prices, by lost units."""
    order = ["lost_revenue_per_day", "lost_units_per_day"]
    return plans.sort_values(order, ascending=False, kind="stable", na_position="last", ignore_index=True)


def listing(plans: "pd.DataFrame", top: int) -> str:
    """The first plans as lines of text."""
    columns = [name for name in (*SHOWN, "asked_service_level") if name in plans.columns]
    return plans[columns].head(top).to_string(index=False, float_format="{:,.2f}".format)


def write_plans(plans: "pd.DataFrame", path: Path) -> None:
    """Every row and column, as Parquet or CSV by the file's ending."""
    try:
        if path.suffix.lower() in PARQUET:
            plans.to_parquet(path, index=False)
        else:
            plans.to_csv(path, index=False)
    except OSError as error:
        raise InvalidInput(f"The plans cannot be written to {path}: {error.strerror or error}") from error
