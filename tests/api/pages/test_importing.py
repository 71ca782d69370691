"""Bringing in files at the desk: looked at, corrected, confirmed, undone. No file ends where nothing can be done."""

import re
from io import BytesIO
from typing import Any

import pytest
from xlsxwriter import Workbook

from tests.api.pages.conftest import FORM, sign_in

PRODUCTS = b"SKU,Description,Supplier,Unit cost,Currency,Lead time (days)\nA1,Bolt,Acme,1.25,EUR,7\n"
STOCK = b"SKU,Location,On hand\nA1,MAIN,40\n"
FAULTY = b"SKU,On hand\nA1,4\nB2,lots\nC3,=1+2\n"


async def send(browser: Any, *files: tuple[str, bytes], once: str = "once", csrf: str | None = None) -> Any:
    form = {"csrf": csrf or await browser.token(), "once": once}
    parts = [("files", (name, content, "application/octet-stream")) for name, content in files]
    return await browser.client.post("/desk/data/imports", data=form, files=parts, headers=FORM)


async def sent(browser: Any, *files: tuple[str, bytes]) -> tuple[str, str]:
    """The address of the import and its page."""
    answer = await send(browser, *files)
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    return address, (await browser.get(address)).text


def chosen(page: str, name: str) -> str:
    select = re.search(rf'<select name="{re.escape(name)}".*?</select>', page, re.DOTALL)
    assert select, name
    found = re.search(r'value="([^"]*)" selected', select[0])
    return found[1] if found else ""


async def test_files_are_shown_as_they_are_read_and_nothing_is_written_yet(browser: Any, service: Any) -> None:
    _, page = await sent(browser, ("stock.csv", STOCK), ("products.csv", PRODUCTS))

    assert page.index("products.csv") < page.index("stock.csv")
    assert (chosen(page, "kind:0"), chosen(page, "map:0:unit_price")) == ("products", "Unit cost")
    assert "1.25" in page
    assert "only proposes" in page
    assert await service.count("products") == 0


async def test_a_yes_brings_them_in_once_and_an_undo_takes_them_back(browser: Any, service: Any) -> None:
    address, _ = await sent(browser, ("stock.csv", STOCK), ("products.csv", PRODUCTS))

    for _ in range(2):
        answer = await browser.send(f"{address}/confirm")
        assert (answer.status_code, answer.headers["location"]) == (303, address)
    page = (await browser.get(address)).text
    assert "In the catalogue since" in page
    assert "by configured key" in page
    assert await service.count("products") == 1
    assert (await browser.get("/desk/data")).text.count("in the catalogue") == 1

    for _ in range(2):
        assert (await browser.send(f"{address}/undo")).status_code == 303
    assert "Taken back" in (await browser.get(address)).text
    assert await service.count("products") == 0


async def test_an_undo_that_later_imports_forbid_says_which(browser: Any) -> None:
    first, _ = await sent(browser, ("stock.csv", STOCK))
    await browser.send(f"{first}/confirm")
    later = await send(browser, ("stock.csv", STOCK.replace(b"40", b"30")), once="later")
    await browser.send(f"{later.headers['location']}/confirm")

    refused = await browser.send(f"{first}/undo")

    assert refused.status_code == 409
    assert "undo 2 first" in refused.text
    assert "In the catalogue since" in refused.text


async def test_a_form_that_is_sent_twice_is_one_import(browser: Any, service: Any) -> None:
    answers = [await send(browser, ("stock.csv", STOCK)) for _ in range(2)]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await service.count("imports") == 1


async def test_a_file_of_no_known_kind_is_settled_by_kind_and_columns(browser: Any, service: Any) -> None:
    address, page = await sent(browser, ("s.csv", b"Thing,When,How many\nA1,2026-11-02,3\n"))
    assert "No kind of file has these columns" in page
    assert "--" not in page.partition("<main")[2]
    refused = await browser.send(f"{address}/confirm")
    assert (refused.status_code, "No kind of file" in refused.text) == (422, True)

    await browser.send(address, **{"kind:0": "sales", "was:0": ""})
    page = (await browser.get(address)).text
    assert "no column for product_id" in page
    assert "say which" in page
    assert 'value="How many">How many (3)' in page

    columns = {"product_id": "Thing", "date": "When", "quantity": "How many"}
    maps = {f"map:0:{role}": column for role, column in columns.items()}
    await browser.send(address, **{"kind:0": "sales", "was:0": "sales"}, **maps)
    assert "1 row can be brought in" in (await browser.get(address)).text
    await browser.send(f"{address}/confirm")
    assert await service.count("demand") == 1


async def test_a_column_that_was_taken_for_something_can_be_let_go(browser: Any, service: Any) -> None:
    address, page = await sent(browser, ("products.csv", PRODUCTS))
    assert chosen(page, "map:0:supplier") == "Supplier"

    await browser.send(address, **{"kind:0": "products", "was:0": "products", "map:0:supplier": ""})

    page = (await browser.get(address)).text
    assert chosen(page, "map:0:supplier") == ""
    assert "Not used: Supplier." in page
    await browser.send(f"{address}/confirm")
    assert await service.count("suppliers") == 0


