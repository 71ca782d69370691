"""A request with an `Idempotency-Key` is done once, however often it is sent.

A key belongs to its caller and to the address it was sent to. Parsed requests are compared, so layout does not matter.
Only answers are stored: a refused request may be corrected and sent again. A process that crashes while it answers
holds the key a little longer than a run may take. The answer to a trigger is its run.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from api.door.errors import MalformedRequest
from tools.book.book import OrderBook
from tools.book.idempotency import IdempotencyStore

HEADER = "idempotency-key"
REPLAYED = {"Idempotency-Replayed": "true"}
MAX_LENGTH = 200
LEASE_MARGIN_SECONDS = 10.5
"""A request may wait before its deadline begins."""


class Attempt:
    """One sending of a request that may carry a key."""

    def __init__(self, request: Request, body: BaseModel, book: OrderBook) -> None:
        self._answers = book.answers
        self._lease = request.app.state.runtime.settings.run_deadline_seconds + LEASE_MARGIN_SECONDS
        self._key = _key(request)
        self._caller = f"{request.state.caller.id} {request.scope['path']}"
        self.body_hash = hash_of(body)

    @property
    def run_id(self) -> str | None:
        """The id of the run that this key begins, so that a repeated request finds it."""
        if self._key is None:
            return None
        return sha256(f"{self._caller}\n{self._key}".encode()).hexdigest()[:32]

    async def answer(self, work: Callable[[], Awaitable[bytes]], *, kept: Callable[[bytes], bytes] = bytes) -> Response:
        """The stored answer, or that of the work. `kept` returns what of it may be stored. Raises InFlight while
        another request with the key is being answered."""
        if self._key is None:
            return _json(await work())
        stored = await self._answers.begin(self._key, self._caller, self.body_hash, lease_seconds=self._lease)
        if stored is not None:
            return _json(stored, REPLAYED)
        async with given_back_unless_done(self._answers, self._key, self._caller):
            body = await work()
        return _json(await self._answers.finish(self._key, self._caller, kept(body).decode()) or body)


@asynccontextmanager
async def given_back_unless_done(answers: IdempotencyStore, key: str, owner: str) -> AsyncIterator[None]:
    """Give the key back if the work fails: nothing was done, and it may be sent again."""
    try:
        yield
    except BaseException:
        await answers.abandon(key, owner)
        raise


def hash_of(body: BaseModel) -> str:
    """The hash of the fields that were sent. A field that a later version adds does not change it."""
    sent = body.model_dump(mode="json", exclude_unset=True)
    return sha256(json.dumps(sent, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _key(request: Request) -> str | None:
    values = request.headers.getlist(HEADER)
    if not values:
        return None
    if len(values) > 1:
        raise MalformedRequest("There are several Idempotency-Key headers; send one.", code="invalid_idempotency_key")
    key = values[0]
    if not (1 <= len(key) <= MAX_LENGTH and key.isascii() and key.isprintable()):
        raise MalformedRequest(
            f"Idempotency-Key must be 1 to {MAX_LENGTH} printable ASCII characters.", code="invalid_idempotency_key"
        )
    return key


def _json(body: bytes | str, headers: dict[str, str] | None = None) -> Response:
    return Response(body, headers=headers, media_type="application/json")
