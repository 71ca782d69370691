"""Reviews: orders that wait for a person, and that person's decision on one of them or on many."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Form
from pydantic import ValidationError
from starlette.responses import Response

from api.bodies.reviews import Decision
from api.door.doorkeeper import page_for
from api.door.errors import status_of
from api.pages import typed
from api.pages.desk import CORRECTABLE, Desk, DeskForm, DeskGiven, desk_router, inside, see_other
from api.pages.listing import ROWS, ListedGiven
from api.pages.ordering import Result, Wanted
from tools.book.placing import order_value
from tools.planning.confidence import why_unsure
from tools.planning.gate import ONLY_PROPOSES
from tools.records.errors import Conflict, InvalidInput, RestockError
from tools.records.orders import DecisionKind, Proposal, ProposalStatus, RunView
from tools.records.text import amount

router = desk_router()
MOST_CHOSEN = 200
STATUS_WORDS: dict[ProposalStatus, str] = {
    "pending": "waiting",
    "approved": "approved",
    "rejected": "rejected",
    "expired": "lapsed",
    "superseded": "replaced by a newer plan",
}
Status = Literal["pending", "approved", "rejected", "expired", "superseded", "all"]


class Choice(DeskForm):
    """Reviews of the queue, each as its id and the version that was seen, and one decision on all of them."""

    deed: Literal["approve", "reject"]
    review: tuple[str, ...] = ()
    reason: str = ""
    back: str = ""


class DecisionForm(DeskForm):
    """A decision on the review whose page was seen at this version."""

    deed: DecisionKind
    version: int
    quantity: str = ""
    reason: str = ""
    override: bool = False
    until: str = ""
    """Until when the product of a rejected order is left alone."""

    def decision(self) -> Decision:
        quantity = typed.number(self.quantity, "quantity") if self.deed == "edit" else None
        return _decision(self.deed, self.version, self.reason, quantity, override=self.override)


@router.get("/reviews", openapi_extra=page_for("read"))
async def reviews(
    desk: DeskGiven, listed: ListedGiven, status: Status = "pending", sort: Literal["newest", "value"] = "newest"
) -> Response:
    """The queue, newest first or by value."""
    store, filters = desk.runtime.book.reviews, await listed.filters(desk.runtime)
    chosen = None if status == "all" else status
    worth = desk.runtime.settings.worth if sort == "value" else None
    found = await store.page(chosen, ROWS, listed.before or None, filters, worth)
    more = len(found) == ROWS
    return await desk.page(
        "reviews.html",
        reviews=found,
        values=[order_value(proposal, proposal.quantity) for proposal in found],
        total=await store.count(chosen, filters),
        listed=listed,
        chosen=status,
        sort=sort,
        sorts={
            each: listed.address("/desk/reviews", status=status, sort=each, before="") for each in ("newest", "value")
        },
        currency=desk.runtime.settings.limit_currency,
        here=listed.address("/desk/reviews", status=status, sort=sort),
        following=listed.address("/desk/reviews", status=status, sort=sort, before=found[-1].id) if more else None,
        only_proposed=(ONLY_PROPOSES,),
        status_words=STATUS_WORDS,
    )


@router.post("/reviews", openapi_extra=page_for("approve"))
async def decide_many(desk: DeskGiven, form: Annotated[Choice, Form()]) -> Response:
    """Approve or reject the chosen reviews. Each has its own result."""
    if not 0 < len(form.review) <= MOST_CHOSEN:
        raise InvalidInput(f"Choose 1 to {MOST_CHOSEN} reviews, not {len(form.review)}. Go back, and send again.")
    chosen = [_chosen(form, each) for each in dict.fromkeys(form.review)]
    seen = [(await desk.runtime.book.reviews.get(identity), decision) for identity, decision in chosen]
    results = [await _result(desk, proposal, decision) for proposal, decision in seen]
    return await desk.page("results.html", results=results, back=inside(form.back), refusal=None)


@router.get("/reviews/{review_id}", openapi_extra=page_for("read"))
async def review(review_id: str, desk: DeskGiven) -> Response:
    """One review, waiting or decided."""
    return await _page(desk, review_id)


@router.post("/reviews/{review_id}", openapi_extra=page_for("approve"))
async def decide(review_id: str, desk: DeskGiven, form: Annotated[DecisionForm, Form()]) -> Response:
    """Approve, edit or reject. What stands in the way is shown beside what stands now."""
    try:
        until = await _until(desk, form)
        view = await _decide(desk, review_id, form.decision())
        if until is not None and view.proposal is not None:
            await _leave_alone(desk, view.proposal, until=until, reason=form.reason)
    except CORRECTABLE as error:
        # What was typed is kept, unless it was meant for a plan that stands no more.
        return await _page(desk, review_id, refusal=error, typed_before=None if isinstance(error, Conflict) else form)
    return see_other(f"/desk/reviews/{quote(review_id)}")


async def _until(desk: Desk, form: DecisionForm) -> date | None:
    """Until when the product of a rejected order is left alone."""
    if form.deed != "reject" or not form.until:
        return None
    return typed.day_ahead(form.until, (await desk.runtime.today.present()).day)


def _chosen(form: Choice, review: str) -> tuple[str, Decision]:
    identity, _, version = review.partition(" ")
    if not version.isdecimal() or len(version) > 18:
        raise InvalidInput(f"{review[:40]!r} is no review with its version. Open the queue again, and choose there.")
    return identity, _decision(form.deed, int(version), form.reason)


def _decision(
    kind: DecisionKind, version: int, reason: str, quantity: float | None = None, *, override: bool = False
) -> Decision:
    """The decision as the API takes it. Raises InvalidInput."""
    try:
        return Decision(decision=kind, version=version, reason=reason, quantity=quantity, override=override)
    except ValidationError as error:
        [first, *_] = error.errors()
        where = "".join(f"{part}: " for part in first["loc"])
        raise InvalidInput(f"{where}{first['msg']}.") from None


async def _decide(desk: Desk, review_id: str, decision: Decision) -> RunView:
    return await desk.runtime.decide_review(
        review_id,
        version=decision.version,
        decision=decision.decision,
        quantity=decision.quantity,
        reason=decision.reason,
        decided_by=desk.caller.name,
        decided_by_id=desk.caller.id,
        override=decision.override,
    )


async def _leave_alone(desk: Desk, proposal: Proposal, *, until: date, reason: str) -> None:
    await desk.runtime.book.snoozes.snooze(
        proposal.mode, proposal.product_id, proposal.location, until=until, reason=reason, by=desk.caller.actor
    )


async def _result(desk: Desk, proposal: Proposal, decision: Decision) -> Result:
    place, units = (proposal.product_id, proposal.location), proposal.quantity
    wanted = Wanted(*place, seen=units, quantity=units, name=proposal.product_name)
    try:
        order = (await _decide(desk, proposal.id, decision)).order
    except RestockError as error:
        return Result(wanted, False, error.message, review_id=proposal.id)
    if order is None:
        words = "Rejected." if decision.decision == "reject" else "Approved: nothing is ordered."
        return Result(wanted, True, words, review_id=proposal.id)
    return Result(wanted, True, f"Ordered: {amount(order.quantity)}.", order_number=order.number)


async def _page(
    desk: Desk, review_id: str, *, refusal: RestockError | None = None, typed_before: DecisionForm | None = None
) -> Response:
    book = desk.runtime.book
    proposal = await book.reviews.get(review_id)
    order = (await book.runs.get(proposal.run_id)).order
    plan, sure, threshold = proposal.plan, proposal.confidence, desk.runtime.settings.confidence_threshold
    return await desk.page(
        "review.html",
        200 if refusal is None else status_of(refusal),
        review=proposal,
        plan=plan,
        value=order.total if order else order_value(proposal, proposal.quantity),
        unsure="" if sure.value >= threshold else why_unsure(plan, proposal.quantity, sure),
        snoozed_until=await _snoozed_until(desk, proposal) if proposal.status == "rejected" else None,
        multiple=plan.order_multiple if plan.recommended_action == "purchase_order" else plan.unit_size,
        older=await book.reviews.superseded_by(proposal),
        order=order,
        following=await _following(desk, proposal),
        entries=await book.audit.page(review=proposal.id),
        refusal=refusal,
        typed=typed_before,
        in_a_week=(datetime.now(UTC).date() + timedelta(7)).isoformat(),
        status_words=STATUS_WORDS,
    )


async def _snoozed_until(desk: Desk, proposal: Proposal) -> date | None:
    """Until when the product is left alone."""
    snoozed = await desk.runtime.book.snoozes.on(proposal.mode, datetime.now(UTC).date())
    found = snoozed.get((proposal.product_id, proposal.location))
    return found.until if found else None


async def _following(desk: Desk, proposal: Proposal) -> Proposal | None:
    """The next review that waits: the one before this in time, or else the newest."""
    store = desk.runtime.book.reviews
    older = await store.page("pending", 1, before=proposal.id)
    found = older or await store.page("pending", 1)
    return next((each for each in found if each.id != proposal.id), None)
