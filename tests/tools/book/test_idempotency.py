import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tools.book.book import OrderBook
from tools.records.errors import IdempotencyMismatch, InFlight
from tools.storage.caller_schema import idempotency


async def test_the_first_request_is_answered_and_a_repeated_one_gets_the_same(book: OrderBook) -> None:
    assert await book.answers.begin("k", "erp", "hash") is None
    await book.answers.finish("k", "erp", '{"note": "ü"}')
    assert await book.answers.begin("k", "erp", "hash") == '{"note": "ü"}'


async def test_another_body_under_the_same_key_is_refused(book: OrderBook) -> None:
    await book.answers.begin("k", "erp", "hash")
    with pytest.raises(IdempotencyMismatch):
        await book.answers.begin("k", "erp", "other")
    await book.answers.finish("k", "erp", "{}")
    with pytest.raises(IdempotencyMismatch):
        await book.answers.begin("k", "erp", "other")


async def test_a_key_belongs_to_its_caller(book: OrderBook) -> None:
    await book.answers.begin("k", "erp", "hash")
    assert await book.answers.begin("k", "shop", "other") is None


async def test_while_the_first_is_being_answered_the_second_is_told_so(book: OrderBook) -> None:
    await book.answers.begin("k", "erp", "hash")
    with pytest.raises(InFlight):
        await book.answers.begin("k", "erp", "hash")


async def test_of_fifty_at_once_one_is_let_through(book: OrderBook) -> None:
    answers = await asyncio.gather(*(book.answers.begin("k", "erp", "hash") for _ in range(50)), return_exceptions=True)
    assert answers.count(None) == 1
    assert sum(isinstance(answer, InFlight) for answer in answers) == 49


async def test_a_key_whose_request_crashed_is_let_through_after_its_lease(book: OrderBook) -> None:
    await book.answers.begin("k", "erp", "hash", lease_seconds=0)
    with pytest.raises(IdempotencyMismatch):
        await book.answers.begin("k", "erp", "other")
    assert await book.answers.begin("k", "erp", "hash", lease_seconds=60) is None
    with pytest.raises(InFlight):
        await book.answers.begin("k", "erp", "hash")


async def test_an_answered_key_is_never_let_through_again(book: OrderBook) -> None:
    await book.answers.begin("k", "erp", "hash", lease_seconds=0)
    assert await book.answers.finish("k", "erp", "first") is None
    assert await book.answers.finish("k", "erp", "second") == "first"
    assert await book.answers.begin("k", "erp", "hash") == "first"


async def test_an_abandoned_key_may_be_used_again_and_an_answered_one_cannot_be_abandoned(book: OrderBook) -> None:
    await book.answers.begin("k", "erp", "hash")
    await book.answers.abandon("k", "erp")
    assert await book.answers.begin("k", "erp", "other") is None
    await book.answers.finish("k", "erp", "{}")
    await book.answers.abandon("k", "erp")
    assert await book.answers.begin("k", "erp", "other") is not None


async def test_an_answer_whose_hash_was_of_another_kind_is_given_for_any_body(book: OrderBook) -> None:
    await book.answers.begin("k", "erp", "")
    await book.answers.finish("k", "erp", "first")
    assert await book.answers.begin("k", "erp", "hash") == "first"


async def test_only_the_request_that_holds_a_key_answers_or_gives_it_back(book: OrderBook) -> None:
    await book.answers.begin("k", "erp", "hash")
    assert await book.answers.finish("k", "shop", "wrong caller") is None
    assert await book.answers.finish("j", "erp", "wrong key") is None
    await book.answers.abandon("k", "shop")
    await book.answers.abandon("j", "erp")
    with pytest.raises(InFlight):
        await book.answers.begin("k", "erp", "hash")
    assert await book.answers.finish("k", "erp", "answer") is None
    assert await book.answers.begin("k", "erp", "hash") == "answer"


async def test_a_lease_that_is_taken_up_is_held_for_its_own_time(book: OrderBook) -> None:
    await book.answers.begin("k", "erp", "hash", lease_seconds=0)
    assert await book.answers.begin("k", "erp", "hash", lease_seconds=0) is None
    assert await book.answers.begin("k", "erp", "hash") is None
    with pytest.raises(InFlight, match="few seconds"):
        await book.answers.begin("k", "erp", "hash", lease_seconds=0)


async def test_without_a_lease_a_key_is_held_for_a_minute(book: OrderBook, engine: sa.Engine) -> None:
    await book.answers.begin("k", "erp", "hash")
    with engine.connect() as connection:
        held = connection.execute(sa.select(idempotency.c.lease_until, idempotency.c.created_at)).one()
    assert held.lease_until - held.created_at == timedelta(seconds=60)


async def test_the_same_key_of_another_caller_keeps_its_own_answer(book: OrderBook) -> None:
    for caller in ("erp", "shop"):
        await book.answers.begin("k", caller, "hash")
        await book.answers.finish("k", caller, caller)
    assert await book.answers.begin("k", "erp", "hash") == "erp"
    assert await book.answers.begin("k", "shop", "hash") == "shop"


async def test_a_stored_answer_is_marked_as_a_good_one(book: OrderBook, engine: sa.Engine) -> None:
    await book.answers.begin("k", "erp", "hash")
    await book.answers.finish("k", "erp", "{}")
    with engine.connect() as connection:
        assert connection.scalar(sa.select(idempotency.c.status_code)) == 200
