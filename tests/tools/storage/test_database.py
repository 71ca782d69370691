import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.order_book import record, store_key
from tools.book.book import OrderBook
from tools.records.errors import InvalidInput, Unavailable
from tools.storage.database import SQLITE_READERS, Database, create_engine
from tools.storage.migrations.upgrade import migrate
from tools.storage.schema import counters, metadata, orders
from tools.storage.types import Now, NowPlus

ROOT = Path(__file__).parents[3]


async def test_migrations_build_the_tables_that_the_code_describes(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    async with Database(empty_database_url) as database:
        differences = await database.read(
            lambda connection: compare_metadata(MigrationContext.configure(connection), metadata)
        )
    assert differences == []


async def test_every_unique_rule_and_check_is_in_the_migrated_tables(engine: sa.Engine) -> None:
    def rules(connection: sa.Connection) -> set[tuple[str, ...]]:
        inspector = sa.inspect(connection)
        uniques = {(t, *u["column_names"]) for t in metadata.tables for u in inspector.get_unique_constraints(t)}
        checks = {(t, str(c["name"])) for t in metadata.tables for c in inspector.get_check_constraints(t)}
        return uniques | checks

    with engine.connect() as connection:
        found = rules(connection)
    assert found == {
        ("proposals", "run_id"),
        ("orders", "number"),
        ("orders", "run_id"),
        ("orders", "proposal_number"),
        ("purchase_orders", "number"),
        ("outbox", "event_id"),
        ("outbox", "run_id", "event", "occasion"),
        ("deliveries", "event_sequence", "receiver"),
        ("orders", "ck_orders_quantity"),
        ("receipt_corrections", "id"),
        ("receipts", "ck_receipts_quantity"),
        ("proposals", "ck_proposals_quantity"),
    }


async def test_migrating_again_changes_nothing(database_url: str, book: OrderBook) -> None:
    await store_key(book, "aa", "rk_1", "first", "read")
    await migrate(database_url)
    assert await book.keys.all()


async def test_eight_processes_may_migrate_an_empty_database_at_once(empty_database_url: str) -> None:
    outcomes = await asyncio.to_thread(_migrate_in_processes, empty_database_url, 8)
    assert outcomes == ["ready"] * 8


def _migrate_in_processes(url: str, processes: int) -> list[str]:
    script = Path(__file__).with_name("migrating_processes.py")
    result = subprocess.run(
        [sys.executable, script, url, str(processes)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    outcomes: list[str] = json.loads(result.stdout)
    return outcomes


async def test_migrating_waits_for_a_process_that_is_writing_to_a_new_file(tmp_path: Path) -> None:
    """SQLite's own patience does not cover the switch to its write-ahead log."""
    other = sqlite3.connect(tmp_path / "book.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    migrating = asyncio.create_task(migrate(f"sqlite:///{tmp_path}/book.db"))

    waited, _ = await asyncio.wait([migrating], timeout=0.3)
    other.execute("ROLLBACK")
    await migrating

    assert waited == set()
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert other.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    other.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite+aiosqlite:///:memory:", "sqlite:///"])
def test_a_book_in_memory_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="must be in a file"):
        create_engine(url)


@pytest.mark.parametrize("url", ["mysql://anna:hunter2@db/book", "sqlite+pysqlcipher:///x", "hunter2"])
def test_an_unknown_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        create_engine(url)
    assert "hunter2" not in refusal.value.message


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///x/book.db", "sqlite+pysqlite"),
        ("sqlite+aiosqlite:///x/book.db", "sqlite+pysqlite"),
        ("postgres://db/book", "postgresql+psycopg"),
        ("postgresql://db/book", "postgresql+psycopg"),
        ("postgresql+psycopg://db/book", "postgresql+psycopg"),
    ],
)
def test_any_spelling_of_a_database_gets_its_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, driver: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert create_engine(given).url.drivername == driver


async def test_sqlite_syncs_every_commit_and_keeps_foreign_keys(tmp_path: Path) -> None:
    pragmas = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    async with Database(f"sqlite:///{tmp_path}/a/b/book.db") as database:
        found = await database.read(
            lambda connection: {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas}
        )
    assert found == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000, "foreign_keys": 1}


