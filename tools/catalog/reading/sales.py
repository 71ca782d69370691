"""What rows of sales mean: cancelled lines and transfers were no demand, returns do not lower it."""

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tools.catalog.reading.documents import one_document_each, signed_by_side
from tools.catalog.reading.movements import COLUMNS, Movement, movement_of
from tools.catalog.reading.names import plain
from tools.catalog.reading.periods import fold
from tools.records.errors import InvalidInput
from tools.records.text import several

if TYPE_CHECKING:
    import pandas as pd

Marks = NDArray[np.bool_]
CANCELLED = re.compile(
    r"(?:wc )?(?:order )?(?:fully )?(?:cancel.*|void(?:ed)?|refund(?:ed)?|failed|rejected|declined|expired|deleted|"
    r"trash|(?:checkout )?draft|storno.*|storniert.*|abgebrochen|abgelehnt|geloscht|erstattet|anulad[oa].*|"
    r"cancelad[oa].*|reembolsad[oa]|rechazad[oa]|annul.*|rembours.*|refus.*)|"
    r".* - (?:returned to seller|lost in transit)"
)
NOT_CANCELLED = {"", "false", "no", "0", "n", "nein", "non", "not cancelled"}
TRANSFER = re.compile(
    r".*\b(?:transfers?|transferred|internal.*|umlagerung.*|umbuchung.*|intern(?:e|er|es)?|lagerumbuchung|traspaso.*|"
    r"transferencia.*|interno|transfert.*|interne|stock move(?:ment)?)\b.*"
)
NO_SALE = re.compile(
    r".*\b(?:purchase.*|receipt|goods receipt|inbound|adjust.*|adjmt.*|inventory count|count|inventur.*|zugang|"
    r"wareneingang.*|einkauf.*|korrektur|compra.*|entrada|ajuste.*|achat.*|reception.*|inventaire.*|quote|quotation|"
    r"angebot.*|presupuesto|devis)\b.*"
)
SALE = re.compile(r".*\b(?:sales?|verkauf.*|venta.*|vente.*|invoice|rechnung|shipment|lieferung|abgang|pos)\b.*")

RETURNED = re.compile(
    r".*\b(?:gutschrift.*|rechnungskorrektur.*|retouren?|rucksendung.*|rucknahme.*|credit (?:notes?|memos?)|"
    r"returns?|abono.*|devolucion.*|nota de credito|avoirs?|retours?)\b.*"
)


def demand_rows(frame: "pd.DataFrame", columns: dict[str, str]) -> tuple["pd.DataFrame", list[str]]:
    """The rows of demand, and in words what the others were. `columns` are the file's names by role."""
    frame = _by_movement_type(frame, columns)
    cancelled = _like(frame, "status", CANCELLED) | _stated(frame, columns)
    moved = ~cancelled & (_like(frame, "status", TRANSFER) | _like(frame, "movement", TRANSFER))
    moved |= ~cancelled & _like(frame, "customer", TRANSFER)
    other = ~cancelled & ~moved & _like(frame, "movement", NO_SALE) & ~_like(frame, "movement", SALE)
    void = ~moved & ~other & _like(frame, "movement", CANCELLED)
    left_out = cancelled | moved | other | void
    frame = frame[~left_out] if left_out.any() else frame
    notes = [
        _said(cancelled | void, "cancelled or refunded"),
        _said(moved, "of transfers"),
        _said(other, "of purchases, counts or offers"),
    ]
    frame, sides = signed_by_side(frame, columns)
    frame = _outward(frame)
    if (returned := _like(frame, "movement", RETURNED)).any():
        frame = frame.assign(quantity=frame["quantity"].where(~returned, -frame["quantity"].abs()))
    frame, documents = one_document_each(frame)
    frame, more = _without_returns(frame)
    frame = frame.drop(columns="reversal", errors="ignore")
    return frame, [note for note in [*notes, *sides, *documents, *more] if note]


def _by_movement_type(frame: "pd.DataFrame", columns: dict[str, str]) -> "pd.DataFrame":
    """Movement types in words, where the column has nothing else: what goes out is positive, what comes back is not."""
    if plain(columns.get("movement", "")) not in COLUMNS:
        return frame
    types = {text: movement_of(str(text)) for text in frame["movement"].unique() if text}
    if not types or None in types.values():
        return frame
    said = frame["movement"].map(types)
    outward = frame["quantity"].abs().where(said == "issue", -frame["quantity"].abs())
    return frame.assign(movement=said.map(_WORDS).fillna(""), quantity=outward, reversal=said.eq("reversal"))


