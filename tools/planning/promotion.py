"""What a promotion brings: how many times as much a promoted period sells, by the product's own past. Pure.

A promoted period is an ordinary one that sells so many times as much. What promoted periods sold, divided by what was
to be expected of them without, is the lift (a ratio of sums). Where it is known how far promotions cut the price, the
lift is that of the average one, and counts as often as a cut goes into it (constant elasticity). A lift that few
promotions show is drawn towards what is usual: the group's lift, or none. What the lift may be wrong by, and how
promotions scatter about it, widens the demand that is forecast.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
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
LARGEST_SWING = 10_000.0
MOST_DOUBT = 1.5
"""Variance of ln lift that a forecast is widened by at most: a standard deviation of 1.9 times what is sold."""
SCORINGS = 4
LARGEST_SPREAD = 5.0
SD_OF_MIDDLE_DISTANCE = 1.4826
"""A normal distribution's standard deviation ÷ the middle distance from its middle."""
SMALLEST_ERROR = 1e-9
FEWEST_OF_GROUP, MOST_OF_GROUP = 3, 50
"""Products whose lifts say what is usual in their group."""
FEWEST_BEFORE = 2
"""Ordinary periods before a promoted one that says something of the lift."""

FEWEST_PROMOTIONS = 3
"""Promoted periods after which errors of such forecasts count."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual in a product's group."""

    lift: float = 1.0
    """How many times as much a promoted period sells; where `cut` is not 0, with the price cut by that share."""
    cut: float = 0.0
    spread: float = 0.0
    """Standard deviation of ln lift between products, with what the mean of few may be wrong by; 0: not known."""
    scatter: float = 0.0
    """The same between promotions of one product, beside what ordinary periods vary by."""

    @property
    def depth(self) -> float:
        return -float(np.log1p(-min(self.cut, DEEPEST)))

    def at(self, depth: float) -> "Usual":
        """With another cut, given as ln(price before ÷ after): demand goes with one power of the price."""
        if not self.cut or not depth:
            return self
        often = depth / self.depth
        lift = float(_lifted(np.array(self.lift), np.array(often)))
        return Usual(lift, -float(np.expm1(-depth)), self.spread * often, self.scatter)


UNKNOWN = Usual()


def usual_terms(usual: Usual) -> dict[str, float]:
    """As facts and columns of a scan name it."""
    return {f"usual_{name}": value for name, value in asdict(usual).items()}


@dataclass(frozen=True, slots=True)
class Promotions:
    """Which periods of a product were promoted, and which will be."""

    sizes: Cuts
    """Of each known period: how many average promotions it counts as; 0 for none."""
    ahead: Mapping[int, float] = field(default_factory=dict)
    """The same of periods to come, from 0: the next one."""
    usual: Usual = UNKNOWN
    """Of the group, for the average promotion of this product."""
    average_cut: float = 0.0
    """Of the price, by past promotions that state one; 0 where none does."""

    @property
    def marked(self) -> Flags:
        return np.asarray(self.sizes > 0)

    def sizes_ahead(self, periods: int) -> FloatArray:
        sizes = np.zeros(periods)
        for each, size in self.ahead.items():
            if each < periods:
                sizes[each] = size
        return sizes

    def share_ahead(self, length: float) -> float:
        """Of the next `length` periods, those that will be promoted."""
        shares = coming(length)
        return float(sum(shares[each] for each in self.ahead if each < shares.size))


def promotions_of(cuts: Cuts, positions: IntArray, periods: int, usual: Usual) -> Promotions:
    """By the cuts of so many periods, known at these positions, and of those to come."""
    past, ahead = np.asarray(cuts[:periods][positions], np.float64), np.asarray(cuts[periods:], np.float64)
    stated = _depths(past)
    mean = float(stated[stated > 0].mean()) if stated.any() else usual.depth
    promoted = np.flatnonzero(ahead)
    sizes = zip(promoted.tolist(), _sizes(ahead[promoted], mean).tolist(), strict=True)
    return Promotions(_sizes(past, mean), dict(sizes), usual.at(mean), -float(np.expm1(-mean)))


def _depths(cuts: FloatArray) -> FloatArray:
    """Logarithms of the price before ÷ after; 0 where no cut is stated."""
    return np.asarray(-np.log1p(-np.where(cuts < 1, np.minimum(cuts, DEEPEST), 0.0)))


def _sizes(cuts: FloatArray, mean: float) -> FloatArray:
    depths = _depths(cuts)
    return np.where((depths > 0) & (mean > 0), depths / max(mean, SMALLEST), cuts > 0)


