"""What runs propose, and the orders that are placed: exactly one for a run, however often it is carried out."""

from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tools.book.audit import AUTOMATIC, SERVICE
from tools.book.expiry import announce
from tools.book.placing import (
    Turn,
    finish_run,
    order_value,
    pending_now,
    place_order,
    record,
    standing,
    take_turn,
)
from tools.book.reviews import MAX_QUANTITY
from tools.book.rows import (
    VIEW_OF_RUN,
    first_view,
    of_need,
    order_from,
    page_size,
    proposal_from,
    proposal_values,
    select_views,
)
from tools.book.runs import unknown_run
from tools.book.spending import Spender, limits_from, reserve
from tools.records.errors import AwaitsReview, Conflict, InvalidInput, InvalidQuantity, RunLost, UnknownOrder
from tools.records.facts import Mode
from tools.records.money import DayLimit
from tools.records.orders import (
    NewProposal,
    Order,
    Proposal,
    ProposalStatus,
    RunView,
)
from tools.storage.database import Store, first_row
from tools.storage.schema import Now, NowPlus, orders, proposals, runs

Route = Literal["auto", "review", "none"]

MAX_OPEN_ORDERS = 10_000
MAX_EXPIRY_HOURS = 87_600
_STATUS_OF_ROUTE: dict[Route, ProposalStatus] = {"auto": "proposed", "review": "pending", "none": "no_action"}


_WAITING_FOR_NEED = select_views().where(pending_now(), *of_need(proposals)).order_by(proposals.c.number).limit(1)
_UNDUE_FOR_NEED = (
    select_views().where(orders.c.due_at > Now(), *of_need(orders)).order_by(orders.c.sequence.desc()).limit(1)
)
_INSERT_CLOSED = sa.insert(proposals).values(created_at=Now(), expires_at=None).returning(*proposals.c)
_INSERT_OPEN = (
    sa.insert(proposals)
    .values(created_at=Now(), expires_at=NowPlus(sa.bindparam("expires_in_seconds", type_=sa.Float)))
    .returning(*proposals.c)
)
_MARK_PLACED = (
    sa.update(proposals).where(proposals.c.run_id == sa.bindparam("of_run")).values(status="placed", expires_at=None)
)


