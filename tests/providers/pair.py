"""Both providers with real clients in front of them, built once for many tests: building them is the slow part."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

from langchain_core.language_models import BaseChatModel

from agent.metrics import Metrics
from agent.models import ModelChain, build_chain
from agent.models.circuit import Circuit
from agent.models.link import Link
from agent.models.providers import configured_links
from agent.settings import Settings
from tests.providers.gemini import GeminiServer
from tests.providers.groq import GroqServer
from tests.providers.planner import planner
from tests.providers.server import ProviderServer

GEMINI, GROQ = "google_genai", "groq"


class ProviderPair:
    """Enter it on the loop that the tests run on. `reset` between tests; `chain` for chains with fresh breakers."""

    def __init__(self) -> None:
        self.gemini, self.groq = GeminiServer(), GroqServer()
        self._built: dict[str, Link] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.gemini)
        await self._stack.enter_async_context(self.groq)
        links = configured_links(self.settings(model_timeout_seconds=60))
        self._built = {link.provider: link for link in links}
        return self

    async def __aexit__(self, *_: object) -> None:
        for link in self._built.values():
            await link.aclose()
        await self._stack.aclose()

    def __getitem__(self, provider: str) -> ProviderServer:
        return {GEMINI: self.gemini, GROQ: self.groq}[provider]

    def settings(self, **changes: Any) -> Settings:
        found: dict[str, Any] = {
            "gemini_api_key": self.gemini.key,
            "groq_api_key": self.groq.key,
            "model_base_urls": {GEMINI: self.gemini.url, GROQ: self.groq.url},
        }
        return Settings(_env_file=None, **(found | changes))

    def link(self, provider: str, *, timeout_seconds: float = 5.0, circuit: Circuit | None = None) -> Link:
        built = self._built[provider]
        return Link(provider, built.model, built.client, timeout_seconds, circuit or Circuit())

    def chain(
        self, links: Sequence[Link], *, rules: BaseChatModel | None = None, **changes: Any
    ) -> tuple[ModelChain, Metrics]:
        metrics = Metrics()
        last = rules and Link("rules", "rules", rules, local=True)
        return build_chain(self.settings(**changes), rules=last, metrics=metrics, models=links), metrics

    async def reset(self) -> None:
        """Both well again, and nothing remembered."""
        for server in (self.gemini, self.groq):
            await server.become(planner)
            server.delay = 0.0
            server.received.clear()
            server.complaints.clear()


def falls(metrics: Metrics) -> list[tuple[str, str]]:
    """(provider, reason) of every fall to the next model so far."""
    return [
        (sample.labels["provider"], sample.labels["reason"])
        for family in metrics.llm_fallbacks.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
        for _ in range(int(sample.value))
    ]
