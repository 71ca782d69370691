"""How placed orders turned out, beside the confidence that was stated for them."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from tools.book.audit import Actor
from tools.book.placing import write_audit
from tools.book.rows import first_view, select_views
from tools.planning.confidence import CalibrationTable, assess, stratum
from tools.records.errors import AlreadyRecorded, UnknownOrder
from tools.records.orders import Order, OrderOutcome, OutcomeReport, OutcomeRoute, RunView
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import decisions, orders, outcomes
from tools.storage.types import Now

LATEST = 1_000
"""Outcomes that the present state is judged by."""
_VIEW_OF_ORDER = select_views().where(orders.c.number == sa.bindparam("number"))
_REPORTED = {"ran_out", "left_over", "received_quantity"}


class OutcomeStore(Store):
    """One outcome for each order, written once."""

    @writes
    def record(
        self,
        connection: Connection,
        report: OutcomeReport,
        *,
        recorded_by: str,
        recorded_by_id: str = "",
        table: CalibrationTable | None = None,
    ) -> OrderOutcome:
        """Judge the report by the order's plan, and store it.

        The same report again returns what is stored; another one raises AlreadyRecorded. Raises UnknownOrder. `table`
        is the calibration in use, for a quantity that a person chose.
        """
        _record(connection, report, Actor(name=recorded_by, id=recorded_by_id), table)
        return _kept(connection, report)

    @writes
    def learn(
        self,
        connection: Connection,
        arrived: Order,
        stock_before: float,
        *,
        by: Actor,
        table: CalibrationTable | None = None,
    ) -> str | None:
        """Record how the order before this one turned out: it had to last until this one arrived, and `stock_before` is
        what was left of it then. Nothing left counts as run out.

        Returns its number, or None where there is no such order that is received, or its outcome is recorded already.
        """
        sequence = sa.select(orders.c.sequence).where(orders.c.number == arrived.number).scalar_subquery()
        same = (orders.c[name] == getattr(arrived, name) for name in ("product_id", "location", "mode"))
        before = sa.select(orders.c.number).where(*same, orders.c.status == "received", orders.c.sequence < sequence)
        number: str | None = connection.scalar(before.order_by(orders.c.sequence.desc()).limit(1))
        if number is None:
            return None
        report = OutcomeReport(order_number=number, ran_out=stock_before <= 0, left_over=stock_before)
        return number if _record(connection, report, by, table) else None

    async def import_all(
        self, reports: Sequence[OutcomeReport], *, recorded_by: str, table: CalibrationTable | None = None
    ) -> tuple[int, int]:
        """Record each report. Returns how many were new and how many known."""
        known = {outcome.order_number for outcome in await self.latest(None)}
        for report in reports:
            await self.record(report, recorded_by=recorded_by, table=table)
        new = {report.order_number for report in reports} - known
        return len(new), len(reports) - len(new)

    @reads
    def latest(self, connection: Connection, limit: int | None = LATEST) -> list[OrderOutcome]:
        """Outcomes, the latest first; all of them without a limit."""
        query = sa.select(outcomes).order_by(outcomes.c.recorded_at.desc(), outcomes.c.order_number.desc())
        return [_outcome(row) for row in connection.execute(query.limit(limit)).mappings()]

    @reads
    def decisions_made(self, connection: Connection) -> dict[str, int]:
        """How many reviews were approved, edited and rejected."""
        query = sa.select(decisions.c.decision, sa.func.count()).group_by(decisions.c.decision)
        return dict(tuple(connection.execute(query)))


def _record(connection: Connection, report: OutcomeReport, by: Actor, table: CalibrationTable | None) -> bool:
    """Judge and store a report, unless the order has an outcome. Whether it was stored. What arrived is known from
    receipts where the report does not say."""
    view = first_view(connection, _VIEW_OF_ORDER, number=report.order_number)
    if view is None or view.order is None:
        raise UnknownOrder(f"No order {report.order_number[:40]!r}; list them to see the numbers there are.")
    if report.received_quantity is None and view.order.received_quantity:
        report = report.model_copy(update={"received_quantity": view.order.received_quantity})
    values = report.model_dump() | _judged(view, report, table)
    insert: Any = conflict_insert(outcomes).values(**values, recorded_by=by.name, recorded_at=Now())
    fresh = insert.on_conflict_do_nothing().returning(outcomes.c.order_number)
    if connection.execute(fresh).first() is None:
        return False
    said = report.model_dump(include=_REPORTED)
    write_audit(connection, "outcome.recorded", by, said, run_id=view.run.id, order_number=report.order_number)
    return True


def _kept(connection: Connection, report: OutcomeReport) -> OrderOutcome:
    query = sa.select(outcomes).where(outcomes.c.order_number == report.order_number)
    kept = _outcome(connection.execute(query).mappings().one())
    said = _REPORTED - ({"received_quantity"} if report.received_quantity is None else set())
    if kept.model_dump(include=said) != report.model_dump(include=said):
        raise AlreadyRecorded(
            f"Another outcome of {report.order_number} was recorded by {kept.recorded_by} on "
            f"{kept.recorded_at:%Y-%m-%d}; an outcome is recorded once."
        )
    return kept


def _judged(view: RunView, report: OutcomeReport, table: CalibrationTable | None) -> dict[str, object]:
    assert view.proposal is not None  # noqa: S101 - an order has the proposal it was placed on
    assert view.order is not None  # noqa: S101 - it was looked up by its number
    plan, quantity = view.proposal.plan, view.order.items[0].quantity
    edited = quantity != view.proposal.quantity
    said = assess(plan, quantity, table=table) if edited else view.proposal.confidence
    return {
        "acceptable": not report.ran_out and report.left_over <= plan.permitted_leftover,
        "confidence": said.value,
        "raw": said.raw,
        "stratum": stratum(plan),
        "route": _route(view, edited=edited),
    }


def _route(view: RunView, *, edited: bool) -> OutcomeRoute:
    if view.proposal is not None and view.proposal.decided_by is None:
        return "automatic"
    return "edited" if edited else "approved"


def _outcome(row: RowMapping) -> OrderOutcome:
    return OrderOutcome.model_validate(dict(row))


def by_route(recorded: Iterable[OrderOutcome]) -> dict[str, tuple[int, int]]:
    """Outcomes and acceptable ones of orders placed automatically, approved and edited."""
    found: dict[str, tuple[int, int]] = {}
    for outcome in recorded:
        count, good = found.get(outcome.route, (0, 0))
        found[outcome.route] = (count + 1, good + outcome.acceptable)
    return found
