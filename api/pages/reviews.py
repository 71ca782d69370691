"""Reviews: orders that wait for a person, and that person's decision on one of them or on many."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import Depends, Form
from pydantic import ValidationError
from starlette.responses import Response

from agent.runtime import Runtime
from api.bodies.reviews import Decision
from api.door.doorkeeper import page_for
from api.pages import typed
from api.pages.desk import Desk, DeskForm, DeskGiven, desk_router, inside, or_page, see_other, templates
from api.pages.listing import ROWS, Listed
from api.pages.ordering import Result, Wanted
from tools.book.filters import Filters
from tools.book.placing import order_value
from tools.planning.confidence import why_unsure
from tools.planning.gate import ONLY_PROPOSES
from tools.records.errors import Conflict, InvalidInput, RestockError
from tools.records.orders import DecisionKind, Proposal, ProposalStatus, RunView
from tools.records.text import amount
from tools.sweep.pages import Filters as RowFilters
from tools.sweep.pages import arranged
from tools.sweep.today_rows import TodayRow

router = desk_router()
MOST_CHOSEN = 200
MOST_RANKED = 1_000
"""Reviews that are sorted by lost revenue; the others follow, newest first."""
STATUS_WORDS: dict[ProposalStatus, str] = {
    "pending": "waiting",
    "approved": "approved",
    "rejected": "rejected",
    "expired": "lapsed",
    "superseded": "replaced by a newer plan",
}
templates.globals["review_words"] = STATUS_WORDS
Status = Literal["pending", "approved", "rejected", "expired", "superseded", "all"]
Sort = Literal["newest", "risk", "value", "confidence"]


@dataclass(frozen=True)
class Queue(Listed):
    """Which reviews are listed, and how they are sorted. A review's address says it too, so that what follows fits."""

    status: Status = "pending"
    sort: Sort = "newest"
    sure: Literal["", "safe", "doubtful"] = ""

    async def page(
        self,
        desk: Desk,
        limit: int,
        before: str | None,
        status: ProposalStatus | None,
        at_risk: Iterable[str],
    ) -> list[Proposal]:
        """The next reviews; `at_risk` are the ids in the order of lost revenue, where they are sorted by it."""
        filters, surest = await self.filters(desk.runtime), self.sort == "confidence"
        worth = desk.runtime.settings.worth if self.sort == "value" else None
        first = list(at_risk)[:MOST_RANKED] if self.sort == "risk" else ()
        return await desk.runtime.book.reviews.page(status, limit, before, filters, worth, surest=surest, first=first)

    async def filters(self, runtime: Runtime) -> Filters:
        found = await super().filters(runtime)
        return replace(found, safe=self.sure == "safe") if self.sure else found

    def here(self, review_id: str = "", *, before: str = "", **changed: Any) -> str:
        """The address of this list with other words in it, or of a review in it."""
        return self.address(f"/desk/reviews/{quote(review_id)}".rstrip("/"), before=before, **changed)


async def _at_risk(desk: Desk) -> dict[str, TodayRow]:
    """The lines of today's list that wait for a review, by its id, most lost revenue a day first."""
    found = await desk.runtime.today.present()
    rows = arranged(found.rows, RowFilters(status=("waits_for_review",)), "-lost_revenue_per_day", found.worth)
    return {row.review_id: row for row in rows if row.review_id}


QueueGiven = Annotated[Queue, Depends()]


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
    """Until when the product is left alone, if nothing or less than was proposed is ordered."""

    def decision(self) -> Decision:
        quantity = typed.number(self.quantity, "quantity") if self.deed == "edit" else None
        return _decision(self.deed, self.version, self.reason, quantity, override=self.override)


@router.get("/reviews", openapi_extra=page_for("read"))
async def reviews(desk: DeskGiven, queue: QueueGiven) -> Response:
    """The queue, newest first, by value or by confidence."""
    store = desk.runtime.book.reviews
    chosen = None if queue.status == "all" else queue.status
    at_risk = await _at_risk(desk)
    found = await queue.page(desk, ROWS, queue.before or None, chosen, at_risk)
    return await desk.page(
        "reviews.html",
        reviews=found,
        values=[order_value(proposal, proposal.quantity) for proposal in found],
        total=await store.count(chosen, await queue.filters(desk.runtime)),
        suppliers=await store.suppliers(),
        queue=queue,
        at_risk=at_risk,
        currency=desk.runtime.settings.limit_currency,
        following=queue.here(before=found[-1].id) if len(found) == ROWS else None,
        only_proposed=(ONLY_PROPOSES,),
    )


