"""Signing in with a key or by a link, what a session may do, and when it ends."""

from typing import Any

import httpx
import pytest

from tools.book.audit import Actor
from tools.book.keys import Key

FORM = {"Origin": "http://service"}
ADMIN = Actor(name="test")


@pytest.fixture
async def visitor(service: Any) -> Any:
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


async def key_with(service: Any, *scopes: str) -> tuple[str, Key]:
    answer = await service.client.post("/keys", json={"name": "Anna", "scopes": list(scopes)})
    assert answer.status_code == 200, answer.text
    [stored] = [key for key in await service.book.keys.all() if key.id == answer.json()["id"]]
    return answer.json()["key"], stored


async def test_a_stranger_is_led_to_sign_in_and_then_to_the_page_that_was_asked_for(
    visitor: httpx.AsyncClient, service: Any
) -> None:
    led = await visitor.get("/desk?status=all")

    assert (led.status_code, led.headers["location"]) == (303, "/desk/sign-in?after=/desk%3Fstatus%3Dall")
    form = {"key": service.client.headers["X-API-Key"], "after": "/desk?status=all"}
    signed_in = await visitor.post("/desk/sign-in", data=form, headers=FORM)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/desk?status=all")
    cookie = signed_in.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/desk"))
    assert service.client.headers["X-API-Key"] not in cookie


@pytest.mark.parametrize("after", ["https://evil.example/desk", "//evil.example/desk", "/desk\\..\\evil", "/keys"])
async def test_signing_in_leads_to_no_other_site(visitor: httpx.AsyncClient, service: Any, after: str) -> None:
    form = {"key": service.client.headers["X-API-Key"], "after": after}

    assert (await visitor.post("/desk/sign-in", data=form, headers=FORM)).headers["location"] == "/desk"


async def test_a_wrong_key_opens_nothing_and_counts_against_the_address(start: Any) -> None:
    service = await start(rate_limit_failed_keys="3/minute")
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as visitor:
        tries = [await visitor.post("/desk/sign-in", data={"key": "wrong"}, headers=FORM) for _ in range(5)]

    assert [answer.status_code for answer in tries] == [401, 401, 401, 429, 429]
    assert "This key is not valid" in tries[0].text
    assert all("set-cookie" not in answer.headers for answer in tries)


async def test_a_link_signs_in_once(visitor: httpx.AsyncClient, service: Any) -> None:
    link = await service.app.state.sessions.offer()

    looked_at = await visitor.get("/desk/sign-in", params={"link": link})
    first = await visitor.post("/desk/sign-in", data={"link": link}, headers=FORM)
    page = await visitor.get("/desk")
    second = await visitor.post("/desk/sign-in", data={"link": link}, headers=FORM)

    assert (looked_at.status_code, first.status_code, page.status_code) == (200, 303, 200)
    assert second.status_code == 401
    assert "restock sign-in" in second.text


async def test_a_session_may_do_what_its_key_may_and_ends_with_it(visitor: httpx.AsyncClient, service: Any) -> None:
    key, stored = await key_with(service, "read")
    await visitor.post("/desk/sign-in", data={"key": key}, headers=FORM)
    page = await visitor.get("/desk")
    token = page.text.split('name="csrf" value="')[1].split('"')[0]
    form = {"csrf": token, "once": "1", "deed": "order", "place": "x"}

    refused = await visitor.post("/desk/rows", data=form, headers=FORM)
    await service.book.keys.revoke(stored.id, by=ADMIN)
    ended = await visitor.get("/desk")

    assert refused.status_code == 403
    assert (ended.status_code, ended.headers["location"]) == (303, "/desk/sign-in")


async def test_an_expired_session_and_a_signed_out_one_open_nothing(service: Any, browser: Any) -> None:
    cookie = dict(browser.client.cookies)

    await browser.send("/desk/sign-out")
    browser.client.cookies.update(cookie)

    assert (await browser.get("/desk")).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://service", "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_of_another_site_does_nothing(browser: Any, headers: dict[str, str]) -> None:
    form = {"csrf": await browser.token(), "once": "1"}

    refused = await browser.client.post("/desk/sign-out", data=form, headers=headers)

    assert refused.status_code == 403
    assert (await browser.get("/desk")).status_code == 200


