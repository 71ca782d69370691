"""Turns a problem document into a page where a browser asked for a page of the desk."""

import json
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.door.errors import PROBLEM
from api.door.security_headers import ON_DESK_PAGES
from api.pages.desk import templates

DESK = "/desk"
_REVIEW = "/reviews/"


class RefusalPages:
    """The outermost step. What a person must do next is on the page: sign in, go back, or try again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_for_people(scope):
            await self._app(scope, receive, send)
            return
        started: Message = {}
        body = b""

        async def send_page(message: Message) -> None:
            nonlocal started, body
            if message["type"] == "http.response.start" and _kind(message) == PROBLEM:
                started = message
            elif not started:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await _page(scope, started, json.loads(body))(scope, receive, send)

        await self._app(scope, receive, send_page)


def _is_for_people(scope: Scope) -> bool:
    """A page of the desk, or a review's address in a browser: links to reviews are sent to people."""
    path: str = scope["path"]
    if path == DESK or path.startswith(f"{DESK}/"):
        return True
    headers = Headers(scope=scope)
    return path.startswith(_REVIEW) and "text/html" in headers.get("accept", "") and "x-api-key" not in headers


def _kind(message: Message) -> str:
    return MutableHeaders(raw=list(message["headers"])).get("content-type", "")


def _page(scope: Scope, started: Message, problem: dict[str, str]) -> Response:
    if scope["path"].startswith(_REVIEW):
        return RedirectResponse(f"{DESK}{quote(scope['path'])}", 303)
    status: int = started["status"]
    headers = {name.decode(): value.decode("latin-1") for name, value in started["headers"]}
    kept = {name: headers[name] for name in ("retry-after", "x-request-id", "allow") if name in headers}
    response: Response
    if status == 401 and scope["method"] == "GET" and _comes_from_elsewhere(scope):
        # The cookie did not come along, because another site leads here. It does once the page asks for itself.
        response = HTMLResponse(templates.get_template("again.html").render(), headers=kept)
    elif status == 401 and problem["code"] in ("signed_out", "session_ended") and scope["method"] == "GET":
        response = RedirectResponse(_sign_in(scope), 303, kept)
    else:
        response = HTMLResponse(templates.get_template("refusal.html").render(problem=problem), status, kept)
    for name, value in ON_DESK_PAGES:
        response.headers[name.decode()] = value.decode()
    return response


def _comes_from_elsewhere(scope: Scope) -> bool:
    return Headers(scope=scope).get("sec-fetch-site") == "cross-site"


def _sign_in(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    wanted = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    return f"{DESK}/sign-in" if wanted == DESK else f"{DESK}/sign-in?after={quote(wanted, safe='/')}"
