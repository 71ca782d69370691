"""What is written when an order is placed or goes to a person, always inside the caller's transaction.

Two runs that start together for the same product each see the stock without the other's order. So every order takes a
number from its product's own sequence (`product_versions`), a run remembers how far that had come before its facts were
read, and an order with a later number than that is one the run could not have counted. Taking a number also locks the
product, in PostgreSQL as in SQLite, until the transaction ends. Locks are taken in one order, which rules out deadlock:
proposal or run, product, the lines of the spending ledger, counter.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.book.audit import Actor, write_audit
from tools.book.rows import order_from, review_id, review_number
from tools.records.errors import Conflict
from tools.records.facts import Mode
from tools.records.orders import Order, Proposal, RunStatus
from tools.storage.database import first_row, insert_for
from tools.storage.schema import Now, api_keys, counters, orders, outbox, product_versions, proposals, runs

MAX_LEAD_TIME_DAYS = 36_500
LEAST_DAYS_OPEN = 1.0
_COPIED = (
    "run_id",
    "mode",
    "product_id",
    "product_name",
    "location",
    "source_location",
    "supplier_id",
    "supplier_name",
    "currency",
    "provider",
)


_FINISH_RUN = (
    sa.update(runs)
    .where(runs.c.id == sa.bindparam("of_run"))
    .values(status=sa.bindparam("status"), finished_at=Now(), failure=None)
)
_SEND = sa.insert(outbox).values(created_at=Now())


class Turn(NamedTuple):
    """A product's next number, and the database's time when it was taken."""

    version: int
    now: datetime


async def take_turn(connection: AsyncConnection, product_id: str, mode: Mode) -> Turn:
    """Lock the product until the transaction ends and take its next number."""
    bump = _bump_version(connection.dialect.name)
    row = await first_row(connection, bump, {"product_id": product_id, "mode": mode})
    assert row is not None  # noqa: S101
    return Turn(*row)


@lru_cache
def _bump_version(dialect: str) -> Any:
    bump = insert_for(dialect, product_versions).values(version=1)
    bump = bump.on_conflict_do_update(
        index_elements=["product_id", "mode"], set_={"version": product_versions.c.version + 1}
    )
    return bump.returning(product_versions.c.version, Now())


class Standing(NamedTuple):
    """What stands against a proposal in the book at this moment."""

    hindrance: str | None
    """Another run's order, placed after this run's facts were read, to the same location or out of stock that this run
    counted on; another run's review of the same need; or that the key that asked has been revoked since."""
    limits: Any
    """The limits, as stored, of the key that asked."""


async def standing(connection: AsyncConnection, proposal: Proposal) -> Standing:
    """Ask with the product's turn taken, or the answer may be out of date as soon as it is given."""
    asked = {name: getattr(proposal, name) for name in _OF_PROPOSAL}
    order_number, review, stored, revoked = await first_row(connection, _STANDING, asked) or (None,) * 4
    if order_number is not None:
        hindrance = f"{order_number} for {proposal.product_id} was placed while this run was deciding"
    elif review is not None:
        hindrance = f"{review_id(review)} for the same need already waits for a person"
    elif revoked:
        hindrance = f"Key {proposal.requested_by!r}, which asked for this, was revoked before the order was placed"
    else:
        hindrance = None
    return Standing(hindrance, stored)


def pending_now() -> sa.ColumnElement[bool]:
    """The proposals that a person may decide at this moment, by the database's clock."""
    # Spelt out, so that both databases see that their index over pending proposals covers it.
    return sa.and_(sa.literal_column("proposals.status = 'pending'"), proposals.c.expires_at > Now())


def _order_since() -> sa.Select[tuple[str]]:
    place: sa.BindParameter[str] = sa.bindparam("location")
    source: sa.BindParameter[str] = sa.bindparam("source_location")
    seen = sa.select(runs.c.product_version).where(runs.c.id == sa.bindparam("run_id")).scalar_subquery()
    query = sa.select(orders.c.number).where(
        *(orders.c[name] == sa.bindparam(name) for name in ("product_id", "mode")),
        orders.c.run_id != sa.bindparam("run_id"),
        orders.c.product_version > seen,
        (orders.c.location == place) | (orders.c.source_location == place) | (orders.c.source_location == source),
    )
    return query.order_by(orders.c.sequence.desc()).limit(1)


def _other_review() -> sa.Select[tuple[int]]:
    query = sa.select(proposals.c.number).where(
        pending_now(),
        *(proposals.c[name] == sa.bindparam(name) for name in ("product_id", "mode", "location")),
        proposals.c.run_id != sa.bindparam("run_id"),
    )
    return query.order_by(proposals.c.number).limit(1)


_OF_PROPOSAL = ("run_id", "product_id", "mode", "location", "source_location", "requested_by_id")
_OF_KEY = api_keys.c.id == sa.bindparam("requested_by_id")
_LIMITS = sa.select(api_keys.c.limits).where(_OF_KEY)
_REVOKED = sa.select(api_keys.c.revoked_at.is_not(None)).where(_OF_KEY)
_STANDING = sa.select(*(part.scalar_subquery() for part in (_order_since(), _other_review(), _LIMITS, _REVOKED)))


