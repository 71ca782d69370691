"""Each step by itself: what it asks of the model and of the order book, and what it changes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import ToolException, tool

from agent import nodes
from agent.case import Case, Decision
from agent.metrics import Metrics
from agent.models import BudgetSpent, NoModelLeft
from agent.models.spending import CALL_BUDGET
from agent.nodes import Nodes, after_agent, after_assess, wait_for_a_person
from agent.prompts import CHAT, DECISION, REMINDER, WITHHELD, Discretion, obvious_calls
from agent.settings import Settings
from agent.state import DecisionRequest
from tools.book.automatic import AutomaticOrdering
from tools.planning.replenishment import plan
from tools.records.errors import UnknownProduct
from tools.records.facts import DemandHistory, OpenOrder, PriceBreak, Product, ProductFacts, Stock, Supplier
from tools.records.plan import Plan

NOW = 1_000.0
TASK = HumanMessage("<task>")
TEXT = AIMessage("I would order it.")
LOOK_UP = AIMessage("", tool_calls=[{"name": "get_product", "args": {"product_id": "X9"}, "id": "look"}])
ABOUT = {"provider": "groq", "model": "gpt-oss"}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "time", SimpleNamespace(time=lambda: NOW))


def _facts(on_hand: float = 20, *, stock: dict[str, Any] | None = None, **product: Any) -> ProductFacts:
    """Thirty steady days of about 10 units and a week's lead time."""
    rules: dict[str, Any] = {"unit_price": Decimal("7.5"), "currency": "EUR"} | product
    return ProductFacts(
        product=Product(id="X9", name="Widget", **rules),
        supplier=Supplier(id="S1", name="Acme", promised_lead_time_days=7),
        stock=Stock(location="north", on_hand=on_hand, **(stock or {})),
        demand=DemandHistory(values=tuple(float(8 + (day * 7) % 5) for day in range(30))),
        source="input",
    )


class Chain:
    """A model that says its replies, or raises them, and remembers what it was asked and how it was bound."""

    def __init__(self, *replies: AIMessage | Exception) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[list[AnyMessage], list[str], str | None, float | None]] = []
        self.by_rules: list[bool] = []

    def bind_tools(self, schemas: list[str], *, tool_choice: str | None = None) -> Any:
        async def ainvoke(prompt: list[AnyMessage], *, deadline: float | None, by_rules: bool) -> AIMessage:
            self.by_rules.append(by_rules)
            self.asked.append((prompt, schemas, tool_choice, deadline))
            reply = self.replies.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return reply

        return SimpleNamespace(ainvoke=ainvoke)


class Orders:
    """Keeps what it is told, and answers with the status that the book holds."""

    def __init__(self, *, status: str | None = None, placed: bool = True, earlier: tuple[Any, ...] = ()) -> None:
        self.status, self.placed, self.earlier = status, placed, list(earlier)
        self.asked_for: list[tuple[str, ...]] = []
        self.proposed: list[tuple[Any, dict[str, Any]]] = []
        self.asked_to_place: list[tuple[str, dict[str, Any]]] = []

    async def bought(self, *what: str) -> list[Any]:
        self.asked_for.append(what)
        return self.earlier

    async def propose(self, new: Any, **how: Any) -> Any:
        self.proposed.append((new, how))
        first = {"review": "pending", "none": "no_action"}[how["route"]]
        return SimpleNamespace(status=self.status or first, action=new.action)

    async def place(self, run_id: str, **how: Any) -> Any:
        self.asked_to_place.append((run_id, how))
        order = SimpleNamespace(type="purchase_order", number="PO-1") if self.placed else None
        return SimpleNamespace(order=order, proposal=SimpleNamespace(review_reasons=("limit",)))


