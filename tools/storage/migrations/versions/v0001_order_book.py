"""The order book as version 2.0 begins with it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0001"
down_revision = None

_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_instant = sa.String(24).with_variant(TIMESTAMP(timezone=True), "postgresql")
_money = sa.Text().with_variant(sa.Numeric(), "postgresql")


def upgrade() -> None:
    _create_runs()
    _create_proposals()
    _create_orders()
    _create_decisions()
    _create_outbox()
    _create_audit()
    _create_ledgers()
    _create_access()


def _text(name: str, *, nullable: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, primary_key=key)


def _at(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _instant, nullable=nullable)


def _index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)


def _create_runs() -> None:
    op.create_table(
        "runs",
        _text("id"),
        _text("product_id"),
        _text("location"),
        _text("mode"),
        _text("origin"),
        _text("requested_by"),
        sa.Column("request", sa.JSON, nullable=False),
        _text("status"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _text("owner", nullable=True),
        _at("lease_until"),
        sa.Column("product_version", sa.BigInteger, nullable=False),
        sa.Column("thread_waits", sa.Boolean, nullable=False),
        _text("failure", nullable=True),
        _at("created_at"),
        _at("finished_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    _index("ix_runs_running", "runs", "lease_until", where="status = 'running'")
    _index("ix_runs_thread_waits", "runs", "created_at", where="thread_waits")


def _create_proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("number", _number, nullable=False),
        _text("run_id"),
        sa.Column("version", sa.Integer, nullable=False),
        _text("status"),
        _text("action"),
        _text("product_id"),
        _text("product_name"),
        _text("location"),
        _text("mode"),
        _text("source_location", nullable=True),
        _text("supplier_id", nullable=True),
        _text("supplier_name", nullable=True),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("unit_price", _money, nullable=True),
        _text("currency"),
        sa.Column("lead_time_days", sa.Float, nullable=False),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("confidence", sa.JSON, nullable=False),
        sa.Column("review_reasons", sa.JSON, nullable=False),
        _text("rationale"),
        sa.Column("concerns", sa.JSON, nullable=False),
        _text("provider"),
        _text("model"),
        _text("origin"),
        _text("requested_by"),
        _at("created_at"),
        _at("expires_at", nullable=True),
        _at("decided_at", nullable=True),
        _text("decided_by", nullable=True),
        _text("decision_reason", nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_proposals"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_proposals_run_id"),
        sa.UniqueConstraint("run_id", name="uq_proposals_run_id"),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_proposals_quantity")),
    )
    _index("ix_proposals_status_number", "proposals", "status", "number")
    reviewed = "status IN ('pending', 'approved', 'rejected', 'expired')"
    _index("ix_proposals_reviewed", "proposals", "number", where=reviewed)
    pending = "status = 'pending'"
    _index("ix_proposals_pending_need", "proposals", "product_id", "mode", "location", where=pending)
    _index("ix_proposals_pending_expiry", "proposals", "expires_at", where=pending)


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("sequence", _number, nullable=False),
        _text("number"),
        _text("type"),
        _text("run_id"),
        sa.Column("proposal_number", sa.BigInteger, nullable=False),
        sa.Column("product_version", sa.BigInteger, nullable=False),
        _text("mode"),
        _text("product_id"),
        _text("product_name"),
        _text("location"),
        _text("source_location", nullable=True),
        _text("supplier_id", nullable=True),
        _text("supplier_name", nullable=True),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("unit_price", _money, nullable=True),
        _text("currency"),
        sa.Column("total", _money, nullable=True),
        _text("placed_by"),
        _text("provider"),
        _at("created_at"),
        _at("due_at"),
        sa.PrimaryKeyConstraint("sequence", name="pk_orders"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_orders_run_id"),
        sa.ForeignKeyConstraint(["proposal_number"], ["proposals.number"], name="fk_orders_proposal_number"),
        sa.UniqueConstraint("number", name="uq_orders_number"),
        sa.UniqueConstraint("run_id", name="uq_orders_run_id"),
        sa.UniqueConstraint("proposal_number", name="uq_orders_proposal_number"),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_orders_quantity")),
    )
    _index("ix_orders_product_id_mode_due_at", "orders", "product_id", "mode", "due_at")
    _index("ix_orders_mode_due_at", "orders", "mode", "due_at")
    _index("ix_orders_product_id_sequence", "orders", "product_id", "sequence")


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("proposal_number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("proposal_version", sa.Integer, nullable=False),
        _text("decision"),
        sa.Column("quantity", sa.BigInteger, nullable=True),
        _text("reason"),
        _text("decided_by"),
        _at("decided_at"),
        sa.PrimaryKeyConstraint("proposal_number", name="pk_decisions"),
        sa.ForeignKeyConstraint(["proposal_number"], ["proposals.number"], name="fk_decisions_proposal_number"),
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("sequence", _number, nullable=False),
        _text("event_id"),
        _text("event"),
        _text("run_id"),
        sa.Column("payload", sa.JSON, nullable=False),
        _at("created_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _text("owner", nullable=True),
        _at("lease_until", nullable=True),
        _at("next_attempt_at"),
        _at("delivered_at", nullable=True),
        _text("last_error", nullable=True),
        sa.PrimaryKeyConstraint("sequence", name="pk_outbox"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_outbox_run_id"),
        sa.UniqueConstraint("event_id", name="uq_outbox_event_id"),
        sa.UniqueConstraint("run_id", "event", name="uq_outbox_run_id_event"),
    )
    _index("ix_outbox_due", "outbox", "next_attempt_at", where="delivered_at IS NULL")


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", _number, nullable=False),
        _at("at"),
        _text("actor"),
        _text("event"),
        _text("run_id", nullable=True),
        sa.Column("proposal_number", sa.BigInteger, nullable=True),
        sa.Column("proposal_version", sa.Integer, nullable=True),
        _text("order_number", nullable=True),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    _index("ix_audit_run_id", "audit", "run_id")
    refuse = _refuse_on_postgresql if op.get_bind().dialect.name == "postgresql" else _refuse_on_sqlite
    refuse()


def _refuse_on_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_refuses_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        )


def _refuse_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )


def _create_ledgers() -> None:
    op.create_table(
        "product_versions",
        _text("product_id"),
        _text("mode"),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("product_id", "mode", name="pk_product_versions"),
    )
    op.create_table(
        "counters",
        _text("name"),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )


def _create_access() -> None:
    op.create_table(
        "idempotency",
        _text("caller"),
        _text("key"),
        _text("body_hash"),
        sa.Column("status_code", sa.Integer, nullable=True),
        _text("body", nullable=True),
        _at("lease_until"),
        _at("created_at"),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_idempotency"),
    )
    op.create_table(
        "api_keys",
        _text("hash"),
        _text("prefix"),
        _text("name"),
        sa.Column("scopes", sa.JSON, nullable=False),
        _at("created_at"),
        _at("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("hash", name="pk_api_keys"),
    )
    op.create_table(
        "conversations",
        _text("id"),
        _text("owner"),
        _at("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
