"""Started by test_deliverer: delivers what the given order book holds, until it is killed in the middle of it."""

import asyncio
import sys

from agent.metrics import Metrics
from api.webhooks.deliverer import PACE, delivering
from tools.book.book import OrderBook
from tools.records.events import Receiver
from tools.storage.database import Database


async def main(database_url: str, receiver: str) -> None:
    book, pace = OrderBook(Database(database_url)), PACE._replace(timeout_seconds=1, lease_margin_seconds=0.2)
    async with delivering([Receiver.model_validate_json(receiver)], book, Metrics(), pace):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
