"""Wide files: a row per product, a column per period."""

from datetime import date

import pytest

from tools.catalog.reading import FileReading, UnclearColumns, read_file
from tools.records.errors import InvalidInput

TODAY = date(2026, 11, 30)


def read(text: str) -> FileReading:
    return read_file(text.encode(), name="wide.csv", kind="sales", today=TODAY)


def series(reading: FileReading, product: str) -> list[float]:
    rows = reading.frame[reading.frame["product_id"] == product].sort_values("date")
    return rows["quantity"].tolist()


def test_aggregates_beside_the_weeks_are_no_weeks_and_are_named() -> None:
    reading = read(
        "Product_Code,W0,W1,W2,W3,MIN,MAX,Normalized 0,Normalized 1,Normalized 2\nP1,11,12,10,8,8,12,.4,.3,.5\n"
    )
    assert series(reading, "P1") == [11, 12, 10, 8]
    assert reading.unused == ("MIN", "MAX", "Normalized 0", "Normalized 1", "Normalized 2")
    assert set(reading.frame["period"]) == {"week"}
    assert "Column 'W3' was taken for the week that began on 2026-11-23, the last that is over." in reading.notes[0]


@pytest.mark.parametrize(
    ("names", "period", "first"),
    [
        ("2026-01,2026-02,2026-03", "month", "2026-01-01"),
        ("Jan 2026,Feb 2026,Mar 2026", "month", "2026-01-01"),
        ("Jan-26,Feb-26,Mar-26", "month", "2026-01-01"),
        ("01/2026,02/2026,03/2026", "month", "2026-01-01"),
        ("2026M01,2026M02,2026M03", "month", "2026-01-01"),
        ("202601,202602,202603", "month", "2026-01-01"),
        ("Qty 2026-01,Qty 2026-02,Qty 2026-03", "month", "2026-01-01"),
        ("Sales_2026_01,Sales_2026_02,Sales_2026_03", "month", "2026-01-01"),
        ("Januar 2026,Februar 2026,März 2026", "month", "2026-01-01"),
        ("31.01.2026,28.02.2026,31.03.2026", "month", "2026-01-01"),
        ("2026-01-05,2026-01-12,2026-01-19", "week", "2026-01-05"),
        ("2026-W02,2026-W03,2026-W04", "week", "2026-01-05"),
        ("KW 02/2026,KW 03/2026,KW 04/2026", "week", "2026-01-05"),
        ("29.12.2025,30.12.2025,31.12.2025", "day", "2025-12-29"),
        ("12/30/2025,12/31/2025,1/1/2026", "day", "2025-12-30"),
        ("Sep,Oct,Nov", "month", "2026-09-01"),
        ("M1,M2,M3", "month", "2026-08-01"),
        ("Nov,Dec,Jan", "month", "2025-11-01"),
        ("KW 44,KW 45,KW 46", "week", "2026-10-26"),
        ("W51,W52,W1", "week", "2025-12-15"),
        ("W1,W2,W3", "week", "2026-11-09"),
        ("d_1,d_2,d_3", "day", "2026-11-27"),
    ],
)
def test_columns_that_are_periods_in_a_row_become_rows(names: str, period: str, first: str) -> None:
    reading = read(f"sku;{names.replace(',', ';')}\nA;1;2;3\n")
    assert series(reading, "A") == [1, 2, 3]
    assert set(reading.frame["period"]) == {period}
    assert f"{reading.frame['date'].min():%Y-%m-%d}" == first


def test_periods_are_taken_in_the_order_of_time_whatever_their_order_in_the_file() -> None:
    assert series(read("sku,2026-03,2026-01,2026-02\nA,30,10,20\n"), "A") == [10, 20, 30]


def test_prices_stock_and_texts_beside_the_periods_are_none() -> None:
    reading = read("sku,name,price,on hand,2026-01,2026-02,2026-03,Total\nA,Mug,9.5,44,1,2,3,6\n")
    assert series(reading, "A") == [1, 2, 3]
    assert reading.mapping == {"product_id": "sku", "price": "price"}
    assert reading.unused == ("name", "on hand", "Total")


def test_a_row_per_product_and_location_stays_one_each() -> None:
    reading = read("sku,store,2026-01,2026-02,2026-03\nA,North,1,2,3\nA,South,4,5,6\n")
    assert reading.frame.groupby("location")["quantity"].sum().to_dict() == {"North": 6, "South": 15}


def test_thousands_decimals_and_empty_cells_are_read_cell_by_cell() -> None:
    reading = read('sku,2026-01,2026-02,2026-03\nB2,"1,100",980,"1,210"\nC3,50,,48\nD4,n/a,2.5,\n')
    assert series(reading, "B2") == [1100, 980, 1210]
    assert series(reading, "C3") == [50, 48]
    assert series(reading, "D4") == [2.5]


def test_a_total_below_is_left_out_by_its_name_or_because_it_adds_up() -> None:
    rows = "A,1,2,3\nB,10,20,30\nC,100,200,300\n"
    for name in ("Grand Total", "Summe", "everything"):
        reading = read(f"sku,2026-01,2026-02,2026-03\n{rows}{name},111,222,333\n")
        assert set(reading.frame["product_id"]) == {"A", "B", "C"}
        assert "left out" in " ".join(reading.notes)


@pytest.mark.parametrize("cell", ["-3", "many"])
def test_a_cell_that_is_no_demand_is_a_fault_of_its_column(cell: str) -> None:
    reading = read(f"sku,2026-01,2026-02,2026-03\nA,1,2,3\nB,4,{cell},5\nC,1,2,3\n")
    (fault,) = reading.faults
    assert (fault.line, fault.column, fault.value) == (3, "2026-02", cell)
    assert set(reading.frame["product_id"]) == {"A", "C"}


def test_a_period_that_is_missing_or_there_twice_is_asked_for() -> None:
    with pytest.raises(UnclearColumns, match="'2026-02' is there without the month after it"):
        read("sku,2026-01,2026-02,2026-04\nA,1,2,3\n")
    with pytest.raises(UnclearColumns, match="is there twice"):
        read("sku,2026-01,Jan 2026,2026-02\nA,1,2,3\n")


@pytest.mark.parametrize(
    "text",
    [
        "sku,price,stock,weight\nA,9.5,44,1.2\n",
        "Name,Created at,Lineitem price,Id,Phone\n#1001,2026-01-05 22:36:00 -0500,9.5,6876569763888,15550100001\n",
        "sku,Jan,colour\nA,4,red\n",
        "sku,2023,2024,2025\nA,4,5,6\n",
        "Ward,bed 1,bed 2,bed 3\nA,4,5,6\n",
    ],
)
def test_columns_of_numbers_that_are_no_periods_are_never_planned(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"--map|--kind"):
        read(text)
