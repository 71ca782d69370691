"""Orders that wait for a person, and the person's decision."""

from dataclasses import replace
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Body, Path, Query, Request
from starlette.responses import Response

from api.bodies.examples import DECISIONS
from api.bodies.reviews import Decision, DecisionAnswer, ReviewAnswer, Reviews
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.idempotency import Attempt
from api.routes.wiring import Before, FiltersGiven, Limit, problems

router = APIRouter(tags=["reviews"])
ReviewId = Annotated[str, Path(description="Id of the review, such as RV-000001.")]
Status = Annotated[
    Literal["pending", "approved", "rejected", "expired", "superseded", "all"],
    Query(description="Only reviews in this state."),
]


@router.get("/reviews", response_model=Reviews, responses=problems(404), openapi_extra=needs("read"))
async def reviews(
    runtime: RuntimeGiven,
    filters: FiltersGiven,
    status: Status = "pending",
    limit: Limit = 50,
    before: Before = None,
    sort: Annotated[
        Literal["newest", "value", "confidence"],
        Query(
            description="`value`: those of most value first, compared by EXCHANGE_RATES; currencies without a rate "
            "come after. `confidence`: the surest first."
        ),
    ] = "newest",
    safe: Annotated[
        bool | None,
        Query(description="`true`: only those that wait only because automatic ordering is off. `false`: the others."),
    ] = None,
    include: Annotated[
        Literal["calculation"] | None, Query(description="`calculation`: with the whole plan of each.")
    ] = None,
) -> Response:
    """List orders that wait for a person, newest first, by value or by confidence.

    A model's words come last and are marked."""
    chosen, filters = None if status == "all" else status, replace(filters, safe=safe)
    worth = runtime.settings.worth if sort == "value" else None
    found = await runtime.book.reviews.page(chosen, limit, before, filters, worth, surest=sort == "confidence")
    answers = [ReviewAnswer.of(proposal, runtime.review_url) for proposal in found]
    return Reviews(
        reviews=tuple(answer if include else answer.without_calculation() for answer in answers),
        total=await runtime.book.reviews.count(chosen, filters),
        next=found[-1].id if len(found) == limit else None,
    ).response()


@router.get("/reviews/{review_id}", response_model=ReviewAnswer, responses=problems(404), openapi_extra=needs("read"))
async def review(review_id: ReviewId, runtime: RuntimeGiven) -> Response:
    """Show one review, waiting or decided."""
    proposal = await runtime.book.reviews.get(review_id)
    order = (await runtime.book.runs.get(proposal.run_id)).order
    older = await runtime.book.reviews.superseded_by(proposal)
    return ReviewAnswer.of(proposal, runtime.review_url, order, older).response()


@router.post(
    "/reviews/{review_id}/decision",
    response_model=DecisionAnswer,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("approve", idempotent=True),
)
async def decide(
    review_id: ReviewId,
    body: Annotated[Decision, Body(openapi_examples=DECISIONS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Approve a waiting order, order another quantity, or reject it.

    The first decision wins. Sending it again returns the same answer; a different one gets 409. So does an approval
    whose `version`, `quantity`, `unit_price` or `supplier` is not what is stored. A key gets 403 for an order above its
    limits, and for one that it asked for itself, unless it is allowed to approve its own."""

    async def work() -> bytes:
        view = await runtime.decide_review(
            review_id,
            version=body.version,
            decision=body.decision,
            quantity=body.quantity,
            reason=body.reason,
            decided_by=caller.name,
            decided_by_id=caller.id,
            unit_price=body.seen_unit_price,
            supplier=body.supplier,
            override=body.override,
        )
        structlog.contextvars.bind_contextvars(run_id=view.run.id)
        return DecisionAnswer.of(review_id, view).as_json()

    return await Attempt(request, body, runtime.book).answer(work)
