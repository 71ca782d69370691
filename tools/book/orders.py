"""Proposals of runs, and placed orders: exactly one for a run, however often it is carried out."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import AUTOMATIC, SERVICE
from tools.book.expiry import announce, supersede
from tools.book.filters import EVERYTHING, Filters
from tools.book.life import unknown_order
from tools.book.placing import (
    NEED,
    OTHER_REVIEWS,
    ProductVersion,
    finish_run,
    hindrance,
    next_version,
    order_value,
    place_order,
    record,
)
from tools.book.reviews import MAX_QUANTITY
from tools.book.rows import (
    OPEN,
    ORDER,
    VIEW_OF_RUN,
    first_view,
    order_from,
    page_size,
    proposal_from,
    proposal_values,
    review_id,
)
from tools.book.runs import unknown_run
from tools.book.spending import Spender, limits_from, reserve
from tools.records.errors import Conflict, InvalidInput, InvalidQuantity, RunLost, UnknownOrder
from tools.records.facts import Mode
from tools.records.money import DayLimit
from tools.records.orders import (
    NewProposal,
    Order,
    OrderFilter,
    OrderStatus,
    Proposal,
    ProposalStatus,
    Run,
    RunView,
)
from tools.storage.caller_schema import api_keys
from tools.storage.database import Database, Store, reads, writes
from tools.storage.schema import orders, proposals, runs
from tools.storage.types import Now, NowPlus

Route = Literal["auto", "review", "none"]

MAX_EXPIRY_HOURS = 87_600
_STATUS_OF_ROUTE: dict[Route, ProposalStatus] = {"auto": "proposed", "review": "pending", "none": "no_action"}
_BEGUN = sa.select(runs.c.created_at).where(runs.c.id == sa.bindparam("run_id")).scalar_subquery()
_OLDER_REVIEWS = OTHER_REVIEWS.join(runs, runs.c.id == proposals.c.run_id).where(runs.c.created_at <= _BEGUN)
_OLDER_REVIEWS = _OLDER_REVIEWS.with_for_update(of=proposals)

# Every automatic order takes these. They are built once, because building one costs more than running it.
_PROPOSE_NOTHING = (
    sa.insert(proposals)
    .values(version=1, created_at=Now(), expires_at=None)
    .returning(proposals.c.number, proposals.c.version, proposals.c.created_at, proposals.c.expires_at)
)
_PROPOSE = _PROPOSE_NOTHING.values(expires_at=NowPlus(sa.bindparam("expires_in", type_=sa.Float)))
_PLACED = sa.update(proposals).where(proposals.c.run_id == sa.bindparam("of_run"))
_PLACED = _PLACED.values(status="placed", expires_at=sa.null())
_ENDED = sa.select(runs.c.status, runs.c.finished_at, runs.c.failure).where(runs.c.id == sa.bindparam("run_id"))
_LIMITS = sa.select(api_keys.c.limits).where(api_keys.c.id == sa.bindparam("key_id"))
_BOUGHT = (
    sa.select(*ORDER)
    .where(*(orders.c[name] == sa.bindparam(name) for name in ("product_id", "location", "mode")))
    .where(orders.c.type == "purchase_order", orders.c.status != "cancelled")
    .order_by(orders.c.sequence.desc())
    .limit(20)
)


class OrderRow(NamedTuple):
    """An order in one line."""

    number: str
    type: str
    product_id: str
    product_name: str
    location: str
    supplier_id: str | None
    supplier_name: str | None
    quantity: float
    received_quantity: float
    status: OrderStatus
    created_at: datetime
    due_at: datetime
    currency: str
    total: Decimal | None
    placed_by: str
    purchase_order: str | None


_ROW = tuple(orders.c[name] for name in OrderRow._fields)


class OrderStore(Store):
    """Proposals and orders."""

    def __init__(self, database: Database, *, day_limit: DayLimit | None = None) -> None:
        super().__init__(database)
        self._day_limit = day_limit

    @writes
    def propose(
        self,
        connection: Connection,
        new: NewProposal,
        *,
        route: Route,
        expires_in_hours: float,
        owner: str | None = None,
    ) -> Proposal:
        """Store the proposal of a run. The first one stands: a repeated call returns it, so use the status of the
        result.

        `auto` leaves it `proposed`, for `place`. `review` opens it to a person for a number of hours, ten years at
        most. `none` closes the run. Raises UnknownRun; Conflict if the run has ended; RunLost if the given `owner` no
        longer holds it; InvalidInput for another product than the run's; InvalidQuantity for a quantity that does not
        fit the action.
        """
        _check_quantity(new, route)

        view = _locked_view(connection, new.run_id)
        if view.proposal is not None:
            return view.proposal
        proposal = _propose(connection, view, new, _STATUS_OF_ROUTE[route], expires_in_hours, owner)
        if route == "review":
            next_version(connection, new.product_id, new.mode)
            return _open_review(connection, proposal, hindrance(connection, proposal))
        if route == "none":
            _close_without_order(connection, proposal)
        return proposal

    @writes
    def place(
        self,
        connection: Connection,
        run_id: str,
        *,
        new: NewProposal | None = None,
        expires_in_hours: float = MAX_EXPIRY_HOURS,
        owner: str | None = None,
    ) -> RunView:
        """Place the automatic order of a run: exactly one, however often this is called. `new` is the proposal, stored
        as `propose` does if the run has none yet.

        One transaction checks the proposal, inserts order, outbox and audit rows, and closes the run. Quantity,
        supplier and price are those of the stored proposal. The transaction also looks for another run's order for the
        same stock since this run began and for a review of the same need, checks that the key is still valid, and
        takes the order's value from the limits of the key and the day. If any of these stands in the way, the proposal
        becomes a review, whose last reason says so, and the view has no order.

        Raises UnknownRun; Conflict if the run has no proposal or has ended without an order; RunLost if the given
        `owner` no longer holds the run; with `new`, also what `propose` raises.
        """
        if new is not None:
            _check_quantity(new, "auto")
        view = _locked_view(connection, run_id)
        if view.order is not None or (view.proposal is not None and view.proposal.status == "pending"):
            return view
        if view.proposal is None and new is not None:
            proposal = _propose(connection, view, new, "proposed", expires_in_hours, owner)
        else:
            proposal = _placeable(view, owner)
        version = next_version(connection, proposal.product_id, proposal.mode)
        reason = hindrance(connection, proposal) or self._no_room(connection, proposal, version)
        if reason is not None:
            _open_review(connection, proposal, reason)
            return _locked_view(connection, run_id)
        connection.execute(_PLACED, {"of_run": run_id})
        order = place_order(
            connection,
            proposal,
            quantity=proposal.quantity,
            placed_by=AUTOMATIC,
            answered_by=proposal.requested_by_id,
            version=version,
        )
        placed = proposal.model_copy(update={"status": "placed", "expires_at": None})
        ended = connection.execute(_ENDED, {"run_id": run_id}).mappings().one()
        return RunView(run=view.run.model_copy(update=dict(ended)), proposal=placed, order=order)

    def _no_room(self, connection: Connection, proposal: Proposal, version: ProductVersion) -> str | None:
        """The limit that the order's value would pass, or None if it is taken from all of them."""
        if proposal.action != "purchase_order":
            return None
        stored = connection.scalar(_LIMITS, {"key_id": proposal.requested_by_id})
        if not stored and self._day_limit is None:
            return None
        return reserve(
            connection,
            order_value(proposal, proposal.quantity),
            proposal.currency,
            day=version.taken_at.date().isoformat(),
            spender=Spender(proposal.requested_by_id, proposal.requested_by, limits_from(stored)),
            day_limit=self._day_limit,
        )

    @reads
    def page(
        self,
        connection: Connection,
        limit: int = 50,
        before: str | None = None,
        status: OrderFilter | None = None,
        filters: Filters = EVERYTHING,
    ) -> list[Order]:
        """A page of orders, newest first, at most 200. `before` is the last number of the page before. Raises
        UnknownOrder for a number that was never given."""
        query = sa.select(*ORDER).where(*_chosen(status, filters))
        if before is not None:
            query = query.where(orders.c.sequence < _sequence(connection, before))
        query = query.order_by(orders.c.sequence.desc()).limit(page_size(limit))
        return [order_from(row) for row in connection.execute(query).mappings()]

    @reads
    def rows(
        self, connection: Connection, status: OrderFilter | None = None, filters: Filters = EVERYTHING
    ) -> list[OrderRow]:
        """Every order, newest first: for sums, and for lists that need no more."""
        query = sa.select(*_ROW).where(*_chosen(status, filters)).order_by(orders.c.sequence.desc())
        return [OrderRow(*row) for row in connection.execute(query)]

    @reads
    def count(self, connection: Connection, status: OrderFilter | None = None, filters: Filters = EVERYTHING) -> int:
        """How many orders there are in all pages together."""
        return connection.scalar(sa.select(sa.func.count()).select_from(orders).where(*_chosen(status, filters))) or 0

    @reads
    def bought(self, connection: Connection, product_id: str, location: str, mode: Mode) -> list[Order]:
        """The newest purchase orders for one stock that were not cancelled, at most twenty, newest first."""
        rows = connection.execute(_BOUGHT, {"product_id": product_id, "location": location, "mode": mode})
        return [order_from(row) for row in rows.mappings()]

    @reads
    def get(self, connection: Connection, number: str) -> Order:
        """One order. Raises UnknownOrder."""
        query = sa.select(*ORDER).where(orders.c.number == number)
        row = connection.execute(query).mappings().first()
        if row is None:
            raise unknown_order(number)
        return order_from(row)

    @reads
    def of_others(self, connection: Connection, numbers: Collection[str], key_id: str) -> frozenset[str]:
        """Those of the numbers that are of orders which another key asked for."""
        named = sa.select(orders.c.number).join(runs).where(orders.c.number.in_(numbers))
        return frozenset(connection.scalars(named.where(runs.c.requested_by_id != key_id)))

    @reads
    def figures(self, connection: Connection) -> tuple[int, int]:
        """The number of open orders, and how many of them are overdue."""
        late = sa.func.count().filter(orders.c.due_at < Now())
        open_orders, overdue = connection.execute(sa.select(sa.func.count(), late).where(OPEN)).one()
        return open_orders, overdue


