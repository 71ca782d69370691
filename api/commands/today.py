"""`restock today`: what is to be done today about every product."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.opening import AsJson, load_settings, with_book
from api.commands.tables import Csv, Xlsx, screen, write_files

if TYPE_CHECKING:
    from tools.book.book import OrderBook
    from tools.sweep.lists import TodayList
    from tools.sweep.pages import Filters
    from tools.sweep.today_rows import TodayRow

Supplier = Annotated[str | None, typer.Option(help="Only this supplier's, by id or name.")]
Category = Annotated[str | None, typer.Option(help="Only this category.")]
Location = Annotated[str | None, typer.Option(help="Only this location.")]
Status = Annotated[
    list[str] | None,
    typer.Option(
        help="Only these: order_now, late_order, waits_for_review, needs_data, not_possible, on_order, no_demand or "
        "enough; repeatable."
    ),
]
Text = Annotated[str | None, typer.Option(help="Words of id, name, category or supplier.")]
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


def today(
    supplier: Supplier = None,
    category: Category = None,
    location: Location = None,
    status: Status = None,
    text: Text = None,
    sort: Annotated[
        str, typer.Option(help="A column, or `-` and a column for the reverse. Money is compared by EXCHANGE_RATES.")
    ] = "urgency",
    limit: Annotated[int | None, typer.Option(min=1, help="Most rows. [20 on the screen, else all]")] = None,
    csv: Csv = None,
    xlsx: Xlsx = None,
    as_json: AsJson = False,
) -> None:
    """List every product with what is to be done today: status, quantity, value, supplier, days left, order-by date.

    A file has every column: product_id, name, location, supplier, on_hand, on_order, reorder_point, quantity, value,
    currency, order_by, days_left, confidence, reason, status and others."""
    settings = load_settings()
    from tools.planning.confidence import read_table
    from tools.sweep.lists import TodayLists
    from tools.sweep.pages import arranged
    from tools.sweep.today_rows import COLUMNS

    chosen = filters_of(supplier, category, location, status, text)

    async def rows(book: "OrderBook") -> "tuple[TodayList, list[TodayRow]]":
        table = read_table(settings.calibration_table)
        found = await TodayLists(book, table, settings.worth).present()
        return found, arranged(found.rows, chosen, sort, found.worth)

    found, fitting = with_book(settings, rows)
    typer.echo(about(found), err=True)
    if as_json:
        typer.echo(_as_json(found, fitting[:limit]))
    elif csv is not None or xlsx is not None:
        write_files([row.cells() for row in fitting[:limit]], COLUMNS, csv=csv, xlsx=xlsx)
    else:
        for line in _lines(fitting, limit or 20):
            typer.echo(line)


def filters_of(
    supplier: str | None, category: str | None, location: str | None, status: list[str] | None, text: str | None
) -> "Filters":
    """The filters of the options. A wrong status ends the command."""
    from tools.records.errors import InvalidInput
    from tools.sweep.pages import Filters

    try:
        return Filters(supplier=supplier, category=category, location=location, status=tuple(status or ()), text=text)
    except InvalidInput as error:
        raise typer.BadParameter(error.message) from None


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
