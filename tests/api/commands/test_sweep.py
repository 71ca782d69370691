"""`restock sweep`: the command carries the whole sweep out by itself."""

import io
import json
from collections.abc import Callable

from typer.testing import Result

MIDWEST = ("--supplier", "Midwest Metals Company")
Run = Callable[..., Result]


def test_a_dry_run_foretells_a_sweep_places_the_orders_and_a_second_one_places_none(run: Run, log: io.StringIO) -> None:
    foretold = run("sweep", "--dry-run", *MIDWEST)
    assert foretold.exit_code == 0, foretold.stderr
    assert "Would be placed: " in foretold.stdout
    assert "STEEL_SHEETS at Chicago: 1,200, 29,400.00 USD" in foretold.stdout
    assert "The sample catalogue was swept" in foretold.stderr
    assert run("orders", "list").stdout == ""

    first = run("sweep", *MIDWEST)
    assert first.stdout.replace("Placed", "Would be placed").splitlines()[0] == foretold.stdout.splitlines()[0]
    assert "By supplier\n  Midwest Metals Company: placed " in first.stdout
    assert "PO-" in first.stdout

    second = json.loads(run("sweep", "--json", *MIDWEST).stdout)
    assert "placed" not in second["outcomes"]
    assert second["total"] == len(second["lines"])


def test_filters_that_nothing_fits_say_that_nothing_is_to_be_ordered(run: Run, log: io.StringIO) -> None:
    assert run("sweep", "--supplier", "nobody").stdout == "Nothing is to be ordered today.\n"
