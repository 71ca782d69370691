"""Days on which nothing sells."""

from datetime import date

import pandas as pd

from tools.catalog.reading import closed_days

YEAR = pd.bdate_range("2025-01-02", "2025-12-30")


def sold(days: "pd.DatetimeIndex", location: str = "MAIN") -> pd.DataFrame:
    return pd.DataFrame({"date": days, "location": location, "quantity": 1.0})


def test_weekends_and_holidays_without_any_sale_are_closed() -> None:
    found = closed_days(sold(YEAR.drop([pd.Timestamp("2025-05-01"), pd.Timestamp("2025-12-25")])))["MAIN"]
    assert found.weekdays == {5, 6}
    assert found.days == {date(2025, 5, 1), date(2025, 12, 25)}
    assert found.period_days == 1.4


def test_each_location_has_its_own_closed_days() -> None:
    daily = pd.date_range("2025-01-02", "2025-12-30")
    found = closed_days(pd.concat([sold(YEAR), sold(daily[daily.weekday != 0], "SHOP")]))
    assert {place: closed.weekdays for place, closed in found.items()} == {"MAIN": {5, 6}, "SHOP": {0}}


def test_a_few_weeks_prove_nothing() -> None:
    assert closed_days(sold(YEAR[:30]))["MAIN"].weekdays == frozenset()


def test_where_sales_are_rare_a_silent_weekday_is_chance() -> None:
    assert closed_days(sold(YEAR[::9]))["MAIN"].weekdays == frozenset()


def test_a_file_without_locations_has_one_calendar() -> None:
    assert closed_days(sold(YEAR).drop(columns="location"))[""].weekdays == {5, 6}


def test_a_long_silence_is_no_holiday() -> None:
    august = (YEAR >= "2025-08-04") & (YEAR <= "2025-08-08")
    assert closed_days(sold(YEAR[~august]))["MAIN"].days == frozenset()
