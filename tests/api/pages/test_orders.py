"""Orders at the desk: the lists, the life of one order, and its next step."""

import csv
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from io import BytesIO, StringIO
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tests.api.pages.conftest import sign_in
from tests.order_book import let_pass

EVIL = '<script>alert(1)</script> & "Co"'
TODAY = datetime.now(UTC).date()


async def placed(service: Any, product_id: str = "A", **more: Any) -> dict[str, Any]:
    """An order that was placed by itself."""
    body = {"product_id": product_id, "mode": "input", "current_stock": 150, "lead_time_days": 7, "unit_price": 500}
    body |= {"demand_history": [100, 120, 110, 130, 125, 115, 140], "service_level": 0.95}
    return dict((await service.trigger(body | more)).json()["order"])


async def state(service: Any, number: str) -> dict[str, Any]:
    return dict((await service.client.get(f"/orders/{number}")).json())


def alert(answer: Any) -> str:
    found = re.search(r'<p class="refused" role="alert">(.*?)</p>', answer.text)
    assert found, answer.text
    return unescape(found[1])


async def test_without_orders_the_page_says_where_they_come_from(browser: Any) -> None:
    page = (await browser.get("/desk/orders")).text

    assert "No order that was placed here is late." in page
    assert "No purchase order is open." in page
    assert "Nothing is on order." in page


async def test_late_purchase_orders_come_first_then_drafts_then_sent_ones_by_supplier(
    browser: Any, service: Any
) -> None:
    sent, late, draft, other = [
        await placed(service, product, supplier=supplier)
        for product, supplier in (("A", "Acme"), ("B", "Zeta"), ("C", "Mills"), ("D", "Beta"))
    ]
    for each in (sent, late):
        form = {"version": await version_of(service, each["purchase_order"])}
        await browser.send(f"/desk/purchase-orders/{each['purchase_order']}/sent", **form)
    await let_pass(service.book, await service.book.orders.get(late["number"]), days=30)

    page = (await browser.get("/desk/orders")).text

    listed = re.findall(r'href="/desk/purchase-orders/(PD-[\d-]+)">', page)
    assert listed == [each["purchase_order"] for each in (late, other, draft, sent)]
    assert "1 order is late" in page
    assert '<span class="state">! late</span>, sent' in page


async def version_of(service: Any, number: str) -> str:
    return str((await service.client.get(f"/purchase-orders/{number}")).json()["version"])


async def test_names_are_shown_as_text(browser: Any, service: Any) -> None:
    order = await placed(service, supplier=EVIL, product_name=EVIL)

    for path in ("/desk/orders", f"/desk/orders/{order['number']}", f"/desk/purchase-orders/{order['purchase_order']}"):
        page = (await browser.get(path)).text
        assert EVIL in unescape(page)
        assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, {"A", "B"}),
        ({"supplier": "Acme"}, {"A"}),
        ({"location": "DEPOT"}, {"B"}),
        ({"product": "B"}, {"B"}),
        ({"day": TODAY.isoformat(), "status": "all"}, {"A", "B", "C"}),
        ({"day": "2020-01-01"}, set()),
        ({"status": "overdue"}, set()),
        ({"status": "cancelled"}, {"C"}),
    ],
)
async def test_single_orders_are_narrowed(browser: Any, service: Any, query: dict[str, str], shown: set[str]) -> None:
    await placed(service, "A", supplier="Acme")
    await placed(service, "B", location="DEPOT")
    gone = await placed(service, "C")
    await browser.send(f"/desk/orders/{gone['number']}/cancel", reason="Not needed.")

    page = (await browser.get("/desk/orders", **query)).text

    assert set(re.findall(r"PO-[\d-]+ · (\w)", page)) == shown


