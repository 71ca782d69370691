"""The planner's own catalogue, its imports, sweeps over it, and purchase order documents."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeEngine

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_instant = sa.String(24).with_variant(TIMESTAMP(timezone=True), "postgresql")
_row_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_text, _json, _float, _blob = sa.Text(), sa.JSON(), sa.Float(), sa.LargeBinary()


def upgrade() -> None:
    _catalogue()
    _other_systems()
    _imports()
    _sweeps()
    _purchase_orders()


def downgrade() -> None:
    raise NotImplementedError("The catalogue would be lost; restore a backup instead.")


def _catalogue() -> None:
    _table("suppliers", ["id"], _must(_text, "id", "name"), _must(_json, "terms"))
    _table(
        "products",
        ["id"],
        _must(_text, "id", "name", "category"),
        _may(_text, "supplier_id"),
        _must(_json, "terms"),
        indexed="supplier_id",
    )
    place = ["product_id", "location"]
    _table("stock", place, _must(_text, *place), _must(_float, "on_hand", "backorders"), _must(_instant, "as_of"))
    _table("demand", place, _must(_text, *place, "first_day"), _must(_blob, "quantities", "flags"))
    _table(
        "promotions",
        [*place, "first_day"],
        _must(_text, *place, "first_day", "last_day"),
        _may(_float, "uplift"),
    )
    _table("catalogue", ["name"], _must(_text, "name"), _must(_json, "value"))


def _other_systems() -> None:
    _table(
        "purchase_lines",
        ["reference", "product_id", "location"],
        _must(_text, "reference", "product_id", "location"),
        _may(_text, "supplier_id", "ordered_on", "due_on"),
        _must(_float, "quantity", "received"),
        indexed="product_id",
    )
    key = ["supplier_id", "reference", "product_id", "received_on"]
    _table(
        "supplier_receipts", key, _must(_text, *key), _may(_text, "location", "ordered_on"), _may(_float, "quantity")
    )


def _imports() -> None:
    _table(
        "imports",
        ["number"],
        _must(_row_number, "number"),
        _must(_text, "status", "recorded_by", "recorded_by_id"),
        _must(_json, "files", "counts"),
        _must(_instant, "created_at"),
        _may(_instant, "done_at", "undone_at"),
    )
    _table(
        "import_changes",
        ["number"],
        _must(_row_number, "number"),
        _must(sa.BigInteger(), "import_number"),
        _must(_text, "table_name"),
        _must(_json, "key"),
        _may(_json, "before"),
        [_of_import("import_changes")],
        indexed="import_number",
    )
    _table(
        "import_files",
        ["import_number", "name"],
        _must(sa.BigInteger(), "import_number"),
        _must(_text, "name"),
        _may(_text, "kind"),
        _must(_json, "mapping"),
        _must(_blob, "content"),
        [_of_import("import_files")],
    )
    _table("import_profiles", ["name"], _must(_text, "name"), _must(_json, "mapping"))


def _sweeps() -> None:
    _table(
        "sweeps",
        ["id"],
        _must(_text, "id", "status", "mode", "requested_by", "requested_by_id"),
        _must(_json, "filters", "items"),
        _may(_text, "owner"),
        _must(_instant, "lease_until", "created_at"),
        _may(_instant, "finished_at"),
        _may(_text, "failure"),
    )
    op.add_column("runs", sa.Column("sweep_id", sa.Text))
    op.create_index("ix_runs_sweep_id", "runs", ["sweep_id"])


def _purchase_orders() -> None:
    group = ["mode", "supplier_id", "location", "currency"]
    _table(
        "purchase_orders",
        ["sequence"],
        _must(_row_number, "sequence"),
        _must(_text, "number", *group, "supplier_name", "status"),
        _must(_instant, "created_at"),
        _may(_instant, "sent_at"),
        _may(_text, "sent_by"),
        [sa.UniqueConstraint("number", name="uq_purchase_orders_number")],
    )
    draft = sa.text("status = 'draft'")
    op.create_index(
        "ix_purchase_orders_draft", "purchase_orders", group, unique=True, sqlite_where=draft, postgresql_where=draft
    )
    op.add_column("orders", sa.Column("purchase_order", sa.Text))
    op.create_index("ix_orders_purchase_order", "orders", ["purchase_order"])


def _table(name: str, key: list[str], *parts: Sequence[sa.schema.SchemaItem], indexed: str | None = None) -> None:
    columns = [column for part in parts for column in part]
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"))
    if indexed is not None:
        op.create_index(f"ix_{name}_{indexed}", name, [indexed])


def _must(kind: TypeEngine[Any], *names: str) -> list[sa.schema.SchemaItem]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _may(kind: TypeEngine[Any], *names: str) -> list[sa.schema.SchemaItem]:
    return [sa.Column(name, kind) for name in names]


def _of_import(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["import_number"], ["imports.number"], name=f"fk_{table}_import_number")
