"""What is written when an order is placed or opened to a person, in the caller's transaction.

Two runs that start together for a product both see the stock without the other's order. So every order takes a number
from its product's own sequence (`product_versions`), and a run remembers the last number before its facts were read. An
order with a later number is one that the run could not count. Taking a number also locks the product until the
transaction ends. Locks are always taken in the same order, so that there is no deadlock: proposal or run, product,
lines of the spending ledger, counter of orders, draft of the purchase order, counter of drafts.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.book.rows import ORDER, order_from, review_id, review_number
from tools.planning.order_quantity import unit_price_at
from tools.records.errors import Conflict
from tools.records.facts import Mode
from tools.records.orders import Order, Proposal, RunStatus
from tools.records.quantities import cost
from tools.storage.caller_schema import api_keys
from tools.storage.database import conflict_insert
from tools.storage.schema import audit, counters, orders, outbox, product_versions, proposals, purchase_orders, runs
from tools.storage.types import Now, as_indexed

MAX_LEAD_TIME_DAYS = 36_500
LEAST_LEAD_TIME_DAYS = 1.0
"""An order that were due at once would be late at once."""
DRAFT_KEY = ["mode", "supplier_id", "location", "currency"]
_COPIED = {"run_id", "mode", "product_id", "product_name", "location", "source_location"}
_COPIED |= {"supplier_id", "supplier_name", "currency", "provider"}
_ON_RECORD = {"product_id", "location", "action", "quantity", "unit_price", "currency", "supplier_id", "provider"}
_ON_RECORD |= {"requested_by", "requested_by_id", "review_reasons"}


class ProductVersion(NamedTuple):
    """A number of a product's sequence, and the database's time when it was taken."""

    number: int
    taken_at: datetime


# Every order takes these. They are built once, because building one costs more than running it.
_NEXT_VERSION = (
    conflict_insert(product_versions)
    .values(version=1)
    .on_conflict_do_update(index_elements=["product_id", "mode"], set_={"version": product_versions.c.version + 1})
    .returning(product_versions.c.version, Now())
)
_NEXT_VALUE = (
    conflict_insert(counters)
    .values(value=1)
    .on_conflict_do_update(index_elements=["name"], set_={"value": counters.c.value + 1})
    .returning(counters.c.value)
)
_INSERT_ORDER = conflict_insert(orders).on_conflict_do_nothing(index_elements=["run_id"]).returning(*ORDER)
_FINISH_RUN = sa.update(runs).where(runs.c.id == sa.bindparam("run_id")).values(finished_at=Now(), failure=None)
_SEND = sa.insert(outbox).values(created_at=Now())
_AUDIT = sa.insert(audit).values(at=Now())


def next_version(connection: Connection, product_id: str, mode: Mode) -> ProductVersion:
    """Lock the product until the transaction ends and take its next number."""
    return ProductVersion(*connection.execute(_NEXT_VERSION, {"product_id": product_id, "mode": mode}).one())


# Written as the partial index has it, so that both databases use that index.
PENDING_NOW = sa.and_(as_indexed("proposals.status = 'pending'"), proposals.c.expires_at > Now())
"""The proposals that a person may decide now, by the database's clock."""
OTHER_REVIEWS = (
    sa.select(proposals.c.number)
    .where(
        PENDING_NOW,
        *(proposals.c[name] == sa.bindparam(name) for name in ("product_id", "mode", "location")),
        proposals.c.run_id != sa.bindparam("run_id"),
    )
    .order_by(proposals.c.number)
)
"""The reviews of the same need that belong to other runs, the oldest first, for the values of `NEED`."""
_OTHER_REVIEW = OTHER_REVIEWS.limit(1).scalar_subquery()
NEED = {"run_id", "product_id", "mode", "location"}


