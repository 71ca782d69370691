"""A key's own conversations."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.bodies.chat import ChatTurn, ConversationLine, Conversations, WholeConversation
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.routes.wiring import Before, Limit, problems

router = APIRouter(tags=["chat"])
ConversationId = Annotated[str, Path(max_length=100, description="Id of a conversation of yours.")]


@router.get("/conversations", response_model=Conversations, responses=problems(404), openapi_extra=needs("trigger"))
async def conversations(
    runtime: RuntimeGiven, caller: CallerGiven, limit: Limit = 50, before: Before = None
) -> Response:
    """List your conversations, the one used last first."""
    found = await runtime.book.conversations.page(caller.id, limit, before)
    following = found[-1].id if len(found) == limit else None
    return Conversations(conversations=tuple(map(ConversationLine.of, found)), next=following).response()


@router.get(
    "/conversations/{conversation_id}",
    response_model=WholeConversation,
    responses=problems(404),
    openapi_extra=needs("trigger"),
)
async def conversation(
    conversation_id: ConversationId,
    runtime: RuntimeGiven,
    caller: CallerGiven,
    limit: Limit = 50,
    before: Annotated[int | None, Query(ge=1, le=2**31, description="The `next` of the page before.")] = None,
) -> Response:
    """Show a conversation of yours: its newest questions and answers."""
    found = await runtime.book.conversations.get(conversation_id, caller.id)
    turns = await runtime.book.conversations.turns(conversation_id, limit, before)
    return WholeConversation.of(
        found,
        messages=tuple(map(ChatTurn.of, turns)),
        next=turns[0].number if len(turns) == limit else None,
    ).response()


@router.delete(
    "/conversations/{conversation_id}", status_code=204, responses=problems(404), openapi_extra=needs("trigger")
)
async def delete(conversation_id: ConversationId, runtime: RuntimeGiven, caller: CallerGiven) -> Response:
    """Delete a conversation of yours with all that was said. What it ordered stays."""
    await runtime.book.conversations.delete(conversation_id, caller.id)
    return Response(status_code=204)
