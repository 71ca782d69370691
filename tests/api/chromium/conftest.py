"""The desk in a real Chromium, over a real server. A test fails for what the console says, and for what is loaded from
elsewhere."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
KEY = "key-of-the-desk-in-chromium-32-characters"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PATIENCE = 20_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ends before another file's tests: while Playwright is open its loop runs, and no other loop can."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed; Debian has it in the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Desk:
    """A person's browser at the desk."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url = context, url
        self.faults: list[str] = []
        context.set_default_timeout(PATIENCE)
        self.page = self.watched(context.new_page())

    def watched(self, page: Page) -> Page:
        page.on("console", lambda said: self.faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda asked: self._require_here(asked.url))
        return page

    def _require_here(self, address: str) -> None:
        if not address.startswith((self.url, "data:")):
            self.faults.append(f"loaded from elsewhere: {address}")

    def sign_in(self, key: str = KEY, to: str = "/desk") -> None:
        self.page.goto(f"{self.url}/desk/sign-in?after={to}")
        self.page.fill("input[name=key]", key)
        self.page.click("text=Sign in >> nth=-1")
        self.page.wait_for_url(lambda address: address == self.url + to)  # a pattern would fit the sign-in's own

    def go(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def text(self) -> str:
        return self.page.inner_text("main")

    def violations(self) -> list[str]:
        """What axe-core finds against WCAG 2.2, A and AA."""
        found = Axe().run(self.page, options={"runOnly": WCAG}).response["violations"]
        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]

    def reaches_beyond(self) -> bool:
        """Whether the page must be scrolled sideways."""
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        return wide


@pytest.fixture
def open_desk(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Desk]]:
    """Opens a browser of its own at a service; by default signed in. Fails the test for what the console said."""
    opened: list[Desk] = []

    def open_one(url: str, *, key: str | None = KEY, **options: Any) -> Desk:
        desk = Desk(chromium.new_context(**options), url)
        opened.append(desk)
        if key:
            desk.sign_in(key)
        return desk

    yield open_one
    for desk in opened:
        desk.context.close()
    assert [fault for desk in opened for fault in desk.faults] == []


@pytest.fixture
def url(serve: Callable[..., Any]) -> str:
    """A fresh service with the sample catalogue."""
    address: str = serve(API_KEY=KEY, LOG_LEVEL="warning").url
    return address


@pytest.fixture(scope="session")
def shared_url(start_process: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A service with the sample catalogue, for tests that only look."""
    settings = {"API_KEY": KEY, "LOG_LEVEL": "warning"}
    address: str = start_process(tmp_path_factory.mktemp("desk"), settings).url
    return address


@pytest.fixture
def desk(url: str, open_desk: Callable[..., Desk]) -> Desk:
    return open_desk(url)
