"""Today's list: the same numbers as one product's plan, a status for every product, nothing left out."""

import asyncio
import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.listed import Listed
from tests.order_book import ANNA, record
from tools.book.book import OrderBook
from tools.catalog.live import LiveCatalog
from tools.catalog.products import plan_of
from tools.catalog.sources import SampleCatalog
from tools.planning.confidence import assess
from tools.records.facts import OpenOrder, ProductFacts
from tools.sweep.lists import TodayLists
from tools.sweep.today import Today
from tools.sweep.today_rows import TodayRow

DAY = date(2026, 3, 2)
STEADY = (10.0,) * 60
"""Ten a day."""
Make = Callable[..., ProductFacts]


@pytest.fixture
def row_of(make_facts: Make) -> Callable[..., TodayRow]:
    """The row of a product that sells ten a day and is delivered in seven days."""

    def make(*, review: str | None = None, **about: Any) -> TodayRow:
        facts = make_facts(**{"demand": STEADY} | about)
        reviews = {} if review is None else {("X1", "HQ"): review}
        [row] = Today(Listed([facts]), day=DAY, reviews=reviews).rows()
        return row

    return make


def sample_lists(book: OrderBook) -> TodayLists:
    return TodayLists(book)


def late(reference: str = "PO-1", quantity: float = 500) -> OpenOrder:
    return OpenOrder(reference=reference, quantity=quantity, due_in_days=-2, placed_days_ago=9)


def in_days(due: float) -> OpenOrder:
    return OpenOrder(reference="PO-2", quantity=500, due_in_days=due, placed_days_ago=2)


async def test_every_row_has_the_numbers_of_the_products_own_plan_with_our_orders_counted(
    book: OrderBook, placed: Any
) -> None:
    order = await placed(product_id="STEEL_SHEETS", location="Chicago", mode="mock", quantity=30)
    await book.life.receive(order.number, 10, by=ANNA)
    live = LiveCatalog(SampleCatalog(), book, "mock")
    rows = {row.place: row for row in (await sample_lists(book).present()).rows}
    everything = await live.all_facts()
    assert len(rows) == len(everything)
    for facts in everything:
        row, plan = rows[facts.product.id, facts.stock.location], plan_of(await live.family(*_place(facts)))
        assert (row.on_hand, row.quantity, row.action) == (plan.on_hand, plan.order_quantity, plan.recommended_action)
        assert row.days_left == plan.days_until_stockout
        figures = (row.on_order, row.reorder_point, row.inventory_position, row.mean_per_day)
        assert figures == (plan.on_order, plan.reorder_point, plan.inventory_position, plan.mean_per_day)
        assert (row.value or 0, row.currency) == (plan.order_value, plan.currency)
        if row.confidence is not None:
            assert row.confidence == assess(plan, plan.order_quantity).value
            assert row.reason.endswith(plan.reason.replace("\n", " "))
    assert rows["STEEL_SHEETS", "Chicago"].on_order == 20


def _place(facts: ProductFacts) -> tuple[str, str]:
    return facts.product.id, facts.stock.location


def test_a_product_at_its_reorder_point_is_to_be_ordered_today(row_of: Callable[..., TodayRow]) -> None:
    row = row_of(stock={"on_hand": 40})
    assert (row.status, row.order_by, row.days_left) == ("order_now", DAY, pytest.approx(4))
    assert row.quantity and row.value == row.quantity * 500
    assert row.confidence is not None


def test_the_order_by_date_is_the_day_on_which_mean_demand_takes_the_position_to_the_reorder_point(
    row_of: Callable[..., TodayRow],
) -> None:
    row = row_of(stock={"on_hand": 300})
    assert row.reorder_point is not None
    assert row.order_by == DAY + timedelta(int((300 - row.reorder_point) / 10))
    assert (row.status, row.quantity, row.confidence) == ("enough", 0, None)


