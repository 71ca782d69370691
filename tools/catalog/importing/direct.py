"""Changes of the catalogue that come from no file: settings, one product or supplier, stock and demand in bulk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from tools.catalog.histories import PROMOTION, STOCK_OUT
from tools.catalog.importing.calendars import move_on, require_period
from tools.catalog.importing.draft import Draft, Row, as_work
from tools.catalog.importing.goods import now_to_the_millisecond
from tools.catalog.importing.names import SupplierNames, know_products
from tools.catalog.importing.sales import Sales, day_number
from tools.catalog.importing.terms import checked_currency, product_terms, supplier_terms
from tools.records.errors import InvalidInput
from tools.records.text import WEEKDAYS
from tools.storage.catalogue_schema import products, stock, suppliers


@dataclass(frozen=True, slots=True)
class Level:
    """Stock of a product at a location: counted, or moved by a quantity."""

    product_id: str
    location: str | None
    on_hand: float | None = None
    """Counted. None: `moved` is added to what is stored."""
    moved: float = 0.0
    backorders: float | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class DayOfDemand:
    """What was asked for of a product at a location on one day."""

    product_id: str
    location: str | None
    day: date
    quantity: float
    stock_out: bool = False
    promotion: bool = False


@as_work
def put_product(draft: Draft, product_id: str, given: Mapping[str, Any]) -> None:
    """The product as it is given: what is left out is the default. `given` has roles of a products' file."""
    draft.read(products, [product_id])
    supplier = SupplierNames(draft).id_of(given.get("supplier") or "")
    row = {"id": product_id, "name": given.get("name") or product_id, "category": given.get("category") or ""}
    draft.put(products, row | {"supplier_id": supplier, "terms": product_terms(dict(given))})


@as_work
def put_supplier(draft: Draft, supplier_id: str, given: Mapping[str, Any]) -> None:
    """The supplier as it is given: what is left out is the default. `given` has roles of a suppliers' file."""
    draft.read(suppliers)
    name = given.get("supplier_name") or supplier_id
    draft.put(suppliers, {"id": supplier_id, "name": name, "terms": supplier_terms(dict(given))})


@as_work
def set_levels(draft: Draft, levels: Sequence[Level]) -> None:
    """Stock in bulk."""
    ids = {level.product_id for level in levels}
    know_products(draft, ids, "The request")
    draft.read(stock, ids)
    for level in levels:
        _set_level(draft, level)


def _set_level(draft: Draft, level: Level) -> None:
    place = level.location or draft.default_location()
    known = draft.row(stock, level.product_id, place)
    nothing: Row = {"on_hand": 0.0, "backorders": 0.0, "as_of": datetime.min.replace(tzinfo=UTC)}
    old = known or nothing
    at = (level.as_of or now_to_the_millisecond()).astimezone(UTC)
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    # A movement is no count: what has arrived since the last one still comes on top of it.
    counted = old["as_of"] if known and level.on_hand is None else max(old["as_of"], at)
    row = {
        "product_id": level.product_id,
        "location": place,
        "on_hand": level.moved + old["on_hand"] if level.on_hand is None else level.on_hand,
        "backorders": old["backorders"] if level.on_hand is None else level.backorders or 0.0,
        "as_of": counted,
    }
    if level.on_hand is not None and known is not None and level.as_of is not None and at < known["as_of"]:
        draft.note(f"The count of {level.product_id} at {place} is older than what is stored; it is left out.")
        return
    again = level.as_of is None and level.on_hand is not None and row["as_of"].date() == old["as_of"].date()
    repeated = again and row | {"as_of": None} == old | {"as_of": None}
    draft.put(stock, old if known and repeated else row)


@as_work
def add_days(draft: Draft, days: Sequence[DayOfDemand]) -> Sales:
    """Demand in bulk: each day replaces what was stored for it; other days stay as they are."""
    know_products(draft, {each.product_id for each in days}, "The request")
    rows = [_line(draft, each) for each in days]
    lines = pd.DataFrame(rows)
    last = {str(place): int(day) for place, day in lines.groupby("location")["day"].max().items()}
    for place, day in last.items():
        require_period(draft, {place}, "day", "The request")
        move_on(draft, {place}, date.fromordinal(day + date(1970, 1, 1).toordinal()))
    return Sales(last, frames=[lines])


def _line(draft: Draft, each: DayOfDemand) -> Row:
    flag = STOCK_OUT * each.stock_out | PROMOTION * each.promotion
    return {
        "product_id": each.product_id,
        "location": each.location or draft.default_location(),
        "day": day_number(each.day),
        "quantity": float(each.quantity),
        "flag": flag,
    }


@as_work
def set_catalogue(draft: Draft, settings: Mapping[str, Any]) -> None:
    """Settings of the whole catalogue: currency, time_zone, default_location, and `closed`: weekdays (mon) and days
    (2026-12-25) on which a location is closed, by location. Raises InvalidInput."""
    for name, value in settings.items():
        if name == "closed":
            for place, days in value.items():
                _close(draft, place, days)
        else:
            draft.set(name, _CHECKS[name](value))


def _close(draft: Draft, place: str, days: Sequence[str]) -> None:
    calendars: dict[str, Any] = draft.setting("calendars") or {}
    if calendars.get(place, {}).get("period", "day") != "day":
        raise InvalidInput(f"{place} keeps its demand by {calendars[place]['period']}: it has no closed days.")
    weekdays = {WEEKDAYS.index(day) for day in days if day in WEEKDAYS}
    if len(weekdays) == len(WEEKDAYS):
        raise InvalidInput(f"{place} cannot be closed on every weekday; leave one open.")
    single = sorted({_day(day) for day in days if day not in WEEKDAYS})
    draft.set("calendars", calendars | {place: {"weekdays": sorted(weekdays), "days": single}})


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InvalidInput(f"{text!r} is no day; write mon to sun, or a date as 2026-12-25.") from None


def _time_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(f"There is no time zone {name!r}; write it as Europe/Berlin or UTC.") from None


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "currency": checked_currency,
    "time_zone": _time_zone,
    "default_location": str,
}
