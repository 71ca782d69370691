"""Sweeps at the desk: tried out, begun once, followed, and what came of every product."""

import asyncio
import csv
import io
import re
from typing import Any

import pytest

from api.pages import sweeps
from tests.api.pages.conftest import sign_in
from tests.own_catalogue import keep_bolts
from tools.sweep.report import report

MIDWEST = {"supplier": "Midwest Metals Company"}


async def ended(browser: Any, address: str) -> str:
    """The sweep's page once it is over."""
    async with asyncio.timeout(60):
        while True:
            page = str((await browser.get(address)).text)
            if "data-progress" not in page:
                return page
            await asyncio.sleep(0.05)


async def test_today_leads_to_what_is_due_and_filters_narrow_it(browser: Any, service: Any) -> None:
    due = [row for row in (await service.runtime.today.present()).rows if row.is_due]
    midwest = [row for row in due if row.supplier == "Midwest Metals Company"]

    assert 'href="/desk/sweeps"' in (await browser.get("/desk")).text

    everything, some = (await browser.get("/desk/sweeps")).text, (await browser.get("/desk/sweeps", **MIDWEST)).text

    for rows, page in ((due, everything), (midwest, some)):
        worth = sum(row.value for row in rows if row.value is not None)
        assert f"{len(rows)} products are due, for {worth:,.2f} USD, moves from one" in " ".join(page.split())
    assert "There was none yet" in everything
    nothing = (await browser.get("/desk/sweeps", text="no such thing")).text
    assert "Nothing of this is due" in nothing
    assert "Decide now" not in nothing


async def test_a_trial_says_what_would_come_of_it_and_records_nothing(browser: Any, service: Any) -> None:
    page = (await browser.send("/desk/sweeps/trial", **MIDWEST)).text

    assert "Trial: nothing is recorded" in page
    assert "would be ordered" in page
    assert 'name="supplier" value="Midwest Metals Company"' in page
    assert [await service.count(table) for table in ("sweeps", "runs", "orders")] == [0, 0, 0]


