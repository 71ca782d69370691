"""What the catalogue cannot take of a file's rows, as faults beside those of the reader."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tools.catalog.importing.draft import Row
from tools.catalog.importing.terms import BadTerm, product_terms, supplier_terms
from tools.catalog.reading import Fault, FileReading, records
from tools.records.text import ID_LIMIT, clean_text

_IDS = ("product_id", "location", "supplier", "supplier_id", "reference")
_TERMS: dict[str, Callable[[Row], Row]] = {"products": product_terms, "suppliers": supplier_terms}


def checked(reading: FileReading) -> FileReading:
    """The reading without the rows that cannot be stored, and with a fault for each."""
    faults = [*_id_faults(reading), *_term_faults(reading)]
    if not faults:
        return reading
    bad = {fault.line for fault in faults}
    frame = reading.frame[~reading.frame.index.isin(bad)]
    return replace(reading, frame=frame, faults=(*reading.faults, *faults))


def _id_faults(reading: FileReading) -> Iterator[Fault]:
    for role in _IDS:
        if role not in reading.frame:
            continue
        cells = reading.frame[role]
        for value in cells.unique():
            problem = _id_problem(role, value)
            if problem:
                for line in cells.index[cells == value]:
                    yield _fault(reading, int(line), role, str(value), problem, "bad_id")


def _id_problem(role: str, value: str) -> str | None:
    if not value:
        return "Every row needs a product id; write it, or leave the row out." if role == "product_id" else None
    if role == "supplier":  # it may be a name
        value = " ".join(value.split())
    if value != clean_text(value, limit=ID_LIMIT):
        return f"An id has at most {ID_LIMIT} visible characters and single blanks inside; correct it."
    return None


def _term_faults(reading: FileReading) -> Iterator[Fault]:
    terms = _TERMS.get(reading.kind)
    if terms is None:
        return
    for line, row in zip(reading.frame.index, records(reading.frame), strict=True):
        if reading.kind == "suppliers" and not (row.get("supplier_id") or row.get("supplier_name")):
            yield _fault(reading, int(line), "supplier_id", "", "A supplier needs an id or a name.", "bad_id")
            continue
        try:
            terms(row)
        except BadTerm as error:
            yield _fault(reading, int(line), error.role, str(row[error.role]), error.message, "bad_term")


def _fault(reading: FileReading, line: int, role: str, value: str, problem: str, code: str) -> Fault:
    return Fault(reading.file, line, reading.mapping.get(role, role), value, problem, code)
