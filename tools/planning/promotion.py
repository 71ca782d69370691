"""What a promotion brings: how many times as much a promoted period sells, by the product's own past. Pure.

A promoted period is an ordinary one that sells so many times as much. What promoted periods sold, divided by what was
to be expected of them without, is the lift (a ratio of sums). Where it is known how far promotions cut the price, the
lift is that of the average one, and counts as often as a cut goes into it (constant elasticity). A lift that few
promotions show is drawn towards what is usual: the group's lift, or none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.forecast_frame import BIAS_DOUBT, PRIOR_WINDOWS, SMALLEST, SMOOTHING
from tools.planning.season import SMALLEST_INDEX, Profile, coming, level_profile

Flags = NDArray[np.bool_]
Cuts: TypeAlias = Flags | FloatArray
"""Of periods: 0 without a promotion; how far one cuts the price (0.25 is 25 % off), or 1 where that is not stated."""

LARGEST_LIFT = 100.0
DEEPEST = 0.95
"""Cut of a price; what is more counts as that."""
SCORINGS = 4
FEWEST_OF_GROUP, MOST_OF_GROUP = 3, 50
"""Products whose lifts say what is usual in their group."""
FEWEST_BEFORE = 2
"""Ordinary periods before a promoted one that says something of the lift."""

FEWEST_PROMOTIONS = 3
"""Promoted periods after which errors of such forecasts count."""


@dataclass(frozen=True, slots=True)
class Promotions:
    """Which periods of a product were promoted, and which will be."""

    sizes: Cuts
    """Of each known period: how many average promotions it counts as; 0 for none."""
    ahead: Mapping[int, float] = field(default_factory=dict)
    """The same of periods to come, from 0: the next one."""
    usual: float = 1.0
    """The lift that is usual: the group's; 1 where none is known."""
    average_cut: float = 0.0
    """Of the price, by past promotions that state one; 0 where none does."""

    @property
    def marked(self) -> Flags:
        return np.asarray(self.sizes > 0)

    def share_ahead(self, length: float) -> float:
        """Of the next `length` periods, those that will be promoted."""
        shares = coming(length)
        return float(sum(shares[each] for each in self.ahead if each < shares.size))


def promotions_of(cuts: Cuts, positions: IntArray, periods: int, usual: float) -> Promotions:
    """By the cuts of so many periods, known at these positions, and of those to come."""
    past, ahead = np.asarray(cuts[:periods][positions], np.float64), np.asarray(cuts[periods:], np.float64)
    stated = _depths(past)
    mean = float(stated[stated > 0].mean()) if stated.any() else 0.0
    promoted = np.flatnonzero(ahead)
    sizes = zip(promoted.tolist(), _sizes(ahead[promoted], mean).tolist(), strict=True)
    return Promotions(_sizes(past, mean), dict(sizes), usual, -float(np.expm1(-mean)))


def _depths(cuts: FloatArray) -> FloatArray:
    """Logarithms of the price before ÷ after; 0 where no cut is stated."""
    return np.asarray(-np.log1p(-np.where(cuts < 1, np.minimum(cuts, DEEPEST), 0.0)))


def _sizes(cuts: FloatArray, mean: float) -> FloatArray:
    depths = _depths(cuts)
    return np.where((depths > 0) & (mean > 0), depths / max(mean, SMALLEST), cuts > 0)


def _lifted(lift: FloatArray, sizes: Cuts) -> FloatArray:
    """What promotions of these sizes bring; a cut much deeper than the average one does not bring more without end."""
    return np.clip(lift**sizes, 1 / LARGEST_LIFT, LARGEST_LIFT)


def usual_lift(histories: Iterable[tuple[FloatArray, Cuts]]) -> float:
    """The middle lift of the promoted products of a group, by demand (NaN is unknown) and cuts of each; 1 where fewer
    than three show one."""
    lifts = islice((lift for demand, cuts in histories if (lift := _shown_lift(demand, cuts)) > 0), MOST_OF_GROUP)
    shown = np.array(list(lifts))
    return float(np.median(shown)) if shown.size >= FEWEST_OF_GROUP else 1.0


def _shown_lift(demand: FloatArray, cuts: Cuts) -> float:
    """0 where none is shown."""
    (known,) = np.nonzero(~np.isnan(demand))
    promotions = promotions_of(cuts, known, demand.size, 1.0)
    if not promotions.marked.any():
        return 0.0
    found = promoted_profile(demand[known], promotions, level_profile(known.size))
    return float(found.lift[-1]) if found.seen[-1] else 0.0


