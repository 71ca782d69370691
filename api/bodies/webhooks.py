"""Webhooks, and what could not be delivered to them."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.bodies.fields import Answer, Body, Label, NextPage
from tools.book.deliveries import DeadLetter
from tools.book.webhooks import EventName, Webhook

WebhookUrl = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_000,
        examples=["https://erp.example/hooks/restock"],
        description="Address that receives events.",
    ),
]
WebhookEvents = Annotated[list[EventName], Field(max_length=20, description="Empty for every event.")]


class NewWebhook(Body):
    """An address that is told of events from now on."""

    url: WebhookUrl
    events: WebhookEvents = Field([])
    description: Label = Field("", description="What it is for.")


class WebhookChange(Body):
    """What is to change; what is left out stays."""

    url: WebhookUrl | None = Field(None, description="Address that receives events.")
    events: WebhookEvents | None = Field(None, description="Empty for every event.")
    description: Label | None = Field(None, description="What it is for.")
    enabled: bool | None = Field(
        default=None, description="When disabled, what was still to be delivered becomes dead letters."
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.changes():
            raise PydanticCustomError("nothing_to_change", "Name at least one field to change, and not as null")
        return self

    def changes(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class Rotation(Body):
    """A new secret for a webhook."""

    keep_old_hours: Annotated[float, Field(ge=0, le=168)] = Field(
        default=24, description="For so long the old secret signs as well; 0 ends it at once."
    )


class WebhookAnswer(Webhook, Answer):
    """A webhook, without its secrets."""

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookAnswer":
        return cls.model_construct(**dict(webhook))


class SignedWebhook(WebhookAnswer):
    """A webhook with its new secret."""

    secret: str | None = Field(
        description="To verify deliveries with. Shown once: null where this answer is repeated for an Idempotency-Key."
    )


class Webhooks(Answer):
    """All webhooks."""

    webhooks: tuple[WebhookAnswer, ...] = Field(description="Oldest first.")


class DeadLetters(Answer):
    """A page of events that could not be delivered."""

    dead_letters: tuple[DeadLetter, ...] = Field(description="Newest first.")
    next: int | None = NextPage


class Replayed(Answer):
    """What is tried again."""

    replayed: int = Field(description="How many dead letters are tried again.")
