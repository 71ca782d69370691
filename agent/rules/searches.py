"""The results that are in, by the call that asked for them."""

from collections.abc import Iterable
from typing import Any

from agent.rules.replies import Call
from agent.rules.subjects import search_words
from agent.rules.transcript import ToolResult

SEARCH_LIMIT = 50
LIST_LIMIT = 100


def search(words: str = "", *, status: str = "any", location: str | None = None, limit: int = SEARCH_LIMIT) -> Call:
    """A search as the rules model makes it: always with the same arguments for the same wish."""
    arguments: dict[str, Any] = {"query": search_words(words), "limit": limit}
    if status != "any":
        arguments["status"] = status
    if location is not None:
        arguments["location"] = location
    return Call("find_products", arguments)


class Results:
    """Tool results of one turn."""

    def __init__(self, results: Iterable[ToolResult]) -> None:
        self._results = tuple(results)

    def of(self, call: Call) -> ToolResult | None:
        """The latest result of exactly this call."""
        fitting = [r for r in self._results if r.name == call.name and r.arguments == call.arguments]
        return fitting[-1] if fitting else None

    def missing(self, calls: Iterable[Call]) -> tuple[Call, ...]:
        """Those of the calls that have no result yet, each once."""
        wanted: list[Call] = []
        for call in calls:
            if call not in wanted and self.of(call) is None:
                wanted.append(call)
        return tuple(wanted)

    def rows(self, calls: Iterable[Call]) -> list[dict[str, Any]]:
        """The products that these searches found."""
        found = (self.of(call) for call in calls)
        return [row for result in found if result and not result.error for row in result.data.get("products", [])]
