"""The order book's tables, with the types that store the same values alike on SQLite and on PostgreSQL.

runs ──1:1── proposals ──1:1── orders        what was asked, what was proposed, what was placed
  │              └──1:1── decisions          what a person decided on a proposal
  │                            orders ──1:1── outcomes   whether an order was right in the end
  └──────────── outbox, audit                what outside systems are to hear; who did what on which numbers
                 └──1:n── deliveries ──n:1── receivers       who hears of it, and whether they have
product_versions                             how many orders each product has seen: the clock of the double-order guard
api_keys ──1:n── key_secrets                 who may come in; a key has two secrets while it is being rotated
spending                                     what each key, and the service by itself, has spent in a day or in total
counters, idempotency, conversations
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    literal,
    literal_column,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class Instant(TypeDecorator[datetime]):
    """A moment in UTC. SQLite holds `2026-01-31T12:00:00.000Z`, whose order as text is the order in time."""

    impl = String(24)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(24))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact decimal: `numeric` on PostgreSQL, its digits as text on SQLite, which would make it a float."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(asdecimal=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return value if value is None or isinstance(value, Decimal) else Decimal(value)


def words(value: str | None) -> str | None:
    """Text as both databases can hold it."""
    if value is None or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Words(TypeDecorator[str]):
    """Text of any origin. Neither database can hold lone surrogates, nor PostgreSQL NUL: U+FFFD stands for them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return words(value)


class Now(FunctionElement[datetime]):
    """The database's clock, to the millisecond on SQLite and the microsecond on PostgreSQL."""

    type = Instant()
    inherit_cache = True


class NowPlus(FunctionElement[datetime]):
    """The database's clock, so many seconds later."""

    type = Instant()
    inherit_cache = True

    def __init__(self, seconds: float | ColumnElement[float]) -> None:
        super().__init__(seconds if isinstance(seconds, ColumnElement) else literal(float(seconds), Float))


@compiles(Now, "sqlite")
def _now_sqlite(element: Now, compiler: SQLCompiler, **kw: Any) -> str:
    return "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"


@compiles(Now, "postgresql")
def _now_postgresql(element: Now, compiler: SQLCompiler, **kw: Any) -> str:
    # now() stands still for a whole transaction, waits for locks included; an expiry must not.
    return "statement_timestamp()"


