"""`restock today`: the list on the screen and in files."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import Result

FIRST = "product_id,name,location,supplier,on_hand,on_order,reorder_point,quantity,value,currency,order_by,days_left"
FIRST += ",confidence,reason,status"
Run = Callable[..., Result]


def test_the_screen_shows_the_most_urgent_first_and_says_which_catalogue_it_is(run: Run) -> None:
    result = run("today", "--limit", "3")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].startswith("DUST_MASKS_FFP2")
    assert "70 rows: 35 order_now" in result.stdout
    assert "The sample catalogue on" in result.stderr


def test_standard_output_is_the_whole_csv_with_its_columns_in_order(run: Run) -> None:
    result = run("today", "--csv")
    assert result.stdout.startswith(FIRST)
    rows = list(csv.DictReader(StringIO(result.stdout)))
    assert len(rows) == 70
    [steel] = [row for row in rows if (row["product_id"], row["location"]) == ("STEEL_SHEETS", "Chicago")]
    assert (steel["quantity"], steel["value"], steel["status"]) == ("1200", "29400", "order_now")
    assert result.stdout == run("today", "--csv", "-").stdout
    assert len(run("today", "--csv", "--limit", "3").stdout.splitlines()) == 1 + 3


def test_filters_and_sort_hold_for_files_as_well(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    result = run("today", "--status", "order_now", "--location", "dallas", "--sort", "-value", "--csv", str(out))
    rows = list(csv.DictReader(StringIO(out.read_text())))
    values = [float(row["value"]) for row in rows]
    assert values == sorted(values, reverse=True)
    assert {(row["location"], row["status"]) for row in rows} == {("Dallas", "order_now")}
    assert f"{len(rows)} rows are in {out}." in result.stderr


def test_a_workbook_has_the_same_rows(run: Run, tmp_path: Path) -> None:
    run("today", "--limit", "5", "--xlsx", str(tmp_path / "list.xlsx"))
    rows = CalamineWorkbook.from_path(tmp_path / "list.xlsx").get_sheet_by_index(0).to_python()
    assert ",".join(map(str, rows[0])).startswith(FIRST)
    assert len(rows) == 6


def test_json_is_the_list_with_its_version(run: Run) -> None:
    listed = json.loads(run("today", "--json", "--text", "steel sheets").stdout)
    assert listed["mode"] == "mock"
    assert {row["product_id"] for row in listed["rows"]} == {"STEEL_SHEETS"}
    assert listed["total"] == len(listed["rows"])


def test_a_filter_that_nothing_fits_says_so(run: Run) -> None:
    assert "No product fits." in run("today", "--supplier", "nobody").stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--status", "low"), "no status 'low'"),
        (("--sort", "price"), "no column 'price' to sort by"),
        (("--csv", "list.xlsx"), "should end in .csv"),
        (("--xlsx", "list.csv"), "should end in .xlsx"),
        (("--csv", "nowhere/list.csv"), "There is no folder nowhere"),
    ],
)
def test_wrong_use_says_the_right_one(run: Run, options: tuple[str, str], says: str) -> None:
    result = run("today", *options)
    assert result.exit_code in (1, 2)
    assert says in " ".join(result.stderr.replace("│", " ").split())
