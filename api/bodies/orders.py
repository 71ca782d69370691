"""Orders, how they turned out, and how far the confidence can be believed."""

from typing import Annotated

from pydantic import Field

from api.bodies.fields import MAX_QUANTITY, Answer, Body, Money, NextPage, Quantity
from tools.lookback.calibration_watch import CalibrationState
from tools.records.orders import Order, OrderLine, OrderOutcome, OutcomeReport


class OrderItem(OrderLine, Answer):
    """One product of an order."""

    unit_price: Money | None = Field(description="Price of each unit; null when not known.")
    value: Money | None = Field(description="quantity × unit_price; null when the price is not known.")


class OrderAnswer(Order, Answer):
    """A placed order."""

    items: tuple[OrderItem, ...] = Field(description="What is ordered.")
    total: Money | None = Field(description="Value of the order; null when a price is not known.")

    @classmethod
    def of(cls, order: Order) -> "OrderAnswer":
        return cls.copy_of(order, items=tuple(map(OrderItem.copy_of, order.items)))


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
