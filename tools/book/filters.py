"""What a list of orders or reviews is narrowed to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from tools.book.placing import PENDING_NOW
from tools.book.rows import OPEN
from tools.planning.gate import ONLY_PROPOSES
from tools.storage.schema import orders, proposals
from tools.storage.types import Now, NowPlus

REVIEW_WAITS = timedelta(days=1)
"""A review that has waited longer is late."""
_ROUNDING = Decimal(1) - Decimal("1e-9")
"""SQLite keeps prices as text and compares them as floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """None takes everything. `product` and `supplier` are a part of an id or a name, in any case. `since` is the first
    moment and `until` the one after the last. `value` is the least, in each order's own currency, which an order
    without a price does not reach."""

    product_id: str | None = None
    product: str | None = None
    supplier: str | None = None
    location: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    late: bool | None = None
    value: Decimal | None = None
    safe: bool | None = None
    """Of reviews: whether one waits only because automatic ordering is off."""

    def of_orders(self) -> list[sa.ColumnElement[bool]]:
        """An order is late once it is due and open."""
        late = sa.and_(OPEN, orders.c.due_at < Now())
        return [*self._common(orders, late), *self._worth(sa.cast(orders.c.total, sa.Float))]

    def of_reviews(self) -> list[sa.ColumnElement[bool]]:
        """A review is late once it has waited for a day."""
        late = sa.and_(PENDING_NOW, proposals.c.created_at < NowPlus(-REVIEW_WAITS.total_seconds()))
        worth = sa.cast(proposals.c.unit_price, sa.Float) * proposals.c.quantity
        return [*self._common(proposals, late), *self._worth(worth), *self._safe()]

    def _safe(self) -> Iterator[sa.ColumnElement[bool]]:
        if self.safe is not None:
            first, second = (sa.func.coalesce(proposals.c.review_reasons[at].as_string(), "") for at in (0, 1))
            safe = sa.and_(first == ONLY_PROPOSES, second == "")
            yield safe if self.safe else sa.not_(safe)

    def _common(self, table: sa.Table, late: sa.ColumnElement[bool]) -> Iterator[sa.ColumnElement[bool]]:
        if self.product_id is not None:
            yield table.c.product_id == self.product_id
        if self.product is not None:
            yield part_of(self.product, table.c.product_id, table.c.product_name)
        if self.supplier is not None:
            yield part_of(self.supplier, table.c.supplier_id, table.c.supplier_name)
        if self.location is not None:
            yield table.c.location == self.location
        if self.since is not None:
            yield table.c.created_at >= self.since
        if self.until is not None:
            yield table.c.created_at < self.until
        if self.late is not None:
            yield late if self.late else sa.not_(late)

    def _worth(self, worth: sa.ColumnElement[float]) -> Iterator[sa.ColumnElement[bool]]:
        if self.value is not None:
            yield worth >= float(self.value * _ROUNDING)


def part_of(text: str, *columns: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether any of the columns contains the text, in any case."""
    return sa.or_(*(column.icontains(text, autoescape=True) for column in columns))


EVERYTHING = Filters()
