"""Reads lists whole that come in pages."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
PAGE = 200
"""The most that one reading of a store brings."""


async def every_page(
    read: Callable[[int, str | None], Awaitable[Sequence[T]]],
    key: Callable[[T], str],
    limit: int | None,
    last: str | None,
) -> list[T]:
    """As many entries as the limit says, or all of them, page by page from the one after `last` on."""
    found: list[T] = []
    while limit is None or len(found) < limit:
        size = PAGE if limit is None else min(PAGE, limit - len(found))
        page = await read(size, last)
        found += page
        if len(page) < size:
            break
        last = key(page[-1])
    return found
