"""What holds for every page and form of the desk, whoever adds one."""

import re
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from api.app import create_app
from api.pages.desk_pages import routers
from tests.own_catalogue import ACME, BOLTS, YESTERDAY, demand_row, put, stock_row
from tools.storage import catalogue_schema as tables

FORM = {"Origin": "http://service"}
ROUTES = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
GUARDED = [route for route in ROUTES if not route.path.endswith("/sign-in")]
PAGES = [route.path for route in GUARDED if "GET" in route.methods]
FORMS = [route.path for route in GUARDED if "POST" in route.methods]
ALL_MAY_READ = ("/desk/sign-out",)
MARKUP = '<script>alert("stored")</script><img src=x onerror=alert(1)>'
SAMPLE = {
    "product_id": "STEEL_SHEETS",
    "review_id": "RV-000001",
    "number": "1",
    "sweep_id": "none",
    "key_id": "key_0f8fad5bd9cb",
}


def address(path: str) -> str:
    """The path with something in each place."""
    return re.sub(r"\{(\w+)(?::path)?\}", lambda place: SAMPLE.get(place[1], "1"), path)


def test_every_page_names_the_scope_that_it_needs() -> None:
    assert [route.path for route in GUARDED if "x-required-scope" not in (route.openapi_extra or {})] == []
    assert [route.path for route in GUARDED if not (route.openapi_extra or {}).get("x-page")] == []


def test_no_page_is_in_the_api_s_document(settings: Any) -> None:
    assert [path for path in create_app(settings).openapi()["paths"] if path.startswith("/desk")] == []


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_leads_a_stranger_to_sign_in(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(address(path), headers={"X-API-Key": ""})

    assert (answer.status_code, answer.headers["location"][:13]) == (303, "/desk/sign-in")


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_without_a_session_or_from_elsewhere_does_nothing(
    client: httpx.AsyncClient, browser: Any, path: str
) -> None:
    token = await browser.token()
    evil = {"Origin": "https://evil.example"}

    stranger = await client.post(address(path), data={"csrf": token}, headers=FORM | {"X-API-Key": ""})
    elsewhere = await browser.client.post(address(path), data={"csrf": token}, headers=evil)
    tokenless = await browser.client.post(address(path), data={"csrf": "0" * 64}, headers=FORM)

    assert stranger.status_code == 401
    assert elsewhere.status_code == 403
    assert tokenless.status_code in (403, 422)  # 422 where the form lacks its own fields, too


@pytest.mark.parametrize("path", [path for path in FORMS if path not in ALL_MAY_READ])
async def test_a_session_that_may_only_read_can_change_nothing(reader: Any, service: Any, path: str) -> None:
    before = await service.traces()

    refused = await reader.send(address(path))

    assert refused.status_code in (403, 422)
    assert await service.traces() == before


async def test_stored_text_is_shown_as_text_on_every_page(service: Any, browser: Any) -> None:
    engine = service.book.database.engine
    put(engine, tables.suppliers, ACME | {"name": f"Acme {MARKUP}"})
    put(engine, tables.products, BOLTS | {"name": f"Bolts {MARKUP}", "category": MARKUP})
    put(engine, tables.stock, stock_row(location="SHOP", on_hand=0))
    put(engine, tables.demand, demand_row())
    settings = {"default_location": "SHOP", "currency": "EUR", "demand_through": {"SHOP": YESTERDAY.isoformat()}}
    put(engine, tables.catalogue, *({"name": name, "value": value} for name, value in settings.items()))
    asked = await service.trigger({"product_id": "BOLTS", "mode": "database", "note": MARKUP})
    review = f"/reviews/{asked.json()['review_id']}"
    await service.client.post(f"{review}/decision", json={"decision": "approve", "reason": f"Because {MARKUP}"})
    [order] = await service.book.orders.page()
    shown = [path for path in PAGES if "{" not in path]
    shown += ["/desk/products/BOLTS", f"/desk{review}", f"/desk/orders/{order.number}"]
    shown += [f"/desk/purchase-orders/{order.purchase_order}"]

    for path in shown:
        answer = await browser.get(path, **({"status": "all"} if path in ("/desk", "/desk/reviews") else {}))
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert "<script>alert" not in answer.text, path
            assert "<img src=x" not in answer.text, path
    assert "&lt;script&gt;alert" in (await browser.get("/desk", status="all")).text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/desk/settings/keys", {"name": "x", "scopes": "read", "until": "9999-12-31"}),
        ("/desk/reviews", {"deed": "approve", "reason": "x", "review": f"RV-1 {'9' * 5_000}"}),
        ("/desk/sweeps", {"supplier": "x" * 201}),
        ("/desk/data/automatic", {"on": "true", "supplier_id": "x" * 201}),
    ],
)
async def test_what_no_page_would_send_is_refused_and_recorded_nowhere(
    browser: Any, service: Any, path: str, fields: dict[str, str]
) -> None:
    before = await service.traces()

    assert (await browser.send(path, **fields)).status_code == 422
    assert await service.traces() == before


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_a_list_of_the_first_or_last_day_there_is_is_refused(browser: Any, service: Any, day: str) -> None:
    assert (await browser.get("/desk/orders", day=day)).status_code == 422
    assert (await service.client.get("/orders", params={"day": day})).status_code == 422


async def test_invisible_characters_of_filters_and_files_reach_no_page(browser: Any) -> None:
    sweep = await browser.send("/desk/sweeps", text="\u202eevil", supplier="\u202enobody")
    stock = "SKU,On hand,\u202elatot\nA1\u202e,4,5\nB1,\u202emany,5\n".encode()
    file = ("files", ("\u202evsc.exe.csv", stock, "text/csv"))
    form = {"csrf": await browser.token(), "once": "1"}
    upload = await browser.client.post("/desk/data/imports", data=form, files=[file], headers=FORM)

    for path in ("/desk/sweeps", sweep.headers["location"], "/desk/data", upload.headers["location"]):
        page = await browser.get(path)
        assert (page.status_code, "\u202e" in page.text) == (200, False), path


@pytest.mark.parametrize("path", ["/desk", "/desk/reviews", "/desk/products/STEEL_SHEETS?location=Chicago"])
async def test_the_key_enter_presses_no_button_of_a_form_with_several_deeds(
    browser: Any, service: Any, path: str
) -> None:
    """A disabled first button is the default one, so that a browser sends nothing."""
    await service.trigger({"product_id": "RUBBER_SHEETS", "mode": "mock"})
    page = (await browser.client.get(path)).text

    forms = [form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if form.count('name="deed"') > 1]
    assert forms
    assert all(re.search(r"<button[^>]*>", form)[0] == "<button disabled hidden>" for form in forms)  # type: ignore[index]
