"""Orders, how they turned out, and how far the confidence can be believed."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field

from api.bodies.fields import Answer, Body, Moment, NextPage, Notes, Number, Quantity, SomeUnits, Units
from api.bodies.runs import OrderAnswer
from tools.lookback.calibration_watch import CalibrationState
from tools.records.orders import Correction, Order, OrderOutcome, OutcomeReport, Receipt
from tools.records.quantities import quantity


class CorrectionAnswer(Correction, Answer):
    """A receipt set right."""


class ReceiptAnswer(Receipt, Answer):
    """What arrived of an order, at one time."""

    corrections: tuple[CorrectionAnswer, ...] = Field(description="What was set right of it, oldest first.")


class OrderDetail(OrderAnswer):
    """An order with what has arrived of it."""

    receipts: tuple[ReceiptAnswer, ...] = Field(description="What arrived, in the order in which it was reported.")
    over_delivered: Number = Field(description="Units that arrived beyond what was ordered; 0 if none did.")

    @classmethod
    def with_receipts(cls, order: Order, receipts: Mapping[str, tuple[Receipt, ...]]) -> Self:
        over_delivered = quantity(max(0, order.received_quantity - order.quantity))
        return cls.copy_of(order, receipts=receipts.get(order.number, ()), over_delivered=over_delivered)


class Orders(Answer):
    """A page of orders, newest first."""

    orders: tuple[OrderDetail, ...] = Field(description="The orders of this page.")
    total: int = Field(description="Orders in all pages together.")
    next: str | None = NextPage


class ReceiptInput(Body):
    """Units of an order that have arrived. An order may arrive in parts; the last one closes it."""

    quantity: Units = Field(description="Units that arrived. More than were ordered is taken as it is.")
    received_at: Moment | None = None
    """When they arrived, with a time zone: not in the future, not before the order. Without it, now."""
    stock_before: Quantity | None = None
    """Units in stock just before they arrived, if known. They are recorded as the outcome of the order before this one,
    unless it has an outcome."""


class CorrectionInput(Body):
    """What a receipt should have said."""

    quantity: SomeUnits = Field(description="Units that arrived; 0 takes the receipt back whole.")
    instead_of: SomeUnits = Field(description="Units that the receipt says now, as you have seen it.")
    received_at: Moment | None = None
    """When they arrived, with a time zone. Without it, when the receipt says."""
    reason: Annotated[Notes, Field(min_length=1)] = Field(description="Kept with the receipt.")


class Cancellation(Body):
    """Why what has not arrived of an order will not come."""

    reason: Annotated[Notes, Field(min_length=1)] = Field(description="Kept with the order.")


class Nothing(Body):
    """A request that says it all by its address."""


class OutcomeInput(Body):
    """How an order turned out at the end of the lead time and review period that it had to cover."""

    ran_out: bool = Field(description="Whether demand went unserved, or had to wait, before the end.")
    left_over: Quantity = Field(description="Units in stock at the end; 0 when there were none.")
    received_quantity: SomeUnits | None = Field(None, description="Units that arrived, if known.")

    def to_report(self, number: str) -> OutcomeReport:
        return OutcomeReport(order_number=number, **self.model_dump())


class OutcomeAnswer(OrderOutcome, Answer):
    """The outcome of an order, beside the confidence that was stated for it."""


class CalibrationAnswer(CalibrationState, Answer):
    """How far the confidence can be believed."""
