"""`restock orders`: what became of orders, from the command line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.order_book import let_pass


@pytest.fixture
async def number(service: Any, x1: dict[str, Any]) -> str:
    """An order of 748 or more X1."""
    return str((await service.trigger({**x1, "product_id": "X1"})).json()["order"]["number"])


@pytest.fixture
def orders(service: Any, run: Any) -> Callable[..., Awaitable[Any]]:
    url = service.runtime.settings.database_url

    async def command(*arguments: str) -> Any:
        return await asyncio.to_thread(run, "orders", *arguments, DATABASE_URL=url)

    return command


async def test_an_order_is_sent_received_in_parts_and_shown(service: Any, orders: Any, number: str) -> None:
    assert f"{number} | sent | X1 at default" in (await orders("sent", number)).stdout
    assert "partly_received" in (await orders("receive", number, "300")).stdout
    assert "more than ordered | closed" in (await orders("receive", number, "900")).stdout

    shown = (await orders("show", number)).stdout

    assert f"{number} | received" in shown
    assert "300 units, reported by command line" in shown
    assert "900 units" in shown
    assert {entry.actor for entry in await service.book.audit.page(limit=3)} == {"command line"}


async def test_a_late_order_is_listed_with_how_late_it_is(service: Any, orders: Any, number: str) -> None:
    assert (await orders("list", "--status", "overdue")).stdout == ""
    await let_pass(service.book, await service.book.orders.get(number), days=10)
    assert f"{number} | placed" in (await orders("list", "--status", "overdue")).stdout
    assert "3 days overdue" in (await orders("list", "--product", "X1")).stdout
    assert (await orders("list", "--product", "X2")).stdout == ""


async def test_an_order_is_cancelled_with_a_reason(orders: Any, number: str) -> None:
    assert "no need any more" in (await orders("cancel", number, "--reason", "no need any more")).stdout
    refused = await orders("receive", number, "5")
    assert (refused.exit_code, "because: no need any more" in refused.stderr) == (1, True)
    assert (await orders("cancel", number)).exit_code == 2
    assert (await orders("cancel", number, "--reason", " ")).exit_code == 1


async def test_an_unknown_status_is_named_with_those_that_there_are(orders: Any) -> None:
    refused = await orders("list", "--status", "lost")
    assert (refused.exit_code, "overdue" in refused.stderr) == (2, True)


async def test_a_receipt_of_yesterday_is_recorded_for_yesterday(service: Any, orders: Any, number: str) -> None:
    order = await service.book.orders.get(number)
    await let_pass(service.book, order, days=3)
    day = f"{order.created_at:%Y-%m-%d}T00:00:00"
    await orders("receive", number, "5", "--at", day)
    assert f"{day[:10]} 00:00 UTC: 5 units" in (await orders("show", number)).stdout
