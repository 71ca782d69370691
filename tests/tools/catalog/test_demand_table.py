"""Demand histories from files of sales of either shape."""

from collections.abc import Callable
from datetime import date
from math import isnan

import numpy as np
import pandas as pd
import pytest

from tools.catalog.demand_table import DemandTable, demand_table
from tools.catalog.demand_table import table_of as table_of_facts
from tools.catalog.own_table import sample_table
from tools.catalog.reading import read_file
from tools.catalog.reading.periods import Period
from tools.records.errors import InvalidInput
from tools.records.facts import ProductFacts

TODAY = date(2026, 11, 30)
SALES = """SKU,Date,Quantity,Unit Price
A,2026-01-01 09:00,2,2.0
A,2026-01-01 17:00,3,2.5
B,2026-01-02 10:00,7,10.0
A,2026-01-04 12:00,1,3.0
B,2026-01-04 12:00,4,10.0
"""


def table_of(text: str, *, period: Period | None = None, by_location: bool = True) -> DemandTable:
    reading = read_file(text.encode(), name="sales.csv", kind="sales", today=TODAY)
    return demand_table(reading, period=period, by_location=by_location, today=TODAY)


def lines(days: "pd.DatetimeIndex", quantity: int = 4, product: str = "A") -> str:
    return "".join(f"{product},{day:%Y-%m-%d},{quantity}\n" for day in days)


def test_sales_are_added_up_per_day_and_a_day_without_any_is_one_without_demand() -> None:
    table = table_of(SALES)
    assert table.products == ("A", "B")
    np.testing.assert_array_equal(table.demand[0], [5, 0, 0, 1])


def test_before_its_first_sale_a_products_demand_is_unknown() -> None:
    table = table_of(SALES)
    assert isnan(table.demand[1, 0])
    np.testing.assert_array_equal(table.demand[1, 1:], [7, 0, 4])


def test_prices_are_the_median_of_a_products_sales() -> None:
    table = table_of(SALES)
    assert table.unit_prices is not None
    assert table.unit_prices.tolist() == [2.5, 10.0]


def test_sales_can_be_counted_by_week_or_month() -> None:
    sales = "sku,date,quantity\n" + lines(pd.date_range("2026-01-01", "2026-02-28"))
    assert table_of(sales, period="month").demand.tolist() == [[124, 112]]
    assert table_of(sales, period="week").demand[0, :2].tolist() == [16, 28]
    assert table_of(sales, period="month").period_days == pytest.approx(30.4375)


def test_a_last_period_in_which_sales_may_still_come_is_left_out_and_named() -> None:
    table = table_of("sku,date,quantity\n" + lines(pd.date_range("2026-01-01", "2026-03-10")), period="month")
    assert table.demand.tolist() == [[124, 112]]
    assert table.notes == ("The month that began on 2026-03-01 is not over and was left out (10 rows).",)


def test_the_present_day_is_not_over() -> None:
    table = table_of("sku,date,quantity\n" + lines(pd.date_range("2026-11-20", "2026-11-30")))
    assert table.demand.shape == (1, 10)


def test_a_file_that_counts_months_is_not_taken_apart_into_days() -> None:
    sales = "sku,date,quantity\n" + lines(pd.date_range("2025-01-01", periods=14, freq="MS"))
    assert table_of(sales).period == "month"
    with pytest.raises(InvalidInput, match=r"counts whole months.*--period month"):
        table_of(sales, period="day")


def test_a_row_per_product_has_its_periods_from_left_to_right_and_an_empty_cell_is_unknown() -> None:
    table = table_of("sku,2026-01,2026-02,2026-03\n17,1,2,0\n18,,5,\n")
    assert table.products == ("17", "18")
    np.testing.assert_array_equal(table.demand, [[1, 2, 0], [np.nan, 5, np.nan]])
    assert table.period == "month"


def test_a_product_has_a_row_for_each_location_or_one_for_all() -> None:
    sales = "sku,location,date,quantity\nA,North,2026-01-01,1\nA,South,2026-01-01,2\nA,South,2026-01-02,3\n"
    table = table_of(sales)
    assert (table.products, table.locations) == (("A", "A"), ("North", "South"))
    assert table.demand.tolist() == [[1, 0], [2, 3]]
    assert table_of(sales, by_location=False).demand.tolist() == [[3, 3]]


