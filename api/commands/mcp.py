"""`restock mcp`: the tools of a chat for an MCP client that starts this command."""

from typing import TYPE_CHECKING

from api.commands.opening import finish, load_settings

if TYPE_CHECKING:
    from agent.settings import Settings


def mcp() -> None:
    """Serve an MCP client over standard input and output. Logs go to standard error. Needs restock[mcp]."""
    settings = load_settings()
    finish(_serve(settings), settings)


async def _serve(settings: "Settings") -> None:
    from agent.case import Case
    from agent.runtime import open_runtime
    from api.routes.mcp_server import build_server, require_installed
    from api.server import log_as_set

    require_installed()
    log_as_set(settings)
    async with open_runtime(settings) as runtime:
        server = build_server(runtime.toolbox, lambda: Case(requested_by="command line"), lambda: True)
        await server.run_stdio_async(show_banner=False)
