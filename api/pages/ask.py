"""Questions to the service, and their answers, followed while they are made. A chat places and approves nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Form, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from starlette.responses import Response

from agent.rules import QUESTIONS, QUESTIONS_WITH_SLOTS
from agent.state import ChatAnswer, ChatEvent
from api.bodies.chat import MAX_MESSAGE, require_short
from api.door.doorkeeper import CallerGiven, RuntimeGiven, page_for, stream_for
from api.pages.answers import address_of, parts_of
from api.pages.desk import LOOK_SECONDS, Desk, DeskForm, DeskGiven, desk_router, or_page, see_other, templates
from api.pages.listing import Word
from tools.book.conversations import Conversation, Turn
from tools.records.errors import InvalidInput, RestockError, Unavailable, UnknownConversation, UnknownRun

router = desk_router()
TURNS, LISTED = 20, 15
AT_ONCE_SECONDS = 0.3
"""An answer that is there by then is on the page that follows the form."""
GRACE_SECONDS = 10.0
"""How much longer than a run may take a question counts as being answered."""
TOOL_WORDS = {
    "find_products": "products",
    "get_product": "the product",
    "calculate_reorder": "the calculation",
    "find_orders": "orders",
    "get_order": "the order",
    "find_reviews": "reviews",
    "get_review": "the review",
    "find_suppliers": "suppliers",
    "find_changes": "what was done",
    "explain_method": "the method",
    "request_restock": "a restocking run",
}
templates.globals |= {"tool_words": TOOL_WORDS, "address_of": address_of}
ConversationId = Annotated[str, Path(max_length=100)]


class Question(DeskForm):
    """A question, in a conversation or a new one."""

    message: Annotated[str, Field(max_length=MAX_MESSAGE)] = ""
    conversation: Annotated[str, Field(max_length=100)] = ""


async def _own(conversation_id: ConversationId, runtime: RuntimeGiven, caller: CallerGiven) -> Conversation:
    return await runtime.book.conversations.get(conversation_id, caller.id)


async def _asked(conversation: "OwnGiven", number: Annotated[int, Path(ge=1, le=2**31)], runtime: RuntimeGiven) -> Turn:
    turn = await runtime.book.conversations.turn(conversation.id, number)
    if turn is None:
        raise UnknownConversation("This question is kept no longer. Open the conversation again.")
    return turn


OwnGiven = Annotated[Conversation, Depends(_own)]
TurnGiven = Annotated[Turn, Depends(_asked)]
Asked = Annotated[str, Query(max_length=MAX_MESSAGE)]


async def _page(
    desk: Desk,
    conversation: Conversation | None = None,
    *,
    typed: str = "",
    before: int | None = None,
    listed_before: str = "",
    refusal: RestockError | None = None,
) -> Response:
    store = desk.runtime.book.conversations
    turns = await store.turns(conversation.id, TURNS, before) if conversation else []
    listed = await store.page(desk.caller.id, LISTED, listed_before or None)
    return await desk.page(
        "ask.html",
        refusal=refusal,
        conversation=conversation,
        turns=[await _shown(desk, conversation.id, turn) for turn in turns] if conversation else [],
        earlier=turns[0].number if len(turns) == TURNS else None,
        is_newest=before is None,
        conversations=listed,
        following=listed[-1].id if len(listed) == LISTED else None,
        questions=QUESTIONS,
        examples=await _examples(desk),
        typed=typed,
    )


async def _not_asked(desk: Desk, form: Question, refusal: RestockError) -> Response:
    conversation = await _own(form.conversation, desk.runtime, desk.caller) if form.conversation else None
    return await _page(desk, conversation, typed=form.message, refusal=refusal)


@router.get("/ask", openapi_extra=page_for("trigger"))
async def begin(desk: DeskGiven, question: Asked = "", before: Word = "") -> Response:
    """A new conversation, and earlier ones."""
    return await _page(desk, typed=question, listed_before=before)


@router.post("/ask", openapi_extra=page_for("trigger"))
@or_page(_not_asked)
async def ask(form: Annotated[Question, Form()], desk: DeskGiven) -> Response:
    """Ask. The same form asks once."""

    async def work() -> str:
        if not form.message.strip():
            raise InvalidInput("There is no question. Type one.")
        require_short(form.message)
        question = await desk.runtime.ask(
            form.message, conversation_id=form.conversation or None, caller=desk.caller.id, named=desk.caller.name
        )
        await asyncio.wait({question.answering}, timeout=AT_ONCE_SECONDS)
        return f"/desk/ask/{question.conversation_id}"

    return see_other(await desk.once(desk.deed_id(form, form.conversation, form.message) or "", work))


@router.get("/ask/{conversation_id}", openapi_extra=page_for("trigger"))
async def conversation(
    desk: DeskGiven,
    conversation: OwnGiven,
    question: Asked = "",
    before: Annotated[int | None, Query(ge=1, le=2**31)] = None,
) -> Response:
    """A conversation; what is being answered is followed."""
    return await _page(desk, conversation, typed=question, before=before)


@router.post("/ask/{conversation_id}/delete", openapi_extra=page_for("trigger"))
async def delete(conversation_id: ConversationId, desk: DeskGiven, form: Annotated[DeskForm, Form()]) -> Response:
    """Delete a conversation with all that was said. What it ordered stays."""

    async def work() -> str:
        await desk.runtime.book.conversations.delete(conversation_id, desk.caller.id)
        return "/desk/ask"

    return see_other(await desk.once(form.once, work))


@router.get("/ask/{conversation_id}/{number}", openapi_extra=page_for("trigger"))
async def turn(desk: DeskGiven, conversation: OwnGiven, asked: TurnGiven) -> Response:
    """One question with its answer, for the page that has followed it."""
    shown = await _shown(desk, conversation.id, asked)
    return await desk.page("ask_turn.html", conversation=conversation, shown=shown, newest=True)


@router.get(
    "/ask/{conversation_id}/{number}/events",
    response_class=EventSourceResponse,
    openapi_extra=stream_for("trigger"),
)
async def events(desk: DeskGiven, conversation: OwnGiven, asked: TurnGiven) -> AsyncIterator[ServerSentEvent]:
    """What happens while the question is answered. A browser that was cut off goes on where it was. Ends without `end`
    when the service stops; a browser then asks again."""
    question = desk.runtime.open_question(conversation.id, asked.number)
    with suppress(Unavailable):
        if question is None:
            await _wait(desk, conversation.id, asked)
        else:
            last = desk.request.headers.get("last-event-id", "")
            number = int(last) if last.isdecimal() and len(last) < 10 else 0
            async for event in question.follow(number):
                number += 1
                if isinstance(event, ChatEvent) and (told := _told(event)):
                    yield ServerSentEvent(event=told[0], data={"words": told[1]}, id=str(number))
                if isinstance(event, ChatAnswer):
                    break
        if not desk.runtime.closing:
            yield ServerSentEvent(event="end", data={})


async def _wait(desk: Desk, conversation_id: str, asked: Turn) -> None:
    """Until another process has answered, or none will."""
    current: Turn | None = asked
    while current and _state(desk, conversation_id, current) == "running" and not desk.runtime.closing:
        await asyncio.sleep(LOOK_SECONDS)
        current = await desk.runtime.book.conversations.turn(conversation_id, asked.number)


def _told(event: ChatEvent) -> tuple[str, str] | None:
    """An event's name and words. What a model says beside its calls is no answer, and is left out."""
    if event.kind == "text":
        return "text", event.text
    if event.kind == "tool_call":
        return "step", f"Looks up {TOOL_WORDS.get(event.tool, event.tool)} …"
    return ("step", "Thinks …") if event.text == "agent" else None


