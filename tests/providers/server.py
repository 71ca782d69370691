"""What both provider servers share: scripting, recording, strictness, and every fault that is about the connection."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from tests.providers.planner import lookups, planner, product_id, submission
from tests.providers.script import FAULTS, Answer, Call, Fault, Question, Step
from tests.providers.wire import Exchange, HttpServer, Request

STATUSES = {
    "401": 401,
    "403": 403,
    "404": 404,
    "400": 400,
    "413": 413,
    "429": 429,
    "429-hint": 429,
    "500": 500,
    "503": 503,
}
PAGE = b"<!doctype html><html><body><h1>Something in between is not well</h1></body></html>"
HUGE = 5_000_000
HINT_SECONDS = 7.0


class Rejected(Exception):
    """What the real service would answer to such a request: a 4xx."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Received:
    body: dict[str, Any]
    headers: dict[str, str]
    question: Question


class ProviderServer(ABC):
    """A provider on 127.0.0.1, strict as the real one and as unreliable as the script says.

        async with GeminiServer() as gemini:
            gemini.queue("503", Answer("Hello."))      # the next two requests
            gemini.always = planner                    # all others (this is the default)
            await gemini.become("refused")             # the same, and the only way to refuse connections
            gemini.delay = 0.8                         # seconds before every answer
            ... gemini.url, gemini.received[-1].body, gemini.complaints

    `complaints` lists every request that the real service would have rejected: a test of ours ends with it empty. Over
    HTTP, `POST /control {"always": "503", "delay": 0.2, "queue": ["429"]}` does the same for another process, and
    `GET /control` tells how many requests came and what was wrong with them.
    """

    name = "provider"
    key_setting = ""

    def __init__(self, *, key: str = "a-good-key", delay: float = 0.0, always: Step = planner, port: int = 0) -> None:
        self.key = key
        self.delay = delay
        self.always = always
        self.received: list[Received] = []
        self.complaints: list[str] = []
        self._queue: deque[Step] = deque()
        self._http = HttpServer(self._handle, port=port)

    async def __aenter__(self) -> Self:
        await self._http.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    @property
    def url(self) -> str:
        return self._http.url

    def queue(self, *steps: Step) -> None:
        self._queue.extend(_known(step) for step in steps)

    async def become(self, step: Step) -> None:
        """Answer everything with this from now on; what was queued is forgotten."""
        self._queue.clear()
        self.always = _known(step)
        await (self._http.refuse() if step == "refused" else self._http.listen())

    @abstractmethod
    def read(self, request: Request) -> Question:
        """The question in a request; raises Rejected for one that the real service would not accept."""

    @abstractmethod
    def error(self, status: int, message: str, code: str = "", retry_after: float | None = None) -> dict[str, Any]:
        """An error's body."""

    @abstractmethod
    def whole(self, answer: Answer, question: Question) -> dict[str, Any]:
        """An answer's body."""

    @abstractmethod
    def events(self, answer: Answer, question: Question) -> list[dict[str, Any]]:
        """An answer in pieces; the last one alone has the ending."""

    @abstractmethod
    def odd(self, fault: str, question: Question) -> dict[str, Any] | Answer | Rejected | None:
        """The provider's own form of a fault: a body, an answer, an error, or None where it has none of its own."""

    async def _handle(self, exchange: Exchange) -> None:
        if exchange.request.path == "/control":
            await self._control(exchange)
            return
        try:
            question = self.read(exchange.request)
        except Rejected as rejected:
            self.complaints.append(str(rejected))
            await exchange.send(rejected.status, self.error(rejected.status, str(rejected), rejected.code))
            return
        self.received.append(Received(exchange.request.json(), dict(exchange.request.headers), question))
        step = self._queue.popleft() if self._queue else self.always
        await asyncio.sleep(self.delay)
        await self._perform(exchange, question, step)

    async def _perform(self, exchange: Exchange, question: Question, step: Step) -> None:
        if isinstance(step, str):
            step = Fault(step)
        if isinstance(step, Fault):
            await self._fail(exchange, question, step)
        else:
            await self._answer(exchange, question, step if isinstance(step, Answer) else step(question))

    end_mark = b""
    """What ends a stream on the wire."""

    async def _answer(self, exchange: Exchange, question: Question, answer: Answer) -> None:
        if question.streamed:
            await self._send_events(exchange, self.events(answer, question), end=self.end_mark)
        else:
            await exchange.send(200, self.whole(answer, question))

    async def _send_events(self, exchange: Exchange, events: Sequence[dict[str, Any]], *, end: bytes = b"") -> None:
        await exchange.begin_events()
        for event in events:
            await exchange.event(b"data: " + json.dumps(event).encode() + b"\r\n\r\n")
        if end:
            await exchange.event(end)
        await exchange.end_events()

    async def _fail(self, exchange: Exchange, question: Question, fault: Fault) -> None:
        if fault.name in STATUSES:
            await self._send_status(exchange, fault)
        elif (broken := self._broken().get(fault.name)) is not None:
            await broken(exchange, question)
        else:
            await self._send_odd(exchange, question, self._misbehave(fault.name, question))

    def _broken(self) -> dict[str, Callable[[Exchange, Question], Awaitable[None]]]:
        return {
            "502": self._bad_gateway,
            "redirect": self._redirect,
            "html": self._page,
            "reset": self._reset,
            "reset-middle": self._reset_middle,
            "hang": self._hang,
            "drip": self._drip,
            "malformed": self._malformed,
            "truncated": self._truncated,
            "stream-error": self._stream_error,
        }

    async def _send_status(self, exchange: Exchange, fault: Fault) -> None:
        status = STATUSES[fault.name]
        hint = fault.retry_after if fault.name != "429-hint" else fault.retry_after or HINT_SECONDS
        body = self.error(status, FAULTS[fault.name], retry_after=hint)
        await exchange.send(status, body, headers=self.hint_headers(hint))

    def hint_headers(self, retry_after: float | None) -> dict[str, str]:
        return {"retry-after": f"{retry_after:g}"} if retry_after is not None else {}

    async def _bad_gateway(self, exchange: Exchange, question: Question) -> None:
        await exchange.send(502, PAGE, content_type="text/html")

    async def _redirect(self, exchange: Exchange, question: Question) -> None:
        """To a path that nothing of the provider's has: whoever follows is among the complaints."""
        elsewhere = self.url.replace("127.0.0.1", "localhost") + "/elsewhere"
        await exchange.send(307, b"", headers={"location": elsewhere})

    async def _page(self, exchange: Exchange, question: Question) -> None:
        await exchange.send(200, PAGE, content_type="text/html")

    async def _reset(self, exchange: Exchange, question: Question) -> None:
        exchange.reset()

    async def _hang(self, exchange: Exchange, question: Question) -> None:
        await exchange.hang()

    async def _drip(self, exchange: Exchange, question: Question) -> None:
        await exchange.drip(json.dumps(self.whole(planner(question), question)).encode())

    async def _malformed(self, exchange: Exchange, question: Question) -> None:
        broken = json.dumps(self.whole(planner(question), question)).encode()[:-20]
        if question.streamed:
            await exchange.begin_events()
            await exchange.event(b"data: " + broken + b"\r\n\r\n")
            await exchange.end_events()
        else:
            await exchange.send(200, broken)

    async def _reset_middle(self, exchange: Exchange, question: Question) -> None:
        if question.streamed:
            await self._begin(exchange, question)
            exchange.reset()
        else:
            await exchange.send_cut(json.dumps(self.whole(planner(question), question)).encode())

    async def _truncated(self, exchange: Exchange, question: Question) -> None:
        if question.streamed:
            await self._begin(exchange, question)
            await exchange.end_events()
        else:
            await exchange.send(200, self.whole(Answer("The order should", finish=""), question))

    async def _stream_error(self, exchange: Exchange, question: Question) -> None:
        error = self.error(503, FAULTS["stream-error"])
        if question.streamed:
            await self._begin(exchange, question)
            await exchange.event(b"data: " + json.dumps(error).encode() + b"\r\n\r\n")
            await exchange.end_events()
        else:
            await exchange.send(500, error)

    async def _begin(self, exchange: Exchange, question: Question) -> None:
        """All but the last piece of a good answer."""
        await exchange.begin_events()
        for event in self.events(planner(question), question)[:-1]:
            await exchange.event(b"data: " + json.dumps(event).encode() + b"\r\n\r\n")
        await asyncio.sleep(0.01)

    async def _send_odd(
        self, exchange: Exchange, question: Question, odd: dict[str, Any] | Answer | Rejected | None
    ) -> None:
        if isinstance(odd, Rejected):
            await exchange.send(odd.status, self.error(odd.status, str(odd), odd.code))
        elif isinstance(odd, Answer):
            await self._answer(exchange, question, odd)
        elif question.streamed:
            await self._send_events(exchange, [odd or {}], end=self.end_mark)
        else:
            await exchange.send(200, odd or {})

    def _misbehave(self, fault: str, question: Question) -> dict[str, Any] | Answer | Rejected | None:
        own = self.odd(fault, question)
        return own if own is not None else _misled(fault, question)

    async def _control(self, exchange: Exchange) -> None:
        if exchange.request.method == "POST":
            wish = exchange.request.json()
            if "always" in wish:
                await self.become(planner if wish["always"] == "planner" else wish["always"])
            self.delay = float(wish.get("delay", self.delay))
            self.queue(*wish.get("queue", ()))
        await exchange.send(200, {"requests": len(self.received), "complaints": self.complaints})


