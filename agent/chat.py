"""Answers a planner's chat message. A chat never places or approves anything."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from weakref import WeakValueDictionary

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from opentelemetry.trace import Tracer

from agent.case import Case
from agent.graph import Graph
from agent.memory import RECALLED_TURNS, kept, recall
from agent.models.spending import Spend
from agent.prompts import Discretion
from agent.running.background import Background
from agent.running.work import RECURSION_LIMIT
from agent.settings import Settings
from agent.state import ChatAnswer, ChatEvent, DecisionState
from tools.book.book import OrderBook
from tools.book.conversations import NewTurn
from tools.records.errors import Unavailable

log = structlog.get_logger(__name__)
REFUSAL = "I cannot show that. Ask me about stock, reorder points, what-ifs or what is on order."
NO_ANSWER = "I could not answer that in time. Nothing was changed; please ask again."

Tell = Callable[[ChatEvent], None]


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
    ) -> None:
        """`graph` has no checkpointer."""
        self._settings, self._book, self._graph = settings, book, graph
        self._discretion, self._tracer, self._background = discretion, tracer, background
        self._conversations: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._streams: set[asyncio.Queue[ChatEvent | None]] = set()
        self._closing = False

    async def answer(
        self, message: str, *, conversation_id: str | None = None, caller: str, named: str | None = None
    ) -> ChatAnswer:
        """Answer one message. `caller` is the id that owns the conversation, `named` the name that reviewers see. Goes
        on if the caller goes away. Raises `UnknownConversation` for a conversation of somebody else."""
        conversation_id = await self._conversation(conversation_id, caller)
        case = Case(requested_by=named or caller, requested_by_id=caller)
        return await self._background.shielded(self._in_turn(message, conversation_id, case, lambda _: None))

    async def stream(
        self, message: str, *, conversation_id: str | None = None, caller: str, named: str | None = None
    ) -> AsyncIterator[ChatEvent | ChatAnswer]:
        """As `answer`, with what happens meanwhile: the answer is the last of the events. Raises `Unavailable` at any
        point when the service stops."""
        if self._closing:
            raise _stopping()
        conversation_id = await self._conversation(conversation_id, caller)
        case = Case(requested_by=named or caller, requested_by_id=caller)
        events: asyncio.Queue[ChatEvent | None] = asyncio.Queue()
        answering = self._background.spawn(self._in_turn(message, conversation_id, case, events.put_nowait))
        answering.add_done_callback(lambda _: events.put_nowait(None))
        return self._told(events, answering)

    def close(self) -> None:
        """End every stream. Answers that are awaited whole go on."""
        self._closing = True
        for events in self._streams:
            events.put_nowait(None)

    async def _told(
        self, events: "asyncio.Queue[ChatEvent | None]", answering: "asyncio.Task[ChatAnswer]"
    ) -> AsyncIterator[ChatEvent | ChatAnswer]:
        self._streams.add(events)
        try:
            while (event := None if self._closing else await events.get()) is not None:
                yield event
        finally:
            self._streams.discard(events)
        if answering.done():
            yield answering.result()
            return
        answering.cancel()
        raise _stopping()

    async def _conversation(self, conversation_id: str | None, caller: str) -> str:
        if conversation_id is None:
            conversation_id = uuid.uuid4().hex
            await self._book.conversations.begin(conversation_id, caller)
        else:
            await self._book.conversations.get(conversation_id, caller)
        return conversation_id

    async def _in_turn(self, message: str, conversation_id: str, case: Case, tell: Tell) -> ChatAnswer:
        async with self._conversations.setdefault(conversation_id, asyncio.Lock()):
            try:
                with self._tracer.start_as_current_span("chat", attributes={"session.id": conversation_id}):
                    said = await self._said(message, conversation_id, case, tell)
            except Exception:  # a chat answers, whatever failed
                log.exception("chat_failed")
                said = [HumanMessage(message), AIMessage(NO_ANSWER)]
            answer = await self._answered(said, conversation_id, case)
            for line in answer.answer.splitlines(keepends=True):
                tell(ChatEvent(kind="text", text=line))
            with suppress(Unavailable):  # it is told all the same
                await self._keep(message, said, answer)
            return answer

    async def _said(self, message: str, conversation_id: str, case: Case, tell: Tell) -> list[AnyMessage]:
        """The question and everything that followed it."""
        before = recall(await self._book.conversations.turns(conversation_id, RECALLED_TURNS))
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

    async def _answered(self, said: Sequence[AnyMessage], conversation_id: str, case: Case) -> ChatAnswer:
        last = said[-1]
        spoken = [message for message in said if isinstance(message, AIMessage)]
        spent = sum(map(Spend.of_message, spoken), Spend())
        return ChatAnswer(
            conversation_id=conversation_id,
            answer=self._discreet(str(last.text)),
            llm_provider=str(last.response_metadata.get("provider", "none")),
            runs=tuple([await self._book.runs.get(run_id) for run_id in case.begun]),
            tools_used=tuple(str(message.name) for message in said if isinstance(message, ToolMessage)),
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
        )

    async def _keep(self, question: str, said: Sequence[AnyMessage], answer: ChatAnswer) -> None:
        """Keep the turn. Of words that may not be shown nothing is kept."""
        words = (f"{message.text} {message.tool_calls}" for message in said if isinstance(message, AIMessage))
        withheld = any(map(self._discretion.leaks, words))
        turn = NewTurn(
            question=question,
            answer=answer.answer,
            provider=answer.llm_provider,
            tools_used=answer.tools_used,
            run_ids=tuple(view.run.id for view in answer.runs),
            messages=None if withheld else kept(said),
        )
        await self._book.conversations.add(answer.conversation_id, turn)

    def _discreet(self, answer: str) -> str:
        """The answer, safe to show. A refusal if it would reveal a key or our instructions to the model."""
        if self._discretion.leaks(answer):
            log.warning("answer_withheld")
            return REFUSAL
        return self._discretion.paragraph(answer)


def _stopping() -> Unavailable:
    return Unavailable("The service is shutting down. Ask again in a few seconds.")
