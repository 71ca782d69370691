"""Purchase orders over HTTP: listed, shown, printed, sent, received."""

import re
import sys
from base64 import b64encode
from ctypes.util import find_library
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from tests.order_book import let_pass
from tests.own_catalogue import demand_row, keep_bolts, put, stock_row
from tools.storage import catalogue_schema as tables

EVIL = 'Bolts <script>alert(1)</script> & "M8"'


@pytest.fixture(params=["sqlite", "postgresql"])
async def either(request: pytest.FixtureRequest, start: Any) -> Any:
    """A service on one of the databases."""
    if request.param == "sqlite":
        return await start()
    return await start(database_url=request.getfixturevalue("postgres_url"))


async def ordered(service: Any, x1: dict[str, Any], *products: str, **more: Any) -> str:
    """The number of the draft that orders of these products are in."""
    for product in products:
        order = (await service.trigger(x1 | {"product_id": product} | more)).json()["order"]
    return str(order["purchase_order"])


async def step(service: Any, number: str, what: str, body: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
    answer: httpx.Response = await service.client.post(f"/purchase-orders/{number}/{what}", json=body or {}, **more)
    return answer


async def shown(service: Any, number: str) -> dict[str, Any]:
    return dict((await service.client.get(f"/purchase-orders/{number}")).json())


async def test_a_document_is_gathered_sent_and_received(either: Any, x1: dict[str, Any]) -> None:
    number = await ordered(either, x1, "A", "B", supplier="Acme")
    draft = await shown(either, number)
    assert (draft["status"], draft["supplier_name"], draft["line_count"]) == ("draft", "Acme", 2)
    assert [line["product_id"] for line in draft["lines"]] == ["A", "B"]
    assert draft["total"] == sum(line["total"] for line in draft["lines"])

    sent = (await step(either, number, "sent", {"version": draft["version"]})).json()
    part = (await step(either, number, "receipts", {"lines": [{"line": "A", "quantity": 5}]})).json()
    rest = (await step(either, number, "receipts")).json()

    assert {line["status"] for line in sent["lines"]} == {"sent"}
    assert sent["sent_by"] == "configured key"
    assert [line["status"] for line in part["lines"]] == ["partly_received", "sent"]
    assert (rest["status"], rest["open_lines"]) == ("closed", 0)
    assert await shown(either, number) == rest
    [listed] = (await either.client.get("/purchase-orders")).json()["purchase_orders"]
    assert listed == {name: value for name, value in rest.items() if name not in ("lines", "fill_up")}


async def test_what_was_not_seen_is_not_sent(service: Any, x1: dict[str, Any], problem: Any) -> None:
    number = await ordered(service, x1, "A")
    seen = (await shown(service, number))["version"]
    await ordered(service, x1, "B")
    told = problem(await step(service, number, "sent", {"version": seen}), 409, "document_changed")
    assert "now has 2 lines" in told["detail"]
    problem(await step(service, number, "sent"), 422, "invalid_input")
    assert (await shown(service, number))["status"] == "draft"


async def test_a_delivery_sent_twice_with_a_key_counts_once(service: Any, x1: dict[str, Any], problem: Any) -> None:
    """Also where the answer of the first is lost."""
    number, again = await ordered(service, x1, "A", "B"), {"Idempotency-Key": "again"}
    problem(await step(service, number, "receipts"), 409, "document_not_sent")
    await step(service, number, "sent", {"version": (await shown(service, number))["version"]})

    first = await step(service, number, "receipts", headers=again)
    await service.book.retention.forget_answers(days=-1)
    unanswered = await step(service, number, "receipts", headers=again)

    assert first.json() == unanswered.json()
    assert await service.count("receipts") == 2
    twice = {"lines": [{"line": "A", "quantity": 1}, {"line": "A", "quantity": 2}]}
    problem(await step(service, number, "receipts", twice), 422, "invalid_input")
    problem(await step(service, number, "receipts"), 409, "order_closed")


async def test_lists_are_filtered_and_counted(service: Any, x1: dict[str, Any]) -> None:
    acme = await ordered(service, x1, "A", supplier="Acme")
    depot = await ordered(service, x1, "B", location="DEPOT")

    async def listed(**params: Any) -> list[str]:
        answer = (await service.client.get("/purchase-orders", params=params)).json()
        assert params.keys() & {"limit", "before"} or answer["total"] == len(answer["purchase_orders"])
        return [each["number"] for each in answer["purchase_orders"]]

    assert await listed() == [depot, acme]
    assert await listed(limit=1) == [depot]
    assert await listed(supplier="Acme") == await listed(before=depot) == [acme]
    assert await listed(location="DEPOT", status="draft") == [depot]
    assert (await service.client.get("/purchase-orders?limit=1")).json()["total"] == 2
    assert await listed(status="sent") == await listed(late="true") == []


async def test_a_document_that_is_not_there_is_named(service: Any, problem: Any) -> None:
    for address in ("", "/print"):
        answer = await service.client.get(f"/purchase-orders/PD-2026-000009{address}")
        problem(answer, 404, "unknown_purchase_order")
    problem(await step(service, "PD-2026-000009", "sent", {"version": "1"}), 404, "unknown_purchase_order")
    problem(await service.client.get("/purchase-orders?before=PD-9"), 404, "unknown_purchase_order")


async def test_a_key_that_may_only_read_sends_and_receives_nothing(
    service: Any, x1: dict[str, Any], problem: Any
) -> None:
    number = await ordered(service, x1, "A")
    made = await service.client.post("/keys", json={"name": "erp", "scopes": ["read"]})
    headers = {"X-API-Key": made.json()["key"]}
    assert (await service.client.get(f"/purchase-orders/{number}", headers=headers)).status_code == 200
    for what, body in (("sent", {"version": "1"}), ("receipts", {})):
        problem(await step(service, number, what, body, headers=headers), 403, "scope_missing")


async def test_the_page_to_print_shows_every_text_as_text(service: Any, x1: dict[str, Any]) -> None:
    number = await ordered(service, x1, "A", product_name=EVIL, supplier="Müller <b>GmbH</b>")
    page = await service.client.get(f"/purchase-orders/{number}/print")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Draft" not in page.text
    assert "<script" not in page.text
    assert "<b>" not in page.text
    assert "Müller &lt;b&gt;GmbH&lt;/b&gt;" in page.text
    assert all(word in page.text for word in (number, "Total:", "Version ", ">A<"))


async def test_the_page_to_print_says_when_each_line_is_to_be_delivered(service: Any, x1: dict[str, Any]) -> None:
    """Of a draft, if it is sent today; X1 takes 7 days."""
    number = await ordered(service, x1, "A")
    draft = await service.client.get(f"/purchase-orders/{number}/print")
    line = (await service.client.get(f"/purchase-orders/{number}")).json()["lines"][0]
    await let_pass(service.book, await service.book.orders.get(line["number"]), days=3)
    waited = await service.client.get(f"/purchase-orders/{number}/print")

    wanted = datetime.now(UTC).date() + timedelta(days=7)
    assert "<th>Deliver by</th>" in draft.text
    for page in (draft, waited):
        assert f"<td>{wanted}</td>" in page.text


@pytest.mark.skipif(find_library("pango-1.0") is None, reason="Pango, which sets the PDF, is not installed")
@pytest.mark.filterwarnings("ignore:HarfBuzz-Subset")
async def test_the_page_is_a_pdf_where_that_is_installed(service: Any, x1: dict[str, Any]) -> None:
    number = await ordered(service, x1, "A", product_name="Łódź ∅ 8")
    answer = await service.client.get(f"/purchase-orders/{number}/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


async def test_without_the_extra_the_way_to_a_pdf_is_named(
    service: Any, x1: dict[str, Any], problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await ordered(service, x1, "A")
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    told = problem(await service.client.get(f"/purchase-orders/{number}/pdf"), 404, "pdf_not_installed")
    assert "restock[pdf]" in told["detail"]


async def test_the_page_to_print_may_have_its_style_and_nothing_else(service: Any, x1: dict[str, Any]) -> None:
    page = await service.client.get(f"/purchase-orders/{await ordered(service, x1, 'A')}/print")
    [style] = re.findall("<style>(.*?)</style>", page.text, flags=re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert page.headers.get_list("content-security-policy") == [
        f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"
    ]
    assert "style=" not in page.text


async def test_below_the_minimum_a_draft_says_what_would_fill_it_up(service: Any, problem: Any) -> None:
    """Of ACME's further products NUTS will be ordered next; RODS last for long, and PINS are kept elsewhere."""
    engine = service.book.database.engine
    keep_bolts(engine)
    _keep(engine, "RODS", on_hand=5_000)
    _keep(engine, "NUTS", on_hand=250)
    _keep(engine, "PINS", on_hand=200, location="DEPOT")
    waiting = (await service.trigger({"product_id": "BOLTS", "mode": "database"})).json()
    number = (await service.decide(waiting["review_id"], decision="approve")).json()["order"]["purchase_order"]
    value = (await shown(service, number))["total"]
    _minimum(engine, value + 10)

    draft = await shown(service, number)
    refused = problem(await step(service, number, "sent", {"version": draft["version"]}), 409, "below_minimum")

    assert draft["missing_to_minimum"] == 10
    [line] = draft["fill_up"]
    assert (line["product_id"], line["quantity"], line["value"]) == ("NUTS", 20, 10)
    assert "20 × NUTS (10.00 EUR)" in refused["detail"]
    sent = await step(service, number, "sent", {"version": draft["version"], "below_minimum": True})
    assert (sent.json()["status"], sent.json()["fill_up"]) == ("sent", [])


def _keep(engine: sa.Engine, product: str, *, on_hand: float, location: str = "SHOP") -> None:
    row = {"id": product, "name": product.title(), "category": "", "supplier_id": "ACME"}
    put(engine, tables.products, row | {"terms": {"unit_price": "0.5", "order_multiple": 10}})
    put(engine, tables.stock, stock_row(product, location, on_hand))
    put(engine, tables.demand, demand_row(product_id=product, location=location))


def _minimum(engine: sa.Engine, value: float) -> None:
    terms = {"lead_time_days": 7, "currency": "EUR", "minimum_order_value": value}
    with engine.begin() as connection:
        connection.execute(sa.update(tables.suppliers).values(terms=terms))
