"""`restock learn` stores what plans use, and with --dry-run shows it only."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from typer.testing import Result

from tests.own_catalogue import BOLTS, YESTERDAY, demand_row, keep_bolts, put, stock_row
from tools.storage import catalogue_schema as tables

Run = Callable[..., Result]


@pytest.fixture
def engine(run: Run, tmp_path: Any) -> Iterator[sa.Engine]:
    assert run("migrate").exit_code == 0
    engine = sa.create_engine(f"sqlite:///{tmp_path}/b.db")
    yield engine
    engine.dispose()


def keep_many(engine: sa.Engine, products: int = 30, days: int = 120) -> None:
    random = np.random.default_rng(1)
    keep_bolts(engine)
    names = [f"P{number:02}" for number in range(products)]
    put(engine, tables.products, *[BOLTS | {"id": name, "name": name} for name in names])
    put(engine, tables.stock, *[stock_row(product_id=name) for name in names])
    histories = [random.poisson(random.uniform(2, 20), days) for _ in names]
    put(
        engine,
        tables.demand,
        *[demand_row(sold.tolist(), product_id=name) for name, sold in zip(names, histories, strict=True)],
    )


def stored(engine: sa.Engine) -> list[Any]:
    with engine.begin() as connection:
        return list(connection.execute(sa.select(tables.learned)))


def test_a_trial_stores_nothing_and_learning_stores_a_row_for_each_product(run: Run, engine: sa.Engine) -> None:
    keep_many(engine)
    tried = run("learn", "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "averaged" in tried.stdout and "Nothing was stored." in tried.stdout
    assert not stored(engine)

    done = run("learn")
    assert done.exit_code == 0, done.output
    assert "Stored." in done.stdout
    assert 0 < len(stored(engine)) <= 31
    assert stored(engine)[0].value["last_period"] == YESTERDAY.isoformat()


def test_what_was_learned_can_be_read_by_programs(run: Run, engine: sa.Engine) -> None:
    keep_many(engine)
    tried = json.loads(run("learn", "--dry-run", "--json").stdout)
    assert (tried["stored"], stored(engine)) == (False, [])
    assert {row["product_id"] for row in tried["levels"]} >= {"P00", "P29"}
    assert sum(row["origins"] for row in tried["classes"]) > 0


def test_the_list_and_the_scan_use_the_same_learned_numbers(run: Run, engine: sa.Engine) -> None:
    keep_many(engine)
    value = {"mean": 500.0, "sd": 50.0, "share": 0.5, "interval_days": 7.0, "last_period": YESTERDAY.isoformat()}
    before = run("today", "--json").stdout
    put(engine, tables.learned, {"product_id": "BOLTS", "location": "SHOP", "value": value})
    after = run("today", "--json").stdout
    assert before != after
    listed = {(row["product_id"], row["location"]): row["reorder_point"] for row in json.loads(after)["rows"]}
    plans = [json.loads(line) for line in run("scan", "--top", "100", "--json").stdout.splitlines()]
    assert {(row["product_id"], row["location"]): row["reorder_point"] for row in plans} == pytest.approx(listed)


def test_what_was_learned_long_ago_is_not_used(run: Run, engine: sa.Engine) -> None:
    keep_many(engine)
    long_ago = (YESTERDAY - timedelta(30)).isoformat()
    value = {"mean": 500.0, "sd": 50.0, "share": 0.5, "interval_days": 7.0, "last_period": long_ago}
    before = run("today", "--csv", "-").stdout
    put(engine, tables.learned, {"product_id": "BOLTS", "location": "SHOP", "value": value})
    assert run("today", "--csv", "-").stdout == before


def test_a_catalogue_without_demand_is_told_what_to_do(run: Run, engine: sa.Engine) -> None:
    result = run("learn")
    assert result.exit_code != 0
    assert "restock today" in result.output
