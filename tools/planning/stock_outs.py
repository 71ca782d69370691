"""Demand of periods that ran out of stock: at least what they sold. Pure.

Such a period counts as one of those that sold as much or more. How often each of these is taken follows Kaplan & Meier
(1958, "Nonparametric estimation from incomplete observations"): those that were served also stand for larger ones that
ran out. Periods are taken, not their mean, so demand keeps its spread. Where the largest ran out itself, demand goes
beyond it by the ratio of the larger half of sales to the middle one (after Hill, 1975, "A simple general approach to
inference about the tail of a distribution").

A period that ran out before it sold anything tells nothing: it is unknown.
"""

import numpy as np

from tools.planning.counting_unit import counting_unit
from tools.planning.demand_distribution import FloatArray
from tools.planning.promotion import Flags

GOLDEN = (5**0.5 - 1) / 2
"""The fractions of its multiples are spread evenly over 0 to 1, however many there are."""


def with_lost_demand(sold: FloatArray, ran_out: Flags) -> FloatArray:
    """Demand of one product by period; NaN is unknown.

    >>> with_lost_demand(np.array([4.0, 1, 9, 3, 0]), np.array([False, False, False, True, True])).tolist()
    [4.0, 1.0, 9.0, 9.0, nan]
    """
    short = ran_out & (sold > 0)
    demand = np.where(ran_out & ~short, np.nan, sold)
    least, served = sold[short], sold[~ran_out & (sold > 0)]
    if not (least.size and served.size):
        return demand
    both = np.append(least, served)
    order = np.argsort(both, kind="stable")
    as_much = both[order]
    # Chance of more than each; of equal ones those that ran out come first, as they may have needed just as much.
    more = np.cumprod(1 - (order >= least.size) / np.arange(both.size, 0, -1))
    spread = np.arange(1, least.size + 1) * GOLDEN % 1
    from_here = np.append(1.0, more)[np.searchsorted(as_much, least)]
    taken = np.searchsorted(-more, -from_here * (1 - spread))
    larger, unit = as_much[both.size // 2 :], counting_unit(both)
    beyond = np.maximum(least, served.max()) * np.exp(np.log(larger / larger[0]).mean())
    beyond = np.rint(beyond / unit) * unit
    demand[short] = np.where(taken < both.size, np.append(as_much, 0.0)[taken], beyond)
    return demand