async def test_pages_of_orders_follow_each_other(browser: Any, service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("api.pages.orders.ROWS", 2)
    numbers = [(await placed(service, product))["number"] for product in "ABC"]

    first = (await browser.get("/desk/orders", status="all")).text
    [address] = re.findall(r'href="([^"]+)" rel="next"', first)
    second = (await browser.client.get(unescape(address))).text

    pages = [re.findall(r'href="/desk/orders/(PO-[\d-]+)"', page) for page in (first, second)]
    assert pages == [numbers[:0:-1], numbers[:1]]


async def test_open_lines_come_as_files_by_supplier(browser: Any, service: Any) -> None:
    for product, supplier in (("A", "Zeta"), ("B", "Acme"), ("C", "=cmd|' /C calc'!A0")):
        order = await placed(service, product, supplier=supplier)
    await browser.send(f"/desk/orders/{order['number']}/receipts", quantity="5")
    closed = await placed(service, "D", supplier="Acme")
    await browser.send(f"/desk/orders/{closed['number']}/cancel", reason="Not needed.")

    text = await browser.get("/desk/orders.csv", supplier="")
    sheet = CalamineWorkbook.from_filelike(
        BytesIO((await browser.get("/desk/orders.xlsx")).content)
    ).get_sheet_by_index(0)

    rows = list(csv.DictReader(StringIO(text.text)))
    assert [row["product_id"] for row in rows] == ["C", "B", "A"]
    assert rows[0]["supplier"].startswith("'=cmd")
    assert (rows[0]["received"], rows[0]["status"]) == ("5", "partly_received")
    assert [row["status"] for row in rows[1:]] == ["draft", "draft"]
    assert list(rows[0])[8:10] == ["quantity", "unit"]
    assert [row[3] for row in sheet.to_python()] == ["product_id", "C", "B", "A"]
    assert f'filename="open-orders-{TODAY}.csv"' in text.headers["content-disposition"]


async def test_an_order_is_received_in_parts_and_its_life_is_told(browser: Any, service: Any) -> None:
    order = await placed(service)
    address = f"/desk/orders/{order['number']}"
    quantity = order["items"][0]["quantity"]

    await browser.send(f"{address}/sent")
    part = await browser.send(f"{address}/receipts", quantity="100", once="first")
    middle = (await browser.get(address)).text
    await browser.send(f"{address}/receipts", quantity=f"{quantity:,}", once="second")
    page = (await browser.get(address)).text

    assert (part.status_code, part.headers["location"]) == (303, address)
    assert f'name="quantity" value="{quantity - 100:,}"' in middle
    assert "partly received" in middle
    assert "100 arrived" in page
    assert "<dt>More than ordered</dt><dd>100</dd>" in page
    assert "Record the receipt" not in page
    assert f'href="/desk/products/A?location={order["location"]}"' in page
    assert f'href="/desk/reviews/{(await service.book.orders.get(order["number"])).proposal_id}"' in page


async def test_the_same_form_sent_twice_is_one_receipt(browser: Any, service: Any) -> None:
    order = await placed(service)
    address = f"/desk/orders/{order['number']}"

    answers = [await browser.send(f"{address}/receipts", quantity="10", once="same") for _ in range(2)]
    changed = await browser.send(f"{address}/receipts", quantity="12", once="same")
    await browser.send(f"{address}/receipts", quantity="10", once="another")

    assert [answer.status_code for answer in answers] == [303, 303]
    assert "sent before with another quantity" in alert(changed)
    assert (await state(service, order["number"]))["received_quantity"] == 20


async def test_a_receipt_is_corrected_at_the_desk_once_and_the_page_tells_of_it(browser: Any, service: Any) -> None:
    order = await placed(service)
    address, quantity = f"/desk/orders/{order['number']}", order["items"][0]["quantity"]
    await browser.send(f"{address}/receipts", quantity=f"{quantity}")
    [receipt] = (await state(service, order["number"]))["receipts"]
    form = {"receipt": receipt["id"], "instead_of": str(quantity), "right_quantity": "50", "why": EVIL}

    answers = [await browser.send(f"{address}/corrections", once="same", **form) for _ in range(2)]
    stale = await browser.send(f"{address}/corrections", once="another", **form | {"right_quantity": "60"})
    page = unescape((await browser.get(address)).text)

    assert [answer.status_code for answer in answers] == [303, 303]
    assert (stale.status_code, "says 50 units" in alert(stale)) == (409, True)
    assert 'name="right_quantity" value="60"' in stale.text
    assert f"corrected from {quantity} to 50 by" in page
    assert (await state(service, order["number"]))["status"] == "partly_received"
    assert EVIL in page
    assert 'name="quantity" value="' in page  # the rest can be received


async def test_the_day_of_a_receipt_is_corrected_alone(browser: Any, service: Any) -> None:
    order = await placed(service)
    await let_pass(service.book, await service.book.orders.get(order["number"]), days=3)
    address = f"/desk/orders/{order['number']}"
    await browser.send(f"{address}/receipts", quantity="10", day=(TODAY - timedelta(days=2)).isoformat())
    [receipt] = (await state(service, order["number"]))["receipts"]
    form = {"receipt": receipt["id"], "instead_of": "10", "right_quantity": "10", "why": "by the note"}

    days = []
    for ago in (1, 0):
        day = TODAY - timedelta(days=ago)
        await browser.send(f"{address}/corrections", once=f"{ago}", **form, right_day=day.isoformat())
        days.append((await state(service, order["number"]))["receipts"][0]["received_at"][:10] == day.isoformat())
    kept = await browser.send(
        f"{address}/corrections", once="kept", **form, right_day=(TODAY + timedelta(3)).isoformat()
    )

    assert days == [True, True]
    assert "is in the future" in alert(kept)
    assert "corrected to have arrived" in (await browser.get(address)).text


async def test_another_key_s_form_is_another_receipt(browser: Any, service: Any) -> None:
    order = await placed(service)
    made = await service.client.post("/keys", json={"name": "Anna", "scopes": ["read", "approve"]})

    for each in (browser, await sign_in(service, made.json()["key"])):
        await each.send(f"/desk/orders/{order['number']}/receipts", quantity="10", once="same")

    assert (await state(service, order["number"]))["received_quantity"] == 20


async def test_a_receipt_may_be_of_an_earlier_day_and_teach_of_the_order_before(browser: Any, service: Any) -> None:
    earlier = await placed(service)
    await browser.send(f"/desk/orders/{earlier['number']}/receipts", quantity="10,000")
    order = await placed(service)
    stored = await service.book.orders.get(order["number"])
    await let_pass(service.book, stored, days=3)
    day = TODAY - timedelta(days=1)

    await browser.send(
        f"/desk/orders/{order['number']}/receipts", quantity="10", day=day.isoformat(), stock_before="40"
    )

    [receipt] = (await state(service, order["number"]))["receipts"]
    assert receipt["received_at"] == f"{day}T23:59:59Z"
    assert [each.order_number for each in await service.book.outcomes.latest()] == [earlier["number"]]


async def test_of_today_it_arrived_now(browser: Any, service: Any) -> None:
    order = await placed(service)

    answer = await browser.send(f"/desk/orders/{order['number']}/receipts", quantity="10", day=TODAY.isoformat())

    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("step", "form", "status", "sentence"),
    [
        ("receipts", {"quantity": "1,5"}, 422, "'1,5' is no quantity"),
        ("receipts", {"quantity": "0"}, 422, "A receipt of 0 units cannot be recorded"),
        ("receipts", {"quantity": "0.5"}, 422, "it is counted in 1"),
        ("receipts", {"quantity": "5", "stock_before": "x"}, 422, "'x' is no stock"),
        ("receipts", {"quantity": "5", "day": "soon"}, 422, "'soon' is no day"),
        ("receipts", {"quantity": "5", "day": "2199-01-01"}, 422, "2199-01-01 is in the future"),
        ("receipts", {"quantity": "5", "day": "2020-01-01"}, 422, "before PO-"),
        ("cancel", {"reason": " "}, 422, "Say why"),
    ],
)
async def test_what_can_be_put_right_is_said_on_the_order_s_page(
    browser: Any, service: Any, step: str, form: dict[str, str], status: int, sentence: str
) -> None:
    order = await placed(service)

    refused = await browser.send(f"/desk/orders/{order['number']}/{step}", **form)

    assert refused.status_code == status
    assert sentence in alert(refused)
    if step == "receipts":
        assert f'name="quantity" value="{form["quantity"]}"' in refused.text
    assert (await state(service, order["number"]))["receipts"] == []


