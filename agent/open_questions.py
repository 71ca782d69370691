"""Questions that are being answered. Any number may follow one, each from where it likes, and come back to it."""

import asyncio
from collections.abc import AsyncIterator

from agent.state import ChatAnswer, ChatEvent
from tools.records.errors import Unavailable


class OpenQuestion:
    """One question, with what has happened since it was asked."""

    answering: "asyncio.Task[ChatAnswer]"

    def __init__(self, conversation_id: str, number: int, caller: str) -> None:
        self.conversation_id, self.number, self.caller = conversation_id, number, caller
        self._events: list[ChatEvent] = []
        self._news = asyncio.Event()
        self._closed = False

    def answered_by(self, answering: "asyncio.Task[ChatAnswer]") -> None:
        self.answering = answering
        answering.add_done_callback(lambda _: self._wake())

    def tell(self, event: ChatEvent) -> None:
        self._events.append(event)
        self._wake()

    def close(self, *, cancel: bool) -> None:
        """Send whoever follows away."""
        self._closed = True
        self._wake()
        if cancel:
            self.answering.cancel()

    async def follow(self, after: int = 0) -> AsyncIterator[ChatEvent | ChatAnswer]:
        """What happens from this event on; the answer is the last. Raises `Unavailable` at any point when the service
        stops."""
        while not self._closed:
            news = self._news
            if after < len(self._events):
                after += 1
                yield self._events[after - 1]
            elif self.answering.done():
                break
            else:
                await news.wait()
        if self._closed or self.answering.cancelled():
            raise stopping()
        yield self.answering.result()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def stopping() -> Unavailable:
    return Unavailable("The service is shutting down. Ask again in a few seconds.")
