"""An answer in parts: text, links to what it names, and what no lookup shows. Its words are text, never markup."""

import re
from typing import NamedTuple

from api.pages.desk import address_of_product
from tools.book.conversations import Findings, Turn

_PAGES = {"PO": "orders", "TR": "orders", "PD": "purchase-orders", "RV": "reviews"}
_NUMBER = rf"(?:{'|'.join(_PAGES)})-\d[\d-]*\d"


class Part(NamedTuple):
    text: str
    address: str | None = None
    is_marked: bool = False


def parts_of(turn: Turn) -> list[Part]:
    """The answer of a turn; all parts together are its text."""
    products = sorted(turn.findings.products, key=len, reverse=True)
    words = "|".join(map(re.escape, (*turn.unverified, *products)))
    pattern = re.compile(rf"(?<![\w-])(?:{words + '|' if words else ''}{_NUMBER})(?![\w-]|[.,]\d)")
    parts, end = [], 0
    for match in pattern.finditer(turn.answer):
        parts += [Part(turn.answer[end : match.start()]), _part(match[0], turn)]
        end = match.end()
    return [part for part in (*parts, Part(turn.answer[end:])) if part.text]


def address_of(value: object, findings: Findings) -> str | None:
    """The page of an order, a review, a purchase order, or a product that the results name."""
    text = str(value)
    if re.fullmatch(_NUMBER, text):
        return f"/desk/{_PAGES[text[:2]]}/{text}"
    return address_of_product(*findings.products[text]) if text in findings.products else None


def _part(text: str, turn: Turn) -> Part:
    if text in turn.unverified:
        return Part(text, is_marked=True)
    return Part(text, address_of(text, turn.findings))
