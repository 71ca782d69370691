"""Chats in OpenAI's form, for clients that speak nothing else."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Body, Path
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.responses import JSONResponse, Response

from agent.state import ChatAnswer, ChatEvent
from api.bodies.chat import require_short
from api.bodies.completions import (
    MODEL,
    CompletionRefusal,
    CompletionRequest,
    chunk,
    completion,
    job_answer,
    last_chunk,
    model_card,
)
from api.bodies.examples import COMPLETIONS
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.event_streams import failure
from api.door.openai_errors import in_openai_form
from api.routes.wiring import problems
from tools.records.errors import NotFound

router = APIRouter(prefix="/v1", tags=["chat"])
Happening = AsyncIterator[ChatEvent | ChatAnswer]


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """As `problems`, in OpenAI's form."""
    told = problems(*statuses)
    del told[422]
    return {status: {"model": CompletionRefusal, "description": each["description"]} for status, each in told.items()}


class UnknownModel(NotFound):
    code = "model_not_found"


@router.get("/models", openapi_extra=needs("trigger"), responses=_refusals())
async def models() -> Response:
    """List the models in OpenAI's form: there is one."""
    return JSONResponse({"object": "list", "data": [model_card()]})


@router.get("/models/{model}", openapi_extra=needs("trigger"), responses=_refusals(404))
async def model(model: Annotated[str, Path(max_length=200, description="`restock`.")]) -> Response:
    """Show a model in OpenAI's form."""
    _require_known(model)
    return JSONResponse(model_card())


@router.post(
    "/chat/completions",
    responses=_refusals(400, 404, 413, 415),
    openapi_extra=needs("trigger", stream=True),
)
async def completions(
    body: Annotated[CompletionRequest, Body(openapi_examples=COMPLETIONS)], runtime: RuntimeGiven, caller: CallerGiven
) -> Response:
    """Chat as with OpenAI, plain or streamed. The last message of the user is answered; which conversation goes on is
    told by its first question and answer. Errors have OpenAI's form."""
    _require_known(body.model)
    body.require_possible()
    question, identity = body.question, f"chatcmpl-{uuid4().hex}"
    known = job_answer(question)
    if known is None:
        require_short(question)
    begun = body.opening and await runtime.book.conversations.opened_by(caller.id, *body.opening)
    asked: dict[str, Any] = {"conversation_id": begun, "caller": caller.id, "named": caller.name}
    if body.stream:
        happening = await runtime.chat_stream(question, **asked) if known is None else _at_once(known)
        parts = _parts(happening, identity, with_usage=body.with_usage)
        return EventSourceResponse(parts, headers={"X-Accel-Buffering": "no"})
    answer = await runtime.chat(question, **asked) if known is None else _not_asked(known)
    return JSONResponse(completion(identity, answer))


def _not_asked(answer: str) -> ChatAnswer:
    return ChatAnswer(conversation_id="", answer=answer, llm_provider="none")


async def _at_once(answer: str) -> Happening:
    yield ChatEvent(kind="text", text=answer)
    yield _not_asked(answer)


async def _parts(happening: Happening, identity: str, *, with_usage: bool) -> AsyncIterator[bytes]:
    """The parts of an answer as events. What is no text is a comment, so that nobody takes the line for dead."""
    yield _event(chunk(identity, {"role": "assistant", "content": ""}))
    try:
        async for event in happening:
            if isinstance(event, ChatAnswer):
                yield _event(chunk(identity, {}, "stop"))
                if with_usage:
                    yield _event(last_chunk(identity, event))
            elif event.kind == "text":
                yield _event(chunk(identity, {"content": event.text}))
            else:
                yield format_sse_event(comment=event.kind)
    except Exception as error:  # the status is sent, so that every failure has to be an event
        yield _event(in_openai_form(json.loads(failure(error))))
    yield format_sse_event(data_str="[DONE]")


def _event(data: dict[str, Any]) -> bytes:
    return format_sse_event(data_str=json.dumps(data, ensure_ascii=False))


def _require_known(model: str) -> None:
    if model != MODEL:
        raise UnknownModel(f"There is no model {model[:80]!r}; ask for {MODEL!r}.")
