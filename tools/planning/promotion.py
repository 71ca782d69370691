"""What a promotion brings: how many times as much a promoted period sells, by the product's own past. Pure.

A promoted period is an ordinary one that sells so many times as much. What promoted periods sold, divided by what was
to be expected of them without, is the lift (a ratio of sums). A lift that few promotions show is drawn towards what is
usual: the group's lift, or none.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.forecast_frame import BIAS_DOUBT, PRIOR_WINDOWS, SMALLEST, SMOOTHING
from tools.planning.season import SMALLEST_INDEX, Profile, coming

Flags = NDArray[np.bool_]

LARGEST_LIFT = 100.0
FEWEST_BEFORE = 2
"""Ordinary periods before a promoted one that says something of the lift."""

FEWEST_PROMOTIONS = 3
"""Promoted periods after which errors of such forecasts count."""


@dataclass(frozen=True, slots=True)
class Promotions:
    """Which periods of a product were promoted, and which will be."""

    marked: Flags
    """Of each known period."""
    ahead: frozenset[int] = frozenset()
    """Periods to come, from 0: the next one."""
    usual: float = 1.0
    """The lift that is usual: the group's; 1 where none is known."""

    def share_ahead(self, length: float) -> float:
        """Of the next `length` periods, those that will be promoted."""
        shares = coming(length)
        return float(sum(shares[each] for each in self.ahead if each < shares.size))


def unseen_lift(promotions: Promotions | None, interval: float) -> float:
    """Factor on an interval of a product that has never been promoted: by what is usual in its group.

    >>> unseen_lift(Promotions(np.zeros(9, np.bool_), frozenset({0}), usual=3.0), 4.0)
    1.5
    """
    if promotions is None or interval <= 0 or promotions.marked.any():
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
    swing: FloatArray
    """How many times as much a promoted period varies as its length says; known as the lift is."""

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
        return np.where(self.promotions.marked, self.lift[:-1], 1.0)

    @property
    def weights(self) -> FloatArray:
        """Of each known period in the means: promoted ones weigh less, and nothing while no lift is known."""
        return np.where(self.promotions.marked, (self.seen[:-1] > 0) / self.swing[:-1], 1.0)

    def ordinary(self, demand: FloatArray) -> FloatArray:
        """Demand per average period, with the level before it in place of a promoted one."""
        return np.where(self.promotions.marked, self.level, demand / self.base.of_each())

    def lengths(self, known: IntArray, horizon: int) -> FloatArray:
        """The `horizon` periods after so many known ones, in average periods."""
        return self._sums(known, horizon, self.lift)

    def widths(self, known: IntArray, horizon: int) -> FloatArray:
        """The same in average periods that vary as much."""
        return self._sums(known, horizon, self.lift * self.swing)

    def _sums(self, known: IntArray, horizon: int, of_promoted: FloatArray) -> FloatArray:
        after = known[:, None] + np.arange(horizon)
        index = self.base.indices[self.base.phases[after], known[:, None]]
        factors = np.where(self.promotions.marked[after], of_promoted[known, None], 1.0)
        return np.asarray(np.add.reduce(index * factors, axis=1))

    def to_come(self, length: float) -> float:
        """The next `length` periods, in average periods."""
        return self._to_come(length, float(self.lift[-1]))

    def width_to_come(self, length: float) -> float:
        return self._to_come(length, float(self.lift[-1] * self.swing[-1]))

    def _to_come(self, length: float, of_promoted: float) -> float:
        shares = coming(length)
        for each in self.promotions.ahead:
            if each < shares.size:
                shares[each] *= of_promoted
        return max(SMALLEST_INDEX, float(shares @ self.base.ahead(shares.size)))


def promoted_profile(demand: FloatArray, promotions: Promotions, base: Profile) -> PromotedProfile:
    """The lift at each past moment, by what was known then."""
    marked = promotions.marked
    level = _ordinary_level(demand / base.of_each(), marked)
    expected = base.of_each() * level
    told = marked & (expected > 0) & (np.cumsum(~marked) > FEWEST_BEFORE)
    count = _known_before(told.astype(np.float64))
    raw = (_known_before(told * demand)) / np.maximum(_known_before(told * expected), SMALLEST)
    raw = np.where(count > 0, np.clip(raw, 1 / LARGEST_LIFT, LARGEST_LIFT), promotions.usual)
    plain = _relative_variance(demand, expected, ~marked & (expected > 0))
    judged = told & (count[:-1] > 0)
    seen, tests = _relative_variance(demand, expected * raw[:-1], judged), _known_before(judged.astype(np.float64))
    noise = (PRIOR_WINDOWS * plain + tests * seen) / (PRIOR_WINDOWS + tests)
    lift = _drawn(raw, promotions.usual, noise, count)
    swing = np.where(plain > 0, lift * noise / np.where(plain > 0, plain, 1.0), 1.0)
    return PromotedProfile(base, promotions, lift, count, level, np.clip(swing, 1 / LARGEST_LIFT, LARGEST_LIFT))


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
