"""A supplier's terms for whole orders: values to reach, and the weekdays on which orders are taken."""

from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.records.facts import Record
from tools.records.text import WEEKDAYS
from tools.storage.catalogue_schema import suppliers


class Terms(Record):
    """None and no days: the supplier asks for nothing of the kind."""

    minimum_order_value: Decimal | None = None
    free_freight_value: Decimal | None = None
    currency: str | None = None
    """Of both values; None is the catalogue's."""
    order_days: frozenset[str] = frozenset()


NO_TERMS = Terms()


def read_terms(connection: Connection, supplier_ids: Collection[str]) -> dict[str, Terms]:
    """The terms of those suppliers that the catalogue knows."""
    query = sa.select(suppliers.c.id, suppliers.c.terms).where(suppliers.c.id.in_(supplier_ids))
    return {identity: _terms(stored) for identity, stored in connection.execute(query)}


def _terms(stored: dict[str, object]) -> Terms:
    known = {name: value for name, value in stored.items() if name in Terms.model_fields and value is not None}
    for name in ("minimum_order_value", "free_freight_value"):
        if name in known:
            known[name] = Decimal(str(known[name])) or None
    return Terms.model_validate(known)


def next_order_day(order_days: Collection[str], day: date) -> date | None:
    """The first order day from `day` on, which may be that day. None: orders are taken on every day.

    >>> next_order_day({"mon", "thu"}, date(2026, 11, 24))
    datetime.date(2026, 11, 26)
    """
    days = (day + timedelta(n) for n in range(len(WEEKDAYS)))
    return next((each for each in days if WEEKDAYS[each.weekday()] in order_days), None)
