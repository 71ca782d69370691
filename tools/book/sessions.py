"""Browsers that are signed in with a key. Of a session's token, as of a key, only a hash is stored."""

from typing import Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.keys import OPEN_KEYS
from tools.storage.caller_schema import api_keys, key_secrets, sessions
from tools.storage.database import Store, reads, writes
from tools.storage.types import Now, NowPlus

SESSION_SECONDS = 24 * 3600.0
LINK_SECONDS = 600.0

_live = sessions.c.expires_at > Now()


class SessionStore(Store):
    """Sessions, and links that open one once."""

    @writes
    def open(self, connection: Connection, token_hash: str, secret_hash: str) -> None:
        """A session for the key of this secret. It lasts for a day, or until the key ends."""
        _store(connection, "session", token_hash, secret_hash)

    @writes
    def offer(self, connection: Connection, token_hash: str, secret_hash: str) -> None:
        """A link that opens a session, once and within ten minutes."""
        _store(connection, "link", token_hash, secret_hash)

    @writes
    def take_up(self, connection: Connection, link_hash: str, token_hash: str) -> bool:
        """Open a session by a link. False if the link was used, or is too old, or never was."""
        used = sa.delete(sessions).where(sessions.c.token_hash == link_hash, sessions.c.kind == "link", _live)
        secret_hash = connection.scalar(used.returning(sessions.c.secret_hash))
        if secret_hash is None:
            return False
        _store(connection, "session", token_hash, secret_hash)
        return True

    @reads
    def secret_of(self, connection: Connection, token_hash: str) -> str | None:
        """The hash of the secret that opened the session; None if there is no such session any more."""
        query = sa.select(sessions.c.secret_hash).where(sessions.c.token_hash == token_hash, _live)
        return connection.scalar(query.where(sessions.c.kind == "session"))

    @writes
    def end(self, connection: Connection, token_hash: str) -> None:
        connection.execute(sa.delete(sessions).where(sessions.c.token_hash == token_hash))

    @reads
    def secret_for(self, connection: Connection, key: str | None = None) -> str | None:
        """The newest valid secret of the key of this name or id; without one, of the oldest key that may do all."""
        newest = key_secrets.c.created_at.desc()
        query = sa.select(key_secrets.c.hash, api_keys.c.scopes).join_from(key_secrets, api_keys)
        query = query.where(OPEN_KEYS, sa.or_(key_secrets.c.expires_at.is_(None), key_secrets.c.expires_at > Now()))
        if key is not None:
            query = query.where(sa.or_(api_keys.c.name == key, api_keys.c.id == key))
        rows = connection.execute(query.order_by(api_keys.c.created_at, newest)).all()
        return next((hashed for hashed, scopes in rows if key is not None or "admin" in scopes), None)


def _store(connection: Connection, kind: Literal["session", "link"], token_hash: str, secret_hash: str) -> None:
    connection.execute(sa.delete(sessions).where(~_live))
    seconds = SESSION_SECONDS if kind == "session" else LINK_SECONDS
    connection.execute(
        sa.insert(sessions).values(
            token_hash=token_hash,
            kind=kind,
            secret_hash=secret_hash,
            created_at=Now(),
            expires_at=NowPlus(seconds),
        )
    )
