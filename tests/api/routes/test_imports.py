"""POST /imports: files are sent, looked at, corrected, confirmed and undone."""

import json
from io import BytesIO
from typing import Any

import pytest
from xlsxwriter import Workbook

PRODUCTS = b"SKU,Description,Supplier,Unit cost,Currency,Lead time (days)\nA1,Bolt,Acme,1.25,EUR,7\n"
STOCK = b"SKU,Location,On hand\nA1,MAIN,40\n"


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    made = BytesIO()
    with Workbook(made) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for line, row in enumerate(rows):
                sheet.write_row(line, 0, row)
    return made.getvalue()


async def send(client: Any, *files: tuple[str, bytes], how: Any = None, **headers: str) -> Any:
    parts = [("files", (name, content, "text/csv")) for name, content in files]
    data = {} if how is None else {"how": json.dumps({"files": how})}
    return await client.post("/imports", files=parts, data=data, headers=headers)


async def test_files_are_shown_as_they_are_read_and_nothing_is_imported_yet(service: Any) -> None:
    answer = await send(service.client, ("stock.csv", STOCK), ("products.csv", PRODUCTS))

    assert answer.status_code == 201
    shown = answer.json()
    assert [(file["name"], file["kind"], file["rows"]) for file in shown["files"]] == [
        ("stock.csv", "stock", 1),
        ("products.csv", "products", 1),
    ]
    assert shown["files"][1]["mapping"]["unit_price"] == "Unit cost"
    assert shown["files"][1]["examples"][0]["unit_price"] == "1.25"
    assert (shown["ready"], shown["counts"]["products"]["new"]) == (True, 1)
    assert await service.count("products") == 0


async def test_a_confirmed_import_is_in_the_catalogue_once_and_can_be_undone(service: Any, problem: Any) -> None:
    number = (await send(service.client, ("stock.csv", STOCK), ("products.csv", PRODUCTS))).json()["number"]

    done = await service.client.post(f"/imports/{number}/confirm", json={})

    assert (done.status_code, done.json()["status"], done.json()["counts"]["stock"]["new"]) == (200, "done", 1)
    assert (await service.client.get("/products/A1")).json()["supplier"] == "Acme"
    problem(await service.client.post(f"/imports/{number}/confirm", json={}), 409, "conflict")
    assert await service.count("import_files") == 0
    undone = await service.client.post(f"/imports/{number}/undo")
    assert (undone.json()["status"], await service.count("products")) == ("undone", 0)
    problem(await service.client.post(f"/imports/{number}/undo"), 409, "conflict")


async def test_what_cannot_be_told_is_asked_and_answered_with_a_mapping(service: Any) -> None:
    unclear = b"Thing,When,How many\nA1,2026-11-02,3\n"
    sent = (await send(service.client, ("sales.csv", unclear))).json()
    assert (sent["ready"], sent["files"][0]["kind"]) == (False, None)
    assert "--kind" in sent["files"][0]["question"]

    how = {"kind": "sales", "mapping": {"product_id": "Thing", "date": "When", "quantity": "How many"}}
    read = await service.client.post(f"/imports/{sent['number']}", json={"files": {"sales.csv": how}})

    assert (read.json()["ready"], read.json()["files"][0]["rows"]) == (True, 1)
    assert (await service.client.post(f"/imports/{sent['number']}/confirm", json={})).status_code == 200


async def test_kind_and_mapping_may_come_with_the_files(client: Any) -> None:
    how = {"s.csv": {"kind": "stock", "mapping": {"on_hand": "Level"}}}
    sent = (await send(client, ("s.csv", b"SKU,Level\nA1,4\n"), how=how)).json()
    assert (sent["ready"], sent["files"][0]["mapping"]) == (True, {"product_id": "SKU", "on_hand": "Level"})


async def test_faults_are_data_and_refuse_a_confirmation_unless_they_are_left_out(client: Any, problem: Any) -> None:
    sent = (await send(client, ("stock.csv", b"SKU,On hand\nA1,4\nB2,lots\n"))).json()
    fault = sent["files"][0]["faults"][0]
    assert (sent["ready"], fault["line"], fault["column"], fault["value"]) == (False, 3, "On hand", "lots")

    problem(await client.post(f"/imports/{sent['number']}/confirm", json={}), 422, "faulty_file")

    done = await client.post(f"/imports/{sent['number']}/confirm", json={"skip_bad": True})
    assert done.json()["counts"]["stock"]["new"] == 1
    assert done.json()["files"][0]["faults"] == 1


async def test_the_same_upload_with_one_key_is_one_import(service: Any, problem: Any) -> None:
    first = await send(service.client, ("stock.csv", STOCK), **{"Idempotency-Key": "k"})
    again = await send(service.client, ("stock.csv", STOCK), **{"Idempotency-Key": "k"})
    assert again.json() == first.json()
    assert await service.count("imports") == 1
    other = await send(service.client, ("stock.csv", STOCK + b"B2,MAIN,1\n"), **{"Idempotency-Key": "k"})
    problem(other, 422, "idempotency_mismatch")


