"""Spending limits of keys and of the service's day, and the ledger behind both.

An order takes its value from the ledger in its own transaction, by an UPDATE that is refused if it would pass the
limit. So orders placed at once never pass it together. Amounts are never converted here; a key with limits may spend in
those currencies only. The ledger counts in millionths, which both databases add exactly.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.planning.gate import in_currency
from tools.records.money import MAX_LIMIT, DayLimit, Limit
from tools.storage.caller_schema import spending
from tools.storage.database import conflict_insert

EVERYTHING = "*"
"""The account of all automatic orders together."""
FOREVER = "total"
_MILLION = 10**6


class Spender(NamedTuple):
    """The key whose limits an order counts against."""

    id: str
    name: str
    limits: Sequence[Limit] = ()


class Claim(NamedTuple):
    """An amount to take from one line of the ledger."""

    account: str
    period: str
    currency: str
    amount: int
    limit: int
    wording: str
    """The limit in words, with its figure."""


def reserve(
    connection: Connection,
    value: Decimal | None,
    currency: str,
    *,
    day: str,
    spender: Spender,
    day_limit: DayLimit | None = None,
) -> str | None:
    """Take an order's value from every limit that it counts against. Returns None, or in words the limit that has no
    room; then nothing is taken."""
    claims, refusal = _claims(value, currency, day, spender, day_limit)
    for position, claim in enumerate(claims):
        if refusal is None and not _take(connection, claim):
            refusal = _no_room(connection, claim)
            for taken in claims[:position]:
                back = {"spent": spending.c.spent - taken.amount}
                connection.execute(sa.update(spending).where(*_line(taken)).values(back))
    return refusal


def room(connection: Connection, value: Decimal, currency: str, *, day: str, spender: Spender) -> bool:
    """Whether the key could spend this much now."""
    claims, refusal = _claims(value, currency, day, spender, None)
    for claim in claims:
        if refusal is None and _spent(connection, claim) + claim.amount > claim.limit:
            return False
    return refusal is None


def restate(connection: Connection, account: str, spent: Mapping[tuple[str, str], Decimal]) -> None:
    """Set what an account has spent, by period and currency. What it spent without a limit counts too."""
    connection.execute(sa.delete(spending).where(spending.c.account == account))
    rows = [
        {"account": account, "period": period, "currency": currency, "spent": min(_millionths(value), _MOST)}
        for (period, currency), value in spent.items()
    ]
    if rows:
        connection.execute(sa.insert(spending), rows)


_MOST = MAX_LIMIT * _MILLION


def _claims(
    value: Decimal | None, currency: str, day: str, spender: Spender, day_limit: DayLimit | None
) -> tuple[list[Claim], str | None]:
    """What to take, or why nothing may be. The order is always the same, so that two orders never deadlock."""
    if not value:
        unknown = "No unit price is known" if value is None else "The unit price is 0"
        held = f"{unknown}, so the order's value cannot be held against the spending limits."
        return [], held if spender.limits or day_limit else None
    own, barred = _claims_of_key(value, currency, day, spender)
    common, no_rate = _claims_of_day(value, currency, day, day_limit)
    return [*common, *own], barred or no_rate


def _claims_of_day(value: Decimal, currency: str, day: str, limit: DayLimit | None) -> tuple[list[Claim], str | None]:
    if limit is None:
        return [], None
    converted = in_currency(value, currency, limit.currency, limit.exchange_rates)
    if converted is None:
        return [], (
            f"The limit of a day is in {limit.currency} and no exchange rate for {currency} is set, "
            "so the order cannot be held against it."
        )
    words = f"Automatic orders may cost {_money(limit.amount, limit.currency)} a day together"
    claim = Claim(EVERYTHING, day, limit.currency, _millionths(converted), _millionths(limit.amount), words)
    return _checked([claim], f"this order is {_money(converted, limit.currency)}")


def _claims_of_key(value: Decimal, currency: str, day: str, spender: Spender) -> tuple[list[Claim], str | None]:
    if not spender.limits:
        return [], None
    limit = next((limit for limit in spender.limits if limit.currency == currency), None)
    who = f"Key {spender.name!r}"
    if limit is None:
        known = ", ".join(sorted(limit.currency for limit in spender.limits))
        none = f"{who} has spending limits in {known} and none in {currency}, so it may spend nothing in {currency}."
        return [], none
    order = _money(value, currency)
    if limit.per_order is not None and value > limit.per_order:
        return [], f"{who} may spend {_money(limit.per_order, currency)} on one order; this order is {order}."
    spans = ((day, limit.per_day, "a day"), (FOREVER, limit.in_total, "in total"))
    claims = [
        Claim(spender.id, period, currency, _millionths(value), _millionths(most), f"{who} may spend {shown} {span}")
        for period, most, span in spans
        if most is not None
        for shown in [_money(most, currency)]
    ]
    return _checked(claims, f"this order is {order}")


def _checked(claims: list[Claim], order: str) -> tuple[list[Claim], str | None]:
    """Refuse a value that is above a limit by itself, so that the ledger's numbers stay in range."""
    over = next((claim for claim in claims if claim.amount > claim.limit), None)
    return (claims, None) if over is None else ([], f"{over.wording}; {order}.")


def _take(connection: Connection, claim: Claim) -> bool:
    insert = conflict_insert(spending).values(
        account=claim.account, period=claim.period, currency=claim.currency, spent=claim.amount
    )
    guarded = insert.on_conflict_do_update(
        index_elements=["account", "period", "currency"],
        set_={"spent": spending.c.spent + claim.amount},
        where=spending.c.spent + claim.amount <= claim.limit,
    )
    return connection.execute(guarded.returning(spending.c.spent)).first() is not None


def _no_room(connection: Connection, claim: Claim) -> str:
    left = max(Decimal(0), Decimal(claim.limit - _spent(connection, claim)) / _MILLION)
    order = _money(Decimal(claim.amount) / _MILLION, claim.currency)
    return f"{claim.wording}, of which {_money(left, claim.currency)} are left; this order is {order}."


def _spent(connection: Connection, claim: Claim) -> int:
    return connection.scalar(sa.select(spending.c.spent).where(*_line(claim))) or 0


def _line(claim: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    table = spending.c
    return table.account == claim.account, table.period == claim.period, table.currency == claim.currency


def _millionths(value: Decimal) -> int:
    return int((value * _MILLION).to_integral_value(ROUND_CEILING))


def _money(value: Decimal, currency: str) -> str:
    return f"{value:,.2f} {currency}"


def limits_from(stored: Iterable[Any] | None) -> tuple[Limit, ...]:
    """The limits of a stored key."""
    return tuple(Limit.model_validate(each) for each in stored or ())
