"""Answers a planner's chat message. A chat never places or approves anything."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from typing import Any
from weakref import WeakValueDictionary

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from opentelemetry.trace import Tracer

from agent.case import Case
from agent.evidence import unverified
from agent.findings import found
from agent.graph import Graph
from agent.memory import RECALLED_TURNS, kept, known, recall
from agent.models.spending import Spend
from agent.open_questions import OpenQuestion, stopping
from agent.prompts import Discretion
from agent.running.background import Background
from agent.running.work import RECURSION_LIMIT
from agent.settings import Settings
from agent.state import ChatAnswer, ChatEvent, DecisionState
from agent.toolbox import MOST_RUNS
from tools.book.book import OrderBook
from tools.book.conversations import NewAnswer, Turn
from tools.records.errors import InFlight, Unavailable

log = structlog.get_logger(__name__)
REFUSAL = "I cannot show that. Ask me about stock, reorder points, what-ifs or what is on order."
NO_ANSWER = "I could not answer that in time. Nothing was changed; please ask again."

STOPPED = "The service stopped before it had answered. Please ask again."
MOST_OPEN = 5
"""Questions of a caller that nobody waits for, at once and in a process."""
OWN_WORDS = ("rules", "none")
"""Who answers in the service's own words. They are made of results."""

Tell = Callable[[ChatEvent], None]
Names = Callable[[], Awaitable[Iterable[tuple[str, str]]]]