@compiles(NowPlus, "sqlite")
def _now_plus_sqlite(element: NowPlus, compiler: SQLCompiler, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%+.3f seconds', {seconds}))"


@compiles(NowPlus, "postgresql")
def _now_plus_postgresql(element: NowPlus, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(statement_timestamp() + make_interval(secs => {compiler.process(element.clauses, **kw)}))"


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
_RowNumber = BigInteger().with_variant(Integer, "sqlite")


def _when(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=literal_column(where), postgresql_where=literal_column(where))


def as_indexed(condition: str) -> ColumnElement[bool]:
    """A condition in the words of an index over part of a table. Without a type: of a boolean one SQLite is asked
    whether it `= 1`, and then reads through the whole table."""
    words: ColumnElement[bool] = literal_column(condition)
    return words


runs = Table(
    "runs",
    metadata,
    Column("id", Words, primary_key=True),
    Column("product_id", Words, nullable=False),
    Column("location", Words, nullable=False),
    Column("mode", Words, nullable=False),
    Column("origin", Words, nullable=False),
    Column("requested_by", Words, nullable=False),
    Column("requested_by_id", Words, nullable=False, server_default=""),
    Column("request", JSON, nullable=False),
    Column("status", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", Words),
    Column("lease_until", Instant, nullable=False),
    Column("product_version", BigInteger, nullable=False),
    Column("thread_waits", Boolean, nullable=False),
    Column("lane", Words, nullable=False, server_default="interactive"),
    Column("failure", Words),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
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
    Column("number", _RowNumber, primary_key=True),
    Column("run_id", Words, ForeignKey("runs.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("product_id", Words, nullable=False),
    Column("product_name", Words, nullable=False),
    Column("location", Words, nullable=False),
    Column("mode", Words, nullable=False),
    Column("source_location", Words),
    Column("supplier_id", Words),
    Column("supplier_name", Words),
    Column("quantity", BigInteger, nullable=False),
    Column("unit_price", Money),
    Column("currency", Words, nullable=False),
    Column("lead_time_days", Float, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("confidence", JSON, nullable=False),
    Column("review_reasons", JSON, nullable=False),
    Column("rationale", Words, nullable=False),
    Column("concerns", JSON, nullable=False),
    Column("provider", Words, nullable=False),
    Column("model", Words, nullable=False),
    Column("origin", Words, nullable=False),
    Column("requested_by", Words, nullable=False),
    Column("requested_by_id", Words, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("decided_at", Instant),
    Column("decided_by", Words),
    Column("decided_by_id", Words, nullable=False, server_default=""),
    Column("decision_reason", Words),
    UniqueConstraint("run_id"),
    CheckConstraint("quantity >= 0", name="quantity"),
    Index(None, "status", "number"),
    _when("ix_proposals_reviewed", "number", where="status IN ('pending', 'approved', 'rejected', 'expired')"),
    _when("ix_proposals_pending_need", "product_id", "mode", "location", where="status = 'pending'"),
    _when("ix_proposals_pending_expiry", "expires_at", where="status = 'pending'"),
)

orders = Table(
    "orders",
    metadata,
    Column("sequence", _RowNumber, primary_key=True),
    Column("number", Words, nullable=False),
    Column("type", Words, nullable=False),
    Column("run_id", Words, ForeignKey("runs.id"), nullable=False),
    Column("proposal_number", BigInteger, ForeignKey("proposals.number"), nullable=False),
    Column("product_version", BigInteger, nullable=False),
    Column("mode", Words, nullable=False),
    Column("product_id", Words, nullable=False),
    Column("product_name", Words, nullable=False),
    Column("location", Words, nullable=False),
    Column("source_location", Words),
    Column("supplier_id", Words),
    Column("supplier_name", Words),
    Column("quantity", BigInteger, nullable=False),
    Column("unit_price", Money),
    Column("currency", Words, nullable=False),
    Column("total", Money),
    Column("placed_by", Words, nullable=False),
    Column("placed_by_id", Words, nullable=False, server_default=""),
    Column("provider", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    UniqueConstraint("number"),
    UniqueConstraint("run_id"),
    UniqueConstraint("proposal_number"),
    CheckConstraint("quantity > 0", name="quantity"),
    Index(None, "product_id", "mode", "due_at"),
    Index(None, "mode", "due_at"),
    Index(None, "product_id", "sequence"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("proposal_number", BigInteger, ForeignKey("proposals.number"), primary_key=True, autoincrement=False),
    Column("proposal_version", Integer, nullable=False),
    Column("decision", Words, nullable=False),
    Column("quantity", BigInteger),
    Column("reason", Words, nullable=False),
    Column("decided_by", Words, nullable=False),
    Column("decided_by_id", Words, nullable=False, server_default=""),
    Column("decided_at", Instant, nullable=False),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("order_number", Words, ForeignKey("orders.number"), primary_key=True),
    Column("ran_out", Boolean, nullable=False),
    Column("left_over", Float, nullable=False),
    Column("received_quantity", BigInteger),
    Column("acceptable", Boolean, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("raw", Float, nullable=False),
    Column("stratum", Words, nullable=False),
    Column("route", Words, nullable=False),
    Column("recorded_by", Words, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Index(None, "recorded_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("sequence", _RowNumber, primary_key=True),
    Column("event_id", Words, nullable=False),
    Column("event", Words, nullable=False),
    Column("run_id", Words, ForeignKey("runs.id"), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("handed_out_at", Instant),
    UniqueConstraint("event_id"),
    UniqueConstraint("run_id", "event"),
    _when("ix_outbox_waiting", "sequence", where="handed_out_at IS NULL"),
)

receivers = Table(
    "receivers",
    metadata,
    Column("name", Words, primary_key=True),
    Column("events", JSON, nullable=False),
    Column("since", Instant, nullable=False),
    Column("named_until", Instant, nullable=False),
    Column("paused_until", Instant),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", _RowNumber, primary_key=True),
    Column("event_sequence", BigInteger, ForeignKey("outbox.sequence"), nullable=False),
    Column("receiver", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", Words),
    Column("due_at", Instant, nullable=False),
    Column("last_error", Words),
    Column("happened_at", Instant, nullable=False),
    Column("finished_at", Instant),
    UniqueConstraint("event_sequence", "receiver"),
    _when("ix_deliveries_due", "receiver", "due_at", where="status = 'pending'"),
    _when("ix_deliveries_dead", "number", where="status = 'dead'"),
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", _RowNumber, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Words, nullable=False),
    Column("actor_id", Words, nullable=False, server_default=""),
    Column("event", Words, nullable=False),
    Column("run_id", Words),
    Column("proposal_number", BigInteger),
    Column("proposal_version", Integer),
    Column("order_number", Words),
    Column("figures", JSON, nullable=False),
    Index(None, "run_id"),
)

product_versions = Table(
    "product_versions",
    metadata,
    Column("product_id", Words, primary_key=True),
    Column("mode", Words, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Words, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("body_hash", Words, nullable=False),
    Column("status_code", Integer),
    Column("body", Words),
    Column("lease_until", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("limits", JSON, nullable=False),
    Column("may_approve_own", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
)

key_secrets = Table(
    "key_secrets",
    metadata,
    Column("hash", Words, primary_key=True),
    Column("key_id", Words, ForeignKey("api_keys.id"), nullable=False),
    Column("prefix", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Index(None, "key_id"),
)

spending = Table(
    "spending",
    metadata,
    Column("account", Words, primary_key=True),
    Column("period", Words, primary_key=True),
    Column("currency", Words, primary_key=True),
    Column("spent", BigInteger, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Words, primary_key=True),
    Column("owner", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
)
