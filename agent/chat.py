"""Answers a planner's chat message. A chat never places or approves anything."""

import asyncio
import time
import uuid
from weakref import WeakValueDictionary

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agent.case import Case
from agent.graph import Graph
from agent.prompts import Discretion
from agent.running.background import Background
from agent.running.work import graph_config
from agent.settings import Settings
from agent.state import ChatAnswer, DecisionState
from tools.book.book import OrderBook
from tools.records.errors import UnknownConversation

log = structlog.get_logger(__name__)
REFUSAL = "I cannot show that. Ask me about stock, reorder points, what-ifs or what is on order."
NO_ANSWER = "I could not answer that in time. Nothing was changed; please ask again."


class Chat:
    """Conversations. Each belongs to one caller, and its messages are answered one after the other."""

    def __init__(
        self, *, settings: Settings, book: OrderBook, graph: Graph, discretion: Discretion, background: Background
    ) -> None:
        self._settings, self._book, self._graph = settings, book, graph
        self._discretion, self._background = discretion, background
        self._conversations: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer(
        self, message: str, *, conversation_id: str | None, caller: str, named: str | None = None
    ) -> ChatAnswer:
        """Answer one message. `caller` is the id that owns the conversation, `named` the name that reviewers see.
        Raises `UnknownConversation` for a conversation of somebody else."""
        conversation_id = await self._conversation(conversation_id, caller)
        case = Case(requested_by=named or caller, requested_by_id=caller)
        async with self._conversations.setdefault(conversation_id, asyncio.Lock()):
            return await self._background.shielded(self._answer(message, conversation_id, case))

    async def _conversation(self, conversation_id: str | None, caller: str) -> str:
        if conversation_id is None:
            conversation_id = uuid.uuid4().hex
            await self._book.usage.own_conversation(conversation_id, caller)
        elif await self._book.usage.conversation_owner(conversation_id) != caller:
            raise UnknownConversation("There is no such conversation. Leave conversation_id out to begin one.")
        return conversation_id

    async def _answer(self, message: str, conversation_id: str, case: Case) -> ChatAnswer:
        question = HumanMessage(message, id=uuid.uuid4().hex)
        patience = self._settings.run_deadline_seconds
        case.deadline = time.time() + patience
        state = DecisionState(kind="chat", messages=[question], escalation=None)
        config = graph_config(f"chat-{conversation_id}")
        try:
            async with asyncio.timeout(patience + 1):
                end = await self._graph.ainvoke(state, config, context=case, durability="exit")
        except Exception:  # a chat answers, whatever failed
            log.exception("chat_failed")
            return ChatAnswer(conversation_id=conversation_id, answer=NO_ANSWER, llm_provider="none")
        start = max(index for index, said in enumerate(end["messages"]) if said.id == question.id)
        return await self._answered(end["messages"][start:], conversation_id, case)

    async def _answered(self, said: list[AnyMessage], conversation_id: str, case: Case) -> ChatAnswer:
        last = said[-1]
        provider = last.response_metadata.get("provider", "none") if isinstance(last, AIMessage) else "none"
        return ChatAnswer(
            conversation_id=conversation_id,
            answer=self._discreet(str(last.text)),
            llm_provider=str(provider),
            runs=tuple([await self._book.runs.get(run_id) for run_id in case.begun]),
            tools_used=tuple(str(message.name) for message in said if isinstance(message, ToolMessage)),
        )

    def _discreet(self, answer: str) -> str:
        """The answer, safe to show. A refusal if it would reveal a key or our instructions to the model."""
        if self._discretion.leaks(answer):
            log.warning("answer_withheld")
            return REFUSAL
        return self._discretion.paragraph(answer)
