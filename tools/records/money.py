"""Amounts of money in a currency, and limits on what may be spent."""

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