def unseen_lift(promotions: Promotions, interval: float) -> float:
    """Factor on an interval of a product that has never been promoted: by what is usual in its group.

    >>> unseen_lift(Promotions(np.zeros(9, np.bool_), {0: 1.0}, usual=3.0), 4.0)
    1.5
    """
    if interval <= 0 or promotions.marked.any():
        return 1.0
    return 1 + (promotions.usual - 1) * promotions.share_ahead(interval) / interval


@dataclass(frozen=True, eq=False)
class PromotedProfile:
    """A season (or none) with promotions in it: what each period sells, as a share of the average ordinary one."""

    base: Profile
    promotions: Promotions
    lift: FloatArray
    """As it was known before each known period, and after the last."""
    seen: FloatArray
    """How many promoted periods it rests on."""
    level: FloatArray
    """Of the ordinary periods before each known one, per average period."""
    scatter: FloatArray
    """How many times as much promoted periods vary about what they sell, relative to it, as ordinary ones do; known as
    the lift is."""

    @property
    def season(self) -> int:
        return self.base.season

    @cached_property
    def promoted(self) -> int:
        """Past periods with a promotion."""
        return int(np.count_nonzero(self.promotions.marked))

    @property
    def told(self) -> int:
        """Periods known when the first promotions had been seen; 0 where that is late in the history."""
        (seen,) = np.nonzero(np.cumsum(self.promotions.marked) >= FEWEST_PROMOTIONS)
        return int(seen[0]) + 1 if seen.size and seen[0] < self.promotions.marked.size / 2 else 0

    def of_each(self) -> FloatArray:
        """The index of each known period, as it was known before it."""
        return np.asarray(self.base.of_each() * self.factors)

    @property
    def factors(self) -> FloatArray:
        """How many times as much as an ordinary one each known period sells, as it was known before it."""
        return _lifted(self.lift[:-1], self.promotions.sizes)

    @property
    def weights(self) -> FloatArray:
        """Of each known period in the means: promoted ones weigh less, and nothing while no lift is known."""
        swings = self._swings(self.factors, self.scatter[:-1])
        return np.where(self.promotions.marked, (self.seen[:-1] > 0) / swings, 1.0)

    def ordinary(self, demand: FloatArray) -> FloatArray:
        """Demand per average period, with the level before it in place of a promoted one."""
        return np.where(self.promotions.marked, self.level, demand / self.base.of_each())

    def lengths(self, known: IntArray, horizon: int) -> FloatArray:
        """The `horizon` periods after so many known ones, in average periods."""
        index, factors = self._after(known, horizon)
        return np.asarray(np.add.reduce(index * factors, axis=1))

    def widths(self, known: IntArray, horizon: int) -> FloatArray:
        """The same in average periods that vary as much."""
        index, factors = self._after(known, horizon)
        promoted = self.promotions.marked[known[:, None] + np.arange(horizon)]
        swings = np.where(promoted, self._swings(factors, self.scatter[known, None]), 1.0)
        return np.asarray(np.add.reduce(index * factors * swings, axis=1))

    def _after(self, known: IntArray, horizon: int) -> tuple[FloatArray, FloatArray]:
        """Index and factor of the `horizon` periods after so many known ones."""
        after = known[:, None] + np.arange(horizon)
        index = self.base.indices[self.base.phases[after], known[:, None]]
        return index, _lifted(self.lift[known, None], self.promotions.sizes[after])

    @staticmethod
    def _swings(factors: FloatArray, scatter: FloatArray) -> FloatArray:
        """How many times as much promoted periods that sell so many times as much vary as their length says."""
        return np.clip(factors * scatter, 1 / LARGEST_LIFT, LARGEST_LIFT)

    def ahead(self, periods: int) -> FloatArray:
        """Factor on each of the coming periods."""
        return _lifted(self.lift[-1:], self._sizes_ahead(periods))

    def _sizes_ahead(self, periods: int) -> FloatArray:
        sizes = np.zeros(periods)
        for each, size in self.promotions.ahead.items():
            if each < periods:
                sizes[each] = size
        return sizes

    def lift_to_come(self, length: float) -> float:
        """Of those of the next `length` periods that are promoted, on average."""
        shares = coming(length)
        return 1 + float(shares @ (self.ahead(shares.size) - 1)) / self.promotions.share_ahead(length)

    def to_come(self, length: float) -> float:
        """The next `length` periods, in average periods."""
        shares = coming(length)
        return max(SMALLEST_INDEX, float(shares * self.ahead(shares.size) @ self.base.ahead(shares.size)))

    def width_to_come(self, length: float) -> float:
        """The same in average periods that vary as much. What the lift may be wrong by is common to all promoted ones:
        the variance of a promotion ÷ how many average ones the lift rests on."""
        shares = coming(length)
        factors, sizes = self.ahead(shares.size), self._sizes_ahead(shares.size)
        sold = shares * factors * self.base.ahead(shares.size)
        swings = np.where(sizes > 0, self._swings(factors, self.scatter[-1:]), 1.0)
        lifted, seen = float(sold @ sizes), float(np.square(self.promotions.sizes, dtype=np.float64).sum())
        doubt = lifted * min(LARGEST_LIFT, lifted * self.scatter.item(-1) / max(seen, 1.0))
        return max(SMALLEST_INDEX, float(sold @ swings) + doubt)


