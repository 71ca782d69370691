"""`restock today`: what is to be done today about every product."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.opening import load_settings, with_book
from api.commands.options import with_options
from api.commands.tables import Out, screen

if TYPE_CHECKING:
    from tools.book.book import OrderBook
    from tools.sweep.lists import TodayList
    from tools.sweep.pages import Filters
    from tools.sweep.today_rows import TodayRow


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which products a list or a sweep is of."""

    supplier: Annotated[str | None, typer.Option(help="Only this supplier's, by id or name.")] = None
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None
    location: Annotated[str | None, typer.Option(help="Only this location.")] = None
    status: Annotated[
        list[str] | None,
        typer.Option(
            help="Only these: order_now, late_order, waits_for_review, needs_data, not_possible, on_order, no_demand "
            "or enough; repeatable."
        ),
    ] = None
    text: Annotated[str | None, typer.Option(help="Words of id, name, category or supplier.")] = None

    def filters(self) -> "Filters":
        """A wrong status ends the command."""
        from tools.records.errors import InvalidInput
        from tools.sweep.pages import Filters

        try:
            return Filters(**asdict(self) | {"status": self.status or ()})
        except InvalidInput as error:
            raise typer.BadParameter(error.message) from None


SHOWN = [
    "product_id",
    "location",
    "status",
    "quantity",
    "value",
    "currency",
    "on_hand",
    "reorder_point",
    "days_left",
    "order_by",
    "supplier",
]


@with_options
def today(
    narrowed: Narrowed,
    out: Out,
    sort: Annotated[
        str, typer.Option(help="A column, or `-` and a column for the reverse. Money is compared by EXCHANGE_RATES.")
    ] = "urgency",
    limit: Annotated[int | None, typer.Option(min=1, help="Most rows. [20 on the screen, else all]")] = None,
) -> None:
    """List every product with what is to be done today: status, quantity, value, supplier, days left, order-by date.

    A file has every column: product_id, name, location, supplier, on_hand, on_order, reorder_point, quantity, value,
    currency, order_by, days_left, confidence, reason, status and others."""
    settings, filters = load_settings(), narrowed.filters()
    from tools.planning.confidence import read_table
    from tools.sweep.lists import TodayLists
    from tools.sweep.pages import arranged
    from tools.sweep.today_rows import COLUMNS

    async def read(book: "OrderBook") -> "tuple[TodayList, list[TodayRow]]":
        found = await TodayLists(book, read_table(settings.calibration_table), settings.worth).present()
        return found, arranged(found.rows, filters, sort, found.worth)

    found, rows = with_book(read, settings)
    typer.echo(about(found), err=True)
    if out.as_json:
        typer.echo(_as_json(found, rows[:limit]))
    elif out.in_files:
        out.write([row.cells() for row in rows[:limit]], COLUMNS)
    else:
        for line in _lines(rows, limit or 20):
            typer.echo(line)


def about(found: "TodayList") -> str:
    """Which catalogue the list is of."""
    if found.mode == "database":
        return f"Your catalogue on {found.day}."
    return f"The sample catalogue on {found.day}: bring in your own with `restock import`."


def _as_json(found: "TodayList", rows: "list[TodayRow]") -> str:
    from pydantic import TypeAdapter

    from tools.sweep.today_rows import TodayRow

    listed = TypeAdapter(list[TodayRow]).dump_python(rows, mode="json")
    head = {"version": found.version, "day": found.day.isoformat(), "mode": found.mode, "total": len(listed)}
    return json.dumps(head | {"rows": listed}, ensure_ascii=False, indent=2)


def _lines(rows: "list[TodayRow]", limit: int) -> Iterator[str]:
    if not rows:
        yield "No product fits."
        return
    yield screen([row.cells() for row in rows[:limit]], SHOWN)
    counts = Counter(row.status for row in rows)
    yield f"\n{len(rows)} rows: {', '.join(f'{number} {status}' for status, number in counts.most_common())}."
    if len(rows) > limit:
        yield f"The first {limit} are shown; --limit shows more, --csv FILE writes all."
    yield from (f"{row.product_id}: {row.reason}" for row in rows[:limit] if row.status == "needs_data")
