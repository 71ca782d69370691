"""The order book's tables.

runs ──1:1── proposals ──1:1── orders        what was asked, what was proposed, what was placed
  │              └──1:1── decisions          what a person decided on a proposal
  │                            orders ──1:n── receipts       what arrived of an order, and when
  │                            orders ──1:1── outcomes   whether an order was right in the end
  └──────────── outbox, audit                what outside systems are to hear; who did what on which numbers
                 └──1:n── deliveries ──n:1── receivers       who hears of it, and whether they have
product_versions                             how many orders each product has seen: the clock of the double-order guard
sweeps ──1:n── runs                          the whole catalogue at once, and the runs that came of it
purchase_orders ──1:n── orders               the documents in which lines of one supplier are gathered
snoozes                                      products that today's list leaves alone until a day
counters
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.types import TypeEngine

from tools.storage.types import Instant, Money, Quantity

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only when the key's type is exactly INTEGER.
RowNumber = BigInteger().with_variant(Integer, "sqlite")


def _when(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition: ColumnElement[bool] = literal_column(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def required(kind: type[TypeEngine[Any]], *names: str) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False) for name in names]


def optional(kind: type[TypeEngine[Any]], *names: str) -> list[Column[Any]]:
    return [Column(name, kind) for name in names]


runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    *required(Text, "product_id", "location", "mode", "origin", "requested_by", "status"),
    Column("requested_by_id", Text, nullable=False, server_default=""),
    Column("request", JSON, nullable=False),
    Column("attempts", Integer, nullable=False),
    *optional(Text, "owner", "failure"),
    *required(Instant, "lease_until", "created_at"),
    Column("product_version", BigInteger, nullable=False),
    Column("thread_waits", Boolean, nullable=False),
    Column("lane", Text, nullable=False, server_default="interactive"),
    Column("finished_at", Instant),
    Column("sweep_id", Text),
    Index(None, "sweep_id"),
    _when("ix_runs_running", "lease_until", where="status = 'running'"),
    _when("ix_runs_thread_waits", "created_at", where="thread_waits"),
    _when("ix_runs_queued", "lane", "created_at", where="status = 'queued'"),
    _when(
        "ix_runs_standing_need",
        "product_id",
        "mode",
        "location",
        where="status IN ('queued', 'running', 'pending_review')",
    ),
)

proposals = Table(
    "proposals",
    metadata,
    Column("number", RowNumber, primary_key=True),
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False),
    Column("version", Integer, nullable=False),
    *required(Text, "status", "action", "product_id", "product_name", "location", "mode", "currency"),
    *required(Text, "rationale", "provider", "model", "origin", "requested_by"),
    *optional(Text, "source_location", "supplier_id", "supplier_name", "decided_by", "decision_reason"),
    Column("quantity", Quantity, nullable=False),
    Column("unit_price", Money),
    Column("lead_time_days", Float, nullable=False),
    *required(JSON, "plan", "confidence", "review_reasons", "concerns"),
    Column("requested_by_id", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    *optional(Instant, "expires_at", "decided_at"),
    Column("decided_by_id", Text, nullable=False, server_default=""),
    Column("supersedes", BigInteger),
    UniqueConstraint("run_id"),
    CheckConstraint("quantity >= 0", name="quantity"),
    Index(None, "status", "number"),
    _when(
        "ix_proposals_reviewed",
        "number",
        where="status IN ('pending', 'approved', 'rejected', 'expired', 'superseded')",
    ),
    _when("ix_proposals_pending_need", "product_id", "mode", "location", where="status = 'pending'"),
    _when("ix_proposals_pending_expiry", "expires_at", where="status = 'pending'"),
)

orders = Table(
    "orders",
    metadata,
    Column("sequence", RowNumber, primary_key=True),
    *required(Text, "number", "type", "mode", "product_id", "product_name", "location", "currency"),
    *required(Text, "placed_by", "provider"),
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False),
    Column("proposal_number", BigInteger, ForeignKey("proposals.number"), nullable=False),
    Column("product_version", BigInteger, nullable=False),
    Column("quantity", Quantity, nullable=False),
    *optional(Text, "source_location", "supplier_id", "supplier_name"),
    *optional(Money, "unit_price", "total"),
    Column("placed_by_id", Text, nullable=False, server_default=""),
    *required(Instant, "created_at", "due_at"),
    Column("status", Text, nullable=False, server_default="placed"),
    Column("received_quantity", Quantity, nullable=False, server_default="0"),
    Column("cover_days", Float),
    *optional(Instant, "sent_at", "closed_at"),
    Column("cancel_reason", Text),
    Column("purchase_order", Text),
    Index(None, "purchase_order"),
    UniqueConstraint("number"),
    UniqueConstraint("run_id"),
    UniqueConstraint("proposal_number"),
    CheckConstraint("quantity > 0", name="quantity"),
    Index(None, "product_id", "sequence"),
    _when("ix_orders_open", "mode", "product_id", "due_at", where="status IN ('placed', 'sent', 'partly_received')"),
    _when("ix_orders_received", "mode", "supplier_id", "closed_at", where="status = 'received'"),
)

purchase_orders = Table(
    "purchase_orders",
    metadata,
    Column("sequence", RowNumber, primary_key=True),
    *required(Text, "number", "mode", "supplier_id", "supplier_name", "location", "currency", "status"),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("sent_by", Text),
    UniqueConstraint("number"),
    _when(
        "ix_purchase_orders_draft",
        "mode",
        "supplier_id",
        "location",
        "currency",
        where="status = 'draft'",
        unique=True,
    ),
)
"""Lines of one supplier, location and currency. There is one draft of each, until it is sent."""

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Text, primary_key=True),
    *required(Text, "status", "mode", "requested_by", "requested_by_id"),
    *required(JSON, "filters", "items"),
    Column("owner", Text),
    *required(Instant, "lease_until", "created_at"),
    Column("finished_at", Instant),
    Column("failure", Text),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_number", Text, ForeignKey("orders.number"), nullable=False),
    Column("quantity", Quantity, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_by_id", Text, nullable=False, server_default=""),
    Column("recorded_at", Instant, nullable=False),
    CheckConstraint("quantity > 0", name="quantity"),
    Index(None, "order_number"),
)

receipt_corrections = Table(
    "receipt_corrections",
    metadata,
    Column("number", RowNumber, primary_key=True),
    *required(Text, "id", "reason", "recorded_by", "recorded_by_id"),
    Column("receipt_id", Text, ForeignKey("receipts.id"), nullable=False),
    *required(Quantity, "quantity_before", "quantity"),
    Column("recorded_at", Instant, nullable=False),
    Column("received_at", Instant),
    UniqueConstraint("id"),
    Index(None, "receipt_id"),
)
"""Receipts stay as they were recorded. What arrived, and when, is as the last correction says that says it."""

decisions = Table(
    "decisions",
    metadata,
    Column("proposal_number", BigInteger, ForeignKey("proposals.number"), primary_key=True, autoincrement=False),
    Column("proposal_version", Integer, nullable=False),
    *required(Text, "decision", "reason", "decided_by"),
    Column("quantity", Quantity),
    Column("decided_by_id", Text, nullable=False, server_default=""),
    Column("decided_at", Instant, nullable=False),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("order_number", Text, ForeignKey("orders.number"), primary_key=True),
    *required(Boolean, "ran_out", "acceptable"),
    *required(Float, "left_over", "confidence", "raw"),
    Column("received_quantity", Quantity),
    *required(Text, "stratum", "route", "recorded_by"),
    Column("recorded_at", Instant, nullable=False),
    Index(None, "recorded_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("sequence", RowNumber, primary_key=True),
    *required(Text, "event_id", "event"),
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("handed_out_at", Instant),
    Column("occasion", Text, nullable=False, server_default=""),
    UniqueConstraint("event_id"),
    UniqueConstraint("run_id", "event", "occasion"),
    _when("ix_outbox_waiting", "sequence", where="handed_out_at IS NULL"),
)

receivers = Table(
    "receivers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("events", JSON, nullable=False),
    Column("since", Instant, nullable=False),
    Column("named_until", Instant, nullable=False),
    Column("paused_until", Instant),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", RowNumber, primary_key=True),
    Column("event_sequence", BigInteger, ForeignKey("outbox.sequence"), nullable=False),
    Column("receiver", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", Text),
    Column("due_at", Instant, nullable=False),
    Column("last_error", Text),
    Column("happened_at", Instant, nullable=False),
    Column("finished_at", Instant),
    UniqueConstraint("event_sequence", "receiver"),
    _when("ix_deliveries_due", "receiver", "due_at", where="status = 'pending'"),
    _when("ix_deliveries_dead", "number", where="status = 'dead'"),
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", RowNumber, primary_key=True),
    Column("at", Instant, nullable=False),
    *required(Text, "actor", "event"),
    Column("actor_id", Text, nullable=False, server_default=""),
    *optional(Text, "run_id", "order_number"),
    Column("proposal_number", BigInteger),
    Column("proposal_version", Integer),
    Column("figures", JSON, nullable=False),
    Index(None, "run_id"),
)

product_versions = Table(
    "product_versions",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

snoozes = Table(
    "snoozes",
    metadata,
    *(Column(name, Text, primary_key=True) for name in ("mode", "product_id", "location")),
    *required(Text, "until", "reason", "snoozed_by"),
    Column("created_at", Instant, nullable=False),
)
