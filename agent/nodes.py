"""The steps of the graph, and the routers that choose the next one.

A step returns only what changed. Effects go through the order book, which allows each once for a run. Routers are
async, because LangGraph runs plain functions in a thread.
"""

import json
import time
from typing import Any, Literal

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableBinding
from langchain_core.tools import ToolException
from langgraph.prebuilt import ToolNode
from langgraph.prebuilt.tool_node import ToolInvocationError
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import ValidationError

from agent.case import Case, Decision
from agent.metrics import Metrics
from agent.models import BudgetSpent, ModelChain, NoModelLeft
from agent.models.spending import CALL_BUDGET
from agent.prompts import CHAT, DECISION, PREFETCH, REMINDER, Discretion, obvious_calls
from agent.settings import Settings
from agent.state import DecisionState
from agent.toolbox import Toolbox, faults
from tools.book.book import OrderBook
from tools.planning.confidence import CalibrationTable
from tools.planning.doubts import EarlierOrder
from tools.planning.gate import Circumstances, Limits, Route, Submission, Verdict, judge
from tools.planning.order_quantity import unit_price_at
from tools.records.errors import RestockError
from tools.records.orders import NewProposal, ProposalStatus
from tools.records.plan import Plan

log = structlog.get_logger(__name__)
Update = dict[str, Any]
Asked = RunnableBinding[Any, AIMessage]
MAX_CORRECTIONS = 1
MAX_PRODUCT_SERIES = 500
ROUTE_OF_STATUS: dict[ProposalStatus, Route] = {
    "proposed": "auto",
    "placed": "auto",
    "pending": "review",
    "approved": "review",
    "rejected": "review",
    "expired": "review",
    "superseded": "review",
    "no_action": "none",
}


