"""An order lives until it is received or cancelled. Those of earlier versions are placed: nobody has said more of them.

An order may arrive in parts, and each has its event: a run's events of a kind are now told apart by their occasion.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_instant = sa.String(24).with_variant(TIMESTAMP(timezone=True), "postgresql")
_OPEN = "status IN ('placed', 'sent', 'partly_received')"
_orders = sa.table("orders", *map(sa.column, ("proposal_number", "quantity", "cover_days")))
_proposals = sa.table("proposals", sa.column("number"), sa.column("plan", sa.JSON))


def upgrade() -> None:
    _let_orders_live_on()
    _let_receipts_come_in()
    _let_a_run_have_several_receipts()


def _let_orders_live_on() -> None:
    op.add_column("orders", sa.Column("status", sa.Text, nullable=False, server_default="placed"))
    op.add_column("orders", sa.Column("received_quantity", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("orders", sa.Column("cover_days", sa.Float))
    op.add_column("orders", sa.Column("sent_at", _instant))
    op.add_column("orders", sa.Column("closed_at", _instant))
    op.add_column("orders", sa.Column("cancel_reason", sa.Text))
    demand = sa.select(_proposals.c.plan["mean_per_day"].as_float()).scalar_subquery()
    demand = demand.where(_proposals.c.number == _orders.c.proposal_number)
    op.execute(sa.update(_orders).values(cover_days=_orders.c.quantity / sa.func.nullif(demand, 0.0)))
    op.drop_index("ix_orders_product_id_mode_due_at", "orders")
    op.drop_index("ix_orders_mode_due_at", "orders")
    _index("ix_orders_open", "orders", "mode", "product_id", "due_at", where=_OPEN)
    _index("ix_orders_received", "orders", "mode", "supplier_id", "closed_at", where="status = 'received'")


def _let_receipts_come_in() -> None:
    op.create_table(
        "receipts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("order_number", sa.Text, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("received_at", _instant, nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("recorded_by_id", sa.Text, nullable=False, server_default=""),
        sa.Column("recorded_at", _instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
        sa.ForeignKeyConstraint(["order_number"], ["orders.number"], name="fk_receipts_order_number"),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_receipts_quantity")),
    )
    op.create_index("ix_receipts_order_number", "receipts", ["order_number"])


def _let_a_run_have_several_receipts() -> None:
    """SQLite copies a table to change its rules, and only one that no other table refers to."""
    with op.batch_alter_table("deliveries") as table:
        table.drop_constraint("fk_deliveries_event_sequence", type_="foreignkey")
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("occasion", sa.Text, nullable=False, server_default=""))
        table.drop_constraint("uq_outbox_run_id_event", type_="unique")
        table.create_unique_constraint("uq_outbox_run_id_event_occasion", ["run_id", "event", "occasion"])
    with op.batch_alter_table("deliveries") as table:
        table.create_foreign_key("fk_deliveries_event_sequence", "outbox", ["event_sequence"], ["sequence"])


def _index(name: str, table: str, *columns: str, where: str) -> None:
    op.create_index(name, table, list(columns), sqlite_where=sa.text(where), postgresql_where=sa.text(where))
