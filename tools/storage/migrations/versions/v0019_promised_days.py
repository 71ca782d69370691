"""The day for which a receipt of another system was promised, so that it tells how late its supplier is."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("supplier_receipts", sa.Column("due_on", sa.Text))


def downgrade() -> None:
    op.drop_column("supplier_receipts", "due_on")
