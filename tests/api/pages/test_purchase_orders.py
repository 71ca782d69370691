"""One purchase order at the desk: shown, taken along, sent as it was seen, received whole or by line."""

import csv
import re
import sys
from html import unescape
from io import BytesIO, StringIO
from typing import Any

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook

from tests.api.pages.conftest import sign_in
from tests.api.pages.test_orders import alert, placed, version_of
from tests.api.pages.test_today import row_of
from tests.own_catalogue import demand_row, keep_bolts, put, stock_row
from tools.storage import catalogue_schema as tables


async def gathered(service: Any, *products: str) -> str:
    """The number of the draft of these products."""
    for product in products:
        order = await placed(service, product, supplier="Acme")
    return str(order["purchase_order"])


async def sent(browser: Any, service: Any, *products: str) -> str:
    number = await gathered(service, *products)
    answer = await browser.send(f"/desk/purchase-orders/{number}/sent", version=await version_of(service, number))
    assert answer.status_code == 303
    return number


async def stored(service: Any, number: str) -> dict[str, Any]:
    return dict((await service.client.get(f"/purchase-orders/{number}")).json())


async def test_a_draft_shows_its_lines_and_what_they_come_to(browser: Any, service: Any) -> None:
    number = await gathered(service, "A", "B")

    page = (await browser.get(f"/desk/purchase-orders/{number}")).text

    document = await stored(service, number)
    assert f"<h1>Purchase order {number}: Acme</h1>" in page
    assert f"{document['total']:,.2f} USD" in page
    assert all(f'href="/desk/orders/{line["number"]}"' in page for line in document["lines"])
    assert "The supplier asks for no minimum value." in page
    assert "Everything has arrived" not in page
    assert 'href="/desk/orders" aria-current="page"' in page


async def test_it_is_sent_as_it_was_seen_and_twice_is_once(browser: Any, service: Any) -> None:
    number = await gathered(service, "A")
    address = f"/desk/purchase-orders/{number}"
    seen = await version_of(service, number)
    await gathered(service, "B")

    refused = await browser.send(f"{address}/sent", version=seen)
    form = {"version": await version_of(service, number)}
    answers = [await browser.send(f"{address}/sent", **form) for _ in range(2)]

    assert refused.status_code == 409
    assert "now has 2 lines" in alert(refused)
    assert f'name="version" value="{form["version"]}"' in refused.text
    assert [answer.status_code for answer in answers] == [303, 303]
    assert "by configured key." in (await browser.get(address)).text


async def test_a_whole_delivery_is_received_once_however_often_it_is_sent(browser: Any, service: Any) -> None:
    number = await sent(browser, service, "A", "B")
    address = f"/desk/purchase-orders/{number}"

    answers = [await browser.send(f"{address}/receipts", deed="all") for _ in range(2)]
    later = await browser.send(f"{address}/receipts", deed="all", once="later")

    assert [answer.status_code for answer in answers] == [303, 303]
    assert await service.count("receipts") == 2
    assert later.status_code == 409
    assert "nothing of it is still to come" in alert(later)
    assert "Everything has arrived" not in later.text


async def test_a_delivery_is_received_by_line(browser: Any, service: Any) -> None:
    number = await sent(browser, service, "A", "B")
    lines = [line["number"] for line in (await stored(service, number))["lines"]]
    address = f"/desk/purchase-orders/{number}/receipts"

    nothing = await browser.send(address, deed="lines", line=lines, arrived=["", ""])
    wrong = await browser.send(address, deed="lines", line=lines, arrived=["5", "1,5"], day="2020-01-01")
    done = await browser.send(address, deed="lines", line=lines, arrived=["", "5"], once="by line")
    again = await browser.send(address, deed="lines", line=lines, arrived=["", "6"], once="by line")

    assert (nothing.status_code, wrong.status_code, done.status_code) == (422, 422, 303)
    assert "No quantity is given." in alert(nothing)
    assert "'1,5' is no quantity for " + lines[1] in alert(wrong)
    assert 'value="1,5"' in wrong.text
    assert 'name="day" value="2020-01-01"' in wrong.text
    assert "sent before with another quantity" in alert(again)
    document = await stored(service, number)
    assert [line["received_quantity"] for line in document["lines"]] == [0, 5]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"deed": "lines", "line": ["PO-2026-000001"], "arrived": []}, 422),
        ({"deed": "lines", "line": ["PO-2026-000009"], "arrived": ["1"]}, 422),
        ({"deed": "some"}, 422),
        ({"deed": "all", "day": "2020-01-01"}, 422),
    ],
)
async def test_a_delivery_that_cannot_be_meant_is_refused_whole(
    browser: Any, service: Any, form: dict[str, Any], status: int
) -> None:
    number = await sent(browser, service, "A")

    assert (await browser.send(f"/desk/purchase-orders/{number}/receipts", **form)).status_code == status
    assert await service.count("receipts") == 0


async def test_a_draft_says_what_its_products_are_counted_in(browser: Any, service: Any) -> None:
    form = {**await row_of(browser, "STEEL_SHEETS"), "deed": "order"}
    await browser.send("/desk/rows", **form)
    [order] = await service.book.orders.page()
    address = f"/desk/purchase-orders/{order.purchase_order}"

    for page in (address, f"{address}/print"):
        assert f"{order.quantity:,} sheets" in (await browser.get(page)).text


