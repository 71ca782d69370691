"""A runtime on a database of its own, and models that say what a test wants them to say."""

import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agent.models import Link
from agent.runtime import Runtime, open_runtime
from agent.settings import Settings

Reply = AIMessage | Exception


class ScriptedModel(BaseChatModel):
    """Says its replies one after the other, and the last one for ever. Remembers what it was asked."""

    replies: list[Any]
    prompts: list[list[BaseMessage]]
    choices: list[str | None]
    provider: str = "scripted"
    model: str = "scripted"

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any) -> Any:
        return self.bind(tool_choice=tool_choice)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        reply = self.replies[min(len(self.prompts), len(self.replies) - 1)]
        self.prompts.append(messages)
        self.choices.append(kwargs.get("tool_choice"))
        if isinstance(reply, Exception):
            raise reply
        fresh = reply.model_copy(update={"id": f"reply-{len(self.prompts)}"})
        return ChatResult(generations=[ChatGeneration(message=fresh)])


OpenRuntime = Callable[..., Awaitable[Runtime]]


@pytest.fixture
def settings(tmp_path: Path, migrated_sqlite: Path) -> Settings:
    shutil.copy(migrated_sqlite, tmp_path / "restock.db")
    return Settings(
        _env_file=None,
        database_url=f"sqlite:///{tmp_path}/restock.db",
        checkpoint_path=tmp_path / "checkpoints.db",
    )


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    """Everything that is logged, however quiet an earlier test has made the log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    with structlog.testing.capture_logs() as captured:
        yield captured
    structlog.configure(**before)


@pytest.fixture
async def start(settings: Settings) -> AsyncIterator[OpenRuntime]:
    """Opens a runtime; with replies, one whose only model says them."""
    async with AsyncExitStack() as stack:

        async def open_one(*replies: Reply, keep_finished_threads: bool = False, **changes: Any) -> Runtime:
            models = [Link("scripted", "scripted", script(*replies), local=True)] if replies else None
            changed = Settings(**(settings.model_dump() | changes), _env_file=None)
            opened = open_runtime(changed, models=models, keep_finished_threads=keep_finished_threads)
            return await stack.enter_async_context(opened)

        yield open_one


def script(*replies: Reply) -> ScriptedModel:
    return ScriptedModel(replies=list(replies), prompts=[], choices=[])


@pytest.fixture
def scripted() -> Callable[..., ScriptedModel]:
    return script


@pytest.fixture
def says() -> Callable[..., AIMessage]:
    """`says("text")` or `says(("tool", {arguments}), …)`: a model's reply."""

    def reply(*parts: str | tuple[str, dict[str, Any]]) -> AIMessage:
        text = "".join(part for part in parts if isinstance(part, str))
        calls = [part for part in parts if not isinstance(part, str)]
        return AIMessage(
            text,
            tool_calls=[{"name": name, "args": args, "id": f"call-{i}-{name}"} for i, (name, args) in enumerate(calls)],
        )

    return reply
