"""What becomes of open orders of other systems: they arrive, whole or in part, or are cancelled."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tools.catalog.importing.draft import Draft, Row, as_work
from tools.catalog.importing.goods import now_to_the_millisecond
from tools.records.errors import InvalidInput, InvalidQuantity, OrderClosed, UnknownOrder
from tools.records.quantities import quantity
from tools.records.text import amount
from tools.storage.catalogue_schema import purchase_lines, stock, supplier_receipts


class LineKey(NamedTuple):
    """Which open line of another system's order. Without a location it is the only one of the product."""

    reference: str
    product_id: str
    location: str | None = None


@as_work
def receive_line(
    draft: Draft,
    key: LineKey,
    arrived: float | None,
    *,
    seen: float | None = None,
    received_at: datetime | None = None,
) -> None:
    """What arrived, or all that is open, at this time or now: it is in stock, unless it was counted since, and teaches
    the lead time. With the rest of it the line is closed. `seen` is what was open when the person looked.

    Raises UnknownOrder, OrderClosed if another quantity is open, InvalidQuantity for none, InvalidInput for a time that
    is still to come."""
    now = now_to_the_millisecond()
    if received_at is not None and received_at > now:
        raise InvalidInput(f"{received_at:%Y-%m-%d %H:%M %Z} is in the future; report what has arrived.")
    if arrived is not None and arrived <= 0:
        raise InvalidQuantity(f"{amount(arrived)} units cannot arrive; give more than 0, or cancel the order.")
    line = _open_line(draft, key, seen)
    came, at = line["quantity"] if arrived is None else arrived, received_at or now
    if line["quantity"] > came:
        left, all_of_it = quantity(line["quantity"] - came), quantity(line["received"] + came)
        draft.put(purchase_lines, line | {"quantity": float(left), "received": float(all_of_it)})
    else:
        _close(draft, line)
    _raise_stock(draft, line, came, at)
    _teach(draft, line, came, at)


@as_work
def cancel_line(draft: Draft, key: LineKey, reason: str, *, seen: float | None = None) -> None:
    """The rest will not come. Raises UnknownOrder, OrderClosed as above, InvalidInput without a reason."""
    if not reason:
        raise InvalidInput(f"Say why {key.reference} is cancelled: the reason is kept with the change.")
    line = _open_line(draft, key, seen)
    _close(draft, line)
    draft.note(f"{amount(line['quantity'])} of {key.product_id} were cancelled: {reason}")


def _open_line(draft: Draft, key: LineKey, seen: float | None) -> Row:
    draft.read(purchase_lines, [key.product_id])
    found = [
        row
        for row in draft.rows(purchase_lines)
        if (row["reference"], row["product_id"]) == key[:2] and key.location in (None, row["location"])
    ]
    if len(found) > 1:
        places = ", ".join(sorted(row["location"] for row in found))
        raise InvalidInput(f"{key.reference} is open at {places}. Say which location.")
    if not found:
        raise UnknownOrder(
            f"{key.reference[:80]!r} has nothing open of {key.product_id[:80]!r}: it was received, cancelled, or is in "
            "the newest file of open orders no more."
        )
    [line] = found
    if seen is not None and line["quantity"] != seen:
        raise OrderClosed(
            f"Of {key.reference}, {amount(line['quantity'])} are open now, not {amount(seen)}. Look again."
        )
    return line


def _close(draft: Draft, line: Row) -> None:
    draft.remove(purchase_lines, line["reference"], line["product_id"], line["location"])


def _raise_stock(draft: Draft, line: Row, arrived: float, at: datetime) -> None:
    product_id, location = line["product_id"], line["location"]
    draft.read(stock, [product_id])
    level = draft.row(stock, product_id, location)
    if level is None:
        draft.note(f"No stock of {product_id} at {location} is known, so it was not raised: bring in a count.")
    elif at <= level["as_of"]:
        draft.note("The stock was counted since, so it was not raised.")
    else:
        draft.put(stock, level | {"on_hand": level["on_hand"] + arrived})


def _teach(draft: Draft, line: Row, arrived: float, at: datetime) -> None:
    """Receipts of one day are one. Without a supplier, or a day on which it was ordered or due, nothing is learned."""
    if not line["supplier_id"] or not (line["ordered_on"] or line["due_on"]):
        return
    draft.read(supplier_receipts, [line["product_id"]])
    day = at.astimezone(ZoneInfo(draft.settings.time_zone)).date().isoformat()
    key = (line["supplier_id"], line["reference"], line["product_id"], day)
    known = draft.row(supplier_receipts, *key) or {"quantity": 0.0}
    named = dict(zip(("supplier_id", "reference", "product_id", "received_on"), key, strict=True))
    about = {name: line[name] for name in ("location", "ordered_on", "due_on")}
    draft.put(supplier_receipts, named | about | {"quantity": (known["quantity"] or 0.0) + arrived})
