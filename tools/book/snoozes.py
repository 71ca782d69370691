"""Products that today's list leaves alone until a day, because a person said so."""

from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.book.placing import write_audit
from tools.records.facts import Mode
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import snoozes
from tools.storage.types import Now


class Snooze(NamedTuple):
    """Until when a product is left alone, why, and who said so."""

    until: date
    """The first day on which it is looked at again."""
    reason: str
    by: str


class SnoozeStore(Store):
    @writes
    def snooze(
        self, connection: Connection, mode: Mode, product_id: str, location: str, *, until: date, reason: str, by: Actor
    ) -> None:
        """Leave the product alone at this location until a day. A later word replaces an earlier one."""
        told = {"until": until.isoformat(), "reason": reason, "snoozed_by": by.name, "created_at": Now()}
        insert = conflict_insert(snoozes).values(mode=mode, product_id=product_id, location=location, **told)
        place = ["mode", "product_id", "location"]
        connection.execute(insert.on_conflict_do_update(index_elements=place, set_=told))
        figures = {"product_id": product_id, "location": location, "until": until.isoformat(), "reason": reason}
        write_audit(connection, "product.snoozed", by, figures)

    @writes
    def wake(self, connection: Connection, mode: Mode, product_id: str, location: str, *, by: Actor) -> None:
        """Look at the product again from now on."""
        found = sa.delete(snoozes).where(snoozes.c.mode == mode, snoozes.c.product_id == product_id)
        if connection.execute(found.where(snoozes.c.location == location)).rowcount:
            write_audit(connection, "product.woken", by, {"product_id": product_id, "location": location})

    @reads
    def on(self, connection: Connection, mode: Mode, day: date) -> dict[tuple[str, str], Snooze]:
        """What is snoozed on this day, by product and location."""
        query = sa.select(snoozes).where(snoozes.c.mode == mode, snoozes.c.until > day.isoformat())
        return {
            (row.product_id, row.location): Snooze(date.fromisoformat(row.until), row.reason, row.snoozed_by)
            for row in connection.execute(query)
        }
