"""The graph's own part: which step follows which. The steps here only say which way to go."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.runtime import Runtime

from agent.case import Case
from agent.graph import build_graph


def calls(name: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": {}, "id": name}])


def look_up() -> AIMessage:
    return calls("get_product")


def submit() -> AIMessage:
    return calls("submit_order")


class Walk:
    """Runs a decision through the picture, and remembers the steps it took."""

    def __init__(self, *, says: list[AIMessage], routes: tuple[str, ...] = ("none",), ends: tuple[str, ...] = ()):
        self.steps: list[str] = []
        self.contexts: list[Any] = []
        self._says, self._routes, self._ends = iter(says), iter(routes), iter(ends)

    def step(self, name: str, changed: str, values: Iterator[Any]) -> Any:
        async def take(state: Any, runtime: Runtime[Case]) -> dict[str, Any]:
            self.steps.append(name)
            self.contexts.append(runtime.context)
            value = next(values, None)
            return {} if value is None else {changed: [value] if changed == "messages" else value}

        return take

    async def take(self, kind: str = "decision", **options: Any) -> dict[str, Any]:
        nodes = SimpleNamespace(
            agent=self.step("agent", "messages", self._says),
            tools=self.step("tools", "messages", iter(())),
            assess=self.step("assess", "route", self._routes),
            auto=self.step("auto", "outcome", self._ends),
            human_review=self.step("human_review", "outcome", self._ends),
        )
        graph = build_graph(nodes, **options)  # type: ignore[arg-type]
        state = {"kind": kind, "messages": [HumanMessage("x")]}
        return await graph.ainvoke(
            state, {"recursion_limit": 12, "configurable": {"thread_id": "t"}}, context=Case(requested_by="erp")
        )


@pytest.mark.parametrize(
    ("routes", "ends", "after_the_submission"),
    [
        (("none",), (), []),
        (("auto",), ("executed",), ["auto"]),
        (("auto",), ("pending_review", "executed"), ["auto", "human_review"]),
        (("review",), ("rejected",), ["human_review"]),
        (("review",), ("pending_review", "executed"), ["human_review", "human_review"]),
    ],
)
async def test_a_submission_is_assessed_and_goes_where_its_route_and_outcome_say(
    routes: tuple[str, ...], ends: tuple[str, ...], after_the_submission: list[str]
) -> None:
    walk = Walk(says=[look_up(), submit()], routes=routes, ends=ends)

    await walk.take()

    assert walk.steps == ["agent", "tools", "agent", "assess", *after_the_submission]


async def test_a_refused_submission_goes_back_to_the_model() -> None:
    walk = Walk(says=[submit(), submit()], routes=("retry", "none"))

    await walk.take()

    assert walk.steps == ["agent", "assess", "agent", "assess"]


async def test_a_chat_ends_with_the_models_words_and_is_never_assessed() -> None:
    walk = Walk(says=[look_up(), AIMessage("Enough.")])

    await walk.take(kind="chat")

    assert walk.steps == ["agent", "tools", "agent"]


async def test_every_step_is_handed_who_asks() -> None:
    walk = Walk(says=[submit()], routes=("auto",), ends=("executed",))

    await walk.take()

    assert [case.requested_by for case in walk.contexts] == ["erp"] * 3


def test_the_picture_says_what_context_it_needs() -> None:
    async def step(state: Any) -> dict[str, Any]:
        return {}

    nodes = SimpleNamespace(agent=step, tools=step, assess=step, auto=step, human_review=step)

    assert build_graph(nodes).context_schema is Case  # type: ignore[arg-type]


async def test_with_a_checkpointer_a_thread_is_remembered() -> None:
    saver = InMemorySaver()

    await Walk(says=[submit()]).take(checkpointer=saver)
    again = await Walk(says=[submit()]).take(checkpointer=saver)

    assert len(again["messages"]) == 4
