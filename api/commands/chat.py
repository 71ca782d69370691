"""`restock chat`: questions and answers in a terminal."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.opening import AsJson, load_settings

if TYPE_CHECKING:
    from agent.runtime import Runtime
    from agent.settings import Settings
    from agent.state import ChatAnswer

CALLER = "command line"
PROMPT = "> "
NEW = "/new"
REMEMBERED_LINES = 1_000


def chat(
    question: Annotated[str | None, typer.Argument(help="One question; without it you are asked for many.")] = None,
    go_on: Annotated[bool, typer.Option("--continue", help="Go on with the conversation used last.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask about stock and orders. /new begins another conversation, Ctrl-D ends; the arrow keys bring lines back."""
    settings = load_settings()
    from agent.runtime import open_runtime
    from api.door.start_faults import sentence
    from api.server import log_as_set

    log_as_set(settings.model_copy(update={"log_level": "error"}))
    stack = AsyncExitStack()
    # The loop stands still while a line is typed, so that Ctrl-C ends the typing at once.
    with asyncio.Runner() as runner:
        try:
            talk = _Talk(runner, runner.run(stack.enter_async_context(open_runtime(settings))), as_json=as_json)
            if go_on:
                talk.take_up()
            for line in [question] if question else _lines(settings):
                talk.say(line)
        except Exception as error:
            words = sentence(error, settings)
            if words is None:
                raise
            typer.echo(words, err=True)
            raise typer.Exit(1) from None
        finally:
            runner.run(stack.aclose())


class _Talk:
    """One conversation after the other."""

    def __init__(self, runner: asyncio.Runner, runtime: "Runtime", *, as_json: bool) -> None:
        self._runner, self._runtime, self._as_json = runner, runtime, as_json
        self._conversation: str | None = None

    def take_up(self) -> None:
        last = self._runner.run(self._runtime.book.conversations.page(CALLER, 1))
        self._conversation = last[0].id if last else None

    def say(self, line: str) -> None:
        if line == NEW:
            self._conversation = None
            return
        try:
            answer = self._runner.run(self._answer(line))
        except KeyboardInterrupt:
            typer.echo("Stopped.", err=True)
            return
        self._conversation = answer.conversation_id
        self._show(answer)

    async def _answer(self, line: str) -> "ChatAnswer":
        """The answer, once its calls were told."""
        from agent.state import ChatAnswer

        async for event in await self._runtime.chat_stream(line, conversation_id=self._conversation, caller=CALLER):
            if isinstance(event, ChatAnswer):
                return event
            if event.kind == "tool_call":
                arguments = ", ".join(f"{name}={value!r}" for name, value in event.arguments.items())
                typer.echo(f"  {event.tool}({arguments})", err=True)
        raise AssertionError("a stream ends with its answer")

    def _show(self, answer: "ChatAnswer") -> None:
        if self._as_json:
            from api.bodies.chat import Reply

            typer.echo(Reply.of(answer, self._runtime.review_url).as_json())
            return
        typer.echo(answer.answer)
        for run in answer.runs:
            waits = run.proposal is not None and run.proposal.status == "pending"
            where = f": {self._runtime.review_url(run.proposal.id)}" if run.proposal and waits else ""
            typer.echo(f"Run {run.run.id} is {run.run.status}{where}")


def _lines(settings: "Settings") -> Iterator[str]:
    """What is typed or piped in, line by line, without empty lines."""
    lines = _typed(settings.checkpoint_path.parent / "chat_history") if sys.stdin.isatty() else sys.stdin
    return (line.strip() for line in lines if line.strip())


def _typed(history: Path) -> Iterator[str]:
    with _remembered(history):
        while True:
            try:
                yield input(PROMPT)
            except (EOFError, KeyboardInterrupt):
                typer.echo("")
                return


@contextmanager
def _remembered(history: Path) -> Iterator[None]:
    """Lines of earlier sessions come back with the arrow keys, where Python has readline."""
    try:
        import readline
    except ImportError:
        yield
        return
    from tools.storage.database import keep_private

    with suppress(OSError):
        readline.read_history_file(history)
    try:
        yield
    finally:
        readline.set_history_length(REMEMBERED_LINES)
        history.parent.mkdir(parents=True, exist_ok=True)
        keep_private(history)
        readline.write_history_file(history)