class Steps:
    """The nodes with a scripted chain and a book of its own."""

    def __init__(self, *replies: AIMessage | Exception, orders: Orders | None = None, **settings: Any) -> None:
        @tool
        def get_product(product_id: str) -> str:
            """Look it up."""
            raise NotImplementedError

        self.chain, self.orders, self.metrics = Chain(*replies), orders or Orders(), Metrics()
        self.read: list[str] = []
        self.automatic = AutomaticOrdering()
        toolbox: Any = SimpleNamespace(decision_schemas=["decide"], chat_schemas=["chat"], every_tool=[get_product])
        book: Any = SimpleNamespace(
            orders=self.orders,
            runs=SimpleNamespace(get=self._run),
            automatic=SimpleNamespace(get=self._automatic),
        )
        self.nodes = Nodes(
            chain=self.chain,  # type: ignore[arg-type]
            toolbox=toolbox,
            book=book,
            settings=Settings(_env_file=None, review_expiry_hours=36, **settings),
            metrics=self.metrics,
            discretion=Discretion(["canary-7f3a"]),
        )

    async def _run(self, run_id: str) -> Any:
        self.read.append(run_id)
        return SimpleNamespace(run=SimpleNamespace(status="rejected"))

    async def _automatic(self) -> AutomaticOrdering:
        return self.automatic

    def counted(self, metric: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(metric, labels)


def _case(
    facts: ProductFacts | None = None, *, the_plan: Plan | None = None, calculated: bool = True, **more: Any
) -> Any:
    facts = facts or _facts()
    asked = {"mode": more.pop("mode", "input"), "origin": more.pop("origin", "trigger")}
    request = DecisionRequest(product_id="X9", facts=facts, requested_by="erp", requested_by_id="key_1", **asked)
    product: Any = SimpleNamespace(facts=facts, present_plan=the_plan or plan(facts), calculated=calculated)
    return Decision(request=request, product=product, run_id="run-1", owner="w1", **more)


def _at(case: Case | None) -> Any:
    return SimpleNamespace(context=case)


def _state(*messages: AnyMessage, kind: str = "decision", **more: Any) -> Any:
    return {"kind": kind, "run_id": "run-1", "messages": list(messages), **more}


def _submit(quantity: int, **changes: Any) -> AIMessage:
    order = {"product_id": "X9", "action": "purchase_order", "quantity": quantity, "confidence": 1.0}
    call = {"name": "submit_order", "args": order | changes, "id": "call-1"}
    return AIMessage("", tool_calls=[call], response_metadata=ABOUT)


def _replies(count: int) -> list[AnyMessage]:
    """So many replies of the model, each with its tool's answer."""
    return [message for _ in range(count) for message in (LOOK_UP, ToolMessage("{}", tool_call_id="look"))]


REFUSED = ToolMessage("No.", tool_call_id="x", name="submit_order", status="error")


async def test_a_model_is_asked_with_the_task_the_tools_of_a_decision_and_the_deadline() -> None:
    steps = Steps(TEXT)

    changed = await steps.nodes.agent(_state(TASK), _at(_case(deadline=NOW + 5)))

    assert changed == {"messages": [TEXT]}
    assert steps.chain.asked == [([DECISION, TASK], ["decide"], None, NOW + 5)]


@pytest.mark.parametrize("by_rules", [True, False])
async def test_only_a_decision_that_has_nothing_to_read_is_left_to_the_rules(by_rules: bool) -> None:
    steps, case = Steps(TEXT, TEXT), _case()
    case.request = case.request.model_copy(update={"by_rules": by_rules})

    await steps.nodes.agent(_state(TASK, *_replies(1)), _at(case))
    await steps.nodes.agent(_state(TASK, kind="chat"), _at(None))

    assert steps.chain.by_rules == [by_rules, False]


async def test_what_is_left_to_the_rules_begins_with_the_obvious_calls() -> None:
    steps, case = Steps(), _case()
    case.request = case.request.model_copy(update={"by_rules": True})

    [first] = (await steps.nodes.agent(_state(TASK), _at(case)))["messages"]

    assert [call["name"] for call in first.tool_calls] == ["get_product", "calculate_reorder"]


async def test_after_mere_words_a_submission_is_asked_for() -> None:
    steps = Steps(TEXT)

    await steps.nodes.agent(_state(TASK, TEXT), _at(_case()))

    assert steps.chain.asked == [([DECISION, TASK, TEXT, REMINDER], ["decide"], "submit_order", None)]


@pytest.mark.parametrize(
    ("replies", "kind", "choice"),
    [
        (CALL_BUDGET - 2, "decision", None),
        (CALL_BUDGET - 1, "decision", "submit_order"),
        (CALL_BUDGET - 2, "chat", None),
        (CALL_BUDGET - 1, "chat", "none"),
    ],
)
async def test_the_last_call_of_the_budget_must_submit_or_answer(replies: int, kind: str, choice: str | None) -> None:
    steps = Steps(TEXT)

    await steps.nodes.agent(_state(TASK, *_replies(replies), kind=kind), _at(_case()))

    ((prompt, schemas, chosen, _),) = steps.chain.asked
    assert chosen == choice
    assert schemas == (["decide"] if kind == "decision" else ["chat"])
    assert prompt[0] == (DECISION if kind == "decision" else CHAT)
    assert len(prompt) == 2 + 2 * replies


async def test_once_the_budget_is_spent_no_model_is_asked() -> None:
    steps = Steps()

    changed = await steps.nodes.agent(_state(TASK, *_replies(CALL_BUDGET)), _at(_case()))

    assert changed == {
        "escalation": "The model reached no usable answer within its budget. The calculator's plan stands here."
    }


async def test_only_the_replies_since_the_last_question_count_and_not_the_prefetched_one() -> None:
    steps = Steps(TEXT)
    before, prefetched = _replies(CALL_BUDGET), obvious_calls(_case().request)

    await steps.nodes.agent(
        _state(TASK, *before, HumanMessage("And now?"), prefetched, *_replies(CALL_BUDGET - 2)), _at(_case())
    )

    assert steps.chain.asked[0][2] is None


@pytest.mark.parametrize(("deadline", "asked"), [(None, 1), (NOW + 0.01, 1), (NOW, 0), (NOW - 1, 0)])
async def test_a_run_that_is_late_asks_no_model(deadline: float | None, asked: int) -> None:
    steps = Steps(TEXT)

    changed = await steps.nodes.agent(_state(TASK), _at(_case(deadline=deadline)))

    assert len(steps.chain.asked) == asked
    assert ("escalation" in changed) == (asked == 0)
    assert asked or changed["escalation"].startswith("The time was up")


@pytest.mark.parametrize(
    ("failure", "words"),
    [(BudgetSpent("Today's budget is used up."), "Today's budget is used up."), (NoModelLeft("x"), "No model gave")],
)
async def test_without_a_model_a_decision_is_escalated_and_a_chat_is_told(failure: Exception, words: str) -> None:
    decision = await Steps(failure).nodes.agent(_state(TASK), _at(_case()))
    chat = await Steps(failure).nodes.agent(_state(TASK, kind="chat"), _at(None))

    assert decision["escalation"].startswith(words)
    assert decision["escalation"].endswith("The calculator's plan stands here.")
    (told,) = chat["messages"]
    assert told.text.startswith(words)
    assert told.text.endswith("Please ask again, or open the review desk.")


@pytest.mark.parametrize(
    ("prefetch", "case", "messages", "prefetched"),
    [
        (True, _case(), [TASK], True),
        (False, _case(), [TASK], False),
        (True, Case(), [TASK], False),
        (True, _case(), [TASK, TEXT], False),
    ],
)
async def test_the_obvious_calls_are_made_at_the_start_of_a_decision_alone(
    prefetch: bool, case: Case, messages: list[AnyMessage], prefetched: bool
) -> None:
    steps = Steps(TEXT, prefetch=prefetch)

    changed = await steps.nodes.agent(_state(*messages), _at(case))

    assert (changed["messages"] == [obvious_calls(_case().request)]) is prefetched
    assert len(steps.chain.asked) == (not prefetched)


async def test_an_order_that_may_be_placed_is_handed_on_and_not_recorded_yet() -> None:
    steps, case = Steps(), _case()
    wanted = case.product.present_plan.order_quantity

    changed = await steps.nodes.assess(_state(TASK, _submit(wanted)), _at(case))

    assert changed["route"] == "auto"
    assert [(message.content, message.tool_call_id, message.name) for message in changed["messages"]] == [
        ("Accepted.", "call-1", "submit_order")
    ]
    assert "outcome" not in changed
    assert case.proposal is not None
    assert case.proposal.quantity == wanted
    assert steps.orders.proposed == []


async def test_a_proposal_says_who_made_it_and_what_the_plan_and_the_facts_say() -> None:
    steps = Steps()
    case = _case(_facts(price_breaks=(PriceBreak(minimum_quantity=50, unit_price=Decimal(6)),)))
    known = case.product.present_plan
    submission = _submit(known.order_quantity, rationale="Low stock.")

    await steps.nodes.assess(_state(TASK, submission), _at(case))

    new = case.proposal
    assert new is not None
    assert (new.run_id, new.action, new.product_id, new.product_name) == ("run-1", "purchase_order", "X9", "Widget")
    assert (new.location, new.mode, new.source_location) == ("north", "input", None)
    assert (new.supplier_id, new.supplier_name, new.lead_time_days) == ("S1", "Acme", 7)
    assert (new.unit_price, new.currency, new.plan) == (Decimal(6), "EUR", known)
    assert (new.rationale, new.concerns, new.review_reasons) == ("Low stock.", (), ())
    assert (new.provider, new.model) == ("groq", "gpt-oss")
    assert (new.origin, new.requested_by, new.requested_by_id) == ("trigger", "erp", "key_1")
    assert 0.6 <= new.confidence.value < 1


async def test_the_price_is_that_of_the_proposed_quantity_and_not_of_the_plans() -> None:
    breaks = (PriceBreak(minimum_quantity=110, unit_price=Decimal(6)),)
    case = _case(_facts(price_breaks=breaks, order_cost=Decimal(9), holding_rate=0.5))
    known = case.product.present_plan
    assert known.minimum_quantity < 110 <= known.order_quantity

    await Steps().nodes.assess(_state(TASK, _submit(known.minimum_quantity)), _at(case))

    assert case.proposal is not None
    assert (known.unit_price, case.proposal.unit_price) == (Decimal(6), Decimal("7.5"))


async def test_a_review_is_recorded_for_the_run_with_its_reasons_and_counted() -> None:
    steps, case = Steps(), _case()
    known = case.product.present_plan
    submission = _submit(known.order_quantity, concerns=["A strike.", "Rain."])

    changed = await steps.nodes.assess(_state(TASK, submission), _at(case))

    ((new, how),) = steps.orders.proposed
    assert how == {"route": "review", "expires_in_hours": 36, "owner": "w1"}
    assert new.concerns == ("A strike.", "Rain.")
    assert any("A strike.; Rain." in reason for reason in new.review_reasons)
    assert changed["route"] == "review"
    assert [message.content for message in changed["messages"]] == ["Waits for a person."]
    assert "outcome" not in changed
    assert case.proposal is None
    assert steps.counted("orders_generated_total", action="purchase_order", status="pending_review") == 1


async def test_nothing_to_order_ends_the_run() -> None:
    steps, case = Steps(), _case(_facts(on_hand=500))

    changed = await steps.nodes.assess(_state(TASK, _submit(0, action="none")), _at(case))

    ((new, how),) = steps.orders.proposed
    assert (new.quantity, how["route"]) == (0, "none")
    assert (changed["route"], changed["outcome"]) == ("none", "no_action")
    assert [message.content for message in changed["messages"]] == ["Nothing to order."]
    assert steps.counted("orders_generated_total", action="none", status="no_action") == 1


@pytest.mark.parametrize(
    ("status", "route", "outcome"),
    [
        ("proposed", "auto", None),
        ("placed", "auto", None),
        ("approved", "review", None),
        ("rejected", "review", None),
        ("expired", "review", None),
        ("no_action", "none", "no_action"),
    ],
)
async def test_after_a_crash_the_stored_proposal_decides_the_route(
    status: str, route: str, outcome: str | None
) -> None:
    steps = Steps(orders=Orders(status=status))

    changed = await steps.nodes.assess(_state(TASK, _submit(99_999)), _at(_case(deadline=NOW)))

    assert (changed["route"], changed.get("outcome")) == (route, outcome)
    assert steps.counted("orders_generated_total", action="purchase_order", status="pending_review") is None


@pytest.mark.parametrize(
    ("replies", "refusals", "deadline", "route"),
    [
        (1, 0, None, "retry"),
        (1, 0, NOW + 1, "retry"),
        (1, 0, NOW, "review"),
        (CALL_BUDGET - 2, 0, None, "retry"),
        (CALL_BUDGET - 1, 0, None, "review"),
        (1, 1, None, "review"),
    ],
)
async def test_a_wrong_submission_may_be_corrected_once_while_calls_and_time_are_left(
    replies: int, refusals: int, deadline: float | None, route: str
) -> None:
    steps = Steps()
    state = _state(TASK, *_replies(replies), *[REFUSED] * refusals, _submit(99_999))

    changed = await steps.nodes.assess(state, _at(_case(deadline=deadline)))

    assert changed["route"] == route
    assert len(steps.orders.proposed) == (route == "review")
    (answer,) = changed["messages"]
    if route == "retry":
        assert (answer.status, answer.tool_call_id, answer.name) == ("error", "call-1", "submit_order")
        assert "99999" in answer.content


async def test_other_failures_and_accepted_submissions_are_no_corrections() -> None:
    failed = ToolMessage("{}", tool_call_id="look", name="get_product", status="error")
    accepted = ToolMessage("Accepted.", tool_call_id="x", name="submit_order")
    before = [TASK, REFUSED, HumanMessage("again")]

    changed = await Steps().nodes.assess(_state(*before, failed, accepted, _submit(99_999)), _at(_case()))

    assert changed["route"] == "retry"


async def test_an_escalated_proposal_is_the_calculators_whoever_spoke_last() -> None:
    steps = Steps()
    said = AIMessage("", response_metadata=ABOUT)

    changed = await steps.nodes.assess(_state(TASK, said, escalation="No model."), _at(_case()))

    ((new, _),) = steps.orders.proposed
    assert (new.provider, new.model, new.rationale, new.concerns) == ("calculator", "calculator", "", ())
    assert new.review_reasons[0] == "No model."
    assert changed == {"messages": [], "route": "review"}


async def test_a_model_that_does_not_say_who_it_is_is_unknown() -> None:
    case = _case()
    submission = _submit(case.product.present_plan.order_quantity)
    submission.response_metadata = {}

    await Steps().nodes.assess(_state(TASK, submission), _at(case))

    assert case.proposal is not None
    assert (case.proposal.provider, case.proposal.model) == ("unknown", "unknown")


@pytest.mark.parametrize(
    "last",
    [
        TEXT,
        LOOK_UP,
        HumanMessage("x"),
        ToolMessage("{}", tool_call_id="x", name="submit_order"),
        AIMessage("", tool_calls=[*_submit(1).tool_calls, *LOOK_UP.tool_calls]),
    ],
)
async def test_whatever_is_no_submission_is_answered_to_nobody_and_waits(last: AnyMessage) -> None:
    steps = Steps()

    changed = await steps.nodes.assess(_state(TASK, last), _at(_case(deadline=NOW)))

    assert changed == {"messages": [], "route": "review"}


async def test_a_submission_that_cannot_be_read_is_answered_and_waits() -> None:
    submission = _submit(10, confidence="high")

    changed = await Steps().nodes.assess(_state(TASK, submission), _at(_case(deadline=NOW)))

    assert [message.tool_call_id for message in changed["messages"]] == ["call-1"]
    assert changed["route"] == "review"


async def test_a_models_words_are_withheld_where_they_give_a_secret_away() -> None:
    case = _case()
    submission = _submit(case.product.present_plan.order_quantity, rationale="The key is canary-7f3a.")

    await Steps().nodes.assess(_state(TASK, submission), _at(case))

    assert case.proposal is not None
    assert case.proposal.rationale == WITHHELD


async def test_a_transfer_names_the_giving_location_and_no_supplier() -> None:
    facts = _facts()
    giver = _facts(on_hand=5_000).model_copy(update={"stock": Stock(location="depot", on_hand=5_000)})
    case = _case(facts, the_plan=plan(facts, siblings=(giver,)))
    quantity = case.product.present_plan.order_quantity

    await Steps().nodes.assess(_state(TASK, _submit(quantity, action="transfer")), _at(case))

    new = case.proposal
    assert new is not None
    assert (new.action, new.source_location, new.supplier_id, new.supplier_name) == ("transfer", "depot", None, None)


@pytest.mark.parametrize(
    ("calculated", "origin", "route"),
    [(True, "trigger", "auto"), (False, "trigger", "review"), (True, "chat", "review")],
)
async def test_without_a_calculation_or_from_a_chat_nothing_is_placed(
    calculated: bool, origin: str, route: str
) -> None:
    case = _case(calculated=calculated, origin=origin, deadline=NOW)
    submission = _submit(case.product.present_plan.order_quantity)

    assert (await Steps().nodes.assess(_state(TASK, submission), _at(case)))["route"] == route


@pytest.mark.parametrize(
    ("mode", "switched", "route"),
    [
        ("database", AutomaticOrdering(), "review"),
        ("database", AutomaticOrdering(on=True), "auto"),
        ("database", AutomaticOrdering(on=True, suppliers={"S1": False}), "review"),
        ("database", AutomaticOrdering(suppliers={"S1": True}), "auto"),
        ("database", AutomaticOrdering(suppliers={"S2": True}), "review"),
        ("input", AutomaticOrdering(), "auto"),
        ("mock", AutomaticOrdering(), "auto"),
    ],
)
async def test_an_own_catalogue_s_orders_go_out_by_themselves_only_to_suppliers_for_whom_that_is_switched_on(
    mode: str, switched: AutomaticOrdering, route: str
) -> None:
    steps, case = Steps(), _case(mode=mode, deadline=NOW)
    steps.automatic = switched
    submission = _submit(case.product.present_plan.order_quantity)

    assert (await steps.nodes.assess(_state(TASK, submission), _at(case)))["route"] == route


@pytest.mark.parametrize(("placed_here", "route"), [(True, "review"), (False, "auto")])
async def test_only_orders_of_this_service_that_are_late_ask_for_a_person(placed_here: bool, route: str) -> None:
    late = OpenOrder(reference="PO-2026-000007", quantity=1, due_in_days=-1, placed_here=placed_here)
    case = _case(_facts(stock={"open_orders": (late,)}))
    submission = _submit(case.product.present_plan.order_quantity)

    assert (await Steps().nodes.assess(_state(TASK, submission), _at(case)))["route"] == route


async def test_a_price_far_from_that_of_the_last_order_asks_for_a_person() -> None:
    line = SimpleNamespace(quantity=70, unit_price=Decimal(75))
    begun = datetime(2026, 11, 1, tzinfo=UTC)
    last = SimpleNamespace(number="PO-1", items=(line,), currency="EUR", created_at=begun, due_at=begun + timedelta(7))
    steps, case = Steps(orders=Orders(earlier=(last,))), _case()
    submission = _submit(case.product.present_plan.order_quantity)

    changed = await steps.nodes.assess(_state(TASK, submission), _at(case))

    assert changed["route"] == "review"
    assert "far from the 75 of PO-1" in steps.orders.proposed[0][0].review_reasons[0]
    assert steps.orders.asked_for == [("X9", "north", "input")]


async def test_earlier_orders_are_not_asked_for_where_nothing_is_bought_or_nothing_ever_was() -> None:
    steps, first = Steps(), _case()
    first.never_ordered = True
    ordered = _submit(first.product.present_plan.order_quantity)

    await steps.nodes.assess(_state(TASK, _submit(0, action="none")), _at(_case(_facts(on_hand=500))))
    await steps.nodes.assess(_state(TASK, ordered), _at(first))

    assert steps.orders.asked_for == []


async def test_the_settings_limits_are_the_gates() -> None:
    submission = _submit(_case().product.present_plan.order_quantity)

    async def route(**settings: Any) -> str:
        changed = await Steps(**settings).nodes.assess(_state(TASK, submission), _at(_case()))
        return str(changed["route"])

    assert await route(confidence_threshold=1.0) == "review"
    assert await route(auto_order_value_limit=1, limit_currency="EUR") == "review"
    assert await route(auto_order_value_limit=100_000, limit_currency="GBP") == "review"
    assert await route(auto_order_value_limit=100_000, limit_currency="GBP", exchange_rates={"EUR": 1.1}) == "auto"


async def test_a_plans_safety_stock_and_reorder_point_are_shown_for_the_first_products_and_summed_up_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nodes, "MAX_PRODUCT_SERIES", 1)
    steps, first = Steps(), _case()
    second = _case(the_plan=first.product.present_plan.model_copy(update={"product_id": "X10", "reorder_point": 5.0}))

    for case in (first, second, first):
        await steps.nodes.assess(_state(TASK, _submit(0)), _at(case))

    known = first.product.present_plan
    assert steps.counted("current_safety_stock", product_id="X9") == known.safety_stock
    assert steps.counted("current_reorder_point", product_id="X9") == known.reorder_point
    assert steps.counted("current_reorder_point", product_id="other") == 5.0
    assert steps.counted("current_reorder_point", product_id="X10") is None


