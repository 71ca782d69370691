"""The pages of docs/ as a site: every page is in it, no link is broken, and a browser loads nothing from elsewhere."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ORDER = ["First day", "Own data", "The desk", "The method", "Operating it", "The API", "For developers"]
LOADED = re.compile(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]*)"|<link\b[^>]*\bhref="([^"]*)"')
PARTS = ("docs", "scripts", "mkdocs.yml", "CONTRIBUTING.md", "CHANGELOG.md")


def built(folder: Path, pages: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """As `make docs` does it, into another folder."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)],
        cwd=pages,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    result = built(folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_every_page_is_there_in_the_order_in_which_one_needs_them(site: Path) -> None:
    order = [next(iter(part)) for part in yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]]

    assert order == ORDER
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / page.name).with_suffix(".html").is_file()


def test_a_browser_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        text = page.read_text()
        loaded = [one or other for one, other in LOADED.findall(text)]
        assert loaded
        assert [address for address in loaded if re.match(r"(\w+:)?//", address)] == [], page.name
        assert 'class="mermaid"' not in text, "a diagram would load its script from elsewhere"
    assert not [
        style for style in site.rglob("*.css") if re.search(r"(url\(|@import )[\"']?(https?:)?//", style.read_text())
    ]


def test_addresses_come_from_the_code_and_names_of_pages_are_links(site: Path) -> None:
    addresses = (site / "api.html").read_text()

    assert "POST /inventory-trigger" in addresses
    assert (site / "openapi.json").is_file()
    assert 'href="operations.html"' in (site / "security.html").read_text()


def test_a_broken_link_fails(tmp_path: Path) -> None:
    for part in PARTS:
        copied = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copied(ROOT / part, tmp_path / part)
    (tmp_path / "docs" / "desk.md").write_text("# The desk\n\n[a page](gone.md), [a heading](method.md#gone)\n")

    result = built(tmp_path / "site", tmp_path)

    assert result.returncode != 0
    assert "'gone.md'" in result.stderr
    assert "'method.md#gone'" in result.stderr
