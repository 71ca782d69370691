"""What commands need before they begin: the settings, and the order book where they name it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from agent.settings import Settings
    from tools.book.audit import Actor
    from tools.book.book import OrderBook

T = TypeVar("T")


def load_settings(**given: str | int | None) -> "Settings":
    """The settings, these options before all else. Ends the command with a sentence for each fault."""
    from agent.environment import BadSettings, read_settings

    try:
        return read_settings(**{name: value for name, value in given.items() if value is not None})
    except BadSettings as error:
        for fault in error.faults:
            typer.echo(fault, err=True)
        raise typer.Exit(2) from None


def with_book(settings: "Settings", work: "Callable[[OrderBook], Awaitable[T]]") -> T:
    """What the work returns on the order book of these settings, at its present schema."""
    from tools.book.book import OrderBook
    from tools.storage.database import Database
    from tools.storage.migrations.upgrade import migrate

    async def on_book() -> T:
        await migrate(settings.database_url)
        async with Database(settings.database_url) as database:
            return await work(OrderBook(database))

    return finish(on_book(), settings)


def finish(work: Coroutine[Any, Any, T], settings: "Settings") -> T:
    """What the work returns. Ends the command with a sentence where it fails for a known reason."""
    from api.door.start_faults import sentence

    try:
        return asyncio.run(work)
    except Exception as error:
        words = sentence(error, settings)
        if words is None:
            raise
        typer.echo(words, err=True)
        raise typer.Exit(1) from None


def operator() -> "Actor":
    """Whoever is at the command line, for the audit trail."""
    from tools.book.audit import Actor

    return Actor(name="command line")
