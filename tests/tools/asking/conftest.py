"""What the tools look into, on each database."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.order_book import record
from tools.asking.overview import Overview
from tools.book.book import OrderBook
from tools.records.orders import Proposal
from tools.sweep.lists import TodayLists


@pytest.fixture
def overview(book: OrderBook) -> Overview:
    """Over the sample catalogue, until there is another."""
    return Overview(book, TodayLists(book))


@pytest.fixture
def waiting(book: OrderBook, new_run: Any, new_proposal: Any) -> Callable[..., Any]:
    """Opens a review, with anything about it changed."""

    async def propose(**changes: Any) -> Proposal:
        about = {name: changes[name] for name in ("product_id", "location", "mode") if name in changes}
        run = await record(book, new_run(**about), owner="w1", lease_seconds=60)
        return await book.orders.propose(new_proposal(run.id, **changes), route="review", expires_in_hours=99)

    return propose
