"""Builds the clients of the models that the settings name.

Gemini and Groq take their keys from the settings and are left out without one. Any other provider that
`init_chat_model` knows may be named too. It reads its own variables, and its package must be installed.
"""

import logging
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from langchain_core.language_models import BaseChatModel

from agent.models.circuit import Circuit
from agent.models.link import Link
from agent.settings import Settings

log = structlog.get_logger(__name__)
KEYS = {"google_genai": "gemini_api_key", "groq": "groq_api_key"}
TAKE_HTTP_CLIENTS = ("openai", "azure_openai", "deepseek", "xai")
MAX_TOKENS = 2_048
"""Most tokens of one answer, thinking included. An answer cut off by it counts as failed."""
TALKATIVE_LOGGERS = ("httpx", "httpcore", "httpx2", "httpcore2", "groq", "google_genai", "langchain_google_genai")
"""Loggers that write URLs, headers and prompts, keys included."""
CONNECTIONS = httpx.Limits(max_connections=1_000, max_keepalive_connections=100)
"""More than the runs of a process, so that no call waits for a connection."""


def silence_clients() -> None:
    for name in TALKATIVE_LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)


def configured_links(settings: Settings) -> list[Link]:
    """The links in the order to ask them. Raises ImportError with the package to install."""
    circuits: dict[str, Circuit] = {}
    links: list[Link] = []
    for name in (settings.primary_model, *settings.fallback_models):
        provider, _, model = name.partition(":")
        if provider in KEYS and not getattr(settings, KEYS[provider]):
            log.info("model_left_out", provider=provider, model=model, reason="no key")
            continue
        circuit = circuits.setdefault(provider, Circuit())
        client = _client(settings, provider, model)
        links.append(Link(provider, model, client, settings.model_timeout_seconds, circuit))
    return links


def _client(settings: Settings, provider: str, model: str) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    own = {"google_genai": _gemini_options, "groq": _groq_options}.get(provider)
    options = own(settings, model) if own else _other_options(settings, provider)
    options |= {"timeout": settings.model_timeout_seconds, "max_tokens": MAX_TOKENS}
    client: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
    return client


def _gemini_options(settings: Settings, model: str) -> dict[str, Any]:
    """`max_retries=1` means one attempt; 0 would mean the client's own five. If aiohttp is installed the client uses
    it, with `allow_redirects`, which httpx does not know."""
    return {
        "api_key": settings.gemini_api_key,
        "base_url": settings.model_base_urls.get("google_genai"),
        "vertexai": False,
        "max_retries": 1,
        "client_args": _network(settings.model_base_urls.get("google_genai")) | {"allow_redirects": False},
        **_effort(model, option="thinking_level"),
    }


def _groq_options(settings: Settings, model: str) -> dict[str, Any]:
    return {
        "api_key": settings.groq_api_key,
        "base_url": settings.model_base_urls.get("groq"),
        "max_retries": 0,
        "temperature": 0.0,
        **_http_clients(settings.model_base_urls.get("groq")),
        **_effort(model, option="reasoning_effort"),
    }


def _other_options(settings: Settings, provider: str) -> dict[str, Any]:
    """Ollama's client calls `max_tokens` `num_predict`, and ignores options that it does not know."""
    base_url = settings.model_base_urls.get(provider)
    options: dict[str, Any] = {"max_retries": 0} | ({"base_url": base_url} if base_url else {})
    if provider in TAKE_HTTP_CLIENTS:
        options |= _http_clients(base_url)
    if provider == "ollama":
        options |= {"num_predict": MAX_TOKENS, "client_kwargs": _network(base_url)}
    return options


def _effort(model: str, *, option: str) -> dict[str, str]:
    """Ask models that can think to do so briefly."""
    return {option: "low"} if "gemini-3" in model or "gpt-oss" in model else {}


def _http_clients(base_url: str | None) -> dict[str, Any]:
    network = _network(base_url)
    return {"http_client": httpx.Client(**network), "http_async_client": httpx.AsyncClient(**network)}


def _network(base_url: str | None) -> dict[str, Any]:
    """Options of an httpx client. A redirect would carry the key to another host. A proxy cannot reach our own
    machine."""
    loopback = urlsplit(base_url or "").hostname in ("127.0.0.1", "localhost", "::1")
    return {"trust_env": not loopback, "follow_redirects": False, "limits": CONNECTIONS}
