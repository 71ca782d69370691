"""A scripted model that plays a good planner's assistant: it looks things up, and says what the results say.

`python -m tests.assistant` prints ten of the conversations.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agent.models import Link
from agent.runtime import Runtime, open_runtime
from agent.settings import Settings
from agent.state import ChatAnswer, DecisionRequest
from tools.records.facts import DemandHistory, Product, ProductFacts, Stock, Supplier

Call = tuple[str, dict[str, Any]]
Words = Callable[..., str]
STEEL, RUBBER, LED = "STEEL_SHEETS", "RUBBER_SHEETS", "LED_TUBES_1500"


class Turn(NamedTuple):
    """A question, what is looked up for it, and the answer made of the results."""

    asked: str
    calls: tuple[Call, ...]
    words: Words


def _turn(asked: str, *calls: Call, words: Words) -> Turn:
    return Turn(asked, calls, words)


def _products(**filters: Any) -> Call:
    return "find_products", filters


def _plan(product: str, **assumptions: Any) -> Call:
    return "calculate_reorder", {"product_id": product, **assumptions}


def _listed(rows: Sequence[dict[str, Any]], *fields: str) -> str:
    """The rows, one a line, numbered."""
    lines = (
        ", ".join(
            f"{row[field]:,}" if isinstance(row[field], int | float) else str(row[field])
            for field in fields
            if field in row
        )
        for row in rows
    )
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def _money(values: dict[str, float]) -> str:
    return " and ".join(f"{value:,.2f} {currency}" for currency, value in values.items()) or "of unknown value"


def _to_order(found: dict[str, Any]) -> str:
    head = f"{found['total']} are to be ordered, for {_money(found['totals']['value'])}. First:\n"
    return head + _listed(found["products"], "product_id", "location", "order_quantity", "order_value", "currency")


def _due(lines_for: str, found: dict[str, Any]) -> str:
    head = f"{found['total']} {lines_for} {_money(found['totals']['value'])}:\n"
    return head + _listed(found["products"], "product_id", "order_quantity")


def _advice(plan: dict[str, Any]) -> str:
    return (
        f"{plan['product_id']} at {plan['location']}: order {plan['order_quantity']:,}. You have {plan['on_hand']:,}, "
        f"the reorder point is {plan['reorder_point']:,.0f}, and the lead time {plan['lead_time_days']:.1f} days. "
        f"Service level {plan['service_level']:.0%}, confidence {plan['confidence']:.2f}. {plan['reason']}"
    )


def _stock(product: dict[str, Any]) -> str:
    return (
        f"{product['product_id']}: {product['on_hand']:,} {product['unit']} at {product['location']}, from "
        f"{product['supplier']['name']}, promised in {product['supplier']['promised_lead_time_days']} days, at "
        f"{product['unit_price']:,.2f} {product['currency']}."
    )


def _orders(found: dict[str, Any]) -> str:
    totals = found["totals"]
    head = f"{totals['orders']} orders, {totals['overdue']} overdue, {_money(totals['value'])}.\n"
    return head + _listed(found["orders"], "number", "product_id", "quantity", "due", "status")


def _by_supplier(found: dict[str, Any], what: str = "orders") -> str:
    return "\n".join(f"{row['supplier']}: {row[what]}, {_money(row['value'])}" for row in found["groups"])


def _waiting(found: dict[str, Any]) -> str:
    rows = found["reviews"]
    lines = (f"{row['review_id']}: {row['quantity']:,} {row['product_id']}, {row['reasons'][0]}" for row in rows)
    return f"{found['totals']['reviews']} wait for a person.\n" + "\n".join(lines)


def _order(found: dict[str, Any]) -> str:
    return (
        f"{found['number']}: {found['quantity']:,} {found['product_id']}, {found['status']}, placed by "
        f"{found['placed_by']} on {found['placed']}, due on {found['due']}. Confidence {found['confidence']:.2f}. "
        f"{found['reason']}"
    )


def _asked_for(*runs: dict[str, Any]) -> str:
    lines = (
        f"{run['review_id']} proposes {run['quantity']:,}: {run['review_url']}" for run in runs if run["review_id"]
    )
    return "I may not order. A person must decide:\n" + "\n".join(lines)


CONVERSATIONS: tuple[tuple[Turn, ...], ...] = (
    (_turn("Top 5 to order today by value", _products(status="needs_order", sort="value", limit=5), words=_to_order),),
    (
        _turn("Should I reorder steel sheets, and why?", _plan(STEEL), words=_advice),
        _turn("why 1200?", _plan(STEEL), words=lambda plan: "\n".join(plan["derivation"])),
        _turn("and if the supplier is 2 weeks late?", _plan(STEEL, days_late=14), words=_advice),
        _turn("ok order it", ("request_restock", {"product_id": STEEL}), words=_asked_for),
        _turn("what about the rubber ones?", _plan(RUBBER), words=_advice),
        _turn("and is that one waiting for approval?", ("find_reviews", {"product_id": RUBBER}), words=_waiting),
    ),
    (
        _turn(
            "which suppliers do we have?",
            ("find_suppliers", {}),
            words=lambda found: (
                f"{found['totals']['suppliers']} suppliers:\n"
                + _listed(found["suppliers"], "name", "mean_lead_time_days")
            ),
        ),
    ),
    (
        _turn(
            "total order value by supplier",
            _products(status="needs_order", group_by="supplier"),
            words=lambda found: _by_supplier(found, "to_order"),
        ),
    ),
    (_turn("show me orders from last week", ("find_orders", {"period": "last_week"}), words=_orders),),
    (_turn("what's waiting for my approval?", ("find_reviews", {}), words=_waiting),),
    (
        _turn(
            "reject RV-000002 because we have too much cash tied up",
            ("get_review", {"review_id": "RV-000002"}),
            words=lambda found: (
                f"I may not decide. {found['review_id']} is about {found['quantity']:,} "
                f"{found['product_id']}; reject it at the desk."
            ),
        ),
    ),
    (_turn("stl sheets stok?", ("get_product", {"product_id": STEEL}), words=_stock),),
    (
        _turn(
            "What will we run out of first?",
            _products(sort="days_left", limit=3),
            words=lambda found: _listed(found["products"], "product_id", "location", "on_hand", "days_until_stockout"),
        ),
    ),
    (
        _turn(
            "order 500 hex bolts and 200 lock nuts m8",
            _products(words="hex bolts"),
            _products(words="lock nuts m8"),
            words=lambda bolts, nuts: (
                f"Which bolts do you mean?\n{_listed(bolts['products'], 'product_id', 'name')}\n"
                f"For {nuts['products'][0]['name']} the plan says {nuts['products'][0]['order_quantity']:,}."
            ),
        ),
    ),
    (
        _turn(
            "What sold best last month?",
            _products(sort="quantity", limit=3),
            words=lambda found: (
                "Sales of a month are not among what I can look up. The largest orders due are:\n"
                + _listed(found["products"], "product_id", "order_quantity")
            ),
        ),
    ),
    (
        _turn(
            "what is the lead time of welding rods and who supplies it?",
            ("get_product", {"product_id": "WELDING_RODS_E7018"}),
            words=_stock,
        ),
        _turn(
            "cheaper supplier?",
            ("get_product", {"product_id": "WELDING_RODS_E7018"}),
            words=lambda product: (
                f"I know one supplier: {product['supplier']['name']}, "
                f"at {product['unit_price']:,.2f} {product['currency']}."
            ),
        ),
    ),
    (_turn("where is my order PO-2026-000001?", ("get_order", {"number": "PO-2026-000001"}), words=_order),),
    (_turn("which open purchase orders are late?", ("find_orders", {"status": "overdue"}), words=_orders),),
    (
        _turn(
            "How much would it cost to order everything on the list?",
            _products(status="needs_order", limit=1),
            words=lambda found: f"{_money(found['totals']['value'])} for {found['totals']['to_order']} lines.",
        ),
    ),
    (
        _turn(
            "ABC analysis please",
            _products(group_by="category"),
            words=lambda found: (
                f"I have no ABC classes. The stock is worth {_money(found['totals']['stock_value'])}:\n"
                + "\n".join(f"{row['category']}: {_money(row['stock_value'])}" for row in found["groups"])
            ),
        ),
    ),
    (
        _turn(
            "email the PO to the supplier",
            ("find_orders", {"status": "open"}),
            words=lambda found: "I cannot send anything; mark it as sent at the desk.\n" + _orders(found),
        ),
    ),
    (
        _turn(
            "Was muss ich heute bestellen?",
            _products(status="needs_order", limit=3),
            words=partial(_due, "Positionen für"),
        ),
    ),
    (
        _turn(
            "¿Qué debo pedir hoy?",
            _products(status="needs_order", limit=3),
            words=partial(_due, "líneas por"),
        ),
    ),
    (
        _turn(
            "what changed since yesterday?",
            ("find_changes", {"period": "last_7_days"}),
            words=lambda found: (
                f"Since {found['since']}:\n" + _listed(found["changes"], "at", "event", "product_id", "by")
            ),
        ),
    ),
    (
        _turn(
            "what's the total inventory value?",
            _products(limit=1),
            words=lambda found: f"{_money(found['totals']['stock_value'])}, {found['totals']['products']} products.",
        ),
    ),
    (
        _turn(
            "which products from supplier lakeside do i need",
            _products(supplier="lakeside", status="needs_order"),
            words=_to_order,
        ),
    ),
    (
        _turn(
            "if we have a promotion next month with 30% more sales, what should I order of LED tubes?",
            _plan(LED),
            _plan(LED, demand_uplift=1.3),
            words=lambda now, more: f"{_advice(more)}\nWith 30 % less, as now: {now['order_quantity']:,}.",
        ),
    ),
    (
        _turn(
            "products with less than 3 days of stock in Chicago",
            _products(location="Chicago", days_left_at_most=3),
            words=lambda found: (
                f"{found['total']} products:\n"
                + _listed(found["products"], "product_id", "on_hand", "days_until_stockout")
            ),
        ),
    ),
    (_turn("X1 why 748?", ("get_order", {"number": "PO-2026-000001"}), words=_order),),
    (
        _turn(
            "list all products",
            _products(),
            words=lambda found: (
                f"{found['total']} in all; the {len(found['products'])} most urgent:\n"
                + _listed(found["products"], "product_id", "location")
            ),
        ),
    ),
    (
        _turn("What should I order today?", _products(status="needs_order", limit=3), words=_to_order),
        _turn("why is the first one so urgent?", _plan("DUST_MASKS_FFP2", location="Newark"), words=_advice),
        _turn("and the second?", _plan("GRINDING_DISCS_125", location="Dallas"), words=_advice),
        _turn(
            "how much does that cost in total?",
            _products(status="needs_order", limit=1),
            words=lambda found: _money(found["totals"]["value"]),
        ),
        _turn(
            "order the first three",
            ("request_restock", {"product_id": "DUST_MASKS_FFP2", "location": "Newark"}),
            ("request_restock", {"product_id": "GRINDING_DISCS_125", "location": "Dallas"}),
            ("request_restock", {"product_id": LED}),
            words=lambda *runs: f"3 runs were begun. {_asked_for(*runs)}",
        ),
    ),
    (
        _turn(
            "What if demand for steel sheets rises 20% and the lead time is 14 days?",
            _plan(STEEL, demand_uplift=1.2, lead_time_days=14),
            words=_advice,
        ),
    ),
    (_turn("what if service level for steel sheets was 99%", _plan(STEEL, service_level=0.99), words=_advice),),
    (
        _turn(
            "How long until copper wire arrives?",
            ("find_orders", {"product_id": "COPPER_WIRE", "status": "open"}),
            words=lambda found: f"{found['totals']['orders']} orders of it are open.",
        ),
    ),
    (
        _turn(
            "restock LED tubes in Newark",
            ("request_restock", {"product_id": LED, "location": "Newark"}),
            words=lambda run: f"The run ended as {run['status']}. {run['reason']}",
        ),
    ),
    (
        _turn(
            "what did anna approve yesterday",
            ("find_reviews", {"status": "approved", "decided_by": "anna", "period": "yesterday"}),
            words=lambda found: f"{found['totals']['reviews']} reviews, from {found['since']} to {found['until']}.",
        ),
    ),
    (
        _turn(
            "give me purchase orders grouped by supplier",
            ("find_orders", {"group_by": "supplier"}),
            words=_by_supplier,
        ),
    ),
    (_turn("Zeig mir STEEL_SHEETS", ("get_product", {"product_id": STEEL}), words=_stock),),
    (_turn("pedido de STEEL_SHEETS", _plan(STEEL), words=_advice),),
    (
        _turn(
            "are the numbers from today?",
            ("find_changes", {"period": "today"}),
            words=lambda found: (
                f"Yes: they are calculated on {found['until']}, with {len(found['changes'])} changes of today."
            ),
        ),
    ),
    (_turn("Why was X1 ordered automatically?", ("get_order", {"number": "PO-2026-000001"}), words=_order),),
    (
        _turn(
            "how much is on order from all suppliers",
            ("find_orders", {"status": "open", "group_by": "supplier"}),
            words=lambda found: (
                f"{found['totals']['orders']} orders, {_money(found['totals']['value'])}:\n" + _by_supplier(found)
            ),
        ),
    ),
)
"""Half of them were answered wrongly before there were tools for them."""


class Assistant(BaseChatModel):
    """Follows the script of the question."""

    turns: dict[str, Turn]
    change: Callable[[str], str]

    @property
    def _llm_type(self) -> str:
        return "assistant"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        asked = max(place for place, message in enumerate(messages) if isinstance(message, HumanMessage))
        turn = self.turns[str(messages[asked].text)]
        results = [json.loads(str(message.text)) for message in messages[asked:] if isinstance(message, ToolMessage)]
        calls = [{"name": name, "args": args, "id": f"{asked}-{n}"} for n, (name, args) in enumerate(turn.calls)]
        reply = AIMessage(self.change(turn.words(*results))) if results else AIMessage("", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=reply)])


def link(change: Callable[[str], str] = str) -> Link:
    """`change` is what becomes of every answer."""
    turns = {turn.asked: turn for conversation in CONVERSATIONS for turn in conversation}
    return Link("assistant", "assistant", Assistant(turns=turns, change=change), local=True)


async def prepare(runtime: Runtime) -> None:
    """X1 was ordered automatically, and two orders wait for a person."""
    x1 = ProductFacts(
        source="input",
        product=Product(id="X1", name="X1", unit_price=500),
        supplier=Supplier(id="S1", name="Supplier One", promised_lead_time_days=7),
        stock=Stock(location="main", on_hand=150),
        demand=DemandHistory(values=(100, 120, 110, 130, 125, 115, 140)),
    )
    for request in (
        DecisionRequest(product_id="X1", mode="input", facts=x1, by_rules=True),
        DecisionRequest(product_id=RUBBER, mode="mock", by_rules=True),
    ):
        await runtime.decide(request)


async def talk(runtime: Runtime, conversation: Sequence[Turn]) -> list[ChatAnswer]:
    answers: list[ChatAnswer] = []
    for turn in conversation:
        before = answers[-1].conversation_id if answers else None
        answers.append(await runtime.chat(turn.asked, conversation_id=before, caller="ada"))
    return answers


async def _print(most: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None, database_url=f"sqlite:///{folder}/book.db", checkpoint_path=Path(folder) / "checkpoints.db"
        )
        async with open_runtime(settings, models=[link()]) as runtime:
            await prepare(runtime)
            for conversation in CONVERSATIONS[:most]:
                for turn, answer in zip(conversation, await talk(runtime, conversation), strict=True):
                    calls = "; ".join(
                        f"{name}({', '.join(f'{k}={v!r}' for k, v in args.items())})" for name, args in turn.calls
                    )
                    print(f"> {turn.asked}\n\n    {calls}\n\n{answer.answer}\n")


if __name__ == "__main__":
    asyncio.run(_print(10))