def _chosen(status: OrderFilter | None, filters: Filters) -> list[sa.ColumnElement[bool]]:
    return [*filters.of_orders(), *([] if status is None else [_in_status(status)])]


def _in_status(status: OrderFilter) -> sa.ColumnElement[bool]:
    if status == "open":
        return OPEN
    return sa.and_(OPEN, orders.c.due_at < Now()) if status == "overdue" else orders.c.status == status


def _check_quantity(new: NewProposal, route: Route) -> None:
    if new.quantity > MAX_QUANTITY:
        # The number is not shown: Python refuses to write one of more than 4,300 digits.
        raise InvalidQuantity(f"The proposed quantity is too large; the most is {MAX_QUANTITY}.")
    orders_something = new.action != "none" and new.quantity > 0
    if (route == "auto" and not orders_something) or (route == "none" and orders_something):
        raise InvalidQuantity(
            f"Route {route!r} does not fit {new.quantity} units by {new.action!r}; send it to review."
        )


def _check_run(run: Run, new: NewProposal, owner: str | None) -> None:
    if run.status != "running":
        raise Conflict(f"Run {run.id} is {run.status}; a proposal needs a run that is still running.")
    if (new.product_id, new.location, new.mode) != (run.product_id, run.location, run.mode):
        raise InvalidInput(
            f"Run {run.id} is about {run.product_id} at {run.location} ({run.mode}); "
            f"it cannot propose for {new.product_id} at {new.location} ({new.mode})."
        )
    if owner not in (None, run.owner):
        raise _lost(run)


