"""What is believed of a product's demand from one period to the next: a Bayesian filter over a grid of levels. Pure.

Demand in a period scatters around a level. The level stays, wanders, grows or shrinks, jumps to somewhere new, or goes
back to where it has been before. How it moves and how wide the scatter is are not known either, and are learned along
with it. Every combination keeps a probability (a hidden Markov model, filtered forward: Rabiner, 1989, "A tutorial on
hidden Markov models", III.A). A short history gives a wide belief; a moved level is followed once it explains demand
better. Demand is in counts (`tools.planning.counting_unit`).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np
from scipy.special import gammainc, gammaln

from tools.planning.demand_distribution import FloatArray, IntArray

NOISE = (0.1, 0.16, 0.25, 0.38, 0.55, 0.8)
"""Coefficients of variation of demand around its level, beside chance (Poisson), that are thought equally likely."""
JUMP_CHANCE, JUMP_SD = 0.03, 0.6
RETURN_CHANCE = 0.06
"""Chance that a level goes back to one it had earlier: the end of a promotion, the middle of a cycle."""
MOTIONS = (
    (0.0, 0.0, 0.0, 0.0),
    (0.0, 0.0, JUMP_CHANCE, RETURN_CHANCE),
    (0.04, 0.0, JUMP_CHANCE, RETURN_CHANCE),
    (0.1, 0.0, JUMP_CHANCE, RETURN_CHANCE),
    (0.2, 0.0, JUMP_CHANCE, RETURN_CHANCE),
    (0.04, 0.03, JUMP_CHANCE, 0.0),
    (0.04, -0.03, JUMP_CHANCE, 0.0),
)
"""How the log of the level may move in a period: the standard deviation of its steps, by how much it grows, and the
chances of a jump and of a return. The first never moves; one that grows does not go back."""
STEADY = 0.15
"""Share of the first motion, before any demand is seen; the others share the rest."""
MOTION_SHARES = np.array([STEADY] + (len(MOTIONS) - 1) * [(1 - STEADY) / (len(MOTIONS) - 1)])
SPEEDS, GROWTHS, JUMPS, RETURNS = np.array(MOTIONS).T
SURGE_CHANCE, SURGE_LEVEL, SURGE_NOISE, SURGE_WIDENING = 0.03, 1.3, 0.9, 3.0
"""Chance that a period's demand says little of the level (a one-off order, a day of sales), and what it is then."""
RELEARN_CHANCE = 0.01
"""Chance that scatter and motion themselves change, so that nothing learned of them stays certain for ever."""
LEVEL_RATIO = 1.065
"""Between neighbouring levels."""
LOWEST_LEVEL, HIGHEST_LEVEL = 1 / 2000, 4.0
"""As multiples of the first periods' mean. A product is dead below the lowest, or below a twentieth of a count."""
DEAD = 0.05
FIRST_PERIODS = 5
"""Whose mean the level is looked for around."""
FIRST_LEVEL_SD = 1.0
"""Of the log of the level, before any demand is seen."""
UNEXPLAINED = 1e-12
"""Likelihood left to every state, so that no single period can rule all of them out."""
CELLS = 8
"""Grids are a multiple of so many cells, so that products share the chances of steps."""


def gamma_shape(*, mean: FloatArray, noise: FloatArray) -> FloatArray:
    """Shape of a gamma distribution with this mean (counts) and with Poisson scatter on top of `noise` (a ratio)."""
    return np.asarray(1.0 / (noise * noise + 1.0 / mean))


@dataclass(frozen=True, slots=True)
class GammaScatter:
    """Gamma densities of demand, one for every noise and level."""

    shape: FloatArray
    scale: FloatArray
    log_norm: FloatArray
    chance_of_none: FloatArray
    """That demand, in whole counts, is nil."""

    @classmethod
    def around(cls, *, mean: FloatArray, noise: FloatArray) -> "GammaScatter":
        shape = gamma_shape(mean=mean, noise=noise)
        scale = mean / shape
        return cls(shape, scale, gammaln(shape) + shape * np.log(scale), gammainc(shape, 0.5 / scale))

    def density(self, demand: FloatArray) -> FloatArray:
        """Chance of each demand, to the nearest count; demands × noise × levels."""
        counts = np.maximum(demand, 0.5)[:, None, None]
        density = np.exp((self.shape - 1.0) * np.log(counts) - counts / self.scale - self.log_norm)
        return np.where(demand[:, None, None] < 0.5, self.chance_of_none, density)


@lru_cache(maxsize=64)
def steps_between(cells: int) -> FloatArray:
    """Chance of going from each level (row) to each level (column) in a period without a return, for each motion."""
    apart: FloatArray = log(LEVEL_RATIO) * np.arange(cells, dtype=np.float64)
    jump = step_kernel(apart, sd=JUMP_SD)
    return np.stack(
        [
            (1.0 - jumps - returns) * step_kernel(apart, sd=sd, growth=growth) + jumps * jump
            for sd, growth, jumps, returns in MOTIONS
        ]
    )


