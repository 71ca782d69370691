"""A planner's question, its answer, and the conversations that came of them."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from agent.state import ChatAnswer
from api.bodies.fields import Answer, Body, NextPage, Number
from api.bodies.runs import ReviewUrl
from tools.book.conversations import Conversation, Turn
from tools.records.errors import InvalidInput
from tools.records.facts import ProductId
from tools.records.orders import RunId, RunStatus, RunView

MAX_CHARACTERS = 4_000
MAX_MESSAGE = 100_000
"""Of what is read at all; between the two the refusal says how long it is."""


class MessageTooLong(InvalidInput):
    code = "message_too_long"


def require_short(message: str) -> None:
    """Raises MessageTooLong."""
    if len(message) > MAX_CHARACTERS:
        raise MessageTooLong(
            f"The message has {len(message)} characters; {MAX_CHARACTERS} are allowed. Send a shorter one."
        )


class ChatMessage(Body):
    """A question in plain language."""

    message: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE)] = Field(
        examples=["Should I reorder STEEL_SHEETS, and why?"]
    )
    """The question."""
    conversation_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    """From an earlier answer, to go on with that conversation. Without it a new one begins."""


class ChatRun(Answer):
    """A decision run that the chat asked for."""

    run_id: RunId
    status: RunStatus
    product_id: ProductId
    quantity: Number | None = Field(description="Units proposed; null while the run is being worked on.")
    order_number: str | None = Field(description="Number of the order, if one was placed.")
    review_id: str | None = Field(description="Id of the review that waits for a person, if one does.")
    review_url: str | None = Field(description="Address of that review.")

    @classmethod
    def of(cls, view: RunView, review_url: ReviewUrl) -> "ChatRun":
        proposal = view.proposal
        waiting = proposal if proposal and proposal.status == "pending" else None
        return cls.copy_of(
            view.run,
            run_id=view.run.id,
            quantity=proposal.quantity if proposal else None,
            order_number=view.order.number if view.order else None,
            review_id=waiting.id if waiting else None,
            review_url=review_url(waiting.id) if waiting else None,
        )


_UNVERIFIED = (
    "Figures, days, orders and products of a model's answer that no tool's result holds, as written there. The answer "
    "names them at its end."
)


class Reply(Answer):
    """The answer to a chat message. A chat may ask for decision runs; it never places or approves anything."""

    conversation_id: str = Field(description="Send it with the next message to go on.")
    answer: str = Field(description="The answer, as text.")
    llm_provider: str = Field(description="Who answered: `gemini`, `groq`, `rules` without a model, or `none`.")
    runs: tuple[ChatRun, ...] = Field(description="Decision runs that the message asked for, at most 5.")
    tools_used: tuple[str, ...] = Field(description="Tools that were called for the answer, in order.")
    unverified: tuple[str, ...] = Field(description=_UNVERIFIED)

    @classmethod
    def of(cls, answer: ChatAnswer, review_url: ReviewUrl) -> "Reply":
        return cls.copy_of(answer, runs=tuple(ChatRun.of(view, review_url) for view in answer.runs))


class ConversationLine(Answer):
    """One of your conversations."""

    conversation_id: str = Field(description="Send it with a message to go on.")
    title: str = Field(description="Its first question, shortened.")
    created_at: datetime = Field(description="When it began.")
    used_at: datetime = Field(description="When its last message was answered.")
    turns: int = Field(description="Questions that are kept, with their answers.")

    @classmethod
    def of(cls, conversation: Conversation, **more: Any) -> Self:
        return cls.copy_of(conversation, conversation_id=conversation.id, **more)


class Conversations(Answer):
    """A page of your conversations."""

    conversations: tuple[ConversationLine, ...] = Field(description="The one used last comes first.")
    next: str | None = NextPage


class ChatTurn(Answer):
    """A question and its answer."""

    number: int = Field(description="Its place in the conversation; the oldest may be gone.")
    asked_at: datetime = Field(description="When it was asked.")
    answered_at: datetime | None = Field(
        description="When the answer was given; null while there is none, and if the service ended before."
    )
    question: str = Field(description="What was asked.")
    answer: str = Field(description="The answer, as text; empty while there is none.")
    llm_provider: str = Field(description="Who answered, as in the answer to a message; empty while there is none.")
    tools_used: tuple[str, ...] = Field(description="Tools that were called for the answer, in order.")
    run_ids: tuple[str, ...] = Field(description="Decision runs that the message asked for.")
    unverified: tuple[str, ...] = Field(description=_UNVERIFIED)

    @classmethod
    def of(cls, turn: Turn) -> "ChatTurn":
        return cls.copy_of(turn, llm_provider=turn.provider)


class WholeConversation(ConversationLine):
    """A conversation with a page of its questions and answers."""

    messages: tuple[ChatTurn, ...] = Field(description="The newest questions with their answers, oldest first.")
    next: int | None = Field(description="Pass as `before` for the questions before these; null at the beginning.")
