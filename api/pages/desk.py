"""What every page of the desk is made with: who is signed in, the templates, forms, and how figures are written."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from functools import wraps
from hashlib import sha256
from math import isfinite
from secrets import token_hex
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict
from starlette.responses import HTMLResponse, RedirectResponse, Response

from agent.runtime import Runtime
from api import VERSION
from api.door.auth import Caller
from api.door.doorkeeper import CallerGiven, RuntimeGiven
from api.door.errors import Forbidden, status_of
from api.door.idempotency import given_back_unless_done
from api.door.sessions import form_token
from tools.book.keys import Scope
from tools.records.errors import BeyondAuthority, Conflict, IdempotencyMismatch, InFlight, InvalidInput, RestockError
from tools.records.text import amount, days, percent, several, without_commands, without_invisible
from tools.records.text import money as with_currency

NOT_KNOWN = "–"
LOOK_SECONDS = 0.5
"""Between two looks at what other processes work on."""
ONCE_SECONDS = 120.0
"""A form whose process died may be sent again after this time."""
Route = Callable[..., Awaitable[Response]]
CORRECTABLE: tuple[type[RestockError], ...] = (BeyondAuthority, Conflict, InvalidInput)
"""What a person can put right, or see the reason of, on the page from which the form was sent."""

SENT_BEFORE = "This form was sent before with another quantity, which is recorded below. Send it anew if more came."


class DeskForm(BaseModel):
    """What every form carries beside its own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    csrf: str
    once: str = ""
    """Different in each form that is shown, so that a double click is one deed."""


class Desk:
    """A page in the making."""

    def __init__(self, request: Request, runtime: Runtime, caller: Caller) -> None:
        self.request, self.runtime, self.caller = request, runtime, caller

    async def page(self, template: str, *, refusal: RestockError | None = None, **shown: Any) -> HTMLResponse:
        """A page from a template, which is given who is signed in, what waits, a refusal, and what is `shown`."""
        waiting, _ = await self.runtime.book.reviews.figures()
        _, late = await self.runtime.book.orders.figures()
        around = {
            "caller": self.caller,
            "can": self.caller.scopes,
            "csrf": form_token(self.request),
            "once": token_hex(16),
            "waiting": waiting,
            "late_orders": late,
            "path": self.request.url.path,
            "own": await self.runtime.today.is_own(),
            "refusal": refusal,
        }
        text = templates.get_template(template).render(around | shown)
        return HTMLResponse(text, 200 if refusal is None else status_of(refusal))

    async def once(self, once: str, work: Callable[[], Awaitable[str]]) -> str:
        """What a form led to. However often it is sent, its work is done once. Raises InFlight while it is done."""
        if not once:
            return await work()
        answers, owner = self.runtime.book.answers, f"{self.caller.id} {self.request.url.path}"
        try:
            known = await answers.begin(once, owner, "", lease_seconds=ONCE_SECONDS)
        except InFlight:
            raise InFlight("This form is being worked on already. Look again in a few seconds.") from None
        if known is not None:
            return known
        async with given_back_unless_done(answers, once, owner):
            result = await work()
        return await answers.finish(once, owner, result) or result

    def deed_id(self, form: DeskForm, *about: str) -> str | None:
        """The id of what a form does, however often it is sent."""
        return deed_id(self.caller, form.once, *about) if form.once else None

    def require(self, scope: Scope) -> None:
        """Raises Forbidden if the session's key lacks the scope."""
        if scope not in self.caller.scopes:
            raise Forbidden(f"This needs a key with the scope {scope!r}; ask an administrator for one.")


async def _desk(request: Request, runtime: RuntimeGiven, caller: CallerGiven) -> Desk:
    return Desk(request, runtime, caller)


DeskGiven = Annotated[Desk, Depends(_desk)]


async def _checked_form(request: Request) -> AsyncIterator[None]:
    """Refuse a form that was not made for this session. Its files are closed at the end."""
    if request.method != "POST":
        yield
        return
    async with request.form() as form:
        _require_own(request, form.get("csrf"))
        yield


def _require_own(request: Request, sent: object) -> None:
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), form_token(request).encode()):
        raise Forbidden("This form is from another session. Open the page again and send it anew.", code="old_form")


def desk_router() -> APIRouter:
    """A router of pages. Its forms are checked before their route sees them."""
    return APIRouter(
        prefix="/desk",
        include_in_schema=False,
        default_response_class=HTMLResponse,
        dependencies=[Depends(_checked_form)],
    )


def or_page(page: Route, *also: type[RestockError]) -> Callable[[Route], Route]:
    """A route of a form. What a person can put right is shown on the page that the form came from: `page` is given what
    the route is given, and the `refusal`. So are errors of the kinds `also`."""

    def decorated(route: Route) -> Route:
        @wraps(route)
        async def answer(**given: Any) -> Response:
            try:
                return await route(**given)
            except IdempotencyMismatch:
                return await page(**given, refusal=IdempotencyMismatch(SENT_BEFORE))
            except (*CORRECTABLE, *also) as error:
                return await page(**given, refusal=error)

        return answer

    return decorated


def see_other(address: str) -> RedirectResponse:
    """Send the browser to a page after a form, so that reloading does not send the form again."""
    return RedirectResponse(address, 303)


def address_of_product(product_id: str, location: str = "") -> str:
    """The page of a product, at its own location or this one."""
    at = f"?location={quote(location, safe='')}" if location else ""
    return f"/desk/products/{quote(product_id, safe='')}{at}"


def deed_id(by: Caller, once: str, *about: str) -> str:
    """The id of what a form does, however often it is sent."""
    return sha256("\n".join((by.id, once, *about)).encode()).hexdigest()[:32]


def inside(address: str) -> str:
    """An address of the desk as it is; for any other the desk's first page."""
    is_inside = address.startswith(("/desk/", "/desk?", "/desk#")) and "\\" not in address
    return address if is_inside else "/desk"


def _number(value: float | None, digits: int = 2) -> str:
    return NOT_KNOWN if value is None or not isfinite(value) else amount(value, digits)


def _money(value: Any, currency: str = "") -> str:
    return NOT_KNOWN if value is None else with_currency(value, currency).rstrip()


def _day(value: date | None) -> str:
    """A day as people write it: 30 Nov 2026."""
    return NOT_KNOWN if value is None else f"{value.day} {value:%b %Y}"


def _since(moment: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    minutes = int((datetime.now(UTC) - moment).total_seconds() // 60)
    for size, noun in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            return several(minutes // size, noun)
    return "just now"


def _shown(value: Any) -> Any:
    """What a page shows of a text: characters that turn or hide others are left out, whoever wrote them."""
    return without_invisible(value) if type(value) is str else value


templates = Environment(
    finalize=_shown,
    loader=PackageLoader("api.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters |= {
    "number": _number,
    "money": _money,
    "day": _day,
    "days": days,
    "percent": percent,
    "several": several,
    "since": _since,
    "at_desk": without_commands,
}
templates.globals |= {
    "version": VERSION,
    "product": address_of_product,
    "right": "The chance that this quantity turns out right: no stock-out before the next delivery, and not too much "
    "left over.",
    "chance_of": "Confidence: the chance that it neither runs out before the next delivery nor leaves too much over.",
}
