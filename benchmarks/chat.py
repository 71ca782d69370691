"""What a conversation of 400 messages costs at its end as at its start: `python -m benchmarks.chat`.

One conversation with a model that calls a tool with a long answer in every turn. Printed for each tenth of it: bytes
that a turn adds to the files of order book and checkpoints, milliseconds and CPU of a turn, and the characters that the
model was sent. `--rules` asks the built-in rules. The bar is 50 kB a turn, and the last tenth as fast as the first.
"""

import argparse
import asyncio
import logging
import sqlite3
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agent.models import Link
from agent.runtime import Runtime, open_runtime
from agent.settings import Settings

MESSAGES = 400
BAR_BYTES = 50_000
QUESTIONS = ("Show all products.", "Should I reorder STEEL_SHEETS, and why?", "And in 3 weeks?", "What is late?")


class Lister(BaseChatModel):
    """Asks for all products, then says so. Remembers how much it was sent."""

    sent: int = 0

    @property
    def _llm_type(self) -> str:
        return "lister"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.sent = sum(len(str(message.text)) for message in messages)
        told = isinstance(messages[-1], ToolMessage)
        call = {"name": "find_products", "args": {}, "id": f"call-{time.monotonic_ns()}"}
        reply = AIMessage("These are all products. " * 20) if told else AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=reply)])


class Turn(NamedTuple):
    bytes: int
    milliseconds: float
    cpu: float
    sent: int


async def measure(folder: Path, *, rules: bool) -> list[Turn]:
    settings = Settings(
        _env_file=None,
        database_url=f"sqlite:///{folder}/restock.db",
        checkpoint_path=folder / "checkpoints.db",
        run_deadline_seconds=60,
    )
    model = Lister()
    models = [] if rules else [Link("lister", "lister", model, local=True)]
    async with open_runtime(settings, models=models) as runtime:
        answer = await runtime.chat(QUESTIONS[0], caller="ann")
        return [await _turn(runtime, folder, number, answer.conversation_id, model) for number in range(MESSAGES)]


async def _turn(runtime: Runtime, folder: Path, number: int, conversation: str, model: Lister) -> Turn:
    before, began, cpu = _stored(folder), time.perf_counter(), time.process_time()
    await runtime.chat(QUESTIONS[number % len(QUESTIONS)], conversation_id=conversation, caller="ann")
    took, used = time.perf_counter() - began, time.process_time() - cpu
    return Turn(_stored(folder) - before, took * 1000, used * 1000, model.sent)


def _stored(folder: Path) -> int:
    """The size of both files, once what is in their logs has been taken in."""
    total = 0
    for file in folder.glob("*.db"):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        total += file.stat().st_size
    return total


def table(turns: Sequence[Turn]) -> str:
    tenth = len(turns) // 10
    lines = ["| messages | bytes a turn | ms | ms CPU | characters sent |", "|---|---|---|---|---|"]
    for start in range(0, len(turns), tenth):
        part = turns[start : start + tenth]
        mean, middle = statistics.mean(turn.bytes for turn in part), statistics.median
        times = f"{middle(turn.milliseconds for turn in part):.1f} | {middle(turn.cpu for turn in part):.1f}"
        lines.append(f"| {start + 1}–{start + len(part)} | {mean:,.0f} | {times} | {part[-1].sent:,} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat", description=__doc__.split("\n")[0])
    parser.add_argument("--rules", action="store_true", help="Ask the built-in rules.")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with TemporaryDirectory() as folder:
        turns = asyncio.run(measure(Path(folder), rules=options.rules))
    print(table(turns))
    worst = max(statistics.mean(turn.bytes for turn in part) for part in (turns[:40], turns[-40:]))
    print(f"\nAt most {worst:,.0f} bytes a turn; the bar is {BAR_BYTES:,}.")


if __name__ == "__main__":
    main()
