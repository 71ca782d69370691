"""Demand histories from tables of either shape."""

from math import isnan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tools.catalog.demand_table import demand_table, read_demand, sample_table
from tools.records.errors import InvalidDemand, InvalidInput

SALES = pd.DataFrame(
    {
        "SKU": ["A", "A", "B", "A", "B"],
        "Date": ["2026-01-01 09:00", "2026-01-01 17:00", "2026-01-02 10:00", "2026-01-04 12:00", "2026-01-04 12:00"],
        "Quantity": [2, 3, 7, 1, 4],
        "Unit Price": [2.0, 2.5, 10.0, 3.0, 10.0],
    }
)


def test_sales_are_added_up_per_day_and_a_day_without_any_is_one_without_demand() -> None:
    table = demand_table(SALES)
    assert table.products == ("A", "B")
    np.testing.assert_array_equal(table.demand[0], [5, 0, 0, 1])


def test_before_its_first_sale_a_products_demand_is_unknown() -> None:
    table = demand_table(SALES)
    assert isnan(table.demand[1, 0])
    np.testing.assert_array_equal(table.demand[1, 1:], [7, 0, 4])


def test_prices_are_the_median_of_a_products_sales() -> None:
    table = demand_table(SALES)
    assert table.unit_prices is not None
    assert table.unit_prices.tolist() == [2.5, 10.0]


def test_sales_can_be_counted_by_week_or_month() -> None:
    assert demand_table(SALES, period="month").demand.tolist() == [[6], [11]]
    assert demand_table(SALES, period="week").demand.shape == (2, 1)
    assert demand_table(SALES, period="month").period_days == pytest.approx(30.4375)


def test_returns_are_refused_with_their_row_or_left_out_on_request() -> None:
    returned = pd.concat([SALES, SALES.tail(1).assign(Quantity=-4)], ignore_index=True)
    with pytest.raises(InvalidDemand, match="Row 5 has Quantity -4 for B"):
        demand_table(returned)
    np.testing.assert_array_equal(demand_table(returned, drop_returns=True).demand, demand_table(SALES).demand)


def test_a_row_per_product_is_read_with_its_periods_from_left_to_right() -> None:
    table = demand_table(pd.DataFrame({"sku": [17, 18], "2026-01": [1, np.nan], "2026-02": [2, 5]}), period="month")
    assert table.products == ("17", "18")
    np.testing.assert_array_equal(table.demand, [[1, 2], [np.nan, 5]])


def test_a_list_of_any_length_ends_with_the_newest_period() -> None:
    table = demand_table(pd.DataFrame({"product_id": ["A", "B"], "demand": [[1.0, 2.0, 3.0], [9.0]]}))
    np.testing.assert_array_equal(table.demand, [[1, 2, 3], [np.nan, np.nan, 9]])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_gives_what_its_table_gives(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sales{suffix}"
    SALES.to_csv(path, index=False) if suffix == ".csv" else SALES.to_parquet(path)
    np.testing.assert_array_equal(read_demand(path).demand, demand_table(SALES).demand)


def test_a_product_s_number_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("Article;Date;Units\n007;2026-01-01;3\n7;2026-01-01;4\n010;2026-01-02;5\n")

    assert read_demand(path).products == ("007", "010", "7")
    assert read_demand(path, product="Article").products == ("007", "010", "7")


def test_what_is_no_table_of_demand_is_refused_with_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"neither \.csv nor \.parquet"):
        read_demand(tmp_path / "sales.xlsx")
    with pytest.raises(InvalidInput, match="No product column"):
        demand_table(SALES.rename(columns={"SKU": "what"}))
    assert demand_table(SALES.rename(columns={"SKU": "what"}), product="what").products == ("A", "B")
    with pytest.raises(InvalidInput, match="neither a date and a quantity"):
        demand_table(pd.DataFrame({"sku": ["A"], "colour": ["red"]}))


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("Quantity", "many", r"Row 2 has Quantity 'many'"),
        ("Quantity", None, "Row 2 has Quantity None"),
        ("Date", "yesterday", r"Row 2 has Date 'yesterday'"),
        ("SKU", None, "Row 2 has SKU None"),
    ],
)
def test_a_row_that_says_nothing_is_named(column: str, value: object, why: str) -> None:
    broken = SALES.astype(object)
    broken.loc[2, column] = value
    with pytest.raises(InvalidDemand, match=why):
        demand_table(broken)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("01.02.2026|02.02.2026", ["2026-02-01", "2026-02-02"]),
        ("01/02/2026|13/02/2026", ["2026-02-01", "2026-02-13"]),
        ("12/1/2010 8:26|12/13/2010 9:02", ["2010-12-01", "2010-12-13"]),
        ("2026-02-01|2026-02-13", ["2026-02-01", "2026-02-13"]),
    ],
)
def test_the_day_or_the_month_comes_first_as_the_column_shows(text: str, wanted: list[str]) -> None:
    read = demand_table(pd.DataFrame({"sku": "A", "date": text.split("|"), "quantity": [1, 2]}))
    assert read.demand.shape[1] == (pd.Timestamp(wanted[1]) - pd.Timestamp(wanted[0])).days + 1


@pytest.mark.parametrize(
    ("text", "why"),
    [("01/02/2026|02/03/2026", "no row shows which"), ("01/02/2026|13/02/2026|02/13/2026", "some rows show the one")],
)
def test_a_date_that_may_mean_two_days_is_refused(text: str, why: str) -> None:
    dates = text.split("|")
    with pytest.raises(InvalidDemand, match=rf"Row 0 has date '01/02/2026'.*{why}.*2026-12-31"):
        demand_table(pd.DataFrame({"sku": "A", "date": dates, "quantity": 1}))


def test_a_file_s_faults_are_named_by_the_line_that_a_spreadsheet_shows(tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.write_text('sku,date,quantity\nA,2026-02-01,2\nA,2026-02-02,"1,5"\n')
    with pytest.raises(InvalidDemand, match=r"Row 3 has quantity '1,5'.*decimals take a point"):
        read_demand(file)


def test_a_negative_period_is_named_with_its_product() -> None:
    with pytest.raises(InvalidDemand, match=r"Row 1 \(B\) has -3 in 2026-02"):
        demand_table(pd.DataFrame({"sku": ["A", "B"], "2026-01": [1, 2], "2026-02": [2, -3]}))


def test_a_stretch_without_any_row_is_pointed_out_where_chance_does_not_explain_it() -> None:
    days = [day for day in pd.date_range("2026-01-01", "2026-03-31") if day.month != 2]
    many = pd.DataFrame([{"sku": sku, "date": day, "quantity": 1} for day in days for sku in "ABC"])
    (note,) = demand_table(many).notes
    assert "from 2026-02-01 to 2026-02-28 (28 days)" in note
    slow = pd.DataFrame({"sku": "A", "date": ["2026-01-01", "2026-02-10", "2026-03-31"], "quantity": 1})
    assert demand_table(slow).notes == ()


@pytest.mark.parametrize(
    ("name", "text"), [("empty.csv", ""), ("broken.parquet", "no"), ("none.csv", "sku,date,quantity\n")]
)
def test_a_file_without_a_table_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=r"cannot be read as|no row with demand"):
        read_demand(tmp_path / name)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="There is no file"):
        read_demand(tmp_path / "sales.csv")


def test_the_sample_s_days_out_of_stock_are_unknown() -> None:
    table = sample_table()
    assert len(table.products) > 50
    assert np.isnan(table.demand).any()
    assert (np.nan_to_num(table.demand) >= 0).all()
