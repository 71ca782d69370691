"""The whole way from a trigger to a receiver that the settings name, and what operators see of it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import pytest
from standardwebhooks import Webhook as Verifier
from typer.testing import CliRunner

from api.commands.cli import app
from tests.receiver import Receiver, receiving, status
from tools.records import events

DOCUMENT = Path(__file__).parents[3] / "docs" / "webhooks.md"
SECRET = "whsec_" + "A" * 32


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def service(start: Any, receiver: Receiver) -> Any:
    return await start(webhooks=(events.Receiver(url=receiver.url(), secret=SECRET, name="erp"),))


async def test_an_order_placed_and_a_review_opened_arrive_at_the_receiver(
    service: Any, receiver: Receiver, x1: dict[str, Any], reviewed: dict[str, Any]
) -> None:
    placed = (await service.trigger(x1)).json()
    opened = (await service.trigger(reviewed)).json()
    await receiver.until(2)
    await service.decide(opened["review_id"], decision="approve", reason="fits")
    await receiver.until(4)

    told = [Verifier(SECRET).verify(each.body, dict(each.headers)) for each in receiver.received]
    by_type = {message["type"]: message["data"] for message in told}
    assert by_type["review.opened"]["id"] == by_type["review.decided"]["id"] == opened["review_id"]
    orders = {message["data"]["number"]: message["data"] for message in told if message["type"] == "order.placed"}
    assert len(orders) == 2
    assert orders[placed["order"]["number"]]["items"][0]["quantity"] == placed["recommended_quantity"]


async def test_dead_letters_are_counted_listed_and_replayed(
    service: Any, receiver: Receiver, x1: dict[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.script = [status(410)]
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    await service.trigger(x1)
    async with asyncio.timeout(20):
        while not await service.book.deliveries.dead_letters():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    metrics = (await service.client.get("/metrics")).text
    assert "webhook_dead_letters 1.0" in metrics
    assert 'webhook_deliveries_total{outcome="gone"} 1.0' in metrics
    listed = await asyncio.to_thread(run, "dead")
    assert re.match(r"(\d+)  erp  order.placed of run \w{32}, .* UTC: The receiver answered 410 Gone.\n$", listed)
    number = listed.split()[0]
    assert await asyncio.to_thread(run, "replay", number) == "Dead letters that are tried again: 1.\n"
    await receiver.until(2)
    assert len(set(receiver.event_ids)) == 1
    assert f"a dead letter {number}." in await asyncio.to_thread(run, "replay", number, code=1)
    assert await asyncio.to_thread(run, "replay", "--all") == "Dead letters that are tried again: 0.\n"


@pytest.mark.parametrize("words", [(), ("1", "--all")])
def test_what_is_to_be_replayed_must_be_said(words: tuple[str, ...]) -> None:
    assert "a dead letter's number or --all" in run("replay", *words, code=2)


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["events", *words])
    assert result.exit_code == code, result.output
    return result.output


async def test_the_documented_message_is_what_arrives(service: Any, receiver: Receiver, x1: dict[str, Any]) -> None:
    await service.trigger(x1)
    await receiver.until(1)

    arrived = json.loads(receiver.received[0].body)
    documented = json.loads(re.search(r"<!-- example -->\n```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1])
    assert arrived["link"].endswith(f"/orders/{arrived['data']['number']}")
    for message in (arrived, documented):
        message["timestamp"] = message["link"] = "each its own"
        message["data"] |= dict.fromkeys(("number", "run_id", "created_at", "due_at"), "each its own")
    assert arrived == documented


async def test_an_event_of_a_review_says_what_from_whom_and_at_what_price(
    service: Any, receiver: Receiver, x1: dict[str, Any]
) -> None:
    await service.trigger(x1 | {"product_id": "DEAR", "unit_price": 5_000, "supplier": "Acme"})
    await receiver.until(1)
    opened = json.loads(receiver.received[0].body)
    said = opened["data"]
    assert (opened["type"], opened["link"]) == ("review.opened", f"http://127.0.0.1:8000/reviews/{said['id']}")
    assert (said["product_id"], said["supplier_name"], said["unit_price"]) == ("DEAR", "Acme", "5000.0")
    assert (said["currency"], "above the automatic limit" in said["review_reasons"][0]) == ("USD", True)


def test_every_event_and_field_of_the_setting_is_documented() -> None:
    text = DOCUMENT.read_text()

    assert [
        name for name in (*get_args(events.EventName), *events.Receiver.model_fields) if f"`{name}`" not in text
    ] == []
