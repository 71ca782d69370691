"""The tools of a chat for MCP clients, over HTTP."""

import asyncio
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Body, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.case import Case
from agent.runtime import Runtime
from api.door.auth import Caller
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.errors import Forbidden, Refusal
from api.routes.mcp_server import build_server, require_installed
from api.routes.wiring import problems

ADDRESS = "/mcp"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
router = APIRouter(tags=["chat"])


class Misdirected(Refusal):
    status, code = 421, "misdirected_request"


class McpDoor:
    """The MCP server of one runtime. It begins with the first request."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._begun: asyncio.Future[ASGIApp] | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def app(self) -> ASGIApp:
        """The application. Raises McpNotInstalled."""
        require_installed()
        if self._begun is None:
            self._begun = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._run(self._begun))
        return await asyncio.shield(self._begun)

    async def aclose(self) -> None:
        self._over.set()
        if self._task is not None:
            await self._task

    async def _run(self, begun: "asyncio.Future[ASGIApp]") -> None:
        """Its lifespan begins and ends in one task, as its task group demands."""
        try:
            server = await asyncio.to_thread(build_server, self._runtime.toolbox, _asked_by, _may_ask)
            app = server.http_app(ADDRESS, json_response=True, stateless_http=True, host_origin_protection=False)
            async with app.lifespan(app):
                begun.set_result(app)
                await self._over.wait()
        except Exception as error:
            if not begun.done():
                begun.set_exception(error)
            else:
                raise


class Handed(Response):
    """Hands a request on to another application. Its body, which was read already, is given again."""

    def __init__(self, app: ASGIApp, body: bytes) -> None:
        self._app, self._given = app, body
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = False

        async def receive_again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": self._given, "more_body": False}

        await self._app(dict(scope), receive_again, send)


@router.post(ADDRESS, responses=problems(400, 404, 413, 415), openapi_extra=needs("read"))
async def mcp(
    message: Annotated[dict[str, Any], Body(description="A message of the Model Context Protocol.")],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Call tools by the Model Context Protocol: look things up, calculate, try what-ifs, ask for a decision run."""
    _require_own_address(request, runtime)
    return Handed(await request.app.state.mcp.app(), await request.body())


def _require_own_address(request: Request, runtime: Runtime) -> None:
    """Refuse a page of another site, also one whose name leads here (DNS rebinding)."""
    own = urlsplit(runtime.address)
    host = request.headers.get("host", "")
    named = urlsplit(f"//{host}").hostname
    if named not in (*LOOPBACK, own.hostname, runtime.settings.host):
        raise Misdirected(f"The Host {host[:80]!r} is not this service's. If it is, set PUBLIC_URL to its address.")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc not in (host, own.netloc):
        raise Forbidden("This request came from a page of another site.", code="other_site")


def _caller() -> Caller:
    from fastmcp.server.dependencies import get_http_request

    caller: Caller = get_http_request().state.caller
    return caller


def _asked_by() -> Case:
    caller = _caller()
    return Case(requested_by=caller.name, requested_by_id=caller.id)


def _may_ask() -> bool:
    return "trigger" in _caller().scopes
