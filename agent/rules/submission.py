"""The rules model's decision: look up and calculate, then submit exactly what the calculator says."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from agent.rules.quantities import amount, percent
from agent.rules.replies import Call, Reply
from agent.rules.transcript import Task, ToolResult, read_results, read_task

ASSUMPTIONS = ("service_level", "lead_time_days", "demand_uplift")
CONCERN_LIMIT = 300


def decide(messages: Sequence[BaseMessage], tools: frozenset[str], tool_choice: str | None) -> Reply:
    """The next step of a decision. Only the task and the calculator's figures count; no text in a result does.

    Where the calculator could not answer there is no figure to submit, yet an order must be submitted to end the run:
    action none, quantity 0 and confidence 0 with the error as a concern, which the gate leaves to a person.
    """
    task = read_task(messages)
    if task is None:
        return Reply(text="There is no product to decide on in this conversation.")
    results = read_results(messages)
    if tool_choice == "none":
        return Reply(text=_rationale(_calculation(results, task)))
    calls = () if tool_choice == "submit_order" else _lookups(results, task, tools)
    return Reply(calls=calls or (_submission(results, task),))


def _lookups(results: Sequence[ToolResult], task: Task, tools: frozenset[str]) -> tuple[Call, ...]:
    """What to ask before submitting: both tools on a first turn, after a refusal perhaps a fresh calculation."""
    arguments = _arguments(task)
    asked = {result.name for result in results if _concerns(result, task)}
    if _refused_anew(results, task):
        asked.discard("calculate_reorder")
    wanted = ("get_product", "calculate_reorder")
    return tuple(Call(name, arguments) for name in wanted if name in tools and name not in asked)


def _refused_anew(results: Sequence[ToolResult], task: Task) -> bool:
    """The calculator's own order was refused, or there was none to submit: its figures may be out of date."""
    refusals = [i for i, result in enumerate(results) if result.name == "submit_order" and result.error]
    if not refusals:
        return False
    before, after = results[: refusals[-1]], results[refusals[-1] + 1 :]
    if any(_concerns(result, task) and result.name == "calculate_reorder" for result in after):
        return False
    calculated = _calculation(before, task)
    if calculated is None:
        return True
    refused = results[refusals[-1]].arguments
    return (refused.get("action"), refused.get("quantity")) == _order(calculated)


def _submission(results: Sequence[ToolResult], task: Task) -> Call:
    calculated = _calculation(results, task)
    action, quantity = _order(calculated) if calculated else ("none", 0)
    return Call(
        "submit_order",
        {
            "product_id": task.product_id,
            "action": action,
            "quantity": quantity,
            "rationale": _rationale(calculated),
            "concerns": [] if calculated else [_failure(results, task)],
            "confidence": float(calculated.get("confidence") or 0.0) if calculated else 0.0,
        },
    )


def _order(calculated: dict[str, Any]) -> tuple[str, int]:
    return calculated["recommended_action"], int(calculated["order_quantity"])


def _calculation(results: Sequence[ToolResult], task: Task) -> dict[str, Any] | None:
    """The latest calculation for the task itself; one with assumptions is never the basis of an order."""
    fitting = [r.data for r in results if r.name == "calculate_reorder" and r.data and _concerns(r, task)]
    return fitting[-1] if fitting else None


def _concerns(result: ToolResult, task: Task) -> bool:
    said = result.data or result.arguments
    same_place = task.location is None or said.get("location") in (None, task.location)
    changed = result.data.get("assumptions") or any(result.arguments.get(name) is not None for name in ASSUMPTIONS)
    return said.get("product_id") == task.product_id and same_place and not changed


def _arguments(task: Task) -> dict[str, Any]:
    place = {} if task.location is None else {"location": task.location}
    return {"product_id": task.product_id, **place}


def _failure(results: Sequence[ToolResult], task: Task) -> str:
    errors = [r.error for r in results if r.name == "calculate_reorder" and r.error and _concerns(r, task)]
    said = errors[-1] if errors else "it was not run"
    return f"No calculation stands behind this: {said}"[:CONCERN_LIMIT]


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
