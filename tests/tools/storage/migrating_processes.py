"""Started by test_database: migrates one database in several processes at the same moment and prints what each said."""

import asyncio
import json
import os
import sys

from alembic import command as _imported_before_forking  # noqa: F401

from tools.book.book import OrderBook
from tools.storage.database import Database
from tools.storage.migrations.upgrade import migrate


async def start(url: str) -> str:
    await migrate(url)
    async with Database(url) as database:
        await OrderBook(database).keys.all()
    return "ready"


def child(url: str, gate: int) -> str:
    os.read(gate, 1)
    try:
        return asyncio.run(start(url))
    except Exception as error:
        return repr(error)


def main(url: str, processes: int) -> None:
    gate, opened = os.pipe()
    answers = []
    for _ in range(processes):
        answer, said = os.pipe()
        if os.fork() == 0:
            os.close(opened)
            os.write(said, child(url, gate).encode())
            os._exit(0)
        os.close(said)
        answers.append(answer)
    os.close(opened)
    print(json.dumps([os.fdopen(answer).read() for answer in answers]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
