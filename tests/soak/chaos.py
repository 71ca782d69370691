"""Kills and freezes, spread over a trial by what the clients have had acknowledged, at a random moment each."""

import asyncio
import random
import sys
import time
from dataclasses import dataclass
from typing import Literal

from tests.soak.databases import PostgresServer
from tests.soak.processes import Process

Blow = Literal["kill", "freeze"]
SETTLED_SECONDS = 1.5
SHOWN_EVERY = 500


@dataclass
class Blows:
    """How many have fallen."""

    kills: int = 0
    freezes: int = 0
    connections: int = 0
    crashes: int = 0


class Progress:
    """How much of a trial has been done, and a way to wait until it is so much."""

    def __init__(self) -> None:
        self.done = 0
        self._moved = asyncio.Event()

    def advance(self, done: int) -> None:
        if done // SHOWN_EVERY > self.done // SHOWN_EVERY:
            sys.stderr.write(f"{done} triggers sent\n")
        self.done = done
        self._moved.set()

    async def reach(self, moment: float) -> None:
        while self.done < moment:
            self._moved.clear()
            await self._moved.wait()


class Storm:
    """Ends all of the service's connections to PostgreSQL again and again, and crashes the server now and then."""

    def __init__(self, server: PostgresServer, database: str, blows: Blows) -> None:
        self._server, self._database, self._blows = server, database, blows

    async def rage(self, *, every_seconds: float, crashes: int, seconds: float) -> None:
        began = time.monotonic()
        moments = [began + seconds * (number + 1) / (crashes + 1) for number in range(crashes)]
        while time.monotonic() < began + seconds:
            if moments and time.monotonic() >= moments[0]:
                moments.pop(0)
                await asyncio.to_thread(self._server.crash)
                self._blows.crashes += 1
            self._blows.connections += await asyncio.to_thread(self._server.terminate_backends, self._database)
            await asyncio.sleep(every_seconds)


class Chaos:
    """Strikes one process at a time, one that has come up, if there is any, and starts it again."""

    def __init__(self, processes: list[Process], dice: random.Random, *, freeze_seconds: float) -> None:
        self._processes, self._dice, self._freeze_seconds = processes, dice, freeze_seconds
        self.blows = Blows()
        self._thawing: set[asyncio.Task[None]] = set()

    async def rage(self, *, kills: int, freezes: int, triggers: int, progress: Progress) -> None:
        """Deliver all blows while so many triggers are being worked through."""
        blows: list[Blow] = ["kill"] * kills + ["freeze"] * freezes
        self._dice.shuffle(blows)
        for number, blow in enumerate(blows, start=1):
            await progress.reach(triggers * (number - self._dice.random()) / (len(blows) + 1))
            await asyncio.sleep(self._dice.uniform(0, 0.05))
            await self._strike(blow)

    async def calm(self) -> None:
        """Every frozen process goes on."""
        await asyncio.gather(*self._thawing)

    async def _strike(self, blow: Blow) -> None:
        victim = await self._victim()
        if blow == "kill":
            await asyncio.to_thread(victim.kill)
            victim.start()
            self.blows.kills += 1
            return
        victim.freeze()
        self.blows.freezes += 1
        task = asyncio.create_task(self._thaw(victim))
        self._thawing.add(task)
        task.add_done_callback(self._thawing.discard)

    async def _victim(self) -> Process:
        while not (awake := [process for process in self._processes if not process.frozen]):
            await asyncio.wait(self._thawing, return_when=asyncio.FIRST_COMPLETED)
        settled = [process for process in awake if time.monotonic() - process.started_at > SETTLED_SECONDS]
        return self._dice.choice(settled or awake)

    async def _thaw(self, victim: Process) -> None:
        await asyncio.sleep(self._freeze_seconds)
        victim.thaw()