async def test_columns_are_found_anew_when_the_kind_changes(browser: Any) -> None:
    address, page = await sent(browser, ("x.csv", b"SKU,On hand,Lead time\nA1,4,7\n"))
    before = chosen(page, "kind:0")
    other = "stock" if before == "products" else "products"
    maps = {"map:0:lead_time_days": "", "map:0:on_hand": "Lead time"}

    await browser.send(address, **{"kind:0": other, "was:0": before}, **maps)

    page = (await browser.get(address)).text
    assert (chosen(page, "kind:0"), chosen(page, "map:0:on_hand")) == (other, "On hand")


@pytest.mark.parametrize(
    ("content", "field", "value", "question"),
    [
        (b"Date,SKU,Qty\n01/02/2026,A1,5\n02/03/2026,A1,4\n", "dates:0", "day-first", "day or the month first"),
        (b"Date,SKU,Qty\n2026-01-05,A1,1.050\n2026-01-06,A1,2\n", "decimal:0", "comma", "decimals or for thousands"),
    ],
)
async def test_what_may_be_read_in_two_ways_is_asked_and_can_be_said(
    browser: Any, service: Any, content: bytes, field: str, value: str, question: str
) -> None:
    address, page = await sent(browser, ("sales.csv", content))
    assert question in " ".join(page.split())

    await browser.send(address, **{"kind:0": "sales", "was:0": "", field: value})

    page = (await browser.get(address)).text
    assert "2 rows can be brought in" in page
    assert chosen(page, field) == value
    await browser.send(f"{address}/confirm")
    assert await service.count("demand") == 1


async def test_the_sheets_of_a_workbook_with_different_kinds_come_in_together(browser: Any, service: Any) -> None:
    made = BytesIO()
    with Workbook(made) as book:
        for name, column, value in (("Artikel", "Supplier", "Acme"), ("Lager", "On hand", 4)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["SKU", column])
            sheet.write_row(1, 0, ["A1", value])
    address, page = await sent(browser, ("all.xlsx", made.getvalue()))

    assert (chosen(page, "kind:0"), chosen(page, "kind:1")) == ("products", "stock")
    await browser.send(f"{address}/confirm")
    assert (await service.count("products"), await service.count("stock")) == (1, 1)


async def test_a_sheet_is_asked_for_by_the_names_of_the_workbook(browser: Any, workbook: bytes) -> None:
    address, page = await sent(browser, ("book.xlsx", workbook))
    assert "<option>South</option>" in page

    await browser.send(address, **{"kind:0": "", "was:0": "", "sheet:0": "South"})

    page = (await browser.get(address)).text
    assert "1 row can be brought in" in page
    assert 'name="sheet:0" value="South"' in page


@pytest.fixture
def workbook() -> bytes:
    file = BytesIO()
    with Workbook(file) as book:
        for name in ("North", "South"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["SKU", "On hand"])
            sheet.write_row(1, 0, ["A1", 4])
    return file.getvalue()


async def test_faults_say_line_column_value_and_what_to_do(browser: Any, service: Any) -> None:
    address, page = await sent(browser, ("stock.csv", FAULTY))
    rows = re.search(r"What to do</th>.*?</table>", page, re.DOTALL)
    assert rows
    cells = re.findall(r"<td[^>]*>(.*?)</td>", rows[0])
    assert cells[:4] == ["3", "On hand", "lots", "This is no number. Correct it, or name another column."]
    assert "2 rows have faults" in page

    refused = await browser.send(f"{address}/confirm")
    assert refused.status_code == 422
    assert await service.count("stock") == 0

    await browser.send(f"{address}/confirm", skip_bad="true")
    assert await service.count("stock") == 1
    assert "2 rows with faults left out" in (await browser.get(address)).text


async def test_all_faults_can_be_downloaded_and_are_no_formulas(browser: Any) -> None:
    address, _ = await sent(browser, ("stock.csv", FAULTY))

    answer = await browser.get(f"{address}/faults.csv")

    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "file,line,column,value,problem"
    assert lines[1].startswith("stock.csv,3,On hand,lots,")
    assert lines[2].startswith("stock.csv,4,On hand,'=1+2,")
    assert "attachment" in answer.headers["content-disposition"]


async def test_a_file_that_is_none_can_be_left_out_and_the_others_come_in(browser: Any, service: Any) -> None:
    address, page = await sent(browser, ("picture.png", b"\x00\x01\x00\x00\x00\x00"), ("stock.csv", STOCK))
    assert "neither text nor a workbook" in page
    assert 'data-key="a"' not in page

    for _ in range(2):
        await browser.send(address, leave_out="picture.png")

    assert "picture.png" not in (await browser.get(address)).text
    await browser.send(f"{address}/confirm")
    assert await service.count("stock") == 1


