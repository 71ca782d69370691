import csv
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.inventorybench import (
    GROWTH,
    Books,
    Economics,
    Facts,
    Instance,
    main,
    play,
    read_instances,
    report,
    trending_games,
    write_submission,
)

NEVER = float("inf")
ITEM = "111586001"


class Planned:
    """Orders what it was told to and remembers what it was told."""

    def __init__(self, *orders: int) -> None:
        self._orders = list(orders)
        self.told: list[Facts] = []

    def __call__(self, facts: Facts) -> float:
        self.told.append(facts)
        return self._orders.pop(0)


def game(
    demand: tuple[float, ...] = (10, 20, 30),
    lead_times: tuple[float, ...] = (0, 0, 0),
    *,
    name: str = "synthetic_trajectory/lead_time_0/p00_made_up/v1/r1_med",
    promised_lead_time: int = 0,
) -> Instance:
    return Instance(
        name=name,
        past_demand=(12, 18, 22, 15, 20),
        promised_lead_time=promised_lead_time,
        demand=demand,
        lead_times=lead_times,
        economics=(Economics(unit_profit=4, holding_cost=1),) * len(demand),
    )


def long_game(seed: int = 3) -> Instance:
    random = np.random.default_rng(seed)
    demand = tuple(float(units) for units in random.poisson(40, 20))
    return game(demand, tuple(random.choice([1, 2, 3, NEVER], 20)), promised_lead_time=2)


def write_folder(root: Path, instance: Instance) -> None:
    folder = root / instance.name
    folder.mkdir(parents=True)
    train = pd.DataFrame({f"exact_dates_{ITEM}": "2019-01-07", f"demand_{ITEM}": instance.past_demand})
    train.to_csv(folder / "train.csv", index=False)
    test = {
        f"exact_dates_{ITEM}": "2019-02-11",
        f"demand_{ITEM}": instance.demand,
        f"description_{ITEM}": "a made-up shirt",
        f"lead_time_{ITEM}": instance.lead_times,
        f"profit_{ITEM}": [price.unit_profit for price in instance.economics],
        f"holding_cost_{ITEM}": [price.holding_cost for price in instance.economics],
    }
    pd.DataFrame(test).to_csv(folder / "test.csv", index=False)


def write_parquet(root: Path, instance: Instance) -> Path:
    samples = {"instance": instance.name, "sample": range(1, 6), "demand": instance.past_demand}
    train = pd.DataFrame(samples | {"promised_lead_time": instance.promised_lead_time})
    train.to_parquet(root / "inventorybench_train.parquet")
    periods = {"instance": instance.name, "period": range(1, len(instance.demand) + 1), "demand": instance.demand}
    test = pd.DataFrame(periods | {"lead_time": instance.lead_times, "profit": 4.0, "holding_cost": 1.0})
    test.iloc[::-1].to_parquet(root / "inventorybench_test.parquet")
    return root / "inventorybench_test.parquet"


def test_an_order_without_lead_time_arrives_before_that_periods_demand() -> None:
    result = play(game(), Planned(10, 20, 30))

    assert result.score == 1
    assert (result.sales_lost, result.holding) == (0, 0)


def test_unmet_demand_is_lost_and_leftover_stock_is_charged() -> None:
    result = play(game(), Planned(15, 5, 50))

    assert result.sales_lost == pytest.approx(10 / 60)
    assert result.holding == pytest.approx((5 + 0 + 20) / 240)
    assert result.score == pytest.approx((4 * 50 - 25) / 240)


def test_an_order_arrives_after_its_own_lead_time() -> None:
    planner = Planned(10, 30, 0)

    result = play(game(lead_times=(2, 0, 0)), planner)

    assert planner.told[1]["current_stock"] == 0
    assert planner.told[2]["current_stock"] == 10
    assert planner.told[2]["observed_lead_times_days"] == [0]
    assert [order["quantity"] for order in planner.told[2]["open_orders"]] == [10]
    assert result.sales_lost == pytest.approx((10 + 10) / 60)


def test_a_lost_order_never_arrives() -> None:
    instance = game(demand=(10,) * 20, lead_times=(NEVER, NEVER) + (0,) * 18)

    result = play(instance, Planned(500, 500, *(0,) * 18))

    assert (result.sales_lost, result.holding) == (1, 0)


def test_a_game_that_loses_money_scores_nil() -> None:
    assert play(game(), Planned(9000, 0, 0)).score == 0


def test_a_game_without_demand_scores_nil() -> None:
    assert play(game(demand=(0, 0, 0)), Planned(5, 0, 0)).score == 0


def test_orders_do_not_depend_on_what_has_not_happened_yet() -> None:
    instance = long_game()
    other = replace(
        instance,
        demand=instance.demand[:12] + tuple(5 * units for units in instance.demand[12:]),
        lead_times=instance.lead_times[:12] + (NEVER,) * 8,
    )

    assert play(instance).orders[:13] == play(other).orders[:13]
    assert play(instance).orders[13:] != play(other).orders[13:]


def test_the_length_of_the_game_is_not_known() -> None:
    instance = long_game()
    shorter = replace(
        instance, demand=instance.demand[:11], lead_times=instance.lead_times[:11], economics=instance.economics[:11]
    )

    assert play(shorter).orders == play(instance).orders[:11]


