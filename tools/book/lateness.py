"""Tells of orders that have become late: their day has come, and they have not."""

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.placing import next_value, send
from tools.book.rows import OPEN, ORDER, order_from
from tools.storage.database import Database
from tools.storage.schema import orders, outbox
from tools.storage.types import Now, NowPlus

_LIMIT = 200
_RECENT_SECONDS = 3 * 86_400
"""An order that has been late for longer is no news. So a first start tells nobody of all that is late already."""
_TOLD = sa.exists().where(
    outbox.c.run_id == orders.c.run_id, outbox.c.event == "order.late", outbox.c.created_at >= orders.c.due_at
)
_LATE = sa.and_(OPEN, orders.c.due_at <= Now(), orders.c.due_at > NowPlus(-_RECENT_SECONDS), ~_TOLD)


async def tell_of_late_orders(database: Database) -> None:
    """Leave an event for each order that has become late, at most 200. An order that is due anew is told of anew."""
    late = sa.select(*ORDER).where(_LATE).order_by(orders.c.sequence).limit(_LIMIT)

    def tell(connection: Connection) -> None:
        next_value(connection, "late orders")  # others wait here until this transaction's events can be seen
        for row in connection.execute(late).mappings().all():
            order = order_from(row)
            occasion = order.due_at.isoformat()
            send(connection, "order.late", order.run_id, order.model_dump(mode="json"), occasion=occasion)

    if await database.read(lambda connection: connection.execute(late.limit(1)).first()) is not None:
        await database.write(tell)
