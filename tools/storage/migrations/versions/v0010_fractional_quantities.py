"""Quantities may have fractions: half a kilogram. Existing ones keep their numbers.

SQLite's columns hold whole numbers and fractions as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_QUANTITIES = {
    "proposals": ("quantity",),
    "orders": ("quantity", "received_quantity"),
    "receipts": ("quantity",),
    "decisions": ("quantity",),
    "outcomes": ("received_quantity",),
}


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table, columns in _QUANTITIES.items():
        for column in columns:
            op.alter_column(table, column, type_=sa.Double(), existing_type=sa.BigInteger())


def downgrade() -> None:
    raise NotImplementedError("Fractions would be lost; restore a backup instead.")
