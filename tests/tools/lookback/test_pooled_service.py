"""What a catalogue learns from all its products, and what one product makes of it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tools.catalog.demand_table import DemandTable
from tools.lookback.backtest import backtest
from tools.lookback.pooled_service import asked_service, pooled_factors, pooled_service
from tools.lookback.rolling_origin import Interval, rolling_origins
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.replenishment import plan
from tools.planning.scan import Terms, scan
from tools.records.errors import InvalidInput
from tools.records.facts import ProductFacts

TERMS = Terms(lead_time_days=5, review_period_days=1, service_level=0.9)


def orders(products: int, days: int, seed: int = 0) -> np.ndarray:
    """Small sales and, seldom, a large order, which makes levels judged by past errors cover more than asked."""
    random = np.random.default_rng(seed)
    large = (random.random((products, days)) < 0.008) * random.integers(60, 120, (products, days))
    return (random.poisson(3, (products, days)) + large).astype(np.float64)


def asked_by_class(demand: np.ndarray, asked: np.ndarray) -> dict[str, float]:
    names = np.array(DEMAND_CLASSES)[scan(demand, TERMS).demand_class]
    return {str(name): float(level) for name, level in zip(names, asked, strict=True)}


def test_a_catalogue_asks_for_what_its_backtest_offers() -> None:
    demand = orders(80, 150)
    found = pooled_service(demand, TERMS)
    table = DemandTable(tuple(map(str, range(80))), demand, "day")
    offered = backtest(table, Interval(5, 1), asked=(0.9,)).pooled
    assert found.factors == {Interval(5, 1): offered}
    assert any(factor.closer for factor in offered)
    for name, asked in asked_by_class(demand, found.asked).items():
        assert asked == asked_service(offered, name, 0.9)


def test_what_was_learned_comes_nearer_to_the_wanted_service_on_what_comes_after() -> None:
    demand = orders(300, 260)
    past, came = demand[:, :160], demand[:, 160:]
    learned = pooled_service(past, TERMS).terms(TERMS)
    actual = came[:, :96].reshape(300, 16, 6).sum(axis=2)
    achieved = [float((actual <= scan(past, terms).reorder_point[:, None]).mean()) for terms in (TERMS, learned)]
    assert abs(achieved[1] - 0.9) < abs(achieved[0] - 0.9)


def test_what_comes_later_changes_nothing_of_what_was_known() -> None:
    demand = orders(60, 150)
    later = demand.copy()
    later[:, 120:] *= 5
    known = pooled_service(demand[:, :120], TERMS)
    assert known.asked.tolist() == pooled_service(later[:, :120], TERMS).asked.tolist()
    offered = known.factors[Interval(5, 1)][0]
    origins = rolling_origins(DemandTable(tuple(map(str, range(60))), later, "day"), Interval(5, 1), step=2)
    before = origins.where(origins.moment + 6 <= 120)
    assert pooled_factors(before, 0.9)[0] == offered


def test_each_protection_interval_and_service_level_learns_for_itself() -> None:
    demand = orders(120, 150)
    lead, wanted = np.repeat([2.0, 9.0], 60), np.tile([0.9, 0.97], 60)
    found = pooled_service(demand, replace(TERMS, lead_time_days=lead, service_level=wanted))
    assert set(found.factors) == {Interval(2, 1), Interval(9, 1)}
    assert {factor.wanted for factor in found.factors[Interval(2, 1)]} == {0.9, 0.97}
    alone = pooled_service(demand[:60], replace(TERMS, lead_time_days=2.0, service_level=wanted[:60]))
    assert found.asked[:60].tolist() == alone.asked.tolist()
    assert (found.asked[wanted == 0.97] > 0.9).all()


@pytest.mark.parametrize("demand", [orders(19, 150), orders(60, 30)])
def test_few_products_or_a_short_past_ask_for_what_they_want(demand: np.ndarray) -> None:
    assert (pooled_service(demand, TERMS).asked == 0.9).all()


def test_products_that_seldom_sell_still_ask_for_something() -> None:
    random = np.random.default_rng(1)
    demand = (random.random((60, 200)) < 0.01).astype(float)
    demand[:, :3] = 1.0
    assert (pooled_service(demand, replace(TERMS, service_level=0.6)).asked >= 0.001).all()


def test_one_product_takes_the_factor_of_its_catalogue(make_facts: Callable[..., ProductFacts]) -> None:
    demand = orders(80, 150)
    found = pooled_service(demand, TERMS)
    levels = scan(demand, found.terms(TERMS)).reorder_point
    learned = np.flatnonzero((found.asked != 0.9) & (levels != scan(demand, TERMS).reorder_point))
    assert learned.size >= 5
    for row in learned[:5]:
        facts = make_facts(
            demand=tuple(demand[row]),
            supplier={"promised_lead_time_days": 5},
            review_period_days=1,
            service_level=0.9,
        )
        pooled, plain = plan(facts, asked_service_level=float(found.asked[row])), plan(facts)
        assert pooled.reorder_point == levels[row] != plain.reorder_point
        assert (pooled.service_level, pooled.textbook) == (0.9, plain.textbook)
        assert any(line.startswith("To get 90 %, similar products had to ask for ") for line in pooled.derivation)


@pytest.mark.parametrize(("asked", "service_type"), [(0.95, "fill_rate"), (0.0, "cycle"), (1.0, "cycle")])
def test_a_factor_that_says_nothing_of_the_target_is_refused(
    make_facts: Callable[..., ProductFacts], asked: float, service_type: str
) -> None:
    with pytest.raises(InvalidInput, match="asked service level"):
        plan(make_facts(service_type=service_type), asked_service_level=asked)
