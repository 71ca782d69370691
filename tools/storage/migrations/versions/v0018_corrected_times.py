"""A correction of a receipt may say when it arrived, too."""

import sqlalchemy as sa
from alembic import op

from tools.storage.types import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("receipt_corrections", sa.Column("received_at", Instant))


def downgrade() -> None:
    op.drop_column("receipt_corrections", "received_at")
