"""Quantities: how many, in the product's own unit. Whole ones are `int`, so that JSON says 748 and not 748.0."""

from typing import Annotated

from pydantic import AfterValidator, Field

FINEST = 1e-6
"""The smallest unit that anything is counted in."""
DIGITS = 9
"""Decimals that a quantity keeps: finer than any unit, coarser than a float's rounding error."""
SAME = 1e-12
"""Share of two amounts by which they may differ and still be the same."""
SAME_COUNT = 1e-14
"""Share of a count, or `ROUNDING` if that is more, by which it may differ from a whole number and still be it."""
ROUNDING = 1e-9
"""Share of a count by which a float's rounding may be off."""


def quantity(value: float) -> int | float:
    """
    >>> quantity(748.0), quantity(0.1 + 0.2)
    (748, 0.3)
    """
    rounded = round(value, DIGITS)
    return int(rounded) if rounded == int(rounded) else rounded


def fuzz(count: float) -> float:
    """How far a count may be off by a float's rounding; always less than one."""
    return min(0.5, ROUNDING * max(1.0, abs(count)))


def count_in(value: float, unit: float) -> float:
    """How many units a value is; whole where only a float's rounding is missing.

    >>> count_in(2.633, 0.001), count_in(897.57, 1)
    (2633.0, 897.57)
    """
    count = value / unit
    whole = float(round(count))
    return whole if abs(count - whole) <= max(ROUNDING, SAME_COUNT * abs(count)) else count


def reaches_down(position: float, level: float) -> bool:
    """Whether a position is at or below a level, whatever unit both are in.

    >>> reaches_down(0.1 + 0.2, 0.3), reaches_down(0.31, 0.3)
    (True, False)
    """
    return position <= level * (1 + SAME)


Quantity = Annotated[int | float, Field(ge=0, allow_inf_nan=False), AfterValidator(quantity)]
