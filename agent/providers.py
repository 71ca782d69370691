"""One link of the chain: a provider's model, its client for each event loop, and how the settings make it.

Only Gemini and Groq need a key in the settings; other providers of `init_chat_model` read their own variables.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx
import structlog
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from agent.circuit import Circuit
from agent.settings import Settings

log = structlog.get_logger(__name__)
KEYED = {"google_genai": "gemini_api_key", "groq": "groq_api_key"}
"""Providers that are left out without their key, and the setting that holds it."""
TALKATIVE_LOGGERS = ("httpx", "httpcore", "httpx2", "httpcore2", "groq", "google_genai", "langchain_google_genai")
"""They write URLs and headers, keys included."""


@dataclass(eq=False)
class Link:
    """One model of the chain. Clients are bound to the event loop they first work on, so there is one for each loop."""

    provider: str
    model: str
    build: Callable[[], BaseChatModel] = field(repr=False)
    circuit: Circuit = field(default_factory=Circuit, repr=False)
    local: bool = False
    """Answers from this process: no deadline, no breaker, and no finish reason is asked of it."""
    retired: bool = False
    """The provider does not know this model (any more)."""
    _clients: WeakKeyDictionary[asyncio.AbstractEventLoop, BaseChatModel] = field(
        default_factory=WeakKeyDictionary, repr=False
    )
    _spare: BaseChatModel | None = field(default=None, repr=False)

    @classmethod
    def to(cls, model: BaseChatModel, *, provider: str | None = None) -> "Link":
        """A link to a model that is at hand already: the rules model, or a scripted one."""
        own = provider or str(getattr(model, "provider", "scripted"))
        return cls(own, str(getattr(model, "model", own)), lambda: model, local=True)

    def warm_up(self) -> None:
        """Import and build now: takes up to a second and a half, and says at start-up what is missing."""
        self._spare = self.build()

    def client(self) -> BaseChatModel:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            spare, self._spare = self._spare, None
            self._clients[loop] = spare or self.build()
        return self._clients[loop]

    def health(self) -> dict[str, object]:
        """`state` is ready, retired, or why the provider is passed over at the moment."""
        state = "retired" if self.retired else "ready" if self.circuit.state == "closed" else self.circuit.cause
        wait = {"retry_in_seconds": round(self.circuit.retry_in(), 1)} if self.circuit.state != "closed" else {}
        return {"provider": self.provider, "model": self.model, "state": state, **wait}

    async def aclose(self) -> None:
        """Close what the running loop has opened."""
        client = self._clients.pop(asyncio.get_running_loop(), None) or self._spare
        self._spare = None
        if client is not None:
            await _close(client)


def configured_links(settings: Settings) -> list[Link]:
    circuits: dict[str, Circuit] = {}
    links: list[Link] = []
    for name in (settings.primary_model, *settings.fallback_models):
        provider, model = _split(name)
        if provider in KEYED and _key(settings, provider) is None:
            log.info("model_left_out", provider=provider, model=model, reason="no key")
            continue
        circuit = circuits.setdefault(
            provider, Circuit(threshold=settings.circuit_failures, cooldown_seconds=settings.circuit_cooldown_seconds)
        )
        link = Link(provider, model, _builder(settings, provider, model), circuit)
        link.warm_up()
        links.append(link)
    return links


def _key(settings: Settings, provider: str) -> SecretStr | None:
    key: SecretStr | None = getattr(settings, KEYED[provider])
    return key


def _split(name: str) -> tuple[str, str]:
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise ValueError(f"{name!r} names no provider; write provider:model, e.g. groq:openai/gpt-oss-120b")
    return provider, model


def _builder(settings: Settings, provider: str, model: str) -> Callable[[], BaseChatModel]:
    def build() -> BaseChatModel:
        from langchain.chat_models import init_chat_model

        options = _client_options(settings, provider, model)
        client: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
        return client

    return build


def _client_options(settings: Settings, provider: str, model: str) -> dict[str, Any]:
    timeout = settings.model_timeout_seconds
    options: dict[str, Any] = {"timeout": timeout, "max_tokens": settings.model_max_tokens}
    if provider == "google_genai":
        return options | _gemini_options(settings, model)
    if provider == "groq":
        return options | _groq_options(settings, model)
    base_url = settings.model_base_urls.get(provider)
    return options | {"max_retries": 0} | ({"base_url": base_url} if base_url else {})


def _gemini_options(settings: Settings, model: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "api_key": settings.gemini_api_key,
        "base_url": settings.gemini_base_url,
        "vertexai": False,
        "max_retries": 1,
        "client_args": {"trust_env": not _is_loopback(settings.gemini_base_url)},
    }
    return options | _effort(settings, model, option="thinking_level")


def _groq_options(settings: Settings, model: str) -> dict[str, Any]:
    trust_env = not _is_loopback(settings.groq_base_url)
    options: dict[str, Any] = {
        "api_key": settings.groq_api_key,
        "base_url": settings.groq_base_url,
        "max_retries": 0,
        "temperature": 0.0,
        "http_client": httpx.Client(trust_env=trust_env, follow_redirects=True),
        "http_async_client": httpx.AsyncClient(trust_env=trust_env, follow_redirects=True),
    }
    return options | _effort(settings, model, option="reasoning_effort")


def _effort(settings: Settings, model: str, *, option: str) -> dict[str, Any]:
    thinks = "gemini-3" in model or "gpt-oss" in model
    effort = settings.model_reasoning_effort
    return {option: effort} if thinks and effort != "provider" else {}


def _is_loopback(url: str | None) -> bool:
    """A proxy has no way to our own machine."""
    return urlsplit(url or "").hostname in ("127.0.0.1", "localhost", "::1")


async def _close(client: BaseChatModel) -> None:
    for closable in (client, getattr(client, "http_async_client", None)):
        close = getattr(closable, "aclose", None)
        if close is not None:
            await close()
    sync = getattr(client, "http_client", None)
    if sync is not None:
        sync.close()
