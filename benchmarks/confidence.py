"""Does the confidence mean what it says? `python -m benchmarks.confidence --data FOLDER [--write]`.

For each set in `benchmarks/demand_sets.py`, at all origins and without looking ahead: the proposals of
`tools.lookback.calibration`, judged by the table that ships, by one fitted on the other sets, and by none. ECE is the
calibration error, over all proposals and over those stated at .5 or more. `--write` fits the table that ships anew.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.demand_sets import SETS
from benchmarks.forecasting import sampled
from benchmarks.real_data import data_folder
from tools.lookback.calibration import (
    SERVICE_LEVELS,
    Outcomes,
    calibrated,
    fit_table,
    fitted_on_origins,
    judge,
    judge_proposals,
    pooled,
    write,
)
from tools.lookback.coverage import FAST
from tools.lookback.reliability import calibration_error
from tools.lookback.rolling_origin import Origins, rolling_origins
from tools.planning.confidence import CalibrationTable, shipped_table
from tools.planning.demand_distribution import FloatArray

SHIPPED = Path(__file__).parent.parent / "tools" / "planning" / "calibration_table.json"
ORIGIN = (
    "Seven sets of demand, by stratum: UCI Machine Learning Repository, Online Retail (D. Chen, 2015, "
    "doi:10.24432/C5BW33), CC BY 4.0; car parts (R package expsmooth); prescriptions of Medicare Australia "
    "(tsibbledata); monthly shipments of the M3 competition (Mcomp); a bakery chain and a restaurant by day (ddop); "
    "Dominick's orange juice by week (bayesm). Of each, only the share of past proposals that turned out right"
)
AUTOMATIC, DECISIVE = 0.6, 0.5
TOO_MUCH = {2: 0.5, 10: 0.1}
"""Times the plan's quantity, and the confidence that it may have at most."""


def line(name: str, confidence: FloatArray, acceptable: FloatArray) -> str:
    sure, decisive = confidence >= AUTOMATIC, confidence >= DECISIVE
    right = [f"{acceptable[part].mean():6.1%}" if part.any() else "     –" for part in (sure, ~sure)]
    return (
        f"  {name:26}{confidence.size:9,}  ECE {calibration_error(confidence, acceptable):.3f}, of those >= .5 "
        f"{calibration_error(confidence[decisive], acceptable[decisive]) if decisive.any() else 0:.3f}; "
        f">= .6: {sure.mean():6.1%}, right {right[0]}; below {right[1]}"
    )


def plans_own(origins: Origins, proposals: Outcomes, confidence: FloatArray) -> None:
    """The plan's order at each service, and multiples of it."""
    size = len(origins)
    for place, asked in enumerate(SERVICE_LEVELS):
        own = slice(place * size, (place + 1) * size)
        said = f"asked {asked:.0%}, stated {confidence[own].mean():.3f}"
        print(line(said, confidence[own], proposals.acceptable[own]))
    print(line("multiples at 95 %", confidence[3 * size :], proposals.acceptable[3 * size :]))


def too_much(origins: Origins, table: CalibrationTable) -> None:
    """The plan's quantity at 95 %, from an empty shelf, several times over."""
    needed = origins.levels(SERVICE_LEVELS[1])
    fast = (origins.mean >= FAST) & (needed > 0)
    for times, most in TOO_MUCH.items():
        outcomes = judge(origins, times * needed, needed=needed).where(fast)
        if outcomes.raw.size:
            said = calibrated(table, outcomes)
            print(
                f"  {times:2} × the plan, {FAST:g} units or more: stated {said.mean():.3f}, at most {said.max():.3f}, "
                f"above {most}: {np.mean(said > most):.2%}; right {outcomes.acceptable.mean():.1%}"
            )


def report(name: str, found: dict[str, Origins], judged: dict[str, Outcomes], table: CalibrationTable | None) -> None:
    proposals = judged[name]
    others = fit_table(pooled([each for other, each in judged.items() if other != name]), origin="others")
    print(f"{name}: {len(found[name]):,} origins")
    print(line("not calibrated", proposals.raw, proposals.acceptable))
    print(line("table of the other sets", calibrated(others, proposals), proposals.acceptable))
    if table is not None:
        confidence = calibrated(table, proposals)
        print(line("the table that ships", confidence, proposals.acceptable))
        for stratum in np.unique(proposals.stratum):
            own = proposals.stratum == stratum
            print(line(f"  {stratum}", confidence[own], proposals.acceptable[own]))
        plans_own(found[name], proposals, confidence)
        too_much(found[name], table)
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.confidence", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", help="folder with data/*.parquet (default: RESTOCK_DATA)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"write {SHIPPED.name}")
    given = parser.parse_args()
    folder = data_folder(given.data)
    found = {
        of.name: rolling_origins(sampled(of.read(folder), of.products, given.seed)[0], of.interval, step=of.step)
        for of in SETS
    }
    if given.write:
        write(fitted_on_origins(*found.values(), origin=ORIGIN), SHIPPED)
        print(f"wrote {SHIPPED}")
        return
    judged = {name: judge_proposals(origins) for name, origins in found.items()}
    for name in found:
        report(name, found, judged, shipped_table())


if __name__ == "__main__":
    main()