def hindrance(connection: Connection, proposal: Proposal) -> str | None:
    """Why a person must decide on the order now. Another run has placed an order since this run's facts were read, to
    the same location or out of stock that this run counted on; or another run's review covers the need; or the key that
    asked has been revoked or has expired.

    Call it with the product locked, or the answer may be out of date at once.
    """
    about = proposal.model_dump(include=NEED | {"source_location", "requested_by_id"})
    order_number, review, key = connection.execute(_HINDRANCES, about).one()
    if order_number is not None:
        return f"{order_number} for {proposal.product_id} was placed while this run was deciding"
    if review is not None:
        return f"{review_id(review)} for the same need already waits for a person"
    if key is not None:
        return f"Key {proposal.requested_by!r}, which asked for this, was revoked or has expired"
    return None


def _given(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.Text)


def _order_since() -> sa.ScalarSelect[str]:
    seen = sa.select(runs.c.product_version).where(runs.c.id == _given("run_id")).scalar_subquery()
    query = sa.select(orders.c.number).where(
        orders.c.product_id == _given("product_id"),
        orders.c.mode == _given("mode"),
        orders.c.run_id != _given("run_id"),
        orders.c.product_version > seen,
        (orders.c.location == _given("location"))
        # NULL, for a proposal without a source location, equals nothing.
        | orders.c.source_location.in_((_given("location"), _given("source_location"))),
    )
    return query.order_by(orders.c.sequence.desc()).limit(1).scalar_subquery()


_OVER = api_keys.c.revoked_at.is_not(None) | (api_keys.c.expires_at <= Now())
_ENDED_KEY = sa.select(api_keys.c.id).where(api_keys.c.id == _given("requested_by_id"), _OVER).scalar_subquery()
_HINDRANCES = sa.select(_order_since(), _OTHER_REVIEW, _ENDED_KEY)


def place_order(
    connection: Connection,
    proposal: Proposal,
    *,
    quantity: float,
    placed_by: Actor,
    answered_by: str,
    version: ProductVersion,
) -> Order:
    """Insert the order with its outbox and audit rows, and close the run. What is bought joins the draft of its
    supplier. The order counts against the key `answered_by`. Raises Conflict if the run has an order already."""
    prefix, year = "TR" if proposal.action == "transfer" else "PO", version.taken_at.year
    values = _order_values(proposal, quantity, version) | {
        "number": f"{prefix}-{year}-{next_value(connection, f'{prefix}-{year}'):06d}",
        "placed_by": placed_by.name,
        "placed_by_id": answered_by,
    }
    if values["type"] == "purchase_order":
        values["purchase_order"] = _join_draft(connection, values, year)
    row = connection.execute(_INSERT_ORDER, values).mappings().first()
    if row is None:
        raise Conflict(f"Run {proposal.run_id} has its order already. Read the run to see it.")
    order = order_from(row)
    send(connection, "order.placed", proposal.run_id, order.model_dump(mode="json"))
    record(connection, "order.placed", proposal, by=placed_by, order=order)
    finish_run(connection, proposal.run_id, "executed")
    return order


def _order_values(proposal: Proposal, quantity: float, version: ProductVersion) -> dict[str, Any]:
    lead_time = timedelta(days=max(LEAST_LEAD_TIME_DAYS, min(proposal.lead_time_days, MAX_LEAD_TIME_DAYS)))
    price, daily = unit_price(proposal, quantity), proposal.plan.mean_per_day
    return proposal.model_dump(include=_COPIED) | {
        "type": "transfer" if proposal.action == "transfer" else "purchase_order",
        "proposal_number": review_number(proposal.id),
        "product_version": version.number,
        "quantity": quantity,
        "unit_price": price,
        "total": None if price is None else cost(price, quantity),
        "created_at": version.taken_at,
        "due_at": version.taken_at + lead_time,
        "cover_days": round(quantity / daily, 2) if daily > 0 else None,
    }


DRAFT = as_indexed("purchase_orders.status = 'draft'")
_SAME_DRAFT = (
    sa.select(purchase_orders.c.number)
    .where(DRAFT, *(purchase_orders.c[name] == sa.bindparam(name) for name in DRAFT_KEY))
    .with_for_update()
)