async def place_order(
    connection: AsyncConnection, proposal: Proposal, *, quantity: int, placed_by: Actor, answered_by: str, turn: Turn
) -> Order:
    """Insert the order with its outbox and audit rows, and close the run. `answered_by` is the id of the key that the
    order counts against. Raises Conflict if the run has an order already."""
    prefix = "TR" if proposal.action == "transfer" else "PO"
    year = turn.now.year
    number = f"{prefix}-{year}-{await next_value(connection, f'{prefix}-{year}'):06d}"
    named = {"number": number, "placed_by": placed_by.name, "placed_by_id": answered_by}
    values = _order_values(proposal, quantity, turn) | named
    row = await first_row(connection, _insert_order(connection.dialect.name), values)
    if row is None:
        raise Conflict(f"Run {proposal.run_id} already has its order; read the run to see it.")
    order = order_from(dict(zip(orders.c, row, strict=True)))
    await send(connection, "order.placed", proposal.run_id, order.model_dump(mode="json"))
    await record(connection, "order.placed", proposal, by=placed_by, order=order)
    await finish_run(connection, proposal.run_id, "executed")
    return order


@lru_cache
def _insert_order(dialect: str) -> Any:
    return insert_for(dialect, orders).on_conflict_do_nothing(index_elements=["run_id"]).returning(*orders.c)


def _order_values(proposal: Proposal, quantity: int, turn: Turn) -> dict[str, Any]:
    # Where stock is the caller's word, an order is open for a day at least: the same word may well be sent again.
    least = LEAST_DAYS_OPEN if proposal.mode == "input" else 0.0
    lead_time = timedelta(days=max(least, min(proposal.lead_time_days, MAX_LEAD_TIME_DAYS)))
    price = unit_price(proposal, quantity)
    return {name: getattr(proposal, name) for name in _COPIED} | {
        "type": "transfer" if proposal.action == "transfer" else "purchase_order",
        "proposal_number": review_number(proposal.id),
        "product_version": turn.version,
        "quantity": quantity,
        "unit_price": price,
        "total": _total(price, quantity),
        "created_at": turn.now,
        "due_at": turn.now + lead_time,
    }


def unit_price(proposal: Proposal, quantity: int) -> Decimal | None:
    return proposal.unit_price if quantity == proposal.quantity else proposal.plan.price_at(quantity)


def order_value(proposal: Proposal, quantity: int) -> Decimal | None:
    return _total(unit_price(proposal, quantity), quantity)


def _total(unit_price: Decimal | None, quantity: int) -> Decimal | None:
    return None if unit_price is None else unit_price * quantity


async def next_value(connection: AsyncConnection, counter: str) -> int:
    """1, 2, 3 … without a gap: a transaction that fails gives its number back."""
    row = await first_row(connection, _count_on(connection.dialect.name), {"name": counter})
    assert row is not None  # noqa: S101
    return int(row[0])


@lru_cache
def _count_on(dialect: str) -> Any:
    count = insert_for(dialect, counters).values(value=1)
    count = count.on_conflict_do_update(index_elements=["name"], set_={"value": counters.c.value + 1})
    return count.returning(counters.c.value)


async def finish_run(connection: AsyncConnection, run_id: str, status: RunStatus) -> None:
    await first_row(connection, _FINISH_RUN, {"of_run": run_id, "status": status})


async def send(connection: AsyncConnection, event: str, run_id: str, payload: dict[str, Any]) -> None:
    """Leave a message in the outbox, to be delivered once this transaction is stored. Receivers tell repeats by id."""
    values = {"event_id": f"msg_{uuid4().hex}", "event": event, "run_id": run_id, "payload": payload}
    await first_row(connection, _SEND, values)


async def record(
    connection: AsyncConnection, event: str, proposal: Proposal, *, by: Actor, order: Order | None = None, **more: Any
) -> None:
    """Add to the audit trail who did what, on which version and numbers of the proposal."""
    await write_audit(
        connection,
        event,
        by,
        _figures(proposal, order) | more,
        run_id=proposal.run_id,
        proposal_number=review_number(proposal.id),
        proposal_version=proposal.version,
        order_number=None if order is None else order.number,
    )


def _figures(proposal: Proposal, order: Order | None) -> dict[str, Any]:
    plan = proposal.plan
    ordered = (
        {} if order is None else {"ordered_quantity": order.items[0].quantity, "ordered_value": _text(order.total)}
    )
    return ordered | {
        "product_id": proposal.product_id,
        "location": proposal.location,
        "action": proposal.action,
        "quantity": proposal.quantity,
        "unit_price": _text(proposal.unit_price),
        "value": _text(proposal.value),
        "currency": proposal.currency,
        "supplier_id": proposal.supplier_id,
        "confidence": proposal.confidence.value,
        "provider": proposal.provider,
        "requested_by": proposal.requested_by,
        "requested_by_id": proposal.requested_by_id,
        "planned_quantity": plan.order_quantity,
        "inventory_position": plan.inventory_position,
        "reorder_point": plan.reorder_point,
        "review_reasons": list(proposal.review_reasons),
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