class OrderStore(Store):
    """Proposals, and the orders that come of them."""

    def __init__(self, engine: AsyncEngine, *, day_limit: DayLimit | None = None) -> None:
        super().__init__(engine)
        self._day_limit = day_limit

    async def propose(
        self, new: NewProposal, *, route: Route, expires_in_hours: float, owner: str | None = None
    ) -> Proposal:
        """Store what a run proposes. The first proposal of a run stands: a repeated call returns it, whatever it says,
        so go by the status of what comes back.

        `auto` leaves it `proposed`, for `place`; `review` opens it to a person for so many hours, ten years at most;
        `none` closes the run. Raises UnknownRun; Conflict if the run has ended; RunLost if an `owner` is given who
        holds it no more; InvalidInput for another product than the run's; InvalidQuantity for a quantity that does not
        go with the action.
        """
        _check_quantity(new, route)

        async def work(connection: AsyncConnection) -> Proposal:
            view = await _locked_view(connection, new.run_id)
            if view.proposal is not None:
                return view.proposal
            proposal = await _propose(connection, view, new, _STATUS_OF_ROUTE[route], expires_in_hours, owner)
            if route == "review":
                await take_turn(connection, new.product_id, new.mode)
                return await _open_review(connection, proposal, (await standing(connection, proposal)).hindrance)
            if route == "none":
                await _close_without_order(connection, proposal)
            return proposal

        return await self._write(work)

    async def place(
        self,
        run_id: str,
        *,
        new: NewProposal | None = None,
        expires_in_hours: float = MAX_EXPIRY_HOURS,
        owner: str | None = None,
    ) -> Order:
        """Place a run's automatic order: exactly one, however often and from wherever it is called. `new` is what the
        run proposes, stored as `propose` does where it has proposed nothing yet.

        One transaction checks the proposal, inserts order, outbox and audit rows, and closes the run; the quantity,
        supplier and price are those stored with the proposal. It also looks again for another run's order for the same
        stock since this run began, or review for the same need, asks whether the key that asked is still good, and
        takes the order's value from that key's limits and from the day's. With an order or a review in the way, the key
        revoked, or no room, the proposal becomes a review instead and AwaitsReview is raised, carrying the run as it is
        now. A proposal that is a review already raises it too.

        Raises UnknownRun; Conflict if the run has no proposal or has ended without an order; RunLost if an `owner` is
        given who holds the run no more; with `new`, also what `propose` raises.
        """
        if new is not None:
            _check_quantity(new, "auto")

        async def work(connection: AsyncConnection) -> Order | AwaitsReview:
            view = await _locked_view(connection, run_id)
            if view.order is not None:
                return view.order
            if view.proposal is None and new is not None:
                proposal = await _propose(connection, view, new, "proposed", expires_in_hours, owner)
            else:
                proposal = _placeable(view)
                _check_owner(view, owner)
            turn = await take_turn(connection, proposal.product_id, proposal.mode)
            reason = await _hindrance(connection, proposal, turn, self._day_limit)
            if reason is None:
                return await _place_automatically(connection, proposal, turn)
            held = await _open_review(connection, proposal, reason)
            view = await _locked_view(connection, run_id)
            return AwaitsReview(f"{reason}; {held.id} waits for a person.", view)

        placed = await self._write(work)
        if isinstance(placed, AwaitsReview):
            raise placed
        return placed

    async def page(self, limit: int = 50, before: str | None = None, product_id: str | None = None) -> list[Order]:
        """Newest first, at most 200; `before` is the last number of the page before. Raises UnknownOrder for a number
        that was never given."""
        query = sa.select(orders).order_by(orders.c.sequence.desc()).limit(page_size(limit))
        if product_id is not None:
            query = query.where(orders.c.product_id == product_id)
        async with self._reading() as connection:
            if before is not None:
                query = query.where(orders.c.sequence < await _sequence(connection, before))
            return [order_from(row) for row in (await connection.execute(query)).mappings()]

    async def get(self, number: str) -> Order:
        """One order by its number. Raises UnknownOrder."""
        query = sa.select(orders).where(orders.c.number == number)
        async with self._reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise UnknownOrder(
                f"No order {number[:40]!r}; numbers look like PO-2026-000001 and are listed under orders."
            )
        return order_from(row)

    async def open(self, product_id: str | None, location: str | None, mode: Mode) -> list[Order]:
        """Placed and not yet due, newest first: what counts as on order. None stands for every product or location.
        Transfers out of a location are among the orders of None, not of the location itself."""
        query = sa.select(orders).where(orders.c.mode == mode, orders.c.due_at > Now())
        if product_id is not None:
            query = query.where(orders.c.product_id == product_id)
        if location is not None:
            query = query.where(orders.c.location == location)
        async with self._reading() as connection:
            rows = await connection.execute(query.order_by(orders.c.sequence.desc()).limit(MAX_OPEN_ORDERS))
            return [order_from(row) for row in rows.mappings()]

    async def commitment(self, product_id: str, location: str, mode: Mode) -> RunView | None:
        """The run that already provides for this need, if any: its review still waits or its order is not yet due.
        A review comes before an order, and the oldest review and the newest order before others."""
        need = {"product_id": product_id, "location": location, "mode": mode}
        async with self._reading() as connection:
            waiting = await first_view(connection, _WAITING_FOR_NEED, **need)
            return waiting or await first_view(connection, _UNDUE_FOR_NEED, **need)


def _check_quantity(new: NewProposal, route: Route) -> None:
    if new.quantity > MAX_QUANTITY:
        # Not shown: Python refuses to write out a number of more than 4,300 digits.
        raise InvalidQuantity(f"The proposed quantity is beyond any order's; the most is {MAX_QUANTITY}.")
    orders_something = new.action != "none" and new.quantity > 0
    if (route == "auto" and not orders_something) or (route == "none" and orders_something):
        raise InvalidQuantity(
            f"Route {route!r} does not fit {new.quantity} units by {new.action!r}; send it to review."
        )


def _check_run(view: RunView, new: NewProposal) -> None:
    run = view.run
    if run.status != "running":
        raise Conflict(f"Run {run.id} is {run.status}; a proposal needs a run that is still running.")
    if (new.product_id, new.location, new.mode) != (run.product_id, run.location, run.mode):
        raise InvalidInput(
            f"Run {run.id} is about {run.product_id} at {run.location} ({run.mode}); "
            f"it cannot propose for {new.product_id} at {new.location} ({new.mode})."
        )


