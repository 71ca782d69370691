"""`restock orders`: what became of orders, from the command line."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tests.order_book import let_pass


@pytest.fixture
async def number(service: Any, x1: dict[str, Any]) -> str:
    """An order of 748 or more X1."""
    return str((await service.trigger({**x1, "product_id": "X1"})).json()["order"]["number"])


@pytest.fixture
def orders(service: Any, run: Any) -> Callable[..., Awaitable[Any]]:
    url = service.runtime.settings.database_url

    async def command(*arguments: str) -> Any:
        return await asyncio.to_thread(run, "orders", *arguments, DATABASE_URL=url)

    return command


async def test_an_order_is_sent_received_in_parts_and_shown(service: Any, orders: Any, number: str) -> None:
    assert f"{number} | sent | X1 at default" in (await orders("sent", number)).stdout
    assert "partly_received" in (await orders("receive", number, "300")).stdout
    assert "more than ordered | closed" in (await orders("receive", number, "900")).stdout

    shown = (await orders("show", number)).stdout

    assert f"{number} | received" in shown
    assert "300 units, reported by command line" in shown
    assert "900 units" in shown
    assert {entry.actor for entry in await service.book.audit.page(limit=3)} == {"command line"}


async def test_what_is_done_to_an_order_can_be_read_by_programs(orders: Any, number: str) -> None:
    sent = json.loads((await orders("send", number, "--json")).stdout)
    part = json.loads((await orders("receive", number, "300", "--json")).stdout)
    right = json.loads((await orders("correct", number, "200", "--reason", "miscounted", "--json")).stdout)
    shown = json.loads((await orders("show", number, "--json")).stdout)
    ended = json.loads((await orders("cancel", number, "--reason", "no need", "--json")).stdout)
    assert [each["status"] for each in (sent, part, right, ended)] == ["sent", *2 * ["partly_received"], "cancelled"]
    assert (right["received_quantity"], [each["quantity"] for each in shown["receipts"]]) == (200, [200])


async def test_a_late_order_is_listed_with_how_late_it_is(service: Any, orders: Any, number: str) -> None:
    none = await orders("--status", "overdue")
    assert (none.stdout, "no such orders" in none.stderr) == ("", True)
    await let_pass(service.book, await service.book.orders.get(number), days=10)
    assert f"{number} | placed" in (await orders("--status", "overdue")).stdout
    assert "3 days overdue" in (await orders("--product", "X1")).stdout
    assert (await orders("--product", "X2")).stdout == ""


async def test_an_order_is_cancelled_with_a_reason(orders: Any, number: str) -> None:
    assert "no need any more" in (await orders("cancel", number, "--reason", "no need any more")).stdout
    refused = await orders("receive", number, "5")
    assert (refused.exit_code, "because: no need any more" in refused.stderr) == (1, True)
    assert (await orders("cancel", number)).exit_code == 2
    assert (await orders("cancel", number, "--reason", " ")).exit_code == 1


async def test_an_unknown_status_is_named_with_those_that_there_are(orders: Any) -> None:
    refused = await orders("--status", "lost")
    assert (refused.exit_code, "overdue" in refused.stderr) == (2, True)


async def test_a_receipt_of_yesterday_is_recorded_for_yesterday(service: Any, orders: Any, number: str) -> None:
    order = await service.book.orders.get(number)
    await let_pass(service.book, order, days=3)
    day = f"{order.created_at:%Y-%m-%d}T00:00:00"
    await orders("receive", number, "5", "--at", day)
    assert f"{day[:10]} 00:00 UTC: 5 units" in (await orders("show", number)).stdout


@pytest.fixture
async def many(service: Any, x1: dict[str, Any]) -> list[str]:
    """Orders of two products of Müller and of one of Acme; a product's name looks like a formula."""
    bodies = [
        *({"product_id": f"M{n}", "supplier": "Müller GmbH", "product_name": "=1+1"} for n in range(2)),
        {"product_id": "A0", "supplier": "Acme", "unit_price": 7},
    ]
    return [(await service.trigger(x1 | body)).json()["order"]["number"] for body in bodies]


