"""Questions in plain language."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from api.bodies.chat import ChatMessage, Reply
from api.bodies.examples import CHATS
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.idempotency import Attempt
from api.routes.wiring import problems
from tools.records.errors import InvalidInput

MAX_CHARACTERS = 4_000
router = APIRouter(tags=["chat"])


class MessageTooLong(InvalidInput):
    code = "message_too_long"


@router.post(
    "/chat",
    response_model=Reply,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("trigger", idempotent=True),
)
async def chat(
    body: Annotated[ChatMessage, Body(openapi_examples=CHATS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Ask about stock and orders, try a what-if, or ask for a decision run. A chat never places or approves orders."""
    if len(body.message) > MAX_CHARACTERS:
        raise MessageTooLong(
            f"The message has {len(body.message)} characters; {MAX_CHARACTERS} are allowed. Send a shorter one."
        )

    async def work() -> bytes:
        answer = await runtime.chat(
            body.message, conversation_id=body.conversation_id, caller=caller.id, named=caller.name
        )
        return Reply.of(answer, runtime.review_url).as_json()

    return await Attempt(request, body, runtime.book).answer(work)
