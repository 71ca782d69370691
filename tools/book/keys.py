"""API keys with their scopes and limits. Of a key's secrets only hashes are stored.

A key's id stays. Its secret can be replaced, and the old one stays valid for a time (rotation).
"""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, get_args

import sqlalchemy as sa
from pydantic import AwareDatetime
from sqlalchemy import Connection

from tools.book.audit import SERVICE, Actor
from tools.book.placing import next_value, write_audit
from tools.book.spending import FOREVER, limits_from, restate
from tools.records.errors import Conflict, UnknownKey
from tools.records.facts import Record
from tools.records.money import Limit
from tools.storage.caller_schema import api_keys, key_secrets
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import orders
from tools.storage.types import Now, NowPlus

Scope = Literal["trigger", "read", "approve", "admin"]
ALL_SCOPES: frozenset[str] = frozenset(get_args(Scope))
MAX_KEYS = 1_000
_USE_NOTED_SECONDS = 60

OPEN_KEYS = sa.and_(
    api_keys.c.revoked_at.is_(None), sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > Now())
)
"""The keys that are neither revoked nor expired, by the database's clock."""
_unspent = sa.or_(key_secrets.c.expires_at.is_(None), key_secrets.c.expires_at > Now())
_unnoted = sa.or_(
    key_secrets.c.last_used_at.is_(None), key_secrets.c.last_used_at <= NowPlus(float(-_USE_NOTED_SECONDS))
)
_BY_HASH = sa.select(
    api_keys.c.id,
    api_keys.c.name,
    key_secrets.c.prefix,
    api_keys.c.scopes,
    sa.and_(OPEN_KEYS, _unspent).label("live"),
    _unnoted.label("use_unnoted"),
).join_from(key_secrets, api_keys)


class StoredKey(Record):
    """The key of a secret. People know it by its `prefix`."""

    id: str
    name: str
    prefix: str
    scopes: frozenset[str]
    live: bool
    """Neither revoked nor expired."""
    use_unnoted: bool = False
    """Its recorded last use is a minute ago or longer."""


class Secret(Record):
    """What is shown of a key's secret."""

    prefix: str
    """Its first characters."""
    created_at: AwareDatetime
    """When it was made."""
    expires_at: AwareDatetime | None
    """When it ends; null while no end is set."""
    last_used_at: AwareDatetime | None
    """When it was last used, to within a minute; null if never."""


class Key(Record):
    """A key as administrators see it, without expired secrets."""

    id: str
    """The key's id; it stays when the secret is replaced."""
    name: str
    """Name that people know it by."""
    scopes: tuple[str, ...]
    """What it may do: trigger, read, approve, admin."""
    limits: tuple[Limit, ...]
    """What it may spend, by currency; empty for no limit."""
    may_approve_own: bool
    """Whether it may approve orders that it asked for itself."""
    created_at: AwareDatetime
    """When it was made."""
    expires_at: AwareDatetime | None
    """When it ends by itself; null for never."""
    revoked_at: AwareDatetime | None
    """When it was revoked; null while it is valid."""
    secrets: tuple[Secret, ...]
    """Its valid secrets; two while one replaces the other."""


class Grant(Record):
    """What a new key may do, and until when."""

    name: str
    scopes: frozenset[str]
    expires_at: AwareDatetime | None = None
    may_approve_own: bool = False
    limits: tuple[Limit, ...] = ()


class KeyStore(Store):
    """Keys. Every change is on the audit trail."""

    @writes
    def store_first(self, connection: Connection, key_hash: str, prefix: str, grant: Grant) -> bool:
        """Store a key if there is none yet. Of many processes that start at once, one gets True and shows its key."""
        _one_at_a_time(connection)
        if connection.scalar(sa.select(api_keys.c.id).limit(1)) is not None:
            return False
        _insert(connection, identity_of(key_hash), key_hash, prefix, grant, by=SERVICE)
        return True

    @writes
    def create(
        self, connection: Connection, key_id: str, key_hash: str, prefix: str, grant: Grant, *, by: Actor
    ) -> Key:
        """Store a new key. If there is a key of this id already, it is returned as it is."""
        _insert(connection, key_id, key_hash, prefix, grant, by=by)
        return _key(connection, key_id)

    @writes
    def rotate(
        self, connection: Connection, key_id: str, key_hash: str, prefix: str, *, overlap_seconds: float, by: Actor
    ) -> Key:
        """Give the key a new secret. The old ones stay valid for `overlap_seconds`, unless they end sooner. Raises
        UnknownKey; Conflict for a revoked key."""
        _require_live(connection, key_id)
        overlap_end = NowPlus(overlap_seconds)
        before = sa.update(key_secrets).where(key_secrets.c.key_id == key_id)
        ending = sa.or_(key_secrets.c.expires_at.is_(None), key_secrets.c.expires_at > overlap_end)
        connection.execute(before.where(ending).values(expires_at=overlap_end))
        connection.execute(_secret(key_id, key_hash, prefix))
        write_audit(connection, "key.rotated", by, {"key_id": key_id, "overlap_seconds": overlap_seconds})
        return _key(connection, key_id)

    @writes
    def revoke(self, connection: Connection, key_id: str, *, by: Actor, keep_an_admin: bool = True) -> Key:
        """End the key at once, everywhere. Revoking again changes nothing. Raises UnknownKey; with `keep_an_admin` also
        Conflict for the last key with the scope admin."""
        _one_at_a_time(connection)
        key = _key(connection, key_id)
        if key.revoked_at is not None:
            return key
        if keep_an_admin and "admin" in key.scopes and not _other_admin(connection, key_id):
            raise Conflict(f"{key_id} is the last key with the scope admin; create another one first, or set API_KEY.")
        connection.execute(sa.update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=Now()))
        write_audit(connection, "key.revoked", by, {"key_id": key_id, "name": key.name})
        return _key(connection, key_id)

    @writes
    def limit(self, connection: Connection, key_id: str, limits: Sequence[Limit], *, by: Actor) -> Key:
        """Replace the key's limits. What it has spent so far counts, today and in total, also without a limit. Raises
        UnknownKey; Conflict for a revoked key."""
        before = _require_live(connection, key_id)
        stored = [limit.model_dump(mode="json") for limit in limits]
        connection.execute(sa.update(api_keys).where(api_keys.c.id == key_id).values(limits=stored))
        restate(connection, key_id, _spent_by(connection, key_id))
        figures = {"key_id": key_id, "limits": stored}
        figures["limits_before"] = [limit.model_dump(mode="json") for limit in before.limits]
        write_audit(connection, "key.limited", by, figures)
        return _key(connection, key_id)

    @reads
    def all(self, connection: Connection) -> list[Key]:
        """All keys, newest first, at most 1,000, revoked ones too."""
        query = sa.select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.id).limit(MAX_KEYS)
        return _keys(connection, query)

    @reads
    def may(self, connection: Connection, key_id: str, scope: Scope) -> bool:
        """Whether the key of this id has the scope. A caller without a stored key (API_KEY, or a program that uses the
        book itself) may do everything."""
        scopes = connection.scalar(sa.select(api_keys.c.scopes).where(api_keys.c.id == key_id))
        return scopes is None or scope in scopes

    @reads
    def by_hash(self, connection: Connection, key_hash: str) -> StoredKey | None:
        row = connection.execute(_BY_HASH.where(key_secrets.c.hash == key_hash)).mappings().first()
        return None if row is None else StoredKey.model_validate(dict(row))

    @writes
    def note_use(self, connection: Connection, key_hash: str) -> None:
        """Record that the secret was used just now. Call it at most once a minute."""
        used = sa.update(key_secrets).where(key_secrets.c.hash == key_hash, _unnoted).values(last_used_at=Now())
        connection.execute(used)


