"""Finds the line of column names below a report's head."""

import re
from collections.abc import Sequence

from tools.catalog.reading.names import is_known, spellings
from tools.catalog.reading.periods import period_of
from tools.records.text import clean_text

SEARCHED = 60
"""Lines in which the column names are looked for."""


def heading_row(rows: Sequence[Sequence[str]]) -> int | None:
    """The position of the row with most names that are known; without such, of the first that is as wide as any."""
    scores = [heading_score(row) for row in rows[:SEARCHED]]
    if not scores:
        return None
    best = max(range(len(scores)), key=lambda place: (scores[place], -place))
    if scores[best] >= 2 or (scores[best] == 1 and filled(rows[best]) <= 2):
        return best
    widths = [filled(row) for row in rows[:SEARCHED]]
    return widths.index(max(widths)) if max(widths) else None


def heading_score(row: Sequence[str]) -> int:
    """How many different cells of the row are known names or periods in a row."""
    names = {spellings(cell)[0] for cell in row if cell and is_known(cell)}
    periods = sum(period_of(cell) is not None for cell in row if cell)
    return len(names) + (periods if periods >= 3 and names else 0)


def filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def is_unnamed(column: str) -> bool:
    return re.fullmatch(r"column \d+", column) is not None


def unique_names(row: Sequence[str]) -> list[str]:
    """Column names, trimmed, without invisible characters. One without a name is called by its place, a second one by
    its number."""
    seen: dict[str, int] = {}
    names = []
    for place, cell in enumerate(row, start=1):
        name = clean_text(cell, limit=len(cell)) or f"column {place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names
