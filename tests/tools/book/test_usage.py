import asyncio
from datetime import date

from tools.book.book import OrderBook

DAY, NEXT_DAY = date(2026, 11, 25), date(2026, 11, 26)


async def test_what_is_added_is_summed_by_kind(book: OrderBook) -> None:
    assert await book.usage.add(DAY, {"input": 5, "output": 2}) == {"input": 5, "output": 2}
    assert await book.usage.add(DAY, {"output": 3, "input": 0}) == {"input": 5, "output": 5}
    assert await book.usage.of_day(DAY) == {"input": 5, "output": 5}


async def test_each_day_begins_at_nothing(book: OrderBook) -> None:
    await book.usage.add(DAY, {"input": 5})
    assert await book.usage.of_day(NEXT_DAY) == {}
    assert await book.usage.add(NEXT_DAY, {"input": 1}) == {"input": 1}


async def test_fifty_at_once_lose_nothing_of_what_they_add(book: OrderBook) -> None:
    forwards, backwards = {"input": 1, "output": 2}, {"output": 2, "input": 1}
    await asyncio.gather(*(book.usage.add(DAY, backwards if n % 2 else forwards) for n in range(50)))
    assert await book.usage.of_day(DAY) == {"input": 50, "output": 100}
