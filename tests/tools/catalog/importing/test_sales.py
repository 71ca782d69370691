"""Sales lines as demand by day: what a day, a span, a gap, a week and a closed day mean."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.tools.catalog.importing.conftest import BUYER, reading
from tools.records.errors import InvalidInput

TERMS = "SKU,Lead time (days)\nA1,7\nB2,7\n"
STOCK = "SKU,On hand\nA1,5\nB2,5\n"
TODAY = datetime.now(UTC).date()


def lines(*sold: tuple[str, str, float], location: str = "") -> str:
    head, tail = ("Date,SKU,Qty,Location\n", f",{location}") if location else ("Date,SKU,Qty\n", "")
    return head + "".join(f"{day},{product},{quantity}{tail}\n" for day, product, quantity in sold)


@pytest.fixture
async def demand(bring: Any, own: Any) -> Any:
    """Demand of a product by day, from its first day on."""
    await bring(TERMS, STOCK)

    async def read(product_id: str = "A1", days: int = 6, location: str | None = None) -> list[float | None]:
        return list((await own.facts(product_id, location)).demand.values[:days])

    return read


async def test_lines_of_one_day_are_added_up_over_all_files_of_the_call(bring: Any, demand: Any) -> None:
    await bring(lines(("2026-11-02", "A1", 3), ("2026-11-02", "A1", 4)), lines(("2026-11-02", "A1", 2.5)))
    assert await demand(days=1) == [9.5]


async def test_who_waits_is_told_how_many_histories_are_written(store: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("tools.catalog.importing.sales._PLACES_AT_ONCE", 1)
    sold, told = reading(lines(("2026-11-02", "A1", 3), ("2026-11-02", "B2", 4)), "sales.csv"), []
    await store.bring_in([sold], BUYER, told=lambda *done: told.append(done))
    assert told == [(1, 2), (2, 2)]


async def test_a_day_that_comes_again_replaces_what_was_stored(bring: Any, demand: Any) -> None:
    await bring(lines(("2026-11-02", "A1", 3), ("2026-11-03", "A1", 4)))
    await bring(lines(("2026-11-03", "A1", 9)))
    assert await demand(days=2) == [3, 9]


async def test_days_of_a_file_that_have_no_line_any_more_are_without_demand_and_named(bring: Any, demand: Any) -> None:
    await bring(lines(("2026-11-02", "A1", 3), ("2026-11-03", "A1", 4), ("2026-11-04", "A1", 5)))
    again = await bring(lines(("2026-11-02", "A1", 3), ("2026-11-04", "A1", 5)))
    assert await demand(days=3) == [3, 0, 5]
    assert any("1 day of 1 history had demand before" in note for note in again.notes)


async def test_a_product_that_a_file_does_not_name_keeps_its_days(bring: Any, demand: Any) -> None:
    await bring(lines(("2026-11-02", "A1", 3), ("2026-11-03", "B2", 4)))
    await bring(lines(("2026-11-02", "B2", 1), ("2026-11-03", "B2", 1)))
    assert await demand(days=2) == [3, 0]


async def test_a_history_reaches_to_the_last_day_that_its_location_has_reported(bring: Any, demand: Any) -> None:
    await bring(lines(("2026-11-02", "A1", 3), ("2026-11-05", "B2", 4)))
    assert await demand(days=9) == [3, 0, 0, 0]
    await bring(lines(("2026-11-06", "B2", 1)))
    assert await demand(days=9) == [3, 0, 0, 0, 0]


async def test_days_between_two_files_are_unknown_and_not_without_demand(bring: Any, demand: Any) -> None:
    await bring(lines(("2026-11-02", "A1", 3)))
    await bring(lines(("2026-11-05", "A1", 4)))
    assert await demand() == [3, None, None, 4]


async def test_days_that_a_later_file_reported_without_the_product_are_without_demand(bring: Any, demand: Any) -> None:
    await bring(lines(("2026-11-02", "A1", 3)))
    await bring(lines(("2026-11-03", "B2", 1)))
    await bring(lines(("2026-11-04", "A1", 4)))
    assert await demand() == [3, 0, 4]


async def test_an_older_file_reaches_back_and_moves_nothing_forward(bring: Any, demand: Any, own: Any) -> None:
    await bring(lines(("2026-11-04", "A1", 3)))
    await bring(lines(("2026-11-01", "A1", 7), ("2026-11-02", "A1", 8)))
    assert await demand() == [7, 8, None, 3]
    assert (await own.snapshot()).settings.demand_through == {"MAIN": date(2026, 11, 4)}


async def test_locations_keep_their_own_demand(bring: Any, demand: Any) -> None:
    await bring(lines(("2026-11-02", "A1", 3), ("2026-11-03", "A1", 1), location="NORTH"))
    await bring("SKU,Location,On hand\nA1,NORTH,2\n", lines(("2026-11-03", "A1", 5)))
    assert await demand(location="NORTH") == [3, 1]
    assert await demand(location="MAIN") == [5]


async def test_a_stock_out_is_masked_and_a_promotion_is_kept(bring: Any, own: Any) -> None:
    await bring(TERMS, STOCK, "Date,SKU,Qty,Stock out,Promotion\n2026-11-02,A1,3,no,yes\n2026-11-03,A1,0,yes,no\n")
    facts = await own.facts("A1")
    assert (facts.demand.values, facts.demand.stockout_periods) == ((3, 0), {1})
    history = (await own.snapshot()).histories["A1", "MAIN"]
    assert history.flags.tolist() == [2, 1]


@pytest.mark.parametrize(("no", "yes"), [("nein", "ja"), ("falsch", "wahr"), ("faux", "vrai"), ("falso", "verdadero")])
async def test_no_and_yes_are_understood_in_each_language(bring: Any, own: Any, no: str, yes: str) -> None:
    await bring(TERMS, STOCK, f"Date,SKU,Qty,Stock out\n2026-11-02,A1,3,{no}\n2026-11-03,A1,0,{yes}\n")
    assert (await own.facts("A1")).demand.stockout_periods == {1}


async def test_a_promotion_is_marked_by_its_name_too(bring: Any, own: Any) -> None:
    await bring(TERMS, STOCK, "Date,SKU,Qty,Promotion\n2026-11-02,A1,3,Spring sale\n2026-11-03,A1,2,0.0\n")
    assert (await own.snapshot()).histories["A1", "MAIN"].flags.tolist() == [2, 0]


def working_days(weeks: int, per_day: int = 10) -> list[date]:
    last = TODAY - timedelta(days=TODAY.weekday() + 3)  # a Friday
    days = [last - timedelta(days=n) for n in range(7 * weeks)]
    return sorted(day for day in days if day.weekday() < 5)


async def test_weekends_without_a_sale_are_taken_as_closed_and_said(bring: Any, demand: Any, own: Any) -> None:
    days = working_days(20)
    record = await bring(lines(*((str(day), "A1", 10) for day in days)))

    facts = await own.facts("A1")
    assert (facts.demand.values, facts.demand.period_days) == ((10,) * len(days), pytest.approx(1.4))
    assert any("closed on Saturdays and Sundays" in note for note in record.notes)
    assert facts.data_age_days <= 1.4 * 3


async def test_a_sale_on_a_closed_day_counts_for_the_open_day_before(bring: Any, demand: Any, own: Any) -> None:
    days = working_days(20)
    await bring(lines(*((str(day), "A1", 10) for day in days)))
    record = await bring(lines((str(days[4] + timedelta(1)), "A1", 2)))
    assert (await own.facts("A1")).demand.values[:6] == (10, 10, 10, 10, 12, 10)
    assert any("counted for the open day before" in note for note in record.notes)


async def test_monthly_figures_are_kept_by_month_and_the_running_month_is_left_out(bring: Any, own: Any) -> None:
    months = [date(TODAY.year - 1, month, 1) for month in range(1, 13)] + [TODAY.replace(day=1)]
    record = await bring(TERMS, STOCK, lines(*((str(day), "A1", day.month) for day in months)))

    facts = await own.facts("A1")
    whole = (TODAY.replace(day=1) - timedelta(1)).year * 12 + (TODAY.replace(day=1) - timedelta(1)).month
    assert facts.demand.values[:12] == tuple(range(1, 13))
    assert facts.demand.period_days == pytest.approx(30.4375)
    assert len(facts.demand.values) <= whole - (TODAY.year - 1) * 12
    assert any("is not over" in note for note in record.notes)


async def test_weekly_figures_are_kept_by_week(bring: Any, own: Any) -> None:
    mondays = [date(2026, 8, 3) + timedelta(weeks=n) for n in range(8)]
    await bring(TERMS, STOCK, lines(*((str(day), "A1", n) for n, day in enumerate(mondays, 1))))
    facts = await own.facts("A1")
    assert (facts.demand.values, facts.demand.period_days) == (tuple(range(1, 9)), 7)


async def test_a_location_does_not_mix_days_and_months(bring: Any, store: Any) -> None:
    await bring(lines(("2026-11-02", "A1", 3), ("2026-11-03", "A1", 3)))
    months = lines(*((f"2026-{month:02}-01", "A1", 30) for month in range(1, 9)))
    with pytest.raises(InvalidInput, match=r"by month, and MAIN keeps its demand by day"):
        await bring(months)
    assert (await store.page(5))[0].number == 1


async def test_empty_cells_of_a_wide_file_are_unknown(bring: Any, own: Any) -> None:
    await bring(TERMS, STOCK, "SKU,2026-01,2026-02,2026-03,2026-04\nA1,10,,12,9\nB2,,4,5,\n")
    assert (await own.facts("A1")).demand.values == (10, None, 12, 9)
    assert (await own.facts("B2")).demand.values == (4, 5, None)


async def test_lines_of_today_are_kept_and_count_from_tomorrow(bring: Any, demand: Any) -> None:
    yesterday = TODAY - timedelta(1)
    record = await bring(lines((str(yesterday), "A1", 3), (str(TODAY), "A1", 4)))
    assert await demand() == [3]
    assert any("of today" in note for note in record.notes)


async def test_undo_gives_back_a_history_that_a_file_lengthened_at_both_ends(
    bring: Any, store: Any, tables: Any
) -> None:
    await bring(lines(("2026-11-10", "A1", 3), ("2026-11-12", "A1", 4)))
    before = tables()
    await bring(lines(("2026-11-01", "A1", 7), ("2026-11-11", "A1", 8), ("2026-11-20", "A1", 9)))
    assert tables() != before
    await store.undo(2, BUYER)
    assert tables() == before
