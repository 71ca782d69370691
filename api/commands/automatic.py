"""`restock automatic`: whether orders of the own catalogue go out without a person."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.commands.opening import AsJson, operator, with_book

if TYPE_CHECKING:
    from tools.book.automatic import AutomaticOrdering
    from tools.book.book import OrderBook


def automatic(
    switch: Annotated[Literal["on", "off"] | None, typer.Argument(help="Without it, show what holds.")] = None,
    supplier: Annotated[str | None, typer.Option(help="Only for this supplier, by id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let safe orders of your own catalogue go out by themselves, or stop that. A new catalogue only proposes."""

    async def change(book: "OrderBook") -> "AutomaticOrdering":
        if switch is None:
            return await book.automatic.get()
        return await book.automatic.switch(switch == "on", by=operator(), supplier_id=supplier)

    now = with_book(change)
    typer.echo(now.model_dump_json() if as_json else _words(now))


def _words(now: "AutomaticOrdering") -> str:
    state = "on: safe orders go out by themselves" if now.on else "off: every order waits for a person"
    others = "".join(f"\n  {name}: {'on' if on else 'off'}" for name, on in sorted(now.suppliers.items()))
    return f"Automatic ordering is {state}.{others}"
