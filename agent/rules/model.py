"""The model without a provider: the same tool calls that a provider's model would make, from code, with no network.

    decision  (submit_order is bound)   look up + calculate → submit what was calculated    decide, below
    chat                                read the question → call tools → word their figures   conversation.py

It is the last link of the model chain, so that the service works with no key and through an outage.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall

from agent.models.failures import classify
from agent.models.link import Link, Query
from agent.rules.conversation import converse
from agent.rules.transcript import Call, Reply, Task, ToolResult, read_results, read_task
from tools.records.text import amount, percent

PROVIDER = "rules"
ASSUMPTIONS = ("service_level", "lead_time_days", "demand_uplift", "days_late", "review_period_days", "on_hand")
CONCERN_LIMIT = 300


@dataclass(eq=False)
class Rules(Link):
    """Deterministic but for its tool-call ids, which are unique."""

    provider: str = PROVIDER
    model: str = PROVIDER
    client: BaseChatModel = field(init=False, repr=False)  # there is none
    local: bool = True

    async def ask(self, query: Query) -> AIMessage:
        try:
            return answer(query)
        except Exception as error:  # as any model's, so that the run still ends in a review
            raise classify(error) from error

    async def aclose(self) -> None:
        """Nothing is open."""


def answer(query: Query) -> AIMessage:
    """The next message. Which tools are there decides between a decision and a chat."""
    tools = frozenset([tool["function"]["name"] for tool in query.tools])
    respond = decide if "submit_order" in tools else converse
    return _message(respond(query.messages, tools, query.tool_choice))


def _message(reply: Reply) -> AIMessage:
    finish_reason = "tool_calls" if reply.calls else "stop"
    return AIMessage(
        content=reply.text,
        tool_calls=[ToolCall(name=c.name, args=dict(c.arguments), id=f"rules-{uuid4().hex}") for c in reply.calls],
        response_metadata={"provider": PROVIDER, "model": PROVIDER, "finish_reason": finish_reason},
        usage_metadata={"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
    )


def decide(messages: Sequence[BaseMessage], tools: frozenset[str], tool_choice: str | None) -> Reply:
    """The next step of a decision. Only the task and the calculator's figures count; no text in a result does.

    Both tools are called first. The calculation is made again when its own order was refused, or when none was there.
    """
    task = read_task(messages)
    if task is None:
        return Reply(text="There is no product to decide on in this conversation.")
    asked: set[str] = set()
    calculated: dict[str, Any] | None = None
    failure, refused = "it was not run", False
    for result in read_results(messages):
        if result.name == "submit_order" and result.error:
            tried = (result.arguments.get("action"), result.arguments.get("quantity"))
            refused = calculated is None or tried == _order(calculated)
        elif _concerns(result, task):
            asked.add(result.name)
            if result.name == "calculate_reorder":
                calculated, failure = result.data or calculated, result.error or failure
                refused = False
    if tool_choice == "none":
        return Reply(text=_rationale(calculated))
    if refused:
        asked.discard("calculate_reorder")
    open_questions = [name for name in ("get_product", "calculate_reorder") if name in tools - asked]
    if open_questions and tool_choice != "submit_order":
        place = {} if task.location is None else {"location": task.location}
        return Reply(calls=tuple(Call(name, {"product_id": task.product_id, **place}) for name in open_questions))
    return Reply(calls=(_submission(task, calculated, failure),))


def _submission(task: Task, calculated: dict[str, Any] | None, failure: str) -> Call:
    """Without a figure, an order must be submitted all the same to end the run: none at confidence 0, with the error
    as a concern. The gate leaves that to a person."""
    action, quantity = _order(calculated) if calculated else ("none", 0)
    return Call(
        "submit_order",
        {
            "product_id": task.product_id,
            "action": action,
            "quantity": quantity,
            "rationale": _rationale(calculated),
            "concerns": [] if calculated else [f"No calculation stands behind this: {failure}"[:CONCERN_LIMIT]],
            "confidence": float(calculated.get("confidence") or 0.0) if calculated else 0.0,
        },
    )


def _order(calculated: dict[str, Any]) -> tuple[str, float]:
    return calculated["recommended_action"], calculated["order_quantity"]


def _concerns(result: ToolResult, task: Task) -> bool:
    """A calculation with assumptions, or of another place, is never the basis of an order."""
    said = result.data or result.arguments
    same_place = task.location is None or said.get("location") in (None, task.location)
    assumed = result.data.get("assumptions") or set(map(result.arguments.get, ASSUMPTIONS)) != {None}
    return said.get("product_id") == task.product_id and same_place and not assumed


def _rationale(calculated: dict[str, Any] | None) -> str:
    if calculated is None:
        return "The reorder calculation gave no result, so no quantity can be justified."
    position = (
        f"{amount(calculated['on_hand'])} on hand + {amount(calculated['on_order'])} on order"
        f" - {amount(calculated['backorders'])} backordered = {amount(calculated['inventory_position'])}"
    )
    point = (
        f"the reorder point of {amount(calculated['reorder_point'])} at {percent(calculated['service_level'])} service"
    )
    if calculated["recommended_action"] == "none":
        return f"Nothing to order: {position}, against {point}."
    verb = "Transfer" if calculated["recommended_action"] == "transfer" else "Order"
    return (
        f"{verb} {amount(calculated['order_quantity'])}: {position}, at or below {point}"
        f" (safety stock {amount(calculated['safety_stock'])}, lead time {amount(calculated['lead_time_days'])} days)."
    )