class Nodes:
    """The steps, with what they need."""

    def __init__(
        self,
        *,
        chain: ModelChain,
        toolbox: Toolbox,
        book: OrderBook,
        settings: Settings,
        metrics: Metrics,
        discretion: Discretion,
        calibration: CalibrationTable | None = None,
    ) -> None:
        self._book, self._settings, self._metrics, self._discretion = book, settings, metrics, discretion
        self._limits = _limits(settings, calibration)
        deciding, chatting = toolbox.decision_schemas, toolbox.chat_schemas
        self._deciding = chain.bind_tools(deciding)
        self._submitting = chain.bind_tools(deciding, tool_choice="submit_order")
        self._chatting = chain.bind_tools(chatting)
        self._answering = chain.bind_tools(chatting, tool_choice="none")
        self._shown: set[str] = set()
        self.tools = ToolNode(toolbox.every_tool, handle_tool_errors=_safe_sentence)

    async def agent(self, state: DecisionState, runtime: Runtime[Case]) -> Update:
        """Ask the model for the next step, within the run's budget and deadline. With prefetch the graph makes the
        first two calls itself, and marks them as its own."""
        case = runtime.context or Case()
        if not state["messages"]:  # resumed here just after another process had ended the thread
            return self._give_up(state, "There is no question.")
        by_rules = isinstance(case, Decision) and case.request.by_rules
        prefetch = self._settings.prefetch or by_rules
        if prefetch and isinstance(case, Decision) and len(state["messages"]) == 1:
            return {"messages": [obvious_calls(case.request)]}
        calls = _progress(state)[0] + 1
        if calls > CALL_BUDGET:
            return self._give_up(state, "The model reached no usable answer within its budget.")
        if _is_late(case):
            return self._give_up(state, "The time was up before a model had answered.")
        model, prompt = self._ask(state, calls)
        try:
            return {"messages": [await model.ainvoke(prompt, deadline=case.deadline, by_rules=by_rules)]}
        except BudgetSpent as spent:
            return self._give_up(state, spent.message)
        except NoModelLeft:
            return self._give_up(state, "No model gave a usable answer.")

    async def assess(self, state: DecisionState, runtime: Runtime[Any]) -> Update:
        """Check the submission against the run's own plan and choose the route. A proposal for a person is recorded
        here. An automatic order goes on to `auto`, which records and places it in one transaction."""
        case: Decision = runtime.context
        call, submission = _submission(state)
        submission = submission and self._discretion.submission(submission)
        circumstances = await self._circumstances(state, case)
        verdict = judge(submission, case.product.present_plan, circumstances, self._limits)
        self._show(case.product.present_plan)
        log.info("assessed", route=verdict.route, quantity=verdict.quantity, confidence=verdict.confidence.value)
        changed: Update = {"messages": [_answer(call, verdict)] if call else [], "route": verdict.route}
        if verdict.route == "retry":
            return changed
        proposal = _proposal(state, case, verdict, submission)
        if case.dry_run:
            case.proposal = proposal
            return changed | {"route": "none", "outcome": "no_action"}
        if verdict.route == "auto":
            case.proposal = proposal
            return changed
        changed["route"] = await self._record(proposal, verdict.route, case.owner)
        return changed | ({"outcome": "no_action"} if changed["route"] == "none" else {})

    async def auto(self, state: DecisionState, runtime: Runtime[Any]) -> Update:
        """Place the order, once, unless another order for the product came first."""
        case: Decision = runtime.context
        case.view = await self._book.orders.place(
            case.run_id,
            new=case.proposal,
            expires_in_hours=self._settings.review_expiry_hours,
            owner=case.owner,
        )
        order, proposal = case.view.order, case.view.proposal
        if order is None:
            log.warning("order_waits", reasons=proposal and proposal.review_reasons)
            return {"outcome": "pending_review"}
        self._metrics.orders.labels(order.type, "executed").inc()
        log.info("order_placed", number=order.number)
        return {"outcome": "executed"}

    async def human_review(self, state: DecisionState) -> Update:
        """Wait for a person. The decision is read from the order book; the resume value only wakes the run."""
        interrupt({"run_id": state["run_id"]})
        view = await self._book.runs.get(state["run_id"])
        return {"outcome": view.run.status}

    def _ask(self, state: DecisionState, calls: int) -> tuple[Asked, list[AnyMessage]]:
        messages = state["messages"]
        last_call = calls == CALL_BUDGET
        if state.get("kind") != "decision":
            return (self._answering if last_call else self._chatting), [CHAT, *messages]
        said_nothing = isinstance(messages[-1], AIMessage)
        reminder = [REMINDER] if said_nothing else []
        return (self._submitting if last_call or said_nothing else self._deciding), [DECISION, *messages, *reminder]

    def _give_up(self, state: DecisionState, why: str) -> Update:
        log.warning("escalated", reason=why)
        if state.get("kind") == "decision":
            return {"escalation": f"{why} The calculator's plan stands here."}
        return {"messages": [AIMessage(f"{why} Please ask again, or open the review desk.")]}

    def _show(self, plan: Plan) -> None:
        """Set the product's gauges. After 500 products, new ones share the label `other`."""
        known = plan.product_id in self._shown or len(self._shown) < MAX_PRODUCT_SERIES
        product = plan.product_id if known else "other"
        self._shown.add(product)
        self._metrics.safety_stock.labels(product).set(plan.safety_stock)
        self._metrics.reorder_point.labels(product).set(plan.reorder_point)

    async def _circumstances(self, state: DecisionState, case: Decision) -> Circumstances:
        calls, corrections = _progress(state)
        in_time = not _is_late(case) and calls < CALL_BUDGET
        return Circumstances(
            calculated=case.product.calculated,
            begun=case.request.origin,
            escalation=state.get("escalation"),
            open_orders=tuple(order for order in case.product.facts.stock.open_orders if order.placed_here),
            earlier_orders=await self._earlier_orders(case),
            # Whether nothing of the own catalogue goes out by itself, at least not to this supplier.
            only_proposes=case.request.mode == "database"
            and not (await self._book.automatic.get()).allows(case.product.facts.supplier.id),
            may_retry=in_time and corrections < MAX_CORRECTIONS,
        )

    async def _earlier_orders(self, case: Decision) -> tuple[EarlierOrder, ...]:
        """What was bought of the product for the location; not asked for where nothing is to be bought."""
        request, plan = case.request, case.product.present_plan
        if plan.recommended_action != "purchase_order" or case.never_ordered:
            return ()
        bought = await self._book.orders.bought(plan.product_id, plan.location, request.mode)
        return tuple(map(EarlierOrder.of, bought))

    async def _record(self, proposal: NewProposal, route: Literal["review", "none"], owner: str | None) -> Route:
        """Store the proposal. If the run was cut off and has one already, that one and its route stand."""
        stored = await self._book.orders.propose(
            proposal, route=route, expires_in_hours=self._settings.review_expiry_hours, owner=owner
        )
        if stored.status in ("pending", "no_action"):
            status = "pending_review" if stored.status == "pending" else "no_action"
            self._metrics.orders.labels(stored.action, status).inc()
        return ROUTE_OF_STATUS[stored.status]


async def after_agent(state: DecisionState) -> Literal["agent", "tools", "assess", "__end__"]:
    last = state["messages"][-1]
    calls = last.tool_calls if isinstance(last, AIMessage) else []
    if state.get("kind") != "decision":
        return "tools" if calls else "__end__"
    if state.get("escalation") or (len(calls) == 1 and calls[0]["name"] == "submit_order"):
        return "assess"
    return "tools" if calls else "agent"


