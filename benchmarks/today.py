"""How long today's list takes, beside the bare scan of the same numbers: `python -m benchmarks.today`.

A catalogue of 10,000 products with 365 days each is made in SQLite (`--postgresql` for the other database). The list is
made, asked for again, searched as a chat does, and made once more after new stock and a day of sales for every product.
The bars are 3 s for a list that is made and 1 s for one that is asked for again. The ratio is of CPU time, which tells
more on a busy machine.
`--receipts` gives suppliers so many receipts each, which the plan replays and the scan cannot.
"""

import argparse
import asyncio
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from benchmarks.own_catalogue import SUPPLIERS, YESTERDAY, another_day, make_catalogue
from tools.asking.overview import Overview
from tools.book.book import OrderBook
from tools.catalog.block import block_of
from tools.catalog.own import OwnCatalog
from tools.find_products import find_products
from tools.planning.scan import scan
from tools.storage import catalogue_schema as tables
from tools.storage.database import Database
from tools.storage.migrations.upgrade import migrate
from tools.sweep.lists import TodayLists

LIST_SECONDS, AGAIN_SECONDS, SEARCH_SECONDS = 3.0, 1.0, 0.3


async def measure(url: str, products: int, *, due: float, receipts: int) -> None:
    await migrate(url)
    async with Database(url) as database:
        make_catalogue(database.engine, products, due=due)
        if receipts:
            _receive(database.engine, receipts)
        book = OrderBook(database)
        bare = await _bare_scan(book)
        lists = TodayLists(book)
        first = await _timed("the first list", lists, bare, LIST_SECONDS)
        print(f"  {dict(first)}")
        await _timed("asked for again", lists, bare, AGAIN_SECONDS)
        await _search(Overview(book, lists))
        another_day(database.engine, due=due)
        await _timed("after new stock and a day of sales", lists, bare, LIST_SECONDS)
        await _timed("asked for again", lists, bare, AGAIN_SECONDS)


async def _bare_scan(book: OrderBook) -> float:
    snapshot = await OwnCatalog(book.database).snapshot()
    block = block_of(snapshot, await book.stock.of_catalogue("database"))
    began, cpu = time.perf_counter(), time.process_time()
    scan(block.demand, block.terms)
    bare = time.process_time() - cpu
    print(f"{'the bare scan':36} {time.perf_counter() - began:7.2f} s {bare:7.2f} s CPU")
    return bare


async def _timed(what: str, lists: TodayLists, bare: float, bar: float) -> Counter[str]:
    began, cpu = time.perf_counter(), time.process_time()
    found = await lists.present()
    spent, cpu = time.perf_counter() - began, time.process_time() - cpu
    verdict = "held" if spent <= bar else "MISSED"
    print(f"{what:36} {spent:7.2f} s {cpu:7.2f} s CPU {cpu / bare:8.1f}× the scan   bar {bar:g} s: {verdict}")
    return Counter(row.status for row in found.rows)


async def _search(overview: Overview) -> None:
    for what in ("the first search of a chat", "a search of a chat"):
        began, cpu = time.perf_counter(), time.process_time()
        found = await find_products(overview, "product", status="needs_order")
        spent, cpu = time.perf_counter() - began, time.process_time() - cpu
        verdict = "held" if spent <= SEARCH_SECONDS else "MISSED"
        number = found["total"]
        print(f"{what:36} {spent:7.2f} s {cpu:7.2f} s CPU, {number} found   bar {SEARCH_SECONDS:g} s: {verdict}")


def _receive(engine: sa.Engine, number: int) -> None:
    day = YESTERDAY.isoformat()
    rows = [
        {
            "supplier_id": f"S{supplier}",
            "reference": f"PO-{receipt}",
            "product_id": "P000000",
            "received_on": day,
            "ordered_on": YESTERDAY.replace(day=max(1, YESTERDAY.day - 5 - receipt % 5)).isoformat(),
            "quantity": 1.0,
        }
        for supplier in range(SUPPLIERS)
        for receipt in range(number)
    ]
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.supplier_receipts), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--due", type=float, default=0.1, help="share of products that trigger")
    parser.add_argument("--receipts", type=int, default=0, help="receipts of each supplier")
    parser.add_argument("--postgresql", action="store_true")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        if asked.postgresql:
            from tests.postgres import PostgresServer

            server = PostgresServer(Path(folder) / "data")
            asyncio.run(measure(server.create(), asked.products, due=asked.due, receipts=asked.receipts))
            server.stop()
        else:
            url = f"sqlite:///{folder}/book.db"
            asyncio.run(measure(url, asked.products, due=asked.due, receipts=asked.receipts))


if __name__ == "__main__":
    main()
