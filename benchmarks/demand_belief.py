"""What is believed of a product's demand from one period to the next, as a Bayesian filter over a grid of levels.

Demand in a period scatters around a level. The level stays, wanders, jumps to somewhere new, or returns to where it has
been before; how fast it wanders and how wide the scatter is are not known either and are learned along with it.
Every combination keeps a probability (a hidden Markov model, filtered forward: Rabiner, 1989, "A tutorial on hidden
Markov models", III.A). A short history gives a wide belief. A level shift is followed once it explains demand better.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaln

Array = NDArray[np.float64]

LEVEL_RATIO = 1.065
"""Between neighbouring levels."""
HIGHEST_LEVEL = 40.0
"""As a multiple of the first samples' mean."""
LOWEST_LEVEL = 0.05
"""Units per period: below it a product counts as dead."""
FIRST_LEVEL_SD = 1.0
"""Of the log of the level, before any sample."""
UNEXPLAINED = 1e-12
"""Likelihood left to every state, so that no single observation can rule all of them out."""


@dataclass(frozen=True)
class DemandPrior:
    """What is assumed of any product's demand before it is seen. Chances are per period; sd are of the level's log."""

    noise: tuple[float, ...] = (0.1, 0.16, 0.25, 0.38, 0.55, 0.8)
    """Coefficients of variation of demand around its level that are thought equally likely at first."""
    drift_sd: tuple[float, ...] = (0.0, 0.04, 0.1, 0.2)
    """Speeds at which the level may wander, thought equally likely at first."""
    jump_chance: float = 0.03
    jump_sd: float = 0.6
    return_chance: float = 0.06
    """Chance that the level goes back to one it had earlier (the end of a promotion, the mean of a cycle)."""
    surge_chance: float = 0.03
    """Chance that one period's demand says little of the level (a one-off order, a day of sales)."""
    surge_level: float = 1.3
    surge_noise: float = 0.9
    surge_widening: float = 3.0
    relearn_chance: float = 0.01
    """Chance that noise and drift themselves change, so that nothing learned of them stays certain for ever."""


def gamma_shape(*, mean: Array, noise: Array) -> Array:
    """Shape of a gamma distribution with this mean (units) and with Poisson scatter on top of `noise` (a ratio)."""
    shape: Array = 1.0 / (noise * noise + 1.0 / mean)
    return shape


@dataclass(frozen=True)
class GammaScatter:
    """Gamma densities of demand, one for every noise and level, prepared so that an observation costs one `exp`."""

    shape: Array
    scale: Array
    log_norm: Array
    chance_of_none: Array
    """That demand, in whole units, is nil."""

    @classmethod
    def around(cls, *, mean: Array, noise: Array) -> "GammaScatter":
        shape = gamma_shape(mean=mean, noise=noise)
        scale = mean / shape
        return cls(shape, scale, gammaln(shape) + shape * np.log(scale), gammainc(shape, 0.5 / scale))

    def density(self, demand: float) -> Array:
        """Chance of `demand` units, to the nearest unit."""
        if demand < 0.5:
            return self.chance_of_none
        result: Array = np.exp((self.shape - 1.0) * np.log(demand) - demand / self.scale - self.log_norm)
        return result


def log_grid(*, lowest: float, highest: float) -> Array:
    """Logs of levels from `lowest` to at least `highest`, `LEVEL_RATIO` apart."""
    cells = int(np.ceil(np.log(highest / lowest) / np.log(LEVEL_RATIO)))
    grid: Array = np.log(lowest) + np.log(LEVEL_RATIO) * np.arange(cells + 1, dtype=np.float64)
    return grid


def step_kernel(*, log_levels: Array, sd: float) -> Array:
    """Chance of going from each level (row) to each level (column) in a lognormal step that keeps the mean level."""
    if sd == 0.0:
        return np.eye(len(log_levels))
    step = log_levels[None, :] - log_levels[:, None] + sd * sd / 2.0
    kernel = np.exp(-0.5 * (step / sd) ** 2)
    result: Array = kernel / kernel.sum(axis=1, keepdims=True)
    return result


