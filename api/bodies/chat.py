"""A planner's question, and its answer."""

from typing import Annotated

from pydantic import Field

from agent.state import ChatAnswer
from api.bodies.fields import Answer, Body, Number
from api.bodies.runs import ReviewUrl
from tools.records.facts import ProductId
from tools.records.orders import RunId, RunStatus, RunView


class ChatMessage(Body):
    """A question in plain language."""

    message: Annotated[str, Field(min_length=1, max_length=100_000)] = Field(
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
        return cls(
            run_id=view.run.id,
            status=view.run.status,
            product_id=view.run.product_id,
            quantity=proposal.quantity if proposal else None,
            order_number=view.order.number if view.order else None,
            review_id=waiting.id if waiting else None,
            review_url=review_url(waiting.id) if waiting else None,
        )


class Reply(Answer):
    """The answer to a chat message. A chat may ask for decision runs; it never places or approves anything."""

    conversation_id: str = Field(description="Send it with the next message to go on.")
    answer: str = Field(description="The answer, as text.")
    llm_provider: str = Field(description="Who answered: `gemini`, `groq`, `rules` without a model, or `none`.")
    runs: tuple[ChatRun, ...] = Field(description="Decision runs that the message asked for.")
    tools_used: tuple[str, ...] = Field(description="Tools that were called for the answer, in order.")

    @classmethod
    def of(cls, answer: ChatAnswer, review_url: ReviewUrl) -> "Reply":
        return cls.copy_of(answer, runs=tuple(ChatRun.of(view, review_url) for view in answer.runs))
