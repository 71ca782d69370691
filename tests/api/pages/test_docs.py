"""What the desk loads: everything from here, and kept by the browser."""

import re
from typing import Any

import httpx
import pytest

from api.door.security_headers import ON_DESK_PAGES


async def test_the_api_s_page_loads_nothing_from_other_hosts(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    loaded = [await client.get(address) for address in addresses]

    assert all(address.startswith("/desk/static/") for address in addresses)
    assert [answer.status_code for answer in loaded] == [200] * len(addresses)
    assert "http" not in page.headers["content-security-policy"]


async def test_pages_may_run_scripts_of_this_host_only(browser: Any) -> None:
    page = await browser.get("/desk")
    policy = page.headers["content-security-policy"]

    assert policy == dict(ON_DESK_PAGES)["content-security-policy"]
    assert "script-src 'self'; style-src 'self';" in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=", page.text)
    assert page.headers["cache-control"] == "no-store"
    style = await browser.get("/desk/static/desk.css")
    assert style.headers["cache-control"] == "public, max-age=86400"


@pytest.mark.parametrize(("accept", "status"), [("text/html,application/xhtml+xml", 303), ("*/*", 200), ("", 200)])
async def test_a_browser_is_sent_to_the_desk_and_others_get_json(
    client: httpx.AsyncClient, accept: str, status: int
) -> None:
    answer = await client.get("/", headers={"Accept": accept})

    assert answer.status_code == status


async def test_without_public_docs_there_is_no_such_page(start: Any) -> None:
    service = await start(public_pages=())

    assert (await service.client.get("/docs")).status_code == 404
