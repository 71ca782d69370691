"""What the levels lose on real demand: `python -m benchmarks.forecasting [--data FOLDER] [--freeze]`.

For each set in `benchmarks/demand_sets.py`, on the later 40 % of its origins and without looking ahead: the mean
pinball loss at 90, 95, 98 and 99 % in units of the product's own demand over the interval, the ratio to the figures in
`forecasting_today.json`, the share of intervals covered, and what is left over (in intervals of demand). Beside it
stands the textbook over lead time + review period. On some origins drawn by a seed stands AutoETS of statsforecast with
the set's season and normal quantiles, whose errors of single periods are taken as independent.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.demand_sets import SETS, DemandSet
from tools.catalog.demand_table import DemandTable
from tools.lookback.learning import examples_of, looked_back
from tools.lookback.learning_features import Past
from tools.lookback.rolling_origin import EARLIER_SHARE, Origins, rolling_origins
from tools.planning.demand_distribution import FloatArray, z_value
from tools.planning.interval_forecast import FEWEST_FOR_FORECAST_ERRORS

ASKED = (0.9, 0.95, 0.98, 0.99)
FROZEN = Path(__file__).parent / "forecasting_today.json"
LONGEST_FOR_PEERS = 400
"""Periods of history that a peer is fitted on, so that it ends."""

Levels = Callable[[float], FloatArray]


@dataclass(frozen=True, slots=True)
class Score:
    """Means over origins, one number for each asked service."""

    pinball: tuple[float, ...]
    coverage: tuple[float, ...]
    leftover: tuple[float, ...]

    @property
    def loss(self) -> float:
        return float(np.mean(self.pinball))


def score(origins: Origins, levels: Levels) -> Score:
    scale = 1 / np.maximum(origins.typical, np.finfo(float).tiny)
    pinball, coverage, leftover = [], [], []
    for asked in ASKED:
        left = levels(asked) - origins.actual
        pinball.append(float((np.maximum((1 - asked) * left, -asked * left) * scale).mean()))
        coverage.append(float((left >= -1e-9).mean()))
        leftover.append(float((np.maximum(left, 0) * scale).mean()))
    return Score(tuple(pinball), tuple(coverage), tuple(leftover))


def sampled(table: DemandTable, most: int, seed: int) -> tuple[DemandTable, FloatArray]:
    """Some of the products, and which."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(table.products))[:most])
    return replace(table.of(chosen), unit_prices=None), chosen


def later_origins(table: DemandTable, of: DemandSet) -> Origins:
    """The later 40 %; products that never sell have no demand of their own to be measured in."""
    first = int(EARLIER_SHARE * table.demand.shape[1])
    origins = rolling_origins(table, of.interval, step=of.step, first=first)
    return origins.where(origins.typical > 0)


def ets_levels(table: DemandTable, origins: Origins, season: int) -> Levels:
    """AutoETS at each of the origins."""
    from statsforecast.models import AutoETS

    length = origins.interval.length
    means, variances = np.zeros(len(origins)), np.zeros(len(origins))
    for place, (product, moment) in enumerate(zip(origins.product, origins.moment, strict=True)):
        past = table.demand[product, :moment]
        past = past[~np.isnan(past)][-LONGEST_FOR_PEERS:]
        told = season if past.size > 2 * season else 1
        found = AutoETS(season_length=told).forecast(y=past, h=length, level=[90])
        means[place] = found["mean"].sum()
        variances[place] = np.sum(np.square((found["hi-90"] - found["mean"]) / z_value(0.95)))
    return lambda asked: np.maximum(0.0, means + z_value(asked) * np.sqrt(variances))


def line(name: str, found: Score, frozen: float | None = None) -> str:
    ratio = "" if frozen is None else f"{found.loss / frozen:7.3f} ×"
    covered = " ".join(f"{100 * share:5.1f}" for share in found.coverage)
    left = " ".join(f"{units:5.2f}" for units in found.leftover)
    return f"  {name:24} pinball {found.loss:.4f}{ratio:>10}  covers {covered}  leftover {left}"


def judged(of: DemandSet, folder: Path, given: argparse.Namespace, frozen: float | None) -> Iterator[str | Score]:
    """The score of one set, and its lines."""
    table, _ = sampled(of.read(folder), of.products, given.seed)
    begun = time.process_time()
    origins = later_origins(table, of)
    own = score(origins, origins.levels)
    spent = time.process_time() - begun
    yield own
    size = f"{len(table.products):,} products, {len(origins):,} origins"
    yield f"{of.name}: {size}, P = {of.interval.length}, {spent:.1f} s"
    yield line("restock", own, frozen)
    yield line("textbook over L + R", score(origins, origins.textbook_levels))
    if given.learn:
        yield from with_catalogue(table, of, frozen)
    if given.peers:
        drawn = np.zeros(len(origins), np.bool_)
        drawn[np.random.default_rng(given.seed).permutation(len(origins))[: given.peers]] = True
        some = origins.where(drawn)
        yield line(f"restock, {len(some)} of them", score(some, some.levels))
        yield line("AutoETS, the same", score(some, ets_levels(table, some, of.season)))


def with_catalogue(table: DemandTable, of: DemandSet, frozen: float | None) -> Iterator[str]:
    """With what the catalogue has taught, as `restock learn` does it; and the model alone, without own forecasts."""
    begun = time.process_time()
    first = int(EARLIER_SHARE * table.demand.shape[1])
    earliest = FEWEST_FOR_FORECAST_ERRORS + (first - FEWEST_FOR_FORECAST_ERRORS) % of.step
    every = rolling_origins(table, of.interval, step=of.step, first=earliest)
    every = every.where(every.typical > 0)
    later = every.moment >= first
    for name in ("with `learn`", "LightGBM alone"):
        told = (
            every
            if name.startswith("with")
            else replace(every, mean=every.textbook_mean, variance=np.square(every.textbook_sd))
        )
        examples = examples_of(Past(table, of.interval.length), told)
        found = looked_back(examples, table.demand.shape[1]).learned
        if told is not every:
            found = replace(found, share=np.where(np.isnan(found.mean), 0.0, 1.0))
        averaged = found.averaged(told).where(later)
        yield line(name, score(averaged, averaged.levels), frozen)
    yield f"  {time.process_time() - begun:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.forecasting", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", default=os.environ.get("RESTOCK_DATA"), help="folder with data/*.parquet")
    parser.add_argument("--only", help="one set, by its name")
    parser.add_argument("--learn", action="store_true", help="with `restock learn`, and LightGBM alone beside it")
    parser.add_argument("--peers", type=int, default=60, help="origins of each set on which AutoETS is fitted")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--freeze", action="store_true", help=f"write {FROZEN.name}")
    given = parser.parse_args()
    if not given.data:
        print("Skipped: give --data FOLDER or set RESTOCK_DATA to the folder that holds data/*.parquet.")
        return
    frozen = json.loads(FROZEN.read_text(encoding="utf-8")) if FROZEN.exists() else {}
    for of in SETS:
        if given.only in (None, of.name):
            found, *lines = judged(of, Path(given.data) / "data", given, frozen.get(of.name, {}).get("pinball"))
            print(*lines, sep="\n", flush=True)
            if given.freeze and isinstance(found, Score):
                frozen[of.name] = {"pinball": found.loss, "coverage": found.coverage, "leftover": found.leftover}
    if given.freeze:
        FROZEN.write_text(json.dumps(frozen, indent=1) + "\n", encoding="utf-8")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
