"""A request with an `Idempotency-Key` is done once, however often it is sent.

A key belongs to its caller and to the address it was sent to. Parsed requests are compared, so layout does not matter.
Only answers are stored: a refused request may be corrected and sent again. A process that crashes while it answers
holds the key a little longer than a run may take. If another process finishes the work, its answer is given at once.
"""

import json
from collections.abc import Awaitable, Callable
from hashlib import sha256

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from api.door.errors import MalformedRequest, restock_problem
from tools.book.book import OrderBook
from tools.book.idempotency import StoredAnswer
from tools.records.errors import InFlight

HEADER = "idempotency-key"
MAX_LENGTH = 200
LEASE_MARGIN_SECONDS = 5.0
_REPLAYED = {"Idempotency-Replayed": "true"}
Work = Callable[[], Awaitable[bytes]]
Ended = Callable[[], Awaitable[bytes | None]]
Result = Callable[[str], Awaitable[bytes | None]]


class Accepted(bytes):
    """An answer before the work is done (202) with the run's address: `asked_for`, or because the wait was over."""

    asked_for = False
    status_url = ""

    @classmethod
    def of(cls, body: bytes, *, asked_for: bool, status_url: str | None = None) -> "Accepted":
        accepted = cls(body)
        accepted.asked_for, accepted.status_url = asked_for, status_url or json.loads(body)["status_url"]
        return accepted


class Attempt:
    """One sending of a request that may carry a key."""

    def __init__(self, request: Request, body: BaseModel, book: OrderBook) -> None:
        self._book = book
        settings = request.app.state.runtime.settings
        self._lease = max(settings.run_deadline_seconds, settings.wait_seconds) + LEASE_MARGIN_SECONDS
        self._key = _key(request)
        self._caller = f"{request.state.caller.id} {request.scope['path']}"
        self._body = body

    @property
    def run_id(self) -> str | None:
        """The id of the run that this key begins, so that a request repeated after a crash finds it."""
        if self._key is None:
            return None
        return sha256(f"{self._caller}\n{self._key}".encode()).hexdigest()[:32]

    async def answer(
        self,
        work: Work,
        ended: Ended | None = None,
        *,
        result: Result | None = None,
        kept: Callable[[bytes], bytes] = bytes,
    ) -> Response:
        """The stored answer, or that of the work.

        While another request with the key is being answered, the answer is what the work has `ended` in, or 409 with
        the run's id. If the stored answer is 202 and `result` is given, the run's result takes its place. `kept`
        returns what of an answer may be stored."""
        if self._key is None:
            return _json(await work())
        body_hash = sha256(self._body.model_dump_json().encode()).hexdigest()
        try:
            stored = await self._book.answers.begin(self._key, self._caller, body_hash, lease_seconds=self._lease)
        except InFlight as error:
            answered = await ended() if ended else None
            return restock_problem(error, run_id=self.run_id) if answered is None else _json(answered, _REPLAYED)
        if stored is not None:
            return _json(await _again(stored, result), _REPLAYED)
        return _json(await self._first(self._key, work, result, kept))

    async def _first(self, key: str, work: Work, result: Result | None, kept: Callable[[bytes], bytes]) -> bytes:
        try:
            body = await work()
        except BaseException:
            await self._book.answers.abandon(key, self._caller)
            raise
        code, shown = (202, body) if isinstance(body, Accepted) else (200, kept(body))
        first = await self._book.answers.finish(key, self._caller, code, shown.decode())
        return body if first is None else await _again(first, result)


async def _again(stored: StoredAnswer, result: Result | None) -> bytes:
    body = stored.body.encode()
    if stored.status_code != 202:
        return body
    found = await result(json.loads(body)["run_id"]) if result else None
    return Accepted.of(body, asked_for=result is None) if found is None else found


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


def _json(body: bytes, headers: dict[str, str] | None = None) -> Response:
    if not isinstance(body, Accepted):
        return Response(body, headers=headers, media_type="application/json")
    applied = {"Preference-Applied": "respond-async"} if body.asked_for else {}
    headers = {"Location": body.status_url, **applied, **(headers or {})}
    return Response(body, 202, headers=headers, media_type="application/json")
