"""Money: no number of orders at once passes a limit, and whoever is refused is told why."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.order_book import record
from tools.book import placing, spending
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.keys import Grant
from tools.records.errors import LimitExceeded
from tools.records.money import DayLimit, Limit
from tools.records.orders import RunView
from tools.storage.caller_schema import api_keys
from tools.storage.caller_schema import spending as ledger
from tools.storage.database import Database
from tools.storage.types import NowPlus

ADMIN = Actor(name="admin")
ERP = "key_erp"


@pytest.fixture
def key(book: OrderBook):
    """Makes a key with limits in EUR."""

    async def make(
        key_id: str = ERP, *, scopes: tuple[str, ...] = ("trigger",), name: str = "erp", **most: Any
    ) -> None:
        limits = [Limit(currency="EUR", **{span: Decimal(amount) for span, amount in most.items()})] if most else []
        await book.keys.create(
            key_id,
            f"hash of {key_id}",
            "rsk",
            Grant(name=name, scopes=frozenset(scopes), limits=tuple(limits)),
            by=ADMIN,
        )

    return make


@pytest.fixture
def proposed(book: OrderBook, new_run, new_proposal):
    """Proposes orders of 40 units at 12.50 EUR, 500 EUR each, for as many products, all asked for with one key."""
    numbers = iter(range(10**6))

    async def propose(count: int = 1, *, route: str = "auto", **changes: Any) -> list[str]:
        runs = []
        for _ in range(count):
            about = {"product_id": f"P{next(numbers)}", "requested_by_id": ERP}
            run = await record(book, new_run(**about), owner="w1", lease_seconds=60)
            await book.orders.propose(new_proposal(run.id, **(about | changes)), route=route, expires_in_hours=1)
            runs.append(run.id)
        return runs

    return propose


async def place_all(book: OrderBook, runs: list[str]) -> list[RunView]:
    return await asyncio.gather(*(book.orders.place(run) for run in runs))


async def spent(engine: sa.Engine) -> dict[tuple[str, str], Decimal]:
    with engine.connect() as connection:
        rows = connection.execute(sa.select(ledger.c.account, ledger.c.period, ledger.c.spent)).all()
    return {
        (account, period if period == "total" else "day"): Decimal(amount) / 10**6 for account, period, amount in rows
    }


@pytest.mark.parametrize("span", ["per_day", "in_total"])
async def test_fifty_orders_at_once_never_pass_a_limit(
    book: OrderBook, engine: sa.Engine, key, proposed, span: str
) -> None:
    await key(**{span: "5200"})
    outcomes = await place_all(book, await proposed(50))
    placed = [outcome for outcome in outcomes if outcome.order]
    held = [outcome for outcome in outcomes if outcome.run.status == "pending_review"]
    assert (len(placed), len(held)) == (10, 40)
    assert list((await spent(engine)).values()) == [Decimal(5000)]
    assert "of which 200.00 EUR are left; this order is 500.00 EUR" in held[0].proposal.review_reasons[-1]


async def test_without_the_guard_they_would_pass_it(
    book: OrderBook, key, proposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault, to show that it is the guarded update that holds."""

    def take(*_: object) -> bool:
        return True

    await key(per_day="5200")
    monkeypatch.setattr(spending, "_take", take)
    outcomes = await place_all(book, await proposed(50))
    assert sum(outcome.order is not None for outcome in outcomes) == 50


async def test_fifty_orders_of_many_keys_never_pass_the_day_s_limit_of_all(
    database: Database, engine: sa.Engine, new_run, new_proposal, proposed
) -> None:
    book = OrderBook(
        database, day_limit=DayLimit(amount=Decimal(3000), currency="USD", exchange_rates={"EUR": Decimal(2)})
    )
    runs = [run for number in range(50) for run in await proposed(requested_by_id=f"key_{number}")]
    outcomes = await place_all(book, runs)
    assert sum(outcome.order is not None for outcome in outcomes) == 3
    assert (await spent(engine)) == {("*", "day"): Decimal(3000)}


