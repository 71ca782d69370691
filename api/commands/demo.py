"""One whole decision in the terminal: calls, calculation, confidence, route, order."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import typer
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from agent.runtime import open_runtime
from agent.settings import Settings
from agent.state import DecisionRequest
from api.server import log_as_set
from tools.records.orders import Order, Proposal, RunView
from tools.records.plan import Plan

_WIDTH = 100


async def show_decision(product_id: str, settings: Settings) -> None:
    """Decide on a product of the sample catalogue in a temporary order book, and print every step."""
    log_as_set(settings.model_copy(update={"log_level": "error"}))
    with tempfile.TemporaryDirectory(prefix="restock-demo-") as folder:
        stores = {"database_url": f"sqlite:///{folder}/restock.db", "checkpoint_path": Path(folder) / "checkpoints.db"}
        async with open_runtime(settings.model_copy(update=stores), keep_finished_threads=True) as runtime:
            request = DecisionRequest(product_id=product_id, mode="mock", requested_by="restock demo")
            view = await runtime.decide(request)
            thread = await runtime.graph.aget_state({"configurable": {"thread_id": view.run.id}})
    messages = thread.values.get("messages", [])
    for line in _lines(view, messages, settings):
        typer.echo(line)


def _lines(view: RunView, messages: list[AnyMessage], settings: Settings) -> Iterator[str]:
    proposal = view.proposal
    if proposal is None:
        yield f"Run {view.run.id} is {view.run.status} without a proposal."
        return
    yield _title(f"One decision: {proposal.product_id} ({proposal.product_name}) at {proposal.location}")
    yield _title(f"Calls made (model: {proposal.provider}/{proposal.model})")
    yield from _calls(messages)
    yield _title(f"Calculation ({proposal.plan.method}, {proposal.plan.distribution})")
    yield from _calculation(proposal.plan)
    yield _title("Confidence and route")
    yield from _route(proposal, settings.confidence_threshold)
    yield _title("Order")
    yield _order(view.order, proposal)
    yield ""


def _title(text: str) -> str:
    return f"\n{text}\n{'-' * len(text)}"


def _calls(messages: list[AnyMessage]) -> Iterator[str]:
    results = {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}
    asked = [call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    for number, call in enumerate(asked, 1):
        arguments = ", ".join(f"{name}={value!r}" for name, value in call["args"].items())
        yield _shortened(f"  {number}. {call['name']}({arguments})")
        answer = results.get(call["id"] or "")
        if answer is not None:
            yield _shortened(f"     → {answer.text}")


def _calculation(plan: Plan) -> Iterator[str]:
    for line in plan.derivation:
        yield f"  {line}"
    if textbook := plan.textbook:
        level = f"safety stock {textbook.safety_stock:.2f}, reorder point {textbook.reorder_point:.2f}"
        yield f"  beside it, the textbook: {level}"
    for notice in plan.notices:
        yield f"  note: {notice.message}"


def _route(proposal: Proposal, threshold: float) -> Iterator[str]:
    confidence = proposal.confidence
    yield f"  confidence {confidence.value:.2f} ({confidence.label}); needed for an automatic order: {threshold:.2f}"
    route = {"placed": "placed automatically", "pending": "waits for a person", "no_action": "nothing to order"}
    yield f"  route: {route.get(proposal.status, proposal.status)}"
    for reason in proposal.review_reasons:
        yield f"    because: {reason}"
    if proposal.rationale:
        yield _shortened(f"  the model says: {proposal.rationale}")


def _order(order: Order | None, proposal: Proposal) -> str:
    if order is None:
        return f"  none; {proposal.quantity} units are proposed"
    item = order.items[0]
    price = "" if item.unit_price is None else f" at {item.unit_price:,.2f} = {item.value:,.2f} {order.currency}"
    source = order.source_location or order.supplier_name
    return f"  {order.number}: {item.quantity} × {item.name}{price}, from {source}, due {order.due_at:%Y-%m-%d}"


def _shortened(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
