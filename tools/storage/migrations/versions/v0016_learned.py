"""What `restock learn` has learned of each product's coming interval."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "learned",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("product_id", "location")),
        sa.Column("value", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("product_id", "location", name="pk_learned"),
    )


def downgrade() -> None:
    op.drop_table("learned")
