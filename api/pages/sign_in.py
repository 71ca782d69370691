"""Signing in with a key or by a link, and out again."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import HTMLResponse, Response

from api.door.auth import COOKIE, Caller
from api.door.doorkeeper import page_for
from api.door.errors import Refusal
from api.door.sessions import COOKIE_PATH, require_same_origin, set_cookie
from api.pages.desk import DeskForm, DeskGiven, desk_router, inside, see_other, templates

router = APIRouter(prefix="/desk", include_in_schema=False)
signed_in = desk_router()
After = Annotated[str, Query(max_length=2_000)]


class SignIn(BaseModel):
    """A key, or the secret part of a link."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = ""
    link: str = ""
    after: str = ""


@router.get("/sign-in")
async def ask(after: After = "", link: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Ask for a key; by a link, only for a click, so that no program that looks at links uses it up."""
    return _form(after, link)


@router.post("/sign-in")
async def sign_in(form: Annotated[SignIn, Form()], request: Request) -> Response:
    require_same_origin(request)
    sessions = request.app.state.sessions
    opened = ""

    async def identify(_: Request) -> Caller:
        nonlocal opened
        if form.link:
            opened = await sessions.take_up(form.link)
        else:
            opened = await sessions.open(form.key)
        holder: Caller = await sessions.of_token(opened)
        return holder

    try:
        await request.app.state.rate_limits.caller(request, identify, shown=form.link or form.key)
    except Refusal as refusal:
        return _form(form.after, "", refusal)
    answer = see_other(inside(form.after))
    set_cookie(answer, opened, secure=request.url.scheme == "https")
    return answer


@signed_in.post("/sign-out", openapi_extra=page_for("read"))
async def sign_out(form: Annotated[DeskForm, Form()], desk: DeskGiven) -> Response:
    await desk.request.app.state.sessions.end(desk.request)
    answer = see_other("/desk/sign-in")
    answer.delete_cookie(COOKIE, path=COOKIE_PATH, httponly=True, samesite="strict")
    return answer


def _form(after: str, link: str, refusal: Refusal | None = None) -> HTMLResponse:
    text = templates.get_template("sign_in.html").render(after=inside(after), link=link, refusal=refusal)
    return HTMLResponse(text, 200 if refusal is None else refusal.status, refusal.headers if refusal else None)
