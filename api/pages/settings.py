"""Settings in force, the models and their state, automatic ordering, and keys for administrators."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Form, Path
from pydantic import ValidationError
from starlette.responses import Response

from agent.secrets import shown
from agent.settings import GROUPS
from agent.settings import Settings as SettingsInForce
from api.bodies.keys import NewKey
from api.door.auth import KeyRing
from api.door.doorkeeper import page_for
from api.pages import typed
from api.pages.data import switch_shown
from api.pages.desk import Desk, DeskForm, DeskGiven, desk_router, or_page, see_other
from tools.book.keys import ALL_SCOPES, Key
from tools.records.errors import InvalidInput, NotFound, RestockError

router = desk_router()
FOR_ALL = frozenset({"Models", "Orders and limits"})
"""Groups that concern planners. The others tell administrators of machines and addresses."""
USED_UP = "migrate_at_start"
"""What `restock serve` turns off once it has migrated: it would be shown as a change that nobody made."""
SCOPE_WORDS = {
    "read": "look at everything",
    "trigger": "ask for decisions",
    "approve": "decide reviews, order, bring in data",
    "admin": "manage keys and automatic ordering",
}


class KeyForm(DeskForm):
    """A key to be made, as it is typed."""

    name: str = ""
    scopes: tuple[str, ...] = ()
    may_approve_own: bool = False
    until: str = ""
    currency: str = ""
    per_order: str = ""
    per_day: str = ""
    in_total: str = ""

    def asked(self) -> NewKey:
        """Raises InvalidInput for what cannot be."""
        amounts = {name: text for name in ("per_order", "per_day", "in_total") if (text := getattr(self, name).strip())}
        limits: list[dict[str, Any]] = []
        if amounts:
            limits = [{"currency": self.currency.strip().upper()}]
            limits[0] |= {name: typed.number(text, "amount") for name, text in amounts.items()}
        given = {"name": self.name, "scopes": list(self.scopes), "may_approve_own": self.may_approve_own}
        try:
            return NewKey.model_validate(given | {"limits": limits, "expires_at": _end(self.until)})
        except ValidationError as error:
            raise InvalidInput(_in_words(error)) from None


async def _page(
    desk: Desk, *, key_id: str = "", form: DeskForm | None = None, refusal: RestockError | None = None
) -> Response:
    is_admin = "admin" in desk.caller.scopes
    readiness = await desk.runtime.readiness()
    keys = await desk.runtime.book.keys.all() if is_admin else []
    return await desk.page(
        "settings.html",
        refusal=refusal,
        form=form if isinstance(form, KeyForm) else KeyForm(csrf=""),
        models=readiness["models"],
        groups={name: each for name, each in _groups(desk.runtime.settings).items() if is_admin or name in FOR_ALL},
        keys=[(key, _state(key)) for key in keys],
        scope_words=SCOPE_WORDS,
        **await switch_shown(desk),
    )


@router.get("/settings", openapi_extra=page_for("read"))
async def settings(desk: DeskGiven) -> Response:
    """How this service is set up, without its secrets."""
    return await _page(desk)


@router.post("/settings/keys", openapi_extra=page_for("admin"))
@or_page(_page)
async def create_key(form: Annotated[KeyForm, Form()], desk: DeskGiven) -> Response:
    """Make a key. Only this page shows its secret, and only once."""
    once = sha256(f"{desk.caller.id}\n{form.model_dump_json(exclude={'csrf'})}".encode()).hexdigest()
    made, secret = await _ring(desk).make(form.asked().grant, by=desk.caller.actor, once=once if form.once else None)
    return await desk.page("key.html", key=made, secret=secret)


@router.post("/settings/keys/{key_id}/revoke", openapi_extra=page_for("admin"))
@or_page(_page, NotFound)
async def revoke_key(
    key_id: Annotated[str, Path(max_length=100)], form: Annotated[DeskForm, Form()], desk: DeskGiven
) -> Response:
    """End a key at once. Revoking it again changes nothing."""
    await _ring(desk).revoke(key_id, by=desk.caller.actor)
    return see_other("/desk/settings#keys")


def _groups(in_force: SettingsInForce) -> dict[str, list[tuple[str, str, bool, str]]]:
    """The settings as `.env.example` groups them: name, value, whether it differs from the default, and meaning."""
    groups: dict[str, list[tuple[str, str, bool, str]]] = {}
    heading = ""
    for name, about in SettingsInForce.model_fields.items():
        heading = GROUPS.get(name, heading)
        if name != USED_UP:
            changed, meaning = getattr(in_force, name) != about.default, " ".join((about.description or "").split())
            groups.setdefault(heading, []).append((name.upper(), shown(in_force, name), changed, meaning))
    return groups


def _state(key: Key) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= datetime.now(UTC) else "valid"


def _end(until: str) -> datetime | None:
    """The end of a day (UTC) from today on."""
    day = typed.day(until)
    if day is None:
        return None
    if day < datetime.now(UTC).date():
        raise InvalidInput(f"{day} is over; a key ends on a later day, or never if it is left empty.")
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(1)


def _in_words(error: ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    words = {
        "name": "Give the key a name of at most 100 characters, so that people know whose it is.",
        "scopes": f"Say what the key may do: one or more of {', '.join(sorted(ALL_SCOPES))}.",
        "limits": "A limit needs a currency such as EUR, and amounts with at most 6 decimals.",
    }
    return words.get(name) or f"{name}: {first['msg']}."


def _ring(desk: Desk) -> KeyRing:
    ring: KeyRing = desk.request.app.state.keys
    return ring
