"""The latest promised receipts of all suppliers are found without reading the others."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_supplier_receipts_due_on_received_on", "supplier_receipts", ["due_on", "received_on"])


def downgrade() -> None:
    op.drop_index("ix_supplier_receipts_due_on_received_on", "supplier_receipts")
