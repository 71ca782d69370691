"""What is believed of a supplier's lead time, and of orders that stay away: mostly the promise, sometimes earlier or
later, sometimes never. Receipts and open orders teach it (a Dirichlet mean). In whole periods. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.planning.demand_distribution import FloatArray, IntArray

KEPT = 0.5
"""Chance that an order takes exactly the promised lead time, before any receipt."""
LOST = 0.15
"""Chance that it never comes, before any receipt."""
FALLOFF = 0.5
"""Each step away from the promise is this much less likely."""
STEPS_BEYOND = 6
"""Past the promise, after which an order is written off for certain."""
STEPS_IN_PROMISE = 4.0
"""A step is a fourth of the promised lead time, or one period where that is longer."""
PRIOR_ORDERS = 0.5
"""How many receipts weigh as much as what is thought before any."""
ROUNDS = 30
"""In which the likely fates of open orders and the chances of each lead time are made to agree."""


@dataclass(frozen=True, slots=True)
class LeadTimeBelief:
    """Chances of lead time 0, 1, … `longest` periods, and last: never."""

    chances: FloatArray

    @property
    def longest(self) -> int:
        return self.chances.size - 2

    def remaining(self, age: int) -> FloatArray:
        """The same for an order that has not come before this age; it never comes beyond the longest."""
        left = self.chances.copy()
        left[: min(age, self.chances.size - 1)] = 0.0
        return np.asarray(left / left.sum())

    def chance_lost(self, age: int) -> float:
        return float(self.remaining(age)[-1])

    def draw(self, count: int, *, age: int, never: int, random: np.random.Generator) -> IntArray:
        """Lead times of `count` courses, stratified, in random order; `never` for an order that does not come."""
        strata = random.permutation((np.arange(count) + 0.5) / count)
        return _drawn(self.remaining(age), strata, never)

    def draw_coming(self, count: int, *, random: np.random.Generator) -> IntArray:
        """The same for a new order that does come."""
        come = np.append(self.chances[:-1], 0.0)
        return LeadTimeBelief(come / come.sum()).draw(count, age=0, never=self.longest, random=random)

    def first_arrival(self, placed: IntArray, *, count: int, never: int, random: np.random.Generator) -> IntArray:
        """In each course the first period in which one of the orders to be placed in these periods arrives."""
        drawn = _drawn(self.chances, random.random((count, placed.size)), never)
        return np.asarray(np.minimum((placed + drawn).min(axis=1, initial=never), never))


def _drawn(chances: FloatArray, uniform: FloatArray, never: int) -> IntArray:
    cumulative = np.cumsum(chances)
    drawn = np.searchsorted(cumulative, uniform * cumulative[-1])
    return np.where(drawn >= chances.size - 1, never, drawn)


def believe_lead_time(promised: int, *, receipts: Sequence[int] = (), open_ages: Sequence[int] = ()) -> LeadTimeBelief:
    """`receipts` are lead times of past orders and `open_ages` the ages of those that have not come, in periods.

    An open order counts for what it may still become; beyond the longest lead time it counts as lost.
    """
    step = max(1.0, promised / STEPS_IN_PROMISE)
    chances = _promise_kept(promised, step)
    counts, longest = PRIOR_ORDERS * chances, chances.size - 2
    np.add.at(counts, np.minimum(np.array(receipts, dtype=np.int64), longest), 1.0)
    counts[-1] += sum(age > longest for age in open_ages)
    waiting = [age for age in open_ages if age <= longest]
    for _ in range(ROUNDS if waiting else 1):
        believed = LeadTimeBelief(chances)
        chances = np.add.reduce([counts, *(believed.remaining(age) for age in waiting)])
        chances /= chances.sum()
    return LeadTimeBelief(chances)


def _promise_kept(promised: int, step: float) -> FloatArray:
    """What is thought before any receipt."""
    away = np.abs(np.arange(promised + round(STEPS_BEYOND * step) + 1) - promised)
    other = np.where(away > 0, FALLOFF ** (away / step), 0.0)
    chances = np.append(other / other.sum() * (1.0 - KEPT - LOST), LOST)
    chances[promised] = KEPT
    return chances
