"""`restock orders-elsewhere`."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

STOCK = "SKU,Location,On hand\nA1,MAIN,5\nB2,MAIN,5\n"
ORDERS = "PO,Supplier,SKU,Qty open,Expected date\nPO1,Acme,A1,40,2026-12-01\nPO2,Acme,B2,20,2026-12-05\n"


@pytest.fixture(autouse=True)
def own(run: Any, tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text(STOCK)
    (tmp_path / "orders.csv").write_text(ORDERS)
    assert run("import", "stock.csv", "orders.csv", "--yes").exit_code == 0


def open_now(run: Any) -> dict[str, float]:
    lines = map(json.loads, run("orders-elsewhere", "--json").stdout.splitlines())
    return {line["reference"]: line["quantity"] for line in lines}


def test_they_are_listed_on_the_screen_and_in_a_file(run: Any) -> None:
    assert run("orders-elsewhere").stdout.splitlines()[1].split()[:3] == ["PO1", "A1", "MAIN"]
    rows = list(csv.DictReader(StringIO(run("orders-elsewhere", "--product", "B2", "--csv").stdout)))
    assert [(row["reference"], row["due_on"]) for row in rows] == [("PO2", "2026-12-05")]


def test_they_arrive_in_part_and_whole_and_are_cancelled(run: Any) -> None:
    first = run("orders-elsewhere", "receive", "PO1", "A1", "--quantity", "15")
    assert (first.exit_code, first.stdout) == (0, "Receipt of PO1 is recorded as import 2.\n")
    assert open_now(run) == {"PO1": 25, "PO2": 20}
    run("orders-elsewhere", "receive", "PO1", "A1")
    cancelled = run("orders-elsewhere", "cancel", "PO2", "B2", "--reason", "sold out")
    assert "20 of B2 were cancelled: sold out" in cancelled.stdout
    assert open_now(run) == {}
    assert "There are no such orders" in run("orders-elsewhere").stderr
    run("import", "--undo", "4")
    assert open_now(run) == {"PO2": 20}


def test_one_that_is_not_open_is_refused(run: Any) -> None:
    refused = run("orders-elsewhere", "receive", "PO9", "A1", "--json")
    assert (refused.exit_code, refused.stdout, "PO9" in refused.stderr) == (1, "", True)