def test_what_is_on_the_way_is_named_as_the_reason_to_order_nothing(row_of: Callable[..., TodayRow]) -> None:
    coming = OpenOrder(reference="PO-1", quantity=500, due_in_days=3)
    row = row_of(stock={"on_hand": 40, "open_orders": (coming,)})
    assert (row.status, row.on_order, row.quantity) == ("on_order", 500, 0)
    assert "500 on the way" in row.reason


@pytest.mark.parametrize(("on_hand", "orders_more"), [(2_000, False), (0, True)])
def test_a_late_order_is_named_whether_more_is_needed_or_not(
    row_of: Callable[..., TodayRow], on_hand: float, orders_more: bool
) -> None:
    row = row_of(stock={"on_hand": on_hand, "open_orders": (late(quantity=1),)})
    assert (row.status, row.late_orders, bool(row.quantity)) == ("late_order", "PO-1", orders_more)


@pytest.mark.parametrize("on_hand", [300, 0])
def test_a_late_order_that_counts_half_says_so(row_of: Callable[..., TodayRow], on_hand: float) -> None:
    row = row_of(stock={"on_hand": on_hand, "open_orders": (late(quantity=40), in_days(3))})
    assert row.on_order == 520
    assert row.reason.startswith("Late: PO-1. Of 540 on the way 520 count: half of what is later than its supplier has")


def test_nothing_is_said_of_how_much_counts_where_all_of_it_does(row_of: Callable[..., TodayRow]) -> None:
    row = row_of(stock={"on_hand": 300, "open_orders": (late(),)}, supplier={"observed_lateness_days": (2, 3) * 9})
    assert row.on_order == 500
    assert "count" not in row.reason


@pytest.mark.parametrize(
    ("on_hand", "coming", "said"),
    [
        (25, in_days(4), "lasts for 2.5 days, and the next delivery is due in 4: ask"),
        (0, in_days(4), "is gone already, and the next delivery is due in 4: ask"),
        (25, late(quantity=900), "lasts for 2.5 days, and what is on the way is late: ask"),
        (60, in_days(4), ""),
    ],
)
def test_enough_with_a_gap_before_it_comes_is_said(
    row_of: Callable[..., TodayRow], on_hand: float, coming: OpenOrder, said: str
) -> None:
    row = row_of(stock={"on_hand": on_hand, "open_orders": (coming,)})
    assert row.quantity == 0
    assert (said in row.reason, "ask whether it can come sooner" in row.reason) == (True, bool(said))


def test_a_product_that_does_not_sell_needs_nothing(row_of: Callable[..., TodayRow]) -> None:
    row = row_of(demand=(0.0,) * 60)
    assert (row.status, row.quantity, row.order_by, row.days_left) == ("no_demand", 0, None, None)


def test_an_order_that_no_rule_permits_says_which_rules_are_at_odds(row_of: Callable[..., TodayRow]) -> None:
    row = row_of(stock={"on_hand": 0}, minimum_order_quantity=5_000, maximum_order_quantity=100)
    assert (row.status, row.quantity) == ("not_possible", 0)
    assert "5000" in row.reason


def test_an_order_that_waits_for_a_person_is_named_by_its_review(row_of: Callable[..., TodayRow]) -> None:
    row = row_of(stock={"on_hand": 40}, review="RV-000007")
    assert (row.status, row.review_id) == ("waits_for_review", "RV-000007")
    assert row.quantity


def test_a_product_that_cannot_be_planned_has_a_row_that_says_what_is_missing(row_of: Callable[..., TodayRow]) -> None:
    row = row_of(demand=(4.0, None, None))
    assert (row.status, row.quantity, row.reorder_point) == ("needs_data", None, None)
    assert "at least 3 are needed" in row.reason


def test_lost_revenue_is_the_expected_shortage_of_a_day_at_the_products_price(row_of: Callable[..., TodayRow]) -> None:
    out_of_stock = row_of(stock={"on_hand": 0}).lost_revenue_per_day
    assert out_of_stock == pytest.approx(10 * 500)
    assert row_of(stock={"on_hand": 0}, unit_price=None).lost_revenue_per_day is None


