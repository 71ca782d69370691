"""The scan as a table of plans."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tools.catalog.demand_table import DemandTable
from tools.lookback.pooled_service import pooled_service
from tools.planning.scan import Terms, scan
from tools.records.errors import InvalidInput
from tools.sweep.scan_table import listing, scan_demand, unmatched, write_plans

RANDOM = np.random.default_rng(0)
DEMAND = RANDOM.poisson(RANDOM.uniform(0.5, 20, (30, 1)), (30, 60)).astype(np.float64)
NAMES = tuple(f"P{row}" for row in range(30))
TABLE = DemandTable(NAMES, DEMAND, "day")
PRODUCTS = pd.DataFrame(
    {
        "product_id": NAMES,
        "location": "Chicago",
        "on_hand": RANDOM.integers(0, 200, 30),
        "unit_price": RANDOM.uniform(1, 50, 30),
        "lead_time_days": 7,
    }
)


def by_product(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("product_id").loc[list(NAMES)]


def test_each_row_has_the_numbers_of_the_scan_of_its_demand() -> None:
    table = by_product(scan_demand(TABLE, products=PRODUCTS, review_period_days=1))
    found = scan(
        DEMAND,
        Terms(
            lead_time_days=7,
            review_period_days=1,
            on_hand=PRODUCTS["on_hand"].to_numpy(float),
            unit_price=PRODUCTS["unit_price"].to_numpy(),
        ),
    )
    np.testing.assert_array_equal(table["reorder_point"], found.reorder_point)
    np.testing.assert_array_equal(table["order_quantity"], found.order_quantity)
    assert set(table["method"]) == {"forecast_error"}
    assert set(table["location"]) == {"Chicago"}


def test_what_loses_most_revenue_a_day_comes_first() -> None:
    lost = scan_demand(TABLE, products=PRODUCTS)["lost_revenue_per_day"].to_numpy()
    assert (np.diff(lost) <= 0).all()


def test_without_prices_what_loses_most_units_comes_first() -> None:
    lost = scan_demand(TABLE, lead_time_days=7)["lost_units_per_day"].to_numpy()
    assert (np.diff(lost) <= 0).all()


@pytest.mark.parametrize(
    ("products", "defaults", "message"),
    [
        (PRODUCTS.rename(columns={"product_id": "what"}), {}, "no column product_id"),
        (PRODUCTS.drop(columns="lead_time_days"), {}, "No lead_time_days"),
        (PRODUCTS, {"lead_tim": 7}, "'lead_tim' is not a term"),
        (PRODUCTS.assign(on_hand="many"), {}, "Column on_hand holds something other than numbers"),
    ],
)
def test_terms_that_cannot_be_planned_by_are_refused_with_what_to_give(
    products: pd.DataFrame, defaults: dict[str, float], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        scan_demand(TABLE, products=products, **defaults)


def test_a_pooled_scan_asks_for_what_its_products_taught_and_says_so() -> None:
    many = DemandTable(tuple(f"P{row}" for row in range(60)), np.concatenate([DEMAND, DEMAND]), "day")
    learned = pooled_service(many.demand, Terms(lead_time_days=7, service_level=0.8))
    table = scan_demand(many, pooled=True, lead_time_days=7, service_level=0.8)
    asked = table.set_index("product_id")["asked_service_level"].loc[list(many.products)]
    assert asked.tolist() == learned.asked.tolist()
    assert (asked != 0.8).any()
    assert "asked_service_level" in listing(table, 1)
    assert "asked_service_level" not in scan_demand(TABLE, lead_time_days=7)


def test_products_of_a_table_of_demand_are_planned_by_their_terms_and_no_others() -> None:
    priced = DemandTable(NAMES, DEMAND, "day", PRODUCTS["unit_price"].to_numpy())
    terms = PRODUCTS[["product_id", "on_hand", "lead_time_days"]].iloc[3:6]
    unsold = pd.DataFrame({"product_id": ["NEW"], "on_hand": [1], "lead_time_days": [7]})
    found = scan_demand(priced, products=pd.concat([terms, unsold])).set_index("product_id")
    expected = scan_demand(TABLE, products=PRODUCTS).set_index("product_id").loc[terms["product_id"]]
    assert set(found.index) == {"P3", "P4", "P5", "NEW"}
    assert found["order_quantity"].loc[terms["product_id"]].tolist() == expected["order_quantity"].tolist()
    assert found["lost_revenue_per_day"].loc["P4"] == expected["lost_revenue_per_day"].loc["P4"]
    assert found["method"]["NEW"] == "too_short"


def test_a_product_with_two_rows_of_demand_is_named() -> None:
    with pytest.raises(InvalidInput, match="B has two rows"):
        scan_demand(DemandTable(("A", "B", "B"), np.ones((3, 9)), "day"), lead_time_days=7)


@pytest.mark.parametrize(("name", "read"), [("plans.csv", pd.read_csv), ("plans.parquet", pd.read_parquet)])
def test_plans_are_written_as_the_file_s_ending_says(tmp_path: Path, name: str, read: Any) -> None:
    write_plans(PRODUCTS, tmp_path / name)
    pd.testing.assert_frame_equal(read(tmp_path / name), PRODUCTS, check_dtype=False)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"absent/plans\.csv"):
        write_plans(PRODUCTS, tmp_path / "absent" / "plans.csv")


def test_products_at_locations_are_planned_by_the_demand_there_and_nowhere_else() -> None:
    both = DemandTable(("A", "A"), DEMAND[:2], "day", locations=("North", "South"))
    terms = pd.DataFrame({"product_id": ["A", "A"], "location": ["South", "West"], "lead_time_days": 7.0})

    found = scan_demand(both, products=terms).set_index("location")

    assert found["mean_per_day"]["South"] == pytest.approx(DEMAND[1].mean(), rel=0.5)
    assert np.isnan(found["reorder_point"]["West"])
    assert unmatched(both, terms) == [
        "1 product of the terms without demand in the sales, so without a plan: A at West.",
        "1 product of the sales without terms, so not planned: A at North.",
    ]


def test_one_product_s_demand_is_not_given_to_each_of_its_locations() -> None:
    terms = pd.DataFrame({"product_id": ["P1", "P1"], "location": ["North", "South"], "lead_time_days": 7.0})
    with pytest.raises(InvalidInput, match="P1 has two rows of terms; and the sales tell no location"):
        scan_demand(TABLE, products=terms)


def test_an_empty_cell_of_the_terms_is_the_default() -> None:
    terms = PRODUCTS.assign(order_multiple=np.nan, minimum_order_quantity=np.nan)
    assert by_product(scan_demand(TABLE, products=terms)).equals(by_product(scan_demand(TABLE, products=PRODUCTS)))
