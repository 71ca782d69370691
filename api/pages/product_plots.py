"""The plots of one product: its stock in the days to come, and its demand so far."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from markupsafe import Markup

from api.pages.plots import Plot, ticks
from tools.planning.demand import DemandStatistics
from tools.planning.projection import Projection
from tools.records.facts import DemandHistory
from tools.records.text import amount

MOST_PERIODS = 120
MARKS = 5
"""Names along the axis."""
SIGNS = {"unusually much": "▲", "out of stock": "×", "not known": "?", "promotion": "★"}


class Sold(NamedTuple):
    """Demand of one period, and what is to be said of it."""

    begins: date | None
    value: float | None
    notes: tuple[str, ...]


def projected_stock(
    found: Projection,
    *,
    today: date,
    reorder_point: float,
    safety_stock: float,
    order_by: date | None,
    ordered: Projection | None = None,
) -> Markup:
    """Stock if nothing is ordered, and dashed if something is."""
    shown = [*found.points, *(ordered.points if ordered else ())]
    most = 1.05 * max(reorder_point, *(max(point.stock, point.high) for point in shown)) or 1.0
    last = found.points[-1].day
    plot = Plot(_said_of_stock(found, reorder_point, today), x=(0, last), y=(0, most), rows=2)
    plot.axes([(at, _day(today, at) if at else "today") for at in _spread(last)], ticks(most))
    plot.band([(point.day, point.low) for point in found.points], [(point.day, point.high) for point in found.points])
    plot.line([(point.day, point.stock) for point in found.points], "stock")
    if ordered:
        plot.line([(point.day, point.stock) for point in ordered.points], "ahead")
    plot.across(reorder_point, f"reorder point {amount(reorder_point)}")
    if safety_stock > 0:
        plot.across(safety_stock, f"safety stock {amount(safety_stock)}", at_left=True)
    out = found.out_in_days
    if out is not None and out <= last:
        plot.upright(out, f"out on {_day(today, out)}" if out else "out now")
    if order_by and 0 <= (due := (order_by - today).days) <= last:
        plot.upright(due, f"order by {_day(today, due)}", row=1)
    return plot.svg()


def _said_of_stock(found: Projection, reorder_point: float, today: date) -> str:
    """The plot in a sentence."""
    now, end, out = found.points[0], found.points[-1], found.out_in_days
    due = f"an order is due at {amount(reorder_point)}"
    if out is not None and out <= end.day:
        gone = f"gone on {_day(today, out)}" if out else "gone already"
        return f"The {amount(max(0.0, now.stock))} in stock are {gone} at mean demand; {due}."
    left = f"{amount(end.stock)} are left on {_day(today, end.day)}"
    return f"Of {amount(now.stock)} in stock and what arrives, {left} at mean demand; {due}."


def sold(history: DemandHistory, statistics: DemandStatistics) -> list[Sold]:
    """The latest periods, oldest first."""
    first = max(0, len(history.values) - MOST_PERIODS)
    return [_sold(history, statistics, position) for position in range(first, len(history.values))]


def _sold(history: DemandHistory, statistics: DemandStatistics, position: int) -> Sold:
    value, out = history.values[position], position in history.stockout_periods
    notes = {
        "unusually much": not out and value in statistics.outliers,
        "out of stock": out,
        "not known": value is None and not out,
        "promotion": position in history.promotion_periods,
    }
    ago = (len(history.values) - 1 - position) * history.period_days
    begins = history.last_period - timedelta(round(ago)) if history.last_period else None
    return Sold(begins, value, tuple(note for note, holds in notes.items() if holds))


def demand_bars(periods: Sequence[Sold], mean: float) -> Markup:
    """A bar for each period; what is to be said of one stands above it as a sign."""
    most = 1.1 * max(mean, *(each.value or 0.0 for each in periods)) or 1.0
    plot = Plot(_said_of_demand(periods, mean), x=(0, len(periods)), y=(0, most))
    named = [(at + 0.5, begins) for at in _spread(len(periods) - 1) if (begins := periods[at].begins)]
    plot.axes([(at, f"{begins.day} {begins:%b}") for at, begins in named], ticks(most))
    for at, each in enumerate(periods):
        kinds = " ".join(note.replace(" ", "_") for note in each.notes)
        plot.bar(at + 0.1, at + 0.9, each.value or 0.0, f"bar {kinds}".rstrip())
        for note in each.notes:
            plot.sign(at + 0.5, each.value or 0.0, SIGNS[note], note.replace(" ", "_"))
    plot.across(mean, f"forecast {amount(mean)}")
    return plot.svg()


def _said_of_demand(periods: Sequence[Sold], mean: float) -> str:
    values = [each.value for each in periods if each.value is not None]
    between = f"between {amount(min(values))} and {amount(max(values))}" if values else "unknown"
    return f"Demand of the last {len(periods)} periods lay {between}; {amount(mean)} a period are forecast."


def _spread(last: int) -> list[int]:
    """A few places from the first to the last."""
    return sorted({round(last * mark / (MARKS - 1)) for mark in range(MARKS)})


def _day(today: date, days: float) -> str:
    day = today + timedelta(days)
    return f"{day.day} {day:%b}"
