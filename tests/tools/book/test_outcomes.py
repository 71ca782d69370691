"""What became of orders, on both databases."""

import asyncio

import pytest

from tests.order_book import ANNA, record
from tools.book.book import OrderBook
from tools.book.outcomes import by_route
from tools.planning.confidence import CalibrationCurve, CalibrationTable
from tools.records.errors import AlreadyRecorded, UnknownOrder
from tools.records.orders import OutcomeReport

TABLE = CalibrationTable(
    origin="made up", curves={"long history, smooth": CalibrationCurve(raw=(0.0, 1.0), acceptable=(0.2, 0.4))}
)


@pytest.fixture
def decided(book: OrderBook, new_run, new_proposal):
    """The number of an order of 40, placed automatically or by a person's decision."""

    async def place(decision: str | None = None, quantity: int | None = None) -> str:
        run = await record(book, new_run(product_id=f"BOLTS-{decision}-{quantity}"), owner="w1", lease_seconds=60)
        about = {"product_id": run.product_id}
        if decision is None:
            await book.orders.propose(new_proposal(run.id, **about), route="auto", expires_in_hours=1)
            return (await book.orders.place(run.id)).order.number
        review = await book.orders.propose(new_proposal(run.id, **about), route="review", expires_in_hours=1)
        view = await book.reviews.decide(
            review.id, version=None, decision=decision, quantity=quantity, reason="checked", decided_by="anna"
        )
        assert view.order is not None
        return view.order.number

    return place


def report(number: str, *, ran_out: bool = False, left_over: float = 5, received: int | None = None) -> OutcomeReport:
    return OutcomeReport(order_number=number, ran_out=ran_out, left_over=left_over, received_quantity=received)


async def test_an_outcome_is_kept_beside_what_had_been_said_of_the_order(book: OrderBook, decided) -> None:
    number = await decided()
    kept = await book.outcomes.record(report(number, received=40), recorded_by="erp")
    assert (kept.acceptable, kept.confidence, kept.raw) == (True, 0.83, 0.9)
    assert (kept.stratum, kept.route, kept.recorded_by) == ("long history, smooth", "automatic", "erp")
    assert await book.outcomes.latest() == [kept]


@pytest.mark.parametrize(
    ("ran_out", "left_over", "acceptable"),
    [(False, 20, True), (False, 20.5, False), (True, 0, False), (True, 5, False)],
)
async def test_acceptable_is_no_stockout_and_no_more_left_than_the_plan_permits(
    book: OrderBook, decided, ran_out: bool, left_over: float, acceptable: bool
) -> None:
    found = report(await decided(), ran_out=ran_out, left_over=left_over)
    assert (await book.outcomes.record(found, recorded_by="erp")).acceptable is acceptable


async def test_a_quantity_that_a_person_chose_is_judged_by_its_own_confidence(book: OrderBook, decided) -> None:
    approved = await book.outcomes.record(report(await decided("approve")), recorded_by="erp")
    edited = await book.outcomes.record(report(await decided("edit", 25)), recorded_by="erp", table=TABLE)
    assert (approved.route, approved.confidence) == ("approved", 0.83)
    assert edited.route == "edited"
    assert 0.2 <= edited.confidence <= 0.4
    assert edited.raw != 0.9
    assert by_route([approved, edited]) == {"approved": (1, 1), "edited": (1, 1)}
    assert await book.outcomes.decisions_made() == {"approve": 1, "edit": 1}


async def test_the_same_report_again_changes_nothing_and_another_is_refused(book: OrderBook, decided) -> None:
    number = await decided()
    first = await book.outcomes.record(report(number), recorded_by="erp", recorded_by_id="key_erp")
    assert await book.outcomes.record(report(number), recorded_by="somebody else") == first
    said = [
        (e.actor_id, e.figures["ran_out"]) for e in await book.audit.page(order_number=number) if "outcome" in e.event
    ]
    assert said == [("key_erp", False)]
    with pytest.raises(AlreadyRecorded, match="recorded by erp"):
        await book.outcomes.record(report(number, ran_out=True), recorded_by="erp")
    assert await book.outcomes.latest() == [first]


async def test_of_contradicting_reports_at_once_one_is_kept(book: OrderBook, decided) -> None:
    number = await decided()
    results = await asyncio.gather(
        *(book.outcomes.record(report(number, left_over=units), recorded_by="erp") for units in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, AlreadyRecorded) for result in results) == 7
    assert len(await book.outcomes.latest()) == 1


async def test_what_arrived_is_known_from_receipts_where_a_report_does_not_say(book: OrderBook, decided) -> None:
    number = await decided()
    await book.life.receive(number, 38, by=ANNA)
    kept = await book.outcomes.record(report(number), recorded_by="erp")
    await book.life.receive(number, 2, by=ANNA)
    assert kept.received_quantity == 38
    assert await book.outcomes.record(report(number), recorded_by="erp") == kept


@pytest.mark.parametrize(
    ("left", "ran_out", "acceptable"), [(12.0, False, True), (21.0, False, False), (0.0, True, False)]
)
async def test_the_stock_before_a_receipt_is_how_the_order_before_turned_out(
    book: OrderBook, placed, left: float, ran_out: bool, acceptable: bool
) -> None:
    """It had to last until then. PLAN permits 20 to be left over."""
    elsewhere, first, second = await placed(location="DEPOT"), await placed(), await placed()
    for order in (elsewhere, first):
        await book.life.receive(order.number, 40, by=ANNA)
    arrived = await book.life.receive(second.number, 15, by=ANNA)
    assert await book.outcomes.learn(arrived, left, by=ANNA) == first.number
    assert await book.outcomes.learn(arrived, 3, by=ANNA) is None
    [kept] = await book.outcomes.latest()
    assert (kept.order_number, kept.ran_out, kept.left_over) == (first.number, ran_out, left)
    assert (kept.acceptable, kept.received_quantity, kept.recorded_by) == (acceptable, 40, "anna")


async def test_the_stock_before_says_nothing_of_an_order_that_has_not_arrived(book: OrderBook, placed) -> None:
    first, second, third = await placed(), await placed(), await placed()
    await book.life.receive(third.number, 40, by=ANNA)
    await book.life.receive(first.number, 15, by=ANNA)
    assert await book.outcomes.learn(second, 5, by=ANNA) is None
    assert await book.outcomes.latest() == []


async def test_an_order_that_is_not_there_has_no_outcome(book: OrderBook) -> None:
    with pytest.raises(UnknownOrder, match="PO-2026-999999"):
        await book.outcomes.record(report("PO-2026-999999"), recorded_by="erp")


async def test_an_import_says_which_were_new(book: OrderBook, decided) -> None:
    number = await decided()
    assert await book.outcomes.import_all([report(number), report(number)], recorded_by="file") == (1, 1)
    assert await book.outcomes.import_all([report(number)], recorded_by="file") == (0, 1)
