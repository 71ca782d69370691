"""What commands share: reading the settings, opening the order book, and errors in one sentence."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from agent.settings import Settings
    from tools.book.audit import Actor
    from tools.book.book import OrderBook

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NO_START = 2
"""Exit code of a command that could not begin."""


def load_settings(**given: str | int | None) -> "Settings":
    """The settings. Options of the command come first. Faults end the command, with a sentence for each."""
    from agent.environment import BadSettings, read_settings

    try:
        return read_settings(**{name: value for name, value in given.items() if value is not None})
    except BadSettings as error:
        raise no_start("\n".join(error.faults)) from None


def no_start(why: str) -> typer.Exit:
    """Say why the command cannot begin."""
    typer.echo(why, err=True)
    return typer.Exit(NO_START)


def with_book(work: "Callable[[OrderBook], Awaitable[T]]", settings: "Settings | None" = None) -> T:
    """Run the work on the order book of the settings, and return its result."""
    from tools.book.book import OrderBook
    from tools.storage.database import Database
    from tools.storage.migrations.upgrade import migrate

    chosen = settings or load_settings()

    async def on_book() -> T:
        await migrate(chosen.database_url)
        async with Database(chosen.database_url) as database:
            return await work(OrderBook(database))

    return finish(on_book(), chosen)


def prepared(settings: "Settings") -> tuple[socket.socket, "Settings"]:
    """A bound socket, and the settings for it, once the databases can be used. What the server needs beside takes
    seconds to import, so faults are found before."""
    from agent.running.preparation import prepare_databases
    from api.door.start_faults import cannot_listen
    from api.welcome import address_of

    try:
        listener = _bound(settings.host, settings.port)
    except OSError as error:
        raise no_start(cannot_listen(error, settings)) from None
    finish(prepare_databases(settings), settings, code=NO_START)
    settings = settings.model_copy(update={"port": listener.getsockname()[1], "migrate_at_start": False})
    return listener, settings.model_copy(update={"public_url": settings.public_url or address_of(settings)})


def _bound(host: str, port: int) -> socket.socket:
    """A socket that does not listen yet. Port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.set_inheritable(True)
    return listener


def finish(work: Coroutine[Any, Any, T], settings: "Settings", *, code: int = 1) -> T:
    """Run the work and return its result. A known error ends the command with a sentence."""
    from api.door.start_faults import sentence

    try:
        return asyncio.run(work)
    except Exception as error:
        words = sentence(error, settings)
        if words is None:
            raise
        typer.echo(words, err=True)
        raise typer.Exit(code) from None


def operator() -> "Actor":
    """The person at the command line, for the audit trail."""
    from tools.book.audit import Actor

    return Actor(name="command line")
