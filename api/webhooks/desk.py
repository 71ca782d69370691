"""What an administrator may do to webhooks, over HTTP and at the command line alike."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.settings import Settings
from api.webhooks.outbound import Outbound
from api.webhooks.secrets import SecretBox, new_secret
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.webhooks import EventName, Webhook


class Signed(NamedTuple):
    """A webhook with the secret that it signs with from now on, which cannot be shown again."""

    webhook: Webhook
    secret: str


class WebhookDesk:
    def __init__(self, settings: Settings, book: OrderBook) -> None:
        self._book = book
        self._outbound = Outbound.from_settings(settings)
        self._box = SecretBox(settings.webhook_secret_key)

    def close(self) -> None:
        self._outbound.close()

    async def add(self, *, url: str, events: Sequence[EventName], description: str, by: Actor) -> Signed:
        """Raises InvalidWebhookUrl, and Conflict for an address that is told of events already."""
        secret = new_secret()
        webhook = await self._book.webhooks.add(
            url=await self._outbound.check(url),
            events=events,
            description=description,
            secret=self._box.seal(secret),
            by=by,
        )
        return Signed(webhook, secret)

    async def change(self, webhook_id: str, changes: dict[str, Any], *, by: Actor) -> Webhook:
        """Raises UnknownWebhook, InvalidWebhookUrl and Conflict."""
        if "url" in changes:
            changes = {**changes, "url": await self._outbound.check(changes["url"])}
        return await self._book.webhooks.change(webhook_id, changes, by=by)

    async def rotate(self, webhook_id: str, *, keep_old_hours: float, by: Actor) -> Signed:
        """Raises UnknownWebhook; Conflict while the secret before the last rotation is still kept, for there are never
        more than two, unless none is to be kept."""
        secret = new_secret()
        webhook = await self._book.webhooks.rotate_secret(
            webhook_id, self._box.seal(secret), keep_old_seconds=keep_old_hours * 3600, by=by
        )
        return Signed(webhook, secret)
