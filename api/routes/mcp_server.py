"""The tools of a chat for MCP clients. No other tool is offered: none of these places or approves an order.

The package `fastmcp` is an extra, and loads slowly. So it is imported once somebody asks.
"""

import json
import logging
import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import structlog

from agent.case import Case
from agent.toolbox import Toolbox, wire
from api import VERSION
from tools.records.errors import NotFound, RestockError

if TYPE_CHECKING:
    from fastmcp import FastMCP

log = structlog.get_logger(__name__)
READING = (
    "find_products",
    "get_product",
    "calculate_reorder",
    "find_orders",
    "get_order",
    "find_reviews",
    "get_review",
    "find_suppliers",
)
ASKING = "request_restock"
INSTRUCTIONS = """Stock, orders and reviews of this company, and what to reorder. Figures come from the tools only.
request_restock asks for a decision run that always waits for a person. Nothing can be ordered or approved here."""


class McpNotInstalled(NotFound):
    code = "mcp_not_installed"


def require_installed() -> None:
    """Raises McpNotInstalled."""
    if find_spec("fastmcp") is None:
        raise McpNotInstalled("For MCP the package fastmcp is missing. Install it with: pip install 'restock[mcp]'")


def build_server(toolbox: Toolbox, asked_by: Callable[[], Case], may_ask: Callable[[], bool]) -> "FastMCP[Any]":
    """The server. `asked_by` tells who makes the present call, and `may_ask` whether they may ask for runs."""
    os.environ.setdefault("FASTMCP_LOG_ENABLED", "false")  # it would write to standard error in a form of its own
    logging.getLogger("fastmcp").setLevel(logging.CRITICAL)  # it repeats what is told here, and to the client
    from fastmcp import FastMCP
    from fastmcp.exceptions import ToolError
    from fastmcp.tools import Tool, ToolResult
    from mcp_types import ToolAnnotations

    class BoundTool(Tool):
        async def run(self, arguments: dict[str, Any]) -> ToolResult:
            if self.name == ASKING and not may_ask():
                raise ToolError("This needs a key with the scope 'trigger'; yours can look things up only.")
            try:
                answer = await toolbox.call(self.name, arguments, asked_by())
            except RestockError as error:
                raise ToolError(error.message) from None
            except Exception as error:  # nothing of it is shown
                log.error("tool_failed", tool=self.name, exc_info=error)
                raise ToolError("The tool could not answer. Go on without it.") from None
            return ToolResult(structured_content=json.loads(answer))

    def bound(name: str) -> BoundTool:
        function = wire(toolbox.chat_tool(name))["function"]
        return BoundTool(
            name=name,
            description=function["description"],
            parameters=function["parameters"] | {"additionalProperties": False},
            annotations=ToolAnnotations(read_only_hint=name in READING, open_world_hint=False),
        )

    tools = [bound(name) for name in (*READING, ASKING)]
    return FastMCP("restock", INSTRUCTIONS, version=VERSION, tools=tools, mask_error_details=True)
