"""Commands that take in how orders turned out and bring the database up to date."""

import asyncio
from pathlib import Path
from typing import Any


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

    assert result.exit_code == 2
    assert "start it, or correct DATABASE_URL." in result.stderr
    assert "Idempotency-Key" not in result.stderr
