"""The README tells the truth: its commands run and answer as it says, its picture is the graph's."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands.cli import app
from scripts.readme import COMMAND, TARGET, comparable, picture, rewritten

README = TARGET.read_text(encoding="utf-8")
PAGES = [TARGET, *sorted((TARGET.parent / "docs").glob("*.md"))]
OURS = re.compile(r"(?:^ *|`)restock((?: [a-z]+)+)([^`\n]*)", re.MULTILINE)
MODULE = re.compile(r"python -m ([a-z_.]+[a-z])")
GROUPS = ("keys", "webhooks")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_every_command_answers_word_for_word_as_the_readme_says() -> None:
    assert len(COMMAND.findall(README)) == 5
    assert comparable(rewritten(README)) == comparable(README)


def test_the_picture_is_drawn_from_the_graph() -> None:
    assert picture() in README


def test_every_make_target_that_the_readme_names_exists() -> None:
    named = re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)
    known = subprocess.run(["make", "help"], capture_output=True, text=True, check=True, cwd=TARGET.parent).stdout

    assert named
    assert all(f"make {target} " in known for target in named)


@each_page
def test_every_command_of_ours_that_a_page_names_knows_the_options_it_shows(page: Path) -> None:
    for words, rest in OURS.findall(page.read_text(encoding="utf-8")):
        command = words.split()[: 2 if words.split()[0] in GROUPS else 1]
        told = CliRunner().invoke(app, [*command, "--help"])

        assert told.exit_code == 0, (page.name, command)
        assert [option for option in re.findall(r"--[a-z-]+", rest) if option not in told.output] == [], command


@each_page
def test_every_module_that_a_page_runs_exists(page: Path) -> None:
    for module in MODULE.findall(page.read_text(encoding="utf-8")):
        assert find_spec(module), f"{page.name} runs {module}"


def test_text_is_wrapped_where_it_can_be() -> None:
    """Outside tables and what the product answers."""
    prose = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
    long = [line for line in prose.splitlines() if len(line) > 120 and not line.startswith(("|", "<!--"))]
    assert long == []
