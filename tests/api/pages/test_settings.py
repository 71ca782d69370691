"""Settings at the desk: what is in force without its secrets, models, and keys for administrators."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agent.settings import GROUPS, Settings
from tests.api.pages.conftest import sign_in

YESTERDAY = (datetime.now(UTC) - timedelta(1)).date().isoformat()
SECRET = re.compile(r'class="secret" value="(rsk_[\w-]+)"')


async def keys_of(service: Any) -> list[Any]:
    return list(await service.book.keys.all())


async def test_every_setting_in_force_stands_in_its_group_with_its_meaning(browser: Any) -> None:
    page = (await browser.get("/desk/settings")).text

    assert re.findall(r"<summary>([\w ]+)</summary>", page) == list(GROUPS.values())
    shown = [name.lower() for name in re.findall(r"<code>([A-Z_]+)</code><small>", page)]
    assert shown == [name for name in Settings.model_fields if name != "migrate_at_start"]
    assert "An order is placed automatically from this confidence on." in page


async def test_what_differs_from_the_default_is_marked(start: Any) -> None:
    browser = await sign_in(await start(confidence_threshold=0.7))
    page = (await browser.get("/desk/settings")).text
    row = page.partition("<code>CONFIDENCE_THRESHOLD</code>")[2].partition("</tr>")[0]
    assert ("0.7" in row, "changed" in row) == (True, True)
    row = page.partition("<code>REVIEW_EXPIRY_HOURS</code>")[2].partition("</tr>")[0]
    assert ("72" in row, "changed" in row) == (True, False)
    await browser.client.aclose()


async def test_no_secret_is_on_the_page(browser: Any, service: Any) -> None:
    page = (await browser.get("/desk/settings")).text

    assert service.client.headers["X-API-Key"] not in page
    row = page.partition("<code>API_KEY</code>")[2].partition("</tr>")[0]
    assert re.search(r">\s*set\b", row)
    assert re.search(r">\s*not set\b", page.partition("<code>GROQ_API_KEY</code>")[2].partition("</tr>")[0])


async def test_models_and_their_state_are_shown(start: Any) -> None:
    browser = await sign_in(await start(groq_api_key=SecretStr("canary-groq"), check_models=False, model_prices={}))
    page = (await browser.get("/desk/settings")).text
    assert re.search(r"groq<small>openai/gpt-oss-120b</small>.*?● ready", page, re.DOTALL)
    assert "canary-groq" not in page
    await browser.client.aclose()


async def test_a_planner_sees_models_and_limits_and_nothing_of_machines_and_keys(service: Any) -> None:
    made = await service.client.post("/keys", json={"name": "planner", "scopes": ["read", "trigger", "approve"]})
    planner = await sign_in(service, made.json()["key"])

    page = (await planner.get("/desk/settings")).text

    assert re.findall(r"<summary>([\w ]+)</summary>", page) == ["Models", "Orders and limits"]
    assert "DATABASE_URL" not in page
    assert 'id="keys"' not in page
    for path in ("/desk/settings/keys", "/desk/settings/keys/key_0/revoke"):
        assert (await planner.send(path, name="x", scopes="read")).status_code == 403
    assert len(await keys_of(service)) == 1
    await planner.client.aclose()


async def test_a_new_key_is_shown_once_and_opens_what_was_ticked(browser: Any, service: Any) -> None:
    asked = {"name": "erp bridge", "scopes": ["read", "trigger"], "until": "2099-12-31"}
    limits = {"currency": "eur", "per_order": "5,000", "per_day": "20000"}

    first = await browser.send("/desk/settings/keys", **asked, **limits)
    again = await browser.send("/desk/settings/keys", **asked, **limits)

    [secret] = SECRET.findall(first.text)
    assert not SECRET.search(again.text)
    assert "made already" in again.text
    [key] = await keys_of(service)
    assert (key.name, set(key.scopes), key.may_approve_own) == ("erp bridge", {"read", "trigger"}, False)
    assert key.expires_at == datetime(2100, 1, 1, tzinfo=UTC)
    [limit] = key.limits
    assert (limit.currency, limit.per_order, limit.per_day, limit.in_total) == ("EUR", 5_000, 20_000, None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=service.app), base_url="http://service") as client:
        assert (await client.get("/orders", headers={"X-API-Key": secret})).status_code == 200
        assert (await client.get("/keys", headers={"X-API-Key": secret})).status_code == 403
    page = (await browser.get("/desk/settings")).text
    assert secret not in page
    assert "5,000.00 EUR an order" in page


async def test_a_form_that_was_changed_makes_another_key(browser: Any, service: Any) -> None:
    for name in ("one", "two"):
        answer = await browser.send("/desk/settings/keys", name=name, scopes="read", may_approve_own="true")
        assert SECRET.search(answer.text)
    assert {(key.name, key.may_approve_own) for key in await keys_of(service)} == {("one", True), ("two", True)}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "", "scopes": "read"}, "Give the key a name"),
        ({"name": "x"}, "Say what the key may do"),
        ({"name": "x", "scopes": "root"}, "Say what the key may do"),
        ({"name": "x", "scopes": "read", "until": YESTERDAY}, "is over"),
        ({"name": "x", "scopes": "read", "until": "soon"}, "is no day"),
        ({"name": "x", "scopes": "read", "per_day": "100"}, "A limit needs a currency"),
        ({"name": "x", "scopes": "read", "currency": "EUR", "per_day": "much"}, "is no amount"),
    ],
)
async def test_a_key_that_cannot_be_made_says_why_and_keeps_what_was_typed(
    browser: Any, service: Any, fields: dict[str, str], words: str
) -> None:
    answer = await browser.send("/desk/settings/keys", **fields)

    assert answer.status_code == 422
    assert words in answer.text
    assert f'name="name" maxlength="100" required value="{fields["name"]}"' in answer.text
    assert await keys_of(service) == []


async def test_a_revoked_key_opens_nothing_and_its_session_ends(browser: Any, service: Any) -> None:
    made = (await service.client.post("/keys", json={"name": "planner", "scopes": ["read"]})).json()
    planner = await sign_in(service, made["key"])

    for _ in range(2):
        answer = await browser.send(f"/desk/settings/keys/{made['id']}/revoke")
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/settings#keys")

    assert "○ revoked" in (await browser.get("/desk/settings")).text
    assert (await planner.get("/desk")).headers["location"] == "/desk/sign-in"
    await planner.client.aclose()


async def test_the_last_key_that_manages_keys_stays(start: Any) -> None:
    service = await start(api_key=None)
    admin = (await keys_of(service))[0]
    link = await service.app.state.sessions.offer()
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        origin = {"Origin": "http://service"}
        assert (await client.post("/desk/sign-in", data={"link": link}, headers=origin)).status_code == 303
        token = re.search(r'name="csrf" value="(\w+)"', (await client.get("/desk/settings")).text)
        assert token

        answer = await client.post(
            f"/desk/settings/keys/{admin.id}/revoke", data={"csrf": token[1], "once": "1"}, headers=origin
        )

        assert answer.status_code == 409
        assert "last key with the scope admin" in answer.text
        assert "(yours)" in answer.text


async def test_an_unknown_key_is_said(browser: Any) -> None:
    answer = await browser.send("/desk/settings/keys/key_0/revoke")
    assert (answer.status_code, "No key" in answer.text) == (404, True)


async def test_names_of_keys_are_shown_as_text(browser: Any) -> None:
    await browser.send("/desk/settings/keys", name="<b>x</b>", scopes="read")
    assert "<b>x" not in (await browser.get("/desk/settings")).text
