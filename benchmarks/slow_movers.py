"""Does the forecast know how rarely a slow mover sells? `python -m benchmarks.slow_movers --data FOLDER`.

For each set in `benchmarks/demand_sets.py`, at all origins and without looking ahead: how often no demand in an
interval was expected and came, and the share of demand that the plan's own level serves at once, expected and (by how
many points it was too high) come, in units of each product's demand. Slow movers have sold fewer than five units an
interval so far.
"""

import argparse

import numpy as np

from benchmarks.demand_sets import SETS
from benchmarks.forecasting import ASKED, later_origins, sampled, with_catalogue
from benchmarks.real_data import data_folder
from tools.lookback.coverage import FAST
from tools.lookback.rolling_origin import Flags, Origins, rolling_origins
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.demand_distribution import SMALLEST_MEAN, lognormal_expected_shortage

FEWEST = 500


def groups(origins: Origins) -> dict[str, Flags]:
    """Only what was known at the origin decides."""
    every = {"all": np.ones(len(origins), np.bool_), "slow": origins.textbook_mean < FAST * origins.counting_unit}
    every |= {name: origins.demand_class == place for place, name in enumerate(DEMAND_CLASSES) if "mit" in name}
    every |= {"lumpy": origins.demand_class == DEMAND_CLASSES.index("lumpy")}
    return {name: chosen for name, chosen in every.items() if chosen.sum() >= FEWEST}


def served(origins: Origins, asked: float) -> tuple[float, float]:
    """The share of demand that the plan's level serves at once, as expected and as it came."""
    level, scale = origins.levels(asked), 1 / np.maximum(origins.typical, SMALLEST_MEAN)
    unit, some = origins.counting_unit, origins.mean > 0
    short = lognormal_expected_shortage(
        level=level / unit,
        mean=np.where(some, origins.mean / unit, 1.0),
        variance=np.where(some, origins.variance / unit**2, 1.0),
        none=origins.none,
    )
    short = np.where(some, short * unit, 0.0)
    missed = np.maximum(origins.actual - level, 0.0)
    expected, came = (short * scale).sum() / (origins.mean * scale).sum(), (missed * scale).sum()
    return float(1 - expected), float(1 - came / (origins.actual * scale).sum())


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.slow_movers", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", help="folder with data/*.parquet (default: RESTOCK_DATA)")
    parser.add_argument("--only", help="one set, by its name")
    parser.add_argument("--learn", action="store_true", help="the later 40 %% of origins, with `restock learn` beside")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    folder = data_folder(given.data)
    for of in SETS:
        if given.only in (None, of.name):
            table, _ = sampled(of.read(folder), of.products, given.seed)
            every = {"own": rolling_origins(table, of.interval, step=of.step)}
            if given.learn:
                every = {"own, later": later_origins(table, of), **with_catalogue(table, of)}
            for name, found in every.items():
                report(f"{of.name}, {name}", found)


def report(name: str, found: Origins) -> None:
    found = found.where((found.typical > 0) & (found.mean > 0))
    print(f"{name}: {len(found):,} origins")
    for group, chosen in groups(found).items():
        part = found.where(chosen)
        nothing = part.chance_up_to(np.zeros(len(part)))
        rates = [served(part, asked) for asked in ASKED]
        print(
            f"  {group:14}{len(part):8,}  no demand: expected {nothing.mean():.3f}, "
            f"came {(part.actual == 0).mean():.3f}; served at 90/95/98/99 %: "
            + ", ".join(f"{100 * said:.1f} ({100 * (said - came):+.1f})" for said, came in rates),
            flush=True,
        )


if __name__ == "__main__":
    main()