def _lost(run: Run) -> RunLost:
    return RunLost(f"Run {run.id} has been taken over; its new holder finishes it.")


def _placeable(view: RunView, owner: str | None) -> Proposal:
    run, proposal = view.run, view.proposal
    if proposal is None:
        raise Conflict(f"Run {run.id} has no proposal yet; propose before placing.")
    if proposal.status != "proposed" or run.status != "running":
        raise Conflict(f"Run {run.id} is {run.status} and its proposal {proposal.status}; it has nothing to place.")
    if owner not in (None, run.owner):
        raise _lost(run)
    return proposal


def _locked_view(connection: Connection, run_id: str) -> RunView:
    """The run with its proposal and order, locked until the transaction ends."""
    if connection.dialect.name == "postgresql":
        # A statement of its own: one that both locks and joins would find the run as it is after the wait, and its
        # proposal and order as they were before. SQLite's transaction has locked everything.
        connection.execute(sa.select(runs.c.id).where(runs.c.id == run_id).with_for_update())
    view = first_view(connection, VIEW_OF_RUN, run_id=run_id)
    if view is None:
        raise unknown_run(run_id)
    return view


def _propose(
    connection: Connection,
    view: RunView,
    new: NewProposal,
    status: ProposalStatus,
    expires_in_hours: float,
    owner: str | None,
) -> Proposal:
    _check_run(view.run, new, owner)
    values = proposal_values(new) | {"status": status}
    insert = _PROPOSE_NOTHING
    if status != "no_action":
        insert, values["expires_in"] = _PROPOSE, min(expires_in_hours, MAX_EXPIRY_HOURS) * 3600
    row = connection.execute(insert, values).mappings().one()
    stored = {"id": review_id(row["number"]), "version": row["version"], "status": status}
    stored |= {"created_at": row["created_at"], "expires_at": row["expires_at"]}
    proposal = Proposal.model_construct(**dict(new), **stored)
    # Before the product is locked, because a person who decides locks the review first.
    for number in connection.scalars(_OLDER_REVIEWS, new.model_dump(include=NEED)).all():
        proposal = supersede(connection, number, proposal)
    return proposal