def _check_owner(view: RunView, owner: str | None) -> None:
    if owner is not None and view.run.owner != owner:
        raise RunLost(f"Run {view.run.id} has been taken over; its new holder finishes it.")


def _placeable(view: RunView) -> Proposal:
    run, proposal = view.run, view.proposal
    if proposal is None:
        raise Conflict(f"Run {run.id} has no proposal yet; propose before placing.")
    if proposal.status == "pending":
        raise AwaitsReview(f"{proposal.id} waits for a person, who alone can place its order.", view)
    if proposal.status != "proposed" or run.status != "running":
        raise Conflict(f"Run {run.id} is {run.status} and its proposal {proposal.status}; it has nothing to place.")
    return proposal


async def _locked_view(connection: AsyncConnection, run_id: str) -> RunView:
    """The run and what came of it, with nobody else able to change either until the transaction ends."""
    if connection.dialect.name == "postgresql":
        # A statement of its own: one that both locks and joins would find the run as it is after the wait, and its
        # proposal and order as they were before. SQLite's transaction has locked everything.
        await connection.execute(sa.select(runs.c.id).where(runs.c.id == run_id).with_for_update())
    view = await first_view(connection, VIEW_OF_RUN, run_id=run_id)
    if view is None:
        raise unknown_run(run_id)
    return view


async def _propose(
    connection: AsyncConnection,
    view: RunView,
    new: NewProposal,
    status: ProposalStatus,
    expires_in_hours: float,
    owner: str | None,
) -> Proposal:
    _check_run(view, new)
    _check_owner(view, owner)
    values = proposal_values(new) | {"status": status, "version": 1}
    if status != "no_action":
        values["expires_in_seconds"] = min(expires_in_hours, MAX_EXPIRY_HOURS) * 3600.0
    insert = _INSERT_CLOSED if status == "no_action" else _INSERT_OPEN
    row = await first_row(connection, insert, values)
    assert row is not None  # noqa: S101
    return proposal_from(dict(zip(proposals.c, row, strict=True)))


async def _place_automatically(connection: AsyncConnection, proposal: Proposal, turn: Turn) -> Order:
    order = await place_order(
        connection,
        proposal,
        quantity=proposal.quantity,
        placed_by=AUTOMATIC,
        answered_by=proposal.requested_by_id,
        turn=turn,
    )
    await first_row(connection, _MARK_PLACED, {"of_run": proposal.run_id})
    return order


async def _hindrance(
    connection: AsyncConnection, proposal: Proposal, turn: Turn, day_limit: DayLimit | None
) -> str | None:
    """Why the order may not be placed automatically any more; None when it may, and then its value is reserved."""
    hindrance, limits = await standing(connection, proposal)
    if hindrance is not None or proposal.action != "purchase_order":
        return hindrance
    spender = Spender(proposal.requested_by_id, proposal.requested_by, limits_from(limits))
    value, day = order_value(proposal, proposal.quantity), turn.now.date().isoformat()
    return await reserve(connection, value, proposal.currency, day=day, spender=spender, day_limit=day_limit)


async def _close_without_order(connection: AsyncConnection, proposal: Proposal) -> None:
    await finish_run(connection, proposal.run_id, "no_action")
    await announce(connection, "run.no_action", proposal)
    await record(connection, "run.no_action", proposal, by=AUTOMATIC)


async def _open_review(connection: AsyncConnection, proposal: Proposal, reason: str | None) -> Proposal:
    """Show the proposal to a person, with what has come in its way among the reasons."""
    reasons = [*proposal.review_reasons, *([] if reason is None else [reason])]
    changed = sa.update(proposals).where(proposals.c.run_id == proposal.run_id)
    version = proposal.version + (proposal.status == "proposed")
    changed = changed.values(status="pending", version=version, review_reasons=reasons)
    shown = proposal_from((await connection.execute(changed.returning(*proposals.c))).mappings().one())
    waits = sa.update(runs).where(runs.c.id == proposal.run_id)
    await connection.execute(waits.values(status="pending_review", thread_waits=True))
    await announce(connection, "review.opened", shown)
    await record(connection, "review.opened", shown, by=SERVICE)
    return shown


async def _sequence(connection: AsyncConnection, order_number: str) -> int:
    sequence: int | None = await connection.scalar(sa.select(orders.c.sequence).where(orders.c.number == order_number))
    if sequence is None:
        raise UnknownOrder(f"No order {order_number[:40]!r} to list from; use the last number of the page before.")
    return sequence
