"""The page in the place of a problem document where a browser asked for a page of the desk."""

from collections.abc import Mapping
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from api.door.problem_forms import Problem
from api.door.security_headers import ON_DESK_PAGES
from api.pages.desk import templates

DESK = "/desk"


def page_of_review(scope: Scope, status: int, headers: Mapping[str, str], problem: Problem) -> Response | None:
    """A review's address in a browser leads to its page: links to reviews are sent to people."""
    return _page_at(f"{DESK}{quote(scope['path'])}", scope)


def page_of_calibration(scope: Scope, status: int, headers: Mapping[str, str], problem: Problem) -> Response | None:
    """The address of the calibration in a browser leads to the page that says what it means."""
    return _page_at(f"{DESK}/trust", scope)


def _page_at(address: str, scope: Scope) -> Response | None:
    """If a page is asked for, without a key."""
    asked = Headers(scope=scope)
    is_page = "text/html" in asked.get("accept", "") and "x-api-key" not in asked
    return RedirectResponse(address, 303) if is_page else None


def page(scope: Scope, status: int, headers: Mapping[str, str], problem: Problem) -> Response:
    """What a person must do next is on the page: sign in, go back, or try again."""
    kept = {name: headers[name] for name in ("retry-after", "x-request-id", "allow") if name in headers}
    response: Response
    if status == 401 and scope["method"] == "GET" and Headers(scope=scope).get("sec-fetch-site") == "cross-site":
        # The cookie did not come along, because another site leads here. It does once the page asks for itself.
        response = HTMLResponse(templates.get_template("again.html").render(), headers=kept)
    elif status == 401 and problem["code"] in ("signed_out", "session_ended") and scope["method"] == "GET":
        response = RedirectResponse(_sign_in(scope), 303, kept)
    else:
        response = HTMLResponse(templates.get_template("refusal.html").render(problem=problem), status, kept)
    for name, value in ON_DESK_PAGES:
        response.headers[name] = value
    return response


def _sign_in(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    wanted = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    return f"{DESK}/sign-in" if wanted == DESK else f"{DESK}/sign-in?after={quote(wanted, safe='/')}"
