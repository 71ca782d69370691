"""What the catalogue teaches: one quantile model over all products, averaged with each product's own forecast.

LightGBM (Ke et al., 2017) is trained on past moments whose interval was over, and asked about later ones. It says which
multiple of its own forecast a product needs at 90, 95, 98 and 99 %. A lognormal is laid through these four levels. How
much it weighs is earned: the share that lost least on moments it had not seen, for each demand class, and a half where
they say nothing. LightGBM is the extra `learn`; without it nothing changes, and no plan needs it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec
from os import cpu_count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.catalog.demand_table import DemandTable
from tools.lookback.learning_features import Past, features
from tools.lookback.rolling_origin import COLUMNS, Interval, Origins, origins_at, rolling_origins
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.demand_distribution import FloatArray, IntArray, z_value
from tools.records.errors import InvalidInput

ASKED = (0.9, 0.95, 0.98, 0.99)
CUTS = (0.4, 0.6, 0.8)
"""Shares of the history up to which models are trained; each is tried on what follows, up to the next."""
MOST_EXAMPLES = 100_000
FEWEST_EXAMPLES = 200
FEWEST_MOMENTS, MOST_MOMENTS = 12, 60
SHARES = np.linspace(0, 1, 11)
NO_OPINION = 0.5
TREES, USUAL_TREES = (25, 50, 100, 200), 100
"""That are tried, and that are taken before anything was: the noisier demand is, the fewer it bears."""
LARGEST_RATIO = 1_000.0
"""Of demand to its forecast: what is more is taken as that."""
SMALLEST_SIGMA = 0.01

Progress = Callable[[str], None]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """Past moments of products, with what was known there and what came."""

    origins: Origins
    told: FloatArray
    """Origins × features."""
    lengths: IntArray
    """Periods of each one's interval."""
    usual: FloatArray
    """The long-run mean of demand over the interval, as known there: what losses are measured in."""

    def where(self, chosen: Flags) -> "Examples":
        return Examples(self.origins.where(chosen), self.told[chosen], self.lengths[chosen], self.usual[chosen])

    def over_before(self, moment: float) -> Flags:
        return np.asarray(self.origins.moment + self.lengths <= moment)


def examples_of(past: Past, origins: Origins) -> Examples:
    told, lengths = features(past, origins), np.full(len(origins), origins.interval.length)
    total, count = (each[origins.product, origins.moment] for each in past.sums)
    usual = origins.interval.length * total / np.maximum(count, 1)
    return Examples(origins, told, lengths, np.maximum(usual, np.finfo(float).tiny))


def joined(parts: Sequence[Examples]) -> Examples:
    """Examples of several intervals; the interval of the first is that of none."""
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part.origins, name) for part in parts]) for name in COLUMNS
    }
    rest = (np.concatenate([getattr(part, name) for part in parts]) for name in ("told", "lengths", "usual"))
    return Examples(replace(parts[0].origins, **columns), *rest)


@dataclass(frozen=True, slots=True)
class Learned:
    """Of each example: mean and deviation of demand over the interval, and their share. NaN and 0: not learned."""

    mean: FloatArray
    sd: FloatArray
    share: FloatArray

    def averaged(self, origins: Origins) -> Origins:
        """The origins with what was learned in their mean and variance, as a plan averages them."""
        mean, sd = np.nan_to_num(self.mean), np.nan_to_num(self.sd)
        own = np.sqrt(origins.variance)
        return replace(
            origins,
            mean=origins.mean + self.share * (mean - origins.mean),
            variance=np.square(own + self.share * (sd - own)),
        )


