"""Webhooks: who is told of events, and what could not be delivered. For administrators."""

import json
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from starlette.responses import Response

from api.bodies.examples import ROTATIONS, WEBHOOK_CHANGES, WEBHOOKS
from api.bodies.webhooks import (
    DeadLetters,
    NewWebhook,
    Replayed,
    Rotation,
    SignedWebhook,
    WebhookAnswer,
    WebhookChange,
    Webhooks,
)
from api.door.doorkeeper import needs
from api.door.idempotency import Attempt
from api.routes.wiring import CallerGiven, Limit, RuntimeGiven, as_json, problems
from api.webhooks.desk import Signed, WebhookDesk

router = APIRouter(tags=["webhooks"])
MAX_NUMBER = 2**53
WebhookId = Annotated[str, Path(max_length=40, description="Id of the webhook.", examples=["wh_0123456789abcdef"])]
Number = Annotated[int, Path(ge=1, le=MAX_NUMBER, description="Number of the dead letter.")]


async def _desk(request: Request) -> WebhookDesk:
    desk: WebhookDesk = request.app.state.webhook_desk
    return desk


DeskGiven = Annotated[WebhookDesk, Depends(_desk)]


@router.get("/webhooks", response_model=Webhooks, responses=problems(), openapi_extra=needs("admin"))
async def webhooks(runtime: RuntimeGiven) -> Response:
    """Every webhook, oldest first. Secrets are never shown again."""
    found = await runtime.book.webhooks.all()
    return as_json(Webhooks(webhooks=tuple(map(WebhookAnswer.of, found))))


@router.post(
    "/webhooks",
    response_model=SignedWebhook,
    responses=problems(400, 409, 413, 415),
    openapi_extra=needs("admin", idempotent=True),
)
async def add(
    body: Annotated[NewWebhook, Body(openapi_examples=WEBHOOKS)],
    request: Request,
    runtime: RuntimeGiven,
    desk: DeskGiven,
    caller: CallerGiven,
) -> Response:
    """Tell an address of events from now on. The answer holds the secret to verify them with, this once."""

    async def work() -> bytes:
        return _signed(await desk.add(**dict(body), by=caller.actor))

    return await Attempt(request, body, runtime.book).answer(work, kept=_without_secret)


@router.get("/webhooks/dead", response_model=DeadLetters, responses=problems(), openapi_extra=needs("admin"))
async def dead(
    runtime: RuntimeGiven,
    limit: Limit = 50,
    before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="The `next` of the page before.")] = None,
    webhook_id: Annotated[str | None, Query(max_length=40, description="Only those of this webhook.")] = None,
) -> Response:
    """Events that could not be delivered after all attempts, newest first."""
    found = await runtime.book.deliveries.dead_letters(limit, before, webhook_id)
    return as_json(DeadLetters(dead_letters=tuple(found), next=found[-1].number if len(found) == limit else None))


@router.post("/webhooks/dead/replay", response_model=Replayed, responses=problems(404), openapi_extra=needs("admin"))
async def replay_all(
    runtime: RuntimeGiven,
    caller: CallerGiven,
    webhook_id: Annotated[str | None, Query(max_length=40, description="Only those of this webhook.")] = None,
) -> Response:
    """Try every dead letter again, or those of one webhook; those of disabled webhooks stay."""
    return as_json(Replayed(replayed=await runtime.book.deliveries.replay_all(webhook_id, by=caller.actor)))


@router.post(
    "/webhooks/dead/{number}/replay",
    response_model=Replayed,
    responses=problems(404, 409),
    openapi_extra=needs("admin"),
)
async def replay(number: Number, runtime: RuntimeGiven, caller: CallerGiven) -> Response:
    """Try one dead letter again, from the first attempt on."""
    await runtime.book.deliveries.replay(number, by=caller.actor)
    return as_json(Replayed(replayed=1))


@router.get(
    "/webhooks/{webhook_id}", response_model=WebhookAnswer, responses=problems(404), openapi_extra=needs("admin")
)
async def webhook(webhook_id: WebhookId, runtime: RuntimeGiven) -> Response:
    """One webhook."""
    return as_json(WebhookAnswer.of(await runtime.book.webhooks.get(webhook_id)))


@router.patch(
    "/webhooks/{webhook_id}",
    response_model=WebhookAnswer,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("admin"),
)
async def change(
    webhook_id: WebhookId,
    body: Annotated[WebhookChange, Body(openapi_examples=WEBHOOK_CHANGES)],
    desk: DeskGiven,
    caller: CallerGiven,
) -> Response:
    """Change the address, the events, the description, or disable and enable it."""
    return as_json(WebhookAnswer.of(await desk.change(webhook_id, body.changes(), by=caller.actor)))


@router.delete("/webhooks/{webhook_id}", status_code=204, responses=problems(404), openapi_extra=needs("admin"))
async def remove(webhook_id: WebhookId, runtime: RuntimeGiven, caller: CallerGiven) -> Response:
    """Forget the webhook, its secrets and its dead letters."""
    await runtime.book.webhooks.remove(webhook_id, by=caller.actor)
    return Response(status_code=204)


@router.post(
    "/webhooks/{webhook_id}/rotate",
    response_model=SignedWebhook,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("admin", idempotent=True),
)
async def rotate(
    webhook_id: WebhookId,
    body: Annotated[Rotation, Body(openapi_examples=ROTATIONS)],
    request: Request,
    runtime: RuntimeGiven,
    desk: DeskGiven,
    caller: CallerGiven,
) -> Response:
    """Sign with a new secret, shown in the answer this once; the old one signs as well for a while."""

    async def work() -> bytes:
        return _signed(await desk.rotate(webhook_id, keep_old_hours=body.keep_old_hours, by=caller.actor))

    return await Attempt(request, body, runtime.book).answer(work, kept=_without_secret)


def _signed(signed: Signed) -> bytes:
    return SignedWebhook.model_construct(**dict(signed.webhook), secret=signed.secret).as_json()


def _without_secret(answer: bytes) -> bytes:
    """What is stored for repeated requests: a secret is not, for whoever reads the database would find it."""
    return json.dumps({**json.loads(answer), "secret": None}).encode()
