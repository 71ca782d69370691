"""What tools have answered, as a page shows it beside an answer: tables, and products to link to."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from langchain_core.messages import AnyMessage, ToolMessage

from agent.evidence import parsed
from tools.book.conversations import Findings, Table
from tools.records.text import clean_text, money

MOST_TABLES, MOST_ROWS, MOST_COLUMNS, MOST_PRODUCTS = 3, 20, 8, 60
CELL_LENGTH = 160
Cell = str | int | float | bool | None


def found(messages: Sequence[AnyMessage]) -> Findings:
    """Of the results among the messages, the newest tables."""
    results = [message for message in messages if isinstance(message, ToolMessage) and message.status != "error"]
    looked_up = [(str(result.name), parsed(str(result.text))) for result in results]
    tables = [table for tool, value in looked_up for rows in _lists(value) if (table := _table(tool, rows))]
    return Findings(products=_products(value for _, value in looked_up), tables=tuple(tables[-MOST_TABLES:]))


def _lists(result: Any) -> Iterator[list[dict[str, Any]]]:
    """The lists of rows that a result has at its top."""
    for value in result.values() if isinstance(result, dict) else ():
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            yield value[:MOST_ROWS]


def _table(tool: str, rows: list[dict[str, Any]]) -> Table | None:
    """The table of these rows, without columns that are empty in all of them."""
    cells = [{name: _cell(value) for name, value in row.items()} for row in rows]
    columns = [name for name in dict.fromkeys(name for row in cells for name in row) if any(map(_in(name), cells))]
    kept = columns[:MOST_COLUMNS]
    values = tuple(tuple(row.get(name) for name in kept) for row in cells)
    return Table(tool=tool, columns=tuple(kept), rows=values) if kept else None


def _in(name: str) -> Any:
    return lambda row: row.get(name) not in (None, "")


def _cell(value: Any) -> Cell:
    """What fits into a cell; None for what does not."""
    if isinstance(value, str):
        return clean_text(value, limit=CELL_LENGTH)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict) and all(isinstance(part, int | float) for part in value.values()):
        return ", ".join(money(part, name) for name, part in value.items())
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return clean_text(" ".join(value), limit=CELL_LENGTH)
    return None


def _products(results: Iterable[Any]) -> dict[str, tuple[str, str]]:
    """By id and name, where one is told. A product at several locations has none here."""
    known: dict[str, tuple[str, str]] = {}
    for row in (row for result in results for row in _rows(result)):
        identity, location = row["product_id"], str(row.get("location") or "")
        for word in filter(None, (identity, row.get("name"), row.get("product_name"))):
            before = known.get(word)
            same = before in (None, (identity, location))
            if before is not None or len(known) < MOST_PRODUCTS:
                known[word] = (identity, location if same else "")
    return known


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    """Everything in a result that is about a product."""
    if isinstance(value, dict):
        if isinstance(value.get("product_id"), str):
            yield value
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _rows(part)
