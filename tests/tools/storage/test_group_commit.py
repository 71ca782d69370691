import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.book.book import OrderBook
from tools.records.errors import Unavailable
from tools.storage import sqlite_driver
from tools.storage.database import create_engine, migrate
from tools.storage.schema import counters


def adds(name: str, *, fails: bool = False):
    async def work(connection: AsyncConnection) -> str:
        await connection.execute(sa.insert(counters).values(name=name, value=1))
        if fails:
            raise ZeroDivisionError
        return name

    return work


async def names(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set((await connection.scalars(sa.select(counters.c.name))).all())


async def test_transactions_that_wait_share_commits_and_get_their_own_results(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's own commits already go to the disk together")
    book, commits = OrderBook(engine), 0
    commit = sqlite_driver.Connection.commit

    async def count(connection: sqlite_driver.Connection) -> None:
        nonlocal commits
        commits += 1
        await commit(connection)

    monkeypatch.setattr(sqlite_driver.Connection, "commit", count)

    results = await asyncio.gather(*(book.runs._write(adds(f"n{number}")) for number in range(40)))

    assert results == [f"n{number}" for number in range(40)]
    assert 0 < commits < 10
    assert await names(engine) == set(results)


async def test_one_that_fails_leaves_nothing_and_spoils_nothing(engine: AsyncEngine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's transactions are apart by themselves")
    book = OrderBook(engine)

    outcomes = await asyncio.gather(
        book.runs._write(adds("a")),
        book.runs._write(adds("b", fails=True)),
        book.runs._write(adds("a")),
        book.runs._write(adds("c")),
        return_exceptions=True,
    )

    assert (outcomes[0], outcomes[3]) == ("a", "c")
    assert isinstance(outcomes[1], ZeroDivisionError)
    assert isinstance(outcomes[2], sa.exc.IntegrityError)
    assert await names(engine) == {"a", "c"}


async def test_when_the_database_fails_nobody_is_told_of_success(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/book.db"
    await migrate(url)
    engine = create_engine(url)
    book = OrderBook(engine)
    async with engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count=1")

    outcomes = await asyncio.gather(
        book.runs._write(adds("a")),
        book.runs._write(adds("b" * 100_000)),
        book.runs._write(adds("c")),
        return_exceptions=True,
    )

    async with engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    assert [type(outcome) for outcome in outcomes[:2]] == [Unavailable] * 2
    assert outcomes[2] == "c"
    assert await names(engine) == {"c"}
    await engine.dispose()


async def test_what_comes_while_the_worker_goes_home_is_done_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/book.db"
    await migrate(url)
    engine = create_engine(url)
    book = OrderBook(engine)

    async def one_by_one(client: int) -> None:
        for number in range(20):
            await book.runs._write(adds(f"{client}-{number}"))
            for _ in range((client + number) % 9):
                await asyncio.sleep(0)

    async with asyncio.timeout(30):
        await asyncio.gather(*(one_by_one(client) for client in range(3)))

    assert len(await names(engine)) == 60
    await engine.dispose()


async def test_a_caller_who_leaves_before_the_turn_of_its_work_has_done_nothing(engine: AsyncEngine) -> None:
    book = OrderBook(engine)
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's transactions do not wait for each other")
    async with book.runs._writing():
        waiting = [asyncio.create_task(book.runs._write(adds(name))) for name in ("stays", "leaves")]
        await asyncio.sleep(0.01)
        waiting[1].cancel()
        await asyncio.sleep(0)

    assert await waiting[0] == "stays"
    assert await names(engine) == {"stays"}


async def test_a_result_is_not_told_of_what_the_database_has_undone_with_another(engine: AsyncEngine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's transactions are apart by themselves")
    book = OrderBook(engine)

    async def runs_out_of_memory(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("ROLLBACK")  # as SQLite does then
        raise MemoryError

    works = (adds("a"), runs_out_of_memory, adds("b"))
    first, second, third = await asyncio.gather(
        *(book.runs._write(work, one_write=True) for work in works), return_exceptions=True
    )

    assert isinstance(first, MemoryError) and isinstance(second, MemoryError)
    assert third == "b"
    assert await names(engine) == {"b"}


async def test_a_worker_that_is_cut_off_before_it_has_a_connection_tells_who_waits_and_has_a_successor(
    engine: AsyncEngine,
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has no worker")
    book = OrderBook(engine)
    async with AsyncExitStack() as held:
        for _ in range(8):
            await held.enter_async_context(engine.connect())
        waiting = asyncio.create_task(book.runs._write(adds("a")))
        await asyncio.sleep(0.01)
        book.runs._together._worker.cancel()
        await asyncio.wait([waiting], timeout=5)

    assert waiting.cancelled()
    assert await asyncio.wait_for(book.runs._write(adds("b")), 5) == "b"
