"""`restock products`, `restock suppliers` and `restock runs`: lists on the screen, in files, and as JSON."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from api.commands.opening import with_book
from api.commands.options import with_options
from api.commands.tables import Out, one_of
from tools.book.paging import every_page

if TYPE_CHECKING:
    from pydantic import BaseModel

    from api.bodies.catalogue import ProductAnswer, SupplierAnswer
    from api.bodies.runs import RunLine
    from tools.book.book import OrderBook
    from tools.records.tables import Cell

Entry = TypeVar("Entry", bound="BaseModel")
SHOWN = 20
Most = Annotated[
    int | None, typer.Option(min=1, help=f"Most lines; without it, {SHOWN} on the screen and all elsewhere.")
]
After = Annotated[str | None, typer.Option(help="The last id seen, to go on from.")]


@with_options
def products(
    out: Out,
    limit: Most = None,
    after: After = None,
    supplier: Annotated[str | None, typer.Option(help="Only this supplier's, by id or name.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    text: Annotated[str | None, typer.Option(help="Looked for in id and name.")] = None,
) -> None:
    """List the products of your catalogue by id, as they are stored. `restock import` takes the file back."""
    from api.bodies.catalogue import ProductAnswer
    from tools.catalog.entries import EntryStore

    async def page(book: "OrderBook", size: int, last: str | None) -> "list[ProductAnswer]":
        store = EntryStore(book.database)
        found, _ = await store.products(size, last, text=text, supplier=supplier, category=category)
        return list(map(ProductAnswer.of, found))

    narrow = ("product_id", "name", "category", "supplier", "unit_price", "currency", "lead_time_days")
    listing = Listing("product_id", _columns(ProductAnswer, "product_id"), narrow, _nothing("product"))
    listing.show(page, out, limit, after)


@with_options
def suppliers(out: Out, limit: Most = None, after: After = None) -> None:
    """List the suppliers of your catalogue by id, as they are stored. `restock import` takes the file back."""
    from api.bodies.catalogue import SupplierAnswer
    from tools.catalog.entries import EntryStore

    async def page(book: "OrderBook", size: int, last: str | None) -> "list[SupplierAnswer]":
        found, _ = await EntryStore(book.database).suppliers(size, last)
        return list(map(SupplierAnswer.of, found))

    columns = _columns(SupplierAnswer, "supplier_id")
    listing = Listing("supplier_id", columns, columns, _nothing("supplier"))
    listing.show(page, out, limit, after)


@with_options
def runs(
    out: Out,
    limit: Most = None,
    before: Annotated[str | None, typer.Option(help="The last run seen, to go on from.")] = None,
    status: Annotated[
        str | None,
        typer.Option(
            help="queued, running, pending_review, executed, no_action, rejected, expired, superseded or failed."
        ),
    ] = None,
    product: Annotated[str | None, typer.Option(help="A product's id.")] = None,
) -> None:
    """List decision runs, newest first, without their results."""
    from api.bodies.runs import RunLine
    from tools.records.orders import RunStatus

    chosen: RunStatus | None = None if status is None else one_of(status, RunStatus, "status")

    async def page(book: "OrderBook", size: int, last: str | None) -> "list[RunLine]":
        found = await book.runs.page(size, last, status=chosen, product_id=product)
        return list(map(RunLine.of_run, found))

    narrow = ("run_id", "status", "product_id", "location", "mode", "origin", "requested_by", "created_at")
    listing = Listing("run_id", _columns(RunLine, "run_id"), narrow, "There are no such runs.", further="--before")
    listing.show(page, out, limit, before)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list by the column `key`: all its columns and those on the screen, what is said of an empty list, and the
    option that goes on after a page."""

    key: str
    columns: Sequence[str]
    narrow: Sequence[str]
    nothing: str
    further: str = "--after"

    def show(
        self,
        page: "Callable[[OrderBook, int, str | None], Awaitable[list[Entry]]]",
        out: Out,
        limit: int | None,
        last: str | None,
    ) -> None:
        """Read as many entries as are asked for, and show them."""
        most = limit or (SHOWN if out.on_screen else None)

        async def read(book: "OrderBook") -> "list[Entry]":
            return await every_page(lambda size, after: page(book, size, after), self._id, most, last)

        entries = with_book(read)
        rows, lines = list(map(self._row, entries)), (entry.model_dump_json() for entry in entries)
        out.show(rows, self.columns, narrow=self.narrow, json=lines, nothing=self.nothing)
        if out.on_screen and len(rows) == most:
            typer.echo(f"These are {len(rows)}; go on with {self.further} {rows[-1][self.key]}.", err=True)

    def _id(self, entry: "BaseModel") -> str:
        return str(self._row(entry)[self.key])

    def _row(self, entry: "BaseModel") -> "dict[str, Cell]":
        """What is stored. Defaults stay empty, so that a file which is brought in again changes nothing."""
        return {
            self.key if name == "id" else name: _cell(value) if name in entry.model_fields_set else None
            for name, value in entry
        }


def _nothing(what: str) -> str:
    return f"There is no such {what} in your catalogue; `restock import FILE…` brings {what}s in."


def _columns(entry: "type[BaseModel]", key: str) -> tuple[str, ...]:
    return (key, *(name for name in entry.model_fields if name not in ("id", key)))


def _cell(value: Any) -> "Cell":
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value
