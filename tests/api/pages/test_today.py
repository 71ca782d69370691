"""Today's list at the desk: what it shows, and what can be done with its rows."""

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from api.bodies.today import Cursor
from tests.own_catalogue import ACME, BOLTS, demand_row, put, stock_row
from tools.storage import catalogue_schema as tables

IN_A_WEEK = (datetime.now(UTC).date() + timedelta(7)).isoformat()


async def row_of(browser: Any, product_id: str, **query: Any) -> dict[str, str]:
    """What the form of a row holds: its place, and the quantity that was seen."""
    page = (await browser.get("/desk", text=product_id, **query)).text
    keys = re.findall(r'name="place" value="([\w-]+)"', page)
    [key] = [key for key in keys if Cursor.read(key).product_id == product_id]
    seen = re.search(rf'name="seen:{key}" value="([\d.]+)"', page)
    return {"place": key, f"seen:{key}": seen[1] if seen else "", f"quantity:{key}": seen[1] if seen else ""}


async def test_the_list_opens_with_what_needs_doing(browser: Any) -> None:
    page = (await browser.get("/desk")).text

    [to_order] = re.findall(r"<b>([\d,]+)</b><span>to order</span>", page)
    assert f"{to_order} products are to order, 1 more beside an order that is late, " in page
    assert re.search(r" late, \d+ of them moves from one location to another: [\d,.]+ USD together\.", page)
    assert "The newest sale is of " in page
    assert "STEEL_SHEETS" in page
    assert "bring your own data" in page
    assert "no demand" not in re.findall(r'class="state">.*?</td>', page, re.DOTALL)


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ({"text": "gloves"}, "NITRILE_GLOVES_L", "STEEL_SHEETS"),
        ({"location": "Newark", "status": "all"}, "Newark", "> STEEL_SHEETS · Chicago"),
        ({"cover": "out", "status": "all"}, "out of stock", "◐ out before it can come"),
        ({"status": "enough"}, "enough", "STEEL_SHEETS"),
    ],
)
async def test_filters_narrow_the_list(browser: Any, query: dict[str, str], shown: str, hidden: str) -> None:
    page = (await browser.get("/desk", **query)).text.partition('id="list"')[2]

    assert shown in page
    assert hidden not in page


async def test_a_low_confidence_has_its_reason_in_words_and_a_high_one_needs_none(browser: Any) -> None:
    page = (await browser.get("/desk", text="RUBBER_SHEETS")).text

    assert "The minimum order of 300 is 3 months of demand." in page
    assert 'class="reason"' not in (await browser.get("/desk", text="STEEL_SHEETS")).text.partition("<tbody>")[2]


async def test_a_quantity_has_its_unit_beside_it(browser: Any) -> None:
    page = (await browser.get("/desk", text="STEEL_SHEETS")).text

    assert 'aria-label="Quantity of STEEL_SHEETS at Chicago"><small>sheets</small>' in page


async def test_what_runs_out_before_an_order_can_come_is_too_late(browser: Any, service: Any) -> None:
    found = await service.runtime.today.present()
    late = [row for row in found.rows if row.order_by == found.day and row.cover in ("out", "at_risk")]
    page = (await browser.get("/desk", status="all")).text

    shown = re.findall(r'<td class="wide">(too late|today)</td>', page)
    assert shown.count("too late") == len(late) > 0
    assert shown.count("today") == sum(row.order_by == found.day for row in found.rows) - len(late)
    row = late[0]
    assert "<b>too late</b>" in (await browser.get(f"/desk/products/{row.product_id}", location=row.location)).text


async def test_every_column_is_explained(browser: Any) -> None:
    page = (await browser.get("/desk")).text

    explained = re.findall(
        r'<dt class="(.*?)">(.*?)</dt><dd class="\1">', page.partition('id="columns"')[2].partition("</dl>")[0]
    )
    heads = re.findall(r'<th class="[l ]*(\w*)"(?: aria-sort="\w+")?><a [^>]*>(.*?)</a></th>', page)
    assert sorted(explained) == sorted(heads)
    assert {"On hand", "Value", "Confidence", "Order by"} <= {name for _, name in explained}
    assert "Below 0.6 an order always waits for a person." in page


