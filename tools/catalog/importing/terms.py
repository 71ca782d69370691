"""Suppliers and products of files as rows of the catalogue. An empty cell is the default, never 0."""

from collections import Counter
from typing import Any

from pydantic import ValidationError

from tools.catalog.importing.draft import Draft, Row, counted_ids
from tools.catalog.importing.names import SupplierNames, name_alike, take_the_place_of
from tools.catalog.reading import FileReading, records
from tools.records.errors import InvalidInput
from tools.records.facts import Product
from tools.records.text import NAME_LIMIT, NOTES_LIMIT, WEEKDAYS, clean_text, several
from tools.storage.catalogue_schema import products, suppliers

SUPPLIER_TERMS = frozenset(
    ("lead_time_days", "lead_time_sd_days", "minimum_order_value", "free_freight_value", "order_days", "currency")
)
PRODUCT_TERMS = frozenset(Product.model_fields) - {"id", "name", "category", "price_breaks"} | {"lead_time_days"}
LONGEST_LEAD_TIME = 3_650
_MONEY_DIGITS = 6
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "EURO": "EUR"}
_DAY_NAMES = (
    "mo mon monday montag lun lunes lundi",
    "tu tue tuesday di dienstag mar martes mardi",
    "we wed wednesday mi mittwoch mie mer miercoles miércoles mercredi",
    "th thu thursday do donnerstag jue jeu jueves jeudi",
    "fr fri friday freitag vie ven viernes vendredi",
    "sa sat saturday samstag sab sam sabado sábado samedi",
    "su sun sunday so sonntag dom dim domingo dimanche",
)
_WEEKDAY = {
    name: WEEKDAYS[number] for number, names in enumerate(_DAY_NAMES) for name in (*names.split(), str(number + 1))
}


class BadTerm(InvalidInput):
    """A term that cannot be. `role` says which."""

    def __init__(self, role: str, message: str) -> None:
        super().__init__(message)
        self.role = role


def supplier_terms(row: Row) -> Row:
    """The supplier's terms of a file's row. Raises BadTerm."""
    terms = _given(row, SUPPLIER_TERMS)
    for role in ("lead_time_days", "lead_time_sd_days"):
        _check_lead_time(role, terms.get(role))
    for role in ("minimum_order_value", "free_freight_value"):
        if terms.get(role, 0) < 0:
            raise BadTerm(role, "A value below 0 is none; leave the cell empty.")
    if "order_days" in terms:
        terms["order_days"] = order_days(terms["order_days"])
    return terms


def product_terms(row: Row) -> Row:
    """The product's terms of a file's row. Raises BadTerm."""
    terms = _given(row, PRODUCT_TERMS)
    _check_lead_time("lead_time_days", terms.get("lead_time_days"))
    try:
        Product.model_validate({"id": "1", "name": "1"} | {k: v for k, v in terms.items() if k != "lead_time_days"})
    except ValidationError as error:
        first = error.errors()[0]
        role = str(first["loc"][0])
        hint = " Write 95 % as 0.95." if role == "service_level" else ""
        raise BadTerm(role, f"{first['msg']}.{hint} Correct the cell, or leave it empty.") from None
    return terms


def _check_lead_time(role: str, days: float | None) -> None:
    if days is not None and not 0 <= days <= LONGEST_LEAD_TIME:
        raise BadTerm(role, f"A lead time is from 0 to {LONGEST_LEAD_TIME:,} days; correct it.")


def order_days(text: str) -> list[str]:
    """Weekdays in order.

    >>> order_days("Do, Mon")
    ['mon', 'thu']
    """
    words = text.casefold().replace(",", " ").replace(";", " ").replace("/", " ").replace(".", " ").split()
    unknown = [word for word in words if word not in _WEEKDAY]
    if unknown:
        raise BadTerm("order_days", f"{unknown[0]!r} is no weekday; write days as mon, thu or 1, 4.")
    return [day for day in WEEKDAYS if day in {_WEEKDAY[word] for word in words}]


def _given(row: Row, roles: frozenset[str]) -> Row:
    """The terms that the row gives, as they are stored."""
    found = {role: _stored(role, row[role]) for role in sorted(roles & row.keys())}
    return {role: value for role, value in found.items() if value is not None}


