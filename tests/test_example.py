"""The example's files: a small wholesaler's catalogue from nothing, and the day after."""

import os
import runpy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.commands.cli import app
from scripts.example import TARGET
from scripts.example import main as write_example

ORDER = ("suppliers", "products", "stock", "sales", "open_orders")


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"DATABASE_URL": f"sqlite:///{tmp_path}/b.db"})

    return run


def test_the_files_that_are_kept_are_those_that_the_script_writes(tmp_path: Path) -> None:
    last = max(line[:10] for line in (TARGET / "sales.csv").read_text().splitlines()[1:])
    exported = date.fromisoformat((TARGET / "next-day" / "sales.csv").read_text().splitlines()[1][:10])
    assert date.fromisoformat(last) < exported
    write_example(tmp_path, today=str(exported))
    write_example(tmp_path, today=str(exported), next_day=True)
    for file in sorted(tmp_path.rglob("*.csv")):
        assert file.read_bytes() == (TARGET / file.relative_to(tmp_path)).read_bytes(), file.name
    assert sum(file.stat().st_size for file in TARGET.rglob("*")) < 400_000


def test_file_by_file_and_all_at_once_give_the_same_list(tmp_path: Path, run: Any) -> None:
    write_example(tmp_path)
    for name in ORDER:
        assert run("import", str(tmp_path / f"{name}.csv"), "--yes").exit_code == 0
    one_by_one = run("today", "--csv", "-").stdout

    again = run("import", *(str(tmp_path / f"{name}.csv") for name in reversed(ORDER)), "--yes")

    assert "changed nothing" in again.stdout
    assert len(one_by_one.splitlines()) == 1 + 80
    assert run("today", "--csv", "-").stdout == one_by_one


def test_the_day_after_orders_that_came_are_closed_and_late_ones_are_named(tmp_path: Path, run: Any) -> None:
    yesterday = date.today() - timedelta(1)  # noqa: DTZ011  (the reader's day, as in the script)
    write_example(tmp_path, today=str(yesterday))
    assert run("import", *map(str, tmp_path.glob("*.csv")), "--yes").exit_code == 0
    write_example(tmp_path, today=str(yesterday), next_day=True)

    day_after = run("import", *map(str, (tmp_path / "next-day").glob("*.csv")), "--yes")

    assert day_after.exit_code == 0, day_after.output
    assert "Counted as received or closed" in day_after.stderr
    assert "stock" in day_after.stdout


@pytest.mark.skipif("RESTOCK_WHOLESALER" not in os.environ, reason="RESTOCK_WHOLESALER names no script")
def test_another_wholesalers_files_come_in_as_they_are(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*more: str) -> None:
        monkeypatch.setattr("sys.argv", ["wholesaler", str(tmp_path / "files"), *more])
        runpy.run_path(os.environ["RESTOCK_WHOLESALER"], run_name="__main__")

    monkeypatch.chdir(tmp_path)
    write()
    for file in sorted((tmp_path / "files").glob("*.csv")):
        assert run("import", str(file), "--yes").exit_code == 0, file
    assert len(run("today", "--csv", "-").stdout.splitlines()) == 1 + 600
    write("--next-day")
    for file in sorted((tmp_path / "files").glob("*.csv")):
        assert run("import", str(file), "--yes").exit_code == 0, file
