"""The backtest, and what is said of it, on generated data."""

from dataclasses import replace

import numpy as np
import pytest

from tools.catalog.demand_table import DemandTable
from tools.lookback.backtest import backtest
from tools.lookback.report import conclusion, summary
from tools.lookback.rolling_origin import Interval
from tools.lookback.simulation import OrderTerms
from tools.records.errors import InvalidInput

WEEK = Interval(lead_time=5, review_period=2)


def table(products: int = 40, periods: int = 110) -> DemandTable:
    random = np.random.default_rng(4)
    level = random.uniform(0.5, 25, (products, 1))
    size = np.where(np.arange(products)[:, None] % 2, level, level * random.lognormal(0, 1, (products, periods)))
    demand = (random.random((products, periods)) < 0.6) * random.poisson(size)
    return DemandTable(tuple(f"P<{index}>" for index in range(products)), demand.astype(float), "day", level[:, 0])


@pytest.fixture(scope="module")
def found():
    return backtest(table(), WEEK, terms=OrderTerms(minimum_order_quantity=5, backorders=False), step=3)


def test_every_asked_service_is_reported_beside_the_textbook(found) -> None:
    whole = [row for row in found.coverage if row.group == "all"]
    assert [row.asked for row in whole] == [0.9, 0.95, 0.98, 0.99]
    assert all(row.achieved > row.textbook for row in whole)


def test_the_simulation_reports_both_methods_for_every_class_that_occurs(found) -> None:
    whole = [row for row in found.simulated if row.demand_class == "all"]
    assert {(row.method, row.asked) for row in whole} == {
        (method, asked) for method in ("calculator", "textbook") for asked in (0.9, 0.95, 0.98, 0.99)
    }
    assert len({row.demand_class for row in found.simulated}) > 2
    assert all(0 < row.fill_rate <= 1 and row.cost_per_year > 0 for row in whole)


def test_the_confidence_is_checked_by_tenths(found) -> None:
    assert sum(each.count for each in found.reliability) == 4 * found.origins
    assert 0 <= found.calibration_error < 0.5
    assert "UCI" in found.calibration_origin


def test_the_summary_has_a_line_for_each_level(found) -> None:
    assert [line.split()[0] for line in summary(found).splitlines()[1:5]] == ["90.0%", "95.0%", "98.0%", "99.0%"]


def test_few_moments_are_reported_with_a_word_of_doubt() -> None:
    few = backtest(table(products=2), WEEK, step=3)

    assert few.origins < 200
    assert [line.split()[0] for line in summary(few).splitlines()[1:5]] == ["90.0%", "95.0%", "98.0%", "99.0%"]
    assert f"Only {few.origins} past moments" in summary(few)


def test_a_history_that_ends_before_an_order_is_played_through_is_refused() -> None:
    with pytest.raises(InvalidInput, match="110 periods, which end before orders over 92 of them can be played"):
        backtest(table(products=2), Interval(91, 1))


def test_products_without_enough_sales_are_refused() -> None:
    silent = DemandTable(("A",), np.zeros((1, 60)), "day")
    with pytest.raises(InvalidInput, match="None of the 1 products"):
        backtest(silent, WEEK)


def test_the_conclusion_says_what_was_held_and_missed_beside_the_textbook(found) -> None:
    ours, theirs = [row for row in found.simulated if (row.demand_class, row.asked) == ("all", 0.95)]

    said = conclusion(found, 0.95)

    held, value = (round(getattr(ours, name) / getattr(theirs, name) - 1, 2) for name in ("stock", "stock_value"))
    assert f"held {abs(held):.0%} more stock ({abs(value):.0%} more by value) than".replace("%", " %") in said
    missed = theirs.short_cycles - ours.short_cycles
    assert f"run short in {missed:,} fewer of {ours.cycles:,} intervals." in said
    [level] = [row for row in found.coverage if (row.group, row.asked) == ("all", 0.95)]
    over = round(1 / level.stock_ratio - 1, 2)
    assert said.endswith(
        f"the textbook leaves {abs(over):.0%} {'more' if over > 0 else 'less'} over.".replace("%", " %")
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"stock": 50.0, "stock_value": 50.0}, "held 50 % less stock than by"),
        ({"stock": 100.2, "stock_value": 100.2}, "held as much stock as by"),
        ({"short_cycles": 30}, "run short as often, in 30 of 200 intervals."),
        ({"short_cycles": 31}, "run short in 1 more of 200 intervals."),
        ({"short_cycles": 29}, "run short in 1 fewer of 200 intervals."),
    ],
)
def test_the_conclusion_puts_less_more_and_as_much_in_words(found, changed: dict[str, float], words: str) -> None:
    alike = {"stock": 100.0, "stock_value": 100.0, "cycles": 200, "short_cycles": 30}
    ours, theirs = [row for row in found.simulated if (row.demand_class, row.asked) == ("all", 0.95)]
    played = [replace(ours, **alike | changed), replace(theirs, **alike)]

    assert words in conclusion(replace(found, simulated=played), 0.95)


def test_few_moments_do_not_tell_what_the_textbook_leaves_over(found) -> None:
    assert "Where both cover" not in conclusion(replace(found, origins=199), 0.95)
