"""Ids and names in files: which supplier, product and location a row means."""

from collections import defaultdict
from collections.abc import Collection, Iterable

import pandas as pd

from tools.catalog.importing.draft import Draft, Row, counted_ids
from tools.records.errors import InvalidInput
from tools.records.text import several
from tools.storage.catalogue_schema import products, purchase_lines, supplier_receipts, suppliers


def folded(text: str) -> str:
    """Ids that differ in case and blanks only are alike.

    >>> folded(" Müller  GmbH ")
    'müller gmbh'
    """
    return " ".join(text.casefold().split())


class SupplierNames:
    """Suppliers by id, then by name. One that is not known is made, with its name as its id."""

    def __init__(self, draft: Draft) -> None:
        draft.read(suppliers)
        self._draft, self.made = draft, list[str]()
        self._ids: dict[str, list[str]] = defaultdict(list)
        self._names: dict[str, list[str]] = defaultdict(list)
        for row in draft.rows(suppliers):
            self._learn(row)

    def _learn(self, row: Row) -> None:
        self._ids[folded(row["id"])].append(row["id"])
        self._names[folded(row["name"])].append(row["id"])

    def find(self, text: str) -> str | None:
        """Raises InvalidInput for a name that several suppliers have."""
        if self._draft.row(suppliers, text) is not None:
            return text
        found = self._ids.get(folded(text)) or self._names.get(folded(text)) or []
        if len(found) > 1:
            raise InvalidInput(
                f"{text!r} may be supplier {' or '.join(sorted(found))}; write the supplier's id in the file."
            )
        return found[0] if found else None

    def id_of(self, text: str) -> str | None:
        """The id of a known or a new supplier; None for an empty cell."""
        text = " ".join(text.split())
        if not text:
            return None
        known = self.find(text)
        if known is None:
            row = {"id": text, "name": text, "terms": {}}
            self._draft.put(suppliers, row)
            self._learn(row)
            self.made.append(text)
        return known or text

    def name_made(self, file: str) -> None:
        if self.made:
            self._draft.note(
                f"{file} names {several(len(self.made), 'supplier')} not known before: {counted_ids(self.made)}. Now "
                "in the catalogue; lead times and terms are still to come."
            )


def take_the_place_of(draft: Draft, name: str, supplier_id: str) -> None:
    """Give everything of the supplier that was made from a name only to the one whose id is now known."""
    draft.remove(suppliers, name)
    for table in (products, purchase_lines, supplier_receipts):
        draft.read(table)
        for row in draft.rows(table):
            if row["supplier_id"] == name:
                if table is supplier_receipts:
                    draft.remove(table, *(row[column.name] for column in table.primary_key))
                draft.put(table, row | {"supplier_id": supplier_id})
    draft.note(f"Supplier {name!r}, made from a name before, is {supplier_id} now.")


def know_products(draft: Draft, ids: Collection[str], file: str) -> None:
    """Make the products that are not known yet, with their id as name, and name them."""
    draft.read(products, ids)
    new = [identity for identity in ids if draft.row(products, identity) is None]
    if not new:
        return
    name_alike(draft, new, file)
    for identity in new:
        draft.put(products, {"id": identity, "name": identity, "category": "", "supplier_id": None, "terms": {}})
    draft.note(
        f"{file} names {several(len(new), 'product')} not known before: {counted_ids(new)}. Now in the catalogue, with "
        "the id as name; import the terms."
    )


def name_alike(draft: Draft, new: Iterable[str], file: str) -> None:
    """Name new ids that differ from another product's in case or blanks only."""
    alike = _alike(set(new), draft.product_ids())
    if alike:
        draft.note(
            f"{several(len(alike), 'product', 'differ')} from others in upper and lower case or blanks only: "
            f"{counted_ids(alike)}. They are different products here; correct the ids in {file} if they are not."
        )


def _alike(fresh: set[str], known: set[str]) -> list[str]:
    """Fresh ids with those that differ from them in case or blanks only."""
    by_fold: dict[str, set[str]] = defaultdict(set)
    for identity in known | fresh:
        by_fold[folded(identity)].add(identity)
    return [" / ".join(sorted(ids)) for ids in by_fold.values() if len(ids) > 1 and ids & fresh]


def locations(draft: Draft, frame: pd.DataFrame, file: str, what: str) -> "pd.Series[str]":
    """The location of each row. A row without one belongs to the default location."""
    if "location" not in frame:
        place = draft.default_location()
        draft.note(f"{file} has no locations: its {what} belong to {place}, the default location.")
        return pd.Series(place, index=frame.index)
    empty = frame["location"] == ""
    _name_alike_places(draft, set(frame["location"][~empty].unique()) - draft.locations, file)
    if not empty.any():
        return frame["location"]
    place = draft.default_location()
    rows = several(int(empty.sum()), "row")
    draft.note(f"{rows} of {file} without a location: taken for {place}, the default location.")
    return frame["location"].mask(empty, place)


def _name_alike_places(draft: Draft, fresh: set[str], file: str) -> None:
    """Name new locations that differ from another in case or blanks only."""
    alike = _alike(fresh, draft.locations)
    draft.locations.update(fresh)
    if alike:
        draft.note(
            f"{several(len(alike), 'location')} of {file} like another but for upper and lower case or blanks: "
            f"{counted_ids(alike)}. They are different locations here; correct {file} if they are not."
        )
