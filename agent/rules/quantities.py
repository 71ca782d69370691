"""Figures as a planner reads them."""

from decimal import Decimal
from typing import Any


def amount(value: float) -> str:
    """Thousands separators, at most two decimals, no idle zeros.

    >>> amount(12345.678), amount(900.0), amount(-0.001)
    ('12,345.68', '900', '0')
    """
    text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def counted(value: float, unit: str = "units") -> str:
    """
    >>> counted(1), counted(1200, "kg")
    ('1 unit', '1,200 kg')
    """
    return f"{amount(value)} {'unit' if unit == 'units' and value == 1 else unit}"


def days(value: float) -> str:
    """
    >>> days(1), days(2.5)
    ('1 day', '2.5 days')
    """
    return counted(value, "day" if value == 1 else "days")


def percent(share: float) -> str:
    """
    >>> percent(0.95), percent(0.995)
    ('95 %', '99.5 %')
    """
    return f"{amount(share * 100)} %"


def money(value: Any, currency: str) -> str:
    """
    >>> money("45000", "USD")
    '45,000.00 USD'
    """
    return f"{Decimal(str(value)):,.2f} {currency}"
