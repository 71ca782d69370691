"""Open orders of other systems, as they are listed, received and cancelled."""

from typing import Annotated

from pydantic import Field

from api.bodies.fields import Answer, Body, Identifier, Moment, Notes, Units
from tools.catalog.entries import OpenLine
from tools.catalog.importing.arrivals import LineKey


class OpenLineAnswer(OpenLine, Answer):
    """What is open of another system's order, of one product at one location."""


class OpenLines(Answer):
    """A page of open orders of other systems, what is due first before the others."""

    orders: tuple[OpenLineAnswer, ...] = Field(description="The orders of this page.")
    total: int = Field(description="Orders that match, on all pages.")


class OpenLineInput(Body):
    """Which open order of another system."""

    reference: Identifier = Field(description="The order's number in that system.")
    product_id: Identifier = Field(description="The product's id.")
    location: Identifier | None = Field(None, description="Where it is to arrive; not needed where it is the only one.")

    @property
    def key(self) -> LineKey:
        return LineKey(self.reference, self.product_id, self.location)


class ArrivalInput(OpenLineInput):
    """What arrived of it."""

    quantity: Units | None = Field(None, description="Units that arrived; without it, all that were still to come.")
    received_at: Moment | None = Field(None, description="When they arrived, with a time zone; without it, now.")


class LineCancellation(OpenLineInput):
    """Why the rest will not come."""

    reason: Annotated[Notes, Field(min_length=1)] = Field(description="Kept with the change.")
