"""How a location's demand is counted: by working day, week or month, and up to which day it is known."""

from datetime import date, timedelta
from typing import Any

import pandas as pd

from tools.catalog.histories import Calendar, Period
from tools.catalog.importing.draft import Draft, counted_ids
from tools.catalog.reading.calendar import closed_days
from tools.catalog.reading.periods import later
from tools.records.errors import InvalidInput
from tools.records.text import DAY_NAMES, several


def end_of(first: date, period: Period) -> date:
    """The last day of the period that begins on `first`."""
    return later(first, period) - timedelta(1)


def anchored(days: "pd.Series[pd.Timestamp]", period: Period) -> "pd.Series[pd.Timestamp]":
    """The day on which a period is kept: its Monday, or the first of its month."""
    if period == "week":
        return pd.Series(days - pd.to_timedelta(days.dt.weekday, unit="D"))
    return pd.Series(days.dt.to_period("M").dt.to_timestamp()) if period == "month" else days


def require_period(draft: Draft, places: set[str], period: Period, file: str) -> None:
    """A location's demand has one period. Raises InvalidInput for another one than it has."""
    calendars, through = draft.setting("calendars") or {}, draft.setting("demand_through") or {}
    for place in sorted(places):
        known = calendars.get(place, {}).get("period", "day")
        if place in through and known != period:
            raise InvalidInput(
                f"{file} has demand by {period}, and {place} keeps its demand by {known}. Give the file another "
                "location, or take the earlier import back (`restock import --undo`), and import this one alone."
            )
        if period != "day" and place not in through:
            draft.set("calendars", calendars | {place: {"weekdays": [], "days": [], "period": period}})
            draft.note(f"{place} keeps its demand by {period}.")


def propose_calendars(draft: Draft, lines: pd.DataFrame) -> None:
    """Take days on which nothing sells at all as closed. Demand is then counted in working days."""
    for place, found in closed_days(lines[["location", "date"]]).items():
        calendars: dict[str, Any] = draft.setting("calendars") or {}
        known = calendars.get(place, {})
        wanted = _merged(known, found)
        if (found.weekdays or found.days) and wanted != known:
            draft.set("calendars", calendars | {place: wanted})
            draft.note(f"{place} is closed {_in_words(found)}: nothing sells there then. Demand is by working day.")
        _name_sales_on_closed_days(draft, lines[lines["location"] == place], wanted, place)


def _merged(known: dict[str, Any], found: Calendar) -> dict[str, Any]:
    days = sorted({*known.get("days", ()), *(day.isoformat() for day in found.days)})
    return {"weekdays": sorted(found.weekdays or known.get("weekdays", ())), "days": days}


def _in_words(closed: Calendar) -> str:
    parts = [" and ".join(f"{DAY_NAMES[day]}s" for day in sorted(closed.weekdays))] if closed.weekdays else []
    if closed.days:
        parts.append(f"{several(len(closed.days), 'single day')} ({counted_ids([str(day) for day in closed.days])})")
    return "on " + " and on ".join(parts)


def _name_sales_on_closed_days(draft: Draft, lines: pd.DataFrame, calendar: dict[str, Any], place: str) -> None:
    closed = lines["date"].dt.weekday.isin(calendar["weekdays"]) | lines["date"].isin(pd.to_datetime(calendar["days"]))
    if closed.any():
        draft.note(
            f"{several(int(closed.sum()), 'line')} of days on which {place} is closed: counted for the open day before."
        )


def move_on(draft: Draft, places: set[str], last: date) -> None:
    """Demand of these locations is known up to this day. It is never moved back."""
    through: dict[str, str] = draft.setting("demand_through") or {}
    moved = {place: max(through.get(place, ""), last.isoformat()) for place in places}
    if moved != {place: through.get(place) for place in places}:
        draft.set("demand_through", through | moved)