def _lifted(lift: FloatArray, sizes: Cuts) -> FloatArray:
    """What promotions of these sizes bring; a cut much deeper than the average one does not bring more without end."""
    return np.clip(lift**sizes, 1 / LARGEST_LIFT, LARGEST_LIFT)


def usual_promotion(histories: Iterable[tuple[FloatArray, Cuts]]) -> Usual:
    """Of the promoted products of a group, by demand (NaN is unknown) and cuts of each; of three or more that show one.

    It is the middle one, of those that state cuts where any does; what promotions show well weighs most. How products
    differ is 1.48 × their middle distance from it (as for a normal distribution). Promotions of a group are often the
    same weeks, so it is at least what one product's lift may be wrong by.
    """
    shown = (found for demand, cuts in histories if (found := _shown(demand, cuts)))
    lifts = np.array(list(islice(shown, MOST_OF_GROUP))).reshape(-1, 4)
    if (lifts[:, 0] > 0).any():
        lifts = lifts[lifts[:, 0] > 0]
    if len(lifts) < FEWEST_OF_GROUP:
        return UNKNOWN
    depth = float(lifts[:, 0].mean())
    per_depth = np.where(lifts[:, 0] > 0, lifts[:, 0], 1.0) / (depth or 1.0)
    logs, errors = lifts[:, 1] / per_depth, np.maximum(lifts[:, 2] / np.square(per_depth), SMALLEST_ERROR)
    middle = _middle(logs, 1 / errors)
    apart = SD_OF_MIDDLE_DISTANCE * _middle(np.abs(logs - middle), 1 / errors)
    lift = float(np.clip(np.exp(middle), 1 / LARGEST_LIFT, LARGEST_LIFT))
    spread, scatter = max(apart, float(np.median(errors)) ** 0.5), float(np.median(lifts[:, 3])) ** 0.5
    return Usual(lift, -float(np.expm1(-depth)), min(spread, LARGEST_SPREAD), min(scatter, LARGEST_SPREAD))


