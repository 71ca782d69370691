"""Days as people write them."""

from datetime import date, timedelta

import pytest

from tools.catalog.reading import FileReading, UnclearNotation, read_file

TODAY = date(2026, 11, 30)


def read(cells: list[str]) -> FileReading:
    rows = [f'A{place},"{cell}",5' for place, cell in enumerate(cells)]
    return read_file("\n".join(["sku,date,quantity", *rows]).encode(), name="sales.csv", today=TODAY)


def days(cells: list[str]) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in read(cells).frame["date"]]


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["2026-01-05", "2026-01-13"], ["2026-01-05", "2026-01-13"]),
        (["2026/1/5", "2026.01.13"], ["2026-01-05", "2026-01-13"]),
        (["05.01.2026", "13.1.26"], ["2026-01-05", "2026-01-13"]),
        (["01/05/2026", "01/13/2026"], ["2026-01-05", "2026-01-13"]),
        (["05/01/2026", "13/01/2026"], ["2026-01-05", "2026-01-13"]),
        (["5-1-2026", "13-1-2026"], ["2026-01-05", "2026-01-13"]),
        (["1/5/2026 8:26", "1/13/2026 9:02 PM"], ["2026-01-05", "2026-01-13"]),
        (["20260105", "20260113"], ["2026-01-05", "2026-01-13"]),
        (["46027", "46035.75"], ["2026-01-05", "2026-01-13"]),
        (["1767571200", "1768262400"], ["2026-01-05", "2026-01-13"]),
        (["1767571200000", "1768262400000"], ["2026-01-05", "2026-01-13"]),
        (["Jan 5, 2026", "13 Jan 2026"], ["2026-01-05", "2026-01-13"]),
        (["Jan-05-26", "Jan/13/2026"], ["2026-01-05", "2026-01-13"]),
        (["5. Januar 2026", "13. Jän. 2026"], ["2026-01-05", "2026-01-13"]),
        (["5 de enero de 2026", "13 janvier 2026"], ["2026-01-05", "2026-01-13"]),
        (["05-Jan-26", "Tue, 13 Jan 2026 10:00:00 +0000"], ["2026-01-05", "2026-01-13"]),
        (["2026-01-05T23:59:59Z", "2026-01-13T00:00:00.000+01:00"], ["2026-01-05", "2026-01-13"]),
        (["2026-03-07 23:30:00 -0500", "2026-03-08 23:30:00 -0400"], ["2026-03-07", "2026-03-08"]),
    ],
)
def test_a_day_is_read_as_it_is_meant_without_its_time_and_offset(cells: list[str], wanted: list[str]) -> None:
    assert days(cells) == wanted


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["01/02/2026", "02/03/2026"], "no row shows which"),
        (["01/02/2026", "13/02/2026", "02/13/2026"], "some rows show the one, some the other"),
    ],
)
def test_a_day_that_may_be_two_days_is_asked(cells: list[str], why: str) -> None:
    with pytest.raises(UnclearNotation, match=rf"line 2, date '01/02/2026'.*{why}.*--dates day-first"):
        read(cells)


def test_a_person_says_whether_the_day_or_the_month_comes_first() -> None:
    text = b"sku,date,quantity\nA,01/02/2026,5\n"
    first = read_file(text, name="s.csv", dates="day-first", today=TODAY).frame["date"]
    second = read_file(text, name="s.csv", dates="month-first", today=TODAY).frame["date"]
    assert (first.iloc[0].month, second.iloc[0].month) == (2, 1)


@pytest.mark.parametrize(
    "cell", ["2000-01-05", "1900-01-01", "1970-01-01", "2062-01-05", "9999-12-31", "2026-02-30", "x"]
)
def test_a_day_that_cannot_be_is_a_fault_and_no_years_without_sales(cell: str) -> None:
    usual = [f"{date(2026, 1, 1) + timedelta(days=day)}" for day in range(60)]
    reading = read([*usual, cell])
    (fault,) = reading.faults
    assert (fault.line, fault.value) == (62, cell)
    assert len(reading.frame) == 60


@pytest.mark.parametrize(
    ("text", "period", "first"),
    [
        ("sku,year,month,quantity\nA,2025,11,5\nA,2025,12,5\nA,2026,1,5\n", "month", "2025-11-01"),
        ("Artikel;Jahr;Monat;Menge\nA;2025;Nov;5\nA;2025;Dezember;5\n", "month", "2025-11-01"),
        ("sku,year,week,quantity\nA,2026,1,5\nA,2026,2,5\n", "week", "2025-12-29"),
        ("sku,week,quantity\nA,2026-W01,5\nA,2026-W02,5\n", "week", "2025-12-29"),
        ("sku,month,quantity\nA,Jan 2026,5\nA,Feb 2026,5\n", "month", "2026-01-01"),
        ("sku,period,quantity\nA,2026-W01,5\nA,2026-W02,5\n", "week", "2025-12-29"),
        ("sku,period,quantity\nA,2026-01,5\nA,2026-02,5\n", "month", "2026-01-01"),
        ("sku,period,quantity\nA,202601,5\nA,202602,5\n", "month", "2026-01-01"),
        ("Artikel;Periode;Menge\nA;KW 02/2026;5\nA;KW 03/2026;5\n", "week", "2026-01-05"),
        ("sku,date,quantity\nA,2026-01-05,5\nA,2026-01-12,5\nA,2026-01-19,5\nA,2026-01-26,5\n", "week", "2026-01-05"),
    ],
)
def test_quantities_of_weeks_and_months_are_known_as_such(text: str, period: str, first: str) -> None:
    frame = read_file(text.encode(), name="s.csv", today=TODAY).frame
    assert set(frame["period"]) == {period}
    assert f"{frame['date'].iloc[0]:%Y-%m-%d}" == first


def test_a_month_that_is_none_is_a_fault() -> None:
    text = b"sku,year,month,quantity\nA,2025,11,5\nA,2025,13,5\n"
    (fault,) = read_file(text, name="s.csv", today=TODAY).faults
    assert (fault.line, fault.value, fault.code) == (3, "2025 13", "no_date")
