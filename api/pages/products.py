"""One product: what it has, what is coming, why so much is to be ordered, and what if."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import Depends, Query
from markupsafe import Markup
from starlette.responses import Response

from api.bodies.today import Cursor
from api.door.doorkeeper import page_for
from api.pages.desk import Desk, DeskGiven, desk_router
from api.pages.listing import Word
from api.pages.orders import STATUS_WORDS as ORDER_WORDS
from api.pages.product_plots import Levels, Sold, demand_bars, projected_stock, sold
from api.pages.reviews import STATUS_WORDS as REVIEW_WORDS
from api.pages.today import COVER_WORDS, STATUS_WORDS, is_too_late
from api.pages.whatif import Assumptions, Planned, difference, planned
from tools.book.filters import Filters
from tools.catalog.demand_table import table_of
from tools.catalog.products import Family
from tools.lookback.backtest import Backtest, backtest, few_moments
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
ANCHORS = {
    "Mean demand": "demand",
    "Demand has moved": "demand",
    "Season": "demand",
    "Promotions": "demand",
    "The coming periods": "demand",
    "With what the catalogue has taught": "demand",
    "With the catalogue's": "demand",
    "What came above": "demand",
    "Such forecasts": "demand",
    "Past forecasts": "demand",
    "Brought to": "demand",
    "Widened": "demand",
    "Demand over": "demand",
    "Expected change": "demand",
    "Standard deviation": "demand",
    "Protection interval": "lead-times",
    "With the spread of the lead time": "lead-times",
    "Safety stock": "terms",
    "Reorder point": "stock-ahead",
    "Checked": "lookback",
    "Inventory position": "stock",
    "Not counted": "stock",
    "Doubted": "stock",
    "Needed": "stock",
    "On the way": "stock",
    "Deliveries": "lead-times",
    "Until an order": "demand",
    "Demand": "demand",
    "Order-up-to level": "stock-ahead",
    "Unit": "terms",
    "The largest": "terms",
    "At most": "terms",
}
"""Where the figures of a line of the derivation come from, by how it begins."""
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
        "today": found.day,
        "address": _address(row),
        "others": [(each.location, _address(each)) for each in others],
        "given": given,
        "cover_words": COVER_WORDS,
        "status_words": STATUS_WORDS,
        "class_words": CLASS_WORDS,
        **await _history(desk, found, row),
    }
    if row.status == "needs_data":
        return await desk.page("product.html", sheet=None, **shown)
    family = await desk.runtime.catalog.family(*row.place)
    table = desk.runtime.calibration
    sheet = await asyncio.to_thread(_sheet, row, family, found, table)
    supposed, refusal = await asyncio.to_thread(_supposed, family, table, given)
    past = await asyncio.to_thread(_look_back, sheet) if lookback else None
    swapped = "hx-request" in desk.request.headers  # A figure that is still being typed is no fault.
    return await desk.page(
        "product.html",
        200 if refusal is None or swapped else 422,
        sheet=sheet,
        too_late=is_too_late(row, found.day),
        supposed=supposed,
        changed=difference(sheet.now, supposed) if supposed else "",
        refusal=refusal,
        past=past,
        **shown,
    )


@dataclass(frozen=True)
class Sheet:
    """All that is drawn and calculated of a product as things are."""

    facts: ProductFacts
    now: Planned
    stock: Markup
    demand: Markup
    periods: list[Sold]
    working: list[tuple[str, str, str]]
    """The derivation: how a line begins, how it goes on, and the table where its figures come from."""
    textbook: str

    @property
    def plan(self) -> Plan:
        return self.now.plan


@dataclass(frozen=True)
class Past:
    """How the product would have fared."""

    words: str
    found: Backtest | None = None

    @property
    def few(self) -> bool:
        return self.found is not None and few_moments(self.found) is not None


async def _row(desk: Desk, found: TodayList, product_id: str, location: str) -> tuple[TodayRow, list[TodayRow]]:
    """The line of today's list, and those of the product's other locations. Raises UnknownProduct, UnknownLocation."""
    rows = [row for row in found.rows if row.product_id == product_id]
    chosen = next((row for row in rows if location in ("", row.location)), None)
    if chosen is None:
        await desk.runtime.catalog.family(product_id, location or None)
        raise Unavailable("The catalogue is just being changed. Open the page again in a moment.")
    return chosen, [row for row in rows if row is not chosen]


def _address(row: TodayRow) -> str:
    return f"/desk/products/{quote(row.product_id, safe='')}?{urlencode({'location': row.location})}"


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
        "order_words": ORDER_WORDS,
        "review_words": REVIEW_WORDS,
    }


def _sheet(row: TodayRow, family: Family, found: TodayList, table: CalibrationTable | None) -> Sheet:
    now = planned(family, table)
    plan, working = now.plan, now.working
    periods = sold(family[0].demand, working.statistics)
    levels = Levels(plan.reorder_point, plan.safety_stock, row.order_by)
    return Sheet(
        facts=family[0],
        now=now,
        stock=projected_stock(now.projection, levels, today=found.day, ordered=now.ordered),
        demand=demand_bars(periods, working.forecast.mean_per_period),
        periods=periods,
        working=[_linked(line) for line in plan.derivation],
        textbook=_textbook(plan),
    )


def _linked(line: str) -> tuple[str, str, str]:
    head = next((head for head in ANCHORS if line.startswith(head)), "")
    return head, line.removeprefix(head), ANCHORS.get(head, "")


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


def _look_back(sheet: Sheet) -> Past:
    """The product's own past, played through with its plan's service, lead time and review period."""
    plan, table = sheet.plan, table_of(sheet.facts)
    of_cycles = plan.service_level if plan.service_type == "cycle" else plan.implied.cycle_service_level
    asked = min(MOST_ASKED, of_cycles or plan.service_level)
    lead, review = (days / table.period_days for days in (plan.lead_time_days, plan.review_period_days))
    try:
        found = backtest(table, Interval(round(lead), max(1, round(review))), asked=(asked,))
    except InvalidInput:
        return Past("Its history is too short to look back on: too few periods, or sales, are known.")
    return Past(conclusion(found, asked), found)
