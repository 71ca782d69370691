"""Receivers of webhooks are listed in a setting. Those that were stored are printed, once: their secrets end here.

Events wait for a stored receiver until the setting names its address, for 30 days at most. Answers kept for repeated
requests keep no hash: it covered fields that nobody sent.
"""

import json
import sys
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op
from pydantic import HttpUrl
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0006"
down_revision = "0005"

_instant = sa.String(24).with_variant(TIMESTAMP(timezone=True), "postgresql")
_PENDING = sa.text("status = 'pending'")
_DEAD = sa.text("status = 'dead'")
_IN_30_DAYS = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+30 days')",
    "postgresql": "now() + interval '30 days'",
}
_webhooks = sa.table(
    "webhooks",
    *(sa.column(name) for name in ("id", "url", "created_at", "paused_until")),
    sa.column("events", sa.JSON),
    sa.column("enabled", sa.Boolean),
)
_TOLD = """Receivers of webhooks are listed in the setting WEBHOOKS from now on. These were stored. Events wait for them
until WEBHOOKS names their addresses, for 30 days at most. Give each a new secret, which is whsec_ and the output of
`openssl rand -base64 32`, and let the receiver have it:
WEBHOOKS='{listed}'
"""


def upgrade() -> None:
    op.create_table(
        "receivers",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("since", _instant, nullable=False),
        sa.Column("named_until", _instant, nullable=False),
        sa.Column("paused_until", _instant),
        sa.PrimaryKeyConstraint("name", name="pk_receivers"),
    )
    _let_deliveries_name_their_receiver()
    stored = op.get_bind().execute(sa.select(_webhooks).order_by(_webhooks.c.created_at)).all()
    for webhook in stored:
        _keep(webhook)
    _tell([webhook for webhook in stored if webhook.enabled])
    op.drop_table("webhooks")
    _let_runs_keep_triggers()


def _let_runs_keep_triggers() -> None:
    """Which run answered a trigger is found by the id of the run that the trigger would begin."""
    op.execute("DELETE FROM idempotency WHERE status_code IS NULL")
    op.execute("UPDATE idempotency SET body_hash = ''")
    bind = op.get_bind()
    stored = sa.text("SELECT caller, key, body FROM idempotency WHERE caller LIKE '% /inventory-trigger'")
    for caller, key, body in bind.execute(stored).all():
        run_id = sha256(f"{caller}\n{key}".encode()).hexdigest()[:32]
        change = sa.text(
            "UPDATE idempotency SET caller = '', key = :run_id, body = :body WHERE (caller, key) = (:caller, :key)"
        )
        answered = {"run_id": run_id, "body": json.loads(body)["run_id"], "caller": caller, "key": key}
        bind.execute(change, answered)


def _let_deliveries_name_their_receiver() -> None:
    """SQLite copies the table for it, and a copy can only hold a rule for a column that it has under this name."""
    op.drop_index("ix_deliveries_due", "deliveries")
    op.drop_index("ix_deliveries_dead", "deliveries")
    with op.batch_alter_table("deliveries") as table:
        table.drop_constraint("fk_deliveries_webhook_id", type_="foreignkey")
        table.drop_constraint("uq_deliveries_event_sequence_webhook_id", type_="unique")
        table.alter_column("webhook_id", new_column_name="receiver")
    with op.batch_alter_table("deliveries") as table:
        table.create_unique_constraint("uq_deliveries_event_sequence_receiver", ["event_sequence", "receiver"])
    _index("ix_deliveries_due", "receiver", "due_at", where=_PENDING)
    _index("ix_deliveries_dead", "number", where=_DEAD)


def _index(name: str, *columns: str, where: sa.TextClause) -> None:
    op.create_index(name, "deliveries", list(columns), sqlite_where=where, postgresql_where=where)


def _keep(webhook: Any) -> None:
    """Its deliveries, and itself if it is enabled, under the name that its address has in the code."""
    url, bind = HttpUrl(webhook.url), op.get_bind()
    name = f"{url.host}-{sha256(str(url).encode()).hexdigest()[:8]}"
    bind.execute(
        sa.text("UPDATE deliveries SET receiver = :name WHERE receiver = :id"), {"name": name, "id": webhook.id}
    )
    kept = ("name", "events", "since", "named_until", "paused_until")
    columns, until = _webhooks.c, sa.text(_IN_30_DAYS[bind.dialect.name])
    values = sa.select(sa.literal(name), columns.events, columns.created_at, until, columns.paused_until)
    values = values.where(columns.id == webhook.id, columns.enabled)
    bind.execute(sa.table("receivers", *map(sa.column, kept)).insert().from_select(kept, values))


def _tell(stored: Sequence[Any]) -> None:
    if stored:
        listed = [{"url": webhook.url, "events": webhook.events, "secret": "whsec_"} for webhook in stored]
        sys.stderr.write(_TOLD.format(listed=json.dumps(listed)))
