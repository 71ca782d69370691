"""Movement types of German ERP systems: three digits for what moved goods, as 601 for an issue to a customer."""

import re
from typing import Literal

COLUMNS = {"bwart", "bewegungsart", "movementtype", "mvt", "bwa"}
"""Names of columns that hold them."""
Movement = Literal["issue", "reversal", "return", "transfer", "receipt", "other"]
_TYPES: tuple[tuple[re.Pattern[str], Movement], ...] = (
    (re.compile(r"2\d1|601"), "issue"),
    (re.compile(r"2\d2|602"), "reversal"),
    (re.compile(r"45[13]|65[1357]"), "return"),
    (re.compile(r"3\d\d|41[1-6]|60[345]|64\d"), "transfer"),
    (re.compile(r"10[1359]"), "receipt"),
    (re.compile(r"[1-9]\d\d"), "other"),
)


def movement_of(text: str) -> Movement | None:
    """None for what is no movement type. Issues go to customers, orders and cost centres; a reversal takes one back.

    >>> [movement_of(text) for text in ("601", "262", "311", "101", "701", "sale")]
    ['issue', 'reversal', 'transfer', 'receipt', 'other', None]
    """
    return next((movement for pattern, movement in _TYPES if pattern.fullmatch(text.strip())), None)
