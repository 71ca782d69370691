"""Today's list of the catalogue in use, made once for each change of catalogue, order book or day."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256

from tools.book.book import OrderBook
from tools.catalog.present import PresentCatalog
from tools.catalog.snapshot import Place, Snapshot
from tools.planning.confidence import CalibrationTable
from tools.records.facts import Mode, OpenOrder, Supplier
from tools.sweep.source import Source
from tools.sweep.today import Today
from tools.sweep.today_rows import TodayRow

Basis = tuple[Mode, date, int]
"""What rows are made of beside the order book: which catalogue, the day, and the catalogue's version."""
LISTS_KEPT = 4
"""Earlier lists that pages may go on in."""


@dataclass(frozen=True)
class TodayList:
    """A row for every product at every location."""

    version: str
    """Changes with the catalogue, the order book and the day."""
    mode: Mode
    day: date
    rows: tuple[TodayRow, ...]
    ordered: Mapping[Place, tuple[OpenOrder, ...]]
    """Open orders as they were at `made_at`."""
    made_at: datetime
    suppliers: Mapping[str, Supplier]
    """By id, with the lead times of their receipts."""
    worth: Mapping[str, float]
    """Of a unit of each currency whose rate is known, in one of them."""

    def open_orders(self, place: Place) -> tuple[OpenOrder, ...]:
        """Of a product at a location, as they are now. Orders of other systems are due on a day."""
        passed = (datetime.now(UTC) - self.made_at).total_seconds() / 86_400
        return tuple(
            order.model_copy(update={"due_in_days": order.due_in_days - passed}) if order.placed_here else order
            for order in self.ordered.get(place, ())
        )


class TodayLists:
    """The newest lists of this process."""

    def __init__(
        self, book: OrderBook, calibration: CalibrationTable | None = None, worth: Mapping[str, float] | None = None
    ) -> None:
        self._book, self._calibration, self._worth = book, calibration, worth or {}
        self._present = PresentCatalog(book)
        self._own = self._present.own
        self._kept: OrderedDict[str, TodayList] = OrderedDict()
        self._making = asyncio.Lock()
        self._asked: set[asyncio.Task[TodayList]] = set()
        self._newest: tuple[object, Today | None] = None, None
        self._snapshot: tuple[object, Snapshot | None] = None, None

    async def present(self) -> TodayList:
        """The list of the own catalogue, or of the sample while there is none, as it is now. Callers that come while it
        is made wait for it. It is made to its end for the next caller where one gives up waiting."""
        asked = asyncio.create_task(self._as_it_is_now())
        self._asked.add(asked)
        asked.add_done_callback(self._asked.discard)
        return await asyncio.shield(asked)

    async def _as_it_is_now(self) -> TodayList:
        async with self._making:
            mode = await self._present.mode()
            day = await self._day(mode)
            basis = (mode, day, await self._own.version())
            versions = (*basis, await self._book.audit.version(), await self._overdue())
            version = sha256(" ".join(map(str, versions)).encode()).hexdigest()[:16]
            if version not in self._kept:
                self._keep(await self._made(version, basis))
            return self._kept[version]

    async def is_own(self) -> bool:
        """Whether there is an own catalogue; else the list is of the sample."""
        return await self._present.mode() == "database"

    async def units(self) -> dict[str, str]:
        """What each product of the list is counted in."""
        return {row.product_id: row.unit for row in (await self.present()).rows}

    def earlier(self, version: str) -> TodayList | None:
        """The list of this version, if it is still kept."""
        return self._kept.get(version)

    async def _overdue(self) -> int:
        """How many orders are overdue: one becomes so by the clock alone."""
        return (await self._book.orders.figures())[1]

    async def _day(self, mode: Mode) -> date:
        return (await self._own.settings()).today if mode == "database" else datetime.now(UTC).date()

    async def _made(self, version: str, basis: Basis) -> TodayList:
        """The list. Rows of the one before stay, but for what has happened in the order book since."""
        mode, day, _ = basis
        source, reviews = await self._source(basis), await self._book.reviews.waiting(mode)
        snoozes = await self._book.snoozes.on(mode, day)
        before = self._newest[1] if self._newest[0] == basis else None
        today = Today(source, day=day, reviews=reviews, snoozes=snoozes, calibration=self._calibration, before=before)
        made_at = datetime.now(UTC)
        rows, ordered, suppliers = await asyncio.to_thread(
            lambda: (tuple(today.rows()), today.open_orders(), today.suppliers())
        )
        self._newest = basis, today
        return TodayList(version, mode, day, rows, ordered, made_at, suppliers, self._worth)

    async def _source(self, basis: Basis) -> Source:
        mode = basis[0]
        known, snapshot = self._snapshot
        if snapshot is None or known != basis:
            snapshot = await self._present.plain[mode].snapshot()
            self._snapshot = basis, snapshot
        return Source(snapshot, await self._book.stock.of_catalogue(mode))

    def _keep(self, made: TodayList) -> None:
        self._kept[made.version] = made
        while len(self._kept) > LISTS_KEPT:
            self._kept.popitem(last=False)
