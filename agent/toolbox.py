"""The tools that models may call. Each docstring is the model's manual; each argument is validated strictly here,
whatever the provider let through. Authority (the run's product, its mode, who asks) comes from the state alone.

Results are JSON text for the model. `calculate_reorder` without assumptions also leaves what it came to as the
message's artifact: that is the gate's evidence that the calculation ran, which it then does again.
"""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Annotated, Any, Literal

from langchain.tools import ToolRuntime
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, ToolException
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from agent.state import DecisionRequest
from agent.stock import StockDesk, plan_for
from tools.planning.confidence import CalibrationTable, assess
from tools.records.facts import ProductFacts, WhatIf
from tools.records.orders import RunView
from tools.records.plan import Plan

StockStatus = Literal["any", "needs_order", "on_order", "overdue"]
Result = tuple[str, dict[str, Any] | None]
StartRun = Callable[[DecisionRequest], Awaitable[RunView]]
RECENT_PERIODS = 14
FOR_CHATS_ONLY = frozenset(
    {
        "assumptions",
        "category",
        "days_until_stockout",
        "demand_class",
        "derivation",
        "method",
        "order_up_to_level",
        "periods",
        "price_breaks",
        "review_period_days",
        "shortage",
        "unit",
    }
)


class Arguments(BaseModel):
    """What a model may send, and the run's own state, which LangGraph adds and no model sees or sends."""

    model_config = ConfigDict(strict=True, extra="forbid", arbitrary_types_allowed=True)

    runtime: Annotated[ToolRuntime, InjectedToolArg, SkipValidation]


ProductId = Annotated[str, Field(min_length=1, max_length=100, description="As given.")]
Location = Annotated[str | None, Field(max_length=100, description="A location's id; leave out for the usual one.")]


class ProductArguments(Arguments):
    product_id: ProductId
    location: Location = None


class CalculationArguments(ProductArguments):
    service_level: Annotated[
        float | None, Field(gt=0, le=0.999, allow_inf_nan=False, description="What-if only: 0.5 to 0.999.")
    ] = None
    lead_time_days: Annotated[
        float | None, Field(ge=0, le=3650, allow_inf_nan=False, description="What-if only: days, 0 to 3650.")
    ] = None
    demand_uplift: Annotated[
        float | None, Field(gt=0, le=100, allow_inf_nan=False, description="What-if only: 1.2 is 20 % more demand.")
    ] = None


class SearchArguments(Arguments):
    query: Annotated[str, Field(max_length=200, description="Words from id, name or category; empty for all.")] = ""
    status: Annotated[StockStatus, Field(description="Keep only products in this state.")] = "any"
    location: Location = None
    limit: Annotated[int, Field(ge=1, le=100, description="At most this many, 1 to 100.")] = 20


class RestockArguments(ProductArguments):
    note: Annotated[str, Field(max_length=2_000, description="What the planner said about it.")] = ""


class SubmissionArguments(Arguments):
    product_id: ProductId
    action: Annotated[Literal["purchase_order", "transfer", "none"], Field(description="As calculated, or none.")]
    quantity: Annotated[int, Field(ge=0, description="Whole units; 0 for none.")]
    rationale: Annotated[str, Field(max_length=4_000, description="One or two sentences for the planner.")]
    concerns: list[str] = Field(
        default_factory=list, max_length=20, description="Only what a person must see before ordering; usually empty."
    )
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, description="Your confidence, 0 to 1.")]


def is_heard(config: RunnableConfig | None) -> bool:
    """Whether a handler of the caller's listens, a trace of LangSmith's among them."""
    return bool(getattr((config or {}).get("callbacks"), "handlers", None))


