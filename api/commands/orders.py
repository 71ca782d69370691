"""`restock orders …`: what was ordered, the documents that it is in, what of it has arrived, and what is late."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.opening import AsJson, load_settings, operator, with_book
from api.commands.options import with_options
from api.commands.tables import Out, one_of
from tools.records.quantities import FINEST
from tools.records.quantities import quantity as as_quantity

if TYPE_CHECKING:
    from api.commands import order_lists as lists
    from tools.book.book import OrderBook
    from tools.purchasing.documents import Document
    from tools.records.orders import Order, Receipt

orders = typer.Typer(
    help="List orders by supplier or one by one, and say what became of them.",
    invoke_without_command=True,
    rich_markup_mode=None,
    add_completion=False,
)
SHOWN = 50
Number = Annotated[
    str, typer.Argument(help="An order's number (PO-…), or a document's (PD-…), as `restock orders` shows it.")
]


@orders.callback()
@with_options
def list_orders(
    context: typer.Context,
    out: Out,
    status: Annotated[
        str | None,
        typer.Option(help="open, overdue, placed, sent, partly_received, received or cancelled; without it, all."),
    ] = None,
    product: Annotated[str | None, typer.Option(help="A product's id.")] = None,
    supplier: Annotated[str | None, typer.Option(help="A supplier's id or name.")] = None,
    location: Annotated[str | None, typer.Option(help="Where it is to arrive.")] = None,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which it was placed, as 2026-11-30.")
    ] = None,
    late: Annotated[bool | None, typer.Option("--late/--not-late", help="Only what is overdue, or is not.")] = None,
    value: Annotated[float | None, typer.Option(min=0, help="Least value, each in its own currency.")] = None,
    by: Annotated[
        str | None, typer.Option(help="supplier: documents with their lines; open ones unless --status says otherwise.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"Most orders; without it, {SHOWN} on the screen and all elsewhere.")
    ] = None,
    before: Annotated[str | None, typer.Option(help="The last number seen, to go on from.")] = None,
) -> None:
    """List orders, newest first, one a line; or gather them by supplier; or write them to a file, one a row."""
    if context.invoked_subcommand is not None:
        if any(given not in (None, False) for given in context.params.values()):
            raise typer.BadParameter(
                f"These options are for the list; write them after {context.invoked_subcommand!r}."
            )
        return
    if by not in (None, "supplier"):
        raise typer.BadParameter(f"Orders cannot be gathered by {by!r}; use --by supplier.")
    from api.bodies.fields import money
    from api.commands import order_lists as lists
    from tools.purchasing.purchasing import Purchasing
    from tools.records.orders import OrderFilter

    chosen: OrderFilter | None = one_of(status or "open", OrderFilter, "status") if status or by else None
    most = SHOWN if limit is None and by is None and out.on_screen else limit

    async def read(book: "OrderBook") -> "lists.Listing":
        filters = await Purchasing(book).filters(
            product_id=product,
            supplier=supplier,
            location=location,
            day=day and day.date(),
            late=late,
            value=money(value),
        )
        return await lists.read_listing(
            book, filters, chosen, limit=most, before=before, by_supplier=by is not None, units=out.in_files
        )

    listing = with_book(read)
    if out.in_files:
        lists.write(listing, out, gather=by is not None)
    elif out.as_json:
        typer.echo(lists.as_json(listing, gather=by is not None))
    else:
        _show_lines(listing, gather=by is not None)


def _show_lines(listing: "lists.Listing", *, gather: bool) -> None:
    from api.commands.order_lists import gathered_lines, order_line

    if not listing.orders:
        typer.echo("There are no such orders.", err=True)
        return
    for line in gathered_lines(listing) if gather else map(order_line, listing.orders):
        typer.echo(line)
    if len(listing.orders) < listing.total:
        typer.echo(
            f"{len(listing.orders)} of {listing.total} orders; go on with --before {listing.orders[-1].number}.",
            err=True,
        )


@orders.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """Show one order with its receipts, or one document with its lines and what would fill it up."""
    if _is_document(number):
        document, lines = with_book(lambda book: _document_lines(book, number))
        typer.echo(_document_json(document) if as_json else "\n".join(lines))
        return
    from api.commands.order_lists import order_line, receipt_line

    async def found(book: "OrderBook") -> "tuple[Order, tuple[Receipt, ...]]":
        order = await book.orders.get(number)
        return order, (await book.life.receipts([number]))[number]

    order, receipts = with_book(found)
    if as_json:
        from api.bodies.orders import OrderDetail

        typer.echo(OrderDetail.with_receipts(order, {number: receipts}).model_dump_json())
        return
    typer.echo(order_line(order))
    for receipt in receipts:
        typer.echo(f"  {receipt_line(receipt)}")


@orders.command("print")
def print_document(
    number: Annotated[
        str, typer.Argument(help="The document's number (PD-…), as `restock orders --by supplier` shows it.")
    ],
    out: Annotated[str, typer.Option(help="A file that ends in .html or .pdf; - is standard output, as HTML.")] = "-",
) -> None:
    """Write a document as a page to print, or as a PDF for the supplier. A PDF needs the extra restock[pdf]."""
    from api.bodies.print_page import as_pdf, print_page
    from tools.purchasing.purchasing import Purchasing
    from tools.records.errors import PdfNotInstalled

    ending = Path(out).suffix.lower()
    if out != "-" and ending not in (".html", ".pdf"):
        raise typer.BadParameter(f"{out!r} ends in neither .html nor .pdf.", param_hint="--out")
    document = with_book(lambda book: Purchasing(book).documents.get(number))
    if out == "-":
        typer.echo(print_page(document))
        return
    try:
        Path(out).write_bytes(as_pdf(document) if ending == ".pdf" else print_page(document).encode())
    except (OSError, PdfNotInstalled) as error:
        raise typer.BadParameter(f"{out} cannot be written: {error}", param_hint="--out") from None
    typer.echo(f"{number} is in {out}.", err=True)


@orders.command()
def send(
    number: Number,
    version: Annotated[
        str | None, typer.Option(help="The document's version that you saw; without it, it is shown and you are asked.")
    ] = None,
    below_minimum: Annotated[
        bool, typer.Option("--below-minimum", help="Send it although it is below its supplier's minimum.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say that a document, or one order by itself, has gone to its supplier. Lead times begin now."""
    if not _is_document(number):
        _tell_order(with_book(lambda book: book.life.mark_sent(number, by=operator())), as_json)
        return
    from tools.purchasing.purchasing import Purchasing

    seen = version or _seen(number, ask=not yes)
    sent = with_book(lambda book: Purchasing(book).send(number, seen, by=operator(), below_minimum=below_minimum))
    _tell_document(sent, as_json)


