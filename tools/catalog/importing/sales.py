"""Sales lines as demand by day: the lines of one import replace what was stored for their days."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from tools.catalog.histories import PROMOTION, STOCK_OUT, History, new_history, read_history
from tools.catalog.importing.draft import Change, Draft, Row
from tools.catalog.importing.names import know_products, locations
from tools.catalog.reading import FileReading
from tools.catalog.snapshot import Place
from tools.planning.demand_distribution import FloatArray
from tools.storage.catalogue_schema import demand

_PLACES_AT_ONCE = 500
_EPOCH = date(1970, 1, 1)
_FALSE_WORDS = ("", "0", "no", "n", "false", "f", "nein", "non")


@dataclass(frozen=True, slots=True)
class Days:
    """What an import says of one product at one location: a number and a flag a day, of which `said` are known."""

    first: int
    """Days since 1970-01-01."""
    quantities: FloatArray
    flags: NDArray[np.uint8]
    said: NDArray[np.bool_]


@dataclass
class Sales:
    """The sales lines of one import, gathered by place."""

    frames: list[pd.DataFrame] = field(default_factory=list)
    """product_id, location, day (since 1970-01-01), quantity, flag."""
    spans: list[tuple[set[str], int, int]] = field(default_factory=list)
    """Which locations a file speaks of, from which day to which."""
    lost: set[Place] = field(default_factory=set)
    lost_days: int = 0
    """Days that had demand and have no line now."""

    def changes(self, draft: Draft) -> Iterator[Change]:
        """One for each place, as many at a time as memory likes."""
        if not self.frames:
            return
        lines = pd.concat(self.frames, ignore_index=True)
        codes, places = _places(lines)
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(places) + 1))
        columns = [lines[name].to_numpy()[order] for name in ("day", "quantity", "flag")]
        for start in range(0, len(places), _PLACES_AT_ONCE):
            chosen = places[start : start + _PLACES_AT_ONCE]
            stored = _stored(draft, chosen)
            for number, place in enumerate(chosen, start):
                part = slice(bounds[number], bounds[number + 1])
                yield self._change(place, self._days(place, *(column[part] for column in columns)), stored.get(place))

    def _days(self, place: Place, day: Any, quantity: Any, flag: Any) -> Days:
        """The lines of a place by day: from its first line on, each day of the files' spans is known."""
        first = int(day.min())
        last = max(int(day.max()), *(end for known, _, end in self.spans if place[1] in known))
        length = last - first + 1
        said = np.zeros(length, np.bool_)
        for known, begin, end in self.spans:
            if place[1] in known and end >= first:
                said[max(0, begin - first) : end - first + 1] = True
        flags = np.zeros(length, np.uint8)
        np.bitwise_or.at(flags, day - first, flag)
        return Days(first, np.bincount(day - first, quantity, length).astype(np.float64), flags, said)

    def _change(self, place: Place, days: Days, stored: Row | None) -> Change:
        first = _EPOCH + timedelta(days.first)
        old = new_history(first) if stored is None else _history(stored)
        sold = np.flatnonzero((days.quantities != 0) | (days.flags != 0))
        end = first + timedelta(int(sold[-1]) + 1 if sold.size else 1)
        new = old.spanning(min(old.first, first), max(old.end, end))
        at = (first - new.first).days
        said = days.said[: len(new.quantities) - at]
        window = slice(at, at + len(said))
        was = new.quantities[window]
        self._count_lost(place, int(np.count_nonzero((was != 0) & said & (days.quantities[: len(said)] == 0))))
        new.quantities[window] = np.where(said, days.quantities[: len(said)], was)
        new.flags[window] = np.where(said, days.flags[: len(said)], new.flags[window])
        after = {"product_id": place[0], "location": place[1]} | new.stored()
        return Change(demand, place, stored, after, None if stored is None else _kept(old, new))

    def _count_lost(self, place: Place, days: int) -> None:
        if days:
            self.lost.add(place)
            self.lost_days += days

    def notes(self) -> Iterator[str]:
        """What is known only once all changes have been looked at."""
        if self.lost:
            yield (
                f"{self.lost_days:,} days of {len(self.lost):,} histories had demand before and have no line in the "
                "new files: they are days without demand now."
            )