class DeskTool(StructuredTool):
    """A tool whose arguments are one strict model, with everything that it takes."""

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """LangChain prepares for handlers, which take longer than a look-up, also where there are none."""
        if is_heard(config) or not isinstance(input, dict) or input.get("type") != "tool_call":
            return await super().ainvoke(input, config, **kwargs)
        run = self.coroutine
        assert run is not None  # noqa: S101
        content, artifact = await run(**self._parse_input(input["args"], input["id"]))
        return ToolMessage(content, artifact=artifact, tool_call_id=input["id"], name=self.name)

    def _parse_input(self, tool_input: Any, tool_call_id: str | None) -> dict[str, Any]:
        """Without writing the run's whole state out, at every call, to learn the arguments' names."""
        arguments = self.args_schema.model_validate(tool_input)  # type: ignore[union-attr]
        return {name: getattr(arguments, name) for name in type(arguments).model_fields}


class Toolbox:
    """Builds the tools of a decision and of a chat around one stock desk."""

    def __init__(
        self,
        desk: StockDesk,
        *,
        start_run: StartRun,
        review_url: Callable[[str], str],
        calibration: CalibrationTable | None = None,
    ) -> None:
        self._desk, self._start_run, self._review_url = desk, start_run, review_url
        self._calibration = calibration
        look_up = self._tool("get_product", self.get_product, ProductArguments)
        calculation = self._tool("calculate_reorder", self.calculate_reorder, CalculationArguments)
        self.decision: list[BaseTool] = [
            look_up,
            calculation,
            self._tool("submit_order", self.submit_order, SubmissionArguments),
        ]
        self.chat: list[BaseTool] = [
            self._tool("find_products", self.find_products, SearchArguments),
            look_up,
            calculation,
            self._tool("request_restock", self.request_restock, RestockArguments),
        ]

    @property
    def decision_schemas(self) -> list[dict[str, Any]]:
        """A decision is about its own product as things are, so neither place nor assumptions are offered."""
        beside_the_point = set(CalculationArguments.model_fields) - {"product_id"}
        return [_wire(tool, without=beside_the_point) for tool in self.decision]

    @property
    def chat_schemas(self) -> list[dict[str, Any]]:
        return [_wire(tool) for tool in self.chat]

    @property
    def everything(self) -> list[BaseTool]:
        return list({tool.name: tool for tool in self.decision + self.chat}.values())

    def _tool(self, name: str, run: Callable[..., Awaitable[Result]], arguments: type[Arguments]) -> BaseTool:
        return DeskTool.from_function(
            coroutine=run,
            name=name,
            description=inspect.getdoc(run),
            args_schema=arguments,
            response_format="content_and_artifact",
        )

    async def get_product(self, product_id: str, runtime: ToolRuntime, location: str | None = None) -> Result:
        """Look up a product: stock, open orders, supplier, lead times, price, order rules, recent demand."""
        facts, *siblings = await self._desk.family(_request(runtime, product_id, location))
        told = _product(facts, siblings)
        return _json(_brief(told) if _in_decision(runtime) else told), None

    async def calculate_reorder(
        self,
        product_id: str,
        runtime: ToolRuntime,
        location: str | None = None,
        service_level: float | None = None,
        lead_time_days: float | None = None,
        demand_uplift: float | None = None,
    ) -> Result:
        """Calculate whether and how much to reorder, with the reason."""
        what_if = WhatIf(
            service_level=service_level,
            lead_time_days=lead_time_days,
            demand_uplift=1.0 if demand_uplift is None else demand_uplift,
        )
        plan = await self._desk.plan(_request(runtime, product_id, location), what_if)
        came_to = {"action": plan.recommended_action, "quantity": plan.order_quantity}
        evidence = came_to if what_if.changes_nothing else None
        told = _calculation(plan, what_if, self._calibration)
        return _json(_brief(told) if _in_decision(runtime) else told), evidence

    async def find_products(
        self,
        runtime: ToolRuntime,
        query: str = "",
        status: StockStatus = "any",
        location: str | None = None,
        limit: int = 20,
    ) -> Result:
        """Search products by words and by state: needs_order, on_order, overdue or any. Most urgent first."""
        everything = await self._desk.catalog(_asked(runtime)).all_facts()
        words = query.lower().replace("_", " ").split()
        chosen = [facts for facts in everything if _matches(facts, words, location)]
        rows = await asyncio.to_thread(_rows, chosen, everything, status)
        return _json({"total": len(rows), "products": rows[:limit]}), None

    async def request_restock(
        self, product_id: str, runtime: ToolRuntime, location: str | None = None, note: str = ""
    ) -> Result:
        """Ask for a restocking decision on one product. It always waits for a person; nothing is ordered here."""
        wanted = {"product_id": product_id, "location": location, "note": note, "origin": "chat"}
        request = _asked(runtime).model_copy(update=wanted)
        view = await self._start_run(request)
        return _json(self._run_summary(view)), {"run_id": view.run.id}

    async def submit_order(self, product_id: str, runtime: ToolRuntime, **_: Any) -> Result:
        """Submit your decision, alone and last. Code checks it against the calculation."""
        raise ToolException("Call submit_order alone, once the results of the other tools are in.")

    def _run_summary(self, view: RunView) -> dict[str, Any]:
        proposal = view.proposal
        waiting = proposal is not None and proposal.status == "pending"
        return {
            "run_id": view.run.id,
            "status": view.run.status,
            "order_number": view.order.number if view.order else None,
            "review_id": proposal.id if proposal and waiting else None,
            "review_url": self._review_url(proposal.id) if proposal and waiting else None,
            "quantity": proposal.quantity if proposal else None,
            "reason": proposal.plan.reason if proposal else None,
        }


