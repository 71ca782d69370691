"""`restock import`, `restock imports` and `restock catalogue`."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from xlsxwriter import Workbook

STOCK = "SKU,Location,On hand\nA1,MAIN,40\nB2,MAIN,-3\n"


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    file = tmp_path / "stock.csv"
    file.write_text(STOCK)
    return file


def test_the_mapping_is_shown_with_values_before_anything_is_asked(run: Any, stock: Path) -> None:
    asked = run("import", str(stock))
    assert asked.exit_code == 2
    assert "on_hand = 'On hand': 40, -3" in asked.stderr
    assert "Would change: products 2 new; stock 2 new" in asked.stderr
    assert "add --yes" in asked.stderr
    assert run("imports").stdout == ""


def test_yes_imports_and_the_list_shows_it(run: Any, stock: Path) -> None:
    done = run("import", str(stock), "--yes")
    assert (done.exit_code, done.stdout) == (0, "Import 1 is done: products 2 new; stock 2 new\n")
    assert "changed nothing" in run("import", str(stock), "--yes").stdout
    assert "1 | done" in run("imports").stdout
    assert "stock.csv (stock, 2 rows)" in run("imports").stdout


def test_a_dry_run_changes_nothing(run: Any, stock: Path) -> None:
    looked_at = run("import", str(stock), "--dry-run", "--json")
    assert json.loads(looked_at.stdout)["counts"]["stock"]["new"] == 2
    assert "no imports yet" in run("imports").stderr


def test_an_import_is_undone_by_its_number(run: Any, stock: Path) -> None:
    run("import", str(stock), "--yes")
    assert "Import 1 is undone" in run("import", "--undo", "1").stdout
    again = run("import", "--undo", "1")
    assert (again.exit_code, "Import 1 is undone; only" in again.stderr) == (1, True)


def test_faults_end_the_command_with_every_line_and_are_written_down(run: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(STOCK + "C3,MAIN,lots\n")
    refused = run("import", "bad.csv", "--yes", "--rejects", "rejects.csv")
    assert refused.exit_code == 2
    assert "line 4" in refused.stderr
    assert "lots" in (tmp_path / "rejects.csv").read_text()
    assert "1 × " in (left_out := run("import", "bad.csv", "--yes", "--skip-bad")).stderr
    assert "stock 2 new" in left_out.stdout


def test_columns_are_named_by_hand_and_kept_under_a_profile(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Thing,Amount\nA1,4\n")
    told = ["--kind", "stock", "--map", "product_id=Thing", "--map", "on_hand=Amount"]
    assert run("import", "a.csv", "--yes", "--profile", "erp", *told).exit_code == 0
    (tmp_path / "b.csv").write_text("Thing,Amount\nA1,5\n")
    assert "stock 1 changed" in run("import", "b.csv", "--yes", "--profile", "erp").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name the files"),
        (["none.csv"], "no file none.csv"),
        (["stock.csv", "--map", "quantity"], "role=COLUMN"),
        (["stock.csv", "stock.csv", "--kind", "stock"], "one file"),
        (["stock.csv", "--kind", "goods"], "no kind 'goods'"),
        (["--from", "sqlite:///none.db", "--query", "SELECT 1"], "no database none.db"),
        (["--from", "sqlite:///none.db"], "--query SELECT"),
        (["--from", "sqlite:///other.db", "--query", "DROP TABLE t"], "takes a SELECT"),
        (["--from", "nothing://x", "--query", "SELECT 1"], "cannot be used"),
    ],
)
def test_wrong_use_says_the_right_one(run: Any, stock: Path, arguments: list[str], said: str) -> None:
    refused = run("import", *arguments, "--yes")
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.output


def test_a_database_is_read_by_a_query_and_never_written_to(run: Any, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "erp.db") as erp:
        erp.execute("CREATE TABLE lager (artikelnummer TEXT, bestand REAL, lager TEXT)")
        erp.executemany("INSERT INTO lager VALUES (?, ?, ?)", [("007", 4.5, "NORD"), ("008", 1, "NORD")])
    before = (tmp_path / "erp.db").read_bytes()

    done = run("import", "--from", "sqlite:///erp.db", "--query", "SELECT * FROM lager", "--yes")

    assert "stock 2 new" in done.stdout
    assert (tmp_path / "erp.db").read_bytes() == before
    refused = run("import", "--from", "sqlite:///erp.db", "--query", "WITH x AS (SELECT 1) DELETE FROM lager", "--yes")
    assert (refused.exit_code, (tmp_path / "erp.db").read_bytes() == before) == (2, True)


def test_postgresql_is_read_by_a_query_and_never_written_to(run: Any, postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE stock_levels (sku text, on_hand numeric)")
        connection.exec_driver_sql("INSERT INTO stock_levels VALUES ('A1', 4.50), ('B2', 7)")
    plain = postgres_url.replace("postgresql+psycopg", "postgresql")

    assert "stock 2 new" in run("import", "--from", plain, "--query", "SELECT * FROM stock_levels", "--yes").stdout
    changing = "WITH gone AS (DELETE FROM stock_levels RETURNING *) SELECT * FROM gone"
    assert run("import", "--from", plain, "--query", changing, "--yes").exit_code == 2

    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM stock_levels").scalar_one() == 2
    engine.dispose()


def test_the_catalogues_settings_are_shown_and_changed(run: Any, stock: Path) -> None:
    run("import", str(stock), "--yes")
    changed = run("catalogue", "--currency", "EUR", "--time-zone", "Europe/Berlin", "--default-location", "NORTH")
    assert changed.stdout == "currency: EUR\ntime zone: Europe/Berlin\ndefault location: NORTH\n"
    assert run("catalogue").stdout == changed.stdout
    closed = run("catalogue", "--closed", "MAIN=sat,2026-12-25")
    assert closed.exit_code == 0
    assert run("catalogue", "--closed", "MAIN=someday").exit_code == 1
    assert run("catalogue", "--closed", "sat").exit_code == 2
    refused = run("catalogue", "--time-zone", "Mars/Base")
    assert (refused.exit_code, "Europe/Berlin" in refused.stderr) == (1, True)


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> str:
    with Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for line, row in enumerate(rows):
                sheet.write_row(line, 0, row)
    return str(path)


def test_each_sheet_of_a_workbook_is_read_where_they_hold_different_kinds(run: Any, tmp_path: Path) -> None:
    sheets: dict[str, list[list[Any]]] = {
        "Artikel": [["Artikelnr.", "Lieferant", "WBZ"], ["A1", "Acme", 7]],
        "Bestand": [["Artikelnr.", "Lager", "Bestand"], ["A1", "MAIN", 40]],
        "Hinweise": [["Bitte vertraulich behandeln"]],
    }
    done = run("import", workbook(tmp_path / "all.xlsx", sheets), "--yes")
    assert done.stdout == "Import 1 is done: suppliers 1 new; products 1 new; stock 1 new\n"
    assert "all.xlsx, Bestand: stock, 1 row" in done.stderr


def test_two_sheets_of_one_kind_are_a_question_and_one_may_be_named(run: Any, tmp_path: Path) -> None:
    rows = [["SKU", "Location", "On hand"], ["A1", "MAIN", 40]]
    file = workbook(tmp_path / "stock.xlsx", {"North": rows, "South": rows})
    asked = run("import", file, "--yes")
    assert (asked.exit_code, "several sheets: North, South" in asked.stderr) == (2, True)
    assert run("import", file, "--sheet", "South", "--yes").exit_code == 0