async def after_assess(state: DecisionState) -> Literal["agent", "auto", "human_review", "__end__"]:
    route = state["route"]
    if route == "auto":
        return "auto"
    if route == "retry":
        return "agent"
    return "__end__" if route == "none" else "human_review"


async def wait_for_a_person(state: DecisionState) -> Literal["human_review", "__end__"]:
    """Wait if another order came first, or if a run is resumed although nobody has decided."""
    return "human_review" if state["outcome"] == "pending_review" else "__end__"


def _limits(settings: Settings, calibration: CalibrationTable | None) -> Limits:
    return Limits(
        confidence_threshold=settings.confidence_threshold,
        auto_order_value_limit=settings.auto_order_value_limit,
        currency=settings.limit_currency,
        exchange_rates=settings.exchange_rates,
        calibration=calibration,
    )


def _proposal(state: DecisionState, case: Decision, verdict: Verdict, submission: Submission | None) -> NewProposal:
    provider, model = _author(state)
    facts, plan, request = case.product.facts, case.product.present_plan, case.request
    bought = verdict.action == "purchase_order"
    return NewProposal(
        run_id=case.run_id,
        action=verdict.action,
        product_id=plan.product_id,
        product_name=facts.product.name,
        location=plan.location,
        mode=request.mode,
        source_location=plan.transfer.source_location if plan.transfer else None,
        supplier_id=facts.supplier.id if bought else None,
        supplier_name=facts.supplier.name if bought else None,
        quantity=verdict.quantity,
        unit_price=unit_price_at(verdict.quantity, unit_price=plan.unit_price, price_breaks=plan.price_tiers),
        currency=plan.currency,
        lead_time_days=plan.lead_time_days,
        plan=plan,
        confidence=verdict.confidence,
        review_reasons=verdict.reasons,
        rationale=submission.rationale if submission else "",
        concerns=tuple(submission.concerns) if submission else (),
        provider=provider,
        model=model,
        origin=request.origin,
        requested_by=request.requested_by,
        requested_by_id=request.requested_by_id,
    )


def _is_late(case: Case) -> bool:
    return case.deadline is not None and time.time() >= case.deadline


def _progress(state: DecisionState) -> tuple[int, int]:
    """Model replies and corrections since the last message of a person, without the prefetch."""
    replies = corrections = 0
    for message in reversed(state["messages"]):
        if isinstance(message, HumanMessage):
            break
        replies += isinstance(message, AIMessage) and message.name != PREFETCH
        corrections += isinstance(message, ToolMessage) and message.name == "submit_order" and message.status == "error"
    return replies, corrections


def _submission(state: DecisionState) -> tuple[str | None, Submission | None]:
    """The id of the last message's submit_order call, and the submission if it can be read."""
    last = state["messages"][-1:]
    calls = last[0].tool_calls if last and isinstance(last[0], AIMessage) else []
    if not calls or calls[-1]["name"] != "submit_order":
        return None, None
    try:
        return calls[-1]["id"], Submission.model_validate(calls[-1]["args"])
    except ValidationError:
        return calls[-1]["id"], None


def _answer(call_id: str, verdict: Verdict) -> ToolMessage:
    if verdict.correction:
        return ToolMessage(verdict.correction, tool_call_id=call_id, name="submit_order", status="error")
    text = {"auto": "Accepted.", "review": "Waits for a person.", "none": "Nothing to order."}[verdict.route]
    return ToolMessage(text, tool_call_id=call_id, name="submit_order")


def _author(state: DecisionState) -> tuple[str, str]:
    """Provider and model of the submission, or the calculator if no model made the proposal."""
    if state.get("escalation"):
        return "calculator", "calculator"
    said = state["messages"][-1].response_metadata
    return str(said.get("provider", "unknown")), str(said.get("model", "unknown"))


def _safe_sentence(error: Exception) -> str:
    """A tool's failure in words that a model may read. An exception's own words are not among them."""
    if isinstance(error, RestockError):
        sentence = error.message
    elif isinstance(error, ToolInvocationError):
        sentence = f"Error invoking tool {error.tool_name}: {faults(error.source)} Correct it and call it again."
    elif isinstance(error, ToolException):
        sentence = str(error)
    else:
        log.error("tool_failed", error=type(error).__name__)
        sentence = "The tool could not answer. Go on without it."
    return json.dumps({"error": sentence}, ensure_ascii=False)