def identity_of(text: str) -> str:
    """A key's id, from 12 hexadecimal digits or more that nobody else has.

    >>> identity_of("0f8fad5bd9cb469fa16570867728950e")
    'key_0f8fad5bd9cb'
    """
    return f"key_{text[:12]}"


def _one_at_a_time(connection: Connection) -> None:
    """Let others wait here until this transaction's keys can be seen."""
    next_value(connection, "first key")


def _insert(connection: Connection, key_id: str, key_hash: str, prefix: str, grant: Grant, *, by: Actor) -> None:
    about = grant.model_dump(mode="json", exclude={"expires_at"}) | {"scopes": sorted(grant.scopes)}
    new = conflict_insert(api_keys).values(id=key_id, created_at=Now(), expires_at=grant.expires_at, **about)
    stored = connection.execute(new.on_conflict_do_nothing().returning(api_keys.c.id))
    if stored.first() is None:
        return
    connection.execute(_secret(key_id, key_hash, prefix))
    end = None if grant.expires_at is None else grant.expires_at.isoformat()
    write_audit(connection, "key.created", by, {"key_id": key_id, "prefix": prefix, "expires_at": end} | about)


def _secret(key_id: str, key_hash: str, prefix: str) -> sa.Insert:
    return sa.insert(key_secrets).values(hash=key_hash, key_id=key_id, prefix=prefix, created_at=Now())


def _require_live(connection: Connection, key_id: str) -> Key:
    _one_at_a_time(connection)
    key = _key(connection, key_id)
    if key.revoked_at is not None:
        raise Conflict(f"{key_id} is revoked for good. Create another key.")
    return key


def _other_admin(connection: Connection, key_id: str) -> bool:
    others = connection.scalars(sa.select(api_keys.c.scopes).where(OPEN_KEYS, api_keys.c.id != key_id))
    return any("admin" in scopes for scopes in others)


def _spent_by(connection: Connection, key_id: str) -> dict[tuple[str, str], Decimal]:
    """What the key's orders have cost, by period and currency."""
    now = connection.scalar(sa.select(Now()))
    columns = (orders.c.created_at, orders.c.currency, orders.c.total)
    mine = sa.select(*columns).where(orders.c.placed_by_id == key_id, orders.c.type == "purchase_order")
    spent: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for created_at, currency, total in connection.execute(mine).all():
        if total is not None:
            spent[FOREVER, currency] += total
            if now is not None and created_at.date() == now.date():
                spent[now.date().isoformat(), currency] += total
    return spent


def _key(connection: Connection, key_id: str) -> Key:
    found = _keys(connection, sa.select(api_keys).where(api_keys.c.id == key_id))
    if not found:
        raise UnknownKey(f"No key {key_id[:40]!r}; ids look like key_0f8fad5bd9cb and are listed under keys.")
    return found[0]


def _keys(connection: Connection, query: sa.Select[Any]) -> list[Key]:
    rows = connection.execute(query).mappings().all()
    secrets = sa.select(key_secrets).where(key_secrets.c.key_id.in_([row["id"] for row in rows]), _unspent)
    of_key: dict[str, list[Secret]] = defaultdict(list)
    for row in connection.execute(secrets.order_by(key_secrets.c.created_at)).mappings():
        of_key[row["key_id"]].append(Secret.model_validate({name: row[name] for name in Secret.model_fields}))
    return [
        Key.model_validate(dict(row) | {"limits": limits_from(row["limits"]), "secrets": of_key[row["id"]]})
        for row in rows
    ]
