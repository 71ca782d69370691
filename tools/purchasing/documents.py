"""A purchase order as a document: the lines of one supplier, location and currency.

    draft ── send ──→ sent ── every line is received or cancelled ──→ closed

Orders join the draft as they are placed. A line that is cancelled, sent or received by itself leaves it.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from tools.purchasing.terms import Terms, next_order_day
from tools.records.facts import CurrencyCode, Location, Mode, Record
from tools.records.orders import OPEN_STATUSES, Order

DocumentStatus = Annotated[
    Literal["draft", "sent", "closed"],
    Field(description="`draft`: it gathers lines. `sent`: lines are on the way. `closed`: nothing more is to come."),
]
DRAFT_DAYS = timedelta(days=1)
"""How long a draft may wait where the supplier takes orders on every day."""


class DocumentHead(Record):
    """A purchase order without its lines."""

    number: str
    """Number of the document: PD-2026-000001."""
    status: DocumentStatus
    mode: Mode
    supplier_id: str
    """The supplier's id, or its name in mode `input`; empty where it is not known."""
    supplier_name: str
    """The supplier's name; empty where it is not known."""
    location: Location
    currency: CurrencyCode
    line_count: int
    """Lines, cancelled ones included."""
    open_lines: int
    """Lines of which something is still to come."""
    unpriced_lines: int
    """Lines without a price."""
    total: Decimal | None
    """Value of all lines; null when a price is not known."""
    version: str
    """Stands for the lines that are listed. Send it with `sent`."""
    opened_at: AwareDatetime
    """When the oldest of its lines was placed."""
    sent_at: AwareDatetime | None
    """When it was sent; null for a draft."""
    sent_by: str | None
    """Name of the key that sent it; null for a draft."""
    late: bool
    """A draft that was not sent by its supplier's order day, or for a day; a sent one with a line overdue."""
    minimum_order_value: Decimal | None
    """The supplier's, in `terms_currency`; null for none."""
    free_freight_value: Decimal | None
    """From here on the supplier pays the freight; null where that is not known."""
    terms_currency: CurrencyCode
    missing_to_minimum: Decimal | None
    """What a draft lacks to the minimum; null without one, or where prices or currencies do not let it be said."""
    missing_to_free_freight: Decimal | None
    """What a draft lacks to free freight; null as above."""
    next_order_day: date | None
    """The next day on which the supplier takes orders, from today on; null where that is every day."""


class Document(DocumentHead):
    lines: tuple[Order, ...]
    """Its orders, oldest first."""

    @property
    def lacks_minimum(self) -> bool:
        """Whether a draft is below its supplier's minimum, or that cannot be said."""
        return self.minimum_order_value is not None and self.missing_to_minimum != 0


def document_of(
    row: Any, lines: Sequence[Order], terms: Terms, *, now: datetime, time_zone: str, base_currency: str
) -> Document:
    """The stored row and its lines, judged by the supplier's terms. Days are those of the catalogue's time zone."""
    zone, draft = ZoneInfo(time_zone), row["status"] == "draft"
    opened_at = min((line.created_at for line in lines), default=row["created_at"])
    open_lines = sum(line.status in OPEN_STATUSES for line in lines)
    known = sum((line.total for line in lines if line.total is not None), Decimal(0))
    unpriced, terms_currency = sum(line.total is None for line in lines), terms.currency or base_currency
    values = (terms.minimum_order_value, terms.free_freight_value)
    compared = values if draft and row["currency"] == terms_currency else (None, None)
    to_minimum, to_free_freight = (_missing_to(value, known, unpriced=unpriced) for value in compared)
    return Document(
        **{name: row[name] for name in ("number", "mode", "supplier_id", "supplier_name", "location", "currency")},
        status="draft" if draft else "sent" if open_lines else "closed",
        line_count=len(lines),
        open_lines=open_lines,
        unpriced_lines=unpriced,
        total=None if unpriced else known,
        version=version_of(lines),
        opened_at=opened_at,
        sent_at=row["sent_at"],
        sent_by=row["sent_by"],
        late=_is_late_draft(terms, opened_at, now, zone) if draft else any(line.days_overdue for line in lines),
        minimum_order_value=terms.minimum_order_value,
        free_freight_value=terms.free_freight_value,
        terms_currency=terms_currency,
        missing_to_minimum=to_minimum,
        missing_to_free_freight=to_free_freight,
        next_order_day=next_order_day(terms.order_days, now.astimezone(zone).date()),
        lines=tuple(lines),
    )


def version_of(lines: Sequence[Order]) -> str:
    """The quantities of an order never change before it is sent, so its number stands for it."""
    return sha256(",".join(line.number for line in lines).encode()).hexdigest()[:8]


def _is_late_draft(terms: Terms, opened_at: datetime, now: datetime, zone: ZoneInfo) -> bool:
    day = next_order_day(terms.order_days, opened_at.astimezone(zone).date())
    return now - opened_at > DRAFT_DAYS if day is None else now.astimezone(zone).date() > day


def _missing_to(value: Decimal | None, known: Decimal, *, unpriced: int) -> Decimal | None:
    if value is None:
        return None
    if known >= value:
        return Decimal(0)
    return None if unpriced else value - known
