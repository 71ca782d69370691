"""The README tells the truth: its commands run and answer as it says, its picture is the graph's."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.commands.cli import app
from scripts.example import main as write_example
from scripts.readme import COMMAND, TARGET, comparable, picture, rewritten

README = TARGET.read_text(encoding="utf-8")
PAGES = [TARGET, *sorted((TARGET.parent / "docs").glob("*.md"))]
OURS = re.compile(r"(?:^ *|`)restock((?: [a-z][a-z-]*)+)([^`\n]*)", re.MULTILINE)
MODULE = re.compile(r"python -m ([a-z_.]+[a-z])")
OUR_FILE = re.compile(r"`((?:agent|api|benchmarks|docs|tests|tools)/[\w./]*)`")
GROUPS = ("keys", "orders", "events")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_every_command_answers_word_for_word_as_the_readme_says() -> None:
    assert len(COMMAND.findall(README)) == 4
    assert comparable(rewritten(README)) == comparable(README)


def test_the_picture_is_drawn_from_the_graph() -> None:
    assert picture() in README


def test_every_make_target_that_the_readme_names_exists() -> None:
    named = re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)
    known = subprocess.run(["make", "help"], capture_output=True, text=True, check=True, cwd=TARGET.parent).stdout

    assert named
    assert all(f"make {target} " in known for target in named)


def test_the_commands_for_your_own_products_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_example(tmp_path / "docs" / "example")

    def ended(command: str) -> Result:
        words = [
            file
            for word in command.split()
            for file in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
        ]
        return CliRunner().invoke(app, words, env={"DATABASE_URL": "sqlite:///b.db"})

    commands = re.findall(r"^restock ([^#\n]+?) *(?:#|$)", README, re.MULTILINE)
    results = [ended(command) for command in commands]

    assert len(commands) == 5
    assert [result.output for result in results if result.exit_code] == []
    assert "Import 1 is done" in results[0].stdout
    assert "order_now" in results[1].stdout


@each_page
def test_every_command_of_ours_that_a_page_names_knows_the_options_it_shows(page: Path) -> None:
    for words, rest in OURS.findall(page.read_text(encoding="utf-8")):
        command = words.split()[: 2 if words.split()[0] in GROUPS else 1]
        told = CliRunner().invoke(app, [*command, "--help"])

        assert told.exit_code == 0, (page.name, command)
        assert [option for option in re.findall(r"--[a-z-]+", rest) if option not in told.output] == [], command


@each_page
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    linked = {page.parent / link for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", text)}
    named = {
        TARGET.parent / name for name in re.findall(r"`((?:agent|api|benchmarks|docs|tests|tools)/[\w./]*)`", text)
    }
    assert [str(each) for each in linked | named if not each.exists()] == []


@each_page
def test_every_module_that_a_page_runs_exists(page: Path) -> None:
    for module in MODULE.findall(page.read_text(encoding="utf-8")):
        assert find_spec(module), f"{page.name} runs {module}"


def test_text_is_wrapped_where_it_can_be() -> None:
    """Outside tables and what the product answers."""
    prose = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
    long = [line for line in prose.splitlines() if len(line) > 120 and not line.startswith(("|", "<!--"))]
    assert long == []
