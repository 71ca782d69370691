"""Stock, open orders, receipts and promotions of files as rows of the catalogue."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from tools.catalog.importing.draft import Draft, Row, counted_ids
from tools.catalog.importing.names import SupplierNames, know_products, locations
from tools.catalog.reading import FileReading, records
from tools.catalog.snapshot import DEFAULT_LOCATION, moment
from tools.records.text import several
from tools.storage.catalogue_schema import products, promotions, purchase_lines, stock, supplier_receipts

UNNAMED = "open order"
"""The reference of an open order that has none."""


def bring_stock(draft: Draft, readings: list[FileReading]) -> None:
    """Stock levels. The same levels again on the same day change nothing; otherwise they are a new count."""
    for reading in readings:
        frame = reading.frame.dropna(subset=["on_hand"])
        _choose_default_location(draft, frame)
        place = locations(draft, frame, reading.file, "stock")
        know_products(draft, set(frame["product_id"]), reading.file)
        levels = _levels(draft, frame.assign(location=place), reading.file)
        draft.read(stock, set(levels["product_id"]))
        rows = [_stock_row(draft, row) for row in records(levels)]
        repeated = all(_is_repeated(draft, row) for row in rows)
        older = 0
        for row in rows:
            stored = draft.row(stock, row["product_id"], row["location"])
            if stored is not None and (repeated or stored["as_of"] > row["as_of"]):
                older += not repeated
                row = stored
            draft.put(stock, row)
        _name_unlisted(draft, reading, {(row["product_id"], row["location"]) for row in rows})
        if older:
            draft.note(f"{several(older, 'stock level')} of {reading.file} older than what is stored: left out.")


def _name_unlisted(draft: Draft, reading: FileReading, listed: set[tuple[str, str]]) -> None:
    """Stock of the same locations that a file of stock does not list: it stays as it is."""
    if reading.kind != "stock":
        return
    places = {place for _, place in listed}
    stored = draft.connection.execute(
        sa.select(stock.c.product_id, stock.c.location).where(stock.c.location.in_(places))
    )
    left = {row.product_id for row in stored if (row.product_id, row.location) not in listed}
    if left:
        draft.note(
            f"{several(len(left), 'product')} with stock at these locations, and not in {reading.file}: "
            f"{counted_ids(left)}. That stock stays as it is."
        )


def _choose_default_location(draft: Draft, frame: pd.DataFrame) -> None:
    """At the first stock, the location with most lines is where rows without a location belong."""
    if draft.setting("default_location") is not None:
        return
    named = frame["location"][frame["location"] != ""] if "location" in frame else pd.Series(dtype=str)
    counts = named.value_counts()
    usual = counts.empty or counts.get(DEFAULT_LOCATION) == counts.max()
    place = DEFAULT_LOCATION if usual else str(counts.index[0])
    draft.set("default_location", place)
    draft.note(f"Rows without a location belong to {place} (`restock catalogue --default-location` changes it).")


def _levels(draft: Draft, frame: pd.DataFrame, file: str) -> pd.DataFrame:
    """One row for a product at a location: several lines, of bins or lots, are added up."""
    keys = ["product_id", "location"]
    again = frame.duplicated(keys, keep=False)
    if again.any():
        ids = frame["product_id"][again].unique()
        draft.note(
            f"{several(len(ids), 'product', 'have')} several lines at one location in {file}: "
            f"{counted_ids(list(ids))}. The stock is added up."
        )
    how = {"on_hand": "sum", "backorders": "sum", "as_of": "max"}
    return frame.groupby(keys, as_index=False, sort=False).agg({c: f for c, f in how.items() if c in frame})


def _stock_row(draft: Draft, row: Row) -> Row:
    day, now = row.get("as_of"), now_to_the_millisecond()
    counted = min(now, moment(date.fromisoformat(day), draft.settings)) if day else now
    return {
        "product_id": row["product_id"],
        "location": row["location"],
        "on_hand": row["on_hand"],
        "backorders": row.get("backorders") or 0.0,
        "as_of": counted,
    }


def _is_repeated(draft: Draft, row: Row) -> bool:
    """Whether this level was stored before, on the same day."""
    stored = draft.row(stock, row["product_id"], row["location"])
    zone = ZoneInfo(draft.settings.time_zone)
    return stored is not None and (
        row | {"as_of": None} == stored | {"as_of": None}
        and row["as_of"].astimezone(zone).date() == stored["as_of"].astimezone(zone).date()
    )


def now_to_the_millisecond() -> datetime:
    """Both databases store this alike."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def bring_open_orders(draft: Draft, readings: list[FileReading]) -> None:
    """What is still open. Lines that are not there any more have come in."""
    if not readings:
        return
    draft.read(purchase_lines)
    before = {(row["reference"], row["product_id"], row["location"]): row for row in draft.rows(purchase_lines)}
    left: dict[tuple[str, ...], Row] = {}
    for reading in readings:
        for row in _order_rows(draft, reading):
            _add_line(left, row)
    for row in left.values():
        draft.put(purchase_lines, row)
    _close(draft, [row for key, row in before.items() if key not in left], list(left.values()))


def _add_line(lines: dict[tuple[str, ...], Row], row: Row) -> None:
    """A second line of the same order and product, such as a later delivery, is numbered."""
    reference, number = row["reference"], 1
    while (row["reference"], row["product_id"], row["location"]) in lines:
        number += 1
        row["reference"] = f"{reference} #{number}"
    lines[row["reference"], row["product_id"], row["location"]] = row


