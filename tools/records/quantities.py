"""Quantities: how many, in the product's own unit. Whole ones are `int`, so that JSON says 748 and not 748.0."""

from decimal import Decimal
from math import ceil, floor

FINEST = 1e-6
"""The smallest unit that anything is counted in."""
DIGITS = 12
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
    if isinstance(value, int):
        return value
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


def counts_up(value: float, unit: float = 1.0) -> int:
    """The fewest units that make up a value, but for a float's rounding; never below 0."""
    count = value / unit
    return max(0, ceil(count - fuzz(count)))


def counts_down(value: float, unit: float = 1.0) -> int:
    """How many units a value holds, but for a float's rounding; never below 0."""
    count = value / unit
    return max(0, floor(count + fuzz(count)))


def cost(price: Decimal, quantity: float) -> Decimal:
    """Exact, for fractions too.

    >>> cost(Decimal("2.10"), 0.3)
    Decimal('0.630')
    """
    return price * Decimal(repr(quantity))