class DemandBelief:
    """The filter's state: a probability for every noise × drift × level, and the levels visited so far.

    Starts from `past_demand`: at least one period, units, oldest first.
    """

    def __init__(self, past_demand: tuple[float, ...], prior: DemandPrior | None = None) -> None:
        self.prior = prior or DemandPrior()
        self._noise = np.array(self.prior.noise)
        self._drift = np.array(self.prior.drift_sd)
        self._unit = max(float(np.mean(past_demand)), 1.0)
        self._log_levels = log_grid(lowest=LOWEST_LEVEL / self._unit, highest=HIGHEST_LEVEL)
        self._prepare_scatter()
        self._prepare_steps()
        start = np.exp(-0.5 * (self._log_levels / FIRST_LEVEL_SD) ** 2)
        hyper = np.full((len(self._noise), len(self._drift), 1), 1.0 / (len(self._noise) * len(self._drift)))
        self._hyper_prior = hyper
        self._belief: Array = hyper * (start / start.sum())
        self._visited: Array = np.zeros(len(self._log_levels))
        for demand in past_demand:
            self.observe(demand)

    def _prepare_scatter(self) -> None:
        level = self._unit * np.exp(self._log_levels)[None, :]
        noise = self._noise[:, None]
        surge_noise = np.maximum(noise * self.prior.surge_widening, self.prior.surge_noise)
        self._usual = GammaScatter.around(mean=level, noise=noise)
        self._surge = GammaScatter.around(mean=level * self.prior.surge_level, noise=surge_noise)

    def _prepare_steps(self) -> None:
        stay = 1.0 - self.prior.jump_chance - self.prior.return_chance
        jump = step_kernel(log_levels=self._log_levels, sd=self.prior.jump_sd)
        self._steps = np.stack(
            [
                stay * step_kernel(log_levels=self._log_levels, sd=sd) + self.prior.jump_chance * jump
                for sd in self._drift
            ]
        )

    def observe(self, demand: float) -> None:
        """Take in one period's true demand in units (not sales), and move on to the next period."""
        self._learn(demand)
        self._advance()

    def _learn(self, demand: float) -> None:
        surge = self.prior.surge_chance
        likelihood = (1.0 - surge) * self._usual.density(demand) + surge * self._surge.density(demand) + UNEXPLAINED
        posterior = self._belief * likelihood[:, None, :]
        self._belief = posterior / posterior.sum()
        self._visited = self._visited + self._belief.sum(axis=(0, 1))

    def _advance(self) -> None:
        relearn = self.prior.relearn_chance
        level = self._belief.sum(axis=(0, 1))
        belief = (1.0 - relearn) * self._belief + relearn * self._hyper_prior * level
        weight = belief.sum(axis=2, keepdims=True)
        returned = self.prior.return_chance * weight * (self._visited / self._visited.sum())
        self._belief = np.einsum("ndl,dlm->ndm", belief, self._steps, optimize=True) + returned

    def mean(self) -> float:
        """Expected level in the coming period, units per period."""
        return float(self._unit * np.exp(self._log_levels) @ self._belief.sum(axis=(0, 1)))

    def scenarios(self, *, periods: int, count: int, random: np.random.Generator) -> Array:
        """`count` equally likely courses of demand over the coming `periods`: whole units, shape (count, periods)."""
        noise, drift, log_level = self._draw_states(count, random)
        steps, returns = self._draw_steps(drift, periods, random)
        course = np.empty((count, periods))
        for period in range(periods):
            if period:
                log_level = np.where(np.isnan(returns[:, period]), log_level + steps[:, period], returns[:, period])
            course[:, period] = log_level
        return self._scatter(self._unit * np.exp(course), noise[:, None], random)

    def _draw_states(self, count: int, random: np.random.Generator) -> tuple[Array, Array, Array]:
        """Stratified draws from the belief, spread evenly within each cell of the level grid."""
        cumulative = np.cumsum(self._belief)
        positions = np.searchsorted(cumulative, (np.arange(count) + 0.5) / count * cumulative[-1])
        noise, drift, level = np.unravel_index(positions, self._belief.shape)
        width = self._log_levels[1] - self._log_levels[0]
        log_level = self._log_levels[level] + (random.random(count) - 0.5) * width
        return self._noise[noise], self._drift[drift], log_level

    def _draw_steps(self, drift: Array, periods: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Changes of the log level, and the level returned to: NaN in a period without a return."""
        chance = random.random((len(drift), periods))
        jumps = chance < self.prior.jump_chance
        returns = ~jumps & (chance < self.prior.jump_chance + self.prior.return_chance)
        sd = np.where(jumps, self.prior.jump_sd, drift[:, None])
        steps = sd * random.standard_normal(sd.shape) - sd * sd / 2.0
        visited = np.cumsum(self._visited) / self._visited.sum()
        earlier = np.full(sd.shape, np.nan)
        levels = np.searchsorted(visited, random.random(int(returns.sum())))
        earlier[returns] = self._log_levels[np.minimum(levels, len(visited) - 1)]
        return steps, earlier

    def _scatter(self, level: Array, noise: Array, random: np.random.Generator) -> Array:
        surges = random.random(level.shape) < self.prior.surge_chance
        wide = np.maximum(noise * self.prior.surge_widening, self.prior.surge_noise)
        mean = np.where(surges, level * self.prior.surge_level, level)
        shape = gamma_shape(mean=mean, noise=np.where(surges, wide, noise))
        return np.round(random.standard_gamma(shape) * mean / shape)
