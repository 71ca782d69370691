"""Conversations keep their turns here instead of in LangGraph's checkpoints, and say what they hold."""

import sqlalchemy as sa
from alembic import op

from tools.storage.types import Instant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("conversations") as conversations:
        conversations.add_column(sa.Column("used_at", Instant))
        conversations.add_column(sa.Column("title", sa.Text, nullable=False, server_default=""))
        conversations.add_column(sa.Column("opening", sa.Text))
        conversations.add_column(sa.Column("turns", sa.Integer, nullable=False, server_default="0"))
        conversations.add_column(sa.Column("size", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE conversations SET used_at = created_at")
    with op.batch_alter_table("conversations") as conversations:
        conversations.alter_column("used_at", existing_type=Instant(), nullable=False)
        conversations.create_index("ix_conversations_owner_used_at", ["owner", "used_at"])
        conversations.create_index("ix_conversations_used_at", ["used_at"])
    op.create_table(
        "turns",
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("asked_at", Instant, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("question", "answer", "provider")),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("tools_used", "run_ids")),
        sa.Column("messages", sa.JSON),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "number", name="pk_turns"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_turns_conversation_id_conversations"
        ),
    )


def downgrade() -> None:
    op.drop_table("turns")
    with op.batch_alter_table("conversations") as conversations:
        conversations.drop_index("ix_conversations_used_at")
        conversations.drop_index("ix_conversations_owner_used_at")
        for name in ("size", "turns", "opening", "title", "used_at"):
            conversations.drop_column(name)
