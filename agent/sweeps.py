"""Sweeps: the whole catalogue decided at once. Today's list finds what triggers; each of it becomes a run like any
other, through the same graph and gate."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from hashlib import sha256
from itertools import count
from secrets import token_hex
from zoneinfo import ZoneInfo

from agent.decisions import Decisions
from agent.running.sweeping import Sweeping, several_at_once
from agent.settings import Settings
from agent.state import DecisionRequest
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.idempotency import MISMATCH
from tools.catalog.own import OwnCatalog
from tools.planning.gate import ONLY_PROPOSES
from tools.records.errors import IdempotencyMismatch, InvalidInput, NotFound
from tools.records.facts import Mode
from tools.records.orders import RunStatus, RunView
from tools.records.quantities import cost
from tools.records.sweeps import NewSweep, Outcome, Sweep, SweepItem, SweepLine, SweepReport
from tools.sweep.lists import TodayLists
from tools.sweep.pages import Filters, arranged
from tools.sweep.report import report
from tools.sweep.today_rows import TodayRow

DAILY = Actor(name="daily sweep")
_OUTCOMES: dict[RunStatus, Outcome] = {
    "executed": "placed",
    "pending_review": "waiting",
    "no_action": "not_ordered",
}


class Sweeps:
    """The sweeps of a runtime."""

    def __init__(
        self, *, settings: Settings, book: OrderBook, lists: TodayLists, decisions: Decisions, sweeping: Sweeping
    ) -> None:
        self._settings, self._book, self._lists = settings, book, lists
        self._decisions, self._sweeping = decisions, sweeping
        self._swept_on: date | None = None

    async def begin(self, filters: Filters, *, by: Actor, sweep_id: str | None = None) -> Sweep:
        """Store a sweep of what triggers now, and begin to carry it out. One of the same id is returned as it is.

        Raises IdempotencyMismatch if that one has other filters."""
        sweep_id, asked = sweep_id or token_hex(16), filters.model_dump(mode="json", exclude_defaults=True)
        with suppress(NotFound):
            known = await self._book.sweeps.get(sweep_id)
            if known.filters != asked:
                raise IdempotencyMismatch(MISMATCH)
            return known
        mode, items = await self._items(filters, sweep_id)
        new = NewSweep(
            id=sweep_id,
            mode=mode,
            requested_by=by.name,
            requested_by_id=by.id,
            filters=asked,
            items=items,
        )
        return await self._sweeping.begin(new)

    async def preview(
        self, filters: Filters, *, by: Actor, progress: Callable[[int, int], None] = lambda done, of: None
    ) -> SweepReport:
        """What a sweep would come to, by the gate's own judgement and the rules. Nothing is recorded. `progress` is
        told of each product how many are done, of how many."""
        mode, items = await self._items(filters, "")
        done = count(1)

        async def try_out(item: SweepItem) -> SweepLine:
            place = {"product_id": item.product_id, "location": item.location, "mode": mode}
            asked = DecisionRequest(**place, by_rules=True, requested_by=by.name, requested_by_id=by.id)
            try:
                return _would_be(item, await self._decisions.try_out(asked))
            except (NotFound, InvalidInput) as error:
                return _line(item, outcome="not_ordered", reasons=(error.message,))
            finally:
                progress(next(done), len(items))

        return report(await several_at_once(try_out, items))

    async def report(self, sweep: Sweep) -> SweepReport:
        """What came of the sweep so far."""
        return report(await self._book.sweeps.lines(sweep.items))

    async def begin_daily(self) -> None:
        """Begin the sweep of the day once its time has come, in the time zone of the own catalogue. There is one for a
        day, whatever the number of hosts. One that was missed is made up for on the same day."""
        own = OwnCatalog(self._book.database)
        if self._settings.sweep_at == "off" or not await own.has_products():
            return
        now = datetime.now(ZoneInfo((await own.settings()).time_zone))
        if now.time() < time.fromisoformat(self._settings.sweep_at) or self._swept_on == now.date():
            return
        await self.begin(Filters(), by=DAILY, sweep_id=f"daily-{now.date()}")
        self._swept_on = now.date()

    async def due(self, filters: Filters) -> tuple[Mode, list[TodayRow]]:
        """What a sweep would decide on, from today's list."""
        found = await self._lists.present()
        rows = await asyncio.to_thread(arranged, found.rows, filters)
        return found.mode, [row for row in rows if row.is_due and row.status != "snoozed"]

    async def _items(self, filters: Filters, sweep_id: str) -> tuple[Mode, tuple[SweepItem, ...]]:
        mode, due = await self.due(filters)
        return mode, tuple(self._item(row, sweep_id) for row in due)

    def _item(self, row: TodayRow, sweep_id: str) -> SweepItem:
        return SweepItem(
            product_id=row.product_id,
            name=row.name,
            location=row.location,
            supplier_id=row.supplier_id,
            supplier=row.supplier,
            quantity=row.quantity or 0,
            value=row.value,
            currency=row.currency,
            source_location=row.source_location,
            ask_models=self._asks_models(row),
            run_id=sha256("\n".join((sweep_id, *row.place)).encode()).hexdigest()[:32],
        )

    def _asks_models(self, row: TodayRow) -> bool:
        """Whether a model is to look at it, by the setting."""
        doubtful = row.doubtful or (row.confidence or 0.0) < self._settings.confidence_threshold
        return {"none": False, "doubtful": doubtful, "all": True}[self._settings.sweep_models]


def _would_be(item: SweepItem, view: RunView) -> SweepLine:
    proposal = view.proposal
    if proposal is None:
        return _line(item, outcome="not_ordered", reasons=("No plan came of it.",))
    price, reasons = proposal.unit_price, proposal.review_reasons
    return _line(
        item,
        outcome=_OUTCOMES[view.run.status],
        quantity=proposal.quantity,
        value=None if price is None else cost(price, proposal.quantity),
        reasons=reasons,
        decided_by=proposal.provider,
        only_proposed=reasons == (ONLY_PROPOSES,),
    )


def _line(item: SweepItem, **found: object) -> SweepLine:
    about = {"product_id", "name", "location", "supplier_id", "supplier", "currency", "quantity", "value"}
    about.add("source_location")
    return SweepLine.model_validate(item.model_dump(include=about) | {"run_id": None} | found)
