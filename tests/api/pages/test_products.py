"""The page of one product: what it shows, what if, and what can be done."""

import re
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from api.bodies.triggers import InlineTrigger
from api.pages.products import HEADS
from benchmarks.inventorybench import Books, trending_games
from tests.api.pages.conftest import sign_in
from tests.own_catalogue import BOLTS, STEADY, demand_row, keep_bolts, put, stock_row
from tools.catalog.histories import PROMOTION, STOCK_OUT
from tools.catalog.products import plan_of
from tools.storage import catalogue_schema as tables

STEEL = "/desk/products/STEEL_SHEETS"
LINKED = re.compile(r'href="#([\w-]+)"')


async def text_of(browser: Any, path: str, **query: Any) -> str:
    page = await browser.get(path, **query)
    assert page.status_code == 200, page.text
    return str(page.text)


def words(html: str) -> str:
    """What a person reads."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


async def test_a_product_shows_the_figures_of_its_line_in_todays_list(browser: Any, service: Any) -> None:
    [row] = [row for row in (await service.runtime.today.present()).rows if row.product_id == "STEEL_SHEETS"]

    page = words(await text_of(browser, STEEL, location="Chicago"))

    assert "Steel sheets 1.5 mm, 1000 x 2000 STEEL_SHEETS at Chicago · Metals · Midwest Metals Company" in page
    assert f"{row.on_hand:g} on hand" in page
    assert f"{row.days_left:.1f} days left" in page
    assert "◐ out before it can come to order" in page
    assert f"Why {row.quantity:,.0f}?" in page
    assert row.reason.replace("\n", " ") in page


async def test_every_figure_leads_to_a_place_on_the_page(browser: Any) -> None:
    page = await text_of(browser, STEEL, location="Chicago")

    targets = set(LINKED.findall(page)) - {"main"}
    assert {"demand", "lead-times", "working", "stock", "terms"} <= targets
    assert all(f'id="{target}"' in page for target in targets)


async def test_every_line_of_every_derivation_leads_to_its_figures(service: Any) -> None:
    """But for those that only sum up lines above them."""
    summing = re.compile(
        r"-?[\d,.]+ (is|on hand|reaches)|[\d.]+ % of such|Infeasible|To get|With [\d.,]+ an order|\w+ can give"
    )
    for row in (await service.runtime.today.present()).rows:
        for line in plan_of(await service.runtime.catalog.family(*row.place)).derivation:
            assert any(re.match(heads, line) for heads in HEADS.values()) or summing.match(line), line


def test_every_line_of_a_profit_targets_derivation_leads_to_its_figures() -> None:
    game = trending_games(1, 0.03)[0]
    books = Books(game, list(game.past_demand))
    books.order(100)

    facts = InlineTrigger.model_validate(books.facts()).to_request(requested_by="test").facts

    assert facts is not None
    for line in plan_of((facts,)).derivation:
        assert any(re.match(heads, line) for heads in HEADS.values()) or re.match(r"-?[\d,.]+ (is|reaches)", line), line


async def test_each_plot_is_said_in_a_sentence_and_shown_as_a_table(browser: Any) -> None:
    page = await text_of(browser, STEEL, location="Chicago")

    plots = re.findall(r'<svg class="plot" viewBox="[\d ]+" role="img" aria-label="([^"]+)">', page)
    assert [said.partition(" ")[0] for said in plots] == ["The", "Demand"]
    assert page.count("The same as a table") == len(plots)
    assert "style=" not in page


async def test_a_product_without_a_location_is_shown_at_its_first(browser: Any) -> None:
    page = words(await text_of(browser, "/desk/products/CARTON_BOXES_L"))

    assert "CARTON_BOXES_L at Chicago" in page
    assert "also at Dallas , Newark" in page


@pytest.mark.parametrize(
    ("product_id", "location", "said"),
    [("STEEL_SHETS", "", "Did you mean STEEL_SHEETS"), ("STEEL_SHEETS", "Mars", "does not stock STEEL_SHEETS")],
)
async def test_an_unknown_product_or_location_is_a_page_that_says_so(
    browser: Any, product_id: str, location: str, said: str
) -> None:
    page = await browser.get(f"/desk/products/{product_id}", location=location)

    assert page.status_code == 404
    assert said in page.text


async def test_what_if_stands_beside_the_plan_as_things_are(browser: Any) -> None:
    page = await text_of(browser, STEEL, location="Chicago", service="98", lead_time="10", demand="120", on_hand="300")

    shown = words(page.partition('id="supposed"')[2].partition("</section>")[0])
    assert "The reorder point rises to 1,865." in shown
    assert re.search(r"Service asked for 95 % 98 %", shown)
    assert re.search(r"Lead time, days 6\.9 10 ", shown)
    assert re.search(r"Demand a day 123\.\d+ 147\.\d+ ", shown)
    assert "On hand 150 300" in shown
    assert 'name="service" value="98"' in page


async def test_a_quantity_that_is_supposed_is_judged_and_orders_nothing(browser: Any, service: Any) -> None:
    page = await text_of(browser, STEEL, location="Chicago", quantity="300")

    shown = words(page.partition('id="supposed"')[2].partition("</section>")[0])
    assert "The reorder point stays at 1,127." in shown
    assert "The order is 300 instead of 1,200: 900 less, for 22,050.00 USD less." in shown
    assert "300 units are ordered, and 977 are missing." in shown
    assert await service.count("runs") == 0


async def test_the_same_order_under_an_assumption_is_said_to_stay(browser: Any) -> None:
    enough = words(await text_of(browser, STEEL, location="Chicago", on_hand="90000"))
    same = words(await text_of(browser, STEEL, location="Chicago", service="95"))
    resting = words(await text_of(browser, "/desk/products/LEGACY_FUSES_D01", on_hand="1"))

    assert "The order is 0 instead of 1,200" in enough
    assert "The order stays at 1,200." in same
    assert "Nothing is to be ordered, as before." in resting


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"service": "abc"}, "is no service in percent"),
        ({"service": "100"}, "A service in percent of 100 cannot be planned; type 0.1 to 99.9."),
        ({"lead_time": "4000"}, "type 0 to 3,650"),
        ({"demand": "0"}, "type 1 to 10,000"),
        ({"quantity": "-5"}, "is no quantity"),
        ({"on_hand": "1,5"}, "is no stock on hand"),
    ],
)
async def test_an_assumption_that_cannot_be_used_is_refused_beside_its_field(
    browser: Any, typed: dict[str, str], said: str
) -> None:
    page = await browser.get(STEEL, location="Chicago", **typed)

    [(_, value)] = typed.items()
    assert page.status_code == 422
    assert said in words(page.text)
    assert f'value="{value}"' in page.text
    assert "Why 1,200?" in page.text


async def test_a_figure_that_is_still_being_typed_is_no_fault(browser: Any) -> None:
    page = await browser.client.get(STEEL, params={"service": "9."}, headers={"HX-Request": "true"})
    unfinished = await browser.client.get(STEEL, params={"service": "x"}, headers={"HX-Request": "true"})

    assert (page.status_code, unfinished.status_code) == (200, 200)
    assert 'role="alert"' in unfinished.text


async def test_the_past_is_played_through_when_asked_for(browser: Any) -> None:
    before, after = [await text_of(browser, STEEL, location="Chicago", **q) for q in ({}, {"lookback": "yes"})]

    assert "Play its past through" in before
    found = words(after.partition('id="lookback"')[2])
    assert re.search(r"With 95 % asked for, you would have held \d+ % (more|less) stock than by the textbook's", found)
    assert re.search(r"run short in \d+ (more|fewer) of 266 intervals\.", found)
    assert "59 past moments" in found
    assert "So few that chance moves these figures" in found
    assert "Where both cover as much" not in found


async def test_a_product_that_hardly_sold_has_no_past_to_play(browser: Any) -> None:
    page = words(await text_of(browser, "/desk/products/LEGACY_FUSES_D01", lookback="yes"))

    assert "Its history is too short to look back on" in page


async def test_the_textbook_stands_beside_in_words(browser: Any) -> None:
    page = words(await text_of(browser, STEEL, location="Chicago"))

    assert re.search(r"orders at 1,038\.\d+, 8\d\.\d+ below ours\. Of the past intervals", page)


async def test_it_can_be_ordered_left_alone_and_looked_at_again(browser: Any, service: Any) -> None:
    page = await text_of(browser, STEEL, location="Chicago")
    key = re.findall(r'name="place" value="([\w-]+)"', page)[0]
    place = {"place": key, f"seen:{key}": "1200", f"quantity:{key}": "1200", "back": f"{STEEL}?location=Chicago"}
    day = (await service.runtime.today.present()).day.replace(year=2027).isoformat()

    await browser.send("/desk/rows", **place, deed="snooze", until=day, reason="fair week")
    snoozed = await text_of(browser, STEEL, location="Chicago")
    woken = await browser.send("/desk/wake", place=key, back=f"{STEEL}?location=Chicago")
    await browser.send("/desk/rows", **place, deed="order")

    assert "Look at it again" in snoozed
    assert "fair week" in snoozed
    assert woken.headers["location"] == f"{STEEL}?location=Chicago"
    [order] = await service.book.orders.page()
    assert order.quantity == 1_200
    after = words(await text_of(browser, STEEL, location="Chicago"))
    assert f"{order.number} 1,200 not sent yet" in after
    assert "Look at it again" not in after


async def test_its_orders_and_reviews_are_links_and_the_trail_says_who_did_what(browser: Any, service: Any) -> None:
    page = await text_of(browser, STEEL, location="Chicago")
    key = re.findall(r'name="place" value="([\w-]+)"', page)[0]
    await browser.send("/desk/rows", place=key, deed="review", **{f"seen:{key}": "1200"})
    [review] = await service.book.reviews.page("pending")
    reader = (await service.client.post("/keys", json={"name": "reader", "scopes": ["read"]})).json()["key"]

    mine, theirs = [await text_of(one, STEEL) for one in (browser, await sign_in(service, reader))]

    link = f'<a href="/desk/reviews/{review.id}">'
    assert link in mine
    assert link in theirs
    assert "review opened by service, at version 1" in words(mine)
    assert "lacks the scope “approve”" in theirs
    assert "lacks the scope" not in mine
    assert theirs.count(" disabled>") == 3


@pytest.fixture
async def own(service: Any) -> Callable[..., Awaitable[Any]]:
    """A browser at the desk of a catalogue with BOLTS in it."""

    async def keep(**more: Any) -> Any:
        keep_bolts(service.book.database.engine, **more)
        return await sign_in(service)

    return keep


async def test_promotions_and_days_out_of_stock_of_an_own_catalogue_are_marked(own: Any, service: Any) -> None:
    browser = await own()
    flags = np.zeros(len(STEADY), np.uint8)
    flags[-3], flags[-2] = PROMOTION, STOCK_OUT
    with service.book.database.engine.begin() as connection:
        connection.execute(sa.update(tables.demand).values(demand_row(flags=flags)))

    page = await text_of(browser, "/desk/products/BOLTS")

    assert "Bolts M8 BOLTS at SHOP · fixings · Acme Fasteners · 0.50 EUR each" in words(page)
    assert page.count("★</text>") == page.count("×</text>") == 1
    assert re.search(r"12 \d+ \w+ \d+ 8 out of stock \d+ \w+ \d+ 10 promotion", words(page))


async def test_a_product_that_needs_data_says_what_is_missing(own: Any, service: Any) -> None:
    browser = await own()
    put(service.book.database.engine, tables.products, BOLTS | {"id": "A/B #1", "name": "<b>Rods</b>"})

    page = await text_of(browser, "/desk/products/A%2FB%20%231")

    assert "No stock of A/B #1 at SHOP is known" in words(page)
    assert 'href="/desk/data"' in page
    assert "<b>Rods</b>" not in page
    assert "<svg" not in page


async def test_a_name_with_markup_is_text_wherever_it_stands(own: Any, service: Any) -> None:
    browser = await own()
    engine = service.book.database.engine
    put(engine, tables.products, BOLTS | {"id": "A/B #1", "name": "<b>Rods</b>", "terms": {"notes": "<i>sharp</i>"}})
    put(engine, tables.stock, stock_row("A/B #1"))
    put(engine, tables.demand, demand_row(product_id="A/B #1"))

    page = await text_of(browser, "/desk/products/A%2FB%20%231", location="SHOP")

    assert "&lt;b&gt;Rods&lt;/b&gt;" in page
    assert "&lt;i&gt;sharp&lt;/i&gt;" in page
    assert "<i>sharp" not in page
    assert 'hx-get="/desk/products/A%2FB%20%231?location=SHOP&amp;lookback=yes"' in page
