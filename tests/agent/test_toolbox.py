"""The tools as models call them: what they may send, what they may see, and in whose name."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from langchain_core.messages import HumanMessage, ToolMessage
from langgraph.graph import START, StateGraph

from agent.case import Case, Decision
from agent.runtime import Runtime
from agent.state import DecisionRequest, DecisionState
from tests.order_book import store_key
from tools.book.keys import identity_of
from tools.catalog.products import Catalogs
from tools.catalog.sources import SampleCatalog

STEEL = "STEEL_SHEETS"


async def _called(
    runtime: Runtime, says: Any, name: str, /, *, case: Case | None = None, **arguments: Any
) -> ToolMessage:
    """What the runtime's own tool node answers to one call."""
    graph = StateGraph(DecisionState, context_schema=Case)
    graph.add_node("tools", runtime.nodes.tools)
    graph.add_edge(START, "tools")
    asked = {"messages": [HumanMessage("?"), says((name, arguments))]}
    return (await graph.compile().ainvoke(asked, context=case))["messages"][-1]


async def _decision() -> Case:
    request = DecisionRequest(product_id=STEEL, mode="mock")
    return Decision(request=request, product=await Catalogs({"mock": SampleCatalog()}).look_up(request))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_product", {"product_id": 7}),
        ("get_product", {}),
        ("get_product", {"product_id": STEEL, "tenant": "other"}),
        ("get_product", {"product_id": STEEL, "runtime": {}}),
        ("get_product", {"product_id": STEEL, "config": {}}),
        ("calculate_reorder", {"product_id": STEEL, "service_level": "0.9"}),
        ("calculate_reorder", {"product_id": STEEL, "service_level": 1.0}),
        ("calculate_reorder", {"product_id": STEEL, "demand_uplift": float("inf")}),
        ("find_products", {"limit": 1.5}),
        ("find_products", {"status": "all"}),
        ("find_orders", {"status": "late"}),
        ("find_orders", {"limit": 21}),
        ("find_reviews", {"period": "last tuesday"}),
        ("explain_method", {"topic": "everything"}),
        ("request_restock", {"product_id": STEEL, "note": "x" * 2_001}),
    ],
)
async def test_unknown_and_ill_typed_arguments_are_refused(
    start: Any, says: Any, name: str, arguments: dict[str, Any]
) -> None:
    runtime = await start()

    answer = await _called(runtime, says, name, **arguments)

    assert "error" in json.loads(answer.text)
    with runtime.book.database.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM runs")) == 0


async def test_an_unknown_argument_is_refused_with_those_that_there_are(start: Any, says: Any) -> None:
    error = json.loads((await _called(await start(), says, "find_orders", colour="red")).text)["error"]
    assert "there is no 'colour' here, only: words, supplier, product_id, location, status, period" in error


async def test_what_providers_are_sent_is_flat(start: Any) -> None:
    runtime = await start()
    assert len(runtime.toolbox.chat_schemas) == 11
    assert [schema["function"]["name"] for schema in runtime.toolbox.decision_schemas] == [
        "get_product",
        "calculate_reorder",
        "submit_order",
    ]
    for schema in runtime.toolbox.chat_schemas + runtime.toolbox.decision_schemas:
        for name, field in schema["function"]["parameters"]["properties"].items():
            assert field["type"] in ("string", "number", "integer", "boolean", "array"), name
            assert set(field) <= {"type", "enum", "items", "description"}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("find_products", {}),
        ("find_orders", {}),
        ("get_order", {"number": "PO-2026-000001"}),
        ("find_reviews", {}),
        ("get_review", {"review_id": "RV-000001"}),
        ("find_suppliers", {}),
        ("find_changes", {}),
        ("get_product", {"product_id": STEEL}),
        ("calculate_reorder", {"product_id": STEEL}),
    ],
)
async def test_a_key_without_read_can_look_nothing_up(
    start: Any, says: Any, name: str, arguments: dict[str, Any]
) -> None:
    runtime = await start()
    erp, anna = "a1" * 32, "b2" * 32
    for secret, called, scopes in ((erp, "erp", ("trigger",)), (anna, "anna", ("trigger", "read"))):
        await store_key(runtime.book, secret, "rsk_", called, *scopes)
    blind, seeing = (
        Case(requested_by=each, requested_by_id=identity_of(key)) for each, key in (("erp", erp), ("anna", anna))
    )

    refused = json.loads((await _called(runtime, says, name, case=blind, **arguments)).text)

    assert refused["error"].startswith("The key 'erp' lacks the scope read")
    assert "lacks the scope" not in (await _called(runtime, says, name, case=seeing, **arguments)).text


