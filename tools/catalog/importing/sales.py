"""Sales lines as demand by day: the lines of one import replace what was stored for their days."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from tools.catalog.histories import PROMOTION, STOCK_OUT, UNKNOWN, History, read_history
from tools.catalog.importing.calendars import anchored, end_of, move_on, propose_calendars, require_period
from tools.catalog.importing.draft import Change, Draft, Row
from tools.catalog.importing.names import know_products, locations
from tools.catalog.reading import FileReading
from tools.catalog.snapshot import Place
from tools.planning.demand_distribution import FloatArray
from tools.records.text import several
from tools.storage.catalogue_schema import demand

_PLACES_AT_ONCE = 500
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Days:
    """What an import says of one place: a number and a flag a day. `said` are the days of which it says anything."""

    first: int
    """Days since 1970-01-01."""
    quantities: FloatArray
    flags: NDArray[np.uint8]
    said: NDArray[np.bool_]


@dataclass
class Sales:
    """The sales lines of one import, gathered by place."""

    known_before: dict[str, int]
    """The last day that each location had reported before, since 1970-01-01."""
    frames: list[pd.DataFrame] = field(default_factory=list)
    """product_id, location, day (since 1970-01-01), quantity, flag."""
    spans: list[tuple[set[str], int, int]] = field(default_factory=list)
    """Which locations a file speaks of, from which day to which."""
    lost: set[Place] = field(default_factory=set)
    lost_days: int = 0
    """Days that had demand and have no line now."""
    told: Callable[[int, int], None] | None = None
    """Is told how many of how many histories are done, every few hundred."""

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
                days = self._days(place, *(column[part] for column in columns))
                yield self._change(place, days, stored.get(place))
            if self.told:
                self.told(start + len(chosen), len(places))

    def _days(self, place: Place, day: Any, quantity: Any, flag: Any) -> Days:
        """The lines of a place by day: from its first line on, each day of the files' spans is said."""
        spans = [(begin, end) for places, begin, end in self.spans if place[1] in places]
        first = int(day.min())
        length = max([int(day.max()), *(end for _, end in spans)]) - first + 1
        said, flags = np.zeros(length, np.bool_), np.zeros(length, np.uint8)
        said[day - first] = True
        for begin, end in spans:
            said[max(0, begin - first) : max(0, end - first + 1)] = True
        np.bitwise_or.at(flags, day - first, flag)
        return Days(first, np.bincount(day - first, quantity, length).astype(np.float64), flags, said)

    def _change(self, place: Place, days: Days, stored: Row | None) -> Change:
        first = _EPOCH + timedelta(days.first)
        old = History(first, np.zeros(0), np.zeros(0, np.uint8)) if stored is None else _history(stored)
        sold = np.flatnonzero((days.quantities != 0) | (days.flags != 0))
        end = first + timedelta(int(sold[-1]) + 1 if sold.size else 1)
        new = old.spanning(min(old.first, first), max(old.end, end))
        self._count_lost(place, days, new)
        at = (first - new.first).days
        said = days.said[: len(new.quantities) - at]
        window = slice(at, at + len(said))
        new.quantities[window] = np.where(said, days.quantities[: len(said)], new.quantities[window])
        new.flags[window] = np.where(said, days.flags[: len(said)], new.flags[window])
        new.flags[self._unheard(place[1], old, new, window, said)] = UNKNOWN
        after = {"product_id": place[0], "location": place[1]} | new.stored()
        return Change(demand, place, stored, after, None if stored is None else _kept(old, new))

    def _unheard(self, location: str, old: History, new: History, window: slice, said: Any) -> NDArray[np.bool_]:
        """Days between what was known and what is said now, of which no file has said anything."""
        fresh = np.ones(len(new.quantities), np.bool_)
        start = (old.first - new.first).days
        fresh[start : start + len(old.quantities)] = False
        fresh[window] &= ~said
        known = self.known_before.get(location, 0) - day_number(new.first)
        fresh[start + len(old.quantities) : max(0, known + 1)] = False
        return fresh

    def _count_lost(self, place: Place, days: Days, new: History) -> None:
        was = new.quantities[days.first - day_number(new.first) :][: len(days.said)]
        lost = (was != 0) & days.said[: len(was)] & (days.quantities[: len(was)] == 0)
        if lost.any():
            self.lost.add(place)
            self.lost_days += int(np.count_nonzero(lost))

    def notes(self) -> Iterator[str]:
        """What is known only once all changes have been looked at."""
        if self.lost:
            yield (
                f"{several(self.lost_days, 'day')} of {several(len(self.lost), 'history')} had demand before, and no "
                "line in the new files: now without demand."
            )


