"""Imports that come at the same moment, from two processes: each has one outcome, and none sees half of another."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.tools.catalog.importing.conftest import BUYER, reading
from tools.catalog.importing.direct import Level, set_levels
from tools.catalog.importing.draft import Draft
from tools.catalog.importing.record import ImportRecord, ReadFile
from tools.catalog.importing.sales import Sales
from tools.catalog.imports import ImportStore
from tools.catalog.proposals import ProposalStore, SentFile
from tools.records.errors import Conflict
from tools.storage.catalogue_schema import import_changes, imports, stock
from tools.storage.database import Database

STOCK = "SKU,Location,On hand\nA1,MAIN,{}\nB2,MAIN,7\n"
MOVED = ReadFile(name="POST /stock", kind="request", mapping={}, lines=1, faults=0)


@pytest.fixture
def two(database: Database, database_url: str) -> Iterator[tuple[ImportStore, ImportStore]]:
    """The stores of two processes."""
    other = Database(database_url)
    yield ImportStore(database), ImportStore(other)
    other.close()


def on_hand(engine: sa.Engine) -> dict[str, float]:
    with engine.connect() as connection:
        return {row.product_id: row.on_hand for row in connection.execute(sa.select(stock))}


async def test_the_second_waits_for_the_first_and_counts_on_its_rows(two: Any, engine: sa.Engine) -> None:
    began, may_end = threading.Event(), threading.Event()

    def slowly(draft: Draft) -> Sales:
        began.set()
        assert may_end.wait(20)
        return set_levels([Level("A1", "MAIN", on_hand=40)])(draft)

    first = asyncio.create_task(two[0].change(MOVED, slowly, BUYER))
    await asyncio.to_thread(began.wait, 20)
    second = asyncio.create_task(two[1].bring_in([reading(STOCK.format(41))], BUYER))
    await asyncio.sleep(0.3)
    assert not second.done()
    may_end.set()
    done: list[ImportRecord] = await asyncio.gather(first, second)

    assert [record.status for record in done] == ["done", "done"]
    assert done[0].counts["stock"].new == 1
    assert (done[1].counts["stock"].changed, done[1].counts["stock"].new) == (1, 1)
    assert on_hand(engine) == {"A1": 41, "B2": 7}
    await two[0].undo(done[1].number, BUYER)
    assert on_hand(engine) == {"A1": 40}


async def test_the_same_file_twice_at_once_comes_in_once(two: Any, engine: sa.Engine) -> None:
    done = await asyncio.gather(*(store.bring_in([reading(STOCK.format(40))], BUYER) for store in two))
    assert sorted(record.changes > 0 for record in done) == [False, True]
    assert len({record.number for record in done}) == 2
    with engine.connect() as connection:
        changed = set(connection.scalars(sa.select(import_changes.c.import_number)))
    assert changed == {record.number for record in done if record.changes}


async def test_movements_at_once_add_up(two: Any, engine: sa.Engine) -> None:
    moves = [set_levels([Level("A1", "MAIN", moved=quantity)]) for quantity in (1, 2, 4, 8, 16, 32)]
    done = await asyncio.gather(*(two[place % 2].change(MOVED, move, BUYER) for place, move in enumerate(moves)))
    assert on_hand(engine) == {"A1": 63}
    assert len({record.number for record in done}) == len(moves)


async def test_a_proposal_that_two_people_confirm_at_once_comes_in_once(two: Any, engine: sa.Engine) -> None:
    file = SentFile("stock.csv", STOCK.format(40).encode())
    number = await ProposalStore(two[0].database).propose([file], BUYER)
    read = [reading(STOCK.format(40), "stock.csv")]

    ends = await asyncio.gather(*(store.bring_in(read, BUYER, number=number) for store in two), return_exceptions=True)

    [refused] = [end for end in ends if isinstance(end, Conflict)]
    [done] = [end for end in ends if isinstance(end, ImportRecord)]
    assert f"Import {number} is done already" in refused.message
    assert done.counts["stock"].new == 2
    with engine.connect() as connection:
        assert connection.execute(sa.select(imports.c.number, imports.c.status)).all() == [(number, "done")]


async def test_an_import_that_two_people_undo_at_once_is_undone_once(two: Any, engine: sa.Engine) -> None:
    done = await two[0].bring_in([reading(STOCK.format(40))], BUYER)
    ends = await asyncio.gather(*(store.undo(done.number, BUYER) for store in two), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["Conflict", "ImportRecord"]
    assert on_hand(engine) == {}


async def test_an_undo_and_a_later_import_of_the_same_rows_at_once_leave_no_half(two: Any, engine: sa.Engine) -> None:
    done = await two[0].bring_in([reading(STOCK.format(40))], BUYER)
    ends = await asyncio.gather(
        two[0].undo(done.number, BUYER), two[1].bring_in([reading(STOCK.format(50))], BUYER), return_exceptions=True
    )
    if isinstance(ends[0], Conflict):  # The import came first, and its row rests on the one before.
        assert "undo 2 first" in ends[0].message
    assert on_hand(engine) == {"A1": 50, "B2": 7}
