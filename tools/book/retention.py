"""Removes what may go: answers for repeated requests, conversations, delivered events, records of imports, and what
runs were sent.
Orders, proposals, decisions and the audit trail stay for ever.

Each call is a small transaction on the oldest rows, so that nobody waits long for it.
"""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.conversations import forget
from tools.storage.caller_schema import conversations, idempotency
from tools.storage.catalogue_schema import import_changes, imports
from tools.storage.database import Store, reads, writes
from tools.storage.schema import deliveries, outbox, runs
from tools.storage.types import Now, NowPlus

BATCH = 200
_DAY_SECONDS = 86_400
_OVER = ("executed", "no_action", "rejected", "expired", "superseded", "failed")


class RetentionStore(Store):
    """Removes what is older than a number of days, by the database's clock."""

    @writes
    def forget_answers(self, connection: Connection, *, days: float) -> int:
        """Remove stored answers, at most 200, and return how many. A key that is still being answered stays."""
        old = sa.select(idempotency.c.caller, idempotency.c.key).where(
            idempotency.c.created_at <= _ago(days), idempotency.c.lease_until <= Now()
        )
        key = sa.tuple_(idempotency.c.caller, idempotency.c.key)
        gone = connection.execute(sa.delete(idempotency).where(key.in_(old.limit(BATCH))))
        return gone.rowcount

    @reads
    def old_conversations(self, connection: Connection, *, days: float) -> list[str]:
        """Conversations that were last used earlier, at most 200. Pass them to `forget_conversations`."""
        old = sa.select(conversations.c.id).where(conversations.c.used_at <= _ago(days))
        return list(connection.scalars(old.order_by(conversations.c.used_at).limit(BATCH)))

    @writes
    def forget_conversations(self, connection: Connection, ids: Collection[str]) -> None:
        """Delete them with their turns."""
        forget(connection, ids)

    @reads
    def old_requests(self, connection: Connection, *, days: float) -> list[str]:
        """Runs that ended earlier and whose request is still stored, at most 200. Delete their threads, then call
        `forget_requests`. Runs whose thread has not yet seen its decision are left out."""
        old = sa.select(runs.c.id).where(
            runs.c.finished_at <= _ago(days),
            runs.c.status.in_(_OVER),
            sa.not_(runs.c.thread_waits),
            sa.cast(runs.c.request, sa.Text) != "{}",
        )
        return list(connection.scalars(old.order_by(runs.c.created_at).limit(BATCH)))

    @writes
    def forget_requests(self, connection: Connection, run_ids: Collection[str]) -> None:
        """Remove what the callers sent. The runs stay, with plan, proposal and order."""
        connection.execute(sa.update(runs).where(runs.c.id.in_(run_ids)).values(request={}))

    async def forget_events(self, *, days: float) -> int:
        """Remove events with their deliveries, at most 200, and return how many: those handed out earlier, with no
        delivery pending or ended since. Dead letters are among them."""
        held = sa.exists().where(
            deliveries.c.event_sequence == outbox.c.sequence,
            (deliveries.c.status == "pending") | (deliveries.c.finished_at > _ago(days)),
        )
        old = sa.select(outbox.c.sequence).where(outbox.c.handed_out_at <= _ago(days), ~held)
        oldest = old.order_by(outbox.c.sequence).limit(BATCH)
        gone = await self.database.read(lambda connection: connection.scalars(oldest).all())

        def forget(connection: Connection) -> int:
            # Checked again in the DELETE: a dead letter may have been replayed meanwhile.
            free = connection.scalars(old.where(outbox.c.sequence.in_(gone)).with_for_update()).all()
            connection.execute(sa.delete(deliveries).where(deliveries.c.event_sequence.in_(free)))
            connection.execute(sa.delete(outbox).where(outbox.c.sequence.in_(free)))
            return len(free)

        return await self.database.write(forget) if gone else 0

    @writes
    def forget_imports(self, connection: Connection, *, days: float) -> int:
        """Remove records of imports that cannot be undone any more, at most 200, and return how many. Who brought in
        what, and when, stays on the audit trail."""
        held = sa.exists().where(import_changes.c.import_number == imports.c.number)
        old = sa.select(imports.c.number).where(
            imports.c.created_at <= _ago(days), imports.c.status.in_(("done", "undone")), ~held
        )
        oldest = old.order_by(imports.c.number).limit(BATCH)
        return connection.execute(sa.delete(imports).where(imports.c.number.in_(oldest))).rowcount


def _ago(days: float) -> NowPlus:
    return NowPlus(-days * _DAY_SECONDS)
