"""The smallest amount that demand is counted in, read from a history's own decimals. Pure.

Chance (Poisson), rounding and continuity corrections work in counts of it. So a history in kilograms with three
decimals gives the plan that the same history in grams gives.
"""

import numpy as np
from numpy.typing import NDArray

from tools.planning.demand_distribution import FloatArray

DECIMALS = tuple(10.0**-digits for digits in range(7))
"""Units that are tried: 1, 0.1 … 0.000001. The last is taken where none fits."""
PRECISION = 1e-9
"""By which a count may miss a whole number, or 16 roundings of it if these are more."""


def counting_unit(demand: FloatArray, unit_size: float = 1.0) -> float:
    """`unit_size`, or the coarsest decimal unit below it that all of `demand` is a multiple of.

    >>> counting_unit(np.array([0.362, 0.41])), counting_unit(np.array([3.0, 4.0]))
    (0.001, 1.0)
    """
    if (unit_size == 1 and np.array_equal(np.rint(demand), demand)) or is_multiple(demand, unit_size):
        return unit_size
    finer = [unit for unit in DECIMALS if unit < unit_size]
    return next((unit for unit in finer if is_multiple(demand, unit)), min(DECIMALS[-1], unit_size))


def counting_units(demand: FloatArray, unit_size: FloatArray) -> FloatArray:
    """The same for each row of `demand`, products × periods."""
    units, tried = unit_size.copy(), np.flatnonzero(~is_multiple(demand, unit_size[:, None]))
    for unit in DECIMALS:
        rows = tried[unit < unit_size[tried]]
        found = rows[is_multiple(demand[rows], unit)]
        units[found], tried = unit, np.setdiff1d(tried, found, assume_unique=True)
    units[tried] = np.minimum(DECIMALS[-1], unit_size[tried])
    return units


def is_multiple(demand: FloatArray, unit: float | FloatArray) -> NDArray[np.bool_]:
    """Whether all values of a row are whole numbers of units, but for a float's rounding."""
    counts = demand / unit
    missed = np.abs(counts - np.rint(counts))
    return np.asarray((missed <= np.maximum(PRECISION, 16 * np.finfo(demand.dtype).eps * counts)).all(axis=-1))
