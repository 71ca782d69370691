"""API keys: what may be asked of them, and how they are shown."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.bodies.fields import Answer, Body, Moment, Money, Price, cleaned
from tools.book.keys import ALL_SCOPES, Grant, Key, Scope
from tools.records.facts import CurrencyCode
from tools.records.money import Currency, Limit


class LimitInput(Body):
    """What a key may spend in one currency. Leave out what is not limited."""

    currency: Currency = Field(examples=["EUR"], description="Three-letter code of the currency (ISO 4217).")
    per_order: Price | None = Field(default=None, examples=[5_000], description="Largest value of one order.")
    per_day: Price | None = Field(default=None, examples=[20_000])
    """Largest value of all orders of a day (UTC)."""
    in_total: Price | None = Field(None, description="Largest value of all orders ever.")

    def limit(self) -> Limit:
        return Limit.model_validate(self.model_dump())


def _one_limit_each(limits: list[LimitInput]) -> list[LimitInput]:
    if len({limit.currency for limit in limits}) < len(limits):
        raise PydanticCustomError("currency_twice", "There are two limits in the same currency; send one for each")
    return limits


LimitInputs = Annotated[list[LimitInput], Field(max_length=50), AfterValidator(_one_limit_each)]


class NewKey(Body):
    """A key to be made."""

    name: Annotated[str, Field(min_length=1, max_length=100), cleaned(100)] = Field(examples=["erp bridge"])
    """Name that people know it by; shown with everything that is done with it."""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(ALL_SCOPES))] = Field(
        examples=[["trigger", "read"]]
    )
    """What it may do. `trigger` asks for decisions, `read` looks, `approve` decides reviews, `admin` manages keys."""
    expires_at: Moment | None = Field(default=None, examples=["2027-01-01T00:00:00Z"])
    """When it ends by itself, with a time zone. Without it, never."""
    may_approve_own: bool = Field(False, description="Whether it may approve orders that it asked for itself.")
    limits: LimitInputs = Field([])
    """What it may spend, by currency. Without any, it may spend without limit."""

    @property
    def grant(self) -> Grant:
        return Grant.model_validate(self.model_dump())


class KeyRotation(Body):
    """A new secret for a key."""

    keep_old_hours: Annotated[float, Field(ge=0, le=8_760)] = 24
    """Hours for which the old secret stays valid; 0 ends it at once."""


class NewLimits(Body):
    """All limits of a key."""

    limits: LimitInputs
    """All limits of the key, by currency. A currency that is left out is not limited any more."""


class KeyLimit(Answer):
    """What a key may spend in one currency; null is no limit."""

    currency: CurrencyCode
    per_order: Money | None = Field(description="Largest value of one order.")
    per_day: Money | None = Field(description="Largest value of all orders of a day (UTC).")
    in_total: Money | None = Field(description="Largest value of all orders ever.")


class KeyAnswer(Key, Answer):
    """A key, without its secret."""

    model_config = ConfigDict(extra="ignore")

    limits: tuple[KeyLimit, ...] = Field(  # type: ignore[assignment]  # the same limits, with money as numbers
        description="What it may spend, by currency; empty for no limit."
    )


class MadeKey(KeyAnswer):
    """A key with its new secret, which is shown in this answer only."""

    key: str | None = None
    """What to send as X-API-Key. null when a request is answered again: rotate a key whose secret is lost."""


class Keys(Answer):
    """All keys."""

    keys: tuple[KeyAnswer, ...] = Field(description="Newest first, revoked ones too.")
