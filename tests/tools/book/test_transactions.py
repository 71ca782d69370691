"""What one transaction of the order book reads and writes, row by row, on a book in memory."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.order_book import ANNA, InMemory, open_orders, record
from tools.book import orders as orders_module
from tools.book import placing
from tools.book.audit import SERVICE
from tools.book.book import OrderBook
from tools.book.filters import Filters
from tools.book.keys import Grant
from tools.book.orders import MAX_EXPIRY_HOURS
from tools.book.placing import ProductVersion
from tools.book.reviews import MAX_QUANTITY
from tools.records.errors import (
    AlreadyDecided,
    Conflict,
    InvalidInput,
    InvalidQuantity,
    RunLost,
    UnknownOrder,
    UnknownReview,
)
from tools.records.facts import PriceBreak
from tools.records.money import DayLimit, Limit
from tools.records.orders import Order, Proposal, RunView
from tools.storage.schema import audit, counters, decisions, orders, outbox, product_versions, proposals, runs

BREAKS = (PriceBreak(minimum_quantity=1, unit_price=Decimal("12.50")), PriceBreak(minimum_quantity=50, unit_price=10))
WEEK = timedelta(days=7)


@pytest.fixture
def memory() -> Iterator[InMemory]:
    database = InMemory()
    yield database
    database.engine.dispose()


@pytest.fixture
def book(memory: InMemory) -> OrderBook:
    return OrderBook(memory)  # type: ignore[arg-type]


@pytest.fixture
def rows(memory: InMemory) -> Callable[[sa.Table], list[Any]]:
    def read(table: sa.Table) -> list[Any]:
        with memory.engine.begin() as connection:
            return list(connection.execute(sa.select(table).order_by(*table.primary_key)).mappings())

    return read


@pytest.fixture
def change(memory: InMemory) -> Callable[[sa.Update], None]:
    def execute(statement: sa.Update) -> None:
        with memory.engine.begin() as connection:
            connection.execute(statement)

    return execute


Begin = Callable[..., Awaitable[str]]
Propose = Callable[..., Awaitable[Proposal]]


@pytest.fixture
def begin(book: OrderBook, new_run: Any) -> Begin:
    """Records a run about what is given, and returns its id."""

    async def begun(**about: Any) -> str:
        return (await record(book, new_run(**about), owner="w1", lease_seconds=60)).id

    return begun


@pytest.fixture
def propose(book: OrderBook, begin: Begin, new_proposal: Any) -> Propose:
    """Proposes for a run of its own, or for one begun before."""

    async def proposed(route: str = "review", *, run: str | None = None, hours: float = 72, **changes: Any) -> Proposal:
        about = {name: changes[name] for name in ("product_id", "location", "mode") if name in changes}
        run = run or await begin(**about)
        return await book.orders.propose(new_proposal(run, **changes), route=route, expires_in_hours=hours)

    return proposed


@pytest.fixture
def place(book: OrderBook, propose: Propose) -> Callable[..., Awaitable[RunView]]:
    async def placed(**changes: Any) -> RunView:
        return await book.orders.place((await propose("auto", **changes)).run_id)

    return placed


def of(view: RunView) -> Order:
    assert view.order is not None
    return view.order


def reasons(view: RunView) -> tuple[str, ...]:
    assert view.proposal is not None
    return view.proposal.review_reasons


@pytest.mark.parametrize(
    ("edited", "price", "total"), [(40, "12.50", "500.00"), (49, "12.50", "612.50"), (50, "10", "500")]
)
async def test_an_edit_across_a_price_break_is_ordered_at_the_price_of_its_own_tier(
    book: OrderBook, propose: Propose, new_proposal: Any, edited: int, price: str, total: str
) -> None:
    the_plan = new_proposal("x").plan.model_copy(update={"price_tiers": BREAKS})
    review = await propose(plan=the_plan)

    view = await book.reviews.decide(review.id, decision="edit", quantity=edited, reason="x", decided_by="anna")

    line = of(view).items[0]
    assert (line.unit_price, of(view).total) == (Decimal(price), Decimal(total))
    assert view.proposal is not None
    assert view.proposal.unit_price == Decimal("12.50")


async def test_an_edit_of_a_proposal_without_a_price_takes_that_of_the_plan_and_the_same_quantity_takes_none(
    book: OrderBook, propose: Propose
) -> None:
    edited = await propose(unit_price=None)
    approved = await propose(unit_price=None, product_id="NUTS")

    first = await book.reviews.decide(edited.id, decision="edit", quantity=41, reason="x", decided_by="anna")
    second = await book.reviews.decide(approved.id, decision="approve", reason="x", decided_by="anna")

    assert of(first).total == Decimal("512.50")
    assert (of(second).items[0].unit_price, of(second).total) == (None, None)


async def test_an_order_s_row_holds_all_that_was_proposed(place: Any, rows: Any) -> None:
    order = of(await place(requested_by_id="key_erp"))

    (row,) = rows(orders)
    assert order.placed_by_id == row["placed_by_id"] == "key_erp"
    assert (row["product_name"], row["supplier_name"], row["source_location"]) == (
        "Bolts M8 – verzinkt",
        "Acme Fasteners",
        None,
    )
    assert (row["product_version"], row["proposal_number"], row["provider"]) == (1, 1, "rules")
    assert order.due_at - order.created_at == WEEK
    assert order.cover_days == round(40 / 4.25, 2)


@pytest.mark.parametrize(("lead", "days"), [(0, 1), (0.5, 1), (1.5, 1.5), (36_500, 36_500), (40_000, 36_500)])
@pytest.mark.parametrize("mode", ["input", "database"])
async def test_an_order_is_due_after_a_day_at_least_and_a_century_at_most(
    place: Any, lead: float, days: float, mode: str
) -> None:
    order = of(await place(lead_time_days=lead, mode=mode))

    assert order.due_at - order.created_at == timedelta(days=days)


@pytest.mark.parametrize(("daily", "cover"), [(0.0, None), (0.5, 80.0), (3.0, 13.33)])
async def test_the_cover_is_what_the_expected_demand_makes_of_the_quantity(
    place: Any, new_proposal: Any, daily: float, cover: float | None
) -> None:
    the_plan = new_proposal("x").plan.model_copy(update={"mean_per_day": daily})

    assert of(await place(plan=the_plan)).cover_days == cover


async def test_a_transfer_is_numbered_and_typed_as_such_and_a_purchase_as_one(place: Any) -> None:
    moved = of(await place(action="transfer", source_location="DEPOT"))
    bought = of(await place(product_id="NUTS"))

    assert (moved.type, moved.number[:2], moved.source_location) == ("transfer", "TR", "DEPOT")
    assert (bought.type, bought.number[:2], bought.source_location) == ("purchase_order", "PO", None)


async def test_numbers_begin_anew_each_year_and_are_of_the_year_of_placing(
    memory: InMemory, propose: Propose, rows: Any
) -> None:
    numbers = []
    for year in (2030, 2030, 2031):
        proposal = await propose("auto", product_id=f"P{len(numbers)}")
        version = ProductVersion(1, datetime(year, 12, 31, 23, 59, tzinfo=UTC))
        with memory.engine.begin() as connection:
            order = placing.place_order(
                connection, proposal, quantity=7, placed_by=ANNA, answered_by="key_anna", version=version
            )
        numbers.append(order.number)
        assert (order.created_at, order.items[0].quantity, order.placed_by) == (version.taken_at, 7, "anna")

    assert numbers == ["PO-2030-000001", "PO-2030-000002", "PO-2031-000001"]
    assert {row["name"]: row["value"] for row in rows(counters)} == {
        "PO-2030": 2,
        "PD-2030": 1,
        "PO-2031": 1,
    }


async def test_a_number_that_is_taken_is_not_said_to_be_the_run_s_own_order(
    place: Any, propose: Propose, book: OrderBook, change: Any
) -> None:
    await place()
    change(sa.update(counters).values(value=0))
    other = await propose("auto", product_id="NUTS")

    with pytest.raises(sa.exc.IntegrityError):
        await book.orders.place(other.run_id)


@pytest.mark.parametrize(
    ("mode", "known_by"), [("database", "supplier_id"), ("mock", "supplier_id"), ("input", "supplier_name")]
)
async def test_a_catalogue_s_supplier_has_one_draft_by_its_id_and_a_stated_one_by_its_name(
    place: Any, mode: str, known_by: str
) -> None:
    first = of(await place(mode=mode, product_id="P1"))
    other = {"supplier_id": "OTHER", "supplier_name": "Other"}
    renamed = of(await place(mode=mode, product_id="P2", **{**other, known_by: first.model_dump()[known_by]}))
    namesake = of(await place(mode=mode, product_id="P3", **{known_by: other[known_by]}))

    assert renamed.purchase_order == first.purchase_order != namesake.purchase_order


async def test_placing_clears_the_text_of_an_attempt_that_failed_before(
    book: OrderBook, place: Any, propose: Propose, change: Any
) -> None:
    proposal = await propose("auto")
    change(sa.update(runs).values(failure="gave up"))

    view = await book.orders.place(proposal.run_id)

    assert (view.run.status, view.run.failure) == ("executed", None)
    assert view.run.finished_at is not None


async def test_a_product_s_numbers_count_up_by_product_and_mode(memory: InMemory, rows: Any) -> None:
    with memory.engine.begin() as connection:
        taken = [placing.next_version(connection, *about) for about in [("A", "mock"), ("A", "mock"), ("A", "input")]]

    assert [version.number for version in taken] == [1, 2, 1]
    assert abs(taken[0].taken_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert len(rows(product_versions)) == 2


async def test_every_event_has_an_id_of_its_own_and_tells_of_its_run(memory: InMemory, place: Any, rows: Any) -> None:
    order = of(await place())
    with memory.engine.begin() as connection:
        placing.send(connection, "order.received", order.run_id, {"a": 1}, occasion="first")

    placed, received = rows(outbox)
    assert (placed["event"], placed["run_id"], placed["occasion"]) == ("order.placed", order.run_id, "")
    assert Order.model_validate(placed["payload"]) == order
    assert (received["occasion"], received["payload"]) == ("first", {"a": 1})
    assert placed["event_id"] != received["event_id"]
    assert all(len(row["event_id"]) == 36 and row["event_id"].startswith("msg_") for row in (placed, received))
    assert all(abs(row["created_at"] - datetime.now(UTC)) < timedelta(minutes=1) for row in (placed, received))


ON_RECORD = {
    "product_id": "BOLTS",
    "location": "SHOP",
    "action": "purchase_order",
    "quantity": 40,
    "unit_price": "12.50",
    "currency": "EUR",
    "supplier_id": "ACME",
    "provider": "rules",
    "requested_by": "erp",
    "requested_by_id": "",
    "review_reasons": [],
    "value": "500.00",
    "confidence": 0.83,
    "planned_quantity": 40,
    "inventory_position": 30.0,
    "reorder_point": 44.1,
}


async def test_the_trail_of_an_order_tells_proposal_plan_and_order(place: Any, rows: Any) -> None:
    order = of(await place())

    (entry,) = rows(audit)
    assert entry["figures"] == ON_RECORD | {"ordered_quantity": 40, "ordered_value": "500.00"}
    assert (entry["event"], entry["actor"], entry["actor_id"]) == ("order.placed", "automatic", "")
    assert (entry["run_id"], entry["proposal_number"], entry["proposal_version"], entry["order_number"]) == (
        order.run_id,
        1,
        1,
        order.number,
    )
    assert abs(entry["at"] - datetime.now(UTC)) < timedelta(minutes=1)


async def test_the_trail_of_a_review_has_no_order_and_no_value_where_no_price_is_known(
    book: OrderBook, propose: Propose, rows: Any
) -> None:
    review = await propose(unit_price=None)
    await book.reviews.decide(review.id, decision="approve", reason="yes", decided_by="anna", decided_by_id="key_anna")

    opened, placed, approved = rows(audit)
    assert opened["figures"] == ON_RECORD | {"unit_price": None, "value": None}
    assert (opened["actor"], opened["order_number"]) == ("service", None)
    assert (placed["figures"]["ordered_quantity"], placed["figures"]["ordered_value"]) == (40, None)
    assert (approved["actor"], approved["actor_id"], approved["figures"]["reason"]) == ("anna", "key_anna", "yes")
    assert approved["order_number"] == placed["order_number"] is not None


async def test_the_newest_order_since_a_run_began_is_what_holds_it(
    book: OrderBook, begin: Begin, propose: Propose, place: Any
) -> None:
    late = await begin()
    first = of(await place())
    second = of(await place())

    held = await book.orders.place((await propose("auto", run=late)).run_id)

    assert (held.run.status, held.order) == ("pending_review", None)
    assert reasons(held) == (f"{second.number} for BOLTS was placed while this run was deciding",)
    assert first.number != second.number


@pytest.mark.parametrize(("minutes", "status"), [(-1, "pending"), (0, "superseded"), (1, "superseded")])
async def test_a_run_supersedes_the_review_of_one_that_began_no_later(
    book: OrderBook, begin: Begin, propose: Propose, change: Any, rows: Any, minutes: int, status: str
) -> None:
    review, other = await propose(), await propose(product_id="NUTS")
    since = review.created_at + timedelta(minutes=minutes)
    run = await begin()
    change(sa.update(runs).where(runs.c.id == review.run_id).values(created_at=review.created_at))
    change(sa.update(runs).where(runs.c.id == run).values(created_at=since))

    newer = await propose(run=run)

    assert [row["status"] for row in rows(proposals)] == [status, "pending", "pending"]
    assert newer.supersedes == (review.id if status == "superseded" else None)
    assert newer.version == (2 if status == "superseded" else 1)
    assert (await book.reviews.get(other.id)).status == "pending"


async def test_an_order_and_a_review_together_are_told_by_the_order(
    book: OrderBook, begin: Begin, propose: Propose, place: Any, change: Any
) -> None:
    waiting, late = await begin(), await begin()
    change(sa.update(runs).where(runs.c.id == late).values(created_at=datetime.now(UTC) - timedelta(minutes=1)))
    order = of(await place())
    await propose(run=waiting)

    held = await book.orders.place((await propose("auto", run=late)).run_id)

    assert reasons(held) == (f"{order.number} for BOLTS was placed while this run was deciding",)


@pytest.mark.parametrize(
    "other",
    [
        {"product_id": "NUTS"},
        {"location": "DEPOT"},
        {"mode": "mock"},
        {"action": "transfer", "source_location": "YARD", "location": "DEPOT"},
    ],
)
async def test_what_was_placed_for_another_need_holds_nothing(
    book: OrderBook, begin: Begin, propose: Propose, place: Any, other: dict[str, Any]
) -> None:
    late = await begin()
    await place(**other)

    assert (await book.orders.place((await propose("auto", run=late)).run_id)).order is not None


async def test_stock_that_was_given_away_meanwhile_holds_the_order_that_counted_on_it(
    book: OrderBook, begin: Begin, propose: Propose, place: Any
) -> None:
    here, there = await begin(), await begin(location="YARD")
    given = of(await place(action="transfer", source_location="SHOP", location="DEPOT"))

    bought = await book.orders.place((await propose("auto", run=here)).run_id)
    moved = await propose("auto", run=there, location="YARD", action="transfer", source_location="SHOP")

    assert given.number in reasons(bought)[-1]
    assert given.number in reasons(await book.orders.place(moved.run_id))[-1]


async def test_a_run_s_own_order_does_not_stand_in_its_way(memory: InMemory, propose: Propose, place: Any) -> None:
    view = await place()
    assert view.proposal is not None

    with memory.engine.begin() as connection:
        assert placing.hindrance(connection, view.proposal) is None


@pytest.mark.parametrize(("hours", "ended"), [(None, "revoked"), (-1, "expired"), (1, None)])
@pytest.mark.parametrize("asked_by", ["key_erp", "key_other"])
async def test_only_the_end_of_the_key_that_asked_holds_an_order(
    book: OrderBook, place: Any, hours: float | None, ended: str | None, asked_by: str
) -> None:
    expires = None if hours is None else datetime.now(UTC) + timedelta(hours=hours)
    grant = Grant(name="erp", scopes=frozenset({"trigger"}), expires_at=expires)
    await book.keys.create("key_erp", "hash", "rsk", grant, by=SERVICE)
    if ended == "revoked":
        await book.keys.revoke("key_erp", by=SERVICE)

    view = await place(requested_by_id=asked_by)

    if ended and asked_by == "key_erp":
        assert reasons(view) == ("Key 'erp', which asked for this, was revoked or has expired",)
    else:
        assert view.order is not None


async def test_a_review_takes_its_product_s_lock_before_it_looks_for_orders(
    memory: InMemory, propose: Propose, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    look = placing.hindrance

    def looked(connection: sa.Connection, proposal: Proposal) -> str | None:
        seen.append(connection.scalar(sa.select(product_versions.c.version)) or 0)
        return look(connection, proposal)

    monkeypatch.setattr(orders_module, "hindrance", looked)

    await propose("review")

    assert seen == [1]
    assert [(row["product_id"], row["mode"], row["version"]) for row in rows(product_versions)] == [
        ("BOLTS", "database", 1)
    ]


async def test_opening_a_review_leaves_the_run_waiting_and_tells_once(
    book: OrderBook, propose: Propose, rows: Any
) -> None:
    review = await propose(review_reasons=("value",), hours=5)

    (run,) = rows(runs)
    assert (run["status"], run["thread_waits"], run["finished_at"]) == ("pending_review", True, None)
    assert (review.status, review.version, review.review_reasons) == ("pending", 1, ("value",))
    assert review.expires_at is not None
    assert review.expires_at - review.created_at == timedelta(hours=5)
    (event,) = rows(outbox)
    assert event["event"] == "review.opened"
    assert event["payload"]["review_reasons"] == ["value"]
    assert (event["payload"]["id"], event["payload"]["status"]) == (review.id, "pending")
    assert "plan" not in event["payload"]


async def test_an_order_that_was_held_is_a_new_version_with_the_obstacle_last(
    book: OrderBook, begin: Begin, propose: Propose, place: Any, rows: Any
) -> None:
    late = await begin()
    await place()

    held = await book.orders.place((await propose("auto", run=late, review_reasons=("mine",))).run_id)

    assert held.proposal is not None
    assert (held.proposal.status, held.proposal.version) == ("pending", 2)
    assert held.proposal.review_reasons[0] == "mine"
    assert len(held.proposal.review_reasons) == 2
    assert [row["event"] for row in rows(outbox)] == ["order.placed", "review.opened"]
    assert [row["status"] for row in rows(proposals)] == ["placed", "pending"]


async def test_an_order_that_finds_no_room_becomes_a_review_and_takes_nothing(
    memory: InMemory, begin: Begin, propose: Propose, new_proposal: Any
) -> None:
    limit = DayLimit(amount=Decimal(500), currency="EUR", exchange_rates={})
    book = OrderBook(memory, day_limit=limit)  # type: ignore[arg-type]

    first = await book.orders.place((await propose("auto")).run_id)
    second = await book.orders.place((await propose("auto", product_id="NUTS")).run_id)
    moved = await propose("auto", product_id="RIVETS", action="transfer", source_location="DEPOT")

    assert (first.order is not None, second.order) == (True, None)
    assert "500.00 EUR a day together, of which 0.00 EUR are left" in reasons(second)[-1]
    assert (await book.orders.place(moved.run_id)).order is not None


async def test_the_limits_are_those_of_the_key_that_asked_and_of_today(book: OrderBook, place: Any) -> None:
    for name, most in (("key_erp", 600), ("key_shop", 400)):
        grant = Grant(name=name, scopes=frozenset(), limits=(Limit(currency="EUR", per_day=Decimal(most)),))
        await book.keys.create(name, name, "rsk", grant, by=SERVICE)

    wide, narrow = await place(requested_by_id="key_erp"), await place(requested_by_id="key_shop", product_id="NUTS")

    assert wide.order is not None
    assert "Key 'erp' may spend 400.00 EUR a day; this order is 500.00 EUR." in reasons(narrow)


async def test_of_a_run_that_is_placed_the_proposal_no_longer_expires(place: Any, rows: Any) -> None:
    await place(hours=1)

    (row,) = rows(proposals)
    assert (row["status"], row["expires_at"], row["version"]) == ("placed", None, 1)


async def test_placing_and_proposing_at_once_keeps_hours_and_owner(
    book: OrderBook, begin: Begin, new_proposal: Any, place: Any
) -> None:
    late, lost = await begin(), await begin(product_id="NUTS")
    await place()

    held = await book.orders.place(late, new=new_proposal(late), expires_in_hours=5, owner="w1")

    assert held.proposal is not None
    assert held.proposal.expires_at is not None
    assert held.proposal.expires_at - held.proposal.created_at == timedelta(hours=5)
    with pytest.raises(RunLost, match="taken over"):
        await book.orders.place(lost, new=new_proposal(lost, product_id="NUTS"), owner="w2")
    assert (await book.runs.get(lost)).proposal is None


async def test_only_the_holder_of_a_run_places_what_was_proposed_and_whoever_is_not_asked_may(
    book: OrderBook, propose: Propose
) -> None:
    run = (await propose("auto")).run_id

    with pytest.raises(RunLost, match=f"Run {run} has been taken over"):
        await book.orders.place(run, owner="w2")
    assert (await book.orders.place(run, owner="w1")).order is not None


async def test_no_expiry_is_longer_than_ten_years(propose: Propose) -> None:
    review = await propose(hours=1e9)

    assert review.expires_at is not None
    assert review.expires_at - review.created_at == timedelta(hours=MAX_EXPIRY_HOURS) == timedelta(days=3650)


@pytest.mark.parametrize(
    ("route", "action", "quantity", "fits"),
    [
        ("auto", "purchase_order", 1, True),
        ("auto", "purchase_order", 0, False),
        ("auto", "none", 1, False),
        ("none", "none", 0, True),
        ("none", "purchase_order", 0, True),
        ("none", "none", 1, True),
        ("none", "purchase_order", 1, False),
        ("review", "none", 0, True),
        ("review", "purchase_order", MAX_QUANTITY, True),
        ("review", "purchase_order", MAX_QUANTITY + 1, False),
    ],
)
async def test_a_route_takes_what_fits_it(
    propose: Propose, rows: Any, route: str, action: str, quantity: int, fits: bool
) -> None:
    if fits:
        assert (await propose(route, action=action, quantity=quantity)).quantity == quantity
        return
    with pytest.raises(InvalidQuantity):
        await propose(route, action=action, quantity=quantity)
    assert rows(proposals) == []


async def test_closing_without_an_order_is_told_and_on_record(propose: Propose, rows: Any) -> None:
    proposal = await propose("none", action="none", quantity=0)

    (run,), (event,), (entry,) = rows(runs), rows(outbox), rows(audit)
    assert (run["status"], run["thread_waits"]) == ("no_action", False)
    assert run["finished_at"] is not None
    assert (event["event"], event["payload"]["id"]) == ("run.no_action", proposal.id)
    assert (entry["event"], entry["actor"]) == ("run.no_action", "automatic")
    assert (proposal.status, proposal.expires_at) == ("no_action", None)


async def test_what_a_run_is_about_is_all_of_product_location_and_mode(
    book: OrderBook, begin: Begin, new_proposal: Any
) -> None:
    run = await begin()
    for change in ({"product_id": "NUTS"}, {"location": "DEPOT"}, {"mode": "mock"}):
        with pytest.raises(InvalidInput, match=r"about BOLTS at SHOP \(database\)"):
            await book.orders.propose(new_proposal(run, **change), route="review", expires_in_hours=1)


async def test_an_ended_run_says_what_it_is(book: OrderBook, begin: Begin, propose: Propose, new_proposal: Any) -> None:
    bare, proposed = await begin(), (await propose("auto")).run_id
    for run in (bare, proposed):
        await book.runs.fail(run, "gave up")

    with pytest.raises(Conflict, match=r"is failed; a proposal needs a run that is still running"):
        await book.orders.propose(new_proposal(bare), route="review", expires_in_hours=1)
    with pytest.raises(Conflict, match="is failed and its proposal proposed; it has nothing to place"):
        await book.orders.place(proposed)


async def test_orders_are_listed_by_status_product_and_page(book: OrderBook, place: Any, change: Any) -> None:
    placed = [of(await place(product_id=name)) for name in ("A", "B", "A", "B")]
    numbers = [order.number for order in placed]
    for number, status in zip(numbers, ("received", "sent", "placed", "partly_received"), strict=True):
        change(sa.update(orders).where(orders.c.number == number).values(status=status))
    past = datetime.now(UTC) - timedelta(days=2)
    change(sa.update(orders).where(orders.c.number.in_(numbers[:2])).values(due_at=past))

    async def listed(**how: Any) -> list[int]:
        return [numbers.index(order.number) for order in await book.orders.page(**how)]

    assert await listed() == [3, 2, 1, 0]
    assert await listed(limit=2, before=numbers[3]) == [2, 1]
    assert await listed(filters=Filters(product_id="A")) == [2, 0]
    assert await listed(status="received") == [0]
    assert await listed(status="open") == [3, 2, 1]
    assert await listed(status="overdue") == [1]
    assert await listed(status="open", filters=Filters(product_id="B"), limit=1) == [3]
    statuses = [None, "open", "overdue", "received", "cancelled"]
    assert [await book.orders.count(status) for status in statuses] == [4, 3, 1, 1, 0]
    assert await book.orders.figures() == (3, 1)
    late = await book.orders.get(numbers[1])
    assert late.days_overdue == pytest.approx(2, abs=0.01)
    assert [order.number for order in await open_orders(book, "B", "SHOP", "database")] == [numbers[3], numbers[1]]
    assert await open_orders(book, "B", "DEPOT", "database") == await open_orders(book, "B", None, "mock") == []
    with pytest.raises(UnknownOrder, match="Use the last number of the page before"):
        await book.orders.page(before="PO-1")


async def test_of_some_orders_those_that_another_key_asked_for_are_told_apart(
    book: OrderBook, propose: Propose, new_run: Any, new_proposal: Any
) -> None:
    numbers = []
    for name in ("key_erp", "key_shop"):
        run = await record(book, new_run(requested_by_id=name, product_id=name), owner="w1", lease_seconds=60)
        await book.orders.propose(new_proposal(run.id, product_id=name), route="auto", expires_in_hours=1)
        numbers.append(of(await book.orders.place(run.id)).number)

    assert await book.orders.of_others(numbers, "key_erp") == {numbers[1]}
    assert await book.orders.of_others(numbers[:1], "key_erp") == frozenset()
    assert await book.orders.of_others(numbers, "key_other") == set(numbers)


async def test_what_was_bought_is_the_newest_purchases_of_one_stock_that_were_not_cancelled(
    book: OrderBook, place: Any, change: Any
) -> None:
    placed = [of(await place()).number for _ in range(22)]
    for other in ({"product_id": "NUTS"}, {"location": "DEPOT"}, {"mode": "mock"}):
        await place(**other)
    await place(action="transfer", source_location="YARD")
    change(sa.update(orders).where(orders.c.number == placed[-1]).values(status="cancelled"))
    change(sa.update(orders).where(orders.c.number == placed[-2]).values(status="received"))

    bought = [order.number for order in await book.orders.bought("BOLTS", "SHOP", "database")]

    assert bought == placed[-2:-22:-1]


async def test_an_approval_is_held_to_the_plan_s_bounds(book: OrderBook, propose: Propose, rows: Any) -> None:
    review = await propose(quantity=61)

    with pytest.raises(InvalidQuantity, match="61 is outside 20 to 60"):
        await book.reviews.decide(review.id, decision="approve", reason="x", decided_by="anna")
    with pytest.raises(InvalidQuantity, match="as an override"):
        await book.reviews.decide(review.id, decision="approve", reason="x", decided_by="anna", override=True)
    assert rows(orders) == rows(decisions) == []


@pytest.mark.parametrize("quantity", [20, 60])
async def test_both_bounds_may_be_ordered(book: OrderBook, propose: Propose, quantity: int) -> None:
    review = await propose()

    view = await book.reviews.decide(review.id, decision="edit", quantity=quantity, reason="x", decided_by="anna")

    assert of(view).items[0].quantity == quantity


@pytest.mark.parametrize("quantity", [None, 0, 10**15 + 1])
async def test_not_even_an_override_orders_nothing_or_too_much(
    book: OrderBook, propose: Propose, quantity: int | None
) -> None:
    review = await propose()

    with pytest.raises(InvalidQuantity, match="An edit needs the quantity to order"):
        await book.reviews.decide(
            review.id, decision="edit", quantity=quantity, reason="x", decided_by="anna", override=True
        )


@pytest.mark.parametrize(
    ("quantity", "event"),
    [(61, "review.overridden"), (1, "review.overridden"), (10**15, "review.overridden"), (45, "review.edited")],
)
async def test_an_override_is_named_only_where_a_rule_was_broken(
    book: OrderBook, propose: Propose, rows: Any, quantity: int, event: str
) -> None:
    review = await propose()

    view = await book.reviews.decide(
        review.id, decision="edit", quantity=quantity, reason="x", decided_by="anna", override=True
    )

    entry = rows(audit)[-1]
    assert of(view).items[0].quantity == quantity
    assert entry["event"] == event
    assert ("overridden" in entry["figures"]) is (event == "review.overridden")


async def test_an_infeasible_plan_orders_nothing_by_an_approval_and_is_not_closed_by_it(
    book: OrderBook, propose: Propose, new_proposal: Any
) -> None:
    the_plan = new_proposal("x").plan.model_copy(update={"infeasible": "The minimum is above the cap."})
    review = await propose(action="none", quantity=0, plan=the_plan)

    with pytest.raises(InvalidQuantity, match="minimum is above the cap"):
        await book.reviews.decide(review.id, decision="approve", reason="x", decided_by="anna")
    view = await book.reviews.decide(review.id, decision="reject", reason="x", decided_by="anna")
    assert (view.run.status, view.order) == ("rejected", None)


@pytest.mark.parametrize("quantity", [0, 40])
async def test_approving_to_order_nothing_closes_the_run_without_an_order(
    book: OrderBook, propose: Propose, rows: Any, quantity: int
) -> None:
    review = await propose(action="none", quantity=quantity)

    view = await book.reviews.decide(review.id, decision="approve", reason="right", decided_by="anna")

    assert (view.run.status, view.order) == ("no_action", None)
    (made,) = rows(decisions)
    assert (made["decision"], made["quantity"], made["proposal_version"]) == ("approve", None, 1)


@pytest.mark.parametrize(
    ("decision", "status"), [("approve", "approved"), ("edit", "approved"), ("reject", "rejected")]
)
async def test_a_decision_is_written_down_whole(
    book: OrderBook, propose: Propose, rows: Any, decision: Any, status: str
) -> None:
    review = await propose()
    quantity = 41 if decision == "edit" else None

    view = await book.reviews.decide(
        review.id, decision=decision, quantity=quantity, reason="why", decided_by="anna", decided_by_id="key_anna"
    )

    decided = view.proposal
    assert decided is not None
    assert (decided.status, decided.decided_by, decided.decided_by_id, decided.decision_reason) == (
        status,
        "anna",
        "key_anna",
        "why",
    )
    (made,) = rows(decisions)
    assert made["decided_at"] == decided.decided_at is not None
    assert (made["decision"], made["reason"], made["decided_by"], made["decided_by_id"]) == (
        decision,
        "why",
        "anna",
        "key_anna",
    )
    assert made["quantity"] == {"approve": 40, "edit": 41, "reject": None}[decision]
    told = rows(outbox)[-1]
    assert (told["event"], told["payload"]["decision"], told["payload"]["decided_by"]) == (
        "review.decided",
        decision,
        "anna",
    )
    if view.order is not None:
        assert (view.order.placed_by, view.order.placed_by_id) == ("anna", "key_anna")
    assert rows(audit)[-1]["event"] == {"approve": "review.approved", "edit": "review.edited"}.get(
        decision, "review.rejected"
    )


async def test_who_comes_second_is_told_what_came_first(book: OrderBook, propose: Propose) -> None:
    rejected, edited = await propose(), await propose(product_id="NUTS")
    await book.reviews.decide(rejected.id, decision="reject", reason="x", decided_by="anna")
    view = await book.reviews.decide(edited.id, decision="edit", quantity=41, reason="x", decided_by="anna")

    async def second(review: Proposal) -> str:
        with pytest.raises(AlreadyDecided) as refusal:
            await book.reviews.decide(review.id, decision="approve", reason="x", decided_by="ben")
        return refusal.value.message

    assert "(nothing was ordered); a review is decided only once." in await second(rejected)
    assert f"(41 units ordered as {of(view).number})" in await second(edited)


async def test_the_same_decision_again_may_name_what_it_named_before(book: OrderBook, propose: Propose) -> None:
    review = await propose()
    how: dict[str, Any] = {"decision": "edit", "quantity": 41, "reason": "x", "decided_by": "anna"}
    await book.reviews.decide(review.id, **how)

    assert (await book.reviews.decide(review.id, **how, version=1)).standing
    assert (await book.reviews.decide(review.id, **(how | {"quantity": None}))).standing
    for other in ({"version": 2}, {"quantity": 42}, {"decided_by_id": "key_x"}):
        with pytest.raises(AlreadyDecided):
            await book.reviews.decide(review.id, **(how | other))


async def test_all_overdue_reviews_expire_at_one_look(book: OrderBook, propose: Propose, rows: Any) -> None:
    for name in ("A", "B", "C"):
        await propose(product_id=name, hours=0)
    await propose(product_id="D", hours=1)

    assert [review.product_id for review in await book.reviews.page("pending")] == ["D"]

    assert [row["status"] for row in rows(proposals)] == ["expired"] * 3 + ["pending"]
    assert [row["status"] for row in rows(runs)] == ["expired"] * 3 + ["pending_review"]
    assert [row["event"] for row in rows(outbox)].count("review.expired") == 3


async def test_one_look_at_an_overdue_review_shows_it_expired(book: OrderBook, propose: Propose) -> None:
    review = await propose(hours=0)

    assert (await book.reviews.get(review.id)).status == "expired"
    with pytest.raises(AlreadyDecided, match=r"expired at .* UTC; trigger BOLTS again"):
        await book.reviews.decide(review.id, decision="approve", reason="x", decided_by="anna")


async def test_an_overdue_review_that_nobody_has_looked_at_is_not_decided(book: OrderBook, propose: Propose) -> None:
    review = await propose(hours=0)

    with pytest.raises(AlreadyDecided, match=r"expired at .* UTC; trigger BOLTS again"):
        await book.reviews.decide(review.id, decision="approve", reason="x", decided_by="anna")


async def test_the_queue_s_age_is_that_of_its_oldest_review(book: OrderBook, propose: Propose, change: Any) -> None:
    assert await book.reviews.figures() == (0, 0.0)
    for name, age in (("A", 30), ("B", 90), ("C", 10)):
        review = await propose(product_id=name)
        since = datetime.now(UTC) - timedelta(minutes=age)
        change(sa.update(proposals).where(proposals.c.run_id == review.run_id).values(created_at=since))
    await propose(product_id="D", hours=0)

    count, seconds = await book.reviews.figures()

    assert count == 3
    assert seconds == pytest.approx(90 * 60, abs=30)


async def test_after_a_clock_was_set_back_the_oldest_review_has_no_age(
    book: OrderBook, propose: Propose, change: Any
) -> None:
    await propose()
    change(sa.update(proposals).values(created_at=datetime.now(UTC) + timedelta(hours=1)))

    assert await book.reviews.figures() == (1, 0.0)


async def test_reviews_are_paged_newest_first_by_status(book: OrderBook, propose: Propose) -> None:
    ids = [(await propose(product_id=name)).id for name in ("A", "B", "C", "D")]
    await propose("auto", product_id="E")
    await book.reviews.decide(ids[2], decision="reject", reason="x", decided_by="anna")

    async def listed(*how: Any, **more: Any) -> list[int]:
        return [ids.index(review.id) for review in await book.reviews.page(*how, **more)]

    assert await listed() == [3, 2, 1, 0]
    assert await listed("pending") == [3, 1, 0]
    assert await listed("rejected") == [2]
    assert await listed(None, 2) == [3, 2]
    assert await listed(before=ids[2]) == [1, 0]
    assert await listed("pending", 1, ids[3]) == [1]


async def test_reviews_are_counted_as_they_are_paged(book: OrderBook, propose: Propose) -> None:
    for name in ("A", "B", "C"):
        await propose(product_id=name)
    rejected = await propose(product_id="D", location="DEPOT")
    await propose("auto", product_id="E")
    await book.reviews.decide(rejected.id, decision="reject", reason="x", decided_by="anna")

    assert await book.reviews.count() == 4
    assert await book.reviews.count("pending") == 3
    assert await book.reviews.count("pending", Filters(product_id="B")) == 1
    assert await book.reviews.count(None, Filters(location="DEPOT")) == 1
    assert await book.reviews.count("expired") == 0


async def test_of_each_product_and_place_of_a_catalogue_the_newest_review_waits(
    book: OrderBook, propose: Propose, change: Any
) -> None:
    older, newer = await propose(product_id="A"), await propose(product_id="A")
    change(sa.update(proposals).where(proposals.c.run_id == older.run_id).values(status="pending"))
    elsewhere = await propose(product_id="A", location="DEPOT")
    await propose(product_id="B", hours=0)
    await propose(product_id="C", mode="mock")

    assert await book.reviews.waiting("database") == {("A", "SHOP"): newer.id, ("A", "DEPOT"): elsewhere.id}


@pytest.mark.parametrize(
    ("seen", "differs"),
    [
        ({"quantity": 39}, "the quantity is 40. Read"),
        ({"unit_price": Decimal(12)}, "the unit price is 12.50. Read"),
        ({"supplier": "Other"}, "the supplier is 'Acme Fasteners'. Read"),
        ({"quantity": 39, "supplier": "Other"}, "the quantity is 40 and the supplier is 'Acme Fasteners'. Read"),
    ],
)
async def test_an_approval_of_something_else_is_told_what_differs(
    book: OrderBook, propose: Propose, rows: Any, seen: dict[str, Any], differs: str
) -> None:
    review = await propose()

    with pytest.raises(AlreadyDecided) as refusal:
        await book.reviews.decide(review.id, decision="approve", reason="x", decided_by="anna", **seen)

    assert differs in refusal.value.message
    assert [row["status"] for row in rows(proposals)] == ["pending"]


async def test_an_edit_names_the_quantity_to_order_and_not_the_one_seen(book: OrderBook, propose: Propose) -> None:
    review = await propose()

    view = await book.reviews.decide(
        review.id,
        decision="edit",
        quantity=39,
        reason="x",
        decided_by="anna",
        unit_price=Decimal("12.5"),
        supplier="ACME",
    )

    assert of(view).items[0].quantity == 39


async def test_a_review_of_another_version_says_which_it_is_at(book: OrderBook, propose: Propose) -> None:
    review = await propose()

    with pytest.raises(AlreadyDecided, match="at version 1, not 2"):
        await book.reviews.decide(review.id, version=2, decision="approve", reason="x", decided_by="anna")
    assert (await book.reviews.decide(review.id, version=1, decision="approve", reason="x", decided_by="a")).order


async def test_what_never_waited_cannot_be_decided(book: OrderBook, propose: Propose) -> None:
    proposal = await propose("auto")

    with pytest.raises(AlreadyDecided, match="is proposed and was never open for review"):
        await book.reviews.decide(proposal.id, decision="approve", reason="x", decided_by="anna")


async def test_a_decision_takes_the_next_number_of_its_product(book: OrderBook, propose: Propose, rows: Any) -> None:
    review = await propose()
    await book.reviews.decide(review.id, decision="approve", reason="x", decided_by="anna")

    assert [row["version"] for row in rows(product_versions)] == [2]
    assert [row["product_version"] for row in rows(orders)] == [2]


async def test_an_approver_s_limit_counts_on_the_day_of_the_order(book: OrderBook, propose: Propose) -> None:
    grant = Grant(name="anna", scopes=frozenset({"approve"}), limits=(Limit(currency="EUR", per_day=Decimal(500)),))
    await book.keys.create("key_anna", "hash", "rsk", grant, by=SERVICE)
    first, second = await propose(), await propose(product_id="NUTS")
    how: dict[str, Any] = {"decision": "approve", "reason": "x", "decided_by": "anna", "decided_by_id": "key_anna"}

    await book.reviews.decide(first.id, **how)
    with pytest.raises(Exception, match=r"a day, of which 0.00 EUR are left"):
        await book.reviews.decide(second.id, **how)


async def test_without_an_override_no_edit_leaves_the_bounds(book: OrderBook, propose: Propose) -> None:
    review = await propose()

    with pytest.raises(InvalidQuantity, match="as an override with a reason"):
        await book.reviews.decide(review.id, decision="edit", quantity=61, reason="x", decided_by="anna")


async def test_a_review_names_the_one_whose_place_it_took_if_there_is_one(book: OrderBook, propose: Propose) -> None:
    first = await propose()
    second = await propose()

    assert await book.reviews.superseded_by(first) is None
    superseded = await book.reviews.superseded_by(second)
    assert superseded is not None
    assert (superseded.id, superseded.status) == (first.id, "superseded")


async def test_a_review_that_never_was_is_named_and_neither_shown_nor_decided(book: OrderBook) -> None:
    with pytest.raises(UnknownReview, match="No review 'RV-000009'"):
        await book.reviews.get("RV-000009")
    with pytest.raises(UnknownReview, match="No review 'RV-000009'"):
        await book.reviews.decide("RV-000009", decision="reject", reason="x", decided_by="anna")


async def test_a_page_has_a_size_where_nobody_asks_for_one(
    memory: InMemory, book: OrderBook, place: Any, propose: Propose, rows: Any
) -> None:
    await place()
    await propose(product_id="NUTS")
    (order,), (_, review) = rows(orders), rows(proposals)
    with memory.engine.begin() as connection:
        for number in range(10, 61):
            copy = {"run_id": str(number), "number": number}
            connection.execute(sa.insert(proposals).values(dict(review) | copy))
            copy |= {"number": f"PO-{number}", "sequence": number, "proposal_number": number}
            connection.execute(sa.insert(orders).values(dict(order) | copy))

    assert len(await book.reviews.page()) == len(await book.orders.page()) == 50
    assert len(await book.reviews.page(limit=60)) == len(await book.orders.page(60)) == 52