def test_the_instances_name_is_not_used() -> None:
    instance = long_game()

    assert play(instance).orders == play(replace(instance, name="x/y/z/w/v")).orders


def test_a_period_is_told_as_a_planner_could_send_it() -> None:
    books = Books(game((10,) * 9, (NEVER,) * 9, promised_lead_time=4), [12, 18, 22, 15, 20])
    books.order(30)
    books.demand += [10, 10, 10, 10, 10, 10]

    facts = books.facts()

    assert facts["demand_history"][:5] == [12, 18, 22, 15, 20]
    assert facts["open_orders"] == [
        {"reference": "ORDER-0", "quantity": 30, "due_in_days": -14, "placed_days_ago": 42},
    ]
    assert (facts["lead_time_days"], facts["review_period_days"], facts["demand_period_days"]) == (28, 7, 7)
    assert (facts["service_type"], facts["unit_profit"]) == ("profit", 4)
    assert facts["holding_cost"] * 7 / 365 == pytest.approx(1)


def test_a_receipt_is_booked_on_the_orders_that_add_up_to_it() -> None:
    books = Books(game((10,) * 9, (2,) * 9, promised_lead_time=2), [12, 18, 22, 15, 20])
    for quantity in (50, 70, 90):
        books.order(quantity)
        books.demand.append(10)

    books.receive(160)

    assert [quantity for _, quantity, _ in books.open_orders] == [50]
    assert books.receipts == [2, 1]


def test_of_two_equal_orders_the_one_at_the_promised_age_is_taken_to_have_come() -> None:
    books = Books(game((10,) * 9, (2,) * 9, promised_lead_time=2), [12, 18, 22, 15, 20])
    for quantity in (60, 0, 60, 0):
        books.order(quantity)
        books.demand.append(10)

    books.receive(60)

    assert books.open_orders == [(0, 60, 0)]


def test_demand_that_grows_is_followed_better_than_by_half_of_what_can_be_earned() -> None:
    rising, falling = trending_games(3, GROWTH)[1], trending_games(3, -GROWTH)[1]

    assert np.mean(rising.demand[-9:]) > 3 * np.mean(rising.past_demand)
    assert np.mean(falling.demand[-9:]) < np.mean(falling.past_demand) / 3
    assert play(rising).score > 0.6


def test_the_folder_and_the_parquet_form_are_read_alike(tmp_path: Path) -> None:
    instance = replace(long_game(), name="synthetic_trajectory/lead_time_stochastic/p00_made_up/v1/r1_med")
    write_folder(tmp_path / "benchmark", instance)

    from_folder = read_instances(tmp_path / "benchmark")
    from_parquet = read_instances(write_parquet(tmp_path, instance))

    assert from_folder == from_parquet == read_instances(tmp_path) == [instance]


def test_part_of_the_benchmarks_folder_keeps_the_instances_names(tmp_path: Path) -> None:
    instance = replace(long_game(), name="real_trajectory/lead_time_4/111586001", promised_lead_time=4)
    write_folder(tmp_path, instance)

    assert read_instances(tmp_path / "real_trajectory" / "lead_time_4") == [instance]


def test_a_folder_without_instances_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="No instances"):
        read_instances(tmp_path)


def test_half_of_a_parquet_pair_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path, long_game())
    (tmp_path / "inventorybench_train.parquet").unlink()

    with pytest.raises(SystemExit, match="missing"):
        read_instances(path)


def test_the_submission_holds_every_periods_order(tmp_path: Path) -> None:
    instance = game()

    write_submission(tmp_path, [(instance, play(instance, Planned(3, 0, 7)))])

    with (tmp_path / "results" / instance.name / "results.csv").open() as file:
        assert list(csv.reader(file)) == [["period", "order_quantity"], ["1", "3"], ["2", "0"], ["3", "7"]]
    assert (tmp_path / "README.md").exists()


def test_the_table_gives_means_by_family_and_lead_time() -> None:
    instances = [game(), game(name="real_trajectory/lead_time_4/1", promised_lead_time=4)]
    results = [play(instances[0], Planned(10, 20, 30)), play(instances[1], Planned(5, 10, 15))]

    lines = list(report(instances, results))

    rows = {tuple(line.split()[:2]): line.split()[3] for line in lines[1:-2]}
    assert rows["p00_made_up", "0"] == "1.0000"
    assert rows["real_trajectory", "4"] == "0.5000"
    assert rows["all", "all"] == "0.7500"
    assert lines[-1] == "score 0.7500 on 2 instances"


def test_the_last_printed_line_is_the_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_parquet(tmp_path, long_game())

    main(["--data", str(path), "--submission", str(tmp_path / "out"), "--jobs", "1", "--trend", "1"])

    assert re.fullmatch(r"score 0\.\d{4} on 1 instances", capsys.readouterr().out.splitlines()[-1])
    assert len(list((tmp_path / "out").rglob("results.csv"))) == 1


@pytest.mark.skipif("RESTOCK_DATA" not in os.environ, reason="RESTOCK_DATA does not name the folder of real data")
def test_a_twentieth_of_the_real_benchmark_scores_above_the_best_published() -> None:
    instances = read_instances(Path(os.environ["RESTOCK_DATA"]) / "data")[::19]

    scores = [play(instance).score for instance in instances]

    assert np.mean(scores) > 0.57, np.mean(scores)
