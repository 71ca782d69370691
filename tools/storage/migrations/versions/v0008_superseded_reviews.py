"""A review with older facts is superseded by a newer plan, which says whose place it took."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_REVIEWED = sa.text("status IN ('pending', 'approved', 'rejected', 'expired', 'superseded')")


def upgrade() -> None:
    op.add_column("proposals", sa.Column("supersedes", sa.BigInteger))
    op.drop_index("ix_proposals_reviewed", "proposals")
    op.create_index(
        "ix_proposals_reviewed", "proposals", ["number"], sqlite_where=_REVIEWED, postgresql_where=_REVIEWED
    )


def downgrade() -> None:
    raise NotImplementedError("Superseded reviews would be unknown to the version before; restore a backup instead.")
