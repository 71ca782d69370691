"""Purchase orders: lists, one with its lines, and what became of it."""

from typing import Annotated

from pydantic import Field

from api.bodies.fields import Answer, Body, Moment, Money, NextPage, Units
from api.bodies.runs import OrderAnswer
from tools.purchasing.documents import DocumentHead
from tools.purchasing.filling import FillUp


class DocumentAnswer(DocumentHead, Answer):
    """A purchase order: the lines of one supplier, location and currency."""

    total: Money | None = Field(description="Value of all lines; null when a price is not known.")
    minimum_order_value: Money | None = Field(description="The supplier's, in `terms_currency`; null for none.")
    free_freight_value: Money | None
    """From here on the supplier pays the freight; null where that is not known."""
    missing_to_minimum: Money | None
    """What a draft lacks to the minimum; null without one, or where prices or currencies do not let it be said."""
    missing_to_free_freight: Money | None = Field(description="What a draft lacks to free freight; null as above.")


class FillUpAnswer(FillUp, Answer):
    """A product that would be ordered soon anyway. It is proposed, and not ordered."""

    unit_price: Money = Field(description="Price of each unit at this quantity.")
    value: Money = Field(description="quantity × unit_price.")


class DocumentDetail(DocumentAnswer):
    """A purchase order with its lines."""

    lines: tuple[OrderAnswer, ...] = Field(description="Its orders, oldest first.")
    fill_up: tuple[FillUpAnswer, ...]
    """What would bring a draft to the supplier's minimum or, where it has that, to free freight. The product nearest to
    its reorder point comes first."""


class Documents(Answer):
    """A page of purchase orders, newest first."""

    purchase_orders: tuple[DocumentAnswer, ...] = Field(description="The purchase orders of this page.")
    total: int = Field(description="Purchase orders in all pages together.")
    next: str | None = NextPage


class Sending(Body):
    """A purchase order has gone to its supplier, as it was seen."""

    version: Annotated[str, Field(min_length=1, max_length=40)]
    """The document's `version` that was looked at. It is refused if the lines have changed since."""
    below_minimum: bool = Field(False, description="Send it although its value is below the supplier's minimum.")


class ArrivedLine(Body):
    """What arrived of one line."""

    line: Annotated[str, Field(min_length=1, max_length=100)]
    """Number of its order, or the product's id where only one line has it."""
    quantity: Units = Field(description="Units that arrived.")


class DeliveryInput(Body):
    """A delivery of a purchase order."""

    lines: Annotated[tuple[ArrivedLine, ...], Field(strict=False, min_length=1, max_length=10_000)] | None = None
    """What arrived of which line. Without it, the rest of every open line."""
    received_at: Moment | None = None
    """When it arrived, with a time zone: not in the future, not before the orders. Without it, now."""
