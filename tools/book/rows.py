"""The order book's rows as records, and a record's identity as people read it."""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.records.errors import UnknownReview
from tools.records.orders import (
    NewProposal,
    Order,
    OrderLine,
    Proposal,
    Run,
    RunView,
)
from tools.storage.schema import orders, proposals, runs
from tools.storage.types import Now

Row = Mapping[Any, Any]
"""Values by column."""
MAX_PAGE = 200
_RUN_COLUMNS = [runs.c[name] for name in Run.model_fields]
_REVIEW_ID = re.compile(r"RV-(\d{6,18})", re.ASCII)


def page_size(limit: int) -> int:
    """A list's length as asked, within 1 … 200."""
    return max(1, min(limit, MAX_PAGE))


def review_id(number: int) -> str:
    """
    >>> review_id(123)
    'RV-000123'
    """
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
    return Run.model_validate({column.name: row[column] for column in _RUN_COLUMNS})


def proposal_from(row: Row) -> Proposal:
    values = {column.name: row[column] for column in proposals.c}
    return Proposal.model_validate({"id": review_id(values.pop("number"))} | values)


def order_from(row: Row) -> Order:
    values = {name: row[orders.c[name]] for name in Order.model_fields if name in orders.c}
    line = OrderLine(
        product_id=row[orders.c.product_id],
        name=row[orders.c.product_name],
        quantity=row[orders.c.quantity],
        unit_price=row[orders.c.unit_price],
        value=row[orders.c.total],
    )
    return Order.model_validate(values | {"proposal_id": review_id(row[orders.c.proposal_number]), "items": (line,)})


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


def select_views() -> sa.Select[Any]:
    """Runs with what came of them, and the database's time as `now`; add a WHERE."""
    joined = runs.outerjoin(proposals, proposals.c.run_id == runs.c.id).outerjoin(orders, orders.c.run_id == runs.c.id)
    return sa.select(runs, proposals, orders, Now().label("now")).select_from(joined)


def is_overdue(row: Row) -> bool:
    """The row's proposal still waits, but its time is over."""
    return row[proposals.c.status] == "pending" and bool(row[proposals.c.expires_at] <= row["now"])


VIEW_OF_RUN = select_views().where(runs.c.id == sa.bindparam("run_id"))


def first_view(connection: Connection, query: sa.Select[Any], **values: Any) -> RunView | None:
    row = connection.execute(query, values).mappings().first()
    return None if row is None else view_from(row)
