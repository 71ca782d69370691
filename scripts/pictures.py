"""Takes the README's pictures of the desk: `python -m scripts.pictures`. It needs Chromium."""

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.server import KEY, serving

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
COLOURS = 96
PICTURES = {
    "today": ("/desk", 1280, 740),
    "review": ("/desk/reviews/RV-000001", 1280, 740),
    "product": ("/desk/products/RUBBER_SHEETS?location=Chicago", 1280, 760),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, serving(Path(folder)) as base, sync_playwright() as playwright:
        trigger = {"product_id": "RUBBER_SHEETS", "mode": "mock"}
        httpx.post(f"{base}/inventory-trigger", json=trigger, headers={"X-API-Key": KEY}, timeout=60)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        _sign_in(page, base)
        for name, (path, width, height) in PICTURES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.goto(base + path)
            picture = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
            picture.save(FOLDER / f"{name}.png", optimize=True)
        browser.close()


def _sign_in(page: Page, base: str) -> None:
    page.goto(f"{base}/desk/sign-in")
    page.fill("input[name=key]", KEY)
    page.click("button.main")
    page.wait_for_url("**/desk")


if __name__ == "__main__":
    main()
