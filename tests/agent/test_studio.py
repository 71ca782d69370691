"""The graph as LangGraph's own server builds it."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from agent.studio import make_graph


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()


@pytest.mark.parametrize("context", [None, {}])
async def test_a_conversation_begun_there_is_answered_without_a_context_of_ours(context: dict[str, Any] | None) -> None:
    async with make_graph({}) as graph:
        end = await graph.ainvoke({"messages": [HumanMessage("How much STEEL_SHEETS do we have?")]}, context=context)

    assert "STEEL_SHEETS" in end["messages"][-1].text


async def test_a_product_is_decided_on_and_nothing_is_recorded() -> None:
    async with make_graph({}) as graph:
        end = await graph.ainvoke({"product_id": "STEEL_SHEETS", "mode": "mock"})

    assert (end["proposal"]["action"], end["proposal"]["quantity"]) == ("purchase_order", 1_200)
    assert [message.name for message in end["messages"] if message.type == "tool"][:2] == [
        "get_product",
        "calculate_reorder",
    ]
    with sqlite3.connect("data/restock.db") as book:
        assert book.execute("SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM orders)").fetchone() == (0,)
    book.close()


async def test_a_variable_of_the_server_is_taken_for_no_misspelt_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URI", ":memory:")
    async with make_graph({}) as graph:
        assert graph.get_input_jsonschema()


async def test_its_schemas_can_be_written_out() -> None:
    async with make_graph({}) as graph:
        schemas = (graph.get_input_jsonschema(), graph.get_output_jsonschema(), graph.get_context_jsonschema())

    assert {"messages", "product_id"} <= set(schemas[0]["properties"])
    assert {"messages", "proposal"} <= set(schemas[1]["properties"])
    assert all(schemas)
