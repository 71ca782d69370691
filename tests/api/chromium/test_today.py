"""A planner at today's list."""

from collections.abc import Callable

import httpx
import pytest

from tests.api.chromium.conftest import KEY, Desk


def orders(url: str) -> list[dict[str, object]]:
    answer = httpx.get(f"{url}/orders", headers={"X-API-Key": KEY}, trust_env=False, timeout=30)
    return list(answer.json()["orders"])


def test_filters_act_as_one_types_and_stay_in_the_address(shared_url: str, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(shared_url)
    desk.go("/desk?status=all")
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("gloves")
    desk.page.wait_for_url("**text=gloves**")
    desk.page.wait_for_selector("#list .above:has-text('2 products')")
    desk.page.reload()

    assert desk.page.input_value("#find") == "gloves"
    assert desk.page.locator("#list tbody tr").count() == 2


def test_a_column_sorts_numbers_as_numbers(shared_url: str, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(shared_url)
    desk.page.get_by_role("link", name="Order", exact=True).click()
    desk.page.wait_for_url("**sort=-quantity**")

    typed = [box.input_value() for box in desk.page.locator(".quantity").all()]
    quantities = [float(text.replace(",", "")) for text in typed]
    assert quantities == sorted(quantities, reverse=True)
    assert "1,200" in typed


def test_what_the_columns_mean_is_shown_when_asked(shared_url: str, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(shared_url)
    assert not desk.page.is_visible("#columns")
    desk.page.click("text=What the columns mean")

    desk.page.wait_for_selector("#columns >> text=Sales that are expected to be missed")
    assert not desk.page.is_visible("#columns >> text=an order is due")  # of a column that only wide screens show
    assert desk.violations() == []


def test_an_edited_quantity_is_ordered_and_seen(desk: Desk, url: str) -> None:
    desk.go("/desk?text=STEEL_SHEETS")
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("x")
    desk.page.keyboard.press("e")
    desk.page.keyboard.type("1,000")
    assert "Midwest Metals Company about" in desk.page.inner_text("#sum")
    desk.page.click("text=Order what is chosen")
    desk.page.wait_for_url("**/desk/rows")

    [order] = orders(url)
    assert order["number"] in desk.text()
    assert order["items"] == [order["items"][0] | {"quantity": 1_000}]


def test_twenty_rows_are_ordered_and_each_has_its_result(desk: Desk, url: str) -> None:
    desk.go("/desk?status=order_now")
    boxes = desk.page.locator("input[name=place]:not(:disabled)")
    for row in range(20):
        boxes.nth(row).check()
    desk.page.click("text=Order what is chosen")
    desk.page.wait_for_url("**/desk/rows")

    assert desk.page.locator("tbody tr").count() == 20
    assert "20 of 20 done" in desk.text()
    assert len(orders(url)) == 20


def test_a_double_click_and_the_back_button_order_once(desk: Desk, url: str) -> None:
    desk.go("/desk?text=STEEL_SHEETS")
    desk.page.check("input[name=place]")
    desk.page.dblclick("text=Order what is chosen")
    desk.page.wait_for_url("**/desk/rows")
    desk.page.go_back()
    desk.page.wait_for_url("**text=STEEL_SHEETS")

    assert len(orders(url)) == 1


def test_without_scripts_the_list_can_be_read_filtered_and_ordered(url: str, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(url, java_script_enabled=False)
    desk.page.fill("#find", "STEEL_SHEETS")
    desk.page.click("text=Show >> nth=0")
    desk.page.check("input[name=place]")
    desk.page.click("text=Order what is chosen")

    assert "Ordered: 1,200" in desk.text()
    assert len(orders(url)) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/desk", "/desk?status=all&sort=product_id", "/desk?status=enough"])
def test_the_list_is_accessible(shared_url: str, open_desk: Callable[..., Desk], path: str, scheme: str) -> None:
    desk = open_desk(shared_url, color_scheme=scheme)
    desk.go(path)

    assert desk.violations() == []


def test_it_fits_a_phone(shared_url: str, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(shared_url, viewport={"width": 390, "height": 844})

    assert not desk.reaches_beyond()
    assert desk.violations() == []


def test_the_help_opens_and_closes_by_keyboard(shared_url: str, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(shared_url)
    desk.page.keyboard.press("?")
    assert desk.page.locator("#help").is_visible()
    desk.page.keyboard.press("Escape")
    assert not desk.page.locator("#help").is_visible()


def test_no_table_of_a_product_with_a_late_order_is_cut_off(shared_url: str, open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(shared_url, viewport={"width": 1280, "height": 900})
    desk.go("/desk?status=late_order")
    desk.page.locator("#list tbody tr a").first.click()
    desk.page.wait_for_selector("[aria-label='Orders on the way']")
    cut = (
        "[...document.querySelectorAll('.halves .table')].filter((each) => each.scrollWidth > each.clientWidth).length"
    )

    assert "late" in desk.page.inner_text("[aria-label='Orders on the way']")
    assert desk.page.evaluate(cut) == 0
