"""Browsers that are signed in, and products that are left alone until a day."""

import sqlalchemy as sa
from alembic import op

from tools.storage.types import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "secret_hash")),
        *(sa.Column(name, Instant, nullable=False) for name in ("created_at", "expires_at")),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
    )
    op.create_table(
        "snoozes",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("mode", "product_id", "location")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("until", "reason", "snoozed_by")),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("mode", "product_id", "location", name="pk_snoozes"),
    )


def downgrade() -> None:
    op.drop_table("snoozes")
    op.drop_table("sessions")
