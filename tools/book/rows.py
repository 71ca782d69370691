"""The order book's rows as records, and the ids that people see."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.records.errors import NotFound, UnknownReview
from tools.records.orders import OPEN_STATUSES, NewProposal, Order, OrderLine, Proposal, Run, RunView
from tools.storage.schema import orders, proposals, runs
from tools.storage.types import Now, as_indexed

Row = Mapping[Any, Any]
MAX_PAGE = 200
_RUN_COLUMNS = [runs.c[name] for name in Run.model_fields]
_SECONDS_A_DAY = 86_400
READ_AT = Now().label("read_at")
"""The database's clock, beside an order's columns: how late it is depends on it."""
ORDER = (*orders.c, READ_AT)
"""What `order_from` reads."""
OPEN = as_indexed("orders.status IN ('placed', 'sent', 'partly_received')")
"""The orders that are neither received nor cancelled."""
_ORDER_COLUMNS = {name: orders.c[name] for name in Order.model_fields if name in orders.c}
_REVIEW_ID = re.compile(r"RV-(\d{6,18})", re.ASCII)


def page_size(limit: int) -> int:
    """The length of a page: as asked, within 1 … 200."""
    return max(1, min(limit, MAX_PAGE))


def newest_first(
    connection: Connection, table: sa.Table, limit: int, before: str | None, unknown: Callable[[str], NotFound]
) -> sa.Select[Any]:
    """A page of a table whose rows have `id` and `created_at`. `before` is the last id of the page before; if no row
    has it, what `unknown` makes of it is raised."""
    query = sa.select(table).order_by(table.c.created_at.desc(), table.c.id.desc()).limit(page_size(limit))
    if before is None:
        return query
    last = connection.scalar(sa.select(table.c.created_at).where(table.c.id == before))
    if last is None:
        raise unknown(before)
    return query.where((table.c.created_at < last) | ((table.c.created_at == last) & (table.c.id < before)))


def review_id(number: int) -> str:
    """Of the proposal with this number: RV-000123 for 123."""
    return f"RV-{number:06d}"


def review_number(identity: str) -> int:
    """The proposal's number behind a review's id. Raises UnknownReview for anything else.

    >>> review_number("RV-000123")
    123
    """
    match = _REVIEW_ID.fullmatch(identity)
    if match is None or review_id(int(match[1])) != identity:
        raise UnknownReview(f"No review {identity[:40]!r}; ids look like RV-000123 and are listed under reviews.")
    return int(match[1])


def run_from(row: Row) -> Run:
    return Run.model_validate(dict(zip(Run.model_fields, map(row.__getitem__, _RUN_COLUMNS), strict=True)))


def proposal_from(row: Row) -> Proposal:
    values = dict(zip(proposals.c.keys(), map(row.__getitem__, proposals.c), strict=True))
    older = values.pop("supersedes")
    named = {"id": review_id(values.pop("number")), "supersedes": None if older is None else review_id(older)}
    return Proposal.model_validate(values | named)


def order_from(row: Row) -> Order:
    values = dict(zip(_ORDER_COLUMNS.keys(), map(row.__getitem__, _ORDER_COLUMNS.values()), strict=True))
    late: float = (row["read_at"] - row[orders.c.due_at]).total_seconds() / _SECONDS_A_DAY
    values["days_overdue"] = max(0.0, late) if row[orders.c.status] in OPEN_STATUSES else 0.0
    values["proposal_id"] = review_id(row[orders.c.proposal_number])
    line = OrderLine.model_construct(
        product_id=row[orders.c.product_id],
        name=row[orders.c.product_name],
        quantity=row[orders.c.quantity],
        unit_price=row[orders.c.unit_price],
        value=row[orders.c.total],
    )
    return Order.model_construct(**values, items=(line,))


def view_from(row: Row) -> RunView:
    return RunView(
        run=run_from(row),
        proposal=None if row[proposals.c.number] is None else proposal_from(row),
        order=None if row[orders.c.sequence] is None else order_from(row),
    )


def proposal_values(new: NewProposal) -> dict[str, Any]:
    """A proposal's columns. Documents are stored as JSON; prices stay exact decimals."""
    documents = new.model_dump(mode="json", include={"plan", "confidence", "review_reasons", "concerns"})
    return new.model_dump(exclude=set(documents)) | documents


OVERDUE = sa.and_(proposals.c.status == "pending", proposals.c.expires_at <= Now()).label("overdue")
"""The proposal still waits, but its time is over."""


def select_views() -> sa.Select[Any]:
    """Runs with what came of them, and whether a review is `overdue`; add a WHERE."""
    joined = runs.outerjoin(proposals, proposals.c.run_id == runs.c.id).outerjoin(orders, orders.c.run_id == runs.c.id)
    return sa.select(runs, proposals, *ORDER, OVERDUE).select_from(joined)


VIEW_OF_RUN = select_views().where(runs.c.id == sa.bindparam("run_id"))


def first_row(connection: Connection, /, query: sa.Select[Any], **values: Any) -> Row | None:
    return connection.execute(query, values).mappings().first()


def first_view(connection: Connection, query: sa.Select[Any], **values: Any) -> RunView | None:
    row = connection.execute(query, values).mappings().first()
    return None if row is None else view_from(row)
