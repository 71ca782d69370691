"""Commands that look back on one's own data and take in how orders turned out."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from api.commands.cli import app


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs `restock …` in an empty folder, with settings from the environment alone."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(
            app, arguments, env={"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/b.db"} | environment
        )

    return run


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Eight products, seventy days each."""
    random = np.random.default_rng(0)
    days = pd.date_range("2026-01-01", periods=70)
    rows = [{"sku": sku, "date": day, "quantity": int(random.poisson(6))} for sku in "ABCDEFGH" for day in days]
    pd.DataFrame(rows).to_csv(tmp_path / "sales.csv", index=False)
    return tmp_path / "sales.csv"


def test_backtest_writes_its_report(run: Any, sales: Path, tmp_path: Path) -> None:
    result = run("backtest", str(sales), "--report", str(tmp_path / "out.html"), "--lead-time", "3", "--service", "0.9")

    assert (result.exit_code, "report:" in result.stdout) == (0, True)
    assert (tmp_path / "out.html").read_text().startswith("<!doctype html>")


def test_calibrate_writes_a_table_without_any_outcome_too(run: Any, sales: Path, tmp_path: Path) -> None:
    result = run("calibrate", str(sales), "--out", str(tmp_path / "table.json"), "--lead-time", "3")

    assert result.exit_code == 0
    assert "0 of 0 recorded outcomes" in result.stdout


def test_a_bad_file_ends_in_one_sentence(run: Any, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("what,when\n1,2\n")

    result = run("backtest", "sales.csv")

    assert result.exit_code == 2
    assert "No product column among ['what', 'when']" in result.stderr
    assert "Traceback" not in result.stderr


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
    assert "Column lead_time_days has something else than numbers (could not convert" in result.stderr


@pytest.mark.parametrize("command", ["backtest", "calibrate", "scan"])
def test_a_command_with_options_of_its_own_explains_them(run: Any, command: str) -> None:
    result = run(command, "--help")

    assert (result.exit_code, f"usage: restock {command}" in result.stdout) == (0, True)


async def test_outcomes_come_in_from_a_file_once(service: Any, run: Any, x1: dict[str, Any], tmp_path: Path) -> None:
    number = (await service.trigger(x1)).json()["order"]["number"]
    (tmp_path / "outcomes.csv").write_text(f"order_number,ran_out,left_over\n{number},no,40\n")
    url = service.runtime.settings.database_url

    first = await asyncio.to_thread(run, "outcomes", "outcomes.csv", DATABASE_URL=url)
    again = await asyncio.to_thread(run, "outcomes", "outcomes.csv", DATABASE_URL=url)

    assert "Recorded 1 outcomes; 0 were known." in first.stdout
    assert "Recorded 0 outcomes; 1 were known." in again.stdout
    assert [each.recorded_by for each in await service.book.outcomes.latest()] == ["file outcomes.csv"]


def test_outcomes_of_orders_that_are_not_there_are_refused_in_a_sentence(run: Any, tmp_path: Path) -> None:
    (tmp_path / "outcomes.csv").write_text("order_number,ran_out,left_over\nPO-1,no,4\n")

    result = run("outcomes", "outcomes.csv")

    assert (result.exit_code, "No order 'PO-1'" in result.stderr) == (1, True)


def test_a_database_that_does_not_answer_is_named_by_its_setting(run: Any) -> None:
    result = run("migrate", DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")

    assert result.exit_code == 1
    assert "Check DATABASE_URL" in result.stderr
    assert "Idempotency-Key" not in result.stderr
