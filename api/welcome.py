"""The greeting of the service once it listens."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from agent.settings import Settings
from api.door.auth import KeyRing
from api.door.plain_lines import is_for_people
from api.door.sessions import Sessions
from tools.book.book import OrderBook
from tools.storage.database import Database


async def greet(settings: Settings, *, only_work: bool = False) -> None:
    """Print the address; in a terminal also a link that signs in to the desk, how to begin, and what is missing.
    Elsewhere what is printed is kept in logs, so it is one line of JSON as theirs."""
    lines = [f"Listening on {address_of(settings)} (stop with Ctrl+C)"]
    if not is_for_people(settings.log_format, sys.stdout):
        event = {"event": f"Listening on {address_of(settings)}", "level": "info"}
        lines = [json.dumps({**event, "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"})]
    elif not only_work:
        lines += _first_steps(settings, await _offered(settings) if sys.stdout.isatty() else None)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def address_of(settings: Settings) -> str:
    """The address for people on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{host}:{settings.port}"


def sign_in_link(address: str, link: str) -> str:
    return f"{address.rstrip('/')}/desk/sign-in?link={link}"


async def _offered(settings: Settings) -> str | None:
    async with Database(settings.database_url) as database:
        book = OrderBook(database)
        return await Sessions(book, KeyRing(book, settings.api_key)).offer()


def _first_steps(settings: Settings, link: str | None) -> Iterator[str]:
    address = address_of(settings)
    yield f'Ask with your key: curl -H "X-API-Key: YOUR_KEY" {address}/debug/STEEL_SHEETS'
    if settings.api_key is None:
        yield f"Key lost? Make another: {_command()} keys create my-name --scope trigger --scope read --scope approve"
    if "docs" in settings.public_pages:
        yield f"Try it in a browser: {address}/docs"
    yield _models(settings)
    if link is not None:
        yield f"\nOpen the desk (once, within ten minutes): {sign_in_link(address, link)}"


def _command() -> str:
    """The command as it was called, because it may not be on the path."""
    return sys.argv[0] if Path(sys.argv[0]).name == "restock" else "restock"


def _models(settings: Settings) -> str:
    keys = {"google_genai": settings.gemini_api_key, "groq": settings.groq_api_key}
    chain = (settings.primary_model, *settings.fallback_models)
    if usable := [name for name in chain if keys.get(name.partition(":")[0], True)]:
        return f"Models: {', then '.join(usable)}."
    answer = "built-in rules answer" if settings.rules_model else "every decision waits for a person"
    return f"No model key: {answer}. Set GEMINI_API_KEY or GROQ_API_KEY in .env to use a model."
