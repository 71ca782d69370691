"""Who is calling, and what they may do.

A key is `rsk_` + 32 random bytes + a checksum. The checksum shows a mistyped key without a look-up. Only the SHA-256 is
stored; a plain hash is enough for 256 random bits.
"""

import hmac
import secrets
import zlib
from contextlib import suppress
from hashlib import sha256

from pydantic import SecretStr
from starlette.requests import Request

from api.door.errors import Unauthenticated
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.keys import ALL_SCOPES, Grant, Key, identity_of
from tools.records.errors import IdempotencyMismatch, Unavailable
from tools.records.facts import Record

HEADER = "x-api-key"
COOKIE = "restock_session"
PREFIX = "rsk_"
KEY_LENGTH = len(PREFIX) + 43 + 8
SHOWN_LENGTH = len(PREFIX) + 6
CONFIGURED = "configured"
_QUERY_NAMES = frozenset({"apikey", "xapikey", "key", "token", "accesstoken", "authorization"})


class Caller(Record):
    """The owner of a key. Orders and decisions are recorded under `name`; `id` tells keys of the same name apart."""

    id: str
    name: str
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        return Actor(name=self.name, id=self.id)


_CONFIGURED_CALLER = Caller(id=CONFIGURED, name="configured key", scopes=ALL_SCOPES)


class KeyRing:
    """The valid keys: API_KEY from the settings, and those in the order book."""

    def __init__(self, book: OrderBook, configured: SecretStr | None) -> None:
        self._book = book
        self._configured = digest(configured.get_secret_value().encode()) if configured else None

    async def caller(self, request: Request) -> Caller:
        """The caller of this request. Raises Unauthenticated if it has no valid key."""
        if request.scope["query_string"]:
            _refuse_key_in_query(request)
        return await self.holder(_the_key(request))

    async def holder(self, key: bytes) -> Caller:
        """The caller who has this key. Raises Unauthenticated."""
        caller = await self.by_hash(digest(key), may_be_stored=well_formed(key))
        if caller is None:
            # One answer for all: it tells nobody which keys there were.
            raise Unauthenticated("This key is not valid. Compare it with the key you were given, or ask for one.")
        return caller

    async def by_hash(self, hashed: str, *, may_be_stored: bool = True) -> Caller | None:
        """The caller whose valid key has this hash."""
        if self._configured is not None and hmac.compare_digest(hashed, self._configured):
            return _CONFIGURED_CALLER
        stored = await self._book.keys.by_hash(hashed) if may_be_stored else None
        if stored is None or not stored.live:
            return None
        if stored.use_unnoted:
            with suppress(Unavailable):
                await self._book.keys.note_use(hashed)
        return Caller(id=stored.id, name=stored.name, scopes=stored.scopes)

    async def hash_for(self, name: str | None = None) -> str | None:
        """The hash of the key of this name or id; without one, of API_KEY, or of the oldest key that may do all."""
        if name is None and self._configured:
            return self._configured
        return await self._book.sessions.secret_for(name)

    async def make(self, grant: Grant, *, by: Actor, once: str | None = None) -> tuple[Key, str | None]:
        """A new key and its secret. `once` makes one key only, however often it is asked for, and tells the secret the
        first time only. Raises IdempotencyMismatch if it made another key before."""
        secret = new_key()
        made = await self._book.keys.create(identity_of(once or kept(secret)[0]), *kept(secret), grant, by=by)
        if any(each.prefix == kept(secret)[1] for each in made.secrets):
            return made, secret
        # A first sending that was cut off may have made the key; its secret is lost then, and this one is not stored.
        same = made.name == grant.name and made.may_approve_own == grant.may_approve_own
        if not same or frozenset(made.scopes) != grant.scopes:
            raise IdempotencyMismatch(
                f"This Idempotency-Key made {made.id} before, which is another key; use a new one for a new key."
            )
        return made, None

    async def revoke(self, key_id: str, *, by: Actor) -> Key:
        """End a key at once. Raises UnknownKey, and Conflict for the last one that manages keys, unless API_KEY is
        there."""
        return await self._book.keys.revoke(key_id, by=by, keep_an_admin=self._configured is None)

    async def first_key(self) -> str | None:
        """A new key with every scope if there is no key yet, else None. It cannot be read again: show it."""
        if self._configured:
            return None
        key = new_key()
        # Who has one key has no second pair of eyes.
        grant = Grant(name="first key", scopes=ALL_SCOPES, may_approve_own=True)
        return key if await self._book.keys.store_first(*kept(key), grant) else None


def new_key() -> str:
    body = PREFIX + secrets.token_urlsafe(32)
    return body + _checksum(body.encode())


def kept(key: str) -> tuple[str, str]:
    """What is stored of a key: its hash, and its first characters for people."""
    return digest(key.encode()), key[:SHOWN_LENGTH]


def well_formed(key: bytes) -> bool:
    """Whether prefix, length and checksum are those of a key."""
    body, checksum = key[:-8], key[-8:]
    return len(key) == KEY_LENGTH and key.startswith(PREFIX.encode()) and _checksum(body).encode() == checksum


def digest(key: bytes) -> str:
    return sha256(key).hexdigest()


def _checksum(body: bytes) -> str:
    return f"{zlib.crc32(body):08x}"


def presented(request: Request) -> list[str]:
    """The keys that a request carries: in X-API-Key, and as the bearer of Authorization."""
    keys = request.headers.getlist(HEADER)
    for value in request.headers.getlist("authorization"):
        scheme, _, key = value.partition(" ")
        if scheme.lower() == "bearer":
            keys.append(key.strip())
    return keys


def fingerprint(request: Request) -> bytes:
    """Of the keys and the session that a request carries. Who shows the same again has the same."""
    shown = [*presented(request), request.cookies.get(COOKIE, "")]
    return sha256("\n".join(shown).encode("utf-8", "replace")).digest()


def _the_key(request: Request) -> bytes:
    """The one key of the request. In both headers it may stand twice: some proxies copy it."""
    keys = presented(request)
    if not keys:
        raise Unauthenticated("Send your key in the X-API-Key header, or as Authorization: Bearer.", code="key_missing")
    if len(request.headers.getlist(HEADER)) > 1 or len(set(keys)) > 1:
        raise Unauthenticated("There are several keys in X-API-Key or Authorization; send exactly one.")
    return keys[0].encode("latin-1")


def _refuse_key_in_query(request: Request) -> None:
    """Addresses end up in logs and browser histories, so a key in one is no longer secret."""
    for name in request.query_params:
        if name.lower().replace("-", "").replace("_", "") in _QUERY_NAMES:
            raise Unauthenticated("Never put a key in the address; send it as X-API-Key.", code="key_in_query")