def _close_without_order(connection: Connection, proposal: Proposal) -> None:
    finish_run(connection, proposal.run_id, "no_action")
    announce(connection, "run.no_action", proposal)
    record(connection, "run.no_action", proposal, by=AUTOMATIC)


def _open_review(connection: Connection, proposal: Proposal, reason: str | None) -> Proposal:
    """Open the proposal to a person, with the obstacle among its reasons."""
    reasons = [*proposal.review_reasons, *([] if reason is None else [reason])]
    changed = sa.update(proposals).where(proposals.c.run_id == proposal.run_id)
    version = proposal.version + (proposal.status == "proposed")
    changed = changed.values(status="pending", version=version, review_reasons=reasons)
    shown = proposal_from(connection.execute(changed.returning(*proposals.c)).mappings().one())
    waits = sa.update(runs).where(runs.c.id == proposal.run_id)
    connection.execute(waits.values(status="pending_review", thread_waits=True))
    announce(connection, "review.opened", shown)
    record(connection, "review.opened", shown, by=SERVICE)
    return shown


def _sequence(connection: Connection, order_number: str) -> int:
    sequence: int | None = connection.scalar(sa.select(orders.c.sequence).where(orders.c.number == order_number))
    if sequence is None:
        raise UnknownOrder(f"No order {order_number[:40]!r} to list from. Use the last number of the page before.")
    return sequence