def _stored(role: str, value: Any) -> Any:
    if isinstance(value, str):
        text = clean_text(value, limit=NOTES_LIMIT if role == "notes" else NAME_LIMIT)
        return (checked_currency(text) if role == "currency" else text) or None
    if value is None:
        return None
    number = round(float(value), _MONEY_DIGITS)
    return int(number) if number.is_integer() else number


def checked_currency(text: str) -> str:
    code = _SIGNS.get(text.upper(), text.upper())
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise BadTerm("currency", f"{text!r} is no currency; write its three letters, as EUR.")
    return code


def bring_suppliers(draft: Draft, readings: list[FileReading]) -> None:
    for reading in readings:
        names = SupplierNames(draft)
        for row in records(reading.frame):
            _bring_supplier(draft, names, row)


def _bring_supplier(draft: Draft, names: SupplierNames, row: Row) -> None:
    name = clean_text(row.get("supplier_name", ""), limit=NAME_LIMIT)
    identity = row.get("supplier_id") or names.find(name) or name
    stored = draft.row(suppliers, identity)
    if stored is None and name != identity and draft.row(suppliers, name) is not None:
        stored = draft.row(suppliers, name)
        take_the_place_of(draft, name, identity)
    old = stored or {"name": identity, "terms": {}}
    terms = {term: value for term, value in old["terms"].items() if term not in row} | supplier_terms(row)
    draft.put(suppliers, {"id": identity, "name": name or old["name"], "terms": terms})


def bring_products(draft: Draft, readings: list[FileReading]) -> None:
    for reading in readings:
        names = SupplierNames(draft)
        ids = set(reading.frame["product_id"])
        draft.read(products, ids)
        new = [identity for identity in ids if draft.row(products, identity) is None]
        name_alike(draft, new, reading.file)
        _name_disagreeing(draft, reading)
        _name_cut(draft, reading)
        for row in records(reading.frame):
            _bring_product(draft, names, row)
        names.name_made(reading.file)


def _bring_product(draft: Draft, names: SupplierNames, row: Row) -> None:
    identity = row["product_id"]
    nothing: Row = {"name": identity, "category": "", "supplier_id": None, "terms": {}}
    old = draft.row(products, identity) or nothing
    terms = {term: value for term, value in old["terms"].items() if term not in row} | product_terms(row)
    draft.put(
        products,
        {
            "id": identity,
            "name": clean_text(str(row.get("name", old["name"])), limit=NAME_LIMIT) or identity,
            "category": clean_text(str(row.get("category", old["category"])), limit=NAME_LIMIT),
            "supplier_id": names.id_of(row["supplier"]) if "supplier" in row else old["supplier_id"],
            "terms": terms,
        },
    )


def _name_disagreeing(draft: Draft, reading: FileReading) -> None:
    """Products with several rows that say different things: the last one counts, and they are named."""
    kept = [c for c in reading.frame if c in PRODUCT_TERMS or c in ("product_id", "name", "category", "supplier")]
    different = reading.frame[kept].drop_duplicates()
    twice = different["product_id"][different["product_id"].duplicated()].unique()
    if len(twice):
        draft.note(
            f"{several(len(twice), 'product', 'have')} several different rows in {reading.file}: "
            f"{counted_ids(list(twice))}. The last row of each counts."
        )


def _name_cut(draft: Draft, reading: FileReading) -> None:
    for role, column in reading.mapping.items():
        limit = NOTES_LIMIT if role == "notes" else NAME_LIMIT
        if role in ("name", "category", "notes", "unit") and role in reading.frame:
            long = int((reading.frame[role].str.len() > limit).sum())
            if long:
                draft.note(f"{several(long, 'text')} in {column} of {reading.file} cut after {limit:,} characters.")


def choose_currency(draft: Draft) -> None:
    """The base currency, at the first import that names any: the one that most products have, or most suppliers."""
    if draft.setting("currency") is not None:
        return
    of_supplier = {row["id"]: row["terms"].get("currency") for row in draft.rows(suppliers)}
    of_products = [row["terms"].get("currency") or of_supplier.get(row["supplier_id"]) for row in draft.rows(products)]
    counts = Counter(filter(None, of_products)) or Counter(filter(None, of_supplier.values()))
    if not counts:
        return
    (currency, _), *others = counts.most_common()
    draft.set("currency", currency)
    also = f" {counted_ids([name for name, _ in others])} is never added to it." if others else ""
    draft.note(
        f"The catalogue's currency is {currency}.{also} Prices without a currency are in {currency} "
        "(`restock catalogue --currency` changes it)."
    )