async def test_imports_are_listed_newest_first_and_in_pages(client: Any, problem: Any) -> None:
    for name in ("a.csv", "b.csv"):
        await send(client, (name, STOCK))
    page = (await client.get("/imports", params={"limit": 1})).json()
    assert ([each["number"] for each in page["imports"]], page["next"]) == ([2], 2)
    assert (await client.get("/imports", params={"before": 2})).json()["imports"][0]["files"][0]["name"] == "a.csv"
    assert (await client.get("/imports/1")).json()["status"] == "proposed"
    problem(await client.get("/imports/9"), 404, "unknown_import")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/json", b"{}"), ("text/csv", STOCK), ("multipart/form-data", b"")],
)
async def test_files_come_as_form_data_only(client: Any, problem: Any, content_type: str, body: bytes) -> None:
    answer = await client.post("/imports", content=body, headers={"Content-Type": content_type})
    problem(answer, 415, "unsupported_media_type")


async def test_an_upload_beyond_the_limit_is_refused_however_long_it_says_it_is(
    client: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.door.doorkeeper.MAX_UPLOAD_BYTES", 2_000_000)
    big = STOCK + b"B2,MAIN,1\n" * 300_000
    problem(await send(client, ("stock.csv", big)), 413, "body_too_large")

    async def pieces() -> Any:
        head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="s.csv"\r\n\r\n'
        yield head
        for _ in range(4):
            yield b"x" * 1_000_000

    endless = await client.post(
        "/imports", content=pieces(), headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    problem(endless, 413, "body_too_large")


async def test_more_than_a_megabyte_of_sales_is_taken(service: Any) -> None:
    rows = "".join(f"2026-{1 + n % 9:02}-{1 + n % 28:02},P{n % 400},{n % 7}\n" for n in range(80_000))
    sent = await send(service.client, ("sales.csv", f"Date,SKU,Qty\n{rows}".encode()))
    assert sent.json()["files"][0]["rows"] == 80_000
    assert sent.json()["counts"]["demand"]["new"] == 400


async def test_how_files_are_read_is_strict_json(client: Any, problem: Any) -> None:
    parts = [("files", ("s.csv", STOCK, "text/csv"))]
    twice = await client.post("/imports", files=parts, data={"how": '{"files": {}, "files": {}}'})
    problem(twice, 400, "malformed_json")
    unknown = await client.post("/imports", files=parts, data={"how": '{"file": {}}'})
    assert problem(unknown, 422, "invalid_input")["errors"][0]["field"] == "how.files"


async def test_a_key_that_may_only_read_brings_nothing_in(service: Any, problem: Any) -> None:
    made = await service.client.post("/keys", json={"name": "reader", "scopes": ["read", "trigger"]})
    headers = {"X-API-Key": made.json()["key"]}
    problem(await send(service.client, ("stock.csv", STOCK), **headers), 403, "scope_missing")
    problem(await service.client.post("/imports/1/undo", headers=headers), 403, "scope_missing")
    assert (await service.client.get("/imports", headers=headers)).status_code == 200


async def test_a_number_that_no_import_can_have_is_refused(client: Any, problem: Any) -> None:
    number = 371880590379307368448
    for asked in (client.get(f"/imports?before={number}"), client.get(f"/imports/{number}")):
        problem(await asked, 422, "invalid_input")
    problem(await client.post(f"/imports/{number}/undo"), 422, "invalid_input")


async def test_each_sheet_of_a_workbook_with_different_kinds_is_a_file_that_can_be_read_again(service: Any) -> None:
    sheets = {
        "Artikel": [["SKU", "Supplier", "Lead time (days)"], ["A1", "Acme", 7]],
        "Lager": [["SKU", "On hand"], ["A1", 4]],
    }
    shown = (await send(service.client, ("all.xlsx", workbook(sheets)))).json()
    files = [(file["name"], file["kind"], file["rows"]) for file in shown["files"]]
    assert files == [("all.xlsx, Artikel", "products", 1), ("all.xlsx, Lager", "stock", 1)]

    again = {"files": {"all.xlsx, Lager": {"kind": "stock", "mapping": {"on_hand": "On hand"}}}}
    assert (await service.client.post(f"/imports/{shown['number']}", json=again)).status_code == 200
    await service.client.post(f"/imports/{shown['number']}/confirm", json={})
    assert (await service.count("products"), await service.count("stock")) == (1, 1)


async def test_a_workbook_whose_reading_is_stated_stays_one_file(service: Any) -> None:
    sheets = {"Artikel": [["SKU", "Lead time (days)"], ["A1", 7]], "Lager": [["SKU", "On hand"], ["A1", 4]]}
    shown = (await send(service.client, ("all.xlsx", workbook(sheets)), how={"all.xlsx": {"kind": "stock"}})).json()
    assert [file["name"] for file in shown["files"]] == ["all.xlsx"]
