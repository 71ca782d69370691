"""The scan from a DataFrame or a Parquet file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tools.catalog.demand_table import DemandTable, demand_table
from tools.lookback.pooled_service import pooled_service
from tools.planning.scan import Terms, scan
from tools.records.errors import InvalidDemand, InvalidInput
from tools.sweep.scan_table import scan_demand, scan_frame, scan_parquet, scan_sales

RANDOM = np.random.default_rng(0)
DEMAND = RANDOM.poisson(RANDOM.uniform(0.5, 20, (30, 1)), (30, 60)).astype(np.float32)
FRAME = pd.DataFrame(
    {
        "product_id": [f"P{row}" for row in range(30)],
        "location": "Chicago",
        "on_hand": RANDOM.integers(0, 200, 30),
        "unit_price": RANDOM.uniform(1, 50, 30),
        "lead_time_days": 7,
        "demand": list(DEMAND),
    }
)


def by_product(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("product_id").loc[FRAME["product_id"]]


def test_each_row_has_the_numbers_of_the_scan_of_its_demand() -> None:
    table = by_product(scan_frame(FRAME, review_period_days=1))
    found = scan(
        DEMAND,
        Terms(
            lead_time_days=7,
            review_period_days=1,
            on_hand=FRAME["on_hand"].to_numpy(float),
            unit_price=FRAME["unit_price"].to_numpy(),
        ),
    )
    np.testing.assert_array_equal(table["reorder_point"], found.reorder_point)
    np.testing.assert_array_equal(table["order_quantity"], found.order_quantity)
    assert set(table["method"]) == {"forecast_error"}
    assert set(table["location"]) == {"Chicago"}


def test_what_loses_most_revenue_a_day_comes_first() -> None:
    lost = scan_frame(FRAME)["lost_revenue_per_day"].to_numpy()
    assert (np.diff(lost) <= 0).all()


def test_without_prices_what_loses_most_units_comes_first() -> None:
    lost = scan_frame(FRAME.drop(columns="unit_price"))["lost_units_per_day"].to_numpy()
    assert (np.diff(lost) <= 0).all()


def test_periods_may_be_columns() -> None:
    wide = pd.concat([FRAME.drop(columns="demand"), pd.DataFrame(DEMAND, columns=pd.RangeIndex(60).map(str))], axis=1)
    pd.testing.assert_frame_equal(scan_frame(wide), scan_frame(FRAME))


def test_lists_of_any_length_end_with_the_newest_period() -> None:
    shorter = FRAME.assign(demand=[row[-20 - index :].tolist() for index, row in enumerate(DEMAND)])
    table = by_product(scan_frame(shorter))
    assert table["periods"].tolist() == [20 + index for index in range(30)]
    alone = scan(DEMAND[3:4, -23:], Terms(lead_time_days=7))
    assert table["reorder_point"].iloc[3] == alone.reorder_point[0]


@pytest.mark.parametrize("batch_rows", [7, 1000])
def test_a_parquet_file_read_in_batches_gives_the_same(tmp_path: Path, batch_rows: int) -> None:
    path = tmp_path / "catalogue.parquet"
    FRAME.to_parquet(path)
    found = scan_parquet(path, batch_rows=batch_rows, threads=1)
    pd.testing.assert_frame_equal(found, scan_frame(FRAME, threads=1), check_categorical=False)


@pytest.mark.parametrize(
    ("frame", "defaults", "message"),
    [
        (FRAME.rename(columns={"product_id": "what"}), {}, "no column product_id"),
        (FRAME.drop(columns="lead_time_days"), {}, "No lead_time_days"),
        (FRAME, {"lead_tim": 7}, "'lead_tim' is not a term"),
        (FRAME.drop(columns="demand"), {}, "neither a list column demand"),
    ],
)
def test_a_table_that_cannot_be_planned_is_refused_with_what_to_give(
    frame: pd.DataFrame, defaults: dict[str, float], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        scan_frame(frame, **defaults)


SALES = pd.DataFrame(
    {
        "sku": RANDOM.choice([f"P{row}" for row in range(12)], 3_000),
        "date": pd.Timestamp("2026-01-01") + pd.to_timedelta(RANDOM.integers(0, 90 * 24, 3_000), unit="h"),
        "quantity": RANDOM.integers(1, 9, 3_000),
    }
)
"""In no order, several to a product and day."""


def written(folder: Path, sales: pd.DataFrame) -> Path:
    path = folder / "sales.parquet"
    sales.to_parquet(path)
    return path


@pytest.mark.parametrize("period", ["day", "week"])
@pytest.mark.parametrize("batch_rows", [101, 100_000])
def test_sales_in_any_order_are_planned_as_their_demand_per_period_is(
    tmp_path: Path, period: str, batch_rows: int
) -> None:
    late = SALES[(SALES["sku"] != "P3") | (SALES["date"] >= "2026-02-20")]
    found = scan_sales(written(tmp_path, late), period=period, batch_rows=batch_rows, lead_time_days=7)  # type: ignore[arg-type]
    table = demand_table(late, period=period)  # type: ignore[arg-type]
    expected = scan(table.demand, Terms(lead_time_days=7, period_days=table.period_days))
    found = found.set_index("product_id").loc[list(table.products)]
    np.testing.assert_array_equal(found["reorder_point"], expected.reorder_point)
    np.testing.assert_array_equal(found["periods"], expected.periods)
    assert found.loc["P3", "periods"] < found.loc["P4", "periods"]


def test_each_products_terms_come_from_its_own_row_and_what_was_never_sold_has_no_plan(tmp_path: Path) -> None:
    products = pd.DataFrame({"product_id": ["P7", "new", "P2"], "on_hand": [0, 5, 900], "unit_price": [3.0, 1.0, 3.0]})
    found = scan_sales(written(tmp_path, SALES), products=products, lead_time_days=7).set_index("product_id")
    assert found.index.tolist() == ["P7", "P2", "new"]
    assert found.loc["P7", "order_quantity"] > 0
    assert found.loc["P2", "order_quantity"] == 0
    assert found.loc["new", "method"] == "too_short"


@pytest.mark.parametrize(
    ("sales", "error", "message"),
    [
        (SALES.assign(quantity=SALES["quantity"].where(SALES.index != 17, -2)), InvalidDemand, "quantity -2"),
        (SALES.drop(columns="date"), InvalidInput, "no product, date and quantity"),
        (SALES.head(0), InvalidInput, "no sales"),
    ],
)
def test_sales_that_cannot_be_counted_are_refused(
    tmp_path: Path, sales: pd.DataFrame, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        scan_sales(written(tmp_path, sales), lead_time_days=7)


def test_a_pooled_scan_asks_for_what_its_products_taught_and_says_so() -> None:
    many = pd.concat([FRAME.assign(product_id=FRAME["product_id"] + f"-{copy}") for copy in range(2)])
    learned = pooled_service(np.concatenate([DEMAND, DEMAND]), Terms(lead_time_days=7, service_level=0.8))
    table = scan_frame(many, pooled=True, service_level=0.8).set_index("product_id")
    assert table["asked_service_level"].loc[many["product_id"]].tolist() == learned.asked.tolist()
    assert (table["asked_service_level"] != 0.8).any()
    assert "asked_service_level" not in scan_frame(FRAME)


def test_products_of_a_table_of_demand_are_planned_by_their_terms_and_no_others() -> None:
    table = DemandTable(tuple(FRAME["product_id"]), DEMAND.astype(float), "day", FRAME["unit_price"].to_numpy())
    terms = FRAME[["product_id", "on_hand", "lead_time_days"]].iloc[3:6]
    unsold = pd.DataFrame({"product_id": ["NEW"], "on_hand": [1], "lead_time_days": [7]})
    found = scan_demand(table, products=pd.concat([terms, unsold])).set_index("product_id")
    expected = scan_frame(FRAME).set_index("product_id").loc[terms["product_id"]]
    assert set(found.index) == {"P3", "P4", "P5", "NEW"}
    assert found["order_quantity"].loc[terms["product_id"]].tolist() == expected["order_quantity"].tolist()
    assert found["lost_revenue_per_day"].loc["P4"] == expected["lost_revenue_per_day"].loc["P4"]
    assert found["method"]["NEW"] == "too_short"


def test_a_product_with_two_rows_of_demand_is_named() -> None:
    with pytest.raises(InvalidInput, match="B has two rows"):
        scan_demand(DemandTable(("A", "B", "B"), np.ones((3, 9)), "day"), lead_time_days=7)
