"""`restock catalogue`: what holds for the whole of your own catalogue."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.files import refusals
from api.commands.opening import AsJson, operator, with_book

if TYPE_CHECKING:
    from tools.book.book import OrderBook
    from tools.catalog.histories import Calendar
    from tools.catalog.snapshot import CatalogueSettings


def catalogue(
    currency: Annotated[str | None, typer.Option(help="Of prices without a currency, as EUR.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Of days and of lateness, as Europe/Berlin.")] = None,
    default_location: Annotated[str | None, typer.Option(help="Where rows without a location belong.")] = None,
    closed: Annotated[
        list[str] | None, typer.Option(help="When a location is closed, as MAIN=sat,sun,2026-12-25; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the settings of your own catalogue, or change them."""
    given = {"currency": currency, "time_zone": time_zone, "default_location": default_location}
    changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if closed:
        changed["closed"] = dict(map(_closed, closed))

    async def change(book: "OrderBook") -> "CatalogueSettings":
        from tools.catalog.importing.direct import set_catalogue
        from tools.catalog.importing.record import ReadFile
        from tools.catalog.imports import ImportStore
        from tools.catalog.own import OwnCatalog

        if changed:
            file = ReadFile.without_file("restock catalogue", kind="settings", lines=len(changed))
            await ImportStore(book.database).change(file, set_catalogue(changed), operator())
        return await OwnCatalog(book.database).settings()

    with refusals():
        settings = with_book(change)
    if as_json:
        from api.bodies.catalogue import CatalogueAnswer

        typer.echo(CatalogueAnswer.of(settings).model_dump_json())
        return
    typer.echo(
        f"currency: {settings.currency}\ntime zone: {settings.time_zone}\ndefault location: {settings.default_location}"
    )
    for place, through in sorted(settings.demand_through.items()):
        calendar = settings.calendar(place)
        typer.echo(f"{place}: demand by {calendar.period} up to {through}{_closed_words(calendar)}")


def _closed(given: str) -> tuple[str, list[str]]:
    place, equals, days = given.partition("=")
    if not (place.strip() and equals):
        raise typer.BadParameter(f"{given!r} names no location; write it as MAIN=sat,sun,2026-12-25.")
    return place.strip(), days.replace(",", " ").lower().split()


def _closed_words(calendar: "Calendar") -> str:
    from tools.records.text import WEEKDAYS

    days = [WEEKDAYS[day] for day in sorted(calendar.weekdays)] + [str(day) for day in sorted(calendar.days)]
    return f", closed on {', '.join(days)}" if days else ""
