"""Signing in: a browser shows a key or a link once, and from then on a cookie. It never keeps a key.

The cookie goes to pages of the desk only, and no other site can make a browser send it. A form carries a token beside,
which no other site can read.
"""

import hmac
import secrets
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from api.door.auth import COOKIE, Caller, KeyRing, digest
from api.door.errors import Forbidden, Unauthenticated
from tools.book.book import OrderBook
from tools.book.sessions import SESSION_SECONDS

COOKIE_PATH = "/desk"


class Sessions:
    """The browsers that are signed in."""

    def __init__(self, book: OrderBook, keys: KeyRing) -> None:
        self._stored, self._keys = book.sessions, keys

    async def caller(self, request: Request) -> Caller:
        """Who is signed in here. Raises Unauthenticated if nobody is, or if the key has ended."""
        token = request.cookies.get(COOKIE)
        if token is None:
            raise Unauthenticated("Sign in to see this page.", code="signed_out")
        return await self.of_token(token)

    async def of_token(self, token: str) -> Caller:
        """Whose session this is. Raises Unauthenticated if it or its key has ended."""
        secret_hash = await self._stored.secret_of(_hashed(token))
        caller = None if secret_hash is None else await self._keys.by_hash(secret_hash)
        if caller is None:
            raise Unauthenticated("Your session has ended. Sign in again.", code="session_ended")
        return caller

    async def open(self, key: str) -> str:
        """The token of a new session for the holder of a key. Raises Unauthenticated."""
        presented = key.strip().encode("utf-8", "replace")
        await self._keys.holder(presented)
        token = secrets.token_urlsafe(32)
        await self._stored.open(_hashed(token), digest(presented))
        return token

    async def take_up(self, link: str) -> str:
        """The token of a new session by a link. Raises Unauthenticated if it is used or too old."""
        token = secrets.token_urlsafe(32)
        if not await self._stored.take_up(_hashed(link), _hashed(token)):
            raise Unauthenticated(
                "This link was used already, or is older than ten minutes. Make another: restock sign-in",
                code="link_used",
            )
        return token

    async def offer(self, name: str | None = None) -> str | None:
        """The secret part of a sign-in link for a key by name or id; None if there is no such key."""
        secret_hash = await self._keys.hash_for(name)
        if secret_hash is None:
            return None
        link = secrets.token_urlsafe(24)
        await self._stored.offer(_hashed(link), secret_hash)
        return link

    async def end(self, request: Request) -> None:
        await self._stored.end(_hashed(request.cookies.get(COOKIE, "")))


def set_cookie(response: Response, token: str, *, secure: bool) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_SECONDS),
        path=COOKIE_PATH,
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def form_token(request: Request) -> str:
    """What every form of this session carries."""
    return hmac.new(request.cookies.get(COOKIE, "").encode(), b"form", sha256).hexdigest()


def require_same_origin(request: Request) -> None:
    """Refuse a form that another site sends. Browsers say where a form comes from."""
    origin = request.headers.get("origin")
    elsewhere = origin is not None and origin.partition("://")[2] != request.headers.get("host")
    if elsewhere or request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Forbidden("This form came from another site. Open the page here and send it again.", code="other_site")


def _hashed(token: str) -> str:
    return digest(token.encode("utf-8", "replace"))