def step_kernel(log_levels: FloatArray, *, sd: float, growth: float = 0.0) -> FloatArray:
    """Chance of each step between levels, lognormal: the mean level stays, but for its growth."""
    if sd == 0.0:
        return np.eye(len(log_levels))
    step = log_levels[None, :] - log_levels[:, None] + sd * sd / 2.0 - growth
    kernel = np.exp(-0.5 * (step / sd) ** 2)
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class DemandBelief:
    """Of the coming period: a probability for every motion × noise × level, and how long each level was seen."""

    log_levels: FloatArray
    """Logs of counts per period."""
    chances: FloatArray
    visited: FloatArray
    """Adds up to 1."""

    def mean(self) -> float:
        """Expected demand of the coming period, in counts."""
        surges = 1.0 + SURGE_CHANCE * (SURGE_LEVEL - 1.0)
        return float(np.exp(self.log_levels) @ self.chances.sum(axis=(0, 1))) * surges

    def courses(self, *, periods: int, count: int, random: np.random.Generator) -> FloatArray:
        """`count` equally likely courses of demand over the coming `periods`: whole counts, (count, periods)."""
        motion, noise, log_level = self._draw_states(count, random)
        steps, returns = self._draw_steps(motion, periods, random)
        course = np.empty((count, periods))
        for period in range(periods):
            if period:
                log_level = np.where(np.isnan(returns[:, period]), log_level + steps[:, period], returns[:, period])
            course[:, period] = log_level
        return _scatter(np.exp(course), noise[:, None], random)

    def _draw_states(self, count: int, random: np.random.Generator) -> tuple[IntArray, FloatArray, FloatArray]:
        """Stratified draws from the belief, spread evenly within each cell of the level grid."""
        cumulative = np.cumsum(self.chances)
        positions = np.searchsorted(cumulative, (np.arange(count) + 0.5) / count * cumulative[-1])
        motion, noise, level = np.unravel_index(positions, self.chances.shape)
        spread = (random.random(count) - 0.5) * log(LEVEL_RATIO)
        return motion, np.array(NOISE)[noise], self.log_levels[level] + spread

    def _draw_steps(self, motion: IntArray, periods: int, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Changes of the log level, and the level returned to: NaN in a period without a return."""
        chance = random.random((motion.size, periods))
        jumps = chance < JUMPS[motion, None]
        returns = ~jumps & (chance < (JUMPS + RETURNS)[motion, None])
        sd = np.where(jumps, JUMP_SD, SPEEDS[motion, None])
        steps = sd * random.standard_normal(sd.shape) - sd * sd / 2.0 + np.where(jumps, 0.0, GROWTHS[motion, None])
        earlier = np.full(sd.shape, np.nan)
        levels = np.searchsorted(np.cumsum(self.visited), random.random(int(returns.sum())))
        earlier[returns] = self.log_levels[np.minimum(levels, self.visited.size - 1)]
        return steps, earlier


def _scatter(level: FloatArray, noise: FloatArray, random: np.random.Generator) -> FloatArray:
    surges = random.random(level.shape) < SURGE_CHANCE
    mean = np.where(surges, level * SURGE_LEVEL, level)
    shape = gamma_shape(mean=mean, noise=np.where(surges, _surge_noise(noise), noise))
    return np.asarray(np.round(random.standard_gamma(shape) * mean / shape))


def _surge_noise(noise: FloatArray) -> FloatArray:
    return np.maximum(noise * SURGE_WIDENING, SURGE_NOISE)


def believe(demand: FloatArray) -> DemandBelief:
    """What demand of past periods, in counts and oldest first, says of the coming one; at least one period."""
    log_levels, first = _level_grid(demand)
    likelihood = _likelihood(demand, np.exp(log_levels)[None, :])
    steps = steps_between(log_levels.size)
    start = np.exp(-0.5 * ((log_levels - log(first)) / FIRST_LEVEL_SD) ** 2)
    share = np.repeat(MOTION_SHARES[:, None, None] / len(NOISE), len(NOISE), axis=1)
    belief = share * (start / start.sum())
    visited = np.zeros(log_levels.size)
    for chance in likelihood:
        belief = belief * chance
        belief /= belief.sum()
        level = belief.sum(axis=(0, 1))
        visited += level
        belief = (1.0 - RELEARN_CHANCE) * belief + (RELEARN_CHANCE * share) * level
        weight = belief.sum(axis=2, keepdims=True)
        belief = belief @ steps + weight * RETURNS[:, None, None] * (visited / visited.sum())
    return DemandBelief(log_levels, belief, visited / visited.sum())


def _level_grid(demand: FloatArray) -> tuple[FloatArray, float]:
    """Logs of the levels that are thought possible, and the one that they are looked for around."""
    first = max(float(np.mean(demand[:FIRST_PERIODS])), 1.0)
    lowest = max(DEAD, first * LOWEST_LEVEL)
    highest = max(first * HIGHEST_LEVEL, float(demand.max()) * 2)
    cells = CELLS * int(np.ceil(log(highest / lowest) / log(LEVEL_RATIO) / CELLS))
    return log(lowest) + log(LEVEL_RATIO) * np.arange(cells + 1.0), first


def _likelihood(demand: FloatArray, level: FloatArray) -> FloatArray:
    """Of each period's demand, for every noise and level."""
    noise = np.array(NOISE)[:, None]
    usual = GammaScatter.around(mean=level, noise=noise).density(demand)
    surge = GammaScatter.around(mean=level * SURGE_LEVEL, noise=_surge_noise(noise)).density(demand)
    return np.asarray((1.0 - SURGE_CHANCE) * usual + SURGE_CHANCE * surge + UNEXPLAINED)
