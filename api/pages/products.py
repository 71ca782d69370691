"""One product: what it has, what is coming, why so much is to be ordered, and what if."""

import asyncio
import re
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from starlette.responses import Response

from api.bodies.today import Cursor
from api.door.doorkeeper import page_for
from api.pages.desk import Desk, DeskGiven, address_of_product, desk_router
from api.pages.listing import Word
from api.pages.product_plots import demand_bars, projected_stock, sold
from api.pages.today import is_too_late
from api.pages.whatif import Assumptions, Planned, difference, planned
from tools.book.filters import Filters
from tools.catalog.demand_table import table_of
from tools.catalog.products import Family
from tools.lookback.backtest import backtest, few_moments
from tools.lookback.report import conclusion
from tools.lookback.rolling_origin import Interval
from tools.planning.confidence import CalibrationTable
from tools.records.errors import InvalidInput, Unavailable
from tools.records.facts import DemandClass, ProductFacts
from tools.records.plan import Plan
from tools.records.text import amount, percent
from tools.sweep.lists import TodayList
from tools.sweep.today_rows import TodayRow

router = desk_router()
LISTED = 10
"""Orders, reviews and entries of the audit trail that are shown."""
MOST_ASKED = 0.999
HEADS = {
    "demand": "Mean demand|Demand has moved|Season|Promotions|The coming periods|With what the catalogue has taught|"
    "With the catalogue's|What came above|Such forecasts|Past forecasts|Brought to|Widened|Demand over|Expected change|"
    "Standard deviation|Until an order|Demand",
    "lead-times": "Protection interval|With the spread of the lead time|Deliveries",
    "terms": "Safety stock|Unit|The largest|At most",
    "stock-ahead": "Reorder point|Order-up-to level",
    "lookback": "Checked",
    "stock": "Inventory position|Not counted|Doubted|Needed|On the way",
}
"""How the lines of the derivation begin whose figures come from a table of the page, by the table's anchor."""
CLASS_WORDS: dict[DemandClass, str] = {
    "smooth": "It sells almost every period, in similar amounts",
    "erratic": "It sells almost every period, in amounts that differ much",
    "intermittent": "It sells now and then, in similar amounts",
    "lumpy": "It sells now and then, in amounts that differ much",
    "no_demand": "It does not sell",
    "unclassified": "It has sold too rarely to tell a pattern",
}


@router.get("/products/{product_id:path}", openapi_extra=page_for("read"))
async def product(
    product_id: str,
    desk: DeskGiven,
    given: Annotated[Assumptions, Depends()],
    location: Word = "",
    lookback: Annotated[Literal["", "yes"], Query()] = "",
) -> Response:
    """A product at a location, as today's list has it."""
    found = await desk.runtime.today.present()
    row, others = await _row(desk, found, product_id, location)
    shown = {
        "row": row,
        "key": str(Cursor(found.version, *row.place)),
        "address": address_of_product(*row.place),
        "others": others,
        **await _history(desk, found, row),
    }
    if row.status == "needs_data":
        return await desk.page("product.html", sheet=None, **shown)
    family, table = await desk.runtime.catalog.family(*row.place), desk.runtime.calibration
    sheet = await asyncio.to_thread(_sheet, row, family, found, table)
    supposed, refusal = await asyncio.to_thread(_supposed, family, table, given)
    answer = await desk.page(
        "product.html",
        refusal=refusal,
        sheet=sheet,
        given=given,
        class_words=CLASS_WORDS,
        too_late=is_too_late(row, found.day),
        supposed=supposed,
        changed=difference(sheet["now"], supposed) if supposed else "",
        past=await asyncio.to_thread(_look_back, sheet["now"].plan, family[0]) if lookback else None,
        **shown,
    )
    if "hx-request" in desk.request.headers:  # A figure that is still being typed is no fault.
        answer.status_code = 200
    return answer