@router.post("/reviews", openapi_extra=page_for("approve"))
async def decide_many(desk: DeskGiven, form: Annotated[Choice, Form()]) -> Response:
    """Approve or reject the chosen reviews. Each has its own result."""
    if not 0 < len(form.review) <= MOST_CHOSEN:
        raise InvalidInput(f"Choose 1 to {MOST_CHOSEN} reviews, not {len(form.review)}. Go back, and send again.")
    chosen = [_chosen(form, each) for each in dict.fromkeys(form.review)]
    seen = [(await desk.runtime.book.reviews.get(identity), decision) for identity, decision in chosen]
    results = [await _result(desk, proposal, decision) for proposal, decision in seen]
    return await desk.page("results.html", results=results, back=inside(form.back))


async def _page(
    review_id: str,
    desk: Desk,
    queue: Queue,
    form: DecisionForm | None = None,
    refusal: RestockError | None = None,
) -> Response:
    book = desk.runtime.book
    proposal = await book.reviews.get(review_id)
    order = (await book.runs.get(proposal.run_id)).order
    plan, sure, threshold = proposal.plan, proposal.confidence, desk.runtime.settings.confidence_threshold
    return await desk.page(
        "review.html",
        refusal=refusal,
        review=proposal,
        plan=plan,
        value=order.total if order else order_value(proposal, proposal.quantity),
        unsure="" if sure.value >= threshold else why_unsure(plan, proposal.quantity, sure),
        snoozed_until=await _snoozed_until(desk, proposal) if proposal.decided_at else None,
        multiple=plan.order_multiple if plan.recommended_action == "purchase_order" else plan.unit_size,
        older=await book.reviews.superseded_by(proposal),
        order=order,
        queue=queue,
        following=await _following(desk, queue, proposal),
        entries=await book.audit.page(review=proposal.id),
        # What was typed is kept, unless it was meant for a plan that stands no more.
        typed=None if isinstance(refusal, Conflict) else form,
        in_a_week=(datetime.now(UTC).date() + timedelta(7)).isoformat(),
    )


@router.get("/reviews/{review_id}", openapi_extra=page_for("read"))
async def review(review_id: str, desk: DeskGiven, queue: QueueGiven) -> Response:
    """One review, waiting or decided."""
    return await _page(review_id, desk, queue)


@router.post("/reviews/{review_id}", openapi_extra=page_for("approve"))
@or_page(_page)
async def decide(review_id: str, desk: DeskGiven, queue: QueueGiven, form: Annotated[DecisionForm, Form()]) -> Response:
    """Approve, edit or reject. What stands in the way is shown beside what stands now."""
    until = await _until(desk, form)
    view = await _decide(desk, review_id, form.decision())
    proposal = view.proposal
    if until and proposal and (view.order is None or view.order.quantity < proposal.quantity):
        place = proposal.mode, proposal.product_id, proposal.location
        await desk.runtime.book.snoozes.snooze(*place, until=until, reason=form.reason, by=desk.caller.actor)
    return see_other(queue.here(review_id))


async def _until(desk: Desk, form: DecisionForm) -> date | None:
    """Until when the product is left alone if less is ordered than proposed, or nothing."""
    if form.deed == "approve" or not form.until:
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


async def _snoozed_until(desk: Desk, proposal: Proposal) -> date | None:
    """Until when the product is left alone."""
    snoozed = await desk.runtime.book.snoozes.on(proposal.mode, datetime.now(UTC).date())
    found = snoozed.get((proposal.product_id, proposal.location))
    return found.until if found else None


async def _following(desk: Desk, queue: Queue, proposal: Proposal) -> Proposal | None:
    """The next review of the list that waits: the one after this, or else the first."""
    at_risk = await _at_risk(desk) if queue.sort == "risk" else {}
    after = await queue.page(desk, 1, proposal.id, "pending", at_risk)
    found = after or await queue.page(desk, 1, None, "pending", at_risk)
    return next((each for each in found if each.id != proposal.id), None)
