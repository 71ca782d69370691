"""Webhooks as administrators manage them, and the whole way from a trigger to a receiver."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook as Verifier
from typer.testing import CliRunner

from agent.settings import Settings
from api.commands.cli import app
from tests.receiver import Receiver, receiving, status
from tools.book.audit import Actor
from tools.book.webhooks import EVENTS
from tools.storage.migrations.upgrade import migrate
from tools.storage.schema import idempotency, webhooks

DOCUMENT = Path(__file__).parents[3] / "docs" / "webhooks.md"
URL = "http://127.0.0.1:9/hooks"


@pytest.fixture
async def service(start: Any) -> Any:
    return await start(
        webhook_allow_private=True,
        webhook_poll_seconds=0.02,
        webhook_attempts=2,
        webhook_first_retry_seconds=0.02,
    )


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def add(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    return dict((await client.post("/webhooks", json={"url": URL, **changes})).raise_for_status().json())


async def test_an_order_placed_and_a_review_opened_arrive_at_the_receiver(
    service: Any, receiver: Receiver, x1: dict[str, Any], reviewed: dict[str, Any]
) -> None:
    secret = (await add(service.client, url=receiver.url()))["secret"]
    placed = (await service.trigger(x1)).json()
    opened = (await service.trigger(reviewed)).json()
    await receiver.until(2)
    await service.decide(opened["review_id"], decision="approve", reason="fits")
    await receiver.until(4)

    told = [Verifier(secret).verify(each.body, dict(each.headers)) for each in receiver.received]
    by_type = {message["type"]: message["data"] for message in told}
    assert by_type["review.opened"]["id"] == by_type["review.decided"]["id"] == opened["review_id"]
    orders = {message["data"]["number"]: message["data"] for message in told if message["type"] == "order.placed"}
    assert len(orders) == 2
    assert orders[placed["order"]["number"]]["items"][0]["quantity"] == placed["recommended_quantity"]


async def test_the_secret_is_shown_once(client: httpx.AsyncClient, service: Any) -> None:
    added = await add(client, events=["order.placed"], description="ERP")

    assert added["secret"].startswith("whsec_")
    shown = {name: value for name, value in added.items() if name != "secret"}
    assert (await client.get("/webhooks")).json() == {"webhooks": [shown]}
    assert (await client.get(f"/webhooks/{added['id']}")).json() == shown


async def test_a_repeated_request_adds_one_webhook_and_its_secret_is_stored_nowhere_else(
    client: httpx.AsyncClient, service: Any
) -> None:
    headers = {"Idempotency-Key": "first"}
    first = await client.post("/webhooks", json={"url": URL}, headers=headers)
    again = await client.post("/webhooks", json={"url": URL}, headers=headers)
    other = await client.post("/webhooks", json={"url": URL}, headers={"Idempotency-Key": "second"})

    assert again.json() == {**first.json(), "secret": None}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    with service.book.database.engine.begin() as connection:
        assert first.json()["secret"] not in str(connection.execute(sa.select(idempotency)).all())
        assert len(connection.execute(sa.select(webhooks)).all()) == 1


async def test_a_webhook_is_changed_rotated_and_removed(client: httpx.AsyncClient, service: Any, problem: Any) -> None:
    added = await add(client)
    address = f"/webhooks/{added['id']}"

    changed = (await client.patch(address, json={"events": ["review.opened"], "enabled": False})).json()
    assert (changed["events"], changed["enabled"], changed["url"]) == (["review.opened"], False, URL)
    rotated = (await client.post(f"{address}/rotate", json={})).json()
    assert rotated["secret"] not in (None, added["secret"])
    assert rotated["old_secret_until"]
    problem(await client.post(f"{address}/rotate", json={}), 409, "conflict")
    ended = await client.post(f"{address}/rotate", json={"keep_old_hours": 0})
    assert ended.json()["old_secret_until"] is None
    removed = await client.delete(address)
    assert (removed.status_code, removed.content) == (204, b"")
    for request in (client.get(address), client.delete(address), client.patch(address, json={"enabled": True})):
        problem(await request, 404, "unknown_webhook")


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("POST", "/webhooks", {}),
        ("POST", "/webhooks", {"url": URL, "secret": "mine"}),
        ("POST", "/webhooks", {"url": URL, "events": ["order.lost"]}),
        ("POST", "/webhooks", {"url": 1}),
        ("PATCH", "/webhooks/wh_1", {}),
        ("PATCH", "/webhooks/wh_1", {"url": None}),
        ("PATCH", "/webhooks/wh_1", {"enabled": "no"}),
        ("POST", "/webhooks/wh_1/rotate", {"keep_old_hours": 169}),
        ("POST", "/webhooks/wh_1/rotate", {"keep_old_hours": -1}),
        ("POST", "/webhooks/dead/0/replay", None),
        ("POST", "/webhooks/dead/99999999999999999999/replay", None),
        ("GET", "/webhooks/dead?before=x", None),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    client: httpx.AsyncClient, problem: Any, method: str, address: str, body: Any
) -> None:
    problem(await client.request(method, address, json=body), 422, "invalid_input")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://127.1/",
        "https://2130706433/",
        "https://[::ffff:10.0.0.1]/",
        "https://ok.example@127.0.0.1/",
        "http://erp.example/",
        "https://erp.example:22/",
    ],
)
async def test_an_address_that_leads_inside_is_refused_when_it_is_added_and_when_it_is_changed(
    start: Any, problem: Any, url: str
) -> None:
    client = (await start()).client

    added = await client.post("/webhooks", json={"url": url})
    changed = await client.patch("/webhooks/wh_1", json={"url": url})

    problem(added, 422, "invalid_webhook_url")
    problem(changed, 422, "invalid_webhook_url")


async def test_an_address_that_was_allowed_once_is_checked_again_before_each_attempt(
    start: Any, receiver: Receiver, x1: dict[str, Any]
) -> None:
    strict = await start(webhook_poll_seconds=0.02, webhook_attempts=1)
    await strict.book.webhooks.add(
        url=receiver.url(), events=[], description="", secret="plain:whsec_YQ==", by=Actor(name="x")
    )
    await strict.trigger(x1)

    letter = (await _when_there_are(strict.client, 1))[0]
    assert letter["last_error"] == "The address must begin with https://."
    assert receiver.connections == 0


async def test_dead_letters_are_listed_counted_and_replayed(
    client: httpx.AsyncClient, service: Any, receiver: Receiver, x1: dict[str, Any], problem: Any
) -> None:
    receiver.script = [status(500), status(500)]
    webhook = await add(client, url=receiver.url())
    await service.trigger(x1)
    letter = (await _when_there_are(client, 1))[0]

    assert letter["webhook_id"] == webhook["id"]
    assert (letter["event"], letter["attempts"]) == ("order.placed", 2)
    metrics = (await client.get("/metrics")).text
    assert "webhook_dead_letters 1.0" in metrics
    assert 'webhook_deliveries_total{outcome="dead"} 1.0' in metrics
    replayed = await client.post(f"/webhooks/dead/{letter['number']}/replay")
    assert replayed.json() == {"replayed": 1}
    await receiver.until(3)
    assert len(set(receiver.event_ids)) == 1
    problem(await client.post(f"/webhooks/dead/{letter['number']}/replay"), 404, "unknown_dead_letter")
    assert (await client.post("/webhooks/dead/replay")).json() == {"replayed": 0}
    problem(await client.post("/webhooks/dead/replay", params={"webhook_id": "wh_none"}), 404, "unknown_webhook")


async def _when_there_are(client: httpx.AsyncClient, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(20):
        while len(found := (await client.get("/webhooks/dead")).json()["dead_letters"]) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return list(found)


def test_the_command_line_manages_webhooks_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/book.db")
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", "true")
    asyncio.run(migrate(f"sqlite:///{tmp_path}/book.db"))

    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["webhooks", *words])
        assert result.exit_code == code, result.output
        return result.output

    added = run("add", URL, "--event", "order.placed", "--event", "review.opened", "--description", "ERP")
    identity = added.split()[0]
    assert "whsec_" in added
    listed = run("list")
    assert (identity in listed, "order.placed, review.opened" in listed, "whsec_" in listed) == (True, True, False)
    assert "whsec_" in run("rotate", identity)
    assert "signs until" in run("rotate", identity, code=1)
    assert run("dead") == ""
    assert run("replay") == "0 dead letters are tried again.\n"
    assert "No dead letter 7" in run("replay", "7", code=1)
    assert "Events are" in run("add", URL, "--event", "order.lost", code=2)
    assert "usual form" in run("add", "https://127.1/", code=1)
    run("remove", identity)
    assert run("list") == ""


async def test_the_documented_message_is_what_arrives(service: Any, receiver: Receiver, x1: dict[str, Any]) -> None:
    await add(service.client, url=receiver.url(), events=["order.placed"])
    await service.trigger(x1)
    await receiver.until(1)

    arrived = json.loads(receiver.received[0].body)
    documented = json.loads(re.search(r"<!-- example -->\n```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1])
    for message in (arrived, documented):
        message["timestamp"] = "each its own"
        message["data"] |= dict.fromkeys(("number", "run_id", "created_at", "due_at"), "each its own")
    assert arrived == documented


def test_every_event_and_setting_is_documented() -> None:
    text = DOCUMENT.read_text()
    settings = [name.upper() for name in Settings.model_fields if name.startswith("webhook_")]

    assert [name for name in (*EVENTS, *settings) if f"`{name}`" not in text] == []
