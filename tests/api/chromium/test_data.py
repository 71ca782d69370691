"""A planner brings in files of one's own, and works with them."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.example import main as write_example
from tests.api.chromium.conftest import KEY, Desk

KINDS = ("suppliers", "products", "stock", "sales", "open_orders")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    write_example(folder)
    return folder


def choose(desk: Desk, *files: Path) -> None:
    desk.go("/desk/data")
    desk.page.set_input_files("input[type=file]", [str(file) for file in files])
    desk.page.click("text=Look at the files")
    desk.page.wait_for_url("**/desk/data/imports/*")


def bring_in(desk: Desk, *files: Path) -> None:
    choose(desk, *files)
    desk.page.click("text=Bring in >> nth=-1")
    desk.page.wait_for_selector("text=In the catalogue since")


@pytest.mark.parametrize(
    ("path", "button", "words"),
    [
        ("/desk/data", "text=Look at the files", "sent and read"),
        ("/desk/sweeps", "text=Try it out first", "Trying out"),
    ],
)
def test_what_takes_long_says_so_and_for_how_long_already(
    shared_url: str, open_desk: Any, files: Path, path: str, button: str, words: str
) -> None:
    desk = open_desk(shared_url)
    desk.go(path)
    if path == "/desk/data":
        desk.page.set_input_files("input[type=file]", [str(files / "stock.csv")])
    # The answer never comes. A request that is held would hold the questions to the page as well.
    for event in ("submit", "htmx:beforeRequest"):
        desk.page.evaluate(f"document.addEventListener('{event}', (event) => event.preventDefault())")
    desk.page.click(button)
    desk.page.wait_for_timeout(2_500)

    assert re.search(rf"{words}.* [1-9] s so far", desk.page.inner_text(".busy"), re.DOTALL)
    assert desk.violations() == []
    desk.go("/desk/orders")
    desk.page.go_back()
    assert desk.page.locator(".busy").count() == 0


def test_a_faulty_file_is_mended_imported_and_taken_back(desk: Desk, files: Path) -> None:
    bring_in(desk, *(files / f"{kind}.csv" for kind in KINDS if kind != "stock"))
    stock = files / "stock.csv"
    whole = stock.read_text()
    head, first, *rest = whole.splitlines()
    stock.write_text("\n".join([head, first.rpartition(",")[0] + ",plenty", *rest]))
    choose(desk, stock)
    assert "plenty" in desk.text()
    assert desk.violations() == []
    assert not desk.reaches_beyond()
    stock.write_text(whole)
    bring_in(desk, stock)
    address = desk.page.url
    desk.go("/desk")
    assert "bring your own data" not in desk.page.inner_text("header")
    assert desk.page.locator("#list tbody tr").count() > 5
    desk.page.goto(address)
    desk.page.click("text=Undo this import")
    desk.page.wait_for_selector("text=Taken back on")
    desk.go("/desk")

    assert "cannot be planned yet" in desk.text()


def test_a_column_that_no_name_tells_is_mapped_by_hand(desk: Desk, files: Path) -> None:
    products = files / "products.csv"
    products.write_text(products.read_text().replace("SKU,", "zzz,", 1))
    choose(desk, products)
    assert "zzz" in desk.text()
    desk.page.select_option("select[name='kind:0']", "products")
    desk.page.click("button:has-text('Read again')")
    desk.page.select_option("select[name='map:0:product_id']", "zzz")
    desk.page.click("button:has-text('Read again')")
    desk.page.click("button.main:has-text('Bring in')")

    desk.page.wait_for_selector("text=In the catalogue since")


def test_the_longest_names_scroll_no_page_sideways(desk: Desk, tmp_path: Path) -> None:
    product, words = "9" * 100, ("X" * 200, "S" * 100, "C" * 100)
    days = [datetime.now(UTC).date() - timedelta(ago) for ago in (1, 2, 3)]
    texts = {
        "products": f"SKU,Description,Supplier,Category,Unit cost,Lead time (days)\n{product},{','.join(words)},9,7\n",
        "stock": f"SKU,On hand\n{product},123456789\n",
        "sales": "Date,SKU,Qty\n" + "".join(f"{each},{product},99999\n" for each in days),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    bring_in(desk, *(tmp_path / f"{name}.csv" for name in texts))

    for path in ("/desk?status=all", f"/desk/products/{product}", "/desk/data", "/desk/sweeps"):
        for width in (1280, 390):
            desk.page.set_viewport_size({"width": width, "height": 844})
            desk.go(path)
            assert not desk.reaches_beyond(), (path, width)


def test_from_own_files_to_a_purchase_order_in_the_hand(desk: Desk, url: str, files: Path, tmp_path: Path) -> None:
    """Files in, today's list, orders chosen, purchase orders out as a file."""
    bring_in(desk, *sorted(files.glob("*.csv")))
    desk.go("/desk?status=order_now")
    boxes = desk.page.locator("input[name=place]:not(:disabled)")
    count = boxes.count()
    desk.page.check("#all")
    desk.page.click("text=Order what is chosen")
    desk.page.wait_for_url("**/desk/rows")
    assert f"{count} of {count} done" in desk.text()
    desk.go("/desk/orders")
    with desk.page.expect_download() as begun:
        desk.page.click("a[download]:has-text('CSV') >> nth=0")
    saved = tmp_path / "orders.csv"
    begun.value.save_as(saved)

    with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, trust_env=False, timeout=60) as api:
        orders: list[dict[str, Any]] = api.get("/orders", params={"limit": 200}).json()["orders"]
    assert len(orders) == count
    lines = saved.read_text()
    assert all(order["items"][0]["product_id"] in lines for order in orders)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_data_page_is_accessible(desk: Desk, scheme: Any) -> None:
    desk.page.emulate_media(color_scheme=scheme)
    desk.go("/desk/data")

    assert desk.violations() == []
