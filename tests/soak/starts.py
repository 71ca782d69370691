"""Many processes that start at once on an empty database: all of them get ready."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field

from tests.soak.service import Database, place, serving

PROCESSES = 8


@dataclass
class Starts:
    rounds: int = 0
    ready: int = 0
    failures: list[str] = field(default_factory=list)


async def start_together(database: Database, rounds: int, *, seconds: float = 3_600) -> Starts:
    """Eight servers at once, so many times, each time on a database without tables."""
    starts, until = Starts(), time.monotonic() + seconds
    for _ in itertools.takewhile(lambda _: time.monotonic() < until, range(rounds)):
        starts.rounds += 1
        with place(database) as where:
            try:
                async with serving(where, ("serve",) * PROCESSES) as service:
                    answers = await asyncio.gather(*(service.client.get(f"{url}/health/ready") for url in service.urls))
                    starts.ready += sum(answer.status_code == 200 for answer in answers)
            except (RuntimeError, TimeoutError) as error:
                starts.failures.append(str(error))
    return starts
