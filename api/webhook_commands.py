"""`restock webhooks …`: webhooks managed by whoever has the database, without a key."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.webhook_desk import Signed, WebhookDesk
    from tools.orders import OrderBook

app = typer.Typer(help="Who is told of events, and what could not be delivered.", no_args_is_help=True)
ACTOR = "command line"
WebhookId = Annotated[str, typer.Argument(help="The webhook's id, as `restock webhooks list` shows it.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Where events go, such as https://erp.example/hooks.")],
    event: Annotated[list[str] | None, typer.Option(help="An event to tell of; may be repeated. Default: all.")] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Tell an address of events from now on. Prints its secret, once."""
    from tools.webhooks import EVENTS

    events = [each for each in EVENTS if each in (event or [])]
    if len(events) < len(set(event or [])):
        raise typer.BadParameter(f"Events are {', '.join(EVENTS)}.", param_hint="--event")
    _run(lambda desk, _: _show(desk.add(url=url, events=events, description=description, actor=ACTOR)))


@app.command(name="list")
def show() -> None:
    """Show every webhook."""

    async def work(_: "WebhookDesk", book: "OrderBook") -> None:
        for webhook in await book.webhooks():
            state = "enabled" if webhook.enabled else f"disabled: {webhook.disabled_reason}"
            typer.echo(f"{webhook.id}  {webhook.url}  {', '.join(webhook.events) or 'all events'}  {state}")

    _run(work)


@app.command()
def remove(webhook_id: WebhookId) -> None:
    """Forget a webhook, its secrets and its dead letters."""
    _run(lambda _, book: book.remove_webhook(webhook_id, actor=ACTOR))


@app.command()
def rotate(
    webhook_id: WebhookId,
    keep_old_hours: Annotated[
        float, typer.Option(min=0, max=168, help="For so long the old secret signs as well; 0 ends it at once.")
    ] = 24,
) -> None:
    """Sign with a new secret. Prints it, once."""
    _run(lambda desk, _: _show(desk.rotate(webhook_id, keep_old_hours=keep_old_hours, actor=ACTOR)))


@app.command()
def dead(webhook_id: Annotated[str | None, typer.Option(help="Those of one webhook.")] = None) -> None:
    """Show the newest 200 events that could not be delivered."""

    async def work(_: "WebhookDesk", book: "OrderBook") -> None:
        for letter in await book.dead_letters(200, webhook_id=webhook_id):
            what = f"{letter.event} of run {letter.run_id}, {letter.happened_at:%Y-%m-%d %H:%M:%S} UTC"
            typer.echo(f"{letter.number}  {letter.webhook_id}  {what}: {letter.last_error}")

    _run(work)


@app.command()
def replay(
    number: Annotated[int | None, typer.Argument(help="One dead letter's number; without it, all.")] = None,
    webhook_id: Annotated[str | None, typer.Option(help="All of one webhook.")] = None,
) -> None:
    """Try dead letters again."""

    async def work(_: "WebhookDesk", book: "OrderBook") -> None:
        if number is None:
            typer.echo(f"{await book.replay_dead_letters(webhook_id)} dead letters are tried again.")
        else:
            await book.replay_dead_letter(number)

    _run(work)


async def _show(made: Awaitable["Signed"]) -> None:
    webhook, secret = await made
    typer.echo(f"{webhook.id}  {webhook.url}\nSecret (shown once): {secret}")


def _run(work: Callable[["WebhookDesk", "OrderBook"], Awaitable[None]]) -> None:
    import asyncio

    from tools.errors import RestockError

    async def in_the_book() -> None:
        async with _opened() as (desk, book):
            await work(desk, book)

    try:
        asyncio.run(in_the_book())
    except RestockError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from None


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple["WebhookDesk", "OrderBook"]]:
    from api.book_at_hand import load_settings
    from api.webhook_desk import WebhookDesk
    from tools.database import create_engine
    from tools.orders import OrderBook

    settings = load_settings()
    engine = create_engine(settings.database_url)
    book = OrderBook(engine)
    desk = WebhookDesk(settings, book)
    try:
        yield desk, book
    finally:
        desk.close()
        await engine.dispose()
