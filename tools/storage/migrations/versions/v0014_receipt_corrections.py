"""A receipt that was wrong is set right by a record of its own."""

import sqlalchemy as sa
from alembic import op

from tools.storage.types import Instant, Quantity

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt_corrections",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "reason", "recorded_by", "recorded_by_id")),
        sa.Column("receipt_id", sa.Text, nullable=False),
        *(sa.Column(name, Quantity, nullable=False) for name in ("quantity_before", "quantity")),
        sa.Column("recorded_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_receipt_corrections"),
        sa.UniqueConstraint("id", name="uq_receipt_corrections_id"),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name="fk_receipt_corrections_receipt_id_receipts"),
    )
    op.create_index("ix_receipt_corrections_receipt_id", "receipt_corrections", ["receipt_id"])


def downgrade() -> None:
    op.drop_table("receipt_corrections")
