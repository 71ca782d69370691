"""`restock orders-elsewhere`: what other systems have ordered, what of it has come, and what will not."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.opening import AsJson, load_settings, operator, with_book
from api.commands.tables import Csv, Xlsx, screen, write_files

if TYPE_CHECKING:
    from tools.book.book import OrderBook
    from tools.catalog.entries import OpenLine
    from tools.catalog.importing.record import ImportRecord
    from tools.catalog.imports import Work

other_orders = typer.Typer(
    help="List open orders of other systems, and say what became of them.",
    invoke_without_command=True,
    rich_markup_mode=None,
    add_completion=False,
)
MOST = 10**6
COLUMNS = ("reference", "product_id", "location", "supplier_name", "quantity", "received", "ordered_on", "due_on")
Reference = Annotated[str, typer.Argument(help="The order's number in that system.")]
Product = Annotated[str, typer.Argument(help="The product's id.")]
Location = Annotated[str | None, typer.Option(help="Where it is to arrive; not needed where it is the only one.")]


@other_orders.callback()
def list_other_orders(
    context: typer.Context,
    supplier: Annotated[str, typer.Option(help="A supplier's id or name.")] = "",
    product: Annotated[str, typer.Option(help="A product's id.")] = "",
    csv: Csv = None,
    xlsx: Xlsx = None,
    as_json: AsJson = False,
) -> None:
    """List them, what is due first before the others."""
    if context.invoked_subcommand is not None:
        return

    async def read(book: "OrderBook") -> "list[OpenLine]":
        from tools.catalog.entries import EntryStore

        return (await EntryStore(book.database).open_lines(MOST, supplier=supplier, product=product))[0]

    found = with_book(load_settings(), read)
    rows = [line.model_dump() for line in found]
    if csv is not None or xlsx is not None:
        write_files(rows, COLUMNS, csv=csv, xlsx=xlsx)
    elif as_json:
        for line in found:
            typer.echo(line.model_dump_json())
    elif found:
        typer.echo(screen(rows, COLUMNS))
    else:
        typer.echo("There are no such orders; `restock import` brings in open orders of other systems.", err=True)


@other_orders.command()
def receive(
    reference: Reference,
    product: Product,
    location: Location = None,
    quantity: Annotated[float | None, typer.Option(help="Units that arrived. [all that were still to come]")] = None,
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M"], help="When, in UTC, as 2026-11-30T14:00. [now]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say that it has arrived, whole or in part. The stock is raised, and the lead time follows."""
    from tools.catalog.importing.arrivals import LineKey, receive_line

    moment = None if at is None else at.replace(tzinfo=UTC)
    work = receive_line(LineKey(reference, product, location), quantity, received_at=moment)
    _change(f"Receipt of {reference}", work, as_json)


@other_orders.command()
def cancel(
    reference: Reference,
    product: Product,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the change.")],
    location: Location = None,
    as_json: AsJson = False,
) -> None:
    """Say that what has not arrived will not come."""
    from tools.catalog.importing.arrivals import LineKey, cancel_line

    _change(f"Cancellation of {reference}", cancel_line(LineKey(reference, product, location), reason.strip()), as_json)


def _change(name: str, work: "Work", as_json: bool) -> None:
    """Change the catalogue as an import that can be undone, and say so."""
    from tools.catalog.importing.record import ReadFile

    async def change(book: "OrderBook") -> "ImportRecord":
        from tools.catalog.imports import ImportStore

        return await ImportStore(book.database).change(ReadFile.without_file(name), work, operator())

    record = with_book(load_settings(), change)
    for note in () if as_json else record.notes:
        typer.echo(note)
    typer.echo(record.model_dump_json() if as_json else f"{name} is recorded as import {record.number}.")