async def test_what_one_limit_refuses_is_taken_from_no_other(
    database: Database, engine: sa.Engine, key, proposed
) -> None:
    book = OrderBook(database, day_limit=DayLimit(amount=Decimal(10_000), currency="EUR", exchange_rates={}))
    await key(per_day="600", in_total="400")
    (outcome,) = await place_all(book, await proposed())
    assert outcome.run.status == "pending_review"
    await book.keys.limit(ERP, [Limit(currency="EUR", per_day=Decimal(600), in_total=Decimal(700))], by=ADMIN)
    outcomes = await place_all(book, await proposed(2))
    assert sum(outcome.order is not None for outcome in outcomes) == 1
    assert set((await spent(engine)).values()) == {Decimal(500)}


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"per_order": "499.99"}, "Key 'erp' may spend 499.99 EUR on one order; this order is 500.00 EUR."),
        ({"per_day": "499.99"}, "Key 'erp' may spend 499.99 EUR a day; this order is 500.00 EUR."),
    ],
)
async def test_an_order_beyond_a_limit_waits_for_a_person_with_the_reason(
    book: OrderBook, key, proposed, limit: dict, reason: str
) -> None:
    await key(**limit)
    (run,) = await proposed()
    await book.orders.place(run)
    view = await book.runs.get(run)
    assert view.run.status == "pending_review"
    assert view.proposal is not None
    assert view.proposal.review_reasons == (reason,)


async def test_an_order_exactly_at_every_limit_is_placed(book: OrderBook, engine: sa.Engine, key, proposed) -> None:
    await key(per_order="500", per_day="500", in_total="500")
    await book.orders.place((await proposed())[0])
    assert await spent(engine) == {(ERP, "day"): Decimal(500), (ERP, "total"): Decimal(500)}


async def test_a_currency_without_a_limit_is_not_spent_by_a_key_with_limits(book: OrderBook, key, proposed) -> None:
    await key(per_day="10000")
    held = await book.orders.place((await proposed(currency="GBP"))[0])
    assert "none in GBP" in held.proposal.review_reasons[-1]


async def test_an_unknown_rate_sends_an_order_to_a_person(database: Database, proposed) -> None:
    book = OrderBook(database, day_limit=DayLimit(amount=Decimal(10_000), currency="USD", exchange_rates={}))
    held = await book.orders.place((await proposed())[0])
    assert "no exchange rate for EUR" in held.proposal.review_reasons[-1]


async def test_a_transfer_spends_nothing(book: OrderBook, engine: sa.Engine, key, proposed) -> None:
    await key(per_order="1")
    await book.orders.place((await proposed(action="transfer", source_location="DEPOT"))[0])
    assert await spent(engine) == {}


@pytest.mark.parametrize(("price", "words"), [(None, "No unit price"), (Decimal(0), "The unit price is 0")])
async def test_an_unknown_price_is_held_against_no_limit(
    book: OrderBook, key, proposed, price: Decimal | None, words: str
) -> None:
    await key(per_day="10000")
    held = await book.orders.place((await proposed(unit_price=price))[0])
    assert words in held.proposal.review_reasons[-1]


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
@pytest.mark.parametrize("action", ["purchase_order", "transfer"])
async def test_what_a_key_asked_for_is_not_placed_by_itself_once_it_has_ended(
    book: OrderBook, engine: sa.Engine, key, proposed, action: str, end: str
) -> None:
    await key()
    (run_id,) = await proposed(action=action)
    with engine.begin() as connection:
        connection.execute(sa.update(api_keys).values({end: NowPlus(-0.001)}))
    await book.orders.place(run_id)
    (held,) = await book.reviews.page("pending")
    assert "which asked for this, was revoked or has expired" in held.review_reasons[-1]


async def test_what_a_key_asked_for_is_placed_until_it_ends(book: OrderBook, engine: sa.Engine, key, proposed) -> None:
    await key()
    (run_id,) = await proposed()
    with engine.begin() as connection:
        connection.execute(sa.update(api_keys).values(expires_at=NowPlus(60)))
    assert (await book.orders.place(run_id)).order is not None


async def test_a_key_without_limits_leaves_no_line_in_the_ledger(
    book: OrderBook, engine: sa.Engine, key, proposed
) -> None:
    await key()
    await book.orders.place((await proposed())[0])
    assert await spent(engine) == {}


