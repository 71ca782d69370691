"""A model on one's own machine: llama.cpp's form of OpenAI's, by `openai:` and its extra, as docs/models.md says."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent.runtime import Runtime, open_runtime
from agent.settings import Settings
from agent.state import DecisionRequest
from tests.providers.llama import LlamaServer

ASKED = DecisionRequest(product_id="STEEL_SHEETS", mode="mock")


@pytest.fixture
async def llama(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LlamaServer]:
    async with LlamaServer() as server:
        monkeypatch.setenv("OPENAI_API_KEY", server.key)
        yield server


def asking(settings: Settings, provider: str, server: LlamaServer, path: str = "/v1") -> Settings:
    changes: dict[str, Any] = {
        "primary_model": f"{provider}:local",
        "fallback_models": (),
        "model_base_urls": {provider: server.url + path},
        "model_prices": {f"{provider}:local": (0, 0)},
        "model_timeout_seconds": 20,
        "run_deadline_seconds": 60,
        "groq_api_key": server.key,
    }
    return Settings(**(settings.model_dump() | changes), _env_file=None)


async def checked(runtime: Runtime) -> str:
    """What readiness says of the model once its check is over."""
    await runtime.background.end(patience_seconds=20)
    return str((await runtime.readiness())["models"][0]["state"])


async def test_a_decision_is_made_with_it(settings: Settings, llama: LlamaServer) -> None:
    async with open_runtime(asking(settings, "openai", llama)) as runtime:
        view = await runtime.decide(ASKED)

        assert view.run.status == "executed"
        assert view.proposal
        assert (view.proposal.provider, view.proposal.model) == ("openai", "local")
        assert llama.complaints == []
        assert await checked(runtime) == "ready"


@pytest.mark.parametrize(("fault", "state"), [("cut-off", "cut_off"), ("503", "server_error"), ("hang", "timeout")])
async def test_readiness_says_what_its_check_found(
    settings: Settings, llama: LlamaServer, fault: str, state: str
) -> None:
    await llama.become(fault)
    changed = asking(settings, "openai", llama).model_copy(update={"model_timeout_seconds": 0.5})
    async with open_runtime(changed) as runtime:
        assert await checked(runtime) == state


async def test_the_client_of_groq_is_refused_for_its_nulls(settings: Settings, llama: LlamaServer) -> None:
    """Why docs/models.md names OpenAI's client."""
    async with open_runtime(asking(settings, "groq", llama, path="")) as runtime:
        assert await checked(runtime) == "rejected"