@pytest.mark.parametrize(("placed", "outcome"), [(True, "executed"), (False, "pending_review")])
async def test_an_order_is_placed_with_what_was_assessed_or_waits(placed: bool, outcome: str) -> None:
    steps, case = Steps(orders=Orders(placed=placed)), _case()
    case.proposal = SimpleNamespace(action="purchase_order")

    changed = await steps.nodes.auto(_state(TASK), _at(case))

    assert changed == {"outcome": outcome}
    how = {"new": case.proposal, "expires_in_hours": 36, "owner": "w1"}
    assert steps.orders.asked_to_place == [("run-1", how)]
    assert case.view is not None
    assert steps.counted("orders_generated_total", action="purchase_order", status="executed") == (
        1 if placed else None
    )


async def test_a_review_waits_and_its_end_is_read_from_the_order_book(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[Any] = []
    monkeypatch.setattr(nodes, "interrupt", waited.append)
    steps = Steps()

    assert await steps.nodes.human_review(_state(TASK)) == {"outcome": "rejected"}
    assert waited == [{"run_id": "run-1"}]
    assert steps.read == ["run-1"]


class Broken(Exception):
    """As a library's: its text may hold anything."""


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (UnknownProduct("No product 'A'; ask for one of these."), "No product 'A'; ask for one of these."),
        (ToolException("Name one product, such as Büchse."), "Name one product, such as Büchse."),
        (Broken("password=hunter2"), "The tool could not answer. Go on without it."),
    ],
)
async def test_a_tools_failure_is_told_in_our_words_alone(raised: Exception, said: str) -> None:
    handle: Callable[[Exception], str] = nodes._safe_sentence

    assert handle(raised) == f'{{"error": "{said}"}}'


