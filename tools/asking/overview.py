"""What the model's tools look into: today's list, the order book, and the days of the catalogue's calendar."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from tools.asking.orders import AskedOrder, of_other_systems, placed_here
from tools.asking.periods import Coming, Day, Days, Period, days_of
from tools.asking.totals import short
from tools.asking.words import Found, WordIndex
from tools.book.book import OrderBook
from tools.catalog.own import OwnCatalog
from tools.purchasing.store import DocumentStore
from tools.records.errors import InvalidInput
from tools.records.orders import OrderFilter
from tools.sweep.lists import TodayList, TodayLists
from tools.sweep.today_rows import TodayRow

Row = TypeVar("Row")
MOST_NAMED = 12


class Overview:
    """Every product, order, review and supplier, as the desk and the API show them. It changes nothing."""

    def __init__(self, book: OrderBook, today: TodayLists) -> None:
        self.book, self.documents = book, DocumentStore(book.database)
        self._lists, self._catalogue = today, OwnCatalog(book.database)
        self._index: tuple[str, WordIndex | None] = "", None

    async def today(self) -> TodayList:
        return await self._lists.present()

    def words(self, listed: TodayList) -> WordIndex:
        """The rows of the list by their words."""
        version, index = self._index
        if index is None or version != listed.version:
            index = WordIndex(map(_names, listed.rows))
            self._index = listed.version, index
        return index

    async def worded(
        self, words: str, rows: Sequence[Row], names: Callable[[Row], Sequence[str]]
    ) -> tuple[list[Row], dict[str, Any]]:
        """The rows that the words fit, and what became of the words. One that fits a product, but none of the rows, is
        known all the same, and no slip."""
        if not words.strip():
            return list(rows), {}
        found = WordIndex(map(names, rows)).find(words)
        fitting = [rows[row] for row in sorted(found.rows)], about(found)
        if not (found.unknown or found.taken_as):
            return fitting
        known = self.words(await self.today()).find(words)
        if found.taken_as and not (known.unknown or known.taken_as):
            return [], {}
        if not found.unknown:
            return fitting
        unknown = set(known.unknown)
        return [], about(Found(frozenset(), tuple(word for word in found.unknown if word in unknown)))

    async def supplier(self, asked: str | None, others: Iterable[tuple[str, str]] = ()) -> str | None:
        """The id of a supplier of the catalogue, or of others by id and name. Raises InvalidInput."""
        known = [(each.id, each.name) for each in (await self.today()).suppliers.values()]
        return one_of(asked, (*known, *others), "supplier")

    async def location(self, asked: str | None, others: Iterable[str] = ()) -> str | None:
        """A location of the catalogue, or of others. Raises InvalidInput."""
        known = (*(row.location for row in (await self.today()).rows), *others)
        return one_of(asked, ((name,) for name in known), "location")

    async def zone(self) -> ZoneInfo:
        return ZoneInfo((await self._catalogue.settings()).time_zone)

    async def days(self, period: Period | Coming, since: Day, until: Day, *, coming: bool = False) -> Days:
        return days_of(period, since, until, today=datetime.now(await self.zone()).date(), coming=coming)

    async def moments(self, days: Days) -> tuple[datetime | None, datetime | None]:
        """The first moment of the days, and the one after the last."""
        zone = await self.zone()
        return _midnight(days.first, zone), _midnight(days.last and days.last + timedelta(1), zone)

    async def orders(self, status: OrderFilter | None = None) -> list[AskedOrder]:
        """This service's orders in a state, and the open ones of other systems, newest first."""
        zone, listed = await self.zone(), await self.today()
        own = [placed_here(row, zone) for row in await self.book.orders.rows(status)]
        others = of_other_systems(listed) if status in (None, "open", "overdue") else []
        found = own + [order for order in others if status != "overdue" or order.days_overdue]
        return sorted(found, key=lambda order: order.placed or date.min, reverse=True)


def about(found: Found | None) -> dict[str, Any]:
    """What became of the words, as a model is told."""
    return {} if found is None else short({"unknown_words": found.unknown, "taken_as": dict(found.taken_as)})


def _names(row: TodayRow) -> tuple[str, ...]:
    return row.product_id, row.name, row.category, row.location, row.supplier_id, row.supplier


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), zone)


def one_of(asked: str | None, known: Iterable[tuple[str, ...]], what: str) -> str | None:
    """The first name of what was meant: one of its names is the same in any case, or it is the only one that the words
    fit. Raises InvalidInput."""
    if asked is None:
        return None
    names = sorted({each for each in known if each[0]})
    same = [each for each in names if asked.strip().casefold() in map(str.casefold, each)]
    if not same:
        found = WordIndex(names).find(asked)
        same = [] if found.unknown else [names[row] for row in sorted(found.rows)]
    if len(same) == 1:
        return same[0][0]
    shown = [each[-1] for each in same or names]
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    which = "Which" if same else "No"
    raise InvalidInput(f"{which} {what} {asked[:80]!r}? There are: {', '.join(shown[:MOST_NAMED])}{more}.")