def _places(lines: pd.DataFrame) -> tuple[NDArray[np.int64], list[Place]]:
    """The number of each line's place, and the places."""
    keys = ["product_id", "location"]
    codes = lines.groupby(keys, sort=False).ngroup()
    return codes.to_numpy().astype(np.int64), list(lines[keys].drop_duplicates().itertuples(index=False, name=None))


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
    """The lines of all files together. Raises InvalidInput where a location's demand has another period."""
    through: dict[str, str] = draft.setting("demand_through") or {}
    sales = Sales({place: day_number(date.fromisoformat(day)) for place, day in through.items()})
    for reading in readings:
        frame = _whole_periods(draft, reading)
        if frame.empty:
            continue
        place = locations(draft, frame, reading.file, "demand")
        know_products(draft, set(frame["product_id"].unique()), reading.file)
        _bring_file(draft, sales, reading, frame.assign(location=place))
    return sales


def _bring_file(draft: Draft, sales: Sales, reading: FileReading, frame: pd.DataFrame) -> None:
    period, places = reading.period, set(frame["location"].unique())
    require_period(draft, places, period, reading.file)
    if period == "day":
        propose_calendars(draft, frame)
    lines = _lines(frame)
    last = end_of(frame["date"].max().date(), period)
    sales.frames.append(pd.concat([lines, _gaps(lines)]) if reading.wide else lines)
    sales.spans.append((places, int(lines["day"].min()), day_number(last)))
    move_on(draft, places, last)


def _whole_periods(draft: Draft, reading: FileReading) -> pd.DataFrame:
    """The rows by the days on which they are kept, without a week or month that is not over."""
    period, today = reading.period, draft.settings.today
    frame = reading.frame.dropna(subset=["date", "quantity"])
    frame = frame.assign(date=anchored(frame["date"], period))
    if period == "day":
        of_today = int((frame["date"] >= pd.Timestamp(today)).sum())
        if of_today:
            draft.note(f"{several(of_today, 'line')} of {reading.file} of today: counted once the day is over.")
        return frame
    firsts = [day for day in frame["date"].unique() if end_of(day.date(), period) >= today]
    if firsts:
        draft.note(f"The {period} from {firsts[-1]:%Y-%m-%d} is not over: its rows of {reading.file} are left out.")
    return frame[~frame["date"].isin(firsts)]


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def _lines(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "product_id": frame["product_id"].to_numpy(),
            "location": frame["location"].to_numpy(),
            "day": frame["date"].to_numpy().astype("datetime64[D]").astype(np.int64),
            "quantity": frame["quantity"].to_numpy(np.float64),
            "flag": _flag(frame, "stock_out", STOCK_OUT) | _flag(frame, "promotion", PROMOTION),
        }
    )


def _gaps(lines: pd.DataFrame) -> pd.DataFrame:
    """Cells of a wide file that are empty after a product's first one: nobody knows what sold then."""
    place = ["product_id", "location"]
    every = lines[place].drop_duplicates().merge(lines[["day"]].drop_duplicates(), how="cross")
    every = every.merge(lines.groupby(place, as_index=False).agg(first=("day", "min")), on=place)
    known = pd.MultiIndex.from_frame(lines[[*place, "day"]])
    empty = every[(every["day"] > every["first"]) & ~pd.MultiIndex.from_frame(every[[*place, "day"]]).isin(known)]
    return empty[[*place, "day"]].assign(quantity=0.0, flag=np.uint8(UNKNOWN))


def _flag(frame: pd.DataFrame, role: str, bit: int) -> NDArray[np.uint8]:
    """The bit, where a column says so."""
    said = frame[role].to_numpy(np.uint8) if role in frame else np.zeros(len(frame), np.uint8)
    return said * np.uint8(bit)
