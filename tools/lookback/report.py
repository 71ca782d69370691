"""The backtest as one HTML file with its plots in it, and as a few lines of text."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from tools.lookback.backtest import Backtest, SimulatedRow, few_moments
from tools.lookback.coverage import FEWEST_ORIGINS, Coverage
from tools.records.errors import InvalidInput, Unavailable
from tools.records.text import percent, several

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}img{max-width:100%}"
    "table{border-collapse:collapse;margin:.7rem 0;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #ddd}"
    "th:first-child,td:first-child{text-align:left}"
    ".off{color:#b00020;font-weight:600}.note{color:#555}figure{display:inline-block;margin:.3rem;max-width:31rem}"
)
TOLERATED_POINTS = -1.5
"""Percentage points below what was asked from which a figure is marked."""
CLASS_LEVEL = 0.95
OURS, TEXTBOOK = "#0b6e4f", "#c8553d"


def write_report(found: Backtest, path: Path, *, name: str) -> None:
    """Write the HTML file."""
    try:
        path.write_text(html(found, name=name), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"The report cannot be written to {path}: {error.strerror}.") from error


def html(found: Backtest, *, name: str) -> str:
    """The whole page."""
    interval, table = found.interval, found.table
    facts = (
        f"{len(table.products):,} products, {table.demand.shape[1]} periods (one {table.period} each); lead time "
        f"{interval.lead_time}, review every {interval.review_period}; {found.origins:,} past moments, each judged by "
        "what was known then."
    )
    said = [*table.notes, few_moments(found)]
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in said if note)
    plots = "".join(
        f'<figure><img alt="{escape(title)}" src="data:image/png;base64,{_picture(draw, found, title)}"></figure>'
        for title, draw in PLOTS
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Backtest of {escape(name)}</title>'
        f"<style>{STYLE}</style><h1>Backtest of {escape(name)}</h1><p>{facts}</p>{notes}{plots}"
        f"<h2>Service achieved against asked</h2>{_coverage(found.coverage)}{_pooled(found)}"
        f"<h2>Orders played through</h2>{_simulated(found)}"
        f"<h2>Confidence</h2>{_confidence(found)}</html>\n"
    )


def summary(found: Backtest) -> str:
    """What a terminal shows."""
    lines = ["asked  achieved  textbook  stock of the textbook's at equal service\n"]
    lines += [
        f"{row.asked:5.1%}{row.achieved:10.1%}{row.textbook:10.1%}{row.stock_ratio:10.2f}\n"
        for row in found.coverage
        if row.group == "all"
    ]
    lines.append(f"calibration error of the confidence: {found.calibration_error:.3f}\n")
    note = few_moments(found)
    return "".join([*lines, f"{note}\n" if note else ""])


def conclusion(found: Backtest, asked: float) -> str:
    """What one would have held and missed, and what the textbook takes for the same, in two sentences."""
    ours, theirs = (_played(found.simulated, asked, method) for method in ("calculator", "textbook"))
    more = ours.short_cycles - theirs.short_cycles
    intervals = several(ours.cycles, "interval")
    short = f"in {abs(more):,} {'more' if more > 0 else 'fewer'} of {intervals}"
    if not more:
        short = f"as often, in {ours.short_cycles:,} of {intervals}"
    would = f"you would have held {_held(ours, theirs)} by the textbook's formula, and run short {short}"
    return f"With {percent(asked)} asked for, {would}. {_at_equal_service(found, asked)}".rstrip()


def _played(rows: Sequence[SimulatedRow], asked: float, method: str) -> SimulatedRow:
    chosen = (row for row in rows if (row.demand_class, row.asked, row.method) == ("all", asked, method))
    return next(chosen)


def _held(ours: SimulatedRow, theirs: SimulatedRow) -> str:
    """Several products are added up in units, and by value where they have prices."""
    share, by_value = _share(ours.stock, theirs.stock), _share(ours.stock_value, theirs.stock_value)
    if _apart(share) == _apart(by_value):
        return "as much stock as" if not share else f"{_apart(share)} stock than"
    return f"{_apart(share)} stock ({_apart(by_value)} by value) than"


def _share(ours: float, theirs: float) -> float:
    """By how much ours is more, in whole percent."""
    return round(ours / theirs - 1, 2) if theirs else 0.0


def _apart(share: float) -> str:
    return f"{percent(abs(share))} {'less' if share < 0 else 'more'}"


def _at_equal_service(found: Backtest, asked: float) -> str:
    """Of the level alone: what each leaves over where it covers as many past moments; few of them do not tell."""
    whole = next(row for row in found.coverage if (row.group, row.asked) == ("all", asked))
    if found.origins < FEWEST_ORIGINS or not whole.stock_ratio > 0:
        return ""
    return f"Where both cover as much, the textbook leaves {_apart(_share(1, whole.stock_ratio))} over."


def _rows(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _points(achieved: float, asked: float) -> str:
    points = 100 * (achieved - asked)
    mark = ' class="off"' if points < TOLERATED_POINTS else ""
    return f"<span{mark}>{points:+.1f}</span>"


def _coverage(rows: list[Coverage]) -> str:
    head = (
        "products",
        "asked",
        "moments",
        "achieved",
        "±",
        "points",
        "textbook",
        "points",
        "stock",
        "of the textbook's",
    )
    cells = (
        (
            escape(row.group),
            f"{row.asked:.1%}",
            f"{row.origins:,}",
            f"{row.achieved:.1%}",
            f"{100 * row.standard_error:.1f}",
            _points(row.achieved, row.asked),
            f"{row.textbook:.1%}",
            _points(row.textbook, row.asked),
            f"{row.stock:,.1f}",
            f"{row.stock_ratio:.2f}",
        )
        for row in rows
    )
    note = (
        '<p class="note">Achieved: share of moments whose demand over lead time and review period the level covered. '
        "±: its standard error in points, with moments of one product or one time taken together. "
        "Points: percentage points above what was asked. Textbook: its reorder point over the same interval. Stock: "
        "units left over on average, and their share of what the textbook leaves where it covers as many moments.</p>"
    )
    return _rows(head, cells) + note


def _pooled(found: Backtest) -> str:
    if not found.pooled:
        return '<p class="note">Too few products with thirty moments each for a pooled factor.</p>'
    head = ("products", "wanted", "ask for", "held out, plain", "held out, pooled")
    cells = (
        (row.stratum, f"{row.wanted:.1%}", f"{row.ask:.2%}", f"{row.held_out_plain:.1%}", f"{row.held_out_pooled:.1%}")
        for row in found.pooled
    )
    note = (
        '<p class="note">What to ask for to get what is wanted, learned from all products together and from those of a '
        "demand class, which goes before; <code>restock scan --pooled</code> asks for it.</p>"
    )
    return _rows(head, cells) + note


def _simulated(found: Backtest) -> str:
    head = ("class", "method", "asked", "products", "cycles", "fill rate", "stock", "value", "orders/year", "cost/year")
    cells = (
        (
            escape(row.demand_class),
            row.method,
            f"{row.asked:.1%}",
            f"{row.products:,}",
            f"{row.cycle_service:.1%}",
            f"{row.fill_rate:.1%}",
            f"{row.stock:,.0f}",
            f"{row.stock_value:,.0f}",
            f"{row.orders_per_year:,.0f}",
            f"{row.cost_per_year:,.0f}",
        )
        for row in found.simulated
    )
    unmet = "waits" if found.terms.backorders else "is lost"
    money = "price 1 a unit" if found.table.unit_prices is None else "prices as in the data"
    note = (
        f'<p class="note">Unmet demand {unmet}; minimum order {found.terms.minimum_order_quantity:g}, multiple '
        f"{found.terms.order_multiple:g}; holding {found.terms.holding_rate:.0%} of the price a year, unmet demand "
        f"{found.terms.stockout_share:.0%} of it; {money}. What a falling level leaves behind is sold down first, so "
        "that more is achieved here than by the level alone.</p>"
    )
    return _rows(head, cells) + note


def _confidence(found: Backtest) -> str:
    cells = (
        (f"{each.predicted:.2f}", f"{each.observed:.2f}", f"{each.low:.2f} – {each.high:.2f}", f"{each.count:,}")
        for each in found.reliability
    )
    return (
        _rows(("confidence", "turned out acceptable", "95 % interval", "proposals"), cells)
        + f'<p class="note">Expected calibration error {found.calibration_error:.3f}. Curves: '
        + f"{escape(found.calibration_origin)}.</p>"
    )


def _picture(draw: Callable[["Axes", Backtest], None], found: Backtest, title: str) -> str:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise Unavailable("The report's plots need matplotlib: install restock[report].") from error
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=11)
    draw(axes, found)
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return b64encode(buffer.getvalue()).decode("ascii")


def _achieved(axes: "Axes", found: Backtest) -> None:
    rows = [row for row in found.coverage if row.group == "all"]
    asked = [100 * row.asked for row in rows]
    axes.plot(asked, asked, color="#999", linewidth=1, label="as asked")
    axes.plot(asked, [100 * row.achieved for row in rows], "o-", color=OURS, label="calculator")
    axes.plot(asked, [100 * row.textbook for row in rows], "s--", color=TEXTBOOK, label="textbook")
    axes.set(xlabel="asked, %", ylabel="achieved, %")
    axes.legend(frameon=False)


def _classes(axes: "Axes", found: Backtest) -> None:
    """At the level nearest to 95 %, beside what was asked."""
    asked = min((row.asked for row in found.coverage), key=lambda level: abs(level - CLASS_LEVEL))
    rows = [row for row in found.coverage if row.asked == asked]
    places = range(len(rows))
    axes.barh(
        [place - 0.2 for place in places], [100 * row.achieved for row in rows], 0.38, color=OURS, label="calculator"
    )
    axes.barh(
        [place + 0.2 for place in places], [100 * row.textbook for row in rows], 0.38, color=TEXTBOOK, label="textbook"
    )
    axes.axvline(100 * asked, color="#999", linewidth=1)
    axes.set_yticks(list(places), [row.group for row in rows], fontsize=8)
    lowest = min(min(row.achieved, row.textbook) for row in rows)
    axes.set(xlabel=f"achieved, % (asked {asked:.0%})", xlim=(max(0, 100 * lowest - 5), 100))
    axes.invert_yaxis()
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2, frameon=False)


def _stock(axes: "Axes", found: Backtest) -> None:
    for method, style, colour in (("calculator", "o-", OURS), ("textbook", "s--", TEXTBOOK)):
        rows = sorted(_of(found.simulated, method), key=lambda row: row.stock)
        served = [100 * row.cycle_service for row in rows]
        axes.plot(served, [row.stock for row in rows], style, color=colour, label=method)
    axes.set(xlabel="cycles without unmet demand, %", ylabel="units on hand")
    axes.legend(frameon=False)


def _of(rows: list[SimulatedRow], method: str) -> list[SimulatedRow]:
    return [row for row in rows if row.demand_class == "all" and row.method == method]


def _reliable(axes: "Axes", found: Backtest) -> None:
    axes.plot([0, 1], [0, 1], color="#999", linewidth=1)
    said, held = ([getattr(each, name) for each in found.reliability] for name in ("predicted", "observed"))
    below = [each.observed - each.low for each in found.reliability]
    above = [each.high - each.observed for each in found.reliability]
    axes.errorbar(said, held, yerr=[below, above], fmt="o-", color=OURS, capsize=2)
    axes.set(xlabel="confidence", ylabel="turned out acceptable", xlim=(0, 1), ylim=(0, 1))


PLOTS: tuple[tuple[str, Callable[["Axes", Backtest], None]], ...] = (
    ("Service achieved against asked", _achieved),
    ("By demand class", _classes),
    ("Stock against service, simulated", _stock),
    ("Reliability of the confidence", _reliable),
)
