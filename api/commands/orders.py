"""`restock orders …`: what was ordered, what of it has arrived, and what is late."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.opening import load_settings, operator, with_book
from tools.records.quantities import FINEST
from tools.records.quantities import quantity as as_quantity

if TYPE_CHECKING:
    from tools.book.book import OrderBook
    from tools.records.orders import Order, OrderFilter, Receipt

orders = typer.Typer(
    help="List orders, and say what became of them.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)

Number = Annotated[str, typer.Argument(help="The order's number, as `restock orders list` shows it.")]


@orders.command("list")
def list_orders(
    status: Annotated[
        str | None,
        typer.Option(help="open, overdue, placed, sent, partly_received, received or cancelled; without it, all."),
    ] = None,
    product: Annotated[str | None, typer.Option(help="A product's id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Most orders to show.")] = 50,
    before: Annotated[str | None, typer.Option(help="The last number seen, to go on from.")] = None,
) -> None:
    """Show orders, newest first, one a line."""
    from tools.book.filters import Filters

    chosen = None if status is None else _status(status)

    async def page(book: "OrderBook") -> "list[Order]":
        return await book.orders.page(limit, before, chosen, Filters(product_id=product))

    for order in with_book(load_settings(), page):
        typer.echo(_line(order))


@orders.command()
def show(number: Number) -> None:
    """Show one order with its receipts."""

    async def found(book: "OrderBook") -> "tuple[Order, tuple[Receipt, ...]]":
        order = await book.orders.get(number)
        return order, (await book.life.receipts([number]))[number]

    order, receipts = with_book(load_settings(), found)
    typer.echo(_line(order))
    for receipt in receipts:
        typer.echo(f"  {_time(receipt.received_at)}: {receipt.quantity} units, reported by {receipt.recorded_by}")


@orders.command()
def receive(
    number: Number,
    quantity: Annotated[float, typer.Argument(min=FINEST, help="Units that have arrived, now or at --at.")],
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="When (UTC), as 2027-06-30T15:00:00."),
    ] = None,
    stock_before: Annotated[
        float | None, typer.Option(min=0, help="Units in stock just before: how the order before this turned out.")
    ] = None,
) -> None:
    """Record units of an order that have arrived. Each call is a receipt of its own."""
    settings = load_settings()
    from tools.planning.confidence import read_table

    when = None if at is None else at.replace(tzinfo=UTC)

    async def take_in(book: "OrderBook") -> "Order":
        order = await book.life.receive(number, as_quantity(quantity), by=operator(), received_at=when)
        if stock_before is not None:
            table = read_table(settings.calibration_table) if settings.calibration_table else None
            await book.outcomes.learn(order, stock_before, by=operator(), table=table)
        return order

    typer.echo(_line(with_book(settings, take_in)))


@orders.command()
def cancel(
    number: Number, reason: Annotated[str, typer.Option(help="Why the rest will not come; kept with the order.")]
) -> None:
    """Cancel what has not arrived of an order. The supplier is not told."""
    from tools.records.text import clean_text

    async def end(book: "OrderBook") -> "Order":
        return await book.life.cancel(number, clean_text(reason, limit=1_000), by=operator())

    typer.echo(_line(with_book(load_settings(), end)))


@orders.command()
def sent(number: Number) -> None:
    """Say that an order has gone to its supplier. Its lead time begins now."""

    async def mark(book: "OrderBook") -> "Order":
        return await book.life.mark_sent(number, by=operator())

    typer.echo(_line(with_book(load_settings(), mark)))


def _status(given: str) -> "OrderFilter":
    from typing import get_args

    from tools.records.orders import OrderFilter

    known: tuple[OrderFilter, ...] = get_args(OrderFilter)
    for status in known:
        if status == given:
            return status
    raise typer.BadParameter(f"There is no status {given!r}; use one of {', '.join(known)}.")


def _line(order: "Order") -> str:
    """An order on one line."""
    from tools.records.text import days

    parts = [order.number, order.status, f"{order.product_id} at {order.location}"]
    parts.append(f"{order.received_quantity} of {order.quantity} received")
    if order.received_quantity > order.quantity:
        parts.append(f"{as_quantity(order.received_quantity - order.quantity)} more than ordered")
    if order.closed_at is None:
        late = f", {days(round(order.days_overdue, 1))} overdue" if order.days_overdue else ""
        parts.append(f"due {_time(order.due_at)}{late}")
    else:
        parts.append(f"closed {_time(order.closed_at)}")
    return " | ".join(parts + ([order.cancel_reason] if order.cancel_reason else []))


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
