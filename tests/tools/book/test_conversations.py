import pytest

from tools.book.book import OrderBook
from tools.records.errors import UnknownConversation


async def test_a_conversation_belongs_to_whoever_began_it(book: OrderBook) -> None:
    assert await book.usage.conversation_owner("c") is None
    await book.usage.own_conversation("c", "anna")
    await book.usage.own_conversation("c", "anna")
    with pytest.raises(UnknownConversation):
        await book.usage.own_conversation("c", "ben")
    assert await book.usage.conversation_owner("c") == "anna"
