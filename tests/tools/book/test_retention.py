"""What the order book forgets, and what it never does."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tests.order_book import record
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.conversations import NewAnswer
from tools.catalog.importing.direct import Level, set_levels
from tools.catalog.importing.record import ReadFile
from tools.catalog.imports import ImportStore
from tools.catalog.proposals import ProposalStore, SentFile
from tools.records.orders import NewProposal, NewRun
from tools.storage.caller_schema import conversations, idempotency
from tools.storage.catalogue_schema import imports
from tools.storage.schema import metadata, runs
from tools.storage.types import NowPlus

DAY = 86_400


@pytest.fixture
def aged(book: OrderBook) -> Callable[..., Any]:
    """Moves a table's times into the past."""

    async def age(table: sa.Table, column: str, *, days: float) -> None:
        with book.database.engine.begin() as connection:
            connection.execute(sa.update(table).values({column: NowPlus(-days * DAY)}))

    return age


async def rows(book: OrderBook, table: str) -> list[dict[str, Any]]:
    with book.database.engine.begin() as connection:
        return [dict(row) for row in connection.execute(sa.select(metadata.tables[table])).mappings()]


async def answered(book: OrderBook, key: str) -> None:
    await book.answers.begin(key, "erp", "hash")
    await book.answers.finish(key, "erp", "{}")


async def placed(book: OrderBook, run: NewRun, new_proposal: Callable[..., NewProposal]) -> str:
    await record(book, run, owner="w", lease_seconds=60)
    await book.orders.propose(new_proposal(run.id, product_id=run.product_id), route="auto", expires_in_hours=72)
    await book.orders.place(run.id)
    return run.id


async def test_answers_older_than_so_many_days_are_forgotten(book: OrderBook, aged: Callable[..., Any]) -> None:
    await answered(book, "old")
    await aged(idempotency, "created_at", days=8)
    await aged(idempotency, "lease_until", days=8)
    await answered(book, "fresh")

    assert await book.retention.forget_answers(days=7) == 1

    assert [row["key"] for row in await rows(book, "idempotency")] == ["fresh"]
    assert await book.retention.forget_answers(days=7) == 0


async def test_an_answer_that_is_still_being_worked_on_is_kept(book: OrderBook, aged: Callable[..., Any]) -> None:
    await book.answers.begin("k", "erp", "hash", lease_seconds=600)
    await aged(idempotency, "created_at", days=8)

    assert await book.retention.forget_answers(days=7) == 0


async def test_one_round_forgets_at_most_200(book: OrderBook, aged: Callable[..., Any]) -> None:
    with book.database.engine.begin() as connection:
        now = NowPlus(-8 * DAY)
        many = [{"key": f"k{number}"} for number in range(250)]
        insert = sa.insert(idempotency).values(caller="erp", body_hash="h", lease_until=now, created_at=now)
        connection.execute(insert, many)

    assert [await book.retention.forget_answers(days=7) for _ in range(3)] == [200, 50, 0]


async def test_conversations_go_by_their_last_use(book: OrderBook, aged: Callable[..., Any]) -> None:
    async def ask(name: str) -> None:
        number = await book.conversations.ask(name, "erp", "What is late?")
        await book.conversations.answer(name, number, NewAnswer(answer="Nothing.", provider="rules"))

    for name in ("old", "used"):
        await book.conversations.begin(name, "erp")
        await ask(name)
    for column in ("created_at", "used_at"):
        await aged(conversations, column, days=31)
    await ask("used")

    found = await book.retention.old_conversations(days=30)
    await book.retention.forget_conversations(found)

    assert found == ["old"]
    assert [row["id"] for row in await rows(book, "conversations")] == ["used"]
    assert {row["conversation_id"] for row in await rows(book, "turns")} == {"used"}


async def test_what_a_finished_run_was_sent_is_forgotten_and_what_came_of_it_is_not(
    book: OrderBook, new_run: Callable[..., NewRun], new_proposal: Callable[..., NewProposal], aged: Callable[..., Any]
) -> None:
    old = await placed(book, new_run(), new_proposal)
    await aged(runs, "finished_at", days=91)
    fresh = await placed(book, new_run(product_id="NUTS"), new_proposal)
    kept = {table: await rows(book, table) for table in ("proposals", "orders", "audit", "outbox")}
    before = await book.runs.get(old)

    found = await book.retention.old_requests(days=90)
    await book.retention.forget_requests(found)

    assert found == [old]
    assert (await book.runs.get(old)).order == before.order
    assert (await book.runs.get(old)).proposal == before.proposal
    assert {row["id"]: bool(row["request"]) for row in await rows(book, "runs")} == {old: False, fresh: True}
    assert {table: await rows(book, table) for table in kept} == kept
    assert await book.retention.old_requests(days=90) == []


@pytest.mark.parametrize("standing", ["running", "waits for a person", "has yet to be told"])
async def test_a_run_that_is_not_over_is_left_alone(
    book: OrderBook,
    new_run: Callable[..., NewRun],
    new_proposal: Callable[..., NewProposal],
    aged: Callable[..., Any],
    standing: str,
) -> None:
    await record(book, run := new_run(), owner="w", lease_seconds=60)
    if standing != "running":
        proposal = await book.orders.propose(new_proposal(run.id), route="review", expires_in_hours=72)
        if standing == "has yet to be told":
            await book.reviews.decide(
                proposal.id, version=None, decision="approve", quantity=None, reason="ok", decided_by="ann"
            )
    await aged(runs, "finished_at", days=91)

    assert await book.retention.old_requests(days=90) == []


async def test_records_of_imports_go_once_they_cannot_be_undone_and_the_audit_trail_stays(
    book: OrderBook, aged: Callable[..., Any]
) -> None:
    store, who = ImportStore(book.database), Actor(name="erp")
    file = ReadFile(name="POST /stock", kind="request", mapping={}, lines=1, faults=0)
    for on_hand in (4, 4, 5):  # The second changes nothing, so that there is nothing to undo.
        await store.change(file, set_levels([Level("A1", "MAIN", on_hand=on_hand)]), who)
    await ProposalStore(book.database).propose([SentFile("a.csv", b"SKU,On hand\nA1,4\n")], who)
    await aged(imports, "created_at", days=89)
    assert await book.retention.forget_imports(days=90) == 0
    await aged(imports, "created_at", days=91)

    assert await book.retention.forget_imports(days=90) == 1
    assert [record.number for record in await store.page(9)] == [4, 3, 1]
    await store.undo(3, who)
    assert [entry["event"] for entry in await rows(book, "audit")].count("import.done") == 3
