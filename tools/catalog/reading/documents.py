"""Lines of sales as a ledger keeps them: the same goods on several documents, and on two sides of an account."""

import re
from typing import TYPE_CHECKING, Literal

import numpy as np

from tools.catalog.reading.periods import fold
from tools.records.errors import UnclearColumns
from tools.records.text import several

if TYPE_CHECKING:
    import pandas as pd

_DOCUMENTS = (
    r"ab|bc|.*\b(?:(?:auftrags|bestell)bestatigung\w*|(?:order |sales )?confirmations?|confirmacion\w*|"
    r"confirmations? de commande|accuses? de reception)\b.*",
    r"so|ped|.*\b(?:(?:kunden|verkaufs)?auftrage?|(?:kunden)?bestellung(?:en)?|orders?|pedidos?|ordenes|commandes?)\b.*",
    r"ls|dn|alb|bl|.*\b(?:(?:sammel)?lieferschein\w*|(?:aus)?lieferung(?:en)?|deliver(?:y|ies)|shipments?|"
    r"packing slips?|dispatch(?:es)?|albaran(?:es)?|entregas?|bons? de livraison|livraisons?|expeditions?)\b.*",
    r"re|rg|inv?|fac?|fv|.*\b(?:(?:ausgangs|verkaufs|sammel)?rechnung(?:en)?|faktur(?:a|en)|invoices?|facturas?|"
    r"factures?)\b.*",
)
"""What one sale leaves behind: a confirmation, an order, a delivery note, an invoice."""
_BY_WEIGHT = (1, 0, 2, 3)
"""Which of them counts where they say the same: what was ordered first."""
_KINDS = [re.compile(pattern) for pattern in _DOCUMENTS]
_SIDES: dict[str, Literal["debit", "credit"]] = {
    **dict.fromkeys(("s", "soll", "d", "dr", "debit", "debe", "cargo"), "debit"),
    **dict.fromkeys(("h", "haben", "c", "cr", "credit", "haber", "k", "abono"), "credit"),
}
MOSTLY = 0.5
"""Of lines on other documents. Where fewer are copies, by product, customer and quantity, they are other sales."""
MOST_RETURNS = 0.25
"""Of the lines of sales. Where the rarer side has more, it may be something else."""


def one_document_each(frame: "pd.DataFrame") -> tuple["pd.DataFrame", list[str]]:
    """Of each product only the kind of document with most of it, where there are several kinds."""
    if "movement" not in frame:
        return frame, []
    kinds = frame["movement"].map({text: _document(str(text)) for text in frame["movement"].unique()})
    sold = kinds.notna() & (frame["quantity"] > 0)
    if kinds[sold].nunique() < 2:
        return frame, []
    sums = frame[sold].groupby([frame["product_id"], kinds.rename("kind")])["quantity"].sum().reset_index()
    sums["weight"] = sums["kind"].map(dict(enumerate(_BY_WEIGHT)))
    best = sums.sort_values(["quantity", "weight"], ascending=[False, True]).drop_duplicates("product_id")
    out = sold & (kinds != frame["product_id"].map(best.set_index("product_id")["kind"]))
    if not out.any() or _copied(frame[out], frame[sold & ~out]) < MOSTLY:
        return frame, []
    left = ", ".join(f"{count:,} of {text}" for text, count in frame.loc[out, "movement"].value_counts().items())
    counted = ", ".join(map(str, frame.loc[sold & ~out, "movement"].unique()))
    note = (
        f"Several kinds of documents tell of the same sales: {counted} counts, {several(int(out.sum()), 'line')} left "
        f"out ({left}). If they are other sales, read the file without that column (--map movement=)."
    )
    return frame[~out], [note]


def _copied(lines: "pd.DataFrame", counted: "pd.DataFrame") -> float:
    """The share of lines that are among the counted ones with the same product, customer and quantity."""
    same = [role for role in ("product_id", "customer", "quantity") if role in lines]
    return len(lines[same].merge(counted[same].drop_duplicates())) / len(lines)


def _document(text: str) -> int | None:
    word = fold(text).replace("_", " ").replace("-", " ").strip(" .")
    return next((place for place, kind in enumerate(_KINDS) if kind.fullmatch(word)), None)


def signed_by_side(frame: "pd.DataFrame", columns: dict[str, str]) -> tuple["pd.DataFrame", list[str]]:
    """Quantities of the rarer side of an account as returns, where none has a sign. Raises UnclearColumns."""
    if "side" not in frame:
        return frame, []
    sides = frame["side"].map({text: _SIDES.get(fold(str(text)).strip(" .")) for text in frame["side"].unique()})
    frame, column, counts = frame.drop(columns="side"), columns["side"], sides.value_counts()
    if (frame["quantity"] < 0).any() or len(counts) < 2:
        return frame, [f"{column} is not used: the quantities have their sign, or it says the same everywhere."]
    if counts.iloc[1] > MOST_RETURNS * counts.sum():
        raise UnclearColumns(
            f"{column} says debit on {counts['debit']:,} lines and credit on {counts['credit']:,}: which are sales "
            "cannot be told. Leave the other lines out of the file, give returns a minus, or read it without that "
            "column (--map side=).",
            role="side",
            candidates=(column,),
        )
    rarer = (sides == counts.index[1]).to_numpy(bool)
    signed = np.where(rarer, -frame["quantity"].abs(), frame["quantity"])
    said = several(int(rarer.sum()), "line", "are")
    note = f"{column}: lines of {counts.index[0]} are sales; {said} {counts.index[1]} and counted as returned."
    return frame.assign(quantity=signed), [note]
