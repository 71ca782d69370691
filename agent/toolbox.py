"""Binds the model's tools to a run: its product, its caller, its authority.

A tool's signature says what a model may send, and is enforced strictly here. What the tool looks into and who asks come
from the run's case only. Results are JSON text for the model.
"""

import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any, get_type_hints

from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.runtime import get_runtime
from pydantic import BaseModel, ConfigDict, create_model

from agent.case import Case, Decision
from agent.state import DecisionRequest
from tools.calculate_reorder import calculate_reorder
from tools.catalog.products import AllProducts, Products
from tools.find_products import find_products
from tools.get_product import get_product
from tools.records.orders import RunView
from tools.request_restock import Begin, request_restock
from tools.submit_order import submit_order
from tools.sweep.lists import TodayLists

Tool = Callable[..., Awaitable[dict[str, Any]]]
StartRun = Callable[[DecisionRequest], Awaitable[RunView]]
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
    """What a model may send."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Toolbox:
    """The tools of a decision and of a chat."""

    def __init__(
        self, everything: AllProducts, *, today: TodayLists, start_run: StartRun, review_url: Callable[[str], str]
    ) -> None:
        self._everything, self._start_run, self._review_url = everything, start_run, review_url
        looks = [_tool(get_product, self._products), _tool(calculate_reorder, self._products)]
        self.decision = [*looks, _tool(submit_order, self._products)]
        self.chat = [
            _tool(find_products, lambda _: today),
            *looks,
            _tool(request_restock, self._beginning),
        ]

    @property
    def decision_schemas(self) -> list[dict[str, Any]]:
        """Without location and assumptions: a decision is about its own product as it is."""
        beside_the_point = set(_arguments(calculate_reorder).model_fields) - {"product_id"}
        return [_wire(tool, without=beside_the_point) for tool in self.decision]

    @property
    def chat_schemas(self) -> list[dict[str, Any]]:
        return [_wire(tool) for tool in self.chat]

    @property
    def every_tool(self) -> list[BaseTool]:
        return list({tool.name: tool for tool in self.decision + self.chat}.values())

    def _products(self, case: Case) -> Products:
        return case.product if isinstance(case, Decision) else self._everything

    def _beginning(self, case: Case) -> Begin:
        async def begin(product_id: str, location: str | None, note: str) -> tuple[RunView, str | None]:
            request = DecisionRequest(
                product_id=product_id,
                mode=await self._everything.mode(),
                location=location,
                note=note,
                origin="chat",
                requested_by=case.requested_by,
                requested_by_id=case.requested_by_id,
            )
            view = await self._start_run(request)
            case.begun.append(view.run.id)
            waits = view.proposal is not None and view.proposal.status == "pending"
            return view, self._review_url(view.proposal.id) if view.proposal and waits else None

        return begin


def _tool(tool: Tool, into: Callable[[Case], object]) -> BaseTool:
    """The tool for LangChain. `into` says what part of the case it sees."""

    async def run(**arguments: Any) -> str:
        case = get_runtime(Case).context or Case()
        result = await tool(into(case), **arguments)
        shown = _brief(result) if isinstance(case, Decision) else result
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":"), default=str)

    return StructuredTool.from_function(
        coroutine=run, name=tool.__name__, description=inspect.getdoc(tool), args_schema=_arguments(tool)
    )


def _arguments(tool: Tool) -> type[Arguments]:
    """The tool's parameters without the first, which the case supplies."""
    hints = get_type_hints(tool, include_extras=True)
    _, *parameters = inspect.signature(tool).parameters.values()
    fields: dict[str, Any] = {
        each.name: hints[each.name] if each.default is each.empty else (hints[each.name], each.default)
        for each in parameters
    }
    return create_model(f"{tool.__name__}_arguments", __base__=Arguments, **fields)


def _wire(tool: BaseTool, *, without: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    """The tool's schema for providers: flat and short. What it leaves out is checked on our side."""
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


def _brief(result: dict[str, Any]) -> dict[str, Any]:
    """The figures that a decision needs. Every word costs tokens, and the reviewer sees the whole plan anyway."""
    return {
        name: value for name, value in result.items() if name not in FOR_CHATS_ONLY and value not in (None, "", [], {})
    }
