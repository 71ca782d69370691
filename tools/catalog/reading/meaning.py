"""What the rows of each kind of file mean, once their cells are read."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from tools.catalog.histories import Period
from tools.catalog.reading.answers import answer, is_promoted
from tools.catalog.reading.columns import Reader
from tools.catalog.reading.file_reading import Kind
from tools.catalog.reading.movements import movement_of
from tools.catalog.reading.names import plain, ranks
from tools.catalog.reading.periods import MONTHS, fold
from tools.catalog.reading.sales import demand_rows
from tools.records.text import several

if TYPE_CHECKING:
    import pandas as pd

Notes = list[str]
FEWEST_PERIODS = 4
PRICED_PER = re.compile(r"(?:\b(?:per|je|pro|por|par|for|für|pour|para)|/) *([1-9]\d{0,4})\b")
"""How many units a price is for, as its name says: EK je 100."""
KEYS: dict[Kind, tuple[str, ...]] = {
    "products": ("product_id", "location"),
    "stock": ("product_id", "location", "bin"),
    "suppliers": ("supplier_id", "supplier_name"),
    "outcomes": ("order_number",),
}
"""What each row of the kind has for itself."""


def meant(kind: Kind, frame: "pd.DataFrame", reader: Reader) -> tuple["pd.DataFrame", Notes]:
    """The rows that count, and what was left out or assumed. Adds faults to the reader."""
    if kind == "sales":
        return _sales(frame, reader)
    if kind == "outcomes":
        frame = _answered(frame, reader, "ran_out")
    frame, notes = _once(kind, frame, reader)
    for work in _WORK.get(kind, ()):
        frame, more = work(frame, reader.mapping)
        notes += more
    return frame, [*notes, *_twins(reader)]


def _sales(frame: "pd.DataFrame", reader: Reader) -> tuple["pd.DataFrame", Notes]:
    if "date" not in frame:
        frame = _dated_by_parts(frame, reader)
    if "stock_out" in frame:
        frame = _answered(frame, reader, "stock_out")
    if "promotion" in frame:
        promoted = {text: is_promoted(text) for text in frame["promotion"].unique()}
        frame = frame.assign(promotion=frame["promotion"].map(promoted).astype(bool))
    frame = frame[~reader.bad] if reader.bad.any() else frame
    doubled = _doubled(reader)
    frame, priced = _priced(frame, reader.mapping)
    frame, notes = demand_rows(frame, dict(reader.mapping))
    period = _period(frame, reader)
    if "period" not in frame and period:
        frame = frame.assign(period=period)
        notes.append(f"The quantities are of whole {period}s.")
    return frame, [*doubled, *priced, *notes, *_twins(reader)]


def _period(frame: "pd.DataFrame", reader: Reader) -> Period | None:
    """The length of what a row counts, where it is longer than a day: named in the cells, or shown by all days."""
    named: set[Period] = reader.periods
    if named:
        return "month" if "month" in named else "week"
    days = np.sort(frame["date"].drop_duplicates().to_numpy().astype("datetime64[D]"))
    if len(days) < FEWEST_PERIODS:
        return None
    if (days == days.astype("datetime64[M]")).all():
        return "month"
    if np.unique((days.astype(np.int64) + 3) % 7).size > 1:
        return None
    keys = [key for key in ("product_id", "location", "date") if key in frame]
    return None if frame.duplicated(keys).any() else "week"


def _dated_by_parts(frame: "pd.DataFrame", reader: Reader) -> "pd.DataFrame":
    """The first day of the month or week that two columns tell together."""
    part = "month" if "month" in frame else "week"
    found = {}
    for year, text in frame[["year", part]].drop_duplicates().itertuples(index=False, name=None):
        found[year, text] = _first_day(year, str(text), part)
    days = [found[key] for key in zip(frame["year"], frame[part], strict=True)]
    for row, day in enumerate(days):
        if day is None and not reader.bad[row]:
            problem = ("no_date", f"This is no {part} of a year. Write the year as 2026 and the {part} as its number.")
            reader.fault(row, reader.mapping[part], f"{frame['year'].iloc[row]:g} {frame[part].iloc[row]}", problem)
    reader.periods.add("month" if part == "month" else "week")
    return frame.assign(date=np.array(days, dtype="datetime64[s]"))


def _first_day(year: float, text: str, part: str) -> date | None:
    word = fold(text).strip(" .")
    digits = word.lstrip("abcdefghijklmnopqrstuvwxyz .-")
    number = MONTHS[word] if part == "month" and word in MONTHS else int(digits) if digits.isdigit() else 0
    try:
        return date(int(year), number, 1) if part == "month" else date.fromisocalendar(int(year), number, 1)
    except ValueError:
        return None


def _doubled(reader: Reader) -> Notes:
    """Rows that are the same in every column of the file. They are counted, because both may be true."""
    import pandas as pd

    codes = {name: reader.table.coded(name).codes for name in reader.table.columns}
    again = pd.DataFrame(codes).duplicated().to_numpy()
    if not again.any():
        return []
    lines = ", ".join(map(str, reader.table.lines[again][:3]))
    said = several(int(again.sum()), "line", "are")
    return [f"{said} the same as another before (line {lines} …), and counted again."]


def _twins(reader: Reader) -> Notes:
    """Products and locations whose ids differ in case or blanks only."""
    notes = []
    for role, what in (("product_id", "product"), ("location", "location")):
        by_name: dict[str, list[str]] = {}
        for each in reader.table.coded(reader.mapping[role]).values if role in reader.mapping else ():
            by_name.setdefault("".join(each.casefold().split()), []).append(each)
        if twins := [ids for ids in by_name.values() if len(ids) > 1]:
            shown = "; ".join(" and ".join(map(repr, ids)) for ids in twins[:3])
            notes.append(f"{several(len(twins), what, 'have')} ids that differ in case or blanks only: {shown}.")
    return notes


def _once(kind: Kind, frame: "pd.DataFrame", reader: Reader) -> tuple["pd.DataFrame", Notes]:
    """Rows with one key once: the same row again is left out, another one is a fault."""
    keys = [key for key in KEYS.get(kind, ()) if key in frame]
    if not keys:
        return frame[~reader.bad], []
    same = frame.duplicated().to_numpy() & ~reader.bad
    other = frame.duplicated(keys).to_numpy() & ~same & ~reader.bad
    for row in np.flatnonzero(other):
        text = " at ".join(str(frame[key].iloc[row]) for key in keys)
        problem = ("twice", "Another row above has other values for the same. Leave one of them out.")
        reader.fault(int(row), reader.mapping[keys[0]], text, problem)
    notes = [f"{several(int(same.sum()), 'row', 'are')} there twice, and read once."] if same.any() else []
    return frame[~reader.bad & ~same], notes


def _answered(frame: "pd.DataFrame", reader: Reader, role: str) -> "pd.DataFrame":
    """Yes and no as True and False."""
    said = frame[role].map({text: answer(text) for text in frame[role].unique()})
    for row in np.flatnonzero(said.isna() & ~reader.bad):
        problem = ("no_answer", "This is neither yes nor no. Write one of them, or leave the cell empty.")
        reader.fault(int(row), reader.mapping[role], frame[role].iloc[row], problem)
    return frame.assign(**{role: said.eq(True)})


def _backorders(frame: "pd.DataFrame", columns: Mapping[str, str]) -> tuple["pd.DataFrame", Notes]:
    """Stock below zero as backorders."""
    if "on_hand" not in frame or not (frame["on_hand"] < 0).any():
        return frame, []
    below = frame["on_hand"] < 0
    owed = frame["backorders"].fillna(0) if "backorders" in frame else 0.0
    frame = frame.assign(backorders=owed + (-frame["on_hand"]).clip(lower=0), on_hand=frame["on_hand"].clip(lower=0))
    return frame, [f"{several(int(below.sum()), 'row', 'have')} a stock below 0, which was read as backorders."]


def _open(frame: "pd.DataFrame", columns: Mapping[str, str]) -> tuple["pd.DataFrame", Notes]:
    """Orders of which something is still to come. What has arrived of an ordered quantity is not."""
    notes = []
    if "received_quantity" in frame and ranks("open_orders")["quantity"].get(plain(columns["quantity"])) != 0:
        frame = frame.assign(quantity=frame["quantity"] - frame["received_quantity"].fillna(0))
        notes.append(f"{columns['quantity']} is what was ordered: {columns['received_quantity']} is taken off.")
    closed = frame["quantity"] <= 0
    if closed.any():
        notes.append(f"{several(int(closed.sum()), 'order', 'have')} nothing open: left out.")
    return frame[~closed], notes


def _priced(frame: "pd.DataFrame", columns: Mapping[str, str]) -> tuple["pd.DataFrame", Notes]:
    """The price of one unit, where a column or the name of the price's says that it is for several."""
    notes = [f"Prices are for as many units as {columns['price_unit']} says."] if "price_unit" in frame else []
    for role in ("unit_price", "price"):
        if role in frame:
            stated = PRICED_PER.search(columns[role].casefold())
            units = float(stated[1]) if stated else 1.0
            frame = frame.assign(**{role: frame[role] / (frame["price_unit"].fillna(units) if notes else units)})
            if units > 1 and not notes:
                notes = [f"{columns[role]} is the price of {units:g} units: divided by {units:g}."]
    return frame.drop(columns="price_unit", errors="ignore"), notes


