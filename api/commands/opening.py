"""What commands share: reading the settings, opening the order book, and errors in one sentence."""

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
    """The settings. Options of the command come first. Faults end the command, with a sentence for each."""
    from agent.environment import BadSettings, read_settings

    try:
        return read_settings(**{name: value for name, value in given.items() if value is not None})
    except BadSettings as error:
        for fault in error.faults:
            typer.echo(fault, err=True)
        raise typer.Exit(2) from None


def with_book(settings: "Settings", work: "Callable[[OrderBook], Awaitable[T]]") -> T:
    """Run the work on the order book of these settings, and return its result."""
    from tools.book.book import OrderBook
    from tools.storage.database import Database
    from tools.storage.migrations.upgrade import migrate

    async def on_book() -> T:
        await migrate(settings.database_url)
        async with Database(settings.database_url) as database:
            return await work(OrderBook(database))

    return finish(on_book(), settings)


def finish(work: Coroutine[Any, Any, T], settings: "Settings") -> T:
    """Run the work and return its result. A known error ends the command with a sentence."""
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
    """The person at the command line, for the audit trail."""
    from tools.book.audit import Actor

    return Actor(name="command line")