async def test_leaving_out_the_last_file_ends_the_import(browser: Any, service: Any) -> None:
    address, _ = await sent(browser, ("stock.csv", STOCK))
    assert (await browser.send(address, leave_out="stock.csv")).headers["location"] == "/desk/data"
    assert await service.count("imports") == 0
    assert (await browser.get(address)).status_code == 404


async def test_a_script_that_sends_files_is_told_where_they_are_and_does_not_follow(browser: Any) -> None:
    form = {"csrf": await browser.token(), "once": "a"}
    files = [("files", ("stock.csv", b"SKU,On hand\nA1,5\n"))]

    answer = await browser.client.post(
        "/desk/data/imports", data=form, files=files, headers=FORM | {"HX-Request": "true"}
    )

    assert (answer.status_code, answer.text) == (204, "")
    assert "stock.csv" in (await browser.get(answer.headers["hx-redirect"])).text


async def test_files_that_cannot_come_in_together_say_why(browser: Any) -> None:
    daily = b"Date,SKU,Qty\n2026-01-05,A1,1\n2026-01-06,A1,2\n2026-01-08,A1,2\n"
    first, _ = await sent(browser, ("daily.csv", daily))
    await browser.send(f"{first}/confirm")
    monthly = b"SKU,2026-01,2026-02,2026-03\nA1,5,6,7\n"
    answer = await send(browser, ("monthly.csv", monthly), once="second")

    page = (await browser.get(answer.headers["location"])).text

    assert "keeps its demand by day" in page
    assert "or leave it out below" in page
    refused = await browser.send(f"{answer.headers['location']}/confirm")
    assert (refused.status_code, "keeps its demand by day" in refused.text) == (422, True)


async def test_names_and_cells_of_files_are_shown_as_text(browser: Any) -> None:
    content = b"SKU,On hand,<b>x</b>\n<script>1</script>,4,2\nB2,<i>lots</i>,1\n"
    _, page = await sent(browser, ("<u>stock.csv", content))
    assert not re.search(r"<(u|i|b)>|<script>1", page)
    assert "&lt;i&gt;lots" in page


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"decimal:0": "roman"}, 422, "no such way"),
        ({"kind:0": "goods"}, 303, ""),
    ],
)
async def test_what_no_page_offers_is_refused(browser: Any, fields: dict[str, str], status: int, words: str) -> None:
    address, _ = await sent(browser, ("stock.csv", STOCK))
    answer = await browser.send(address, **fields)
    assert (answer.status_code, words in answer.text) == (status, True)
    assert (await browser.get(address)).status_code == 200


async def test_no_file_at_all_is_said(browser: Any) -> None:
    answer = await browser.send("/desk/data/imports")
    assert answer.status_code == 422
    assert "No file is chosen" in answer.text
    empty = await send(browser, ("", b""))
    assert "No file is chosen" in empty.text
    many = await send(browser, *((f"{n}.csv", STOCK) for n in range(21)))
    assert "at most 20" in many.text


async def test_a_form_of_another_session_brings_nothing_in(browser: Any, service: Any) -> None:
    answer = await send(browser, ("stock.csv", STOCK), csrf="0" * 64)
    assert answer.status_code == 403
    assert await service.count("imports") == 0


async def test_an_upload_may_be_larger_than_other_forms(browser: Any) -> None:
    rows = b"".join(b"P%06d,MAIN,4\n" % n for n in range(120_000))
    answer = await send(browser, ("stock.csv", b"SKU,Location,On hand\n" + rows))
    assert answer.status_code == 303


async def test_a_key_that_may_not_approve_sees_and_changes_nothing(browser: Any, service: Any) -> None:
    address, _ = await sent(browser, ("stock.csv", STOCK))
    made = await service.client.post("/keys", json={"name": "reader", "scopes": ["read"]})
    reader = await sign_in(service, made.json()["key"])
    page = (await reader.get(address)).text
    assert "scope “approve”" in page
    assert "A1" not in page
    assert 'name="files"' not in (await reader.get("/desk/data")).text
    for path in (f"{address}/confirm", f"{address}/undo", address, "/desk/data/imports", "/desk/data/settings"):
        assert (await reader.send(path)).status_code == 403
    assert (await reader.get(f"{address}/faults.csv")).status_code == 403
    await reader.client.aclose()


async def test_a_number_that_no_import_can_have_is_refused(browser: Any) -> None:
    number = 371880590379307368448
    assert (await browser.get(f"/desk/data/imports/{number}")).status_code == 422
    assert (await browser.get("/desk/data", before=number)).status_code == 422


async def test_a_workbook_that_would_fill_the_machine_is_refused_on_its_page(browser: Any) -> None:
    file = BytesIO()
    with Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["product_id", "on_hand"])
        sheet.write_string(1_048_575, 16_383, "stray")

    _, page = await sent(browser, ("stock.xlsx", file.getvalue()))

    assert "17,179,869,184 cells" in page
