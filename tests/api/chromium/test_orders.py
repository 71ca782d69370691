"""A planner and the goods: orders by supplier, sent, received in parts, cancelled, printed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.chromium.conftest import Desk

Open = Callable[..., Desk]


@pytest.fixture
def ordered(shared_url: str, open_desk: Open) -> Callable[[str], Desk]:
    """Orders a product from today's list, and opens the order."""

    def order(product_id: str) -> Desk:
        desk = open_desk(shared_url)
        desk.go(f"/desk?text={product_id}&status=order_now")
        desk.page.check("input[name=place]:not(:disabled) >> nth=0")
        desk.page.click("text=Order what is chosen")
        desk.page.wait_for_selector("text=1 of 1 done")
        desk.page.click("td a >> nth=-1")
        desk.page.wait_for_url("**/desk/orders/PO-*")
        return desk

    return order


def test_an_order_is_received_in_parts(ordered: Callable[[str], Desk]) -> None:
    desk = ordered("NITRILE_GLOVES_L")
    desk.page.fill("input[name=quantity]", "300")
    desk.page.click("text=Record the receipt")
    desk.page.wait_for_selector("text=300 arrived")
    assert desk.page.input_value("input[name=quantity]") == "460"
    desk.page.dblclick("text=Record the receipt")
    desk.page.wait_for_selector("text=Complete")

    assert "Received\n760" in desk.text()
    assert desk.page.locator("text=Record the receipt").count() == 0


def test_an_order_is_cancelled_with_a_reason(ordered: Callable[[str], Desk]) -> None:
    desk = ordered("WELDING_RODS")
    desk.page.fill("input[name=reason]", "The supplier has none.")
    desk.page.click("button:has-text('Cancel')")
    desk.page.wait_for_selector("text=“The supplier has none.”")

    assert "Cancelled" in desk.text()


def test_a_purchase_order_is_printed_sent_and_received_whole(ordered: Callable[[str], Desk], tmp_path: Path) -> None:
    desk = ordered("DUST_MASKS_FFP2")
    desk.page.click("a[href*='/desk/purchase-orders/PD-']")
    desk.page.wait_for_url("**/desk/purchase-orders/PD-*")
    address = desk.page.url
    assert desk.violations() == []
    with desk.page.expect_download() as begun:
        desk.page.click("a:text-is('CSV')")
    begun.value.save_as(tmp_path / "lines.csv")
    desk.page.click("a:text-is('Print')")
    assert "Purchase order PD-" in desk.page.inner_text("h1")
    desk.page.goto(address)
    desk.page.click("text=It has gone to the supplier")
    desk.page.wait_for_selector("text=Everything has arrived")
    desk.page.click("text=Everything has arrived")
    desk.page.wait_for_selector("text=closed")

    assert "DUST_MASKS_FFP2" in (tmp_path / "lines.csv").read_text()


def test_the_back_button_after_a_receipt_records_no_second_one(ordered: Callable[[str], Desk]) -> None:
    desk = ordered("SAFETY_GLASSES")
    desk.page.fill("input[name=quantity]", "10")
    desk.page.click("text=Record the receipt")
    desk.page.wait_for_selector("text=10 arrived")
    desk.page.go_back()
    desk.page.wait_for_url("**/desk/orders/PO-*")
    desk.page.reload()

    assert desk.page.locator("li:has-text('10 arrived')").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_orders_are_accessible_and_fit_a_phone(ordered: Callable[[str], Desk], scheme: str) -> None:
    desk = ordered("HEX_BOLTS_M8" if scheme == "light" else "LOCK_NUTS_M8")
    desk.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a literal in playwright's types
    found = desk.violations()
    desk.go("/desk/orders")
    found += desk.violations()
    desk.page.set_viewport_size({"width": 390, "height": 844})

    assert found == []
    assert not desk.reaches_beyond()
