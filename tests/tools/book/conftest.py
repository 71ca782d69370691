"""What tests of the order book begin with."""

import pytest

from tests.order_book import record
from tools.book.book import OrderBook
from tools.records.orders import Proposal


@pytest.fixture
def waiting(book: OrderBook, new_run, new_proposal):
    """Opens a review, with anything about it changed."""

    async def propose(*, expires_in_hours: float = 72, **changes) -> Proposal:
        about = {name: changes[name] for name in ("product_id", "location", "mode") if name in changes}
        run = await record(book, new_run(**about), owner="w1", lease_seconds=60)
        return await book.orders.propose(
            new_proposal(run.id, **changes), route="review", expires_in_hours=expires_in_hours
        )

    return propose
