"""API keys, for administrators."""

import json
from typing import Annotated

from fastapi import APIRouter, Body, Path, Request
from starlette.responses import Response

from api.bodies.examples import KEY_ROTATIONS, KEYS, LIMITS
from api.bodies.keys import KeyAnswer, KeyRotation, Keys, MadeKey, NewKey, NewLimits
from api.door.auth import kept, new_key
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.idempotency import Attempt
from api.routes.wiring import problems

router = APIRouter(tags=["keys"])
KeyId = Annotated[str, Path(max_length=100, description="Id of the key.")]


@router.get("/keys", response_model=Keys, responses=problems(), openapi_extra=needs("admin"))
async def keys(runtime: RuntimeGiven) -> Response:
    """List all keys with their scopes, limits and last use. Secrets are never shown."""
    return Keys(keys=tuple(KeyAnswer.copy_of(key) for key in await runtime.book.keys.all())).response()


@router.post(
    "/keys",
    response_model=MadeKey,
    responses=problems(400, 409, 413, 415),
    openapi_extra=needs("admin", idempotent=True),
)
async def create(
    body: Annotated[NewKey, Body(openapi_examples=KEYS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Make a key. Only this answer shows its secret; a repeated request is answered without it."""
    attempt, ring = Attempt(request, body, runtime.book), request.app.state.keys

    async def work() -> bytes:
        made, secret = await ring.make(body.grant, by=caller.actor, once=attempt.run_id)
        return MadeKey.copy_of(made, key=secret).as_json()

    return await attempt.answer(work, kept=_without_secret)


@router.post(
    "/keys/{key_id}/rotate",
    response_model=MadeKey,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("admin", idempotent=True),
)
async def rotate(
    key_id: KeyId,
    body: Annotated[KeyRotation, Body(openapi_examples=KEY_ROTATIONS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Give a key a new secret, which only this answer shows. The old one stays valid for `keep_old_hours`."""

    async def work() -> bytes:
        secret, overlap = new_key(), body.keep_old_hours * 3600
        made = await runtime.book.keys.rotate(key_id, *kept(secret), overlap_seconds=overlap, by=caller.actor)
        return MadeKey.copy_of(made, key=secret).as_json()

    return await Attempt(request, body, runtime.book).answer(work, kept=_without_secret)


@router.delete("/keys/{key_id}", response_model=KeyAnswer, responses=problems(404, 409), openapi_extra=needs("admin"))
async def revoke(key_id: KeyId, request: Request, caller: CallerGiven) -> Response:
    """End a key at once. The last key with scope `admin` is kept, unless the setting API_KEY is there."""
    return KeyAnswer.copy_of(await request.app.state.keys.revoke(key_id, by=caller.actor)).response()


@router.put(
    "/keys/{key_id}/limits",
    response_model=KeyAnswer,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("admin"),
)
async def limit(
    key_id: KeyId,
    body: Annotated[NewLimits, Body(openapi_examples=LIMITS)],
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Replace what a key may spend. What it has spent so far counts."""
    limits = [each.limit() for each in body.limits]
    return KeyAnswer.copy_of(await runtime.book.keys.limit(key_id, limits, by=caller.actor)).response()


def _without_secret(body: bytes) -> bytes:
    return json.dumps({**json.loads(body), "key": None}).encode()
