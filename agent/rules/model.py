"""The offline chat model: the same tool calls a provider's model would make, from code, with no network.

    decision  (submit_order is bound)   look up + calculate → submit what was calculated    submission.py
    chat                                read the question → call tools → word their figures   conversation.py

It sits last in the model chain, so that the service works with no key and through an outage.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.rules.conversation import converse
from agent.rules.replies import Reply
from agent.rules.submission import decide

PROVIDER = "rules"
ToolLike = dict[str, Any] | type | Callable[..., Any] | BaseTool


class RulesModel(BaseChatModel):
    """Deterministic but for its tool-call ids, which are unique."""

    @property
    def _llm_type(self) -> str:
        return PROVIDER

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": PROVIDER}

    def bind_tools(
        self, tools: Sequence[ToolLike], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Which tools are there decides between a decision and a chat."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        tools = frozenset(tool["function"]["name"] for tool in kwargs.get("tools") or ())
        respond = decide if "submit_order" in tools else converse
        reply = respond(messages, tools, kwargs.get("tool_choice"))
        return ChatResult(generations=[ChatGeneration(message=_message(reply))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, **kwargs)


def _message(reply: Reply) -> AIMessage:
    finish_reason = "tool_calls" if reply.calls else "stop"
    return AIMessage(
        content=reply.text,
        tool_calls=[ToolCall(name=c.name, args=dict(c.arguments), id=f"rules-{uuid4().hex}") for c in reply.calls],
        response_metadata={"provider": PROVIDER, "model": PROVIDER, "finish_reason": finish_reason},
        usage_metadata={"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
    )
