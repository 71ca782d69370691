"""Cost policies, held against stockpyl and against each other."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from tests.textbook.inventory_policies import (
    OrderUpToPolicy,
    ReorderPolicy,
    continuous_review_by_cost,
    continuous_review_cost,
    continuous_review_poisson,
    inverse_normal_loss,
    lot_sizes,
    newsvendor_normal,
    newsvendor_poisson,
    periodic_review_cost_poisson,
)
from tools.planning.demand_distribution import standard_normal_loss
from tools.records.errors import InvalidInput


@pytest.fixture(scope="module")
def stockpyl() -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stockpyl import newsvendor, rq, ss, wagner_whitin

        return SimpleNamespace(newsvendor=newsvendor, rq=rq, ss=ss, wagner_whitin=wagner_whitin)


def test_the_newsvendor_equals_stockpyls(stockpyl: SimpleNamespace) -> None:
    ours = newsvendor_normal(shortage_cost=4, holding_cost=0.3, mean=120, sd=31)
    assert (ours.level, ours.cost) == pytest.approx(stockpyl.newsvendor.newsvendor_normal(0.3, 4, 120, 31), rel=1e-9)
    slow = newsvendor_poisson(shortage_cost=4, holding_cost=0.3, mean=7.5)
    assert (slow.level, slow.cost) == pytest.approx(stockpyl.newsvendor.newsvendor_poisson(0.3, 4, 7.5), rel=1e-9)


def test_the_cost_of_continuous_review_equals_stockpyls(stockpyl: SimpleNamespace) -> None:
    ours = continuous_review_cost(
        ReorderPolicy(70, 90),
        mean=1000 / 10,
        sd=200 / 10**0.5,
        annual_demand=1000,
        order_cost=12,
        holding_cost=0.4,
        shortage_cost=6,
    )
    assert ours == pytest.approx(stockpyl.rq.r_q_cost(70, 90, 0.4, 6, 12, 1000, 200, 0.1), rel=1e-8)


@pytest.mark.parametrize("rate", [0.2, 1.5, 9.0])
def test_the_best_poisson_policy_equals_stockpyls(rate: float, stockpyl: SimpleNamespace) -> None:
    policy, cost = continuous_review_poisson(
        mean=rate * 2, demand_rate=rate, order_cost=35, holding_cost=3, shortage_cost=40
    )
    theirs = stockpyl.rq.r_q_poisson_exact(3, 40, 35, rate, 2)
    assert (policy.reorder_point, policy.order_quantity, cost) == pytest.approx(theirs, rel=1e-9)


def test_the_cost_of_periodic_review_equals_stockpyls(stockpyl: SimpleNamespace) -> None:
    ours = periodic_review_cost_poisson(OrderUpToPolicy(4, 18), mean=6, order_cost=30, holding_cost=1, shortage_cost=12)
    assert ours == pytest.approx(stockpyl.ss.s_s_cost_discrete(4, 18, 1, 12, 30, True, 6), rel=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_lot_sizes_cost_what_stockpyls_do_and_meet_all_demand(seed: int, stockpyl: SimpleNamespace) -> None:
    demand = np.random.default_rng(seed).integers(0, 90, 9).tolist()
    cost, orders = lot_sizes(demand=demand, order_cost=120, holding_cost=1.5)
    assert cost == pytest.approx(stockpyl.wagner_whitin.wagner_whitin(9, 1.5, 120, demand)[1])
    assert sum(orders) == sum(demand)
    assert (np.cumsum(orders) >= np.cumsum(demand)).all()


@pytest.mark.parametrize("loss", [1e-12, 0.01, 0.3989, 2.0, 500.0])
def test_the_loss_function_is_inverted(loss: float) -> None:
    assert float(standard_normal_loss(inverse_normal_loss(loss))) == pytest.approx(loss, rel=1e-6)


def test_shortages_too_cheap_to_hold_stock_for_are_refused() -> None:
    with pytest.raises(InvalidInput, match="order on demand"):
        continuous_review_by_cost(mean=100, sd=25, annual_demand=200, order_cost=50, holding_cost=2, stockout_cost=0.5)