async def test_the_names_that_commands_had_before_still_work(orders: Any, number: str) -> None:
    assert (await orders("list")).stdout == (await orders()).stdout != ""
    assert f"{number} | sent" in (await orders("sent", number)).stdout


async def test_orders_are_gathered_by_supplier_with_their_money(orders: Any, many: list[str]) -> None:
    lines = (await orders("--by", "supplier")).stdout.splitlines()
    assert [line.split(" | ")[0] for line in lines if line.startswith(("Acme", "Müller"))] == ["Acme", "Müller GmbH"]
    assert "| draft | 1 line | 5,236.00 USD | version" in lines[0]
    assert [line.split()[0] for line in lines if line.startswith("  ")] == [many[2], many[0], many[1]]
    assert lines[-1] == "In all: 2 documents, 3 lines, 753,236.00 USD"


async def test_gathered_orders_are_open_ones_unless_a_status_is_asked_for(orders: Any, many: list[str]) -> None:
    await orders("cancel", many[2], "--reason", "no need")
    assert "Acme" not in (await orders("--by", "supplier")).stdout
    cancelled = (await orders("--by", "supplier", "--status", "cancelled")).stdout
    assert "Acme | default | in no document" in cancelled


async def test_a_file_has_a_row_for_each_order_and_no_formula(orders: Any, many: list[str], tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((await orders("--by", "supplier", "--csv")).stdout)))
    assert [row["order"] for row in rows] == [many[2], many[0], many[1]]
    assert (rows[1]["supplier"], rows[1]["name"], rows[1]["unit_price"]) == ("Müller GmbH", "'=1+1", "500")
    assert float(rows[1]["quantity"]) * 500 == float(rows[1]["value"])
    assert rows[1]["document"] == rows[2]["document"] != rows[0]["document"]

    await orders("--xlsx", str(tmp_path / "orders.xlsx"), "--csv", str(tmp_path / "orders.csv"))

    head, first, *_ = CalamineWorkbook.from_path(tmp_path / "orders.xlsx").get_sheet_by_index(0).to_python()
    newest = dict(zip(head, first, strict=True))
    assert (newest["order"], newest["unit_price"], newest["status"]) == (many[2], 7, "draft")
    assert head[head.index("quantity") + 1] == "unit"
    assert (tmp_path / "orders.csv").read_text("utf-8").splitlines()[0].split(",") == head


async def test_a_file_has_all_orders_and_the_screen_says_how_to_go_on(orders: Any, many: list[str]) -> None:
    shown = await orders("--limit", "2")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [many[2], many[1]]
    assert f"2 of 3 orders; go on with --before {many[1]}" in shown.stderr
    assert (await orders("--limit", "2", "--before", many[1])).stdout.startswith(many[0])
    assert len((await orders("--csv", "-")).stdout.splitlines()) == 1 + 3


async def test_filters_narrow_the_list(orders: Any, many: list[str]) -> None:
    async def listed(*options: str) -> list[str]:
        return [line.split()[0] for line in (await orders(*options)).stdout.splitlines()]

    assert await listed("--supplier", "Acme", "--location", "default") == [many[2]]
    assert await listed("--value", "6000") == [many[1], many[0]]
    assert await listed("--late") == await listed("--day", "2020-01-01") == []
    assert len(await listed("--not-late")) == 3


async def test_orders_are_printed_as_json(orders: Any, many: list[str]) -> None:
    plain = json.loads((await orders("--json")).stdout)
    assert ([each["number"] for each in plain["orders"]], plain["total"]) == (many[::-1], 3)
    gathered = json.loads((await orders("--by", "supplier", "--json")).stdout)
    assert [each["supplier_name"] for each in gathered["purchase_orders"]] == ["Acme", "Müller GmbH"]
    assert [line["number"] for line in gathered["purchase_orders"][1]["lines"]] == many[:2]