def promoted_profile(demand: FloatArray, promotions: Promotions, base: Profile) -> PromotedProfile:
    """The lift at each past moment, by what was known then."""
    marked, sizes = promotions.marked, promotions.sizes
    level = _ordinary_level(demand / base.of_each(), marked)
    expected = base.of_each() * level
    told = marked & (expected > 0) & (np.cumsum(~marked) > FEWEST_BEFORE)
    count = _known_before(told.astype(np.float64))
    raw = _raw_lifts(demand[told], expected[told], sizes[told], promotions.usual)[count.astype(np.int64)]
    plain = _relative_variance(demand, expected, ~marked & (expected > 0))
    judged = told & (count[:-1] > 0)
    seen = _relative_variance(demand, expected * _lifted(raw[:-1], sizes), judged)
    tests = _known_before(judged.astype(np.float64))
    noise = (PRIOR_WINDOWS * plain + tests * seen) / (PRIOR_WINDOWS + tests)
    lift = _drawn(raw, promotions.usual, noise, count)
    scatter = np.where(plain > 0, noise / np.where(plain > 0, plain, 1.0), 1 / lift)
    return PromotedProfile(base, promotions, lift, count, level, scatter)


def _raw_lifts(demand: FloatArray, expected: FloatArray, sizes: Cuts, usual: float) -> FloatArray:
    """Of the average promotion, before the first and after each: where expected × lift^size adds up to demand, each
    promotion weighed by its size, as the likelihood of counts does (Fisher's scoring)."""
    sold = np.add.accumulate(demand * sizes)
    lifts = np.clip(sold / np.add.accumulate(expected * sizes), 1 / LARGEST_LIFT, LARGEST_LIFT)
    if (sizes != 1).any():
        seen = np.tri(sizes.size)
        for _ in range(SCORINGS):
            mean = seen * expected * _lifted(lifts[:, None], sizes)
            step = (sold - mean @ sizes) / np.maximum(mean @ np.square(sizes), SMALLEST)
            lifts = np.clip(lifts * np.exp(np.clip(step, -1, 1)), 1 / LARGEST_LIFT, LARGEST_LIFT)
    return np.append(usual, lifts)


def _drawn(raw: FloatArray, usual: float, noise: FloatArray, count: FloatArray) -> FloatArray:
    """Towards the usual by (1 − 2.5·s²/d²)⁺ of the distance d, s its standard error (positive-part shrinkage)."""
    away = raw - usual
    error = np.square(raw) * noise / np.maximum(count, 1.0)
    kept = 1 - np.minimum(1.0, BIAS_DOUBT * error / np.maximum(np.square(away), BIAS_DOUBT * error + SMALLEST))
    return np.asarray(usual + kept * away)


def _ordinary_level(demand: FloatArray, marked: Flags) -> FloatArray:
    """Mean of the ordinary periods before each one, the last days weighing most; 0 before the first."""
    keep, level, weight = 1 - SMOOTHING[1], 0.0, 0.0
    levels = np.empty(demand.size)
    for place, (sold, promoted) in enumerate(zip(demand.tolist(), marked.tolist(), strict=True)):
        levels[place] = level / weight if weight > 0 else 0.0
        if not promoted:
            level, weight = keep * level + sold, keep * weight + 1
    return levels


def _relative_variance(demand: FloatArray, expected: FloatArray, chosen: Flags) -> FloatArray:
    """Mean square of what came less what was expected, ÷ the mean square expected, as known at each moment."""
    missed = _known_before(np.where(chosen, np.square(demand - expected), 0.0))
    return missed / np.maximum(_known_before(np.where(chosen, np.square(expected), 0.0)), SMALLEST)


def _known_before(values: FloatArray) -> FloatArray:
    return np.append(0.0, np.add.accumulate(values))
