"""Webhooks: added, changed, rotated, removed, and written down in the audit trail."""

from typing import Any

import pytest
import sqlalchemy as sa

from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.webhooks import MAX_WEBHOOKS, Webhook
from tools.records.errors import Conflict, UnknownWebhook
from tools.storage.schema import audit, webhooks


async def add(book: OrderBook, url: str = "https://erp.example/hooks", **changes: Any) -> Webhook:
    values = {"events": ["order.placed"], "description": "ERP", "secret": "plain:whsec_a", "by": Actor(name="anna")}
    return await book.webhooks.add(url=url, **(values | changes))


async def stored(book: OrderBook) -> Any:
    with book.database.engine.begin() as connection:
        return connection.execute(sa.select(webhooks)).one()


async def test_a_webhook_is_shown_without_its_secret(book: OrderBook) -> None:
    added = await add(book)

    assert (await book.webhooks.get(added.id), await book.webhooks.all()) == (added, [added])
    assert (added.url, added.events, added.enabled) == ("https://erp.example/hooks", ("order.placed",), True)
    assert "whsec" not in repr(added)


async def test_an_address_is_told_once(book: OrderBook) -> None:
    await add(book)
    other = await add(book, "https://other.example/")

    with pytest.raises(Conflict, match="told of events already"):
        await add(book)
    with pytest.raises(Conflict, match="told of events already"):
        await book.webhooks.change(other.id, {"url": "https://erp.example/hooks"}, by=Actor(name="anna"))
    await book.webhooks.change(other.id, {"url": "https://other.example/"}, by=Actor(name="anna"))


async def test_there_is_a_most(book: OrderBook) -> None:
    for number in range(MAX_WEBHOOKS):
        await add(book, f"https://erp.example/{number}")

    with pytest.raises(Conflict, match="remove one first"):
        await add(book)


async def test_what_is_not_named_stays_as_it_is(book: OrderBook) -> None:
    added = await add(book)

    changed = await book.webhooks.change(added.id, {"events": [], "enabled": False}, by=Actor(name="anna"))
    again = await book.webhooks.change(added.id, {"enabled": True}, by=Actor(name="bert"))

    assert changed == added.model_copy(update={"events": (), "enabled": False, "disabled_reason": "Disabled by anna."})
    assert again == added.model_copy(update={"events": ()})


async def test_a_second_rotation_waits_for_the_first_unless_nothing_is_to_be_kept(book: OrderBook) -> None:
    added = await add(book)
    rotated = await book.webhooks.rotate_secret(added.id, "plain:whsec_b", keep_old_seconds=3600, by=Actor(name="anna"))
    assert rotated.old_secret_until is not None

    with pytest.raises(Conflict, match="signs until"):
        await book.webhooks.rotate_secret(added.id, "plain:whsec_c", keep_old_seconds=3600, by=Actor(name="anna"))
    row = await stored(book)
    assert (row.secret, row.old_secret) == ("plain:whsec_b", "plain:whsec_a")

    ended = await book.webhooks.rotate_secret(added.id, "plain:whsec_d", keep_old_seconds=0, by=Actor(name="anna"))
    row = await stored(book)
    assert (ended.old_secret_until, row.secret, row.old_secret) == (None, "plain:whsec_d", None)
    await book.webhooks.rotate_secret(added.id, "plain:whsec_e", keep_old_seconds=1, by=Actor(name="anna"))


async def test_an_unknown_webhook_is_said_so_everywhere(book: OrderBook) -> None:
    for attempt in (
        book.webhooks.get("wh_none"),
        book.webhooks.change("wh_none", {"enabled": False}, by=Actor(name="anna")),
        book.webhooks.rotate_secret("wh_none", "plain:whsec_b", keep_old_seconds=0, by=Actor(name="anna")),
        book.webhooks.remove("wh_none", by=Actor(name="anna")),
        book.deliveries.replay_all("wh_none"),
    ):
        with pytest.raises(UnknownWebhook, match="wh_none"):
            await attempt


async def test_every_change_is_in_the_audit_trail_without_address_or_secret(book: OrderBook) -> None:
    added = await add(book, "https://erp.example/canary")
    await book.webhooks.change(
        added.id, {"url": "https://erp.example/canary2", "enabled": False}, by=Actor(name="bert")
    )
    await book.webhooks.rotate_secret(added.id, "plain:whsec_canary", keep_old_seconds=60, by=Actor(name="carl"))
    await book.webhooks.remove(added.id, by=Actor(name="dora"))

    with book.database.engine.begin() as connection:
        rows = connection.execute(sa.select(audit).order_by(audit.c.sequence)).all()
    assert [(row.event, row.actor) for row in rows] == [
        ("webhook.added", "anna"),
        ("webhook.changed", "bert"),
        ("webhook.rotated", "carl"),
        ("webhook.removed", "dora"),
    ]
    assert {row.figures["webhook_id"] for row in rows} == {added.id}
    assert rows[1].figures["changed"] == ["enabled", "url"]
    assert "canary" not in str(rows)
