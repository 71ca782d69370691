"""Does the confidence mean what it says? Fitted on earlier origins, checked on later ones, on real demand.

    python -m benchmarks.confidence --data FOLDER                prints the figures
    python -m benchmarks.confidence --data FOLDER --write        rebuilds the shipped table from UCI retail

At each cut the curves are fitted on proposals whose outcome was known by then, and used until the next cut.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.real_data import CAR_PARTS_INTERVAL, RETAIL_INTERVAL, car_parts, data_folder, retail
from tools.lookback.calibration import (
    Outcomes,
    calibrated,
    fit_table,
    fitted_on_origins,
    judge,
    judge_proposals,
    write,
)
from tools.lookback.reliability import calibration_error
from tools.lookback.rolling_origin import Interval, Origins, rolling_origins
from tools.planning.confidence import CalibrationTable
from tools.planning.working import PERMITTED_INTERVALS

SHIPPED = Path(__file__).parent.parent / "tools" / "planning" / "calibration_table.json"
ORIGIN = (
    "UCI Machine Learning Repository, Online Retail (D. Chen, 2015, doi:10.24432/C5BW33), CC BY 4.0: units per article "
    "and day, 2010-12 to 2011-12, cleaned as in benchmarks/real_data.py; lead time 7 days, review daily"
)
AUTOMATIC = 0.6
TEN_TIMES = 10


def later(origins: Origins, cuts: list[int], proposals: Outcomes) -> tuple[np.ndarray, np.ndarray]:
    """(confidence, which proposals it was given for): each by the table of the latest cut before its origin."""
    moment = origins.moment[proposals.origin]
    confidence = np.full(moment.size, np.nan)
    for cut, following in zip(cuts, [*cuts[1:], 10**9], strict=True):
        earlier = moment + origins.interval.length <= cut
        now = (moment >= cut) & (moment < following)
        if now.any():
            table = fit_table(proposals.where(earlier), origin="earlier origins")
            confidence[now] = calibrated(table, proposals.where(now))
    return confidence, ~np.isnan(confidence)


def line(name: str, confidence: np.ndarray, acceptable: np.ndarray) -> str:
    sure = confidence >= AUTOMATIC
    right = f"{acceptable[sure].mean():7.1%}" if sure.any() else "      –"
    wrong = f"{acceptable[~sure].mean():7.1%}" if (~sure).any() else "      –"
    return (
        f"  {name:34}{confidence.size:9,}  ECE {calibration_error(confidence, acceptable):.3f}  "
        f"at >= 0.6: {sure.mean():6.1%} of proposals, acceptable {right}; below {wrong}"
    )


def report(name: str, origins: Origins, cuts: list[int], shipped: CalibrationTable | None) -> None:
    proposals = judge_proposals(origins)
    confidence, chosen = later(origins, cuts, proposals)
    good, stratum = proposals.acceptable[chosen], proposals.stratum[chosen]
    quarter = np.arange(proposals.raw.size)[chosen] // len(origins)
    print(f"{name}: curves refitted at {len(cuts)} cuts, each used until the next")
    print(line("all proposals", confidence[chosen], good))
    for place, what in enumerate(
        ("the plan's, asked 90 %", "the plan's, asked 95 %", "the plan's, asked 98 %", "multiples")
    ):
        print(line(what, confidence[chosen][quarter == place], good[quarter == place]))
    for what in ("short history", "lumpy", "intermittent", "erratic", "smooth"):
        own = np.strings.find(stratum, what) >= 0
        if own.sum() >= 100:
            print(line(what, confidence[chosen][own], good[own]))
    print(line("raw, not calibrated", proposals.raw[chosen], good))
    if shipped is not None:
        print(line("by the table fitted on retail", calibrated(shipped, proposals)[chosen], good))
    tenfold(origins, fit_table(proposals, origin="all"))
    print()


def tenfold(origins: Origins, table: CalibrationTable) -> None:
    """The plan's quantity from an empty shelf, ten times over."""
    levels = origins.levels(0.95)
    wanted = levels > 0
    outcomes = judge(origins, TEN_TIMES * levels).where(wanted)
    scores = calibrated(table, outcomes)
    print(
        f"  ten times the plan's quantity: mean {scores.mean():.3f}, 99 % at most {np.quantile(scores, 0.99):.3f}, "
        f"above 0.1: {np.mean(scores > 0.1):.2%} (leftover of {PERMITTED_INTERVALS:g} intervals permitted)"
    )


def fitted_on_retail(origins: Origins) -> CalibrationTable:
    return fitted_on_origins(origins, origin=ORIGIN)


def cuts_every(interval: Interval, *, first: int, last: int, every: int) -> list[int]:
    return list(range(first + interval.length, last, every))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.confidence", description=__doc__)
    parser.add_argument("--data", help="folder with data/*.parquet (default: RESTOCK_DATA)")
    parser.add_argument("--step", type=int, default=1, help="days between two origins in retail (default 1)")
    parser.add_argument("--write", action="store_true", help=f"write {SHIPPED.name}")
    given = parser.parse_args()
    folder = data_folder(given.data)
    sales = rolling_origins(retail(folder), RETAIL_INTERVAL, step=given.step)
    shipped = fitted_on_retail(sales)
    if given.write:
        write(shipped, SHIPPED)
        print(f"wrote {SHIPPED}")
        return
    report("UCI retail, daily, L = 7, R = 1", sales, cuts_every(RETAIL_INTERVAL, first=40, last=366, every=28), None)
    parts = rolling_origins(car_parts(folder), CAR_PARTS_INTERVAL)
    report(
        "Car parts, monthly, L = 3, R = 1", parts, cuts_every(CAR_PARTS_INTERVAL, first=9, last=48, every=4), shipped
    )


if __name__ == "__main__":
    main()