def _wire(tool: BaseTool, *, without: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    """The tool as a provider is told of it: flat and short. What is left out of the schema is checked on our side."""
    schema = convert_to_openai_tool(tool)
    parameters = schema["function"]["parameters"]
    properties = {name: _plain(field) for name, field in parameters["properties"].items() if name not in without}
    required = [name for name in parameters.get("required", []) if name in properties]
    schema["function"]["parameters"] = {"type": "object", "properties": properties, "required": required}
    return schema


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    kind = next((one for one in field.get("anyOf", []) if one.get("type") != "null"), field)
    kept = {name: kind[name] for name in ("type", "enum", "items") if name in kind}
    return kept | {"description": field["description"]} if "description" in field else kept


def _in_decision(runtime: ToolRuntime) -> bool:
    return bool(runtime.state.get("kind") == "decision")


def _asked(runtime: ToolRuntime) -> DecisionRequest:
    return DecisionRequest.model_validate(runtime.state.get("request") or {"product_id": "", "mode": "mock"})


def _request(runtime: ToolRuntime, product_id: str, location: str | None) -> DecisionRequest:
    """The run's own request, for this product. A decision looks at its own product only."""
    request = _asked(runtime)
    if _in_decision(runtime):
        if product_id != request.product_id:
            raise ToolException(f"This run decides on {request.product_id} only.")
        return request
    return request.model_copy(update={"product_id": product_id, "location": location})


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _number(value: float | None, digits: int = 4) -> float | int | None:
    if value is None:
        return None
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded


def _open_orders(facts: ProductFacts) -> list[dict[str, Any]]:
    return [
        {"reference": o.reference, "quantity": _number(o.quantity), "due_in_days": _number(o.due_in_days, 1)}
        for o in facts.stock.open_orders
    ]


def _product(facts: ProductFacts, siblings: list[ProductFacts]) -> dict[str, Any]:
    product, supplier, stock = facts.product, facts.supplier, facts.stock
    return {
        "product_id": product.id,
        "name": product.name,
        "category": product.category,
        "unit": product.unit,
        "notes": product.notes,
        "location": stock.location,
        "other_locations": [{"location": s.stock.location, "on_hand": _number(s.stock.on_hand)} for s in siblings],
        "on_hand": _number(stock.on_hand),
        "backorders": _number(stock.backorders),
        "open_orders": _open_orders(facts),
        "supplier": {
            "name": supplier.name,
            "promised_lead_time_days": _number(supplier.promised_lead_time_days),
            "observed_lead_times_days": [_number(days, 1) for days in supplier.observed_lead_times_days[-10:]],
        },
        "unit_price": None if product.unit_price is None else float(product.unit_price),
        "price_breaks": [
            {"minimum_quantity": each.minimum_quantity, "unit_price": float(each.unit_price)}
            for each in product.price_breaks
        ],
        "currency": product.currency,
        "minimum_order_quantity": product.minimum_order_quantity,
        "order_multiple": product.order_multiple,
        "recent_demand": [_number(v) for v in facts.demand.values[-RECENT_PERIODS:]],
        "periods": len(facts.demand.values),
    }


def _calculation(plan: Plan, what_if: WhatIf, calibration: CalibrationTable | None) -> dict[str, Any]:
    numbers = (
        "order_quantity",
        "minimum_quantity",
        "maximum_quantity",
        "reorder_point",
        "safety_stock",
        "order_up_to_level",
        "on_hand",
        "on_order",
        "backorders",
        "inventory_position",
        "shortage",
        "days_until_stockout",
        "mean_per_day",
        "lead_time_days",
        "review_period_days",
        "service_level",
    )
    return {
        "product_id": plan.product_id,
        "location": plan.location,
        "assumptions": what_if.model_dump(exclude_defaults=True),
        "recommended_action": plan.recommended_action,
        **{name: _number(getattr(plan, name)) for name in numbers},
        "method": plan.method,
        "demand_class": plan.demand_class,
        "confidence": ceil(assess(plan, plan.order_quantity, table=calibration).value * 10_000) / 10_000,
        "unit_price": None if plan.unit_price is None else float(plan.unit_price),
        "order_value": None if plan.order_value is None else float(plan.order_value),
        "currency": plan.currency,
        "transfer": plan.transfer.model_dump() if plan.transfer else None,
        "reason": plan.reason,
        "derivation": list(plan.derivation),
        "warnings": [notice.message for notice in plan.notices],
    }


def _brief(told: dict[str, Any]) -> dict[str, Any]:
    """What a decision turns on. A model pays for every word; the reviewer sees the whole plan anyway."""
    return {
        name: value for name, value in told.items() if name not in FOR_CHATS_ONLY and value not in (None, "", [], {})
    }


def _matches(facts: ProductFacts, words: list[str], location: str | None) -> bool:
    product = facts.product
    text = f"{product.id} {product.name} {product.category}".lower().replace("_", " ")
    return (location is None or facts.stock.location == location) and all(word in text for word in words)


def _plan_among(facts: ProductFacts, everything: tuple[ProductFacts, ...]) -> Plan:
    others = (other for other in everything if other.product.id == facts.product.id and other is not facts)
    return plan_for([facts, *others])


def _rows(
    chosen: list[ProductFacts], everything: tuple[ProductFacts, ...], status: StockStatus
) -> list[dict[str, Any]]:
    rows = (_row(facts, _plan_among(facts, everything)) for facts in chosen)
    return sorted((row for row in rows if _in_status(row, status)), key=_urgency)


def _row(facts: ProductFacts, plan: Plan) -> dict[str, Any]:
    return {
        "product_id": plan.product_id,
        "name": facts.product.name,
        "category": facts.product.category,
        "location": plan.location,
        "on_hand": _number(plan.on_hand),
        "on_order": _number(plan.on_order),
        "inventory_position": _number(plan.inventory_position),
        "reorder_point": _number(plan.reorder_point, 2),
        "days_until_stockout": _number(plan.days_until_stockout, 1),
        "recommended_action": plan.recommended_action,
        "order_quantity": plan.order_quantity,
        "open_orders": _open_orders(facts),
    }


def _in_status(row: dict[str, Any], status: StockStatus) -> bool:
    orders = row["open_orders"]
    if status == "needs_order":
        return bool(row["recommended_action"] != "none")
    if status == "on_order":
        return bool(orders)
    return status == "any" or any(order["due_in_days"] < 0 for order in orders)


def _urgency(row: dict[str, Any]) -> tuple[bool, float]:
    days = row["days_until_stockout"]
    return row["recommended_action"] == "none", float("inf") if days is None else days
