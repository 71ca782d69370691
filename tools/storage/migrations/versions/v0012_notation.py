"""Of a file that waits to be imported: how its numbers and dates are written, and which sheet is read."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_files", sa.Column("notation", sa.JSON))


def downgrade() -> None:
    op.drop_column("import_files", "notation")
