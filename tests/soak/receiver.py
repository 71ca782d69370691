"""Whoever receives webhooks: checks every signature, refuses one in ten, and keeps each message once, by its id."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tests.soak.processes import free_port

SHARE_REFUSED = 0.1
SECRET = "whsec_" + "A" * 32


@dataclass
class Received:
    """What arrived, by webhook-id, and how often it arrived."""

    messages: dict[str, Any] = field(default_factory=dict)
    deliveries: int = 0
    refused: int = 0
    forged: list[str] = field(default_factory=list)


class Receiver:
    def __init__(self, dice: random.Random) -> None:
        self.received, self._dice = Received(), dice

    async def take(self, request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:  # whoever sent it was killed
            return Response(status_code=400)
        self.received.deliveries += 1
        if self._dice.random() < SHARE_REFUSED:
            self.received.refused += 1
            return Response(status_code=self._dice.choice((500, 503, 429)))
        identity = request.headers.get("webhook-id", "")
        try:
            Webhook(SECRET).verify(body, dict(request.headers), json_parse=False)
        except WebhookVerificationError as error:
            self.received.forged.append(f"{identity}: {error}")
            return Response(status_code=401)
        self.received.messages.setdefault(identity, json.loads(body))
        return Response(status_code=204)


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[str]:
    """Serve the receiver on a loopback address, and yield that."""
    port = free_port()
    app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        server.should_exit = True
        await serving
