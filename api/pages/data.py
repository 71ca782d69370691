"""Data: what the catalogue holds, what holds for all of it, and what was brought in."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Form, Query
from starlette.responses import Response

from api.bodies.fields import Label
from api.door.doorkeeper import page_for
from api.pages.desk import Desk, DeskForm, DeskGiven, desk_router, inside, or_page, see_other
from api.pages.files import table_file
from tools.catalog.entries import EntryStore
from tools.catalog.importing.direct import set_catalogue
from tools.catalog.importing.record import ReadFile
from tools.catalog.imports import ImportStore
from tools.catalog.own import OwnCatalog
from tools.catalog.reading.roles import KIND_WORDS, example, roles
from tools.records.errors import RestockError
from tools.records.text import DAY_NAMES

router = desk_router()
ROWS = 20
MOST_SUPPLIERS = 500
ImportedKind = Literal["suppliers", "products", "stock", "sales", "open_orders", "receipts", "promotions"]


class ForAll(DeskForm):
    """What holds for the whole catalogue. What is left empty stays as it is."""

    currency: str = ""
    time_zone: str = ""
    default_location: str = ""


class Automatic(DeskForm):
    """Whether safe orders go out by themselves: of one supplier, or of all."""

    on: bool
    supplier_id: Label = ""
    back: str = "/desk/data"


async def _page(
    desk: Desk, *, before: int | None = None, form: ForAll | None = None, refusal: RestockError | None = None
) -> Response:
    database = desk.runtime.book.database
    entries, found = EntryStore(database), await ImportStore(database).page(ROWS + 1, before)
    return await desk.page(
        "data.html",
        refusal=refusal,
        settings=await OwnCatalog(database).settings(),
        day_names=DAY_NAMES,
        products=(await entries.products(1))[1],
        imports=found[:ROWS],
        following=found[ROWS - 1].number if len(found) > ROWS else None,
        kinds={kind: (*words, roles(kind)) for kind, words in KIND_WORDS.items()},
        **await switch_shown(desk),
    )


@router.get("/data", openapi_extra=page_for("read"))
async def data(desk: DeskGiven, before: Annotated[int | None, Query(ge=1, le=2**53)] = None) -> Response:
    """What the catalogue holds, a form for files, and earlier imports."""
    return await _page(desk, before=before)


@router.get("/data/examples/{kind}.csv", openapi_extra=page_for("read"))
async def example_file(kind: ImportedKind) -> Response:
    """Column names and one row of a kind of file."""
    row = example(kind, datetime.now(UTC).date())
    return await table_file("csv", [row], list(row), kind)


@router.post("/data/settings", openapi_extra=page_for("approve"))
@or_page(_page)
async def for_all(form: Annotated[ForAll, Form()], desk: DeskGiven) -> Response:
    """Change what holds for the whole catalogue."""
    given = {name: text.strip() for name, text in form.model_dump(exclude={"csrf", "once"}).items() if text.strip()}
    file = ReadFile.without_file("the desk", kind="settings", lines=len(given))
    await ImportStore(desk.runtime.book.database).change(file, set_catalogue(given), desk.caller.actor)
    return see_other("/desk/data")


@router.post("/data/automatic", openapi_extra=page_for("admin"))
async def automatic(form: Annotated[Automatic, Form()], desk: DeskGiven) -> Response:
    """Let safe orders of the own catalogue go out by themselves, or stop that."""
    await desk.runtime.book.automatic.switch(form.on, by=desk.caller.actor, supplier_id=form.supplier_id or None)
    return see_other(inside(form.back))


async def switch_shown(desk: Desk) -> dict[str, Any]:
    """What the switch for automatic ordering needs."""
    known, count = await EntryStore(desk.runtime.book.database).suppliers(MOST_SUPPLIERS)
    names = {supplier.id: supplier.name for supplier in known}
    return {"automatic": await desk.runtime.book.automatic.get(), "suppliers": names, "supplier_count": count}