async def test_a_step_that_comes_too_late_says_what_stands(browser: Any, service: Any) -> None:
    order = await placed(service)
    address = f"/desk/orders/{order['number']}"
    await browser.send(f"{address}/cancel", reason="The supplier <b>closed</b>.")

    again = await browser.send(f"{address}/cancel", reason="The supplier <b>closed</b>.")
    late = await browser.send(f"{address}/receipts", quantity="5")

    assert again.status_code == 303
    assert late.status_code == 409
    assert "is cancelled since" in alert(late)
    assert "Cancelled" in late.text
    assert "<b>closed" not in late.text


async def test_a_session_that_may_not_approve_sees_why_and_changes_nothing(service: Any) -> None:
    order = await placed(service)
    made = await service.client.post("/keys", json={"name": "Anna", "scopes": ["read"]})
    reader = await sign_in(service, made.json()["key"])
    address = f"/desk/orders/{order['number']}"

    page = (await reader.get(address)).text

    assert "Your key lacks the scope “approve”" in page
    assert all("disabled" in button for button in re.findall(r"<button[^>]*>(?:It has|Record|Cancel)", page))
    for step, form in (("sent", {}), ("receipts", {"quantity": "5"}), ("cancel", {"reason": "No."})):
        assert (await reader.send(f"{address}/{step}", **form)).status_code == 403
    assert (await state(service, order["number"]))["status"] == "placed"


async def test_an_order_that_is_not_there_is_named(browser: Any) -> None:
    for path in ("/desk/orders/PO-2026-999999", "/desk/orders?before=PO-9", "/desk/purchase-orders/PD-9"):
        answer = await browser.client.get(path)
        assert answer.status_code == 404
        assert "<h1>Unknown" in answer.text