def _places(lines: pd.DataFrame) -> tuple[NDArray[np.int64], list[Place]]:
    """The number of each line's place, and the places."""
    product, ids = pd.factorize(lines["product_id"])
    location, names = pd.factorize(lines["location"])
    codes, pairs = pd.factorize(product.astype(np.int64) * len(names) + location)
    split = ((int(pair) // len(names), int(pair) % len(names)) for pair in pairs)
    return codes, [(str(ids[one]), str(names[other])) for one, other in split]


def _stored(draft: Draft, places: list[Place]) -> dict[Place, Row]:
    rows = draft.connection.execute(sa.select(demand).where(demand.c.product_id.in_({p for p, _ in places})))
    return {(row["product_id"], row["location"]): dict(row) for row in rows.mappings()}


def _history(row: Row) -> History:
    return read_history(row["first_day"], row["quantities"], row["flags"])


def _kept(old: History, new: History) -> Row:
    """What gives the old history back: its span, and the days that have changed."""
    then = new.spanning(old.first, old.end)
    different = np.flatnonzero((then.quantities != old.quantities) | (then.flags != old.flags))
    start, end = (int(different[0]), int(different[-1]) + 1) if different.size else (0, 0)
    part = History(old.first + timedelta(start), old.quantities[start:end], old.flags[start:end])
    return part.stored() | {"history_from": old.first.isoformat(), "history_days": len(old.quantities)}


def given_back(row: Row, kept: Row) -> Row:
    """The history before a change, from the one after it and what was kept."""
    first = date.fromisoformat(kept["history_from"])
    now = _history(row).spanning(first, first + timedelta(kept["history_days"]))
    part = _history(kept)
    at = (part.first - first).days
    now.quantities[at : at + len(part.quantities)] = part.quantities
    now.flags[at : at + len(part.flags)] = part.flags
    return {"product_id": row["product_id"], "location": row["location"]} | now.stored()


def bring_sales(draft: Draft, readings: list[FileReading]) -> Sales:
    """The lines of all files together."""
    sales = Sales()
    for reading in readings:
        if reading.frame.empty:
            continue
        place = locations(draft, reading.frame, reading.file, "demand")
        know_products(draft, set(reading.frame["product_id"].unique()), reading.file)
        lines = _lines(reading.frame, place)
        named = set(place.unique())
        first, last = int(lines["day"].min()), int(lines["day"].max())
        sales.frames.append(lines)
        sales.spans.append((named, first, last))
        _move_on(draft, named, _EPOCH + timedelta(last))
    return sales


def _lines(frame: pd.DataFrame, place: "pd.Series[str]") -> pd.DataFrame:
    flag = _flag(frame, "stock_out", STOCK_OUT) | _flag(frame, "promotion", PROMOTION)
    day = frame["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    return pd.DataFrame(
        {
            "product_id": frame["product_id"].to_numpy(),
            "location": place.to_numpy(),
            "day": day,
            "quantity": frame["quantity"].to_numpy(np.float64),
            "flag": flag,
        }
    )


def _flag(frame: pd.DataFrame, role: str, bit: int) -> NDArray[np.uint8]:
    """The bit, where a column says so: a number that is not 0, or a word that is not no."""
    if role not in frame:
        return np.zeros(len(frame), np.uint8)
    words = frame[role].astype(str).str.strip().str.casefold().str.removesuffix(".0")
    return (~words.isin((*_FALSE_WORDS, "nan"))).to_numpy().astype(np.uint8) * np.uint8(bit)


def _move_on(draft: Draft, places: set[str], last: date) -> None:
    """Demand of these locations is known up to this day. It is never moved back."""
    through: dict[str, str] = dict(draft.setting("demand_through") or {})
    moved = {place: max(through.get(place, ""), last.isoformat()) for place in places}
    if moved != {place: through.get(place) for place in places}:
        draft.set("demand_through", through | moved)
