"""Questions put to a whole runtime on the sample catalogue: the figures in the answers are the calculator's."""

from typing import Any

import pytest

from agent.runtime import Runtime
from agent.state import ChatAnswer, DecisionRequest
from tools.catalog.live import LiveCatalog
from tools.catalog.products import AllProducts
from tools.catalog.sources import SampleCatalog
from tools.records.facts import WhatIf
from tools.records.plan import Plan
from tools.records.text import amount, days

PRODUCT = "STEEL_SHEETS"


async def ask(runtime: Runtime, question: str, conversation_id: str | None = None) -> ChatAnswer:
    answer = await runtime.chat(question, conversation_id=conversation_id, caller="tests")
    assert answer.llm_provider == "rules"
    return answer


async def plan_of(runtime: Runtime, product_id: str = PRODUCT, location: str | None = None) -> Plan:
    return await runtime.calculate(DecisionRequest(product_id=product_id, mode="mock", location=location))


async def what_if(runtime: Runtime, **assumed: float) -> Plan:
    return await catalog_of(runtime).plan(PRODUCT, None, WhatIf(**assumed))


def catalog_of(runtime: Runtime) -> AllProducts:
    return AllProducts(live(runtime))


def live(runtime: Runtime) -> LiveCatalog:
    return LiveCatalog(SampleCatalog(), runtime.book, "mock")


IN_STOCK = "{on_hand} sheets on hand, {on_order} on order"
IN_POSITION = f"{IN_STOCK} and {{backorders}} backordered, an inventory position of {{inventory_position}}"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (f"Should I reorder {PRODUCT}?", "order {order_quantity} sheets now"),
        ("how many steel sheets should I order and why?", "safety stock {safety_stock} = {reorder_point}"),
        ("what is the safety stock of steel-sheets?", "stock {safety_stock} sheets, reorder point {reorder_point}"),
        ("what's the reorder point for Steel Sheets", "The inventory position is {inventory_position} sheets"),
        ("how much stock of steel_sheets do we have", IN_POSITION),
        ("tell me about steel sheets", "order {order_quantity} sheets now"),
        ("what is the lead time of steel sheets?", "The calculation uses {lead_time_days} days"),
        ("how strong is demand for steel sheets?", "{mean_per_day} sheets a day on average"),
        ("compare steel sheets and copper wire", f"order {{order_quantity}} sheets now. {IN_STOCK}"),
        ("should I reorder stel sheets?", "order {order_quantity} sheets now"),
    ],
)
async def test_the_figures_for_a_product_are_the_plans_and_each_stands_with_its_name(
    start: Any, question: str, words: str
) -> None:
    runtime = await start()
    plan = await plan_of(runtime)
    figures = {name: amount(round(value, 2)) for name, value in plan if isinstance(value, int | float)}

    answer = (await ask(runtime, question)).answer

    assert f"{PRODUCT} " in answer
    assert words.format(**figures).replace(",", "") in answer.replace(",", "")


async def test_the_run_out_is_the_plans(start: Any) -> None:
    runtime = await start()
    plan = await plan_of(runtime)

    answer = (await ask(runtime, "when do we run out of steel sheets?")).answer

    assert plan.days_until_stockout is not None
    assert days(round(plan.days_until_stockout, 1)) in answer


@pytest.mark.parametrize(
    ("question", "assumed"),
    [
        ("what if the lead time of STEEL_SHEETS is 21 days?", {"lead_time_days": 21.0}),
        ("what if steel sheets had a 99 % service level", {"service_level": 0.99}),
        ("steel sheets if demand rises by 20 percent?", {"demand_uplift": 1.2}),
        (
            "how much steel sheets do we need if demand falls by 10% and delivery takes 3 weeks?",
            {"demand_uplift": 0.9, "lead_time_days": 21.0},
        ),
    ],
)
async def test_a_what_if_gives_the_plan_under_those_assumptions(
    start: Any, question: str, assumed: dict[str, float]
) -> None:
    runtime = await start()
    now, then = await plan_of(runtime), await what_if(runtime, **assumed)

    answer = (await ask(runtime, question)).answer

    assert f"order {amount(then.order_quantity)} sheets" in answer
    assert f"Reorder point {amount(then.reorder_point)} instead of {amount(now.reorder_point)}." in answer


