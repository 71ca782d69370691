"""Questions in plain language."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from agent.state import ChatAnswer, ChatEvent
from api.bodies.chat import ChatMessage, Reply, require_short
from api.bodies.examples import CHATS
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.errors import MalformedRequest
from api.door.event_streams import EVENT_STREAM, EventStreamRoute, failure
from api.door.idempotency import HEADER, Attempt
from api.routes.wiring import problems

router = APIRouter(tags=["chat"])
_EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}}


async def _begun(
    body: ChatMessage, request: Request, runtime: RuntimeGiven, caller: CallerGiven
) -> AsyncIterator[ChatEvent | ChatAnswer]:
    """What happens while the message is answered. Whatever can be refused is refused before the stream begins."""
    require_short(body.message)
    if HEADER in request.headers:
        raise MalformedRequest(
            "A stream of events takes no Idempotency-Key; leave it out, or accept application/json.",
            code="invalid_idempotency_key",
        )
    return await runtime.chat_stream(
        body.message, conversation_id=body.conversation_id, caller=caller.id, named=caller.name
    )


async def chat_events(
    happening: Annotated[AsyncIterator[ChatEvent | ChatAnswer], Depends(_begun)], runtime: RuntimeGiven
) -> AsyncIterator[ServerSentEvent]:
    """As `chat`, told while it happens. The last event is `end`, with the whole answer, or `error`."""
    try:
        async for event in happening:
            if isinstance(event, ChatAnswer):
                yield ServerSentEvent(event="end", data=Reply.of(event, runtime.review_url))
            else:
                yield ServerSentEvent(event=event.kind, data=event.model_dump(exclude={"kind"}, exclude_defaults=True))
    except Exception as error:  # the status is sent, so that every failure has to be an event
        yield ServerSentEvent(event="error", raw_data=failure(error))


router.add_api_route(
    "/chat",
    chat_events,
    methods=["POST"],
    response_class=EventSourceResponse,
    openapi_extra=needs("trigger", stream=True),
    route_class_override=EventStreamRoute,
    include_in_schema=False,
)


@router.post(
    "/chat",
    response_model=Reply,
    responses={**problems(400, 404, 409, 413, 415), **_EVENTS},
    openapi_extra=needs("trigger", idempotent=True),
)
async def chat(
    body: Annotated[ChatMessage, Body(openapi_examples=CHATS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Ask about stock and orders, try a what-if, or ask for a decision run. A chat never places or approves orders.

    With `Accept: text/event-stream` the answer is a stream of events: `step`, `tool_call`, `tool_result`, `remark` and
    `text` while it is made, then `end` with the whole answer, or `error` with a problem document."""
    require_short(body.message)

    async def work() -> bytes:
        answer = await runtime.chat(
            body.message, conversation_id=body.conversation_id, caller=caller.id, named=caller.name
        )
        return Reply.of(answer, runtime.review_url).as_json()

    return await Attempt(request, body, runtime.book).answer(work)