async def test_a_key_without_read_may_ask_for_runs_and_how_figures_are_made(start: Any, says: Any) -> None:
    runtime = await start()
    await store_key(runtime.book, "a1" * 32, "rsk_", "erp", "trigger")
    case = Case(requested_by="erp", requested_by_id=identity_of("a1" * 32))
    asked = await _called(runtime, says, "request_restock", case=case, product_id=STEEL)
    explained = await _called(runtime, says, "explain_method", case=case, topic="confidence")
    assert ("error" in json.loads(asked.text), "error" in json.loads(explained.text)) == (False, False)


async def test_the_sixth_run_of_a_message_is_refused_even_of_six_at_once(start: Any, says: Any) -> None:
    runtime = await start()
    graph = StateGraph(DecisionState, context_schema=Case)
    graph.add_node("tools", runtime.nodes.tools)
    graph.add_edge(START, "tools")
    listed = (await runtime.today.present()).rows
    products = list(dict.fromkeys(row.product_id for row in listed))[:6]
    calls = says(*(("request_restock", {"product_id": each}) for each in products))
    case = Case(requested_by="Ada")

    answers = (await graph.compile().ainvoke({"messages": [HumanMessage("?"), calls]}, context=case))["messages"][2:]

    refused = [json.loads(answer.text)["error"] for answer in answers if "error" in json.loads(answer.text)]
    assert refused == ["5 runs were asked for with this message, which is the most. Ask for others in the next."]
    assert len(case.begun) == 5


async def test_a_decision_is_told_less_than_a_chat_and_of_its_own_product_only(start: Any, says: Any) -> None:
    runtime = await start()
    decision = await _decision()

    chat = json.loads((await _called(runtime, says, "calculate_reorder", product_id=STEEL)).text)
    told = json.loads((await _called(runtime, says, "calculate_reorder", case=decision, product_id=STEEL)).text)
    other = json.loads((await _called(runtime, says, "get_product", case=decision, product_id="COPPER_WIRE")).text)

    assert set(told) < set(chat)
    assert (told["order_quantity"], "derivation" in told) == (chat["order_quantity"], False)
    assert other == {"error": "This run decides on STEEL_SHEETS only."}


async def test_an_order_is_submitted_alone_or_not_at_all(start: Any, says: Any) -> None:
    runtime = await start()
    order = {"action": "none", "quantity": 0, "rationale": "", "confidence": 1.0, "product_id": STEEL}

    answer = await _called(runtime, says, "submit_order", case=await _decision(), **order)

    assert json.loads(answer.text) == {"error": "Call submit_order alone, after the results of the other tools."}


async def test_a_restock_from_a_chat_is_asked_for_in_its_callers_name(start: Any, says: Any) -> None:
    runtime = await start()
    case = Case(requested_by="Ada", requested_by_id="key-1")

    told = json.loads((await _called(runtime, says, "request_restock", case=case, product_id=STEEL, note="soon")).text)

    run = (await runtime.book.runs.get(told["run_id"])).run
    assert (run.origin, run.requested_by, run.requested_by_id) == ("chat", "Ada", "key-1")
    assert case.begun == [run.id]
    assert (told["status"], told["review_url"]) == ("pending_review", runtime.review_url(told["review_id"]))
