"""Binds the model's tools to a run: its product, its caller, its authority.

A tool's signature says what a model may send, and is enforced strictly here. What the tool looks into and who asks come
from the run's case only. Results are JSON text for the model.
"""

import inspect
import json
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, get_type_hints

from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.runtime import get_runtime
from pydantic import BaseModel, ConfigDict, ValidationError, create_model, model_validator
from pydantic_core import PydanticCustomError

from agent.case import Case, Decision
from agent.state import DecisionRequest
from tools.asking.overview import Overview
from tools.calculate_reorder import calculate_reorder
from tools.catalog.products import AllProducts, Products
from tools.explain_method import explain_method
from tools.find_changes import find_changes
from tools.find_orders import find_orders
from tools.find_products import find_products
from tools.find_reviews import find_reviews
from tools.find_suppliers import find_suppliers
from tools.get_order import get_order
from tools.get_product import get_product
from tools.get_review import get_review
from tools.records.errors import InvalidInput, MayNotRead
from tools.records.orders import RunView
from tools.request_restock import Begin, request_restock
from tools.submit_order import submit_order

Tool = Callable[..., Awaitable[dict[str, Any]]]
Into = Callable[[Case], object]
Answers = Callable[..., Awaitable[dict[str, Any]]]
"""A tool as a case and a model's arguments call it."""
StartRun = Callable[[DecisionRequest], Awaitable[RunView]]
MOST_RUNS = 5
"""Runs that one chat message may begin."""
OVERVIEWS: tuple[Tool, ...] = (
    find_products,
    find_orders,
    get_order,
    find_reviews,
    get_review,
    find_suppliers,
    find_changes,
)
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

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """Refuses an argument that the tool does not have, and names those that it has."""
        unknown = given.keys() - cls.model_fields.keys() if isinstance(given, dict) else set()
        if unknown:
            has = ", ".join(cls.model_fields)
            raise PydanticCustomError("unknown_argument", f"there is no {str(min(unknown))[:40]!r} here, only: {has}")
        return given


class Toolbox:
    """The tools of a decision and of a chat."""

    def __init__(
        self,
        everything: AllProducts,
        *,
        overview: Overview,
        start_run: StartRun,
        review_url: Callable[[str], str],
    ) -> None:
        self._everything, self._start_run, self._review_url = everything, start_run, review_url
        self._overview = overview
        self._answers: dict[str, Answers] = {}
        looks = [self._tool(each, self._products) for each in (get_product, calculate_reorder)]
        self.decision = [*looks, self._tool(submit_order, self._products, reads=False)]
        self.chat = [
            *(self._tool(each, lambda _: overview) for each in OVERVIEWS),
            *looks,
            self._tool(explain_method, lambda _: None, reads=False),
            self._tool(request_restock, self._beginning, reads=False),
        ]

    async def call(self, name: str, arguments: dict[str, Any], case: Case) -> str:
        """What a chat's tool answers, as JSON text and outside of any graph. Raises InvalidInput and what it raises."""
        tool = self.chat_tool(name)
        try:
            checked = tool.args_schema.model_validate(arguments)  # type: ignore[union-attr]  # always `Arguments`
        except ValidationError as error:
            raise InvalidInput(faults(error)) from None
        return _as_text(await self._answers[name](case, **dict(checked)))

    def chat_tool(self, name: str) -> StructuredTool:
        return next(tool for tool in self.chat if tool.name == name)

    @property
    def decision_schemas(self) -> list[dict[str, Any]]:
        """Without location and assumptions: a decision is about its own product as it is."""
        beside_the_point = set(_arguments(calculate_reorder).model_fields) - {"product_id"}
        return [wire(tool, without=beside_the_point) for tool in self.decision]

    @property
    def chat_schemas(self) -> list[dict[str, Any]]:
        return [wire(tool) for tool in self.chat]

    @property
    def every_tool(self) -> list[BaseTool]:
        return list({tool.name: tool for tool in self.decision + self.chat}.values())

    def _tool(self, tool: Tool, into: Into, *, reads: bool = True) -> StructuredTool:
        """The tool for LangChain. `into` says what it sees. One that `reads` needs the scope, but for a decision, which
        may look at its own product whoever asks for it."""

        async def answer(case: Case, **arguments: Any) -> dict[str, Any]:
            if reads and case.requested_by_id and not isinstance(case, Decision):
                await self._require_read(case)
            return await tool(into(case), **arguments)

        async def run(**arguments: Any) -> str:
            case = get_runtime(Case).context or Case()
            result = await answer(case, **arguments)
            return _as_text(_brief(result) if isinstance(case, Decision) else result)

        self._answers[tool.__name__] = answer
        return StructuredTool.from_function(
            coroutine=run, name=tool.__name__, description=inspect.getdoc(tool), args_schema=_arguments(tool)
        )

    async def _require_read(self, case: Case) -> None:
        if not await self._overview.book.keys.may(case.requested_by_id, "read"):
            raise MayNotRead(
                f"The key {case.requested_by!r} lacks the scope read, so nothing can be looked up for it. It may ask "
                "for a restocking run; an admin can give it a key with read."
            )

    def _products(self, case: Case) -> Products:
        return case.product if isinstance(case, Decision) else self._everything

    def _beginning(self, case: Case) -> Begin:
        async def begin(product_id: str, location: str | None, note: str) -> tuple[RunView, str | None]:
            case.asked += 1
            if case.asked > MOST_RUNS:
                raise InvalidInput(
                    f"{MOST_RUNS} runs were asked for with this message, which is the most. Ask for others in the next."
                )
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


def _as_text(result: dict[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False, separators=(",", ":"), default=str)


def faults(error: ValidationError) -> str:
    """What is wrong with the arguments. No value is repeated."""
    told = (f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}" for each in error.errors())
    return "; ".join(told)[:500] + "."


@cache
def _arguments(tool: Tool) -> type[Arguments]:
    """The tool's parameters without the first, which the case supplies."""
    hints = get_type_hints(tool, include_extras=True)
    _, *parameters = inspect.signature(tool).parameters.values()
    fields: dict[str, Any] = {
        each.name: hints[each.name] if each.default is each.empty else (hints[each.name], each.default)
        for each in parameters
    }
    return create_model(f"{tool.__name__}_arguments", __base__=Arguments, **fields)


def wire(tool: BaseTool, *, without: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
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
