"""`restock keys …`: manages keys in the database, also when no valid key is left."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.opening import AsJson, load_settings, operator, with_book
from api.commands.tables import at_minute

if TYPE_CHECKING:
    from tools.book.keys import Key
    from tools.records.money import Limit

keys = typer.Typer(help="Make, list, rotate, revoke and limit API keys.", no_args_is_help=True, rich_markup_mode=None)

_AMOUNT = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?([A-Z]{3})", re.ASCII)
_DURATION = re.compile(r"(\d{1,6})([mhd])", re.ASCII)
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
_LONGEST = 365 * 86_400

Identity = Annotated[str, typer.Argument(help="The key's id, as `restock keys list` shows it.")]
PerOrder = Annotated[list[str] | None, typer.Option(help="Most that one order may cost, as 5000EUR; repeatable.")]
PerDay = Annotated[list[str] | None, typer.Option(help="Most that all orders of a day (UTC) may cost.")]
InTotal = Annotated[list[str] | None, typer.Option(help="Most that all orders together may ever cost.")]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Whom or what it is for; shown with everything done with it.")],
    scope: Annotated[list[str], typer.Option(help="trigger, read, approve or admin; repeatable.")],
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="When it ends by itself (UTC), as 2027-06-30."),
    ] = None,
    may_approve_own: Annotated[bool, typer.Option(help="Let it approve what it asked for itself.")] = False,
    per_order: PerOrder = None,
    per_day: PerDay = None,
    in_total: InTotal = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show its secret, once."""
    from api.door.auth import kept, new_key
    from tools.book.keys import Grant, identity_of

    secret, scopes = new_key(), _scopes(scope)
    limits = _limits(per_order, per_day, in_total)
    ends = None if until is None else until.replace(tzinfo=UTC)
    if ends is not None and ends <= datetime.now(UTC):
        raise typer.BadParameter(f"{at_minute(ends)} is in the past. Name a later time.")
    grant = Grant(name=_name(name), scopes=scopes, expires_at=ends, may_approve_own=may_approve_own, limits=limits)
    stored, prefix = kept(secret)
    made = with_book(lambda book: book.keys.create(identity_of(stored), stored, prefix, grant, by=operator()))
    _tell(made, as_json, secret)


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Show every key: id, name, scopes, limits, and the first characters and last use of its secrets."""
    for key in with_book(lambda book: book.keys.all()):
        typer.echo(key.model_dump_json() if as_json else _line(key))


@keys.command()
def rotate(
    key_id: Identity,
    overlap: Annotated[str, typer.Option(help="How long the present secret stays valid: 30m, 24h, 7d, 0.")] = "24h",
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and show it, once."""
    from api.door.auth import kept, new_key

    secret, seconds = new_key(), _seconds(overlap)
    renewed = with_book(lambda book: book.keys.rotate(key_id, *kept(secret), overlap_seconds=seconds, by=operator()))
    _tell(renewed, as_json, secret)


@keys.command()
def revoke(key_id: Identity, as_json: AsJson = False) -> None:
    """End a key at once, everywhere."""
    settings = load_settings()
    keep = settings.api_key is None
    _tell(with_book(lambda book: book.keys.revoke(key_id, by=operator(), keep_an_admin=keep), settings), as_json)


@keys.command()
def limit(
    key_id: Identity,
    per_order: PerOrder = None,
    per_day: PerDay = None,
    in_total: InTotal = None,
    none: Annotated[bool, typer.Option("--none", help="Take every limit away.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replace what a key may spend. What it has spent so far counts."""
    limits = _limits(per_order, per_day, in_total)
    if none == bool(limits):
        raise typer.BadParameter("Name at least one limit, as --per-day 5000EUR, or take all away with --none.")
    _tell(with_book(lambda book: book.keys.limit(key_id, limits, by=operator())), as_json)


def _tell(key: "Key", as_json: bool, secret: str | None = None) -> None:
    """The key, and once its new secret."""
    if as_json:
        typer.echo(json.dumps(key.model_dump(mode="json") | ({"secret": secret} if secret else {})))
        return
    typer.echo(_line(key))
    if secret:
        typer.echo(f"API key (shown once, stored as a hash only): {secret}")


def _name(name: str) -> str:
    from tools.records.text import clean_text

    cleaned = clean_text(name, limit=100)
    if not cleaned:
        raise typer.BadParameter("A key needs a name with visible characters.")
    return cleaned


def _scopes(given: list[str]) -> frozenset[str]:
    from tools.book.keys import ALL_SCOPES

    unknown = sorted(set(given) - ALL_SCOPES)
    if unknown:
        raise typer.BadParameter(f"There is no scope {unknown[0]!r}; use {', '.join(sorted(ALL_SCOPES))}.")
    return frozenset(given)


def _limits(per_order: list[str] | None, per_day: list[str] | None, in_total: list[str] | None) -> "tuple[Limit, ...]":
    from tools.records.money import Limit

    of_currency: dict[str, dict[str, Decimal]] = {}
    for name, amounts in {"per_order": per_order, "per_day": per_day, "in_total": in_total}.items():
        for text in amounts or []:
            amount, currency = _amount(text)
            if of_currency.setdefault(currency, {}).setdefault(name, amount) != amount:
                raise typer.BadParameter(f"There are two limits in {currency} of the same kind; give one.")
    return tuple(Limit.model_validate({"currency": currency} | most) for currency, most in of_currency.items())


def _amount(text: str) -> tuple[Decimal, str]:
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no amount. Write it as 5000EUR or 99.50USD.")
    return Decimal(match[1]), match[2]


def _seconds(text: str) -> int:
    match = _DURATION.fullmatch(text)
    seconds = 0 if text == "0" else int(match[1]) * _SECONDS[match[2]] if match else None
    if seconds is None or seconds > _LONGEST:
        raise typer.BadParameter(f"{text!r} is no time up to a year. Write it as 30m, 24h, 7d or 0.")
    return seconds


def _line(key: "Key") -> str:
    """A key on one line."""
    parts = [key.id, key.name, "+".join(key.scopes), *(_limit_words(limit) for limit in key.limits)]
    if key.may_approve_own:
        parts.append("may approve its own")
    if key.revoked_at is not None:
        parts.append(f"revoked {at_minute(key.revoked_at)}")
    elif key.expires_at is not None:
        parts.append(f"ends {at_minute(key.expires_at)}")
    for secret in key.secrets:
        end = "" if secret.expires_at is None else f", opens until {at_minute(secret.expires_at)}"
        used = "never used" if secret.last_used_at is None else f"last used {at_minute(secret.last_used_at)}"
        parts.append(f"{secret.prefix}… {used}{end}")
    return " | ".join(parts)


def _limit_words(limit: "Limit") -> str:
    amounts = {"an order": limit.per_order, "a day": limit.per_day, "in total": limit.in_total}
    return ", ".join(f"{most:,.2f} {limit.currency} {span}" for span, most in amounts.items() if most is not None)
