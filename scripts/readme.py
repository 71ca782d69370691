"""Writes the README's answers and its picture from the running product: `python -m scripts.readme`.

A fresh server answers each command in the order of the README; a test compares.
"""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from agent.graph import build_graph
from agent.nodes import Nodes
from benchmarks.server import KEY, serving

TARGET = Path(__file__).parent.parent / "README.md"
ADDRESS = "http://127.0.0.1:8000"
COMMAND = re.compile(
    r"(<!-- shows (?P<fields>[^>]*) -->\n```sh\n(?P<command>.*?)```\n```json\n)(?P<answer>.*?)(```\n)", re.DOTALL
)
PICTURE = re.compile(r"(<!-- graph -->\n```mermaid\n)(.*?)(```\n)", re.DOTALL)
YEAR = re.compile(r"\b(PO|TR)-\d{4}-")


def picture() -> str:
    """The graph as Mermaid, drawn by LangGraph from the compiled graph."""
    nodes = Nodes.__new__(Nodes)
    nodes.tools = _nothing  # type: ignore[assignment]
    return build_graph(nodes).get_graph().draw_mermaid(with_styles=False)


async def _nothing(state: Any) -> dict[str, Any]:
    return {}


def rewritten(text: str) -> str:
    """The README with what the product really answers."""
    text = PICTURE.sub(lambda match: match[1] + picture() + match[3], text)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as base:
        return COMMAND.sub(lambda match: match[1] + _answer(match, base) + match[5], text)


def comparable(text: str) -> str:
    """Order numbers carry the year; everything else must be equal."""
    return YEAR.sub(r"\1-YYYY-", text)


def _answer(match: re.Match[str], base: str) -> str:
    command = match["command"].replace(ADDRESS, base)
    done = subprocess.run(
        ["bash", "-c", command], env=os.environ | {"RESTOCK_KEY": KEY}, capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    chosen: dict[str, Any] = {}
    for path in match["fields"].split():
        _copy(answer, chosen, path.split("."))
    lines = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in chosen.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").replace(base, ADDRESS)


def _copy(source: Any, target: dict[str, Any], path: list[str]) -> None:
    first, rest = path[0], path[1:]
    if rest:
        _copy(source[first], target.setdefault(first, {}), rest)
    else:
        target[first] = round(source[first], 4) if isinstance(source[first], float) else source[first]


if __name__ == "__main__":
    TARGET.write_text(rewritten(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {TARGET.name}")