async def test_what_needs_an_order_is_what_the_calculator_says_of_every_product(start: Any) -> None:
    runtime = await start()
    places = [(facts.product.id, facts.stock.location) for facts in await live(runtime).all_facts()]
    plans = [await plan_of(runtime, *place) for place in places]
    needed = [plan for plan in plans if plan.recommended_action != "none"]

    answer = (await ask(runtime, "Which products need an order?")).answer

    assert answer.startswith(f"{len(needed)} products need an order")
    listed = answer.splitlines()[1:21]
    quantities = {f"- {p.product_id} ({p.location})": amount(p.order_quantity) for p in needed}
    for line in listed:
        head, _, rest = line.partition(": ")
        assert quantities[head] in rest


async def test_open_and_overdue_orders_are_the_catalogues(start: Any) -> None:
    runtime = await start()
    orders = [order for facts in await live(runtime).all_facts() for order in facts.stock.open_orders]
    late = {order.reference for order in orders if order.due_in_days < 0}

    on_order = (await ask(runtime, "what is on order?")).answer
    overdue = (await ask(runtime, "is anything overdue?")).answer

    assert late
    assert {order.reference for order in orders if order.reference in on_order} == {o.reference for o in orders}
    assert {order.reference for order in orders if order.reference in overdue} == late


async def test_a_conversation_remembers_its_product(start: Any) -> None:
    runtime = await start()
    first = await ask(runtime, "should I reorder steel sheets?")
    second = await ask(runtime, "and with 99%?", first.conversation_id)
    third = await ask(runtime, "why?", first.conversation_id)

    then = await what_if(runtime, service_level=0.99)
    assert f"Reorder point {amount(then.reorder_point)}" in second.answer
    assert then.derivation[0] in third.answer


async def test_a_restock_asked_for_in_a_chat_waits_for_a_person(start: Any) -> None:
    runtime = await start()
    plan = await plan_of(runtime)

    answer = await ask(runtime, "please restock steel sheets")

    (run,) = answer.runs
    assert run.run.status == "pending_review"
    assert run.order is None
    assert run.proposal is not None
    assert run.proposal.id in answer.answer
    assert amount(plan.order_quantity) in answer.answer


async def test_an_unknown_product_starts_nothing(start: Any) -> None:
    runtime = await start()

    answer = await ask(runtime, "please restock unobtainium ingots")

    assert answer.runs == ()
    assert "unobtainium" in answer.answer


async def test_the_product_with_an_injected_note_is_talked_about_as_its_twin(start: Any) -> None:
    runtime = await start()

    poisoned = (await ask(runtime, "should I reorder NITRILE_GLOVES_L and why?")).answer
    twin = (await ask(runtime, "should I reorder NITRILE_GLOVES_M and why?")).answer

    assert poisoned.replace("GLOVES_L", "GLOVES_M") == twin


@pytest.mark.parametrize(
    "question",
    [
        f"Is {PRODUCT} safe until the helmets arrive?",
        f"Will {PRODUCT} last until the gloves come?",
        f"{PRODUCT} ok before our rubber sheets are delivered?",
        f"is {PRODUCT} enough till the new copper wire is here",
        f"How long will {PRODUCT} serve us till the rubber sheets come?",
        f"does stock of {PRODUCT} hold once the next helmets land?",
    ],
)
async def test_an_id_that_is_written_out_is_what_the_question_is_about(start: Any, question: str) -> None:
    said = (await (await start()).chat(question, conversation_id=None, caller="anna")).answer
    assert said.startswith(PRODUCT)
    assert "HELMETS" not in said and "GLOVES" not in said and "RUBBER" not in said


@pytest.mark.parametrize(
    "question",
    [
        "What if only 60 of 190 RUBBER_SHEETS arrive?",
        "What if just half of the RUBBER_SHEETS order arrives?",
        "suppose only 20 of the helmets are delivered",
        "what happens if some of the steel sheets come late and only 100 of 900 turn up?",
        "what if the order of copper wire arrives only partly?",
        "assume 3 of 5 coils of copper wire come",
    ],
)
async def test_a_delivery_in_part_cannot_be_assumed_and_is_not_taken_for_something_else(
    start: Any, question: str
) -> None:
    said = (await (await start()).chat(question, conversation_id=None, caller="anna")).answer
    assert said.startswith("I can't assume that only part of an order arrives.")
