"""What a file leaves open about its notation is settled on the command line."""

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("rows", "option", "value"),
    [
        ("A,2026-01-05,1.050\nA,2026-01-06,2\n", "--decimal", "comma"),
        ("A,01/02/2026,5\nA,02/03/2026,5\n", "--dates", "day-first"),
    ],
)
def test_an_import_that_asks_for_the_notation_takes_the_answer(
    run: Any, tmp_path: Path, rows: str, option: str, value: str
) -> None:
    (tmp_path / "sales.csv").write_text(f"sku,date,quantity\n{rows}")

    asked = run("import", "sales.csv", "--dry-run")
    told = run("import", "sales.csv", "--dry-run", option, value)

    assert (asked.exit_code, f"{option} {value}" in asked.stderr) == (2, True)
    assert told.exit_code == 0
