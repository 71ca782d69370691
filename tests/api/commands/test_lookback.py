"""Commands that look at a file of past demand."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tools.planning.confidence import read_table


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Eight products, seventy days each."""
    random = np.random.default_rng(0)
    days = pd.date_range("2026-01-01", periods=70)
    rows = [{"sku": sku, "date": day, "quantity": int(random.poisson(6))} for sku in "ABCDEFGH" for day in days]
    pd.DataFrame(rows).to_csv(tmp_path / "sales.csv", index=False)
    return tmp_path / "sales.csv"


def test_backtest_writes_its_report_and_says_where(run: Any, sales: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.html"

    result = run(
        "backtest", str(sales), "--report", str(out), "--lead-time", "3", "--service", "0.9", "--service", "0.95"
    )

    assert (result.exit_code, f"report: {out}" in result.stdout) == (0, True)
    assert [line.split()[0] for line in result.stdout.splitlines()[1:3]] == ["90.0%", "95.0%"]
    assert out.read_text().startswith("<!doctype html>")


def test_backtest_plays_orders_by_the_terms_that_are_given(run: Any, sales: Path, tmp_path: Path) -> None:
    terms = ("--late", "0", "--late", "2", "--lost-sales", "--minimum-order", "40", "--multiple", "6", "--step", "9")

    result = run("backtest", str(sales), "--out", "out.html", "--lead-time", "3", "--holding-rate", "0.3", *terms)

    report = (tmp_path / "out.html").read_text()
    assert result.exit_code == 0
    assert "Unmet demand is lost; minimum order 40, multiple 6; holding 30%" in report


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--service", "95"], "A service of 95 cannot be asked for"),
        (["--lead-time", "-1"], "A lead time of -1"),
        (["--product", "what"], "No product column 'what' among"),
        (["--out", "/nowhere/report.html"], "cannot be written to /nowhere/report.html"),
        (["--period", "year"], "'year' is not one of"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(run: Any, sales: Path, options: list[str], why: str) -> None:
    result = run("backtest", str(sales), "--lead-time", "3", *options)

    assert (result.exit_code, why in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("what,when\n1,2\n", "No product column among ['what', 'when']"),
        ("item,date,units\nA,2026-01-01,-3\n", "counted before returns"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(run: Any, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "sales.csv").write_text(text)

    result = run("backtest", "sales.csv", "--out", "never.html")

    assert (result.exit_code, why in result.stderr, "Traceback" in result.stderr) == (2, True, False)
    assert not (tmp_path / "never.html").exists()


def test_returns_are_left_out_where_that_is_asked_for(run: Any, sales: Path) -> None:
    with sales.open("a") as file:
        file.write("A,2026-02-01,-3\n")

    assert run("scan", str(sales)).exit_code == 2
    assert run("scan", str(sales), "--drop-returns").exit_code == 0


def test_calibrate_fits_a_table_on_ones_own_data_without_any_outcome_too(run: Any, sales: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.json"

    result = run("calibrate", str(sales), "--out", str(out), "--lead-time", "3", "--review", "2")

    fitted = read_table(out)
    assert result.exit_code == 0
    assert "0 of 0 recorded outcomes" in result.stdout
    assert f"CALIBRATION_TABLE={out}" in result.stdout
    assert fitted.origin == "sales.csv, lead time 3, review 2 (day)"
    assert fitted.fitted_on == datetime.now(UTC).date()
    assert sum(each.count for each in fitted.reliability if each.stratum == "all") > 500
    assert not list(tmp_path.glob(".table.json*")), "nothing half written stays"


def test_a_refit_on_bad_data_leaves_the_old_table(run: Any, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("sku,date,quantity\nA,2026-01-01,3\nA,2026-01-02,-1\n")
    (tmp_path / "table.json").write_text("the old one")

    result = run("calibrate", "sales.csv", "--out", "table.json")

    assert (result.exit_code, "Row 3 has quantity -1" in result.stderr) == (2, True)
    assert (tmp_path / "table.json").read_text() == "the old one"


def test_a_table_that_cannot_be_written_is_named(run: Any, sales: Path) -> None:
    result = run("calibrate", str(sales), "--out", "/nowhere/table.json", "--lead-time", "3")

    assert (result.exit_code, "cannot be written to /nowhere/table.json" in result.stderr) == (2, True)


def test_scan_plans_the_products_that_have_terms_what_loses_most_first(run: Any, sales: Path, tmp_path: Path) -> None:
    (tmp_path / "terms.csv").write_text("product_id,lead_time_days,on_hand,unit_price\nA,3,0,2\nB,3,0,9\nC,3,500,9\n")

    result = run("scan", str(sales), "--products", "terms.csv", "--out", "plans.csv", "--pooled", "--review", "1")

    plans = pd.read_csv(tmp_path / "plans.csv").set_index("product_id")
    assert (result.exit_code, list(plans.index)) == (0, ["B", "A", "C"])
    assert plans["order_quantity"]["C"] == 0 < plans["order_quantity"]["B"]
    assert (plans["asked_service_level"] == 0.95).all(), "eight products are too few to learn from"
    assert result.stdout.split()[:1] == ["product_id"]


def test_scan_says_which_row_of_the_terms_is_at_fault(run: Any, sales: Path, tmp_path: Path) -> None:
    (tmp_path / "terms.csv").write_text("product_id,on_hand\nA,5\nB,-1\n")

    result = run("scan", str(sales), "--products", "terms.csv")

    assert (result.exit_code, "Row 1 has on_hand -1" in result.stderr) == (2, True)


def test_scan_finds_the_products_of_the_terms_by_their_names(run: Any, tmp_path: Path) -> None:
    days = [f"2026-01-{day:02}" for day in range(1, 31)]
    rows = [f"{product},{day},4\n" for product in ("007", "A1") for day in days]
    (tmp_path / "sales.csv").write_text("product_id,date,quantity\n" + "".join(rows))
    (tmp_path / "terms.csv").write_text("product_id,lead_time_days\n007,5\n")

    result = run("scan", "sales.csv", "--products", "terms.csv", "--out", "plans.csv")

    plans = pd.read_csv(tmp_path / "plans.csv", dtype={"product_id": str}).set_index("product_id")
    assert result.exit_code == 0
    assert plans["order_quantity"]["007"] > 0


def test_scan_says_where_the_terms_are_no_numbers(run: Any, sales: Path, tmp_path: Path) -> None:
    (tmp_path / "terms.csv").write_text("product_id,lead_time_days\nA,a week\n")

    result = run("scan", str(sales), "--products", "terms.csv")

    assert result.exit_code == 2
    assert "Column lead_time_days holds something other than numbers (could not convert" in result.stderr


@pytest.mark.parametrize("command", ["backtest", "calibrate", "scan"])
def test_a_command_explains_its_options(run: Any, command: str) -> None:
    result = run(command, "--help")

    assert result.exit_code == 0
    assert f" {command} [OPTIONS]" in result.stdout