async def test_a_limit_costs_a_placing_one_statement_for_each_span_and_none_without(
    book: OrderBook, engine: sa.Engine, key, proposed
) -> None:
    sent: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: sent.append(given[2]))

    async def statements(**changes: Any) -> int:
        (run,) = await proposed(**changes)
        sent.clear()
        await book.orders.place(run)
        return len(sent)

    await key("key_free")
    await key("key_bound", per_order="500", per_day="500", in_total="500")
    await statements(requested_by_id="")  # The first order of a supplier begins a draft.
    alone = await statements(requested_by_id="")
    assert await statements(requested_by_id="key_free") == alone
    assert await statements(requested_by_id="key_bound") == alone + 2


async def test_what_a_key_spent_before_its_first_limit_counts(
    book: OrderBook, engine: sa.Engine, key, proposed
) -> None:
    await key()
    await book.orders.place((await proposed())[0])
    await book.keys.limit(ERP, [Limit(currency="EUR", per_day=Decimal(900))], by=ADMIN)
    assert (await spent(engine))[ERP, "day"] == Decimal(500)
    held = await book.orders.place((await proposed())[0])
    assert "400.00 EUR are left" in held.proposal.review_reasons[-1]


async def test_an_order_that_is_not_placed_after_all_gives_its_money_back(
    book: OrderBook, engine: sa.Engine, key, proposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object) -> None:
        raise ConnectionResetError

    await key(per_day="500")
    (run,) = await proposed()
    with monkeypatch.context() as broken:
        broken.setattr(placing, "send", break_off)
        with pytest.raises(ConnectionResetError):
            await book.orders.place(run)
    assert await spent(engine) == {}
    await book.orders.place(run)


@pytest.fixture
def approve(book: OrderBook, proposed):
    """Approves a fresh review of 500 EUR, asked for with the key ERP, with the key given."""

    async def decide(key_id: str, **changes: Any) -> str:
        (run,) = await proposed(route="review")
        review = (await book.runs.get(run)).proposal
        values = {"version": 1, "decision": "approve", "quantity": None, "reason": "ok", "decided_by": "boss"} | changes
        await book.reviews.decide(review.id, decided_by_id=key_id, **values)
        return run

    return decide


async def test_an_approval_beyond_the_approver_s_limit_is_refused_and_says_who_can(
    book: OrderBook, key, approve
) -> None:
    await key("key_small", scopes=("approve",), name="small", per_day="700")
    await key("key_chief", scopes=("approve",), name="chief")
    await key("key_equal", scopes=("approve",), name="equal", per_order="499")
    await key(ERP, scopes=("trigger", "approve"))
    await approve("key_small")
    with pytest.raises(LimitExceeded) as refusal:
        await approve("key_small")
    assert "may spend 700.00 EUR a day, of which 200.00 EUR are left; this order is 500.00 EUR" in refusal.value.message
    assert "These keys can approve it: 'chief';" in refusal.value.message
    assert (await book.reviews.page(status="pending"))[0].decided_by is None
    assert len(await book.orders.page()) == 1
    await approve("key_chief")


async def test_where_nobody_can_the_refusal_says_how_to_raise_the_limit(key, approve) -> None:
    await key("key_small", scopes=("approve",), name="small", per_order="1")
    with pytest.raises(LimitExceeded, match=r"No other key can .* restock keys limit key_small"):
        await approve("key_small")


async def test_a_rejection_needs_no_money(book: OrderBook, key, approve) -> None:
    await key("key_small", scopes=("approve",), per_order="1")
    run = await approve("key_small", decision="reject")
    assert (await book.runs.get(run)).run.status == "rejected"


async def test_an_edit_is_held_against_the_limit_at_its_own_value(book: OrderBook, key, approve) -> None:
    await key("key_small", scopes=("approve",), per_order="400")
    with pytest.raises(LimitExceeded):
        await approve("key_small", decision="edit", quantity=33)
    run = await approve("key_small", decision="edit", quantity=32)
    order = (await book.runs.get(run)).order
    assert order is not None
    assert order.total == Decimal(400)


async def test_fifty_approvals_at_once_never_pass_the_approver_s_limit(
    book: OrderBook, engine: sa.Engine, key, approve
) -> None:
    await key("key_small", scopes=("approve",), per_day="2600")
    outcomes = await asyncio.gather(*(approve("key_small") for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(outcome, LimitExceeded) for outcome in outcomes) == 45
    assert len(await book.orders.page()) == 5
    assert await spent(engine) == {("key_small", "day"): Decimal(2500)}
