"""Orders, how they turned out, and how far the confidence can be believed."""

from typing import Annotated

from pydantic import Field

from api.bodies.fields import MAX_QUANTITY, Answer, Body, NextPage, Quantity
from api.bodies.runs import OrderAnswer
from tools.lookback.calibration_watch import CalibrationState
from tools.records.orders import OrderOutcome, OutcomeReport


class Orders(Answer):
    """A page of orders, newest first."""

    orders: tuple[OrderAnswer, ...] = Field(description="The orders of this page.")
    next: str | None = NextPage


class OutcomeInput(Body):
    """How an order turned out at the end of the lead time and review period that it had to cover."""

    ran_out: bool = Field(description="Whether demand went unserved, or had to wait, before the end.")
    left_over: Quantity = Field(description="Units in stock at the end; 0 when there were none.")
    received_quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] | None = None
    """Units that arrived, if known."""

    def to_report(self, number: str) -> OutcomeReport:
        return OutcomeReport(order_number=number, **self.model_dump())


class OutcomeAnswer(OrderOutcome, Answer):
    """The outcome of an order, beside the confidence that was stated for it."""


class CalibrationAnswer(CalibrationState, Answer):
    """How far the confidence can be believed."""