def _seen(number: str, *, ask: bool) -> str:
    """Show the document and return its version, once a person has agreed."""
    document, lines = with_book(lambda book: _document_lines(book, number))
    typer.echo("\n".join(lines), err=not ask)
    if ask:
        typer.confirm("Has it gone to the supplier like this?", abort=True)
    return document.version


@orders.command()
def receive(
    number: Number,
    quantity: Annotated[
        float | None, typer.Argument(min=FINEST, help="Units of an order that have arrived; a document needs none.")
    ] = None,
    line: Annotated[
        list[str] | None,
        typer.Option(help="Of a document: PO-2026-000001=300, or a product's id; without it, all that is to come."),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="When (UTC), as 2027-06-30T15:00:00."),
    ] = None,
    stock_before: Annotated[
        float | None, typer.Option(min=0, help="Units in stock just before: how the order before this turned out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record what has arrived of an order, or a whole delivery. Each call is a receipt of its own."""
    when = None if at is None else at.replace(tzinfo=UTC)
    if _is_document(number):
        if quantity is not None or stock_before is not None:
            raise typer.BadParameter("A document takes no quantity and no --stock-before; use --line PO-…=300.")
        _tell_document(_take_in_delivery(number, line or [], when), as_json)
        return
    if quantity is None or line:
        raise typer.BadParameter("An order needs the units that have arrived, and no --line.")
    _tell_order(_take_in_order(number, quantity, when, stock_before), as_json)


def _take_in_delivery(number: str, line: list[str], when: datetime | None) -> "Document":
    from tools.purchasing.purchasing import Purchasing

    quantities = dict(map(_quantity_of_line, line)) or None
    return with_book(
        lambda book: Purchasing(book).documents.receive(number, quantities, by=operator(), received_at=when)
    )


def _quantity_of_line(given: str) -> tuple[str, float]:
    name, _, units = given.rpartition("=")
    try:
        return name, as_quantity(float(units))
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{given!r} is no line; write PO-2026-000001=300.", param_hint="--line") from None


def _take_in_order(number: str, quantity: float, when: datetime | None, stock_before: float | None) -> "Order":
    settings = load_settings()
    from tools.planning.confidence import read_table

    async def take_in(book: "OrderBook") -> "Order":
        order = await book.life.receive(number, as_quantity(quantity), by=operator(), received_at=when)
        if stock_before is not None:
            table = read_table(settings.calibration_table)
            await book.outcomes.learn(order, stock_before, by=operator(), table=table)
        return order

    return with_book(take_in, settings)


@orders.command()
def correct(
    number: Annotated[str, typer.Argument(help="The order's number, as `restock orders` shows it.")],
    quantity: Annotated[float, typer.Argument(min=0, help="Units that arrived; 0 takes the receipt back.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the receipt.")],
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="When (UTC); without it, when the receipt says."),
    ] = None,
    receipt: Annotated[
        str | None, typer.Option(help="The receipt's id, as `restock orders show` prints it, if there are several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set a receipt right that was wrong. The stock follows. An order of which too little has come is open again."""
    from tools.records.text import clean_text

    async def set_right(book: "OrderBook") -> "Order":
        chosen = _chosen_receipt((await book.life.receipts([number]))[number], receipt)
        return await book.life.correct(
            number,
            receipt or (chosen.id if chosen else ""),
            as_quantity(quantity),
            instead_of=chosen.quantity if chosen else 0,
            received_at=None if at is None else at.replace(tzinfo=UTC),
            reason=clean_text(reason, limit=1_000),
            by=operator(),
        )

    _tell_order(with_book(set_right), as_json)


def _chosen_receipt(known: "tuple[Receipt, ...]", identity: str | None) -> "Receipt | None":
    """The receipt of this id, or the only one."""
    from api.commands.order_lists import receipt_line

    if identity is None and len(known) > 1:
        listed = "; ".join(map(receipt_line, known))
        raise typer.BadParameter(f"There are several; name one: {listed}.", param_hint="--receipt")
    return next((each for each in known if identity in (None, each.id)), None)


@orders.command()
def cancel(
    number: Annotated[str, typer.Argument(help="The order's number, as `restock orders` shows it.")],
    reason: Annotated[str, typer.Option(help="Why the rest will not come; kept with the order.")],
    as_json: AsJson = False,
) -> None:
    """Cancel what has not arrived of an order. The supplier is not told."""
    from tools.records.text import clean_text

    why = clean_text(reason, limit=1_000)
    _tell_order(with_book(lambda book: book.life.cancel(number, why, by=operator())), as_json)


orders.command("list", hidden=True)(list_orders)
orders.command("sent", hidden=True)(send)
# The names that these commands had before.


def _tell_order(order: "Order", as_json: bool) -> None:
    from api.bodies.runs import OrderAnswer
    from api.commands.order_lists import order_line

    typer.echo(OrderAnswer.copy_of(order).model_dump_json() if as_json else order_line(order))


def _tell_document(document: "Document", as_json: bool) -> None:
    from api.commands.order_lists import document_line

    typer.echo(_document_json(document) if as_json else document_line(document))


def _document_json(document: "Document") -> str:
    from api.bodies.purchase_orders import DocumentDetail

    return DocumentDetail.copy_of(document, fill_up=()).model_dump_json()


def _is_document(number: str) -> bool:
    return number.startswith("PD-")


async def _document_lines(book: "OrderBook", number: str) -> "tuple[Document, list[str]]":
    from api.commands.order_lists import document_line, order_line
    from tools.purchasing.purchasing import Purchasing

    purchasing = Purchasing(book)
    document = await purchasing.documents.get(number)
    ways = [way.words for way in await purchasing.fill_up(document)]
    lines = [f"  {order_line(line)}" for line in document.lines]
    beside = [f"  would be filled up by {'; '.join(ways)}"] if ways else []
    head = f"{document.supplier_name} | {document.location} | {document_line(document)}"
    return document, [head, *lines, *beside]