def _join_draft(connection: Connection, order: dict[str, Any], year: int) -> str:
    """The number of the draft that the order is a line of: a new one where there is none. Locks it until the
    transaction ends, so that it is sent before the order is in it, or with it."""
    # A request that brings its own facts names its supplier without an id.
    identity = order["supplier_name"] if order["mode"] == "input" else order["supplier_id"]
    named = {
        "mode": order["mode"],
        "location": order["location"],
        "currency": order["currency"],
        "supplier_id": identity or "",
        "supplier_name": order["supplier_name"] or "",
    }
    found = connection.scalar(_SAME_DRAFT, named)
    if found is not None:
        return str(found)
    number = f"PD-{year}-{next_value(connection, f'PD-{year}'):06d}"
    draft = conflict_insert(purchase_orders).values(**named, number=number, status="draft", created_at=Now())
    # Only if the year ends between two transactions, which then wait for different counters.
    draft = draft.on_conflict_do_update(index_elements=DRAFT_KEY, index_where=DRAFT, set_={"status": "draft"})
    return str(connection.scalar(draft.returning(purchase_orders.c.number)))


def unit_price(proposal: Proposal, quantity: float) -> Decimal | None:
    if quantity == proposal.quantity:
        return proposal.unit_price
    plan = proposal.plan
    return unit_price_at(quantity, unit_price=plan.unit_price, price_breaks=plan.price_tiers)


def order_value(proposal: Proposal, quantity: float) -> Decimal | None:
    price = unit_price(proposal, quantity)
    return None if price is None else cost(price, quantity)


def next_value(connection: Connection, counter: str) -> int:
    """1, 2, 3 … without gaps: a failed transaction gives its number back."""
    return int(connection.execute(_NEXT_VALUE, {"name": counter}).scalar_one())


def finish_run(connection: Connection, run_id: str, status: RunStatus) -> None:
    connection.execute(_FINISH_RUN, {"run_id": run_id, "status": status})


def send(connection: Connection, event: str, run_id: str, payload: dict[str, Any], *, occasion: str = "") -> None:
    """Put an event into the outbox; it is delivered after the transaction. Receivers know repeats by its id. A run has
    one event of a kind, or one for each `occasion`."""
    message = {"event_id": f"msg_{uuid4().hex}", "event": event, "run_id": run_id, "payload": payload}
    message |= {"occasion": occasion}
    connection.execute(_SEND, message)


def record(
    connection: Connection, event: str, proposal: Proposal, *, by: Actor, order: Order | None = None, **more: Any
) -> None:
    """Add an audit entry: who did what, on which version and figures of the proposal."""
    plan, value = proposal.plan, order_value(proposal, proposal.quantity)
    figures = proposal.model_dump(mode="json", include=_ON_RECORD) | {
        "value": None if value is None else str(value),
        "confidence": proposal.confidence.value,
        "planned_quantity": plan.order_quantity,
        "inventory_position": plan.inventory_position,
        "reorder_point": plan.reorder_point,
    }
    if order is not None:
        figures["ordered_quantity"] = order.items[0].quantity
        figures["ordered_value"] = None if order.total is None else str(order.total)
    write_audit(
        connection,
        event,
        by,
        figures | more,
        run_id=proposal.run_id,
        proposal_number=review_number(proposal.id),
        proposal_version=proposal.version,
        order_number=None if order is None else order.number,
    )


def write_audit(
    connection: Connection,
    event: str,
    by: Actor,
    figures: dict[str, Any],
    *,
    run_id: str | None = None,
    proposal_number: int | None = None,
    proposal_version: int | None = None,
    order_number: str | None = None,
) -> None:
    """Add one entry, in the transaction of what it tells of. Never put a secret into `figures`."""
    about = {"run_id": run_id, "proposal_number": proposal_number, "proposal_version": proposal_version}
    who = {"actor": by.name, "actor_id": by.id, "event": event}
    connection.execute(_AUDIT, {**who, **about, "order_number": order_number, "figures": figures})