_WORDS: dict[Movement, str] = {"issue": "sale", "reversal": "sale", "return": "sale"}
_WORDS |= {"transfer": "transfer", "receipt": "receipt", "other": "adjustment"}


def _said(rows: Marks, what: str) -> str:
    return f"{several(int(rows.sum()), 'line')} {what}: no demand." if rows.any() else ""


def _like(frame: "pd.DataFrame", role: str, pattern: re.Pattern[str]) -> Marks:
    """Rows whose text of a role matches; each distinct text is looked at once."""
    if role not in frame:
        return np.zeros(len(frame), dtype=bool)
    words = frame[role].unique()
    hits = [word for word in words if pattern.fullmatch(fold(str(word)).replace("_", " ").replace("-", " "))]
    return frame[role].isin(hits).to_numpy()


def _stated(frame: "pd.DataFrame", columns: dict[str, str]) -> Marks:
    """Rows with anything but a no in a column that says by its name that a line is cancelled."""
    name = fold(columns.get("status", ""))
    if not re.search(r"cancel|storn|anulad|annul", name):
        return np.zeros(len(frame), dtype=bool)
    said = [word for word in frame["status"].unique() if fold(str(word)) not in NOT_CANCELLED]
    return frame["status"].isin(said).to_numpy()


def _outward(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Sales as positive quantities, where a ledger writes what goes out with a minus."""
    negative = frame["quantity"] < 0
    if negative.sum() <= 0.5 * len(frame):
        return frame
    if _like(frame, "movement", SALE).mean() > 0.5:
        return frame.assign(quantity=-frame["quantity"])
    raise InvalidInput(
        f"{negative.sum():,} of {several(len(frame), 'quantity')} below 0. Sales count as positive: turn the sign "
        "around, or name the column that says which lines are sales (--map movement=COLUMN)."
    )


def _without_returns(frame: "pd.DataFrame") -> tuple["pd.DataFrame", list[str]]:
    """Without negative lines, and without the earlier line that the same customer's negative line takes back whole."""
    negative = (frame["quantity"] < 0).to_numpy()
    if not negative.any():
        return frame, []
    taken = _taken_back(frame, negative)
    whole = int(taken.sum())
    by = "" if "reversal" in frame else " by the same customer"
    notes = [
        f"{several(whole, 'line', 'were')} taken back whole{by}: no demand." if whole else "",
        f"{several(int(negative.sum()) - whole, 'other line')} of returns, which do not lower demand."
        if negative.sum() > whole
        else "",
    ]
    return frame[~negative & ~taken], notes


def _taken_back(frame: "pd.DataFrame", negative: Marks) -> Marks:
    """The latest earlier line of the same customer, product and quantity for each negative line."""
    taken = np.zeros(len(frame), dtype=bool)
    reversal = frame["reversal"].to_numpy() if "reversal" in frame else taken
    if reversal.any():
        _take_back(frame, taken, negative, negative & reversal, [c for c in ("product_id", "location") if c in frame])
    who = next((role for role in ("customer", "document") if role in frame), None)
    if who is not None:
        _take_back(frame, taken, negative, negative & ~reversal & (frame[who] != "").to_numpy(), [who, "product_id"])
    return taken


def _take_back(frame: "pd.DataFrame", taken: Marks, negative: Marks, backward: Marks, same: list[str]) -> None:
    """Mark the latest earlier line of the same quantity for each `backward` one."""
    keys = frame[same].assign(quantity=frame["quantity"].abs(), place=np.arange(len(frame)))
    back = keys[backward]
    sold = keys[~negative & ~taken].merge(back[[*same, "quantity"]].drop_duplicates())
    open_lines: dict[tuple[object, ...], list[int]] = {}
    for *key, place in sold.itertuples(index=False, name=None):
        open_lines.setdefault(tuple(key), []).append(place)
    days = frame["date"].to_numpy()
    for *key, place in back.itertuples(index=False, name=None):
        lines = open_lines.get(tuple(key), [])
        earlier = [line for line in lines if days[line] <= days[place]]
        if earlier:
            latest = max(earlier, key=lambda line: (days[line], line))
            lines.remove(latest)
            taken[latest] = True