@pytest.mark.parametrize("sort", ["supplier", "-value", "safety_stock"])
async def test_the_list_is_sorted_by_what_is_chosen_on_a_phone_too(browser: Any, sort: str) -> None:
    page = (await browser.get("/desk", sort=sort)).text

    assert re.search(rf'<option value="{sort}" selected>', page)
    if sort == "supplier":
        suppliers = re.findall(r'data-supplier="([^"]*)"', page)
        assert suppliers == sorted(suppliers, key=str.casefold) != []


async def test_numbers_are_sorted_as_numbers(browser: Any) -> None:
    page = (await browser.get("/desk", sort="-quantity")).text

    quantities = [float(text) for text in re.findall(r'name="seen:[\w-]+" value="([\d.]+)"', page)]
    assert quantities == sorted(quantities, reverse=True)
    assert max(quantities) > 999 > min(quantities)


async def test_pages_neither_repeat_nor_leave_out_a_row(browser: Any) -> None:
    found, address = [], "/desk?status=all"
    while address:
        page = (await browser.client.get(address)).text
        found += re.findall(r'name="place" value="([\w-]+)"', page)
        following = re.search(r'<a href="([^"]+)" rel="next"', page)
        address = following[1].replace("&amp;", "&") if following else ""

    places = [(cursor.product_id, cursor.location) for cursor in map(Cursor.read, found)]
    assert len(places) == len(set(places)) == 70


async def test_chosen_rows_are_ordered_each_with_its_own_result(browser: Any, service: Any) -> None:
    steel, masks = await row_of(browser, "STEEL_SHEETS"), await row_of(browser, "DUST_MASKS_FFP2")
    masks[f"quantity:{masks['place']}"] = "1"  # below the minimum, so only a review with an override could order it
    form = {**steel, **masks, "deed": "order", "place": [steel["place"], masks["place"]]}

    page = (await browser.send("/desk/rows", **form)).text

    [order] = await service.book.orders.page()
    assert order.items[0].product_id == "STEEL_SHEETS"
    assert order.placed_by == "configured key"
    assert "1 of 2 done" in page
    assert order.number in page
    assert "1 is outside" in page or "1 is not a multiple" in page
    assert "/desk/reviews/RV-" in page


async def test_a_form_that_is_sent_twice_is_one_order(browser: Any, service: Any) -> None:
    form = {**await row_of(browser, "STEEL_SHEETS"), "deed": "order"}

    first = await browser.send("/desk/rows", **form)
    second = await browser.send("/desk/rows", **form)

    [order] = await service.book.orders.page()
    assert order.number in first.text
    assert order.number in second.text


async def test_a_plan_that_has_changed_since_it_was_seen_is_not_ordered(browser: Any, service: Any) -> None:
    form = {**await row_of(browser, "STEEL_SHEETS"), "deed": "order"}
    form[f"seen:{form['place']}"] = "25"

    page = (await browser.send("/desk/rows", **form)).text

    assert "the plan has changed" in page
    assert await service.book.orders.page() == []


async def test_rows_can_be_sent_to_review_and_are_then_named_so(browser: Any, service: Any) -> None:
    form = {**await row_of(browser, "STEEL_SHEETS"), "deed": "review"}

    await browser.send("/desk/rows", **form)

    [review] = await service.book.reviews.page("pending")
    assert review.review_reasons == ("It was asked for at the desk; a person decides on it.",)
    assert f'href="/desk/reviews/{review.id}"' in (await browser.get("/desk", text="STEEL_SHEETS")).text


async def test_a_row_is_left_alone_until_a_day_and_woken(browser: Any, service: Any) -> None:
    form = {**await row_of(browser, "STEEL_SHEETS"), "deed": "snooze", "until": IN_A_WEEK, "reason": "fair week"}

    await browser.send("/desk/rows", **form)

    listed = {row.product_id: row for row in (await service.runtime.today.present()).rows}
    assert listed["STEEL_SHEETS"].status == "snoozed"
    assert "configured key (fair week)" in listed["STEEL_SHEETS"].reason
    assert "0 products" in (await browser.get("/desk", text="STEEL_SHEETS")).text
    await browser.send("/desk/wake", place=form["place"], back="/desk")
    listed = {row.product_id: row for row in (await service.runtime.today.present()).rows}
    assert listed["STEEL_SHEETS"].status == "order_now"
    events = [entry.event for entry in await service.book.audit.page()]
    assert events[:2] == ["product.woken", "product.snoozed"]