def _close(draft: Draft, missing: list[Row], left: list[Row]) -> None:
    """Take away the open lines that the files have no more. Files of one supplier speak of this supplier only."""
    named = {row["supplier_id"] for row in left} - {None}
    closed = [row for row in missing if len(named) != 1 or row["supplier_id"] in named]
    for row in closed:
        draft.remove(purchase_lines, row["reference"], row["product_id"], row["location"])
    if closed:
        draft.note(
            f"{several(len(closed), 'open order', 'are')} not in the file any more: "
            f"{counted_ids({row['reference'] for row in closed})}. Counted as received or closed."
        )
    if len(missing) > len(closed):
        draft.note(
            f"The file has orders of {named.pop()} only. {several(len(missing) - len(closed), 'order')} of other "
            "suppliers left open."
        )


def _order_rows(draft: Draft, reading: FileReading) -> Iterator[Row]:
    frame = reading.frame
    names = SupplierNames(draft)
    know_products(draft, set(frame["product_id"]), reading.file)
    place = locations(draft, frame, reading.file, "orders")
    by_date = [column for column in ("due_date", "ordered_date") if column in frame]
    ordered = frame.assign(location=place)
    for row in records(ordered.sort_values(by_date, kind="stable") if by_date else ordered):
        if row["quantity"] > 0:
            yield {
                "reference": row.get("reference") or UNNAMED,
                "product_id": row["product_id"],
                "location": row["location"],
                "supplier_id": _supplier(draft, names, row),
                "quantity": row["quantity"],
                "received": row.get("received_quantity") or 0.0,
                "ordered_on": row.get("ordered_date"),
                "due_on": row.get("due_date"),
            }
    names.name_made(reading.file)
    done = int((frame["quantity"] <= 0).sum())
    if done:
        draft.note(f"{several(done, 'order')} of {reading.file} with nothing open: left out.")


def bring_on_order(draft: Draft, readings: list[FileReading]) -> None:
    """What a products' file says is on order, without a number or a date."""
    for reading in readings:
        frame = reading.frame[reading.frame["on_order"] > 0]
        if frame.empty:
            continue
        draft.read(purchase_lines)
        place = locations(draft, frame, reading.file, "orders")
        for row in records(frame.assign(location=place)):
            supplier = (draft.row(products, row["product_id"]) or {}).get("supplier_id")
            line = {name: row[name] for name in ("product_id", "location")}
            line |= {"reference": UNNAMED, "supplier_id": supplier, "quantity": row["on_order"]}
            draft.put(purchase_lines, line | {"received": 0.0, "ordered_on": None, "due_on": None})
        draft.note(
            f"{several(len(frame), 'quantity')} on order of {reading.file} without a date: due after the lead time."
        )


def bring_receipts(draft: Draft, readings: list[FileReading]) -> None:
    """What suppliers delivered, and when. Lines of the same order, product and day are added up."""
    for reading in readings:
        draft.read(supplier_receipts, set(reading.frame["product_id"]))
        names = SupplierNames(draft)
        know_products(draft, set(reading.frame["product_id"]), reading.file)
        found: dict[tuple[str, ...], Row] = {}
        for row in records(reading.frame):
            receipt = _receipt(draft, names, row)
            key = tuple(receipt[name] for name in ("supplier_id", "reference", "product_id", "received_on"))
            if key in found:
                receipt["quantity"] = (receipt["quantity"] or 0.0) + (found[key]["quantity"] or 0.0)
            found[key] = receipt
        for receipt in found.values():
            draft.put(supplier_receipts, receipt)
        names.name_made(reading.file)
        _name_undated(draft, reading)


def _receipt(draft: Draft, names: SupplierNames, row: Row) -> Row:
    return {
        "supplier_id": _supplier(draft, names, row) or "",
        "reference": row.get("reference", ""),
        "product_id": row["product_id"],
        "received_on": row["received_date"],
        "location": row.get("location") or None,
        "ordered_on": row.get("ordered_date"),
        "due_on": row.get("due_date"),
        "quantity": row.get("quantity"),
    }


def _name_undated(draft: Draft, reading: FileReading) -> None:
    days = [reading.frame[column] for column in ("ordered_date", "due_date") if column in reading.frame]
    undated = int(pd.concat(days, axis=1).isna().all(axis=1).sum()) if days else len(reading.frame)
    if undated:
        draft.note(
            f"{several(undated, 'receipt')} of {reading.file} without the day of the order, or for which it was "
            "promised: kept, but no lead time is learned."
        )


def bring_promotions(draft: Draft, readings: list[FileReading]) -> None:
    """Promotions, past and planned. One without a location holds everywhere."""
    for reading in readings:
        ids = set(reading.frame["product_id"])
        draft.read(promotions, ids)
        know_products(draft, ids, reading.file)
        for row in records(reading.frame):
            draft.put(
                promotions,
                {
                    "product_id": row["product_id"],
                    "location": row.get("location", ""),
                    "first_day": row["first_day"],
                    "last_day": row["last_day"],
                    "uplift": row.get("uplift"),
                    "price_cut": row.get("price_cut"),
                },
            )


def _supplier(draft: Draft, names: SupplierNames, row: Row) -> str | None:
    """The supplier that the row names, or the product's own."""
    named = names.id_of(row.get("supplier", ""))
    return named or (draft.row(products, row["product_id"]) or {}).get("supplier_id")
