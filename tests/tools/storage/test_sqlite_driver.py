"""What may wait waits in a thread; everything else runs at once."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tools.book.book import OrderBook
from tools.storage.database import create_engine, migrate
from tools.storage.schema import runs
from tools.storage.sqlite_driver import Connection


async def test_while_another_process_writes_the_event_loop_goes_on(tmp_path: Path, new_run: Callable[..., Any]) -> None:
    url = f"sqlite:///{tmp_path}/book.db"
    await migrate(url)
    engine = create_engine(url)
    book = OrderBook(engine)
    await book.runs.record(new_run(), owner="w", lease_seconds=60)
    other = sqlite3.connect(tmp_path / "book.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    writing = asyncio.create_task(book.runs.record(new_run(), owner="w", lease_seconds=60))
    for _ in range(20):
        await asyncio.sleep(0.005)
    waited = not writing.done()
    read = await book.orders.page()
    other.execute("ROLLBACK")

    assert waited
    assert read == []
    assert (await writing).status == "running"
    async with engine.connect() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(runs)) == 2
    other.close()
    await engine.dispose()


@pytest.fixture
def threaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the driver gave to its thread."""
    given: list[str] = []
    thread = Connection._threaded

    async def note(self: Connection, work: Callable[..., None], *arguments: Any) -> None:
        given.append(str(arguments[0]) if arguments else work.__name__)
        await thread(self, work, *arguments)

    monkeypatch.setattr(Connection, "_threaded", note)
    return given


async def test_a_write_gives_its_commit_alone_to_the_thread_and_a_read_nothing(
    tmp_path: Path, new_run: Callable[..., Any], threaded: list[str]
) -> None:
    url = f"sqlite:///{tmp_path}/book.db"
    await migrate(url)
    engine = create_engine(url)
    book = OrderBook(engine)
    # A connection that writes may not have been given back when the next one reads.
    await book.runs.record(new_run(product_id="OTHER"), owner="w", lease_seconds=60)
    await asyncio.gather(book.orders.page(), book.orders.page())
    threaded.clear()

    await book.runs.record(new_run(), owner="w", lease_seconds=60)
    await book.orders.page()

    assert threaded == ["commit"]
    await engine.dispose()


async def test_a_transaction_goes_to_the_thread_for_its_first_write_and_its_end(
    tmp_path: Path, threaded: list[str]
) -> None:
    connection = await Connection(str(tmp_path / "x.db"), busy_seconds=5)
    await connection.cursor().execute("CREATE TABLE t (a)")
    await connection.cursor().execute("BEGIN")
    await connection.cursor().execute("INSERT INTO t VALUES (1)")
    await connection.cursor().execute("SELECT a FROM t")
    await connection.cursor().execute("INSERT INTO t VALUES (2)")
    await connection.commit()

    assert threaded == ["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)", "commit"]
    await connection.close()


async def test_a_writer_goes_on_as_soon_as_another_process_has_committed(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connection = await Connection(str(path), busy_seconds=5)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(connection.cursor().execute("BEGIN IMMEDIATE"))
    await asyncio.sleep(0.05)
    assert not waiting.done()

    other.execute("COMMIT")
    await waiting
    await connection.cursor().execute("CREATE TABLE t (a)")
    await connection.commit()

    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]
    other.close()
    await connection.close()


async def test_a_writer_gives_up_when_its_patience_is_over(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connection = await Connection(str(path), busy_seconds=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await connection.cursor().execute("BEGIN IMMEDIATE")

    other.execute("ROLLBACK")
    await connection.cursor().execute("BEGIN IMMEDIATE")
    other.close()
    await connection.close()


async def test_a_database_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"no database at all, but long enough to look like one" * 100)
    connection = await Connection(str(path), busy_seconds=60)

    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        await connection.cursor().execute("BEGIN IMMEDIATE")
    await connection.close()
