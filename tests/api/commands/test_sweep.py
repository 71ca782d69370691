"""`restock sweep`: the command carries the whole sweep out by itself. In processes of their own, because the command
sets up the log."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MIDWEST = ("--supplier", "Midwest Metals Company")
Restock = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def restock(tmp_path: Path) -> Restock:
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from api.commands.cli import main; main()", *arguments]
        environment = {**keep, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_a_dry_run_foretells_a_sweep_places_the_orders_and_a_second_one_places_none(restock: Restock) -> None:
    foretold = restock("sweep", "--dry-run", *MIDWEST)
    assert foretold.returncode == 0, foretold.stderr
    assert "Would be placed: " in foretold.stdout
    assert "STEEL_SHEETS at Chicago: 1,200, 29,400.00 USD" in foretold.stdout
    assert "The sample catalogue was swept" in foretold.stderr
    assert restock("orders", "list").stdout == ""

    first = restock("sweep", *MIDWEST)
    assert first.stdout.replace("Placed", "Would be placed").splitlines()[0] == foretold.stdout.splitlines()[0]
    assert "By supplier\n  Midwest Metals Company: placed " in first.stdout
    assert "PO-" in first.stdout

    second = json.loads(restock("sweep", "--json", *MIDWEST).stdout)
    assert "placed" not in second["outcomes"]
    assert second["total"] == len(second["lines"])


def test_filters_that_nothing_fits_say_that_nothing_is_to_be_ordered(restock: Restock) -> None:
    assert restock("sweep", "--supplier", "nobody").stdout == "Nothing is to be ordered today.\n"
