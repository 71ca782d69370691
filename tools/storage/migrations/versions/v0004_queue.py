"""Runs that wait for a worker."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_QUEUED = "status = 'queued'"
_STANDING = "status IN ('queued', 'running', 'pending_review')"


def upgrade() -> None:
    op.add_column("runs", sa.Column("lane", sa.Text, nullable=False, server_default="interactive"))
    _index("ix_runs_queued", "lane", "created_at", where=_QUEUED)
    _index("ix_runs_standing_need", "product_id", "mode", "location", where=_STANDING)


def _index(name: str, *columns: str, where: str) -> None:
    op.create_index(name, "runs", list(columns), sqlite_where=sa.text(where), postgresql_where=sa.text(where))
