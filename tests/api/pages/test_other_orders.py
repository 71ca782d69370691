"""Open orders of other systems at the desk: listed, received whole and in part, cancelled, taken back."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from tests.api.pages.test_orders import alert
from tests.own_catalogue import keep_bolts, put
from tools.storage import catalogue_schema as tables

EVIL = "<b>PO</b>-77"
TODAY = datetime.now(UTC).date()
LINE = {"reference": EVIL, "product_id": "BOLTS", "location": "SHOP", "supplier_id": "ACME", "quantity": 500.0}
LINE |= {
    "received": 20.0,
    "ordered_on": (TODAY - timedelta(9)).isoformat(),
    "due_on": (TODAY + timedelta(2)).isoformat(),
}
FORM = {"reference": EVIL, "product": "BOLTS", "place": "SHOP", "seen": "500"}
ADDRESS = "/desk/orders-elsewhere"


@pytest.fixture
async def known(service: Any) -> Any:
    """500 BOLTS on order elsewhere; 20 on hand."""
    keep_bolts(service.book.database.engine)
    put(service.book.database.engine, tables.purchase_lines, LINE)
    return service


async def row(service: Any) -> dict[str, Any]:
    [found] = (await service.client.get("/today")).json()["rows"]
    return dict(found)


async def test_they_are_listed_as_text_late_ones_first(browser: Any, known: Any) -> None:
    for reference, due in (("PO-78", None), ("PO-76", (TODAY - timedelta(2)).isoformat())):
        put(known.book.database.engine, tables.purchase_lines, LINE | {"reference": reference, "due_on": due})

    page = (await browser.get(ADDRESS)).text
    none = (await browser.get(ADDRESS, supplier="nobody")).text

    assert re.findall(r"<small>(\S+) · BOLTS · SHOP", unescape(page)) == ["PO-76", EVIL, "PO-78"]
    assert "2 days late" in page
    assert "<b>PO" not in page
    assert "No open order of another system fits." in none
    assert "3 lines of other systems are on order too" in (await browser.get("/desk/orders")).text


async def test_one_is_received_in_part_and_whole_and_the_list_follows(browser: Any, known: Any) -> None:
    before = await row(known)
    for _ in range(2):  # a double click
        part = await browser.send(f"{ADDRESS}/receipts", once="first", **FORM, quantity="300")
    middle = await row(known)
    page = (await browser.get(ADDRESS)).text
    await browser.send(f"{ADDRESS}/receipts", once="second", **FORM | {"seen": "200"}, quantity="250")
    after = await row(known)

    assert part.status_code == 303
    assert [(each["on_hand"], each["on_order"]) for each in (before, middle, after)] == [
        (20, 500),
        (320, 200),
        (570, 0),
    ]
    assert "320 came before" in page
    with known.book.database.engine.connect() as connection:
        [taught] = connection.execute(sa.select(tables.supplier_receipts)).mappings()
    assert {name: taught[name] for name in ("supplier_id", "ordered_on", "due_on", "quantity")} == {
        "supplier_id": "ACME",
        "ordered_on": LINE["ordered_on"],
        "due_on": LINE["due_on"],
        "quantity": 550,
    }
    assert "No file has named an open order." in (await browser.get(ADDRESS)).text


async def test_a_receipt_is_taken_back_as_an_import_is(browser: Any, known: Any) -> None:
    answer = await browser.send(f"{ADDRESS}/receipts", **FORM, quantity="500")
    number = answer.headers["location"].partition("recorded=")[2]

    page = (await browser.get(f"/desk/data/imports/{number}")).text
    await browser.send(f"/desk/data/imports/{number}/undo")

    assert f"Receipt of {EVIL}" in unescape(page)
    found = await row(known)
    assert (found["on_hand"], found["on_order"]) == (20, 500)


async def test_what_will_not_come_counts_no_more(browser: Any, known: Any) -> None:
    silent = await browser.send(f"{ADDRESS}/cancel", once="a", **FORM)
    answer = await browser.send(f"{ADDRESS}/cancel", once="b", **FORM, reason="sold <i>out</i>")
    number = answer.headers["location"].partition("recorded=")[2]

    assert "Say why" in alert(silent)
    assert (await row(known))["on_order"] == 0
    assert "were cancelled: sold <i>out</i>" in unescape((await browser.get(f"/desk/data/imports/{number}")).text)


async def test_what_was_counted_since_is_not_added_again(browser: Any, known: Any) -> None:
    day = (TODAY - timedelta(1)).isoformat()
    await known.client.post("/stock", json={"levels": [{"product_id": "BOLTS", "location": "SHOP", "on_hand": 520}]})

    await browser.send(f"{ADDRESS}/receipts", **FORM, quantity="500", day=day)

    found = await row(known)
    assert (found["on_hand"], found["on_order"]) == (520, 0)


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"quantity": "none"}, 422, "is no quantity"),
        ({"quantity": "0"}, 422, "give more than 0"),
        ({"quantity": "5", "day": (TODAY + timedelta(2)).isoformat()}, 422, "in the future"),
        ({"quantity": "5", "seen": "600"}, 409, "500 are open now, not 600"),
        ({"quantity": "5", "reference": "PO-1"}, 404, "has nothing open"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_way_on(
    browser: Any, known: Any, changed: dict[str, str], status: int, words: str
) -> None:
    answer = await browser.send(f"{ADDRESS}/receipts", **FORM | changed)

    assert answer.status_code == status
    assert words in alert(answer)
    assert (await row(known))["on_order"] == 500


async def test_an_order_of_our_own_that_another_system_lists_is_received_as_ours(browser: Any, service: Any) -> None:
    order = (await service.trigger(OWN)).json()["order"]
    keep_bolts(service.book.database.engine)
    put(service.book.database.engine, tables.purchase_lines, LINE | {"reference": order["number"]})

    assert "No file has named an open order." in (await browser.get(ADDRESS)).text


OWN = {"product_id": "X1", "mode": "input", "current_stock": 150, "lead_time_days": 7, "unit_price": 500}
OWN |= {"demand_history": [100, 120, 110, 130, 125, 115, 140], "service_level": 0.95}


async def test_a_reader_sees_them_and_changes_nothing(reader: Any, known: Any) -> None:
    assert "500" in (await reader.get(ADDRESS)).text
    for step in ("receipts", "cancel"):
        assert (await reader.send(f"{ADDRESS}/{step}", **FORM, quantity="5")).status_code == 403