@pytest.mark.parametrize(
    ("kind", "last", "more", "step"),
    [
        ("chat", LOOK_UP, {}, "tools"),
        ("chat", TEXT, {}, "__end__"),
        ("chat", _submit(1), {}, "tools"),
        ("chat", TASK, {}, "__end__"),
        ("decision", LOOK_UP, {}, "tools"),
        ("decision", _submit(1), {}, "assess"),
        ("decision", AIMessage("", tool_calls=[*LOOK_UP.tool_calls, *_submit(1).tool_calls]), {}, "tools"),
        ("decision", AIMessage("", tool_calls=[*_submit(1).tool_calls, *LOOK_UP.tool_calls]), {}, "tools"),
        ("decision", TEXT, {}, "agent"),
        ("decision", TEXT, {"escalation": "No model."}, "assess"),
        ("decision", LOOK_UP, {"escalation": "No model."}, "assess"),
    ],
)
async def test_after_the_model_its_calls_decide(kind: str, last: AnyMessage, more: dict[str, Any], step: str) -> None:
    assert await after_agent(_state(TASK, last, kind=kind, **more)) == step


@pytest.mark.parametrize(
    ("route", "step"), [("auto", "auto"), ("retry", "agent"), ("none", "__end__"), ("review", "human_review")]
)
async def test_after_the_assessment_its_route_decides(route: str, step: str) -> None:
    assert await after_assess(_state(route=route)) == step


@pytest.mark.parametrize(
    ("outcome", "step"),
    [("pending_review", "human_review"), ("executed", "__end__"), ("rejected", "__end__"), ("no_action", "__end__")],
)
async def test_an_order_that_waits_and_a_review_that_nobody_decided_wait_for_a_person(outcome: str, step: str) -> None:
    assert await wait_for_a_person(_state(outcome=outcome)) == step
