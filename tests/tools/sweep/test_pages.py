"""Today's list filtered, sorted and in pages."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.listed import Listed
from tools.records.errors import InvalidInput
from tools.records.facts import ProductFacts
from tools.sweep.pages import Filters, arranged, page_after
from tools.sweep.today import Today
from tools.sweep.today_rows import COLUMNS, TodayRow

DAY = date(2026, 3, 2)
Make = Callable[..., ProductFacts]


@pytest.fixture(scope="module")
def rows(make_facts: Make) -> list[TodayRow]:
    """Nine products at two locations: some to order, some enough, one without a price, one that cannot be planned."""
    facts = [
        make_facts(
            id=f"P{number}",
            name=f"Bolt M{number}" if number % 2 else f"Nut M{number}",
            category="Bolts" if number % 2 else "Nuts",
            unit_price=None if number == 3 else 10 + number % 4,
            demand=(5.0,) * 30 if number != 5 else (1.0,),
            stock={"location": place, "on_hand": 30 * number},
            supplier={"id": f"S{number % 3}", "name": f"Supplier {number % 3}"},
        )
        for number in range(9)
        for place in ("North", "South")
    ]
    return Today(Listed(facts), day=DAY).rows()


@pytest.mark.parametrize("sort", ["urgency", "-urgency", *COLUMNS, *(f"-{name}" for name in COLUMNS)])
def test_pages_show_every_row_once_whatever_they_are_sorted_by(rows: list[TodayRow], sort: str) -> None:
    ordered, shown = arranged(rows, Filters(), sort), list[TodayRow]()
    while page := page_after(ordered, shown[-1].place if shown else None, 4):
        shown += page
    assert shown == ordered
    assert sorted(row.place for row in shown) == sorted(row.place for row in rows)


@pytest.mark.parametrize("sort", ["value", "-value"])
def test_unknown_values_come_last_in_both_directions(rows: list[TodayRow], sort: str) -> None:
    values = [row.value for row in arranged(rows, Filters(), sort)]
    known = [value for value in values if value is not None]
    assert len(known) < len(values)
    assert values[: len(known)] == sorted(known, reverse=sort.startswith("-"))


@pytest.mark.parametrize("sort", ["value", "-value"])
def test_amounts_are_compared_by_what_their_currencies_are_worth(rows: list[TodayRow], sort: str) -> None:
    """Of CHF no rate is known, and of YEN neither: their amounts are compared among themselves, after the others."""
    currencies = ("USD", "EUR", "CHF", "YEN")
    mixed = [
        replace(row, currency=currencies[place % 4], value=float(place * 7 % 11)) for place, row in enumerate(rows)
    ]

    found = arranged(mixed, Filters(), sort, {"USD": 1.0, "EUR": 0.001})

    places = [("", "CHF", "YEN").index(row.currency if row.currency in ("CHF", "YEN") else "") for row in found]
    assert places == sorted(places)
    for part in ({"USD": 1.0, "EUR": 0.001}, {"CHF": 1.0}, {"YEN": 1.0}):
        worth = [float(row.value or 0) * part[row.currency] for row in found if row.currency in part]
        assert worth == sorted(worth, reverse=sort.startswith("-"))
        assert len(worth) > 1


def test_what_runs_out_first_of_what_is_to_be_ordered_comes_first(rows: list[TodayRow]) -> None:
    ordered = arranged(rows, Filters())
    orders = [row for row in ordered if row.quantity]
    assert ordered[: len(orders)] == orders
    assert [row.days_left for row in orders] == sorted(row.days_left or 0 for row in orders)


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({"supplier": "supplier 1"}, lambda row: row.supplier_id == "S1"),
        ({"supplier": "s2"}, lambda row: row.supplier_id == "S2"),
        ({"category": "NUTS"}, lambda row: row.category == "Nuts"),
        ({"location": "north"}, lambda row: row.location == "North"),
        ({"status": ("order_now", "needs_data")}, lambda row: row.status in ("order_now", "needs_data")),
        ({"text": "bolt m7"}, lambda row: row.product_id == "P7"),
        ({"text": "p7"}, lambda row: row.product_id == "P7"),
        ({"location": "South", "category": "Bolts"}, lambda row: (row.location, row.category) == ("South", "Bolts")),
        ({"supplier": "nobody"}, lambda row: False),
    ],
)
def test_each_filter_that_is_given_must_fit(
    rows: list[TodayRow], filters: dict[str, Any], fits: Callable[[TodayRow], bool]
) -> None:
    found = arranged(rows, Filters(**filters))
    assert {row.place for row in found} == {row.place for row in rows if fits(row)}


def test_a_column_that_is_not_there_is_refused_with_those_that_are(rows: list[TodayRow]) -> None:
    with pytest.raises(InvalidInput, match=r"no column 'price' to sort by; use urgency or one of product_id, name"):
        arranged(rows, Filters(), "price")


def test_a_status_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidInput, match=r"no status 'low'; use one of needs_data, waits_for_review"):
        Filters(status=("low",))


def test_a_page_after_a_row_that_is_gone_is_refused(rows: list[TodayRow]) -> None:
    with pytest.raises(InvalidInput, match="Begin with page one"):
        page_after(rows, ("P99", "North"), 4)


def test_figures_and_what_has_not_sold_narrow_the_list(make_facts: Make) -> None:
    dead = (5.0,) * 30 + (0.0,) * 40
    facts = [
        make_facts(id="SHORT", demand=(10.0,) * 60, stock={"on_hand": 40}),
        make_facts(id="WAITS", demand=(10.0,) * 60, stock={"on_hand": 40}),
        make_facts(id="MUCH", demand=(10.0,) * 60, stock={"on_hand": 9_000}),
        make_facts(id="DEAD", demand=dead, stock={"on_hand": 3}, unit_price=None),
        make_facts(id="GONE", demand=dead, stock={"on_hand": 0}),
    ]
    rows = Today(Listed(facts), day=DAY, reviews={("WAITS", "HQ"): "RV-000001"}).rows()
    for filters, expected in (
        ({"to_order": True}, {"SHORT", "GONE"}),
        ({"days_left": (None, 4.5)}, {"SHORT", "WAITS", "GONE"}),
        ({"days_left": (5, None)}, {"MUCH", "DEAD"}),
        ({"stock_value": (4_500_000, None)}, {"MUCH"}),
        ({"value": (1, None)}, {"SHORT", "WAITS", "GONE"}),
        ({"not_sold_since": date(2026, 2, 1)}, {"DEAD"}),
        ({"not_sold_since": date(2025, 12, 1)}, set()),
        ({"demand_class": "smooth"}, {"SHORT", "WAITS", "MUCH"}),
    ):
        fitting = Filters(**filters).fitting(rows)  # type: ignore[arg-type]
        assert {row.product_id for row in fitting} == expected, filters