class Chat:
    """Conversations. Each belongs to one caller, and its messages are answered one after the other. What a model is
    told of earlier turns is read from the order book, so any process can go on with any conversation."""

    def __init__(
        self,
        *,
        settings: Settings,
        book: OrderBook,
        graph: Graph,
        discretion: Discretion,
        tracer: Tracer,
        background: Background,
        products: Names,
    ) -> None:
        """`graph` has no checkpointer. `products` gives ids and names of the catalogue."""
        self._settings, self._book, self._graph = settings, book, graph
        self._discretion, self._tracer, self._background = discretion, tracer, background
        self._products = products
        self._conversations: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._open: dict[tuple[str, int], OpenQuestion] = {}
        self._awaited: set[OpenQuestion] = set()
        self._closing = False

    async def answer(
        self, message: str, *, conversation_id: str | None = None, caller: str, named: str | None = None
    ) -> ChatAnswer:
        """Answer one message. `caller` is the id that owns the conversation, `named` the name that reviewers see. Goes
        on if the caller goes away. Raises `UnknownConversation` for a conversation of somebody else."""
        question = await self._asked(message, conversation_id, caller, named)
        self._awaited.add(question)
        return await asyncio.shield(question.answering)

    async def stream(
        self, message: str, *, conversation_id: str | None = None, caller: str, named: str | None = None
    ) -> AsyncIterator[ChatEvent | ChatAnswer]:
        """As `answer`, with what happens meanwhile: the answer is the last of the events. Raises `Unavailable` at any
        point when the service stops."""
        return (await self._told(message, conversation_id, caller, named)).follow()

    async def ask(
        self, message: str, *, conversation_id: str | None = None, caller: str, named: str | None = None
    ) -> OpenQuestion:
        """As `answer`, without waiting: the question can be followed. Raises `InFlight` if the caller has too many."""
        if sum(question.caller == caller for question in self._open.values()) >= MOST_OPEN:
            raise InFlight(f"{MOST_OPEN} questions of yours are being answered. Wait until one of them is.")
        return await self._told(message, conversation_id, caller, named)

    def open_question(self, conversation_id: str, number: int) -> OpenQuestion | None:
        """The question while this process answers it."""
        return self._open.get((conversation_id, number))

    def close(self) -> None:
        """End every stream, and what is answered for them. Answers that are awaited whole go on."""
        self._closing = True
        for question in list(self._open.values()):
            question.close(cancel=question not in self._awaited)

    async def _told(self, *asked: Any) -> OpenQuestion:
        """A question that ends when the service stops."""
        if self._closing:
            raise stopping()
        question = await self._asked(*asked)
        if self._closing:
            question.close(cancel=True)
        return question

    async def _asked(self, message: str, conversation_id: str | None, caller: str, named: str | None) -> OpenQuestion:
        """The question, recorded and being answered."""
        if conversation_id is None:
            conversation_id = uuid.uuid4().hex
            await self._book.conversations.begin(conversation_id, caller)
        number = await self._book.conversations.ask(conversation_id, caller, message)
        question = OpenQuestion(conversation_id, number, caller)
        case = Case(requested_by=named or caller, requested_by_id=caller)
        question.answered_by(self._background.spawn(self._in_turn(message, question, case)))
        self._open[conversation_id, number] = question
        question.answering.add_done_callback(lambda _: self._ended(question))
        return question

    def _ended(self, question: OpenQuestion) -> None:
        del self._open[question.conversation_id, question.number]
        self._awaited.discard(question)

    async def _in_turn(self, message: str, question: OpenQuestion, case: Case) -> ChatAnswer:
        try:
            async with self._conversations.setdefault(question.conversation_id, asyncio.Lock()):
                return await self._answer(message, question, case)
        except asyncio.CancelledError:
            stopped = ChatAnswer(conversation_id=question.conversation_id, answer=STOPPED, llm_provider="none")
            self._background.spawn(self._keep(question, (), stopped))
            raise

    async def _answer(self, message: str, question: OpenQuestion, case: Case) -> ChatAnswer:
        before: list[AnyMessage] = []
        try:
            with self._tracer.start_as_current_span("chat", attributes={"session.id": question.conversation_id}):
                before = recall(await self._earlier(question))
                said = await self._said(message, before, case, question.tell)
        except Exception:  # a chat answers, whatever failed
            log.exception("chat_failed")
            said = [HumanMessage(message), AIMessage(NO_ANSWER)]
        answer = await self._answered(before, said, question.conversation_id, case)
        for line in answer.answer.splitlines(keepends=True):
            question.tell(ChatEvent(kind="text", text=line))
        with suppress(Unavailable):  # it is told all the same
            await self._keep(question, said, answer)
        return answer

    async def _earlier(self, question: OpenQuestion) -> Sequence[Turn]:
        return await self._book.conversations.turns(question.conversation_id, RECALLED_TURNS, question.number)

    async def _said(self, message: str, before: Sequence[AnyMessage], case: Case, tell: Tell) -> list[AnyMessage]:
        """The question and everything that followed it."""
        question = HumanMessage(message, id=uuid.uuid4().hex)
        said: list[AnyMessage] = [question]
        patience = self._settings.run_deadline_seconds
        case.deadline = time.time() + patience
        state = DecisionState(kind="chat", messages=[*before, question], escalation=None)
        tell(ChatEvent(kind="step", text="agent"))
        steps = self._graph.astream(state, {"recursion_limit": RECURSION_LIMIT}, context=case, stream_mode="updates")
        async with asyncio.timeout(patience + 1), aclosing(steps):  # type: ignore[type-var]  # it is a generator
            async for step in steps:
                for name, update in step.items():
                    said += update["messages"]
                    self._tell(name, update["messages"], tell)
        return said

    def _tell(self, step: str, messages: Sequence[AnyMessage], tell: Tell) -> None:
        """Say what a step did, and what follows. The last words are said later, once they are the answer."""
        for message in messages:
            if isinstance(message, ToolMessage):
                tell(ChatEvent(kind="tool_result", tool=str(message.name), failed=message.status == "error"))
            elif isinstance(message, AIMessage) and message.tool_calls:
                if message.text and not self._discretion.leaks(str(message.text)):
                    tell(ChatEvent(kind="remark", text=self._discretion.paragraph(str(message.text))))
                for call in message.tool_calls:
                    arguments = {} if self._discretion.leaks(str(call["args"])) else call["args"]
                    tell(ChatEvent(kind="tool_call", tool=call["name"], arguments=arguments))
                tell(ChatEvent(kind="step", text="tools"))
        if step == "tools":
            tell(ChatEvent(kind="step", text="agent"))

    async def _answered(
        self, before: Sequence[AnyMessage], said: Sequence[AnyMessage], conversation_id: str, case: Case
    ) -> ChatAnswer:
        last = said[-1]
        spoken = [message for message in said if isinstance(message, AIMessage)]
        spent = sum(map(Spend.of_message, spoken), Spend())
        provider = str(last.response_metadata.get("provider", "none"))
        answer = self._discreet(str(last.text))
        marks = () if provider in OWN_WORDS else unverified(answer, known([*before, *said]), await self._products())
        return ChatAnswer(
            conversation_id=conversation_id,
            answer=answer + _note(marks) + _too_many(case),
            llm_provider=provider,
            runs=tuple([await self._book.runs.get(run_id) for run_id in case.begun]),
            tools_used=tuple(str(message.name) for message in said if isinstance(message, ToolMessage)),
            unverified=marks,
            findings=found(said),
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
        )

    async def _keep(self, question: OpenQuestion, said: Sequence[AnyMessage], answer: ChatAnswer) -> None:
        """Keep the answer. Of words that may not be shown nothing is kept."""
        words = (f"{message.text} {message.tool_calls}" for message in said if isinstance(message, AIMessage))
        withheld = any(map(self._discretion.leaks, words))
        new = NewAnswer(
            answer=answer.answer,
            provider=answer.llm_provider,
            tools_used=answer.tools_used,
            run_ids=tuple(view.run.id for view in answer.runs),
            unverified=answer.unverified,
            findings=answer.findings,
            messages=None if withheld or not said else kept(said),
        )
        await self._book.conversations.answer(question.conversation_id, question.number, new)

    def _discreet(self, answer: str) -> str:
        """The answer, safe to show. A refusal if it would reveal a key or our instructions to the model."""
        if self._discretion.leaks(answer):
            log.warning("answer_withheld")
            return REFUSAL
        return self._discretion.paragraph(answer)


def _note(marks: Sequence[str]) -> str:
    """What is said at the end of an answer about the marks in it."""
    if not marks:
        return ""
    them = "it" if len(marks) == 1 else "them"
    return f"\n\nUnverified: {'; '.join(marks)}. No lookup of this conversation shows {them}."


def _too_many(case: Case) -> str:
    """What is said at the end of an answer if the message asked for more runs than it may."""
    if case.asked <= MOST_RUNS:
        return ""
    begun = f"{len(case.begun)} were begun; {MOST_RUNS} are the most. Ask for the others in the next message."
    return f"\n\nOf {case.asked} restocking runs that this message asked for, {begun}"
