"""How far a promotion cuts the price."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("promotions", sa.Column("price_cut", sa.Float))


def downgrade() -> None:
    op.drop_column("promotions", "price_cut")
