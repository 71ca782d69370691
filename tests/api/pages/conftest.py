"""Pages of the desk without a browser: a client that is signed in, and its forms."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

FORM = {"Origin": "http://service"}


class Browser:
    """Gets pages, and sends forms with the token of the session as the page has it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.client.get(path, params=query)

    async def send(self, path: str, *, csrf: str | None = None, once: str = "once", **fields: Any) -> httpx.Response:
        form = {"csrf": csrf or await self.token(), "once": once, **fields}
        return await self.client.post(path, data=form, headers=FORM)

    async def token(self) -> str:
        found = re.search(r'name="csrf" value="(\w+)"', (await self.client.get("/desk")).text)
        assert found
        return found[1]


async def sign_in(service: Any, key: str | None = None) -> Browser:
    transport = httpx.ASGITransport(app=service.app)
    client = httpx.AsyncClient(transport=transport, base_url="http://service")
    answer = await client.post("/desk/sign-in", data={"key": key or service.client.headers["X-API-Key"]}, headers=FORM)
    assert answer.status_code == 303, answer.text
    return Browser(client)


@pytest.fixture
async def browser(service: Any) -> AsyncIterator[Browser]:
    signed_in = await sign_in(service)
    yield signed_in
    await signed_in.client.aclose()


@pytest.fixture
async def reader(service: Any) -> AsyncIterator[Browser]:
    """Signed in with a key that may only read."""
    made = await service.client.post("/keys", json={"name": "Rita", "scopes": ["read"]})
    signed_in = await sign_in(service, made.json()["key"])
    yield signed_in
    await signed_in.client.aclose()
