"""What is believed of a supplier's lead time, learned from when one's own orders arrive, or do not.

Receipts are known only as a total per period. Each is attributed to the set of open orders whose quantities add up
to it and whose ages make it likeliest; an order that stays away counts, more with every period, as one that will
never come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MATCH_TOLERANCE = 0.5
"""Units by which a receipt may differ from the orders it is attributed to."""
ATTRIBUTED_ORDERS = 10
"""Youngest open orders among which a receipt is sought: at most 2^10 sets."""
REFITS = 3
"""Rounds in which open orders' likely fates and the chances of each lead time are made to agree."""


@dataclass(frozen=True)
class LeadTimePrior:
    """What is assumed of any supplier: mostly the promise, sometimes earlier or later, sometimes never."""

    kept: float = 0.5
    """Chance that an order takes exactly the promised lead time."""
    lost: float = 0.15
    """Chance that it never arrives."""
    falloff: float = 0.5
    """Each further period away from the promise is this much less likely."""
    weight: float = 2.0
    """In orders: how many receipts it takes to weigh as much as the prior."""
    longest_beyond_promise: int = 6
    """Periods past the promise after which an order is written off for certain."""

    def chances(self, promised: int) -> Array:
        """Chance of lead time 0, 1, …, longest, and last: never."""
        distance = np.abs(np.arange(promised + self.longest_beyond_promise + 1) - promised)
        other = np.where(distance > 0, self.falloff**distance, 0.0)
        chances = np.append(other / other.sum() * (1.0 - self.kept - self.lost), self.lost)
        chances[promised] = self.kept
        return chances


@dataclass(frozen=True)
class OpenOrder:
    """An order of `quantity` units placed `age` periods ago and not known to have arrived."""

    quantity: float
    age: int = 0


class LeadTimeBelief:
    """Chances of each lead time in whole periods (a Dirichlet mean), and the orders still open."""

    def __init__(self, promised_lead_time: int, prior: LeadTimePrior | None = None) -> None:
        self.prior = prior or LeadTimePrior()
        self.longest = promised_lead_time + self.prior.longest_beyond_promise
        self.chances: Array = self.prior.chances(promised_lead_time)
        self.open_orders: tuple[OpenOrder, ...] = ()
        self._prior_counts = self.chances * self.prior.weight
        self._fates: Array = np.zeros(self.longest + 2)

    def place(self, quantity: float) -> None:
        if quantity > 0:
            self.open_orders = (*self.open_orders, OpenOrder(quantity))

    def receive(self, quantity: float) -> None:
        """Close the period: `quantity` units in all arrived in it; every order still open grows a period older.

        An order older than the longest lead time is written off: it leaves the open orders and counts as lost.
        """
        arrived = self._attribute(quantity) if quantity > 0 else ()
        for order in arrived:
            self._fates[order.age] += 1.0
        outstanding = [order for order in self.open_orders if not any(order is other for other in arrived)]
        self.open_orders = tuple(OpenOrder(o.quantity, o.age + 1) for o in outstanding if o.age < self.longest)
        self._fates[-1] += len(outstanding) - len(self.open_orders)
        self._refit()

    def remaining(self, age: int) -> Array:
        """Chance of each lead time, and of never, for an order of up to the longest age that has not arrived before."""
        left = self.chances.copy()
        left[:age] = 0.0
        result: Array = left / left.sum()
        return result

    def chance_lost(self, age: int) -> float:
        """Chance that an order not arrived before age `age` will never arrive."""
        return float(self.remaining(age)[-1])

    def _refit(self) -> None:
        for _ in range(REFITS):
            counts = self._prior_counts + self._fates
            for order in self.open_orders:
                counts = counts + self.remaining(order.age)
            self.chances = counts / counts.sum()

    def _attribute(self, quantity: float) -> tuple[OpenOrder, ...]:
        """The likeliest set of open orders adding up to `quantity`; none where no set does."""
        candidates = self.open_orders[-ATTRIBUTED_ORDERS:]
        odds = {id(order): self._log_odds(order.age) for order in candidates}
        matching = (
            chosen
            for chosen in _subsets(candidates)
            if abs(sum(order.quantity for order in chosen) - quantity) < MATCH_TOLERANCE
        )
        return max(matching, key=lambda chosen: sum(odds[id(order)] for order in chosen), default=())

    def _log_odds(self, age: int) -> float:
        """Of arriving at exactly this age against not yet."""
        chance = min(max(float(self.remaining(age)[age]), 1e-6), 1.0 - 1e-6)
        return log(chance / (1.0 - chance))


def _subsets(orders: Sequence[OpenOrder]) -> Iterator[tuple[OpenOrder, ...]]:
    return (chosen for size in range(1, len(orders) + 1) for chosen in combinations(orders, size))