@pytest.mark.parametrize("about", [{"notes": "Discontinued in May"}, {"data_age_days": 90}])
def test_a_note_or_a_warning_that_a_person_must_see_makes_an_order_doubtful(
    row_of: Callable[..., TodayRow], about: dict[str, Any]
) -> None:
    assert row_of(stock={"on_hand": 40}, **about).doubtful
    assert not row_of(stock={"on_hand": 40}).doubtful


async def test_the_list_is_made_again_only_when_the_order_book_changes(
    book: OrderBook, new_run: Any, new_proposal: Any
) -> None:
    lists = sample_lists(book)
    first = await lists.present()
    assert await lists.present() is first

    waiting = {"product_id": "STEEL_SHEETS", "location": "Chicago", "mode": "mock"}
    run = await record(book, new_run(**waiting), owner="w1", lease_seconds=60)
    assert await lists.present() is first, "a run that has begun changes nothing in the list"
    proposal = await book.orders.propose(new_proposal(run.id, **waiting), route="review", expires_in_hours=1)
    second = await lists.present()
    assert second.version != first.version
    changed = {row.place: row for row in second.rows}
    assert changed["STEEL_SHEETS", "Chicago"].review_id == proposal.id
    unchanged = [row for row in second.rows if row.place != ("STEEL_SHEETS", "Chicago")]
    assert unchanged == [row for row in first.rows if row.place != ("STEEL_SHEETS", "Chicago")]
    assert lists.earlier(first.version) is first


async def test_only_the_newest_lists_are_kept(book: OrderBook, placed: Any) -> None:
    lists = sample_lists(book)
    versions = []
    for _ in range(5):
        versions.append((await lists.present()).version)
        await placed(mode="mock")
    kept = [lists.earlier(version) is not None for version in versions]
    assert kept == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("about", "cover"),
    [
        ({"on_hand": 0}, "out"),
        ({"on_hand": 69}, "at_risk"),  # seven days' demand is 70
        ({"on_hand": 71}, "fine"),
        ({"on_hand": 2_000}, "too_much"),
        ({"on_hand": 30, "open_orders": (in_days(5),)}, "at_risk"),
        ({"on_hand": 51, "open_orders": (in_days(5),)}, "fine"),
        ({"on_hand": 51, "open_orders": (in_days(-1),)}, "at_risk"),  # nobody knows when a late one comes
    ],
)
def test_cover_says_whether_the_stock_lasts_until_something_comes(
    row_of: Callable[..., TodayRow], about: dict[str, Any], cover: str
) -> None:
    assert row_of(stock=about).cover == cover


def test_a_row_says_what_has_sold_lately_and_what_the_stock_is_worth(row_of: Callable[..., TodayRow]) -> None:
    row = row_of(demand=(2.0,) * 40 + (3.0,) * 10 + (0.0,) * 5, stock={"on_hand": 40})
    assert (row.last_sold, row.sold_30_days) == (DAY - timedelta(6), 15 * 2 + 10 * 3)
    assert (row.stock_value, row.demand_class) == (40 * 500, "smooth")
    assert row_of(unit_price=None).stock_value is None
    assert row_of(demand=(0.0,) * 50).last_sold is None
    weekly = row_of(demand=(7.0,) * 20, history={"period_days": 7, "last_period": DAY - timedelta(7)})
    assert (weekly.last_sold, weekly.sold_30_days) == (DAY - timedelta(7), 28)


async def test_a_list_that_a_caller_no_longer_waits_for_is_made_to_its_end_for_the_next(
    book: OrderBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, makings, rows = threading.Event(), threading.Event(), [], Today.rows

    def slow_rows(today: Today) -> list[TodayRow]:
        makings.append(today)
        begun.set()
        go_on.wait(10)
        return rows(today)

    monkeypatch.setattr(Today, "rows", slow_rows)
    lists = TodayLists(book)
    given_up = asyncio.create_task(lists.present())
    await asyncio.to_thread(begun.wait, 10)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    go_on.set()
    assert (await lists.present()).rows
    assert len(makings) == 1
