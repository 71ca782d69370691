"""Keys with an identity, limits and an end; the money that they have spent; whose key did what."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0002"
down_revision = "0001"

_instant = sa.String(24).with_variant(TIMESTAMP(timezone=True), "postgresql")
_ACTORS = (
    ("runs", "requested_by_id"),
    ("proposals", "requested_by_id"),
    ("proposals", "decided_by_id"),
    ("orders", "placed_by_id"),
    ("decisions", "decided_by_id"),
    ("audit", "actor_id"),
)


def upgrade() -> None:
    for table, column in _ACTORS:
        op.add_column(table, sa.Column(column, sa.Text, nullable=False, server_default=""))
    op.create_table(
        "spending",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("spent", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "period", "currency", name="pk_spending"),
    )
    before = _rows("api_keys")
    op.drop_table("api_keys")
    keys, secrets = _create_keys(), _create_secrets()
    for row in before:
        identity = f"key_{row['hash'][:12]}"
        op.execute(keys.insert().values(id=identity, limits=[], may_approve_own=True, **_same(row, *_KEPT)))
        op.execute(secrets.insert().values(key_id=identity, **_same(row, "hash", "prefix", "created_at")))


_KEPT = ("name", "scopes", "created_at", "revoked_at")


def _rows(table: str) -> list[dict[str, Any]]:
    loaded = sa.Table(table, sa.MetaData(), autoload_with=op.get_bind(), resolve_fks=False)
    return [dict(row) for row in op.get_bind().execute(sa.select(loaded)).mappings()]


def _same(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _create_keys() -> sa.Table:
    return op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("limits", sa.JSON, nullable=False),
        sa.Column("may_approve_own", sa.Boolean, nullable=False),
        sa.Column("created_at", _instant, nullable=False),
        sa.Column("expires_at", _instant, nullable=True),
        sa.Column("revoked_at", _instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )


def _create_secrets() -> sa.Table:
    secrets = op.create_table(
        "key_secrets",
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("created_at", _instant, nullable=False),
        sa.Column("expires_at", _instant, nullable=True),
        sa.Column("last_used_at", _instant, nullable=True),
        sa.PrimaryKeyConstraint("hash", name="pk_key_secrets"),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_key_secrets_key_id"),
    )
    op.create_index("ix_key_secrets_key_id", "key_secrets", ["key_id"])
    return secrets