def _known(step: Step) -> Step:
    name = step.name if isinstance(step, Fault) else step
    if isinstance(name, str) and name not in FAULTS:
        raise ValueError(f"no such fault: {name!r}; they are listed in tests/providers/script.py")
    return step


def _misled(fault: str, question: Question) -> Answer | None:
    """What the model itself does wrong, the same with every provider."""
    calls = {
        "unknown-tool": (Call("place_order", {"product_id": product_id(question.text)}),),
        "off-schema": _off_schema(question),
        "empty-id": tuple(Call(call.name, call.arguments, id="") for call in planner(question).calls),
        "two-calls": _twice(question),
        "endless-lookups": lookups(question)[:1],
    }
    texts = {
        "call-as-text": '<function=get_product>{"product_id": "STEEL_SHEETS"}</function>',
        "text-for-call": "I would think about it first.",
        "nothing": "",
        "huge": "order " * (HUGE // 6),
    }
    if fault in texts:
        return Answer(texts[fault])
    return (Answer(calls=calls[fault]) if calls[fault] else planner(question)) if fault in calls else None


def _off_schema(question: Question) -> tuple[Call, ...]:
    if "submit_order" in question.tools:
        return (submission(question, quantity="plenty", confidence=7, authorised=True),)
    return (Call("find_products", {"limit": "all", "status": "whatever"}),)


def _twice(question: Question) -> tuple[Call, ...]:
    if "submit_order" in question.tools and question.results:
        return (submission(question), submission(question, quantity=1))
    return lookups(question)
