"""`restock webhooks …`: webhooks managed on the order book itself, without a key."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.book_at_hand import load_settings, operator, with_book

if TYPE_CHECKING:
    from api.webhooks.desk import Signed, WebhookDesk
    from tools.book.book import OrderBook

webhooks = typer.Typer(
    help="Who is told of events, and what could not be delivered.", no_args_is_help=True, rich_markup_mode=None
)
Identity = Annotated[str, typer.Argument(help="The webhook's id, as `restock webhooks list` shows it.")]
OfWebhook = Annotated[str | None, typer.Option("--webhook", help="Those of one webhook.")]


@webhooks.command()
def add(
    url: Annotated[str, typer.Argument(help="Where events go, such as https://erp.example/hooks.")],
    event: Annotated[list[str] | None, typer.Option(help="An event to tell of; repeatable. Default: all.")] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Tell an address of events from now on. Shows its secret, once."""
    from tools.book.webhooks import EVENTS

    events = [each for each in EVENTS if each in (event or ())]
    if len(events) < len(set(event or ())):
        raise typer.BadParameter(f"Events are {', '.join(EVENTS)}.", param_hint="--event")
    _show(lambda desk: desk.add(url=url, events=events, description=description, by=operator()))


@webhooks.command(name="list")
def show() -> None:
    """Show every webhook."""
    for webhook in with_book(load_settings(), lambda book: book.webhooks.all()):
        state = "enabled" if webhook.enabled else f"disabled: {webhook.disabled_reason}"
        typer.echo(f"{webhook.id}  {webhook.url}  {', '.join(webhook.events) or 'all events'}  {state}")


@webhooks.command()
def remove(webhook_id: Identity) -> None:
    """Forget a webhook, its secrets and its dead letters."""
    with_book(load_settings(), lambda book: book.webhooks.remove(webhook_id, by=operator()))


@webhooks.command()
def rotate(
    webhook_id: Identity,
    keep_old_hours: Annotated[
        float, typer.Option(min=0, max=168, help="For so long the old secret signs as well; 0 ends it at once.")
    ] = 24,
) -> None:
    """Sign with a new secret. Shows it, once."""
    _show(lambda desk: desk.rotate(webhook_id, keep_old_hours=keep_old_hours, by=operator()))


@webhooks.command()
def dead(webhook_id: OfWebhook = None) -> None:
    """Show the newest 200 events that could not be delivered."""
    for letter in with_book(load_settings(), lambda book: book.deliveries.dead_letters(200, webhook_id=webhook_id)):
        what = f"{letter.event} of run {letter.run_id}, {letter.happened_at:%Y-%m-%d %H:%M:%S} UTC"
        typer.echo(f"{letter.number}  {letter.webhook_id}  {what}: {letter.last_error}")


@webhooks.command()
def replay(
    number: Annotated[int | None, typer.Argument(help="One dead letter's number; without it, all.")] = None,
    webhook_id: OfWebhook = None,
) -> None:
    """Try dead letters again."""
    if number is not None:
        with_book(load_settings(), lambda book: book.deliveries.replay(number, by=operator()))
        return
    count = with_book(load_settings(), lambda book: book.deliveries.replay_all(webhook_id, by=operator()))
    typer.echo(f"{count} dead letters are tried again.")


def _show(make: "Callable[[WebhookDesk], Awaitable[Signed]]") -> None:
    settings = load_settings()

    async def at_desk(book: "OrderBook") -> "Signed":
        from api.webhooks.desk import WebhookDesk

        desk = WebhookDesk(settings, book)
        try:
            return await make(desk)
        finally:
            desk.close()

    webhook, secret = with_book(settings, at_desk)
    typer.echo(f"{webhook.id}  {webhook.url}\nSecret (shown once): {secret}")
