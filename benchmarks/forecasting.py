"""What the levels lose on real demand: `python -m benchmarks.forecasting [--data FOLDER] [--freeze]`.

For each set in `benchmarks/demand_sets.py`, on the later 40 % of its origins and without looking ahead: the mean
pinball loss at 90, 95, 98 and 99 % in units of the product's own demand over the interval, the ratio to the figures in
`forecasting_today.json`, the share of intervals covered, and what is left over (in intervals of demand). Beside it
stands the textbook over lead time + review period; on some origins drawn by a seed AutoETS and MSTL of statsforecast,
which are told the set's season, with normal and with conformal quantiles.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
MOST_CONFORMAL = 60
"""Past forecasts whose misses give a peer's conformal quantiles; at most half of its history."""

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


def peer_levels(table: DemandTable, origins: Origins, make: Callable[[int], Any], season: int) -> dict[str, Levels]:
    """A peer at each of the origins: with normal quantiles, whose errors of single periods are taken as independent,
    and with conformal ones: quantiles of what its forecasts of the whole interval have missed (with what was fitted to
    all of them, to its advantage)."""
    length = origins.interval.length
    means, variances, missed = np.zeros(len(origins)), np.zeros(len(origins)), []
    for place, (product, moment) in enumerate(zip(origins.product, origins.moment, strict=True)):
        past = table.demand[product, :moment]
        past = past[~np.isnan(past)][-LONGEST_FOR_PEERS:]
        model = make(season if past.size > 2 * season else 1)
        found = model.fit(past).predict(h=length, level=[90])
        means[place] = found["mean"].sum()
        variances[place] = np.sum(np.square((found["hi-90"] - found["mean"]) / z_value(0.95)))
        first = max(past.size - length - MOST_CONFORMAL, past.size // 2)
        missed.append(
            [
                past[end : end + length].sum() - model.forward(y=past[:end], h=length)["mean"].sum()
                for end in range(first, past.size - length + 1)
            ]
            or [0.0]  # Too little is known for a whole interval.
        )

    def conformal(asked: float) -> FloatArray:
        above = [np.quantile(each, min(1.0, asked * (1 + 1 / len(each))), method="higher") for each in missed]
        return np.maximum(0.0, means + np.array(above))

    def normal(asked: float) -> FloatArray:
        return np.maximum(0.0, means + z_value(asked) * np.sqrt(variances))

    return {"normal": normal, "conformal": conformal}


def peers(season: int) -> dict[str, Callable[[int], Any]]:
    from statsforecast.models import MSTL, AutoETS

    def mstl(told: int) -> Any:
        return MSTL(told, trend_forecaster=AutoETS(model="ZZN")) if told > 1 else AutoETS()

    ets = {"AutoETS": lambda told: AutoETS(season_length=told)}
    return ets | ({"MSTL": mstl} if season > 1 else {})


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
    told = {"restock": origins}
    if given.learn:
        begun = time.process_time()
        told |= with_catalogue(table, of)
        yield from (line(name, score(each, each.levels), frozen) for name, each in told.items() if each is not origins)
        yield f"  {time.process_time() - begun:.1f} s"
    if given.peers:
        yield from beside_peers(table, of, told, given)


def beside_peers(
    table: DemandTable, of: DemandSet, told: dict[str, Origins], given: argparse.Namespace
) -> Iterator[str]:
    """On some origins; the ratio is to the last of ours."""
    drawn = np.zeros(len(told["restock"]), np.bool_)
    drawn[np.random.default_rng(given.seed).permutation(drawn.size)[: given.peers]] = True
    levels = {name: each.where(drawn).levels for name, each in told.items()}
    origins = told["restock"].where(drawn)
    for name, make in peers(of.season).items():
        found = peer_levels(table, origins, make, of.season)
        levels |= {f"{name}, {quantiles}": each for quantiles, each in found.items()}
    yield f"on {len(origins):,} of them, ratio to ours{' with `learn`' if given.learn else ''} ± its standard error:"
    ours = levels["with `learn`" if given.learn else "restock"]
    for name, each in levels.items():
        lost, base = by_product(origins, each), by_product(origins, ours)
        ratio = lost.sum() / base.sum()
        error = np.sqrt(np.square(lost - ratio * base).sum()) / base.sum()
        yield line(name, score(origins, each), base.sum() / len(origins)) + f"  ± {error:.3f}"


def by_product(origins: Origins, levels: Levels) -> FloatArray:
    """Pinball loss, the sum over each product: moments of one are no independent evidence."""
    total = np.zeros(len(origins))
    for asked in ASKED:
        left = levels(asked) - origins.actual
        total += np.maximum((1 - asked) * left, -asked * left) / len(ASKED)
    scaled = total / np.maximum(origins.typical, np.finfo(float).tiny)
    return np.bincount(origins.product, scaled).astype(np.float64)


def with_catalogue(table: DemandTable, of: DemandSet) -> dict[str, Origins]:
    """With what the catalogue has taught, as `restock learn` does it; and the model alone, without own forecasts."""
    first = int(EARLIER_SHARE * table.demand.shape[1])
    earliest = FEWEST_FOR_FORECAST_ERRORS + (first - FEWEST_FOR_FORECAST_ERRORS) % of.step
    every = rolling_origins(table, of.interval, step=of.step, first=earliest)
    every = every.where(every.typical > 0)
    plain = replace(every, mean=every.textbook_mean, variance=np.square(every.textbook_sd))
    found = {}
    for name, told in {"with `learn`": every, "LightGBM alone": plain}.items():
        examples = examples_of(Past(table, of.interval.length), told)
        learned = looked_back(examples, table.demand.shape[1]).learned
        if told is plain:
            learned = replace(learned, share=np.where(np.isnan(learned.mean), 0.0, 1.0))
        found[name] = learned.averaged(told).where(every.moment >= first)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.forecasting", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", default=os.environ.get("RESTOCK_DATA"), help="folder with data/*.parquet")
    parser.add_argument("--only", help="one set, by its name")
    parser.add_argument("--learn", action="store_true", help="with `restock learn`, and LightGBM alone beside it")
    parser.add_argument("--peers", type=int, default=60, help="origins of each set on which peers are fitted")
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
