"""Sweeps: everything that is due decided at once, tried out before, followed while it runs, and what came of it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from time import monotonic
from typing import Annotated

from fastapi import Depends, Form, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel
from starlette.responses import Response

from api.bodies.fields import Label
from api.door.doorkeeper import RuntimeGiven, page_for, stream_for
from api.pages.desk import LOOK_SECONDS, Desk, DeskForm, DeskGiven, deed_id, desk_router, or_page, see_other
from api.pages.files import FileKind, table_file
from api.pages.today import choices
from tools.records.errors import InvalidInput, RestockError, Unavailable
from tools.records.sweeps import Outcome, Sweep, SweepLine, SweepReport
from tools.records.tables import Cell
from tools.sweep.pages import Filters

router = desk_router()
ROWS = 20
LINES = 100
MOST_TRIED = 1_000
"""Products of a trial: a page is waited for. A sweep takes any number."""
MOST_TRIAL_SECONDS = 120.0
_TRIALS: dict[str, tuple[int, int]] = {}
"""How many products are done of how many, of each trial that runs in this process."""
OUTCOME_WORDS: dict[Outcome, tuple[str, str]] = {
    "placed": ("ordered", "would be ordered"),
    "waiting": ("wait for a person", "would wait for a person"),
    "not_ordered": ("not ordered", "would not be ordered"),
    "unfinished": ("not decided yet", "not decided"),
}
"""What came of products, and what would come of them."""
_COLUMNS = tuple(name for name in SweepLine.model_fields if name not in ("run_id", "only_proposed"))


class Due(BaseModel):
    """Which of the products that are due."""

    supplier: Label = ""
    category: Label = ""
    location: Label = ""
    text: Label = ""

    @property
    def filters(self) -> Filters:
        return Filters(**{name: getattr(self, name) or None for name in Due.model_fields})


class DueForm(DeskForm, Due):
    """The same, in a form."""


async def _overview(desk: Desk, form: Due, *, before: str = "", refusal: RestockError | None = None) -> Response:
    found = await desk.runtime.book.sweeps.page(ROWS + 1, before or None)
    _, due = await desk.runtime.sweeps.due(form.filters)
    money: dict[str, Decimal] = defaultdict(Decimal)
    for row in due:
        money[row.currency] += row.value or 0
    return await desk.page(
        "sweeps.html",
        refusal=refusal,
        asked=form,
        choices=choices(await desk.runtime.today.present()),
        due=len(due),
        moves=any(row.action == "transfer" for row in due),
        money={currency: value for currency, value in money.items() if value},
        sweeps=found[:ROWS],
        following=found[ROWS - 1].id if len(found) > ROWS else None,
        automatic=await desk.runtime.book.automatic.get(),
    )


@router.get("/sweeps", openapi_extra=page_for("read"))
async def sweeps(
    desk: DeskGiven, asked: Annotated[Due, Depends()], before: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """What is due and can be decided at once, and earlier sweeps."""
    return await _overview(desk, asked, before=before)


@router.post("/sweeps", openapi_extra=page_for("trigger"))
async def begin(form: Annotated[DueForm, Form()], desk: DeskGiven) -> Response:
    """Decide on what is due. The same form begins one sweep."""
    sweep_id = deed_id(desk.caller, form.once, form.filters.model_dump_json())
    sweep = await desk.runtime.sweeps.begin(form.filters, by=desk.caller.actor, sweep_id=sweep_id)
    return see_other(f"/desk/sweeps/{sweep.id}")


@router.post("/sweeps/trial", openapi_extra=page_for("trigger"))
@or_page(_overview)
async def try_out(form: Annotated[DueForm, Form()], desk: DeskGiven) -> Response:
    """What a sweep would come to. Nothing is recorded."""
    _, due = await desk.runtime.sweeps.due(form.filters)
    if len(due) > MOST_TRIED:
        words = f"{len(due):,} products are due; a trial takes at most {MOST_TRIED:,}. Narrow them by a filter."
        raise InvalidInput(words)
    trial = deed_id(desk.caller, form.once)
    try:
        report = await desk.runtime.sweeps.preview(
            form.filters, by=desk.caller.actor, progress=lambda done, of: _TRIALS.update({trial: (done, of)})
        )
    finally:
        _TRIALS.pop(trial, None)
    return await _page(desk, report, most=MOST_TRIED, asked=form)


@router.get("/sweeps/trial/{once}/events", response_class=EventSourceResponse, openapi_extra=stream_for("read"))
async def trial_events(once: Annotated[str, Path(max_length=100)], desk: DeskGiven) -> AsyncIterator[ServerSentEvent]:
    """How many products a trial of this process has done. Says nothing where it has none, or none any more."""
    trial, ends = deed_id(desk.caller, once), monotonic() + MOST_TRIAL_SECONDS
    while not desk.runtime.closing and monotonic() < ends:
        if trial in _TRIALS:
            yield _progress(*_TRIALS[trial], "tried.")
        await asyncio.sleep(LOOK_SECONDS)


def _progress(done: int, total: int, what: str) -> ServerSentEvent:
    words = f"{done:,} of {total:,} {what}"
    return ServerSentEvent(event="progress", data={"done": done, "total": total, "words": words})


async def _sweep(sweep_id: Annotated[str, Path(max_length=100)], runtime: RuntimeGiven) -> Sweep:
    return await runtime.book.sweeps.get(sweep_id)


SweepGiven = Annotated[Sweep, Depends(_sweep)]


@router.get("/sweeps/{sweep_id}", openapi_extra=page_for("read"))
async def one_sweep(
    sweep: SweepGiven,
    desk: DeskGiven,
    outcome: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """How far it is; what was ordered, what waits, and what was not ordered and why."""
    report = await desk.runtime.sweeps.report(sweep)
    return await _page(desk, report, sweep=sweep, outcome=outcome, after=after)


@router.get("/sweeps/{sweep_id}/lines.{kind}", openapi_extra=page_for("read"))
async def lines(sweep: SweepGiven, kind: FileKind, desk: DeskGiven) -> Response:
    """What came of every product, for a spreadsheet."""
    report = await desk.runtime.sweeps.report(sweep)
    return await table_file(kind, map(_cells, report.lines), _COLUMNS, f"sweep-{sweep.created_at.date()}")


@router.get("/sweeps/{sweep_id}/events", response_class=EventSourceResponse, openapi_extra=stream_for("read"))
async def events(sweep: SweepGiven, desk: DeskGiven) -> AsyncIterator[ServerSentEvent]:
    """Its progress while it runs. Ends when the service stops; a browser then asks again."""
    said = -1
    while not desk.runtime.closing:
        with suppress(Unavailable):
            status, done = await desk.runtime.book.sweeps.progress(sweep.id)
            if status != "running":
                yield ServerSentEvent(event="end", data={"status": status})
                return
            if done != said:
                said = done
                yield _progress(done, len(sweep.items), "decided")
        await asyncio.sleep(LOOK_SECONDS)


async def _page(
    desk: Desk,
    report: SweepReport,
    *,
    sweep: Sweep | None = None,
    asked: Due | None = None,
    outcome: str = "",
    after: int = 0,
    most: int | None = None,
) -> Response:
    """A part of the report's lines with one outcome."""
    if outcome and outcome not in OUTCOME_WORDS:
        raise InvalidInput(f"There is no outcome {outcome!r}; use one of {', '.join(OUTCOME_WORDS)}.")
    most = most or LINES
    fitting = [line for line in report.lines if outcome in ("", line.outcome)]
    return await desk.page(
        "sweep.html",
        sweep=sweep,
        asked=asked,
        report=report,
        outcome=outcome,
        outcome_words=OUTCOME_WORDS,
        lines=fitting[after : after + most],
        following=after + most if len(fitting) > after + most else None,
    )


def _cells(line: SweepLine) -> dict[str, Cell]:
    return {name: getattr(line, name) for name in _COLUMNS} | {"reasons": " ".join(line.reasons)}
