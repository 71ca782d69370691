"""Turns a problem document into a page where a browser asked for a page of the desk."""

from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from api.door.retold import Problem
from api.door.security_headers import ON_DESK_PAGES
from api.pages.desk import templates

DESK = "/desk"
_REVIEW = "/reviews/"


def is_for_people(scope: Scope) -> bool:
    """A page of the desk, or a review's address in a browser: links to reviews are sent to people."""
    path: str = scope["path"]
    if path == DESK or path.startswith(f"{DESK}/"):
        return True
    headers = Headers(scope=scope)
    return path.startswith(_REVIEW) and "text/html" in headers.get("accept", "") and "x-api-key" not in headers


def refusal_page(scope: Scope, status: int, headers: dict[str, str], problem: Problem) -> Response:
    """What a person must do next: sign in, go back, or try again."""
    if scope["path"].startswith(_REVIEW):
        return RedirectResponse(f"{DESK}{quote(scope['path'])}", 303)
    kept = {name: value for name, value in headers.items() if name in ("retry-after", "x-request-id", "allow")}
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