async def test_a_sweep_leaves_alone_what_a_person_left_alone(browser: Any, service: Any) -> None:
    form = {**await row_of(browser, "STEEL_SHEETS"), "deed": "snooze", "until": IN_A_WEEK, "reason": "fair week"}
    await browser.send("/desk/rows", **form)

    preview = (await service.client.post("/sweeps", json={"dry_run": True})).json()

    assert "STEEL_SHEETS" not in {line["product_id"] for line in preview["lines"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"deed": "burn"}, "Say what to do with the rows"),
        ({"place": []}, "No row is chosen"),
        ({"place": "no cursor"}, "is not the"),
        ({"deed": "snooze", "until": "soon", "reason": "x"}, "as 2026-12-24"),
        ({"deed": "snooze", "until": "2020-01-01", "reason": "x"}, "a day from tomorrow"),
        ({"deed": "snooze", "until": IN_A_WEEK, "reason": " "}, "a reason"),
    ],
)
async def test_a_form_that_makes_no_sense_says_what_to_do(browser: Any, change: dict[str, Any], words: str) -> None:
    form = {**await row_of(browser, "STEEL_SHEETS"), "deed": "order"} | change

    refused = await browser.send("/desk/rows", **form)

    assert refused.status_code == 422
    assert words in refused.text


@pytest.mark.parametrize("typed", ["many", "-5", "1e400", "nan"])
async def test_a_quantity_that_is_none_orders_nothing(browser: Any, service: Any, typed: str) -> None:
    form = {**await row_of(browser, "STEEL_SHEETS"), "deed": "order"}
    form[f"quantity:{form['place']}"] = typed

    refused = await browser.send("/desk/rows", **form)

    assert refused.status_code == 422
    assert "is no quantity for STEEL_SHEETS" in refused.text
    assert await service.book.orders.page() == []


async def test_files_hold_the_rows_that_are_shown(browser: Any) -> None:
    csv = await browser.get("/desk/today.csv", text="gloves")
    xlsx = await browser.get("/desk/today.xlsx", text="gloves")

    text = csv.content.decode("utf-8-sig")  # with the mark that Excel wants
    assert text != csv.content.decode()
    assert [line.split(",")[0] for line in text.splitlines()] == [
        "product_id",
        "NITRILE_GLOVES_L",
        "NITRILE_GLOVES_M",
    ]
    sheet = CalamineWorkbook.from_object(BytesIO(xlsx.content)).get_sheet_by_index(0)
    first_cells = [row[0] for row in sheet.to_python()]
    assert first_cells == ["product_id", "NITRILE_GLOVES_L", "NITRILE_GLOVES_M"]


async def test_an_unknown_column_or_parameter_is_named(browser: Any) -> None:
    column, parameter = await browser.get("/desk", sort="colour"), await browser.get("/desk", colour="red")

    assert (column.status_code, parameter.status_code) == (422, 422)
    assert "There is no column" in column.text
    assert "There is no such parameter" in parameter.text


async def test_a_quantity_by_weight_is_offered_to_the_last_gram(browser: Any, service: Any) -> None:
    """So that it is not taken for another quantity when it is sent back."""
    terms = {"unit_price": "5", "unit_size": 0.001}
    put(service.book.database.engine, tables.suppliers, ACME)
    put(service.book.database.engine, tables.products, BOLTS | {"terms": terms})
    put(service.book.database.engine, tables.stock, stock_row(on_hand=0.5))
    put(service.book.database.engine, tables.demand, demand_row([1.234, 0.871, 1.116, 0.555] * 20))

    page = (await browser.get("/desk", status="all")).text

    [seen] = re.findall(r'name="seen:[\w-]+" value="([\d.]+)"', page)
    [offered] = re.findall(r'name="quantity:[\w-]+" value="([\d.]+)"', page)
    assert float(seen) != round(float(seen), 2)
    assert float(offered) == float(seen)
