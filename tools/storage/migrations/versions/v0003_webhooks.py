"""Where events are sent, and what became of each delivery. The outbox gives up its columns for a single receiver."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0003"
down_revision = "0002"

_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_instant = sa.String(24).with_variant(TIMESTAMP(timezone=True), "postgresql")
_WAITING = sa.text("handed_out_at IS NULL")
_PENDING = sa.text("status = 'pending'")
_DEAD = sa.text("status = 'dead'")


def upgrade() -> None:
    _let_the_outbox_hold_events_alone()
    _create_webhooks()
    _create_deliveries()


def _let_the_outbox_hold_events_alone() -> None:
    op.drop_index("ix_outbox_due", "outbox")
    for column in ("attempts", "owner", "lease_until", "next_attempt_at", "delivered_at", "last_error"):
        op.drop_column("outbox", column)
    op.add_column("outbox", sa.Column("handed_out_at", _instant))
    _index("ix_outbox_waiting", "outbox", "sequence", where=_WAITING)


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("disabled_reason", sa.Text),
        sa.Column("paused_until", _instant),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("old_secret", sa.Text),
        sa.Column("old_secret_until", _instant),
        sa.Column("created_at", _instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
        sa.UniqueConstraint("url", name="uq_webhooks_url"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("number", _number, nullable=False),
        sa.Column("event_sequence", sa.BigInteger, nullable=False),
        sa.Column("webhook_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("due_at", _instant, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("happened_at", _instant, nullable=False),
        sa.Column("finished_at", _instant),
        sa.PrimaryKeyConstraint("number", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["event_sequence"], ["outbox.sequence"], name="fk_deliveries_event_sequence"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id"),
        sa.UniqueConstraint("event_sequence", "webhook_id", name="uq_deliveries_event_sequence_webhook_id"),
    )
    _index("ix_deliveries_due", "deliveries", "webhook_id", "due_at", where=_PENDING)
    _index("ix_deliveries_dead", "deliveries", "number", where=_DEAD)


def _index(name: str, table: str, *columns: str, where: sa.TextClause) -> None:
    op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)