async def test_it_can_be_printed_and_taken_along_by_the_session(browser: Any, service: Any, monkeypatch: Any) -> None:
    number = await gathered(service, "A")
    address = f"/desk/purchase-orders/{number}"

    printed = await browser.get(f"{address}/print")
    text = await browser.get(f"{address}/lines.csv")
    sheet = CalamineWorkbook.from_filelike(BytesIO((await browser.get(f"{address}/lines.xlsx")).content))

    assert f"Purchase order {number}" in printed.text
    assert printed.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert [row["product_id"] for row in csv.DictReader(StringIO(text.text))] == ["A"]
    assert [row[3] for row in sheet.get_sheet_by_index(0).to_python()] == ["product_id", "A"]
    assert f'filename="{number}.csv"' in text.headers["content-disposition"]
    assert f'href="{address}/print"' in (await browser.get(address)).text
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    assert f"{address}/pdf" not in (await browser.get(address)).text
    assert "restock[pdf]" in (await browser.get(f"{address}/pdf")).text


async def below_minimum(browser: Any, service: Any) -> tuple[str, dict[str, Any]]:
    """The address of a draft with BOLTS that lacks 60 EUR, and the draft. PINS are due now, NUTS later."""
    engine = service.book.database.engine
    keep_bolts(engine)
    for product, on_hand in (("NUTS", 250), ("PINS", 20)):
        row = {"id": product, "name": product.title(), "category": "", "supplier_id": "ACME"}
        put(engine, tables.products, row | {"terms": {"unit_price": "0.5", "order_multiple": 10}})
        put(engine, tables.stock, stock_row(product, "SHOP", on_hand))
        put(engine, tables.demand, demand_row(product_id=product, location="SHOP"))
    waiting = (await service.trigger({"product_id": "BOLTS", "mode": "database"})).json()
    await browser.send(f"/desk/reviews/{waiting['review_id']}", deed="approve", version=1)
    [document] = (await service.client.get("/purchase-orders")).json()["purchase_orders"]
    terms = {"lead_time_days": 7, "currency": "EUR", "minimum_order_value": document["total"] + 60}
    with engine.begin() as connection:
        connection.execute(sa.update(tables.suppliers).values(terms=terms))
    return f"/desk/purchase-orders/{document['number']}", document


async def test_below_the_minimum_it_takes_a_tick_and_says_what_would_fill_it_up(browser: Any, service: Any) -> None:
    address, document = await below_minimum(browser, service)

    page = unescape((await browser.get(address)).text)
    listed = (await browser.get("/desk/orders")).text
    refused = await browser.send(f"{address}/sent", version=document["version"])
    done = await browser.send(f"{address}/sent", version=document["version"], below_minimum="true")

    [fill] = re.findall(r'id="fill">.*?</ul>', page, re.DOTALL)
    assert "60.00 EUR below the minimum" in page
    assert 'due now, <a href="/desk?status=all&text=PINS&location=SHOP">' in fill
    assert re.search(r">Nuts</a>, [\d.]+ EUR: due in about \d+ days?", fill)
    assert "60.00 EUR below the minimum" in listed
    assert f'href="{address}#fill"' in listed
    assert refused.status_code == 409
    assert "below its supplier's minimum" in alert(refused)
    assert done.status_code == 303
    assert (await stored(service, document["number"]))["status"] == "sent"


async def test_what_would_fill_a_draft_up_is_ordered_before_it_is_due_as_an_override(
    browser: Any, service: Any
) -> None:
    address, document = await below_minimum(browser, service)
    page = (await browser.get(address)).text
    form = dict(re.findall(r'type="hidden" name="((?:place|seen:|quantity:)[^"]*)" value="([^"]+)"', page))

    done = await browser.send("/desk/rows", **form, deed="order", reason=f"Fills up {document['number']}.")
    again = await browser.send("/desk/rows", **form, deed="order", reason=f"Fills up {document['number']}.")

    assert "1 of 1 done" in done.text
    assert "1 of 1 done" in again.text
    filled = await stored(service, document["number"])
    assert sorted(line["items"][0]["product_id"] for line in filled["lines"]) == ["BOLTS", "NUTS"]
    events = [entry.event for entry in await service.book.audit.page()]
    assert events.count("review.overridden") == 1


async def test_nothing_is_ordered_before_it_is_due_without_a_reason(browser: Any, service: Any) -> None:
    address, _ = await below_minimum(browser, service)
    page = (await browser.get(address)).text
    form = dict(re.findall(r'type="hidden" name="((?:place|seen:|quantity:)[^"]*)" value="([^"]+)"', page))

    refused = await browser.send("/desk/rows", **form, deed="order")

    assert "Say why it is ordered nevertheless" in refused.text
    assert len(await service.book.orders.page()) == 1


async def test_a_session_that_may_not_approve_sends_and_receives_nothing(browser: Any, service: Any) -> None:
    number = await sent(browser, service, "A")
    draft = await gathered(service, "B")
    made = await service.client.post("/keys", json={"name": "Anna", "scopes": ["read"]})
    reader = await sign_in(service, made.json()["key"])

    for each, step, form in ((number, "receipts", {"deed": "all"}), (draft, "sent", {"version": "1"})):
        page = (await reader.get(f"/desk/purchase-orders/{each}")).text
        assert "Your key lacks the scope “approve”" in page
        assert (await reader.send(f"/desk/purchase-orders/{each}/{step}", **form)).status_code == 403
    assert await service.count("receipts") == 0
