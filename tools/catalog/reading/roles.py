"""Kinds of files, and the roles that their columns play; `roles.toml` says how people call such columns."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from tools.catalog.reading.file_reading import Kind

Content = Literal["id", "text", "number", "day"]
Ranks = tuple[tuple[str, ...], ...]
"""Names of a role, the better ones first."""


def _ranks(text: str) -> Ranks:
    """
    >>> _ranks("sku, item no; item")
    (('sku', 'item no'), ('item',))
    """
    return tuple(tuple(" ".join(name.split()) for name in rank.split(",")) for rank in text.split(";"))


_WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_KINDS: dict[Kind, dict[str, Any]] = _WORDS["kinds"]
KINDS: dict[Kind, dict[str, Ranks]] = {
    kind: {role: _ranks(({**_WORDS["names"], **said.get("names", {})})[role]) for role in said["roles"]}
    for kind, said in _KINDS.items()
}
REQUIRED: dict[Kind, list[str]] = {kind: said["required"] for kind, said in _KINDS.items()}
"""Roles without which a file of the kind says nothing."""
KIND_WORDS: dict[Kind, tuple[str, str]] = {
    kind: tuple(said["words"]) for kind, said in _KINDS.items() if "words" in said
}
"""Kinds that are imported: name, and what such a file says."""

IDS = {"product_id", "location", "bin", "supplier", "supplier_id", "reference", "order_number", "customer", "document"}
DAYS = {"date", "as_of", "due_date", "ordered_date", "received_date", "first_day", "last_day"}
TEXTS = {"name", "category", "unit", "currency", "notes", "supplier_name", "order_days", "status", "movement", "side"}
TEXTS |= {"purchase_unit", "promotion", "stock_out", "ran_out", "month", "week"}
SOFT = TEXTS | {"price", "customer", "document", "reference", "as_of", "bin"}
"""Where two columns are as good as each other, the first is taken and named: no plan rests on these roles."""
_LABELS = {"product_id": "Product", "as_of": "Counted on", "lead_time_sd_days": "Lead time deviation"}


def content(role: str) -> Content:
    """What the cells of a role are."""
    if role in DAYS:
        return "day"
    if role in IDS:
        return "id"
    return "text" if role in TEXTS else "number"


@dataclass(frozen=True, slots=True)
class Role:
    """One thing that a column may hold, for people who prepare files."""

    name: str
    needed: bool

    @property
    def label(self) -> str:
        return _LABELS.get(self.name) or self.name.removesuffix("_days").replace("_", " ").capitalize()

    @property
    def meaning(self) -> str:
        return str(_WORDS["meanings"][self.name][0])

    def example(self, today: date) -> Iterable[str]:
        """A cell; none for a role that says what others say already."""
        for cell in _WORDS["meanings"][self.name][1:]:
            yield cell if isinstance(cell, str) else (today + timedelta(cell)).isoformat()


def roles(kind: Kind) -> list[Role]:
    """What the columns of such a file may hold, what it needs first."""
    found = [Role(name, name in REQUIRED[kind]) for name in KINDS[kind] if name in _WORDS["meanings"]]
    return sorted(found, key=lambda role: not role.needed)


def example(kind: Kind, today: date) -> dict[str, str]:
    """One row of such a file by role, which stands for the column's name."""
    return {role.name: cell for role in roles(kind) for cell in role.example(today)}
