"""The page of data: what the catalogue holds, examples, settings of all of it, the switch, earlier imports."""

import csv
import io
from typing import Any, get_args

import pytest

from api.pages.data import ImportedKind
from tests.api.pages.conftest import sign_in
from tests.own_catalogue import YESTERDAY, keep_bolts
from tools.catalog.importing.sources import KINDS
from tools.catalog.reading import read_file


async def test_the_sample_is_called_one(browser: Any) -> None:
    page = (await browser.get("/desk/data")).text
    assert "sample catalogue" in page
    assert "Nothing was brought in yet" in page


async def test_the_own_catalogue_is_said_in_words(browser: Any, service: Any) -> None:
    calendars = {"SHOP": {"weekdays": [5, 6], "days": ["2026-12-25"], "period": "day"}}
    keep_bolts(service.book.database.engine, calendars=calendars)

    page = " ".join((await browser.get("/desk/data")).text.split())

    assert "Your catalogue has 1 product of 1 supplier" in page
    assert f"demand by day up to {YESTERDAY.day} {YESTERDAY:%b %Y}" in page
    assert "Closed on Saturdays and Sundays. Closed on 1 single day." in page
    assert "<dd>EUR</dd>" in page


@pytest.mark.parametrize("kind", get_args(ImportedKind))
async def test_each_kind_is_explained_and_has_an_example_that_is_read_as_it(browser: Any, kind: Any) -> None:
    assert f'href="/desk/data/examples/{kind}.csv"' in (await browser.get("/desk/data")).text
    answer = await browser.get(f"/desk/data/examples/{kind}.csv")
    assert len(list(csv.reader(io.StringIO(answer.text)))) == 2
    reading = read_file(answer.content, name="example.csv")
    assert (reading.kind, reading.faults) == (kind, ())


def test_every_kind_that_can_be_imported_has_an_example() -> None:
    assert set(get_args(ImportedKind)) == set(KINDS)


async def test_what_holds_for_all_of_it_can_be_changed_and_is_an_import_of_its_own(browser: Any, service: Any) -> None:
    keep_bolts(service.book.database.engine)

    answer = await browser.send("/desk/data/settings", currency="chf", time_zone="Europe/Berlin", default_location="")

    assert answer.status_code == 303
    page = (await browser.get("/desk/data")).text
    assert ("<dd>CHF</dd>" in page, "<dd>Europe/Berlin</dd>" in page, "<dd>SHOP</dd>" in page) == (True, True, True)
    assert "the desk" in page
    refused = await browser.send("/desk/data/settings", time_zone="Mars/North")
    assert refused.status_code == 422
    assert "Mars/North" in refused.text


async def test_an_administrator_switches_automatic_ordering_for_all_or_for_one(browser: Any, service: Any) -> None:
    keep_bolts(service.book.database.engine)
    assert "<strong>only proposes</strong>" in (await browser.get("/desk/data")).text

    answer = await browser.send("/desk/data/automatic", on="true", back="/desk/settings")

    assert answer.headers["location"] == "/desk/settings"
    assert "<strong>go out by themselves</strong>" in (await browser.get("/desk/data")).text
    await browser.send("/desk/data/automatic", on="false", supplier_id="ACME")
    assert "Acme Fasteners: only proposed" in (await browser.get("/desk/data")).text
    assert (await service.book.automatic.get()).allows("ACME") is False
    assert (await browser.send("/desk/data/automatic", on="true", back="https://x.example")).headers[
        "location"
    ] == "/desk"


async def test_only_an_administrator_can_switch(service: Any) -> None:
    made = await service.client.post("/keys", json={"name": "planner", "scopes": ["read", "trigger", "approve"]})
    planner = await sign_in(service, made.json()["key"])
    assert "An administrator can change this" in (await planner.get("/desk/data")).text
    assert (await planner.send("/desk/data/automatic", on="true")).status_code == 403
    assert (await service.book.automatic.get()).on is False
    await planner.client.aclose()


async def test_earlier_imports_come_in_pages_without_a_repeat(browser: Any, service: Any) -> None:
    for n in range(23):
        stock = b"SKU,Location,On hand\nA1,MAIN,%d\n" % n
        await service.client.post("/imports", files=[("files", (f"file-{n}.csv", stock, "text/csv"))])

    first = (await browser.get("/desk/data")).text
    second = (await browser.get("/desk/data", before=4)).text

    assert 'href="/desk/data?before=4"' in first
    assert ("file-3.csv" in first, "file-2.csv" in first) == (True, False)
    assert ("file-2.csv" in second, "file-3.csv" in second, "Older imports" in second) == (True, False, False)