def _middle(values: FloatArray, weights: FloatArray) -> float:
    """The weighted median."""
    order = np.argsort(values)
    return float(np.interp(0.5, (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum(), values[order]))


def _shown(demand: FloatArray, cuts: Cuts) -> tuple[float, ...]:
    """Depth of the average cut, ln lift, its variance, and that between promotions; empty where none is shown."""
    (known,) = np.nonzero(~np.isnan(demand))
    promotions = promotions_of(cuts, known, demand.size, UNKNOWN)
    if not promotions.marked.any():
        return ()
    found = promoted_profile(demand[known], promotions, level_profile(known.size))
    if not found.seen[-1]:
        return ()
    return -float(np.log1p(-promotions.average_cut)), float(np.log(found.raw)), found.error, found.event


def unseen_lift(promotions: Promotions, interval: float) -> float:
    """Factor on an interval of a product that has never been promoted: by what is usual in its group.

    >>> unseen_lift(Promotions(np.zeros(9, np.bool_), {0: 1.0}, usual=Usual(3.0)), 4.0)
    1.5
    """
    if interval <= 0 or promotions.marked.any():
        return 1.0
    shares = coming(interval)
    lifts = _lifted(np.array(promotions.usual.lift), promotions.sizes_ahead(shares.size))
    return 1 + float(shares @ (lifts - 1)) / interval


def unseen_doubt(promotions: Promotions, interval: float) -> float:
    """Variance of such an interval, as a share of its squared mean, for what the usual lift may be wrong by."""
    if interval <= 0 or promotions.marked.any() or not promotions.ahead:
        return 0.0
    shares, usual = coming(interval), promotions.usual
    sizes = promotions.sizes_ahead(shares.size)
    sold = shares * _lifted(np.array(usual.lift), sizes)
    return float(sold @ _deviations(sizes, usual.spread**2, usual.scatter**2) / sold.sum()) ** 2


def _deviations(sizes: FloatArray, doubt: float, event: float) -> FloatArray:
    """Of what promotions of these sizes sell, relative to it: lognormal, by the variances of ln lift."""
    variance = np.square(sizes) * doubt + (sizes > 0) * event
    return np.sqrt(np.expm1(np.minimum(variance, MOST_DOUBT)))


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
    raw: float
    """The lift as its promotions show it now, not drawn to what is usual."""
    error: float
    """Variance of ln of it."""
    doubt: float
    """The same of the lift as drawn."""
    event: float
    """Variance of ln lift between promotions, beside what ordinary periods vary by."""

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
        return np.clip(factors * scatter, 1 / LARGEST_SWING, LARGEST_SWING)

    def ahead(self, periods: int) -> FloatArray:
        """Factor on each of the coming periods."""
        return _lifted(self.lift[-1:], self.promotions.sizes_ahead(periods))

    def lift_to_come(self, length: float) -> float:
        """Of those of the next `length` periods that are promoted, on average."""
        shares = coming(length)
        return 1 + float(shares @ (self.ahead(shares.size) - 1)) / self.promotions.share_ahead(length)

    def to_come(self, length: float) -> float:
        """The next `length` periods, in average periods."""
        shares = coming(length)
        return max(SMALLEST_INDEX, float(shares * self.ahead(shares.size) @ self.base.ahead(shares.size)))

    def width_to_come(self, length: float) -> float:
        """The same in average periods that vary as much, but for what the lift may be wrong by."""
        shares = coming(length)
        factors = self.ahead(shares.size)
        return max(SMALLEST_INDEX, float(shares * factors * self.base.ahead(shares.size) @ factors))

    def doubt_to_come(self, length: float) -> float:
        """Variance of the same, in squares of average periods, for what the lift may be wrong by and for how promotions
        scatter: both are common to all promoted periods of an interval."""
        shares = coming(length)
        sold = shares * self.ahead(shares.size) * self.base.ahead(shares.size)
        return float(sold @ _deviations(self.promotions.sizes_ahead(shares.size), self.doubt, self.event)) ** 2


def promoted_profile(demand: FloatArray, promotions: Promotions, base: Profile) -> PromotedProfile:
    """The lift at each past moment, by what was known then."""
    marked, sizes = promotions.marked, promotions.sizes
    level = _ordinary_level(demand / base.of_each(), marked)
    expected = base.of_each() * level
    told = marked & (expected > 0) & (np.cumsum(~marked) > FEWEST_BEFORE)
    count = _known_before(told.astype(np.float64))
    squares = _known_before(np.where(told, np.square(sizes), 0.0))
    raw = _raw_lifts(demand[told], expected[told], sizes[told], promotions.usual.lift)[count.astype(np.int64)]
    plain = _relative_variance(demand, expected, ~marked & (expected > 0))
    noise = np.log1p(plain)
    usual = promotions.usual.scatter**2
    lift, doubt = _drawn(raw, promotions.usual, (noise + usual) / np.maximum(squares, SMALLEST_ERROR) * (count > 0))
    judged = told & (count[:-1] > 0) & (demand > 0)  # A closed day says nothing of how promotions differ.
    missed = np.square(_missed_logs(demand, expected * _lifted(lift[:-1], sizes), plain[:-1] * expected))
    beyond = np.square(sizes) * (missed - noise[:-1] - np.square(sizes) * doubt[:-1])
    tests, weight = _known_before(judged.astype(np.float64)), _known_before(np.where(judged, np.square(sizes), 0.0))
    seen = np.maximum(0.0, _known_before(np.where(judged, beyond, 0.0))) / np.maximum(weight, SMALLEST_ERROR)
    event = (PRIOR_WINDOWS * usual + tests * seen) / (PRIOR_WINDOWS + tests)
    error = (noise + event) / np.maximum(squares, SMALLEST_ERROR) * (count > 0)
    lift, doubt = _drawn(raw, promotions.usual, error)
    scatter = np.where(plain > 0, 1 + event / np.where(plain > 0, plain, 1.0), 1 / lift)
    newest = (float(each[-1]) for each in (raw, error, doubt, event))
    return PromotedProfile(base, promotions, lift, count, level, scatter, *newest)


def _missed_logs(demand: FloatArray, sold: FloatArray, per_unit: FloatArray) -> FloatArray:
    """ln of what came ÷ what was to come, each with half of variance ÷ mean of ordinary periods added: of counts, half
    a unit."""
    came, expected = demand + per_unit / 2, sold + per_unit / 2
    ratio = np.divide(came, expected, out=np.ones_like(came), where=expected > came / LARGEST_LIFT)
    return np.asarray(np.log(np.maximum(ratio, 1 / LARGEST_LIFT)))


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


def _drawn(raw: FloatArray, usual: Usual, error: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The lift drawn towards the usual one, and the variance of its logarithm; `error` is that of the raw one.

    Where it is known how products differ, ln lift is, by spread² ÷ (spread² + error) (normal prior); else (1 −
    2.5·s²/d²)⁺ of the distance d is kept, s its standard error (positive-part shrinkage).
    """
    if usual.spread:
        middle, prior = np.log(usual.lift), usual.spread**2
        kept = np.where(error > 0, prior / (prior + error), 0.0)
        return np.exp(middle + kept * (np.log(raw) - middle)), np.where(error > 0, kept * error, prior)
    away, doubt = raw - usual.lift, BIAS_DOUBT * np.square(raw) * error
    kept = 1 - np.minimum(1.0, doubt / np.maximum(np.square(away), doubt + SMALLEST))
    return usual.lift + kept * away, error


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
