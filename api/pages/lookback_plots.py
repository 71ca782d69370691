"""The plots of a look back: service against what was asked, stock against service, and whether the confidence holds."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from api.pages.plots import Plot, Point, percents, ticks
from tools.lookback.backtest import Backtest
from tools.planning.confidence import ReliabilityBin
from tools.records.text import amount, percent, several

ROOM = 0.02
"""Left free about the points, as a share."""


def lookback_plots(found: Backtest) -> list[tuple[str, Markup]]:
    """All plots of a backtest, each with its title."""
    return [
        ("Service achieved against asked", achieved(found)),
        ("Stock against service", stock_against_service(found)),
        ("Does the confidence hold?", reliability_plot([("dot", found.reliability)])),
    ]


def achieved(found: Backtest) -> Markup:
    rows = [row for row in found.coverage if row.group == "all"]
    ours, theirs = ([(row.asked, getattr(row, name)) for row in rows] for name in ("achieved", "textbook"))
    asked = [row.asked for row in rows]
    least = _round_down(min(min(up for _, up in (*ours, *theirs)), min(asked)) - ROOM)
    said = f"Asked {_shares(asked)}, ours covered {_shares(up for _, up in ours)} of past moments"
    sentence = f"{said} and the textbook's level {_shares(up for _, up in theirs)}."
    plot = Plot(sentence, x=(min(asked) - ROOM, 1), y=(least, 1))
    plot.axes([(level, percent(level)) for level in asked], percents(least))
    plot.line([(level, level) for level in (max(least, min(asked) - ROOM), 1.0)], "rule")
    _both(plot, ours, theirs)
    return plot.svg()


def stock_against_service(found: Backtest) -> Markup:
    ours, theirs = (
        sorted(
            (row.cycle_service, row.stock)
            for row in found.simulated
            if (row.demand_class, row.method) == ("all", method)
        )
        for method in ("calculator", "textbook")
    )
    points = [*ours, *theirs]
    said = " and ".join(
        f"{whose} {amount(units, 1)} units for {percent(round(share, 3))}"
        for whose, (share, units) in (("ours", ours[-1]), ("the textbook's", theirs[-1]))
    )
    least = _round_down(min(share for share, _ in points) - ROOM)
    most = 1.05 * max(units for _, units in points) or 1.0
    plot = Plot(f"On average in stock, at the most that was asked: {said} of intervals.", x=(least, 1), y=(0, most))
    plot.axes(percents(least), ticks(most))
    _both(plot, ours, theirs)
    return plot.svg()


def reliability_plot(kinds: Sequence[tuple[str, Sequence[ReliabilityBin]]]) -> Markup:
    """Stated confidence and what became of it; on the diagonal it holds. Each kind is drawn by another sign."""
    said = "; ".join(
        f"of {several(each.count, 'order')} said to be right with {percent(round(each.predicted, 2))}, "
        f"{percent(round(each.observed, 2))} were"
        for _, bins in kinds
        for each in bins
    )
    plot = Plot(f"{said or 'nothing is known yet'}.".capitalize(), x=(0, 1), y=(0, 1))
    plot.axes(percents(0.0), percents(0.0))
    plot.line([(0, 0), (1, 1)], "rule")
    for kind, bins in kinds:
        for each in bins:
            plot.line([(each.predicted, each.low), (each.predicted, each.high)], "whisker")
            plot.dot((each.predicted, each.observed), kind)
    return plot.svg()


def _both(plot: Plot, ours: Sequence[Point], theirs: Sequence[Point]) -> None:
    for points, line, dot in ((ours, "stock", "dot"), (theirs, "theirs", "other")):
        plot.line(points, line)
        for point in points:
            plot.dot(point, dot)


def _shares(values: Iterable[float]) -> str:
    return ", ".join(percent(round(value, 3)) for value in values)


def _round_down(share: float) -> float:
    """To a twentieth, where an axis may begin."""
    return max(0, int(share * 20)) / 20
