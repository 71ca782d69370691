"""Whether placed orders were right in the end."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0005"
down_revision = "0004"

_instant = sa.String(24).with_variant(TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "outcomes",
        sa.Column("order_number", sa.Text, sa.ForeignKey("orders.number", name="fk_outcomes_order_number")),
        sa.Column("ran_out", sa.Boolean, nullable=False),
        sa.Column("left_over", sa.Float, nullable=False),
        sa.Column("received_quantity", sa.BigInteger),
        sa.Column("acceptable", sa.Boolean, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("raw", sa.Float, nullable=False),
        sa.Column("stratum", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("recorded_at", _instant, nullable=False),
        sa.PrimaryKeyConstraint("order_number", name="pk_outcomes"),
    )
    op.create_index("ix_outcomes_recorded_at", "outcomes", ["recorded_at"])
