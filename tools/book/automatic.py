"""Whether orders of the own catalogue may be placed without a person. A new catalogue only proposes."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.book.placing import write_audit
from tools.records.facts import Record
from tools.storage.catalogue_schema import catalogue
from tools.storage.database import Store, conflict_insert, reads, writes

_NAME = "automatic"
_STORED = sa.select(catalogue.c.value).where(catalogue.c.name == _NAME)


class AutomaticOrdering(Record):
    """The switch for the whole catalogue, and for suppliers that differ from it."""

    on: bool = False
    """Whether orders may be placed without a person."""
    suppliers: Mapping[str, bool] = {}
    """The same for single suppliers, by id."""

    def allows(self, supplier_id: str) -> bool:
        return self.suppliers.get(supplier_id, self.on)


class AutomaticStore(Store):
    @reads
    def get(self, connection: Connection) -> AutomaticOrdering:
        return _stored(connection)

    @writes
    def switch(
        self, connection: Connection, on: bool, *, by: Actor, supplier_id: str | None = None
    ) -> AutomaticOrdering:
        """Switch for one supplier; without one for all of them, whatever was said of single ones before."""
        before = _stored(connection)
        suppliers = {} if supplier_id is None else {**before.suppliers, supplier_id: on}
        now = AutomaticOrdering(on=on if supplier_id is None else before.on, suppliers=suppliers)
        insert = conflict_insert(catalogue).values(name=_NAME, value=now.model_dump())
        connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"value": now.model_dump()}))
        figures: dict[str, Any] = {"on": on, "supplier_id": supplier_id}
        write_audit(connection, "automatic.switched", by, figures)
        return now


def _stored(connection: Connection) -> AutomaticOrdering:
    value = connection.scalar(_STORED)
    return AutomaticOrdering.model_validate(value or {})