def _until_in_stock(frame: "pd.DataFrame", columns: Mapping[str, str]) -> tuple["pd.DataFrame", Notes]:
    """The lead time up to where a delivery can be used."""
    if "receiving_days" not in frame:
        return frame, []
    name = columns["receiving_days"]
    if "lead_time_days" not in frame:
        return frame.drop(columns="receiving_days"), [
            f"{name} is not used: it is added to a lead time, and there is none."
        ]
    frame = frame.assign(lead_time_days=frame["lead_time_days"] + frame["receiving_days"].fillna(0))
    return frame.drop(columns="receiving_days"), [f"{name} is added to {columns['lead_time_days']}."]


def _received(frame: "pd.DataFrame", columns: Mapping[str, str]) -> tuple["pd.DataFrame", Notes]:
    """Only lines of goods that came in, where a column says what each line is."""
    if "movement" not in frame:
        return frame, []
    other = frame["movement"].map(lambda text: movement_of(text) not in (None, "receipt")).to_numpy(bool)
    notes = [f"{several(int(other.sum()), 'line')} of other movements than receipts: left out."] if other.any() else []
    return frame[~other].drop(columns="movement"), notes


_Work = Callable[["pd.DataFrame", Mapping[str, str]], tuple["pd.DataFrame", Notes]]
_WORK: dict[Kind, tuple[_Work, ...]] = {
    "stock": (_backorders,),
    "products": (_backorders, _priced, _until_in_stock),
    "suppliers": (_until_in_stock,),
    "open_orders": (_open,),
    "receipts": (_received,),
}
