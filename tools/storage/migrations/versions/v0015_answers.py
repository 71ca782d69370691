"""Questions are kept from the moment they are asked, and answers with what they are made of."""

import sqlalchemy as sa
from alembic import op

from tools.storage.types import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("turns") as turns:
        turns.add_column(sa.Column("answered_at", Instant))
        turns.add_column(sa.Column("unverified", sa.JSON, nullable=False, server_default="[]"))
        turns.add_column(sa.Column("findings", sa.JSON))
    op.execute("UPDATE turns SET answered_at = asked_at")


def downgrade() -> None:
    op.execute("DELETE FROM turns WHERE answered_at IS NULL")
    with op.batch_alter_table("turns") as turns:
        for name in ("findings", "unverified", "answered_at"):
            turns.drop_column(name)