def _state(desk: Desk, conversation_id: str, turn: Turn) -> str:
    if turn.answered_at is not None:
        return "answered"
    patience = timedelta(seconds=desk.runtime.settings.run_deadline_seconds + GRACE_SECONDS)
    here = desk.runtime.open_question(conversation_id, turn.number) is not None
    return "running" if here or datetime.now(UTC) - turn.asked_at < patience else "cut"


async def _shown(desk: Desk, conversation_id: str, turn: Turn) -> dict[str, Any]:
    """A question with its answer, as the page shows it. The state is `answered`, `running` or `cut`."""
    runs = []
    for run_id in turn.run_ids:
        with suppress(UnknownRun):
            runs.append(await desk.runtime.book.runs.get(run_id))
    return {"turn": turn, "state": _state(desk, conversation_id, turn), "parts": parts_of(turn), "runs": runs}


async def _examples(desk: Desk) -> list[str]:
    """Questions about one thing, with the names of what is most urgent now."""
    rows = (await desk.runtime.today.present()).rows
    orders = await desk.runtime.book.orders.page(1)
    names = {"number": orders[0].number} if orders else {}
    if rows:
        names |= {"product": rows[0].product_id, "supplier": rows[0].supplier, "location": rows[0].location}
    filled = (_filled(question, names) for question in QUESTIONS_WITH_SLOTS)
    return [question for question in filled if question is not None]


def _filled(question: str, names: dict[str, str]) -> str | None:
    with suppress(KeyError):
        return question.format_map({name: value for name, value in names.items() if value})
    return None
