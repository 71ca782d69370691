"""How far the service can be trusted: was it as sure as it was right, and would it have done on past demand?"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from threading import Lock
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from starlette.responses import Response

from api.door.doorkeeper import page_for
from api.pages import typed
from api.pages.desk import Desk, DeskGiven, desk_router, or_page
from api.pages.lookback_plots import lookback_plots, reliability_plot
from tools.catalog.demand_table import DemandTable
from tools.lookback.backtest import backtest, few_moments
from tools.lookback.calibration_watch import CalibrationState
from tools.lookback.report import conclusion
from tools.lookback.rolling_origin import Interval
from tools.planning.confidence import CalibrationTable, ReliabilityBin
from tools.records.errors import Overloaded, RestockError
from tools.records.text import percent, several

router = desk_router()
MOST_PRODUCTS = 300
"""Looked back on at once."""
ASKED = 0.95
"""The service of the conclusion."""
OUTCOMES = 50
USUAL_LEAD_TIME = 7.0
Word = Annotated[str, Query(max_length=40)]
_looking_back = Lock()


@dataclass(frozen=True)
class Wanted:
    """Whether to look back, and with which lead time and review period, in days."""

    backtest: Annotated[Literal["", "yes"], Query()] = ""
    lead_time: Word = ""
    review: Word = ""

    def days(self, usual: float) -> tuple[float, float]:
        """Raises InvalidInput for what is no figure."""
        lead_time = typed.number(self.lead_time, "lead time in days") if self.lead_time.strip() else usual
        review = typed.number(self.review, "review period in days") if self.review.strip() else 1.0
        return lead_time, review


async def _page(
    desk: Desk, wanted: Wanted, past: dict[str, Any] | None = None, refusal: RestockError | None = None
) -> Response:
    state = await desk.runtime.calibration_state()
    fitted, seen = _whole(state.reliability), _whole(state.observed.reliability)
    return await desk.page(
        "trust.html",
        refusal=refusal,
        state=state,
        words=in_words(state),
        fitted=fitted,
        seen=seen,
        plot=reliability_plot([("dot", fitted), ("other", seen)]) if fitted or seen else None,
        outcomes=await desk.runtime.book.outcomes.latest(OUTCOMES),
        wanted=wanted,
        usual=await _usual_lead_time(desk),
        past=past,
        most=MOST_PRODUCTS,
        asked=ASKED,
    )


@router.get("/trust", openapi_extra=page_for("read"))
@or_page(_page)
async def trust(desk: DeskGiven, wanted: Annotated[Wanted, Depends()]) -> Response:
    """What was said and what came of it, and a look back on past demand when asked for."""
    return await _page(desk, wanted, await _look_back(desk, wanted) if wanted.backtest else None)


def in_words(state: CalibrationState) -> str:
    """Was it as sure as it was right? Of real orders as soon as there are any, and of past proposals before."""
    test = state.observed.test
    if test.mean_stated is not None and test.share_acceptable is not None:
        return _said(test.outcomes, "order", test.mean_stated, test.share_acceptable)
    bins = _whole(state.reliability)
    if not bins:
        return "No order has turned out yet, and the confidence is not calibrated: nothing can be said of it."
    surest = bins[-1]
    said = _said(surest.count, "past proposal", surest.predicted, surest.observed)
    return f"No order has turned out yet. {said}"


def _said(count: int, noun: str, stated: float, right: float) -> str:
    shares = (percent(round(share, 2)) for share in (stated, right))
    return "Of {} that were said to be right with {}, {} were.".format(several(count, noun), *shares)


def _whole(bins: Sequence[ReliabilityBin]) -> list[ReliabilityBin]:
    return [each for each in bins if each.stratum == "all"]


async def _usual_lead_time(desk: Desk) -> float:
    """The middle one of all products."""
    rows = (await desk.runtime.today.present()).rows
    return median([row.lead_time_days for row in rows if row.lead_time_days is not None] or [USUAL_LEAD_TIME])


async def _look_back(desk: Desk, wanted: Wanted) -> dict[str, Any]:
    """Raises InvalidInput, and Overloaded while another is made."""
    days = wanted.days(await _usual_lead_time(desk))
    table, name = await desk.runtime.catalog.past_demand()
    lead_time, review = (round(length / table.period_days) for length in days)
    interval = Interval(lead_time, max(1, review))
    drawn = table.drawn(MOST_PRODUCTS)
    return {"name": name} | await asyncio.to_thread(_looked_back, drawn, interval, desk.runtime.calibration)


def _looked_back(table: DemandTable, interval: Interval, calibration: CalibrationTable | None) -> dict[str, Any]:
    """One at a time, because each keeps a processor busy for seconds."""
    if not _looking_back.acquire(blocking=False):
        raise Overloaded("Another look back is being made. Try again in a minute.")
    try:
        found = backtest(table, interval, calibration=calibration)
    finally:
        _looking_back.release()
    words, doubt = conclusion(found, ASKED), few_moments(found)
    return {"found": found, "words": words, "doubt": doubt, "plots": lookback_plots(found)}
