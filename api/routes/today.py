"""Today's list: every product, with what is to be done about it."""

import asyncio
from io import StringIO
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from agent.runtime import Runtime
from api.bodies.today import Cursor, TodayPage
from api.door.doorkeeper import RuntimeGiven, needs
from api.routes.wiring import Limit, problems
from tools.records.tables import write_csv
from tools.sweep.lists import TodayList
from tools.sweep.pages import Filters, arranged, page_after
from tools.sweep.today_rows import COLUMNS, Cover, Status, TodayRow

router = APIRouter(tags=["today"])
Word = Annotated[str | None, Query(max_length=200)]
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "A page, or every row as CSV."}
}


@router.get("/today", response_model=TodayPage, responses={**problems(), **_CSV}, openapi_extra=needs("read"))
async def today(
    request: Request,
    runtime: RuntimeGiven,
    supplier: Annotated[Word, Query(description="Only this supplier's, by id or name.")] = None,
    category: Annotated[Word, Query(description="Only this category.")] = None,
    location: Annotated[Word, Query(description="Only this location.")] = None,
    status: Annotated[tuple[Status, ...], Query(description="Only rows with one of these; repeatable.")] = (),
    cover: Annotated[tuple[Cover, ...], Query(description="Only rows whose stock reaches so far; repeatable.")] = (),
    text: Annotated[Word, Query(description="Words of id, name, category or supplier.")] = None,
    sort: Annotated[
        str,
        Query(
            max_length=60,
            description="A column, or `-` and a column for the reverse. Amounts of money are compared by "
            "EXCHANGE_RATES; currencies without a rate come after.",
        ),
    ] = "urgency",
    limit: Limit = 50,
    after: Annotated[str | None, Query(max_length=600, description="The `next` of the page before.")] = None,
    format: Annotated[  # noqa: A002  (the word that callers use)
        Literal["json", "csv"] | None, Query(description="`csv` for every row; or `Accept: text/csv`.")
    ] = None,
) -> Response:
    """List every product at every location with what is to be done today. Nothing is left out: what cannot be planned
    says what is missing.

    A page belongs to one `version` of the list, so that pages have no gaps and no repeats."""
    filters = Filters(supplier=supplier, category=category, location=location, status=status, cover=cover, text=text)
    cursor = None if after is None else Cursor.read(after)
    found = await _list_of(runtime, cursor)
    rows = await asyncio.to_thread(arranged, found.rows, filters, sort, found.worth)
    if format == "csv" or (format is None and _prefers_csv(request)):
        return await asyncio.to_thread(_csv, found, rows)
    page = page_after(rows, None if cursor is None else (cursor.product_id, cursor.location), limit)
    return TodayPage.of(found, rows, page).response()


async def _list_of(runtime: Runtime, cursor: Cursor | None) -> TodayList:
    """The list in which the page before was, if it is still kept."""
    earlier = None if cursor is None else runtime.today.earlier(cursor.version)
    return earlier or await runtime.today.present()


def _prefers_csv(request: Request) -> bool:
    return request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip() == "text/csv"


def _csv(found: TodayList, rows: list[TodayRow]) -> Response:
    file = StringIO()
    write_csv((row.cells() for row in rows), COLUMNS, file)
    name = {"Content-Disposition": f'attachment; filename="today-{found.day}.csv"'}
    return Response(file.getvalue(), headers=name, media_type="text/csv; charset=utf-8")