async def test_a_receipt_is_corrected_and_the_one_that_is_meant_is_named(orders: Any, number: str) -> None:
    await orders("receive", number, "30")
    corrected = await orders("correct", number, "3", "--reason", "a zero too many")
    future = await orders("correct", number, "3", "--reason", "the note", "--at", "2099-01-01")
    await orders("receive", number, "5")
    several = await orders("correct", number, "50", "--reason", "why")
    missing = await orders("correct", number, "50", "--reason", "why", "--receipt", "none")
    shown = (await orders("show", number)).stdout

    assert "3 of" in corrected.stdout
    assert "in the future" in future.stderr
    assert "several; name one" in several.stderr.replace("\n", " ")
    assert "no receipt" in missing.stderr.replace("\n", " ")
    assert "3 units, reported by" in shown
    assert "corrected from 30 by" in shown
    assert shown.rstrip().count("a zero too many") == 1


async def test_a_document_is_shown_sent_as_it_was_seen_and_received(service: Any, orders: Any, many: list[str]) -> None:
    document = (await service.book.orders.get(many[0])).purchase_order
    shown = await orders("show", document)
    assert all(number in shown.stdout for number in many[:2])
    version = shown.stdout.split("version ")[1].split()[0]

    assert (await orders("send", document, "--version", "other")).exit_code == 1
    assert (await orders("send", document)).exit_code == 1  # Nobody answers.
    assert "| sent | 2 lines" in (await orders("send", document, "--version", version)).stdout
    assert "| sent |" in (await orders("receive", document, "--line", f"{many[0]}=5")).stdout
    assert "| closed |" in (await orders("receive", document)).stdout
    assert (await service.book.orders.get(many[0])).status == "received"


@pytest.mark.filterwarnings("ignore:HarfBuzz-Subset")
async def test_a_document_is_printed_to_a_file_that_is_what_its_ending_says(
    service: Any, orders: Any, many: list[str], tmp_path: Path
) -> None:
    document = (await service.book.orders.get(many[0])).purchase_order
    assert "<h1>Purchase order PD-" in (await orders("print", document)).stdout
    for name, begin in (("po.html", b"<!doctype html>"), ("po.pdf", b"%PDF-")):
        await orders("print", document, "--out", str(tmp_path / name))
        assert (tmp_path / name).read_bytes().startswith(begin)
    assert (await orders("print", document, "--out", str(tmp_path / "po.docx"))).exit_code == 2
    assert (await orders("print", document, "--out", str(tmp_path / "none" / "po.html"))).exit_code == 2


async def test_a_person_may_agree_beforehand(service: Any, orders: Any, many: list[str]) -> None:
    document = (await service.book.orders.get(many[2])).purchase_order
    assert "| sent | 1 line" in (await orders("send", document, "--yes")).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--by", "product"), "use --by supplier"),
        (("--csv", "orders.xlsx"), "should end in .csv"),
        (("--late", "show", "PO-1"), "are for the list"),
        (("receive", "PD-1", "5"), "use --line"),
        (("receive", "PD-1", "--line", "A"), "write PO-2026-000001=300"),
        (("receive", "PO-1"), "needs the units"),
    ],
)
async def test_wrong_use_says_the_right_one(orders: Any, arguments: tuple[str, ...], words: str) -> None:
    refused = await orders(*arguments)
    assert (refused.exit_code, words in " ".join(refused.stderr.replace("│", " ").split())) == (2, True)


async def test_an_empty_result_says_so(orders: Any) -> None:
    for options in ((), ("--by", "supplier")):
        assert "no such orders" in (await orders(*options)).stderr
    assert "no rows" in (await orders("--csv", "-")).stderr
    assert json.loads((await orders("--json")).stdout) == {"orders": [], "total": 0}
