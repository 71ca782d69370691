"""Started by test_deliverer: delivers what the given order book holds, until it is killed in the middle of it."""

import asyncio
import sys

from agent.metrics import Metrics
from agent.settings import Settings
from api.webhooks.deliverer import delivering
from tools.book.book import OrderBook
from tools.storage.database import Database


async def main(database_url: str) -> None:
    settings = Settings(_env_file=None, webhook_allow_private=True, webhook_timeout_seconds=1)
    book = OrderBook(Database(database_url))
    async with delivering(settings, book, Metrics(), lease_margin_seconds=0.2):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