class QuantileModel:
    """LightGBM for each of `ASKED`."""

    def __init__(self, examples: Examples, trees: int) -> None:
        import lightgbm

        base = _base(examples)
        ratio = np.minimum(examples.origins.actual / base, LARGEST_RATIO)
        data = lightgbm.Dataset(
            examples.told, ratio, weight=base / examples.usual, params=_SETTINGS, free_raw_data=False
        )
        settings = _SETTINGS | {"min_data_in_leaf": max(20, len(base) // 500)}
        data.construct()
        with ThreadPoolExecutor(cpu_count()) as pool:
            self._models = list(pool.map(lambda asked: lightgbm.train(settings | {"alpha": asked}, data, trees), ASKED))

    def lognormal(self, examples: Examples, trees: int) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of demand over each interval, by so many of the trees."""
        ratios = [np.asarray(model.predict(examples.told, num_iteration=trees)) for model in self._models]
        levels = np.sort(np.maximum(np.column_stack(ratios), 0.0), axis=1) * _base(examples)[:, None]
        return lognormal_through(levels, examples.origins.counting_unit)


_SETTINGS: dict[str, Any] = {
    "objective": "quantile",
    "learning_rate": 0.08,
    "num_leaves": 16,
    "max_bin": 63,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction": 0.7,
    "lambda_l2": 1.0,
    "min_data_in_leaf": 20,
    "seed": 1,
    "deterministic": True,
    "force_col_wise": True,
    "num_threads": 1,  # Threads of one model wait for each other in loops: worth a minute on a busy machine.
    "verbose": -1,
}


def _base(examples: Examples) -> FloatArray:
    """What the model's answers are multiples of."""
    return np.maximum(examples.origins.mean, 1e-9 * examples.usual)


def lognormal_through(levels: FloatArray, unit: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the lognormal nearest to levels for `ASKED`, in least squares of logarithms."""
    z = z_value(np.array(ASKED))
    logs = np.log(levels / unit[:, None] + 0.5)
    centre, away = logs.mean(axis=1), z - z.mean()
    sigma = np.maximum((logs - centre[:, None]) @ away / (away @ away), SMALLEST_SIGMA)
    mean = np.exp(centre - sigma * z.mean() + np.square(sigma) / 4) * unit
    return mean, mean * np.sqrt(np.expm1(np.square(sigma)))


def losses(examples: Examples, origins: Origins) -> FloatArray:
    """Pinball loss of each example's levels, mean of `ASKED`, in units of its usual demand."""
    total = np.zeros(len(origins))
    for asked in ASKED:
        left = origins.levels(asked) - origins.actual
        total += np.maximum((1 - asked) * left, -asked * left)
    return np.asarray(total / len(ASKED) / examples.usual)


def earned_shares(examples: Examples, learned: Learned) -> dict[int, float]:
    """The share of each demand class that has lost least by more than chance; a half where none has."""
    found, told = {}, ~np.isnan(learned.mean)
    for kind in np.unique(examples.origins.demand_class[told]).tolist():
        chosen = told & (examples.origins.demand_class == kind)
        found[kind] = _earned(examples.where(chosen), learned.mean[chosen], learned.sd[chosen])
    return found


def _earned(examples: Examples, mean: FloatArray, sd: FloatArray) -> float:
    lost = {}
    for share in SHARES.tolist():
        learned = Learned(mean, sd, np.full(mean.size, share))
        lost[share] = _by_product(examples, losses(examples, learned.averaged(examples.origins)))
    best = min(SHARES.tolist(), key=lambda share: float(lost[share].mean()))
    less = lost[NO_OPINION] - lost[best]
    return best if less.mean() > less.std() / np.sqrt(less.size) else NO_OPINION


def _by_product(examples: Examples, lost: FloatArray) -> FloatArray:
    """The sum over each product: moments of one product, and intervals that overlap, are no independent evidence."""
    return np.bincount(np.unique(examples.origins.product, return_inverse=True)[1], lost).astype(np.float64)


def shares_of(examples: Examples, earned: dict[int, float]) -> FloatArray:
    return np.array([earned.get(kind, NO_OPINION) for kind in examples.origins.demand_class.tolist()])


@dataclass(frozen=True, slots=True)
class Tried:
    """What models trained on earlier moments would have said later, with the shares earned before; NaN earlier."""

    learned: Learned
    trees: int
    """The number that has lost least on all moments that the models had not seen."""


def looked_back(examples: Examples, periods: int, progress: Progress = lambda _: None) -> Tried:
    """Train at each of `CUTS`, and try on what follows."""
    count = len(examples.lengths)
    found = Learned(np.full(count, np.nan), np.full(count, np.nan), np.zeros(count))
    lost, trees = dict.fromkeys(TREES, 0.0), USUAL_TREES
    for place, cut in enumerate(CUTS):
        start, end = int(cut * periods), int((*CUTS, 2.0)[place + 1] * periods)
        before = examples.over_before(start)
        asked = (examples.origins.moment >= start) & (examples.origins.moment < end)
        if before.sum() < FEWEST_EXAMPLES or not asked.any():
            continue
        progress(f"trained on {before.sum():,} past moments, tried on {asked.sum():,} later ones")
        later = examples.where(asked)
        known = Learned(*(each[before] for each in (found.mean, found.sd, found.share)))
        earned = earned_shares(examples.where(before), known)
        model = QuantileModel(examples.where(before), max(TREES))
        said = {many: model.lognormal(later, many) for many in TREES}
        found.mean[asked], found.sd[asked] = said[trees]
        found.share[asked] = shares_of(later, earned)
        for many, (mean, sd) in said.items():
            half = Learned(mean, sd, np.full(mean.size, NO_OPINION))
            lost[many] += float(losses(later, half.averaged(later.origins)).sum())
        trees = min(TREES, key=lost.__getitem__)
    return Tried(found, trees)


@dataclass(frozen=True, slots=True)
class ClassResult:
    """How what was learned did on moments that it had not seen, in one demand class."""

    demand_class: str
    origins: int
    own_loss: float
    loss: float
    """Mean pinball loss at `ASKED`, in units of usual demand: the product's own, and averaged."""
    share: float
    """That was earned for what is to come."""
    coverage: tuple[float, ...]
    """Achieved for `ASKED`, averaged."""


@dataclass(frozen=True, slots=True)
class LearnedTable:
    """What was learned of each row of a table for its coming interval."""

    rows: IntArray
    mean: FloatArray
    sd: FloatArray
    share: FloatArray
    own_mean: FloatArray
    own_sd: FloatArray
    results: tuple[ClassResult, ...]


def learn(table: DemandTable, intervals: Sequence[Interval], *, progress: Progress = lambda _: None) -> LearnedTable:
    """Learn from all products what each needs for its coming interval; `intervals` has one for each.

    Raises `InvalidInput` where LightGBM is not there, or too little is known to learn from.
    """
    require_lightgbm()
    now, parts = [], []
    for interval in sorted(set(intervals), key=lambda each: (each.length, each.review_period)):
        past, rows = Past(table, interval.length), np.array([each == interval for each in intervals])
        parts.append(examples_of(past, _past_origins(table, interval, rows)))
        coming = origins_at(table, interval, table.demand.shape[1])
        now.append(examples_of(past, coming.where(rows[coming.product])))
    examples, ahead = joined(parts), joined(now)
    periods = table.demand.shape[1]
    if len(examples.lengths) < FEWEST_EXAMPLES or not len(ahead.lengths):
        raise InvalidInput(
            f"Only {len(examples.lengths)} past moments are known; {FEWEST_EXAMPLES} are needed to learn from. "
            "Import more sales."
        )
    tried = looked_back(examples, periods, progress)
    found, earned = tried.learned, earned_shares(examples, tried.learned)
    progress(f"trained on all {len(examples.lengths):,} past moments")
    mean, sd = QuantileModel(examples, tried.trees).lognormal(ahead, tried.trees)
    return LearnedTable(
        ahead.origins.product,
        mean,
        sd,
        shares_of(ahead, earned),
        ahead.origins.mean,
        np.sqrt(ahead.origins.variance),
        tuple(_results(examples, found, earned)),
    )


def require_lightgbm() -> None:
    if find_spec("lightgbm") is None:
        raise InvalidInput("Learning needs LightGBM; install it with: pip install 'restock[learn]'")


def _past_origins(table: DemandTable, interval: Interval, rows: Flags) -> Origins:
    """At as many moments as examples allow, of the rows that have this interval."""
    periods, products = table.demand.shape[1], len(table.products)
    moments = int(np.clip(MOST_EXAMPLES // max(products, 1), FEWEST_MOMENTS, MOST_MOMENTS))
    origins = rolling_origins(table.of(rows), interval, step=max(1, periods // moments))
    return replace(origins, product=np.flatnonzero(rows)[origins.product])


def _results(examples: Examples, found: Learned, earned: dict[int, float]) -> list[ClassResult]:
    tried = found.share > 0
    return [
        _result(kind, examples.where(chosen), Learned(found.mean[chosen], found.sd[chosen], found.share[chosen]), share)
        for kind, share in earned.items()
        if (chosen := tried & (examples.origins.demand_class == kind)).any()
    ]


def _result(kind: int, examples: Examples, learned: Learned, share: float) -> ClassResult:
    averaged = learned.averaged(examples.origins)
    covered = [float((averaged.levels(asked) >= averaged.actual - 1e-9).mean()) for asked in ASKED]
    own, both = (float(losses(examples, each).mean()) for each in (examples.origins, averaged))
    return ClassResult(DEMAND_CLASSES[kind], len(averaged), own, both, share, tuple(covered))
