"""Started by test_placing: workers that record runs and carry them out, killed at random moments and replaced. At the
end one more drains what is left, and the ids of all runs that were acknowledged are printed."""

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
import uuid

from tests.order_book import record
from tools.book.book import OrderBook
from tools.records.errors import AlreadyDecided
from tools.records.orders import NewProposal, NewRun, Run
from tools.storage.database import Database

LEASE_SECONDS = 0.3


class Worker:
    """Half of its runs order by themselves, half are approved by two people at once. It does every step twice."""

    def __init__(self, book: OrderBook, template: dict, acknowledge: int) -> None:
        self._book, self._template, self._acknowledge = book, template, acknowledge
        self._name = f"worker-{os.getpid()}"

    async def work(self) -> None:
        while True:
            await self.resume()
            await asyncio.gather(*(self.begin() for _ in range(3)))

    async def drain(self) -> None:
        await asyncio.sleep(LEASE_SECONDS)
        await self.resume()
        while waiting := await self._book.reviews.page(status="pending"):
            await asyncio.gather(*(self.approve(review.id) for review in waiting))

    async def resume(self) -> None:
        for run in await self._book.runs.claim_abandoned(owner=self._name, lease_seconds=LEASE_SECONDS):
            await self.carry_out(run)

    async def begin(self) -> None:
        identity = uuid.uuid4().hex
        new = NewRun(
            id=identity,
            product_id=identity,
            location=self._template["location"],
            mode=self._template["mode"],
            origin="trigger",
            requested_by="soak",
            request={},
        )
        run = await record(self._book, new, owner=self._name, lease_seconds=LEASE_SECONDS)
        os.write(self._acknowledge, f"{identity}\n".encode())
        await self.carry_out(run)

    async def carry_out(self, run: Run) -> None:
        new = NewProposal.model_validate(self._template | {"run_id": run.id, "product_id": run.product_id})
        route = "auto" if int(run.id[0], 16) % 2 else "review"
        for _ in range(2):
            proposal = await self._book.orders.propose(new, route=route, expires_in_hours=1)
        if route == "auto":
            await asyncio.gather(self._book.orders.place(run.id), self._book.orders.place(run.id))
        else:
            await asyncio.gather(self.approve(proposal.id), self.approve(proposal.id))

    async def approve(self, review_id: str) -> None:
        try:
            await self._book.reviews.decide(
                review_id, version=1, decision="approve", quantity=None, reason="", decided_by="anna"
            )
        except AlreadyDecided:
            return


async def run_worker(url: str, template: dict, acknowledge: int, *, drain: bool) -> None:
    database = Database(url)
    worker = Worker(OrderBook(database), template, acknowledge)
    await (worker.drain() if drain else worker.work())
    database.close()


def start(url: str, template: dict, acknowledge: int, *, drain: bool = False) -> int:
    process = os.fork()
    if process == 0:
        asyncio.run(run_worker(url, template, acknowledge, drain=drain))
        os._exit(0)
    return process


def main(url: str, workers: int, kills: int, template: dict) -> None:
    Database(url)  # Loads the database's driver once, here, and not in every worker.
    with tempfile.TemporaryFile(buffering=0) as heard:
        acknowledge = heard.fileno()
        living = [start(url, template, acknowledge) for _ in range(workers)]
        for _ in range(kills):
            wait_for_some(acknowledge)
            end(living.pop(random.randrange(workers)))
            living.append(start(url, template, acknowledge))
        wait_for_some(acknowledge)
        for process in living:
            end(process)
        _, status = os.waitpid(start(url, template, acknowledge, drain=True), 0)
        heard.seek(0)
        print(json.dumps(heard.read().decode().split()))
    sys.exit(os.waitstatus_to_exitcode(status))


def wait_for_some(acknowledge: int) -> None:
    """Until a few more runs were acknowledged and a moment longer, so that any step is hit, on a slow machine too."""
    enough = os.fstat(acknowledge).st_size + 33 * random.randint(1, 6)
    give_up = time.monotonic() + 30
    while os.fstat(acknowledge).st_size < enough:
        if time.monotonic() > give_up:
            raise TimeoutError("no run was acknowledged for half a minute")
        time.sleep(0.005)
    time.sleep(random.uniform(0, 0.03))


def end(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))