async def test_the_clock_is_the_databases_and_in_utc(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        now, later, earlier = connection.execute(sa.select(Now(), NowPlus(90.5), NowPlus(-3600))).one()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
    assert (later - now, now - earlier) == (timedelta(seconds=90.5), timedelta(hours=1))


async def test_moments_compare_in_the_database_as_they_do_in_time(engine: sa.Engine) -> None:
    whole = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    fraction = whole + timedelta(milliseconds=5)
    with engine.connect() as connection:
        query = sa.select(sa.literal(whole, Now.type) < sa.literal(fraction, Now.type))
        assert connection.scalar(query)


async def test_an_unreachable_postgresql_is_unavailable() -> None:
    url = "postgresql+psycopg://127.0.0.1:1/book?connect_timeout=2"
    with pytest.raises(Unavailable):
        await migrate(url)
    async with Database(url) as database:
        with pytest.raises(Unavailable):
            await OrderBook(database).keys.all()


async def test_connections_that_the_server_has_dropped_are_replaced(engine: sa.Engine, book: OrderBook) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no server to lose")
    with ExitStack() as pooled:
        for _ in range(5):
            pooled.enter_context(engine.connect())
    with engine.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        killed = connection.exec_driver_sql(f"{others} AND pid <> pg_backend_pid()")
        assert len(killed.all()) == 4
    assert await asyncio.gather(*(book.keys.all() for _ in range(12))) == [[]] * 12


async def test_a_full_disk_is_unavailable_and_leaves_nothing_behind(tmp_path: Path, new_run, new_proposal) -> None:
    url = f"sqlite:///{tmp_path}/book.db"
    await migrate(url)
    database = Database(url)
    book = OrderBook(database)
    await record(book, new_run(id="run-a"), owner="w", lease_seconds=60)
    _fill_disk(database.engine, after_pages=1)
    with pytest.raises(Unavailable, match="cannot serve now"):
        await book.orders.propose(new_proposal("run-a", rationale="x" * 50_000), route="auto", expires_in_hours=1)
    _fill_disk(database.engine, after_pages=1_000_000)
    proposal = await book.orders.propose(new_proposal("run-a"), route="auto", expires_in_hours=1)
    assert proposal.rationale == new_proposal("run-a").rationale
    database.close()


def _fill_disk(engine: sa.Engine, *, after_pages: int) -> None:
    """SQLite's own limit (never below the present size) gives the error of a full disk. It holds for one connection, so
    all of the pool's are told."""
    with ExitStack() as pooled:
        for _ in range(SQLITE_READERS + 1):
            connection = pooled.enter_context(engine.connect())
            connection.exec_driver_sql(f"PRAGMA max_page_count={after_pages}")


async def test_fifty_writers_never_find_sqlite_locked(tmp_path: Path, new_run, new_proposal) -> None:
    """Ten databases share no queue, as ten processes would not; to propose is to read first and then to write."""
    url = f"sqlite:///{tmp_path}/book.db"
    await migrate(url)
    databases = [Database(url) for _ in range(10)]
    books = [OrderBook(database) for database in databases for _ in range(5)]
    identities = [(await record(books[0], new_run(), owner="w", lease_seconds=60)).id for _ in books]
    proposals = await asyncio.gather(
        *(
            book.orders.propose(new_proposal(identity), route="auto", expires_in_hours=1)
            for book, identity in zip(books, identities, strict=True)
        )
    )
    assert sorted(proposal.run_id for proposal in proposals) == sorted(identities)
    for database in databases:
        database.close()


async def test_a_caller_who_gives_up_at_any_point_leaves_nothing_open(
    database_url: str, book: OrderBook, new_run, new_proposal
) -> None:
    other = Database(database_url)
    for steps in range(0, 60, 4):
        run = await record(book, new_run(product_id=f"P{steps}"), owner="w", lease_seconds=60)
        begun = asyncio.create_task(
            book.orders.propose(new_proposal(run.id, product_id=f"P{steps}"), route="auto", expires_in_hours=1)
        )
        for _ in range(steps):
            await asyncio.sleep(0.0002)
        begun.cancel()
        await asyncio.wait([begun])
        async with asyncio.timeout(4):
            await OrderBook(other).runs.fail(run.id, "given up")
    other.close()


async def test_while_another_process_writes_writers_wait_and_readers_and_the_event_loop_go_on(
    tmp_path: Path, new_run
) -> None:
    url = f"sqlite:///{tmp_path}/book.db"
    await migrate(url)
    other = sqlite3.connect(tmp_path / "book.db", isolation_level=None)
    async with Database(url) as database:
        book = OrderBook(database)
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(record(book, new_run(), owner="w", lease_seconds=60))
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert await book.orders.page() == []
        assert not writing.done()
        other.execute("ROLLBACK")
        assert (await writing).status == "running"
    other.close()


async def test_a_writer_gives_up_when_another_process_keeps_the_lock_and_may_try_again(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/book.db", busy_seconds=0.05).execution_options(writes=True)
    with engine.begin():  # switches a new file to its write-ahead log, which needs the lock
        pass
    other = sqlite3.connect(tmp_path / "book.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"), engine.begin():
        pass
    other.execute("ROLLBACK")
    with engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 50
    engine.dispose()
    other.close()


async def test_a_file_that_is_no_database_is_unavailable_at_once(tmp_path: Path) -> None:
    (tmp_path / "book.db").mkdir()
    with pytest.raises(Unavailable, match=r"book\.db cannot be used"):
        await migrate(f"sqlite:///{tmp_path}/book.db")


async def test_who_leaves_before_its_turn_has_done_nothing_and_who_leaves_in_it_is_done(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/book.db"
    await migrate(url)
    begun, go_on = threading.Event(), threading.Event()

    def count(name: str) -> Callable[[sa.Connection], None]:
        def work(connection: sa.Connection) -> None:
            connection.execute(sa.insert(counters).values(name=name, value=1))
            begun.set()
            go_on.wait(5)

        return work

    async with Database(url) as database:
        first = asyncio.create_task(database.write(count("in its turn")))
        second = asyncio.create_task(database.write(count("before its turn")))
        await asyncio.to_thread(begun.wait, 5)
        first.cancel()
        second.cancel()
        await asyncio.wait([first, second])
        go_on.set()
        await database.write(count("after"))
        names = await database.read(lambda connection: connection.scalars(sa.select(counters.c.name)).all())
    assert sorted(names) == ["after", "in its turn"]


async def test_closing_ends_the_threads(tmp_path: Path) -> None:
    before = threading.active_count()
    async with Database(f"sqlite:///{tmp_path}/book.db") as database:
        await asyncio.gather(*(database.read(lambda _: None) for _ in range(9)), database.write(lambda _: None))
        assert threading.active_count() > before
    # The thread that closed it is the event loop's own.
    assert threading.active_count() <= before + 1


async def test_the_audit_trail_can_only_grow(engine: sa.Engine, book: OrderBook, new_run) -> None:
    run = await record(book, new_run(), owner="w", lease_seconds=60)
    await book.runs.fail(run.id, "no model left")
    for change in ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(change)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT actor FROM audit")) == "service"


async def test_a_number_too_large_for_any_row_is_no_fault_of_the_database(tmp_path: Path) -> None:
    await migrate(f"sqlite:///{tmp_path}/book.db")
    async with Database(f"sqlite:///{tmp_path}/book.db") as database:
        query = sa.select(orders.c.number).where(orders.c.sequence == 2**63)
        with pytest.raises(InvalidInput, match="too large"):
            await database.read(lambda connection: connection.scalar(query))


async def test_a_transaction_that_fails_leaves_nothing(engine: sa.Engine, book: OrderBook) -> None:
    def fail_late(connection: sa.Connection) -> None:
        connection.execute(sa.insert(counters).values(name="X", value=1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await book.database.write(fail_late)
    with engine.connect() as connection:
        assert connection.execute(sa.select(counters)).all() == []


@pytest.mark.parametrize("price", ["0.10", "123456789012.123456", "0", "500", "0.000001"])
async def test_money_stays_exact_to_the_last_digit(book: OrderBook, new_run, new_proposal, price: str) -> None:
    run = await record(book, new_run(), owner="w", lease_seconds=60)
    new = new_proposal(run.id, unit_price=Decimal(price), quantity=10**12)
    await book.orders.propose(new, route="auto", expires_in_hours=1)
    order = (await book.orders.place(run.id)).order
    assert order is not None
    assert str((await book.orders.page())[0].items[0].unit_price) == price
    assert order.total == Decimal(price) * 10**12


def modes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


async def test_a_new_file_is_its_owner_s_alone_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    await migrate(f"sqlite:///{path}")
    async with Database(f"sqlite:///{path}") as database:
        await database.read(lambda connection: connection.execute(sa.select(Now())).all())
        found = modes(tmp_path)
    assert len(found) > 1
    assert set(found.values()) == {0o600}
    path.chmod(0o640)
    await migrate(f"sqlite:///{path}")
    assert modes(tmp_path)[path.name] == 0o640
