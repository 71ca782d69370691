"""How far the service can be trusted: was it as sure as it was right, and would it have done on past demand?"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from threading import Lock
from typing import Annotated, Literal

from fastapi import Depends, Query
from markupsafe import Markup
from starlette.responses import Response

from api.door.doorkeeper import page_for
from api.pages import typed
from api.pages.desk import Desk, DeskGiven, desk_router
from api.pages.lookback_plots import lookback_plots, reliability_plot
from tools.catalog.demand_table import DemandTable
from tools.lookback.backtest import Backtest, backtest, few_moments
from tools.lookback.calibration_watch import CalibrationState
from tools.lookback.report import conclusion
from tools.lookback.rolling_origin import Interval
from tools.planning.confidence import CalibrationTable, ReliabilityBin
from tools.records.errors import InvalidInput, Overloaded
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


class Wanted:
    """Whether to look back, and with which lead time and review period, in days."""

    def __init__(
        self, backtest: Annotated[Literal["", "yes"], Query()] = "", lead_time: Word = "", review: Word = ""
    ) -> None:
        self.backtest, self.lead_time, self.review = backtest == "yes", lead_time, review

    def days(self, usual: float) -> tuple[float, float]:
        """Raises InvalidInput for what is no figure."""
        lead_time = typed.number(self.lead_time, "lead time in days") if self.lead_time.strip() else usual
        review = typed.number(self.review, "review period in days") if self.review.strip() else 1.0
        return lead_time, review


@dataclass(frozen=True)
class LookedBack:
    found: Backtest
    words: str
    doubt: str | None
    plots: list[tuple[str, Markup]]
    name: str


@router.get("/trust", openapi_extra=page_for("read"))
async def trust(desk: DeskGiven, wanted: Annotated[Wanted, Depends()]) -> Response:
    """What was said and what came of it, and a look back on past demand when asked for."""
    state = await desk.runtime.calibration_state()
    outcomes = await desk.runtime.book.outcomes.latest(OUTCOMES)
    usual, past, refusal = await _usual_lead_time(desk), None, None
    if wanted.backtest:
        try:
            past = await _look_back(desk, wanted.days(usual))
        except InvalidInput as error:
            refusal = error
    fitted, seen = _whole(state.reliability), _whole(state.observed.reliability)
    return await desk.page(
        "trust.html",
        200 if refusal is None else 422,
        state=state,
        words=in_words(state),
        fitted=fitted,
        seen=seen,
        plot=reliability_plot([("dot", fitted), ("other", seen)]) if fitted or seen else None,
        outcomes=outcomes,
        wanted=wanted,
        usual=usual,
        past=past,
        refusal=refusal,
        most=MOST_PRODUCTS,
        asked=ASKED,
    )


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


async def _look_back(desk: Desk, days: tuple[float, float]) -> LookedBack:
    """Raises InvalidInput, and Overloaded while another is made."""
    table, name = await desk.runtime.catalog.past_demand()
    lead_time, review = (round(length / table.period_days) for length in days)
    interval = Interval(lead_time, max(1, review))
    return await asyncio.to_thread(_looked_back, table.drawn(MOST_PRODUCTS), interval, desk.runtime.calibration, name)


def _looked_back(table: DemandTable, interval: Interval, calibration: CalibrationTable | None, name: str) -> LookedBack:
    """One at a time, because each keeps a processor busy for seconds."""
    if not _looking_back.acquire(blocking=False):
        raise Overloaded("Another look back is being made. Try again in a minute.")
    try:
        found = backtest(table, interval, calibration=calibration)
    finally:
        _looking_back.release()
    return LookedBack(found, conclusion(found, ASKED), few_moments(found), lookback_plots(found), name)
