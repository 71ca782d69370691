"""Who lives: a process, for as long as it keeps its file locked."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.book.owners import Owner, become_owner

ROOT = Path(__file__).parents[3]
_LIVE = """
import sys
from tools.book.owners import become_owner

with become_owner(sys.argv[1]) as owner:
    print(owner.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/folder/book.db"


@pytest.fixture
def me(url: str) -> Iterator[Owner]:
    with become_owner(url) as owner:
        yield owner


@pytest.fixture
def other(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that is an owner until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LIVE, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def name_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def files(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "folder" / "book.db-owners").iterdir()}


def test_a_process_lives_until_it_is_killed_and_leaves_no_file_for_long(
    me: Owner, other: subprocess.Popen[str], tmp_path: Path
) -> None:
    theirs = name_of(other)
    before = me.dead([me.name, theirs, "nobody"])

    other.kill()
    other.wait()
    after = me.dead([me.name, theirs])

    assert before == ["nobody"]
    assert after == [theirs]
    assert files(tmp_path) == {me.name}


def test_a_process_that_ends_takes_its_file_along(me: Owner, other: subprocess.Popen[str], tmp_path: Path) -> None:
    theirs = name_of(other)

    other.communicate()

    assert files(tmp_path) == {me.name}
    assert me.dead([theirs]) == [theirs]


def test_being_looked_at_ends_nobody(me: Owner, url: str) -> None:
    with become_owner(url) as second:
        assert [me.dead([second.name]) for _ in range(3)] == [[]] * 3
        assert second.dead([me.name]) == []


def test_where_processes_share_no_folder_nobody_is_said_to_be_dead() -> None:
    with become_owner("postgresql://ada@db.example/book") as owner:
        assert owner.dead(["anybody"]) == []