def test_where_nothing_sells_on_weekends_demand_is_counted_in_working_days() -> None:
    days = pd.bdate_range("2026-01-05", "2026-06-26").difference([pd.Timestamp("2026-05-01")])
    table = table_of("sku,date,quantity\n" + lines(days))
    assert table.demand.shape == (1, len(days))
    assert set(table.demand[0]) == {4}
    assert table.period_days == 1.4
    assert table.notes == (
        "Nothing sells on Saturdays and Sundays, nor on 1 holiday: demand is counted in working days, 5 a week.",
    )


def test_days_out_of_stock_are_unknown() -> None:
    sales = "sku,date,quantity,stock out\nA,2026-01-01,3,no\nA,2026-01-02,0,yes\nA,2026-01-03,4,no\n"
    np.testing.assert_array_equal(table_of(sales).demand, [[3, np.nan, 4]])


def test_promotions_that_a_file_tells_are_known_in_advance() -> None:
    sales = "sku,date,quantity,promo\nA,2026-01-01,3,\nA,2026-01-02,9,Easter\nB,2026-01-03,4,no\n"
    np.testing.assert_array_equal(table_of(sales).promotions, [[0, 1, 0], [0, 0, 0]])
    assert table_of("sku,date,quantity\nA,2026-01-01,3\n").promotions is None


def test_a_stretch_without_any_row_is_pointed_out_where_chance_does_not_explain_it() -> None:
    days = pd.date_range("2026-01-01", "2026-03-31")
    sold = days[days.month != 2]
    many = "sku,date,quantity\n" + "".join(lines(sold, product=product) for product in "ABC")
    (note,) = table_of(many).notes
    assert "from 2026-02-01 to 2026-02-28 (28 days)" in note
    assert table_of("sku,date,quantity\nA,2026-01-01,1\nA,2026-02-10,1\nA,2026-03-31,1\n").notes == ()


def test_a_file_without_any_sale_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no row with demand"):
        table_of("sku,date,quantity\n")


def test_the_sample_s_days_out_of_stock_are_unknown_and_its_rows_have_locations() -> None:
    table = sample_table()
    assert len(table.products) == len(table.locations) > 50
    assert np.isnan(table.demand).any()
    assert (np.nan_to_num(table.demand) >= 0).all()


def test_a_table_of_many_is_drawn_from_by_chance_and_always_alike() -> None:
    table = sample_table()

    few = table.drawn(10)

    places = list(zip(table.products, table.locations, strict=True))
    rows = [places.index(place) for place in zip(few.products, few.locations, strict=True)]
    assert rows == sorted(set(rows)) != list(range(10))
    assert few.products == table.drawn(10).products
    assert np.array_equal(few.demand, table.demand[rows], equal_nan=True)
    assert few.unit_prices is not None
    assert table.unit_prices is not None
    assert np.array_equal(few.unit_prices, table.unit_prices[rows])
    assert few.notes[0] == f"10 of {len(table.products)} products, drawn by chance: always the same ones."
    assert table.drawn(len(table.products)) is table


@pytest.mark.parametrize(
    ("period_days", "period", "open_days"),
    [(1, "day", 7), (1.4, "day", 5), (7, "week", 7), (365.25 / 12, "month", 7)],
)
def test_one_product_is_a_table_that_counts_as_its_history_does(
    make_facts: Callable[..., ProductFacts], period_days: float, period: str, open_days: int
) -> None:
    history = {"period_days": period_days, "stockout_periods": frozenset({1})}

    table = table_of_facts(make_facts(demand=(1.0, 2.0, None, 4.0), history=history))

    assert (table.period, table.open_days) == (period, open_days)
    assert table.period_days == pytest.approx(period_days)
    assert np.array_equal(table.demand, [[1, 4, np.nan, 4]], equal_nan=True)
    assert (table.products, table.locations) == (("X1",), ("HQ",))
    assert table.unit_prices is not None
    assert table.unit_prices.tolist() == [500]
    assert table_of_facts(make_facts(unit_price=None)).unit_prices is None
