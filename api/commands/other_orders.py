"""`restock orders-elsewhere`: what other systems have ordered, what of it has come, and what will not."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.opening import AsJson, operator, with_book
from api.commands.options import with_options
from api.commands.tables import Out

if TYPE_CHECKING:
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
@with_options
def list_other_orders(
    context: typer.Context,
    out: Out,
    supplier: Annotated[str, typer.Option(help="A supplier's id or name.")] = "",
    product: Annotated[str, typer.Option(help="A product's id.")] = "",
) -> None:
    """List them, what is due first before the others."""
    if context.invoked_subcommand is not None:
        return
    from tools.catalog.entries import EntryStore

    found, _ = with_book(lambda book: EntryStore(book.database).open_lines(MOST, supplier=supplier, product=product))
    rows, lines = [line.model_dump() for line in found], (line.model_dump_json() for line in found)
    nothing = "There are no such orders; `restock import` brings in open orders of other systems."
    out.show(rows, COLUMNS, narrow=COLUMNS, json=lines, nothing=nothing)


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
    from tools.catalog.imports import ImportStore

    record = with_book(lambda book: ImportStore(book.database).change(ReadFile.without_file(name), work, operator()))
    for note in () if as_json else record.notes:
        typer.echo(note)
    typer.echo(record.model_dump_json() if as_json else f"{name} is recorded as import {record.number}.")
