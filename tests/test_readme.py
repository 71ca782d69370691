"""The README tells the truth: its commands run and answer as it says, its picture is the graph's."""

import re
import subprocess

from scripts.readme import COMMAND, TARGET, comparable, picture, rewritten

README = TARGET.read_text(encoding="utf-8")


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
