"""Amounts of money in a currency, and limits on what may be spent."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from tools.records.facts import Record

MAX_LIMIT = 10**12
Amount = Annotated[Decimal, Field(ge=0, le=MAX_LIMIT, max_digits=18, decimal_places=6, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Limit(Record):
    """What a key may spend in one currency; None is no limit. A run places one order at most, so `per_order` is also
    its limit."""

    currency: Currency
    per_order: Amount | None = None
    per_day: Amount | None = None
    in_total: Amount | None = None


class DayLimit(Record):
    """What automatic orders may cost together in a day (UTC), in `currency`; others are counted by `exchange_rates`."""

    amount: Amount
    currency: Currency
    exchange_rates: dict[str, Decimal]


def in_currency(value: Decimal, currency: str, wanted: str, exchange_rates: Mapping[str, Decimal]) -> Decimal | None:
    """The value in the wanted currency, or None if no rate is known.

    >>> in_currency(Decimal(100), "EUR", "USD", {"EUR": Decimal("1.08")})
    Decimal('108.00')
    """
    if currency == wanted:
        return value
    rate = exchange_rates.get(currency)
    return None if rate is None else value * rate
