"""The tables of those who call the service.

api_keys ──1:n── key_secrets      who may come in; a key has two secrets while it is being rotated
api_keys ──1:n── sessions         browsers that are signed in by a key, and links that sign one in once
idempotency                       what was answered to the keys that callers gave their requests
spending                          what each key, and the service by itself, has spent in a day or in total
conversations ──1:n── turns       questions and answers of chats
"""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from tools.storage.schema import metadata, optional, required
from tools.storage.types import Instant

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    *required(JSON, "scopes", "limits"),
    Column("may_approve_own", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    *optional(Instant, "expires_at", "revoked_at"),
)

key_secrets = Table(
    "key_secrets",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("key_id", Text, ForeignKey("api_keys.id"), nullable=False),
    Column("prefix", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    *optional(Instant, "expires_at", "last_used_at"),
    Index(None, "key_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    *required(Text, "kind", "secret_hash"),
    *required(Instant, "created_at", "expires_at"),
)
"""`secret_hash` is the key's: of a stored one as in `key_secrets`, or of API_KEY. A session ends with its key."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", Text, nullable=False),
    Column("status_code", Integer),
    Column("body", Text),
    *required(Instant, "lease_until", "created_at"),
)

spending = Table(
    "spending",
    metadata,
    Column("account", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("spent", BigInteger, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    *required(Instant, "created_at", "used_at"),
    Column("title", Text, nullable=False, server_default=""),
    Column("opening", Text),
    Column("turns", Integer, nullable=False, server_default="0"),
    Column("size", BigInteger, nullable=False, server_default="0"),
    Index(None, "owner", "used_at"),
    Index(None, "used_at"),
)
"""`opening` is a hash of the first question and answer; `turns` and `size` (bytes) are of what is kept."""

turns = Table(
    "turns",
    metadata,
    Column("conversation_id", Text, ForeignKey("conversations.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("asked_at", Instant, nullable=False),
    Column("answered_at", Instant),
    *required(Text, "question", "answer", "provider"),
    *required(JSON, "tools_used", "run_ids"),
    Column("unverified", JSON, nullable=False, server_default="[]"),
    Column("findings", JSON),
    Column("messages", JSON),
    Column("size", BigInteger, nullable=False),
)
"""Questions and answers. An answer is empty until `answered_at`; `unverified` is what of it no tool's result holds, and
`findings` what tools answered, for a page. `messages` is what a model is told of the newest, tool results included."""
