"""What the rules model says next: words for the person, or calls to tools."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """Either a text or calls, never both."""

    text: str = ""
    calls: tuple[Call, ...] = ()