async def test_a_trial_shows_every_product_and_names_moves(browser: Any, service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("api.pages.sweeps.LINES", 2)
    due = [row for row in (await service.runtime.today.present()).rows if row.is_due]

    tried = (await browser.send("/desk/sweeps/trial")).text
    address = (await browser.send("/desk/sweeps")).headers["location"]
    await ended(browser, address)
    lines, orders = [
        list(csv.DictReader(io.StringIO((await browser.get(file)).content.decode("utf-8-sig"))))
        for file in (f"{address}/lines.csv", "/desk/orders.csv")
    ]

    moves = {row.place: row.source_location for row in due if row.source_location}
    assert len(re.findall(r'<td class="l"><a href="/desk/products/', tried)) == len(due)
    assert sorted(re.findall(r"<small>move from (.*?)</small>", tried)) == sorted(moves.values()) != []
    named = {(line["product_id"], line["location"]): line["source_location"] for line in lines}
    assert {place: source for place, source in named.items() if source} == moves
    units = {row.product_id: row.unit for row in due}
    assert [order["unit"] for order in orders] == [units[order["product_id"]] for order in orders] != []


async def test_a_trial_of_too_many_is_refused_with_the_way_out(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.pages.sweeps.MOST_TRIED", 4)
    refused = await browser.send("/desk/sweeps/trial", **MIDWEST)
    assert refused.status_code == 422
    assert "5 products are due; a trial takes at most 4. Narrow them by a filter." in refused.text


async def test_a_sweep_that_is_sent_twice_is_one(browser: Any, service: Any) -> None:
    answers = [await browser.send("/desk/sweeps", **MIDWEST) for _ in range(2)]

    addresses = {answer.headers["location"] for answer in answers}
    assert len(addresses) == 1
    page = await ended(browser, addresses.pop())
    orders = await service.count("orders")
    assert orders > 0
    assert len(re.findall(r'<td class="l narrow wrap">\s*✓ ordered', page)) == orders
    assert "Midwest Metals Company" in page
    assert (await browser.get("/desk/sweeps")).text.count("● done") == 1


async def test_the_same_form_with_other_filters_is_another_sweep(browser: Any, service: Any) -> None:
    first = await browser.send("/desk/sweeps", **MIDWEST)
    other = await browser.send("/desk/sweeps", text="no such thing")
    assert first.headers["location"] != other.headers["location"]
    assert "Nothing was due" in await ended(browser, other.headers["location"])
    await ended(browser, first.headers["location"])


async def test_products_are_shown_by_what_came_of_them_and_in_pages(
    browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.pages.sweeps.LINES", 2)
    address = (await browser.send("/desk/sweeps")).headers["location"]
    await ended(browser, address)

    waiting = (await browser.get(address, outcome="waiting")).text
    rows = re.findall(r"<td class=\"l narrow wrap\">\s*(?:✓|◐|○|…) ([\w ]+?)(?:<|:)", waiting)
    assert rows == ["waits for a person"] * 2
    assert "?outcome=waiting&amp;after=2#lines" in waiting
    second = (await browser.get(address, outcome="waiting", after=2)).text
    names = [re.findall(r'href="/desk/products/([^"]+)"', page) for page in (waiting, second)]
    assert not set(names[0]) & set(names[1])
    unknown = await browser.get(address, outcome="lost")
    assert (unknown.status_code, "no outcome" in unknown.text) == (422, True)


async def test_a_waiting_line_says_why_and_leads_to_its_review(browser: Any, service: Any) -> None:
    keep_bolts(service.book.database.engine)
    address = (await browser.send("/desk/sweeps")).headers["location"]

    page = await ended(browser, address)

    assert "Safe by the plan: only proposed." in page
    assert re.search(r'href="/desk/reviews/RV-\d+"', page)
    assert "1 order" in page
    assert "would have gone out by itself" in page


async def test_every_line_can_be_downloaded(browser: Any) -> None:
    address = (await browser.send("/desk/sweeps", **MIDWEST)).headers["location"]
    await ended(browser, address)
    rows = list(csv.DictReader(io.StringIO((await browser.get(f"{address}/lines.csv")).text)))
    assert len(rows) == 5
    assert {row["supplier"] for row in rows} == {"Midwest Metals Company"}
    assert (await browser.get(f"{address}/lines.xlsx")).content.startswith(b"PK")


async def test_earlier_sweeps_come_in_pages(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.pages.sweeps.ROWS", 2)
    begun = [(await browser.send("/desk/sweeps", text=f"nothing {n}")).headers["location"] for n in range(3)]
    first = (await browser.get("/desk/sweeps")).text
    [following] = re.findall(r'href="/desk/sweeps\?before=(\w+)"', first)
    second = (await browser.get("/desk/sweeps", before=following)).text
    found = [re.findall(r'href="(/desk/sweeps/\w+)"', page) for page in (first, second)]
    assert [len(page) for page in found] == [2, 1]
    assert {*found[0], *found[1]} == set(begun)


async def test_who_may_not_trigger_looks_only(service: Any, browser: Any) -> None:
    address = (await browser.send("/desk/sweeps", text="nothing")).headers["location"]
    made = await service.client.post("/keys", json={"name": "reader", "scopes": ["read"]})
    reader = await sign_in(service, made.json()["key"])
    assert "scope “trigger”" in (await reader.get("/desk/sweeps")).text
    assert (await reader.get(address)).status_code == 200
    for path in ("/desk/sweeps", "/desk/sweeps/trial"):
        assert (await reader.send(path)).status_code == 403
    await reader.client.aclose()


@pytest.mark.parametrize("path", ["/desk/sweeps/none", "/desk/sweeps/none/events", "/desk/sweeps/none/lines.csv"])
async def test_an_unknown_sweep_is_a_page_that_says_so(browser: Any, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, "No sweep" in answer.text) == (404, True)


async def test_a_trial_tells_its_own_session_how_far_it_is(
    browser: Any, reader: Any, service: Any, monkeypatch: Any
) -> None:
    told, go_on = asyncio.Event(), asyncio.Event()

    async def trial(filters: Any, *, by: Any, progress: Any) -> Any:
        progress(3, 12)
        told.set()
        await go_on.wait()
        return report(())

    monkeypatch.setattr(service.runtime.sweeps, "preview", trial)
    monkeypatch.setattr(sweeps, "MOST_TRIAL_SECONDS", 0.2)
    page = asyncio.create_task(browser.send("/desk/sweeps/trial", once="a"))
    await told.wait()

    own, others = [await each.get("/desk/sweeps/trial/a/events") for each in (browser, reader)]
    go_on.set()

    assert (await page).status_code == 200
    assert "3 of 12 tried." in own.text
    assert "tried" not in others.text
    assert "tried" not in (await browser.get("/desk/sweeps/trial/a/events")).text


async def test_the_events_of_a_sweep_that_is_over_are_its_end(browser: Any) -> None:
    address = (await browser.send("/desk/sweeps", text="nothing")).headers["location"]
    await ended(browser, address)
    answer = await browser.get(f"{address}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == 'event: end\ndata: {"status": "done"}\n\n'


async def test_words_of_filters_are_shown_as_text(browser: Any) -> None:
    address = (await browser.send("/desk/sweeps", text="<b>x</b>")).headers["location"]
    for page in (await browser.get(address), await browser.get("/desk/sweeps", text="<b>x</b>")):
        assert "<b>x" not in page.text
