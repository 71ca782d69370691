"""Removes what is old enough: stored answers, chats, finished threads, records of imports, and what runs were
sent."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import structlog
from langgraph.checkpoint.base import BaseCheckpointSaver

from agent.settings import Settings
from tools.book.book import OrderBook

log = structlog.get_logger(__name__)
PRUNE_SECONDS = 3_600.0
"""Pause between two rounds."""
KEEP_ANSWERS_DAYS = 7.0
"""How long a repeated Idempotency-Key gets the same answer."""
KEEP_EVENTS_DAYS = 30.0
"""How long delivered events are kept, dead letters included."""
BREATH_SECONDS = 0.05
"""Pause between two transactions, so that others can write."""

Pruned = dict[str, int]


class Retention:
    """Prunes an order book and its working memory."""

    def __init__(self, book: OrderBook, checkpointer: BaseCheckpointSaver[Any] | None, settings: Settings) -> None:
        self._book, self._checkpointer, self._settings = book, checkpointer, settings

    async def prune(self) -> Pruned:
        """Remove what is old enough, and return the counts. Other processes may serve meanwhile."""
        settings, stored = self._settings, self._book.retention
        pruned = {
            "answers": await self._until_none(KEEP_ANSWERS_DAYS, stored.forget_answers),
            "chats": await self._until_none(settings.keep_chats_days, self._chats),
            "events": await self._until_none(KEEP_EVENTS_DAYS, stored.forget_events),
            "imports": await self._until_none(settings.keep_requests_days, stored.forget_imports),
            "requests": await self._until_none(settings.keep_requests_days, self._requests),
        }
        if any(pruned.values()):
            log.info("pruned", **pruned)
        return pruned

    async def _until_none(self, days: float, forget: Callable[..., Awaitable[int]]) -> int:
        total = 0
        while days and (gone := await forget(days=days)):
            total += gone
            await asyncio.sleep(BREATH_SECONDS)
        return total

    async def _chats(self, days: float) -> int:
        ids = await self._book.retention.old_conversations(days=days)
        # Earlier versions kept conversations as threads.
        await self._delete_threads([f"chat-{conversation_id}" for conversation_id in ids])
        await self._book.retention.forget_conversations(ids)
        return len(ids)

    async def _requests(self, days: float) -> int:
        run_ids = await self._book.retention.old_requests(days=days)
        await self._delete_threads(run_ids)
        await self._book.retention.forget_requests(run_ids)
        return len(run_ids)

    async def _delete_threads(self, thread_ids: Collection[str]) -> None:
        """Delete the threads before their names, so that the next round completes one that was cut off."""
        if self._checkpointer is not None:
            for thread_id in thread_ids:
                await self._checkpointer.adelete_thread(thread_id)
