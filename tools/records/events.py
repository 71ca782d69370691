"""Events for other systems, and the receivers of events."""

from base64 import b64decode
from hashlib import sha256
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, HttpUrl, SecretStr

from tools.records.facts import Record

EventName = Literal[
    "order.placed",
    "order.sent",
    "order.received",
    "order.corrected",
    "order.cancelled",
    "order.late",
    "review.opened",
    "review.decided",
    "review.expired",
    "review.superseded",
    "run.no_action",
    "run.failed",
]
NOTICES: tuple[EventName, ...] = ("review.opened", "review.expired", "order.late", "run.failed")
"""What people are told of."""


def _able_to_sign(secret: SecretStr) -> SecretStr:
    try:
        size = len(b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True))
    except ValueError:
        size = 0
    if not 24 <= size <= 64:
        raise ValueError("use whsec_ and 24 to 64 random bytes in base64, such as whsec_$(openssl rand -base64 32)")
    return secret


SigningSecret = Annotated[SecretStr, AfterValidator(_able_to_sign)]


class Receiver(Record):
    """A receiver of events, as WEBHOOKS lists it. Its address may hold a token and is not shown."""

    url: HttpUrl = Field(repr=False)
    secret: SigningSecret
    old_secret: SigningSecret | None = None
    """Signs as well while the receiver changes to a new secret."""
    events: tuple[EventName, ...] = ()
    """Empty for every event."""
    name: Annotated[str, Field(pattern=r"^[\w.-]{0,64}$")] = ""

    @property
    def address(self) -> str:
        """The address as it may be shown: its host, and a number that only this address has."""
        return f"{self.url.host}-{sha256(str(self.url).encode()).hexdigest()[:8]}"

    @property
    def identity(self) -> str:
        """The name under which its deliveries are stored."""
        return self.name or self.address

    @property
    def signing(self) -> list[str]:
        """The secrets that sign, in plain text."""
        return [secret.get_secret_value() for secret in (self.secret, self.old_secret) if secret]


class Recipient(Record):
    """People who are told, as NOTIFY_URLS lists them. The address is one of Apprise and may hold a password."""

    url: SecretStr

    name: ClassVar[str] = ""
    events: ClassVar[tuple[EventName, ...]] = NOTICES

    @property
    def identity(self) -> str:
        """The address as it may be shown: its kind, and a number that only this address has."""
        url = self.url.get_secret_value()
        return f"{url.partition(':')[0]}-{sha256(url.encode()).hexdigest()[:8]}"

    @property
    def address(self) -> str:
        return self.identity


Listener = Receiver | Recipient
"""Whoever events are kept for."""
