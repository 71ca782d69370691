"""Orders that wait for a person, and the person's word on them."""

from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Body, Query, Request
from starlette.responses import Response

from api.bodies.answers import DecisionAnswer, ReviewAnswer, Reviews
from api.bodies.examples import DECISIONS
from api.bodies.schemas import Decision
from api.door.guarded_route import GuardedRoute, needs
from api.door.idempotency import Attempt
from api.routes.wiring import CallerGiven, Limit, RuntimeGiven, as_json, problems

router = APIRouter(tags=["reviews"], route_class=GuardedRoute)
Status = Literal["pending", "approved", "rejected", "expired", "all"]


@router.get("/reviews", response_model=Reviews, responses=problems(404), openapi_extra=needs("read"))
async def reviews(
    runtime: RuntimeGiven,
    status: Status = "pending",
    limit: Limit = 50,
    before: Annotated[str | None, Query(max_length=40, description="The `next` of the page before.")] = None,
) -> Response:
    """The queue, newest first. What code calculated stands first; a model's words come last and are marked."""
    found = await runtime.book.reviews.page(None if status == "all" else status, limit, before)
    return as_json(
        Reviews(
            reviews=tuple(ReviewAnswer.of(proposal, runtime.review_url) for proposal in found),
            next=found[-1].id if len(found) == limit else None,
        )
    )


@router.get("/reviews/{review_id}", response_model=ReviewAnswer, responses=problems(404), openapi_extra=needs("read"))
async def review(review_id: str, runtime: RuntimeGiven) -> Response:
    """One review, open or decided."""
    proposal = await runtime.book.reviews.get(review_id)
    order = (await runtime.book.runs.get(proposal.run_id)).order
    return as_json(ReviewAnswer.of(proposal, runtime.review_url, order))


@router.post(
    "/reviews/{review_id}/decision",
    response_model=DecisionAnswer,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("approve", idempotent=True),
)
async def decide(
    review_id: str,
    body: Annotated[Decision, Body(openapi_examples=DECISIONS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Approve the order as it stands, order another quantity, or reject it. Of several decisions the first counts; the
    same one again by the same key gets its answer. An approval that names `version`, `quantity`, `unit_price` or
    `supplier` is refused (409) unless they are what is stored. A key cannot approve what it asked for itself, unless it
    is allowed to, nor anything above its limits (403)."""

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
        )
        structlog.contextvars.bind_contextvars(run_id=view.run.id)
        return DecisionAnswer.of(review_id, view).as_json()

    return await Attempt(request, body, runtime.book).answer(work)