@pytest.mark.parametrize("csrf", ["", "0" * 64, "ü"])
async def test_a_form_without_the_session_s_token_does_nothing(browser: Any, csrf: str) -> None:
    refused = await browser.client.post("/desk/sign-out", data={"csrf": csrf, "once": "1"}, headers=FORM)

    assert refused.status_code in (403, 422)
    assert (await browser.get("/desk")).status_code == 200


async def test_a_link_from_another_site_asks_for_itself_so_that_the_cookie_comes_along(
    visitor: httpx.AsyncClient,
) -> None:
    page = await visitor.get("/desk", headers={"Sec-Fetch-Site": "cross-site"})

    assert page.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in page.text


async def test_a_review_s_address_leads_a_browser_to_the_desk_and_tells_a_program_what_it_needs(
    visitor: httpx.AsyncClient,
) -> None:
    person = await visitor.get("/reviews/RV-000001", headers={"Accept": "text/html,*/*"})
    program = await visitor.get("/reviews/RV-000001", headers={"Accept": "application/json"})

    assert (person.status_code, person.headers["location"]) == (303, "/desk/reviews/RV-000001")
    assert (program.status_code, program.json()["code"]) == (401, "key_missing")


async def test_the_calibration_s_address_leads_a_browser_to_what_it_means(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/calibration", headers={"Accept": "text/html"})
    program = await visitor.get("/calibration")

    assert (page.status_code, page.headers["location"]) == (303, "/desk/trust")
    assert program.status_code == 401


async def test_the_session_s_cookie_is_no_key_for_the_api(browser: Any) -> None:
    assert (await browser.client.get("/reviews")).status_code == 401


async def test_only_hashes_of_sessions_and_links_are_stored(service: Any, browser: Any) -> None:
    link = await service.app.state.sessions.offer()
    token = browser.client.cookies["restock_session"]

    with service.book.database.engine.begin() as connection:
        stored = str(connection.exec_driver_sql("SELECT * FROM sessions").all())

    assert token not in stored
    assert link not in stored


async def test_a_right_guess_at_the_form_gains_nothing_once_the_address_is_blocked(start: Any) -> None:
    service = await start(rate_limit_failed_keys="2/hour")
    good, (new, _) = service.client.headers["X-API-Key"], await key_with(service, "read")
    transport = httpx.ASGITransport(app=service.app)

    async def sign_in(key: str, **headers: str) -> int:
        async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as visitor:
            return (await visitor.post("/desk/sign-in", data={"key": key}, headers=FORM)).status_code

    assert await sign_in(good) == 303
    assert [await sign_in("wrong") for _ in range(3)] == [401, 401, 429]
    assert await sign_in(new) == 429
    assert await sign_in(new, **{"X-API-Key": good}) == 429
    assert await sign_in(good) == 303


async def test_pages_that_are_asked_for_without_a_key_block_no_address(start: Any) -> None:
    service = await start(rate_limit_failed_keys="2/hour")
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as visitor:
        for path in ("/desk", "/reviews") * 3:
            await visitor.get(path, headers={"Sec-Fetch-Site": "cross-site"})
        form = {"key": service.client.headers["X-API-Key"]}

        assert (await visitor.post("/desk/sign-in", data=form, headers=FORM)).status_code == 303


async def test_a_product_s_id_with_signs_of_addresses_is_led_to_after_signing_in(visitor: httpx.AsyncClient) -> None:
    led = await visitor.get("/desk/products/A%3FB%2FC%23D?location=X")

    assert led.headers["location"] == "/desk/sign-in?after=/desk/products/A%253FB%252FC%2523D%3Flocation%3DX"


@pytest.mark.parametrize("broken", ["http://[", "//["])
async def test_a_broken_address_is_one_of_another_site(visitor: httpx.AsyncClient, service: Any, broken: str) -> None:
    form = {"key": service.client.headers["X-API-Key"], "after": broken}

    assert (await visitor.get("/desk/sign-in", params={"after": broken})).status_code == 200
    assert (await visitor.post("/desk/sign-in", data=form, headers={"Origin": broken})).status_code == 403
    assert (await visitor.post("/desk/sign-in", data=form, headers=FORM)).headers["location"] == "/desk"
