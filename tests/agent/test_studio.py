"""The graph as LangGraph's own server builds it."""

import json
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


async def test_its_schemas_can_be_written_out() -> None:
    async with make_graph({}) as graph:
        schemas = (graph.get_input_jsonschema(), graph.get_output_jsonschema(), graph.get_context_jsonschema())

    assert "messages" in json.dumps(schemas[0])
    assert all(schemas)
