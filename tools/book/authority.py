"""What a key may decide: no order that it asked for itself, unless it is allowed to, and none above its limits."""

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.book.keys import OPEN_KEYS
from tools.book.placing import order_value
from tools.book.spending import Spender, limits_from, reserve, room
from tools.records.errors import LimitExceeded, OwnOrder
from tools.records.orders import Proposal
from tools.storage.caller_schema import api_keys

_MOST_NAMED = 5


def require_authority(connection: Connection, proposal: Proposal, quantity: float, by: Actor, *, day: str) -> None:
    """Check that this key may have the order placed now, and reserve its value.

    A decider without a stored key (API_KEY, or a program that uses the book itself) may decide everything. Raises
    OwnOrder, LimitExceeded.
    """
    query = sa.select(api_keys.c.limits, api_keys.c.may_approve_own).where(api_keys.c.id == by.id)
    row = connection.execute(query).first() if by.id else None
    if row is None:
        return
    if proposal.requested_by_id == by.id and not row.may_approve_own:
        raise OwnOrder(
            f"{proposal.id} was asked for with this key, which may not approve its own orders. Use another key with "
            "the scope approve, or ask an admin for one that may approve its own (--may-approve-own)."
        )
    if proposal.action == "transfer":
        return
    spender = Spender(by.id, by.name, limits_from(row.limits))
    value = order_value(proposal, quantity)
    refusal = reserve(connection, value, proposal.currency, day=day, spender=spender)
    if refusal is not None:
        raise LimitExceeded(f"{refusal} {_way_on(connection, proposal, quantity, by, day)}")


def _way_on(connection: Connection, proposal: Proposal, quantity: float, by: Actor, day: str) -> str:
    able = _able(connection, proposal, quantity, by, day)
    raising = f"an admin can raise the limit: restock keys limit {by.id}"
    if not able:
        return f"No other key can approve it now; {raising}."
    return f"These keys can approve it: {', '.join(able)}; or {raising}."


def _able(connection: Connection, proposal: Proposal, quantity: float, by: Actor, day: str) -> list[str]:
    value = order_value(proposal, quantity)
    if value is None:
        return []
    able: list[str] = []
    others = sa.select(api_keys).where(OPEN_KEYS, api_keys.c.id != by.id).order_by(api_keys.c.created_at)
    for row in connection.execute(others).mappings():
        barred = row["id"] == proposal.requested_by_id and not row["may_approve_own"]
        spender = Spender(row["id"], row["name"], limits_from(row["limits"]))
        if "approve" not in row["scopes"] or barred or len(able) == _MOST_NAMED:
            continue
        if room(connection, value, proposal.currency, day=day, spender=spender):
            able.append(repr(spender.name))
    return able