async def _row(desk: Desk, found: TodayList, product_id: str, location: str) -> tuple[TodayRow, list[TodayRow]]:
    """The line of today's list, and those of the product's other locations. Raises UnknownProduct, UnknownLocation."""
    rows = [row for row in found.rows if row.product_id == product_id]
    chosen = next((row for row in rows if location in ("", row.location)), None)
    if chosen is None:
        await desk.runtime.catalog.family(product_id, location or None)
        raise Unavailable("The catalogue is just being changed. Open the page again in a moment.")
    return chosen, [row for row in rows if row is not chosen]


async def _history(desk: Desk, found: TodayList, row: TodayRow) -> dict[str, Any]:
    """The newest orders and reviews, and who did what with them."""
    book, filters = desk.runtime.book, Filters(product_id=row.product_id, location=row.location)
    orders = [order for order in await book.orders.page(LISTED, filters=filters) if order.mode == found.mode]
    reviews = [each for each in await book.reviews.page(None, LISTED, filters=filters) if each.mode == found.mode]
    runs = {order.run_id for order in orders} | {review.run_id for review in reviews}
    return {
        "orders": orders,
        "reviews": [each for each in reviews if each.status not in ("proposed", "placed", "no_action")],
        "entries": await book.audit.page(LISTED, runs=runs) if runs else [],
    }


def _sheet(row: TodayRow, family: Family, found: TodayList, table: CalibrationTable | None) -> dict[str, Any]:
    """All that is drawn and calculated of a product as things are."""
    now = planned(family, table)
    plan, working = now.plan, now.working
    periods = sold(family[0].demand, working.statistics)
    return {
        "facts": family[0],
        "now": now,
        "plan": plan,
        "stock": projected_stock(
            now.projection,
            today=found.day,
            reorder_point=plan.reorder_point,
            safety_stock=plan.safety_stock,
            order_by=row.order_by,
            ordered=now.ordered,
        ),
        "demand": demand_bars(periods, working.forecast.mean_per_period),
        "periods": periods,
        "working": [_linked(line) for line in plan.derivation],
        "textbook": _textbook(plan),
    }


def _linked(line: str) -> tuple[str, str, str]:
    """How a line of the derivation begins, how it goes on, and the table where its figures come from."""
    heads = ((re.match(heads, line), anchor) for anchor, heads in HEADS.items())
    head, anchor = next(((found[0], anchor) for found, anchor in heads if found), ("", ""))
    return head, line.removeprefix(head), anchor


def _textbook(plan: Plan) -> str:
    """The textbook's reorder point beside ours."""
    if plan.textbook is None:
        return ""
    level = plan.textbook.reorder_point
    apart = plan.reorder_point - level
    beside = f"{amount(abs(apart))} {'below' if apart > 0 else 'above'} ours" if amount(apart) != "0" else "as we do"
    said = f"The textbook's formula, over lead time and review period, orders at {amount(level)}, {beside}."
    if plan.backtest_coverage is None or plan.textbook.backtest_coverage is None:
        return said
    theirs, ours = percent(plan.textbook.backtest_coverage), percent(plan.backtest_coverage)
    return f"{said} Of the past intervals of this product its level would have covered {theirs}, ours {ours}."


def _supposed(
    family: Family, table: CalibrationTable | None, given: Assumptions
) -> tuple[Planned | None, InvalidInput | None]:
    """The plan under the assumptions, or why they cannot be used."""
    try:
        return (planned(family, table, given.read()) if given else None), None
    except InvalidInput as error:
        return None, error


def _look_back(plan: Plan, facts: ProductFacts) -> dict[str, Any]:
    """The product's own past, played through with its plan's service, lead time and review period."""
    table = table_of(facts)
    of_cycles = plan.service_level if plan.service_type == "cycle" else plan.implied.cycle_service_level
    asked = min(MOST_ASKED, of_cycles or plan.service_level)
    lead, review = (days / table.period_days for days in (plan.lead_time_days, plan.review_period_days))
    try:
        found = backtest(table, Interval(round(lead), max(1, round(review))), asked=(asked,))
    except InvalidInput:
        words = "Its history is too short to look back on: too few periods, or sales, are known."
        return {"words": words, "found": None}
    return {"words": conclusion(found, asked), "found": found, "few": few_moments(found) is not None}
