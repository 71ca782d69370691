"""Numbers as people write them."""

from datetime import date

import numpy as np
import pytest

from tools.catalog.reading import FileReading, UnclearNotation, read_file

TODAY = date(2026, 11, 30)


def quantities(cells: list[str], separator: str = ",", day: str = "2026-01-05") -> list[float]:
    return read(cells, separator, day).frame["quantity"].tolist()


def read(cells: list[str], separator: str = ",", day: str = "2026-01-05") -> FileReading:
    rows = [separator.join(["A1", day, f'"{cell}"']) for cell in cells]
    text = "\n".join([separator.join(["sku", "date", "quantity"]), *rows])
    return read_file(text.encode(), name="sales.csv", today=TODAY)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("12", 12),
        ("1,050.00", 1050),
        ("1.050,00", 1050),
        ("1 050", 1050),
        ("1\u00a0050,5", 1050.5),
        ("1'050", 1050),
        ("1’050.25", 1050.25),
        ("1,234,567", 1234567),
        ("12,34,567", 1234567),
        ("1,05,250.50", 105250.5),
        ("1.234.567", 1234567),
        ("12,5", 12.5),
        ("0,125", 0.125),
        (".5", 0.5),
        ("$4.50", 4.5),
        ("€ 4,50", 4.5),
        ("4,50 €", 4.5),
        ("EUR 1.234,50", 1234.5),
        ("12,5 kg", 12.5),
        ("3 Stk.", 3),
        ("+7", 7),
        ("1.5E+03", 1500),
        ("007", 7),
    ],
)
def test_a_number_that_is_clear_by_itself_is_read_as_it_is_meant(cell: str, number: float) -> None:
    assert quantities([cell, cell]) == [number, number]


@pytest.mark.parametrize("cell", ["(4)", "4-", "'-4", "-4", "−4", "- 4", "'-4.0"])
def test_a_quantity_below_zero_is_a_return_however_it_is_written(cell: str) -> None:
    reading = read(["9", "11", cell])
    assert reading.frame["quantity"].tolist() == [9, 11]
    assert reading.notes == ("1 other line of returns, which do not lower demand.",)


@pytest.mark.parametrize(
    ("cells", "separator", "day", "numbers"),
    [
        (["950", "1.050"], ";", "05.01.2026", [950, 1050]),
        (["1.050", "2.500"], ";", "05.01.2026", [1050, 2500]),
        (["950", "1.050"], ";", "2026-01-05", [950, 1050]),
        (["950", "1,050"], ",", "2026-01-05", [950, 1050]),
        (["1.050", "0.5"], ";", "05.01.2026", [1.05, 0.5]),
        (["1,050", "0,5"], ";", "2026-01-05", [1.05, 0.5]),
        (["1.250", "0.350"], ",", "2026-01-05", [1.25, 0.35]),
        (["1,050", "950"], "\t", "2026-01-05", [1050, 950]),
    ],
)
def test_a_mark_that_may_be_decimal_or_thousands_is_read_as_the_rest_of_the_file_shows(
    cells: list[str], separator: str, day: str, numbers: list[float]
) -> None:
    assert quantities(cells, separator, day) == numbers


def test_another_column_shows_what_a_mark_means() -> None:
    text = "sku;date;quantity;price\nA1;2026-01-05;1.050;4,50\nA1;2026-01-06;1.250;4,75\n"
    assert read_file(text.encode(), name="s.csv", today=TODAY).frame["quantity"].tolist() == [1050, 1250]


@pytest.mark.parametrize(
    ("cells", "separator"),
    [(["1.050", "2"], ","), (["1.050", "1.150"], "\t"), (["1.050", "1,150"], ";"), (["1,050", "950"], ";")],
)
def test_a_mark_that_nothing_explains_is_asked(cells: list[str], separator: str) -> None:
    with pytest.raises(UnclearNotation, match=r"line 2, quantity.*--decimal point or --decimal comma"):
        quantities(cells, separator)


def test_a_person_says_what_a_mark_means() -> None:
    text = b"sku,date,quantity\nA1,2026-01-05,1.050\nA1,2026-01-06,2\n"
    point = read_file(text, name="s.csv", decimal="point", today=TODAY)
    comma = read_file(text, name="s.csv", decimal="comma", today=TODAY)
    assert point.frame["quantity"].tolist() == [1.05, 2]
    assert comma.frame["quantity"].tolist() == [1050, 2]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("many", "no_number"),
        ("12 or 13", "no_number"),
        ("10x12", "no_number"),
        ("1,2,3", "no_number"),
        ("2026-01-05", "no_number"),
        ("inf", "no_number"),
        ("4006381333931", "too_large"),
        ("1e300", "too_large"),
        ("", "missing"),
        ("n/a", "missing"),
        ("unknown", "missing"),
        ("50 %", "unit"),
        ("500 g", "unit"),
    ],
)
def test_a_cell_that_is_no_quantity_is_a_fault_with_its_line(cell: str, code: str) -> None:
    reading = read(["9 kg", "11 kg", cell, "10 kg"])
    (fault,) = reading.faults
    assert (fault.line, fault.column, fault.code) == (4, "quantity", code)
    assert reading.frame["quantity"].tolist() == [9, 11, 10]


def test_shares_are_read_with_or_without_percent_and_durations_in_days() -> None:
    text = "sku;Servicegrad;Lieferzeit (Wochen);Review period\nA;95 %;2;1 week\nB;0,98;1,5;3\nC;97;;2 days\n"
    frame = read_file(text.encode(), name="terms.csv", kind="products").frame
    assert frame["service_level"].tolist() == [0.95, 0.98, 0.97]
    np.testing.assert_array_equal(frame["lead_time_days"], [14, 10.5, np.nan])
    assert frame["review_period_days"].tolist() == [7, 3, 2]


def test_a_price_cut_is_a_share_of_the_price_below_all_of_it() -> None:
    text = "Artikel;von;bis;Rabatt\nA;1.3.2026;7.3.2026;25 %\nB;1.3.2026;7.3.2026;100 %\nC;1.3.2026;7.3.2026;\n"
    reading = read_file(text.encode(), name="aktionen.csv", kind="promotions")
    np.testing.assert_array_equal(reading.frame["price_cut"], [0.25, np.nan])
    (fault,) = reading.faults
    assert (fault.line, fault.column, fault.code) == (3, "Rabatt", "share")


def test_a_term_that_systems_write_as_zero_for_none_is_not_given() -> None:
    frame = read_file(b"sku,lead time,pack size,max order\nA,5,0,0\n", name="terms.csv").frame
    assert frame[["order_multiple", "maximum_order_quantity"]].isna().all().all()


def test_a_currency_by_sign_and_by_name_is_one_unit() -> None:
    reading = read_file("Supplier;Lead time;MOV\nA;7;250 EUR\nB;7;1.250,00 €\n".encode(), name="s.csv", today=TODAY)
    assert (reading.faults, reading.frame["minimum_order_value"].tolist()) == ((), [250, 1250])
