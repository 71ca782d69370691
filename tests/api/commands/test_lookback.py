"""Commands that look at a file of past demand."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from tests.own_catalogue import BOLTS, demand_row, keep_bolts, put, stock_row
from tools.planning.confidence import read_table
from tools.storage import catalogue_schema as tables


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Eight products, seventy days each."""
    random = np.random.default_rng(0)
    days = pd.date_range("2026-01-01", periods=70)
    rows = [{"sku": sku, "date": day, "quantity": int(random.poisson(6))} for sku in "ABCDEFGH" for day in days]
    pd.DataFrame(rows).to_csv(tmp_path / "sales.csv", index=False)
    return tmp_path / "sales.csv"


@pytest.fixture
def own(run: Any, tmp_path: Path) -> Iterator[sa.Engine]:
    """A catalogue with BOLTS at SHOP."""
    run("migrate")
    engine = sa.create_engine(f"sqlite:///{tmp_path}/b.db")
    keep_bolts(engine)
    yield engine
    engine.dispose()


def test_backtest_writes_its_report_and_says_where(run: Any, sales: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.html"

    result = run(
        "backtest", str(sales), "--report", str(out), "--lead-time", "3", "--service", "0.9", "--service", "0.95"
    )

    assert (result.exit_code, f"report: {out}" in result.stdout) == (0, True)
    assert [line.split()[0] for line in result.stdout.splitlines()[1:3]] == ["90.0%", "95.0%"]
    assert out.read_text().startswith("<!doctype html>")


def test_what_looks_back_can_be_read_by_programs(run: Any, sales: Path) -> None:
    options = (str(sales), "--lead-time", "3", "--json")
    looked = json.loads(run("backtest", *options, "--out", "out.html", "--service", "0.9").stdout)
    fitted = json.loads(run("calibrate", *options, "--out", "table.json").stdout)

    assert looked["report"] == "out.html"
    assert [row["asked"] for row in looked["service"]] == [0.9]
    assert 0.5 < looked["service"][0]["achieved"] <= 1
    assert fitted["products"] == looked["products"]
    assert (fitted["recorded_outcomes"], Path(fitted["table"]).is_file()) == (0, True)


def test_backtest_plays_orders_by_the_terms_that_are_given(run: Any, sales: Path, tmp_path: Path) -> None:
    terms = ("--late", "0", "--late", "2", "--lost-sales", "--minimum-order", "40", "--multiple", "6", "--step", "9")

    result = run("backtest", str(sales), "--out", "out.html", "--lead-time", "3", "--holding-rate", "0.3", *terms)

    report = (tmp_path / "out.html").read_text()
    assert result.exit_code == 0
    assert "Unmet demand is lost; minimum order 40, multiple 6; holding 30 %" in report


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--service", "95"], "A service of 95 cannot be asked for"),
        (["--lead-time", "-1"], "A lead time of -1"),
        (["--map", "product_id=what"], "There is no column 'what' for product_id"),
        (["--map", "product_id"], "--map takes role=COLUMN"),
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
        ("what,when\n1,2\n", "no column for product_id of sales. Name it (--map product_id=COLUMN)"),
        ("item,date,units\nA,2026-01-01,-3\n", "1 of 1 quantity below 0"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(run: Any, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "sales.csv").write_text(text)

    result = run("backtest", "sales.csv", "--out", "never.html")

    assert (result.exit_code, why in result.stderr, "Traceback" in result.stderr) == (2, True, False)
    assert not (tmp_path / "never.html").exists()


def test_returns_do_not_lower_demand_and_are_counted(run: Any, sales: Path) -> None:
    before = run("scan", str(sales)).stdout
    with sales.open("a") as file:
        file.write("A,2026-02-01,-3\n")

    result = run("scan", str(sales))

    assert (result.exit_code, result.stdout) == (0, before)
    assert "1 other line of returns, which do not lower demand." in result.stderr


def test_how_the_file_was_read_is_shown_with_values(run: Any, sales: Path) -> None:
    result = run("scan", str(sales))

    assert "product_id = 'sku': A, A, A" in result.stderr
    assert "date = 'date': 2026-01-01, 2026-01-02, 2026-01-03" in result.stderr


def test_faults_end_the_command_unless_bad_lines_are_skipped_and_are_written_where_asked(
    run: Any, sales: Path, tmp_path: Path
) -> None:
    before = run("scan", str(sales)).stdout
    with sales.open("a") as file:
        file.write("A,2026-02-01,many\nB,2026-02-30,4\n")

    refused, skipped = run("scan", str(sales)), run("scan", str(sales), "--skip-bad", "--rejects", "faults.csv")

    assert refused.exit_code == 2
    assert "2 faults: 1 × no_number, 1 × no_date" in refused.stderr
    assert "sales.csv, line 562, quantity 'many'" in refused.stderr
    assert (skipped.exit_code, skipped.stdout) == (0, before)
    assert pd.read_csv(tmp_path / "faults.csv")["line"].tolist() == [562, 563]


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


@pytest.mark.parametrize(("period", "periods"), [("day", 28), ("week", 4), ("month", 1)])
def test_a_lead_time_is_in_days_whatever_the_period(run: Any, tmp_path: Path, period: str, periods: int) -> None:
    days = pd.date_range("2024-01-01", "2025-12-31")
    rows = [f"{sku},{day:%Y-%m-%d},{place % 7 + 3}\n" for sku in "AB" for place, day in enumerate(days)]
    (tmp_path / "sales.csv").write_text("sku,date,quantity\n" + "".join(rows))

    result = run("backtest", "sales.csv", "--out", "out.html", "--lead-time", "28", "--period", period)

    assert result.exit_code == 0
    assert re.search(rf"lead time {periods}\b", (tmp_path / "out.html").read_text())


def test_a_refit_on_bad_data_leaves_the_old_table(run: Any, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("sku,date,quantity\nA,2026-01-01,3\nA,2026-01-02,x\n")
    (tmp_path / "table.json").write_text("the old one")

    result = run("calibrate", "sales.csv", "--out", "table.json")

    assert (result.exit_code, "line 3, quantity 'x'" in result.stderr) == (2, True)
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
    (tmp_path / "terms.csv").write_text("product_id,lead_time_days\nA,5\nB,-1\n")

    result = run("scan", str(sales), "--products", "terms.csv")

    assert (result.exit_code, "terms.csv, line 3, lead_time_days '-1'" in result.stderr) == (2, True)


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
    assert "terms.csv, line 2, lead_time_days 'a week': This is no number." in result.stderr


def test_scan_names_terms_without_demand_and_demand_without_terms(run: Any, sales: Path, tmp_path: Path) -> None:
    (tmp_path / "terms.csv").write_text("Article;Lead time\nA;7\nNEW;7\n")

    result = run("scan", str(sales), "--products", "terms.csv", "--map-products", "product_id=Article")

    assert result.exit_code == 0
    assert "1 product of the terms without demand in the sales, so without a plan: NEW." in result.stderr
    assert "7 products of the sales without terms, so not planned: B, C, D, E, F, …." in result.stderr


def test_scan_splits_by_location_where_the_terms_have_locations_and_adds_up_where_not(run: Any, tmp_path: Path) -> None:
    rows = [f"A1,{place},2026-01-{day:02},{day % 5 + 8}\n" for day in range(1, 32) for place in ("North", "South")]
    (tmp_path / "sales.csv").write_text("product_id,location,date,quantity\n" + "".join(rows))
    (tmp_path / "split.csv").write_text("product_id,location,lead_time_days\nA1,North,7\nA1,South,7\n")
    (tmp_path / "whole.csv").write_text("product_id,lead_time_days\nA1,7\n")

    run("scan", "sales.csv", "--products", "split.csv", "--out", "split_plans.csv")
    run("scan", "sales.csv", "--products", "whole.csv", "--out", "whole_plans.csv")

    split, whole = pd.read_csv(tmp_path / "split_plans.csv"), pd.read_csv(tmp_path / "whole_plans.csv")
    assert set(split["location"]) == {"North", "South"}
    assert (split["mean_per_day"] * 2).round(6).tolist() == [whole["mean_per_day"][0].round(6)] * 2


@pytest.mark.parametrize("command", ["backtest", "calibrate", "scan"])
def test_a_command_explains_its_options(run: Any, command: str) -> None:
    result = run(command, "--help")

    assert result.exit_code == 0
    assert f" {command} [OPTIONS]" in result.stdout


def test_without_a_file_your_own_catalogue_is_looked_back_on(run: Any, own: sa.Engine, tmp_path: Path) -> None:
    put(own, tables.stock, stock_row(location="DEPOT"))
    put(own, tables.demand, demand_row(location="DEPOT"))

    looked = run("backtest", "--report", "own.html")
    fitted = run("calibrate", "--out", "own.json")

    assert looked.exit_code == fitted.exit_code == 0, looked.stderr + fitted.stderr
    assert "your catalogue" in (tmp_path / "own.html").read_text("utf-8")
    assert "from 2 products" in fitted.stdout


def test_scan_without_a_file_plans_your_own_catalogue_with_its_stock_and_terms(run: Any, own: sa.Engine) -> None:
    put(own, tables.products, BOLTS | {"id": "MANY"})
    put(own, tables.stock, stock_row("MANY", on_hand=5000))
    put(own, tables.demand, demand_row(product_id="MANY"))
    put(own, tables.products, {"id": "NEW", "name": "New", "category": "", "supplier_id": "ACME", "terms": {}})
    breaks = {"unit_price": "9", "price_breaks": [{"minimum_quantity": 100, "unit_price": "8"}], "currency": "USD"}
    put(own, tables.products, BOLTS | {"id": "NUTS", "terms": breaks})
    put(own, tables.stock, stock_row("NUTS"))
    put(own, tables.demand, demand_row(product_id="NUTS"))

    result = run("scan", "--out", "plans.csv")

    assert result.exit_code == 0, result.stderr
    plans = pd.read_csv("plans.csv").set_index("product_id")
    today = {row["product_id"]: row for row in json.loads(run("today", "--json").stdout)["rows"]}
    for name in ("order_quantity", "inventory_position", "reorder_point"):
        in_list = "quantity" if name == "order_quantity" else name
        assert plans[name][["BOLTS", "MANY"]].tolist() == [today[each][in_list] for each in ("BOLTS", "MANY")]
    assert plans["order_quantity"]["BOLTS"] > 0 == plans["order_quantity"]["MANY"]
    assert plans["currency"].to_dict() == {"BOLTS": "EUR", "MANY": "EUR", "NUTS": "USD"}
    assert (
        "1 product without a plan, because something is missing (`restock today` says what): NEW at SHOP."
        in result.stderr
    )
    assert "1 product with terms that only the full plan knows" in result.stderr
    assert run("scan", "--pooled").exit_code == 0


def test_scan_without_a_file_and_without_a_catalogue_says_so(run: Any) -> None:
    refused = run("scan")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "no catalogue of your own yet: bring one in with `restock import`" in refused.stderr


def test_a_catalogue_of_which_nothing_can_be_planned_says_so(run: Any, tmp_path: Path) -> None:
    run("migrate")
    engine = sa.create_engine(f"sqlite:///{tmp_path}/b.db")
    put(engine, tables.products, BOLTS)
    engine.dispose()
    assert "`restock today` says what each product needs" in run("scan").stderr
    for command in (("backtest",), ("calibrate", "--out", "t.json")):
        refused = run(*command)
        assert (refused.exit_code, "no demand yet; import sales" in refused.stderr) == (1, True)


@pytest.mark.parametrize("command", [("backtest",), ("calibrate", "--out", "t.json"), ("scan",)])
@pytest.mark.parametrize("option", [("--period", "week"), ("--map", "quantity=Qty"), ("--skip-bad",)])
def test_options_for_files_without_a_file_are_refused(run: Any, command: tuple[str, ...], option: Any) -> None:
    refused = run(*command, *option)
    assert (refused.exit_code, "name the file too" in refused.stderr) == (2, True)


def test_terms_without_sales_are_refused(run: Any) -> None:
    assert "name the file too" in run("scan", "--products", "terms.csv").stderr
