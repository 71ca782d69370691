"""What a person orders at the desk: a run as any other, which always waits for a person, and that person's decision."""

from dataclasses import dataclass

from agent.runtime import Runtime
from agent.state import DecisionRequest
from api.door.auth import Caller
from api.pages.desk import deed_id
from tools.planning.gate import is_triggered
from tools.records.errors import RestockError
from tools.records.facts import Mode
from tools.records.orders import RunView
from tools.records.text import amount


@dataclass(frozen=True)
class Wanted:
    """What a person wants of one product at one location."""

    product_id: str
    location: str
    seen: float
    """The quantity that the list showed."""
    quantity: float
    name: str = ""
    """The product's."""


@dataclass(frozen=True)
class Result:
    """What became of it, for the page."""

    wanted: Wanted
    done: bool
    words: str
    order_number: str | None = None
    review_id: str | None = None


async def ordered(runtime: Runtime, mode: Mode, wanted: Wanted, *, by: Caller, once: str, reason: str) -> Result:
    """Order it, if the plan is still the one that was seen. What is not due yet is an override."""
    waits: str | None = None
    try:
        view = await _decided(runtime, mode, wanted, by=by, once=once)
        if view.order is not None or view.proposal is None or view.proposal.status != "pending":
            return _as_it_stands(wanted, view)
        waits, early = view.proposal.id, not is_triggered(view.proposal.plan)
        planned = 0 if early else view.proposal.quantity
        if planned != wanted.seen:
            words = f"Not ordered: the plan has changed to {amount(planned)}. Look at the review."
            return Result(wanted, False, words, review_id=waits)
        view = await runtime.decide_review(
            waits,
            version=view.proposal.version,
            decision="approve" if wanted.quantity == wanted.seen else "edit",
            quantity=wanted.quantity,
            reason=reason,
            decided_by=by.name,
            decided_by_id=by.id,
            override=early,
        )
    except RestockError as error:
        return Result(wanted, False, error.message, review_id=waits)
    return _as_it_stands(wanted, view)


async def sent_to_review(runtime: Runtime, mode: Mode, wanted: Wanted, *, by: Caller, once: str) -> Result:
    """Let the product wait for a person, with today's plan."""
    try:
        return _as_it_stands(wanted, await _decided(runtime, mode, wanted, by=by, once=once), waits=True)
    except RestockError as error:
        return Result(wanted, False, error.message)


async def _decided(runtime: Runtime, mode: Mode, wanted: Wanted, *, by: Caller, once: str) -> RunView:
    request = DecisionRequest(
        product_id=wanted.product_id,
        location=wanted.location,
        mode=mode,
        origin="desk",
        by_rules=True,
        requested_by=by.name,
        requested_by_id=by.id,
        run_id=deed_id(by, once, wanted.product_id, wanted.location),
    )
    return await runtime.decide(request)


def _as_it_stands(wanted: Wanted, view: RunView, *, waits: bool = False) -> Result:
    if view.order is not None:
        item = view.order.items[0]
        return Result(wanted, True, f"Ordered: {amount(item.quantity)}.", view.order.number)
    proposal = view.proposal
    if proposal is None:
        return Result(wanted, False, "The decision is not finished. Look at the list again in a moment.")
    if proposal.status == "pending":
        words = f"Waits for review: {amount(proposal.quantity)}."
        return Result(wanted, waits, words, review_id=proposal.id)
    return Result(wanted, False, f"Nothing ordered: {proposal.plan.reason}")
