"""What to order of a whole catalogue, what loses most revenue first.

    restock scan FILE --products TERMS --out plans.csv --pooled

FILE is CSV or Parquet: a product, a date and a quantity in each row, or a row per product with a column per period.
TERMS has a row for each product to plan, under the names of `scan.Terms`: product_id, lead_time_days, on_hand …
Without it, every product of FILE is planned as if nothing were in stock or on order.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tools.catalog.demand_table import PARQUET, PERIOD_DAYS, read_demand
from tools.records.errors import InvalidInput, RestockError
from tools.sweep.scan_table import KEYS, scan_demand

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("product_id", "demand_class", "reorder_point", "inventory_position", "order_quantity", "lost_revenue_per_day")


def parser(program: str = "python -m tools.sweep.scan_command") -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog=program, description=(__doc__ or "").split("\n")[0])
    options.add_argument("file", type=Path, help="CSV or Parquet: product, date, quantity; or a row per product")
    options.add_argument("--products", type=Path, help="CSV or Parquet: a row per product with what is known of it")
    options.add_argument("--out", type=Path, help="write all products and columns here, .csv or .parquet")
    options.add_argument("--top", type=int, default=20, help="products to show (default 20)")
    options.add_argument("--period", choices=list(PERIOD_DAYS), default="day", help="of demand (default day)")
    options.add_argument("--lead-time", type=float, default=7.0, help="days, where TERMS does not say (default 7)")
    options.add_argument("--review", type=float, default=0.0, help="review period, days (default 0)")
    options.add_argument("--service", type=float, default=0.95, help="cycle service level (default 0.95)")
    options.add_argument("--pooled", action="store_true", help="ask for what similar products had to ask for")
    options.add_argument("--drop-returns", action="store_true", help="leave rows with a quantity below 0 out")
    options.add_argument("--product", help="column that tells products apart")
    return options


def main(arguments: Sequence[str] | None = None, *, program: str = "python -m tools.sweep.scan_command") -> int:
    """The command."""
    given = parser(program).parse_args(arguments)
    try:
        table = read_demand(given.file, period=given.period, drop_returns=given.drop_returns, product=given.product)
        sys.stderr.writelines(f"{note}\n" for note in table.notes)
        found = scan_demand(
            table,
            products=None if given.products is None else _read_terms(given.products),
            pooled=given.pooled,
            lead_time_days=given.lead_time,
            review_period_days=given.review,
            service_level=given.service,
        )
        if given.out is not None:
            _write(found, given.out)
    except RestockError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    columns = [*SHOWN, *(["asked_service_level"] if given.pooled else [])]
    sys.stdout.write(found[columns].head(given.top).to_string(index=False, float_format="{:,.2f}".format) + "\n")
    return 0


def _read_terms(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_parquet(path) if path.suffix.lower() in PARQUET else pd.read_csv(path, dtype={KEYS[0]: str})
    except (OSError, ValueError) as error:
        raise InvalidInput(f"The terms in {path} cannot be read: {error}") from error


def _write(found: "pd.DataFrame", path: Path) -> None:
    try:
        if path.suffix.lower() in PARQUET:
            found.to_parquet(path, index=False)
        else:
            found.to_csv(path, index=False)
    except OSError as error:
        raise InvalidInput(f"The plans cannot be written to {path}: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(main())
