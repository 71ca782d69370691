"""The backtest in words."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from tools.lookback.backtest import Backtest, SimulatedRow, few_moments
from tools.lookback.coverage import FEWEST_ORIGINS
from tools.records.text import percent, several


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


def figures(found: Backtest) -> dict[str, Any]:
    """The same for programs."""
    shown = ("asked", "achieved", "textbook", "stock_ratio")
    rows = [{name: getattr(row, name) for name in shown} for row in found.coverage if row.group == "all"]
    service = [{name: value if isfinite(value) else None for name, value in row.items()} for row in rows]
    looked = {"products": len(found.table.products), "past_moments": found.origins}
    return looked | {"service": service, "calibration_error": found.calibration_error}


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
