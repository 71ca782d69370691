"""What holds for every page: accessible in both themes, no scrolling sideways on a phone, no fault on the console."""

from collections.abc import Callable

import pytest
from fastapi.routing import APIRoute

from api.pages.desk_pages import routers
from tests.api.chromium.conftest import Desk

Open = Callable[..., Desk]
ROUTES = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
PAGES = sorted(route.path for route in ROUTES if "GET" in route.methods and "{" not in route.path)
OTHERS = ["/desk/products/STEEL_SHEETS?location=Chicago", "/desk/products/NO_SUCH_PRODUCT", "/desk/reviews/RV-999999"]
REFUSED = frozenset(OTHERS[1:])
PHONE = {"width": 390, "height": 844}


@pytest.mark.parametrize("path", [*PAGES, *OTHERS])
def test_a_page_is_accessible_in_both_themes_and_fits_a_phone(shared_url: str, open_desk: Open, path: str) -> None:
    desk = open_desk(shared_url)
    found = []
    for scheme in ("light", "dark"):
        desk.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a literal in playwright's types
        desk.go(path)
        found += desk.violations()
    desk.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    found += desk.violations()

    assert found == []
    assert not desk.reaches_beyond()
    if path in REFUSED:
        desk.faults.clear()  # the browser tells of a 404 on its console


def test_the_api_s_page_shows_the_api_without_other_hosts(shared_url: str, open_desk: Open) -> None:
    desk = open_desk(shared_url, key=None)
    desk.go("/docs")
    desk.page.wait_for_selector("span:has-text('inventory-trigger')", timeout=60_000)


def test_a_what_if_is_calculated_as_one_types(shared_url: str, open_desk: Open) -> None:
    desk = open_desk(shared_url)
    desk.go("/desk/products/COPPER_WIRE?location=Chicago")
    desk.page.get_by_label("Lead time, days").fill("60")
    desk.page.wait_for_selector("#supposed th:has-text('As things are')", timeout=10_000)
    before, supposed = desk.page.locator("#supposed tr:has-text('Lead time') td").all_inner_texts()[-2:]

    assert (float(before.split()[0]) < 60, supposed.split()[0]) == (True, "60")


def test_a_sweep_shows_its_progress_and_its_result_after_a_cut_stream_too(url: str, open_desk: Open) -> None:
    """The page is not loaded again by hand: its stream comes back and tells it of the end."""
    desk = open_desk(url)
    desk.go("/desk/sweeps")
    desk.page.click("text=Decide now")
    desk.page.wait_for_url("**/desk/sweeps/*")
    desk.context.set_offline(True)
    desk.page.wait_for_timeout(300)
    desk.context.set_offline(False)
    desk.page.wait_for_selector("h1:has-text('Sweep: done')", timeout=90_000)

    tiles = desk.page.locator(".tile").all_inner_texts()
    assert {words.split("\n")[1] for words in tiles} == {"ordered", "wait for a person"}
    desk.faults.clear()  # the cut is told on the console


def test_a_session_ends_with_sign_out_and_the_back_button_shows_nothing(shared_url: str, open_desk: Open) -> None:
    desk = open_desk(shared_url)
    desk.go("/desk?status=all")
    desk.page.click("text=Sign out")
    desk.page.wait_for_url("**/desk/sign-in")
    desk.page.go_back()
    desk.page.wait_for_url("**/desk/sign-in**")

    assert "STEEL_SHEETS" not in desk.page.content()
