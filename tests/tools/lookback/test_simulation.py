"""Orders played through period by period."""

import numpy as np
import pytest

from tools.catalog.demand_table import DemandTable
from tools.lookback.rolling_origin import Interval
from tools.lookback.simulation import OrderTerms, Played, play


def table(demand: np.ndarray) -> DemandTable:
    return DemandTable(tuple(map(str, range(len(demand)))), demand.astype(float), "day")


def poisson(products: int = 40, periods: int = 200, mean: float = 12) -> DemandTable:
    return table(np.random.default_rng(0).poisson(mean, (products, periods)))


def ours(played: list[Played], asked: float) -> Played:
    return next(run for run in played if run.method == "calculator" and run.asked == asked)


def test_steady_demand_is_never_short_and_never_piles_up() -> None:
    run = ours(play(table(np.full((3, 60), 10.0)), Interval(4, 1), OrderTerms(), asked=(0.95,), first=20), 0.95)
    assert run.unmet.tolist() == [0, 0, 0]
    assert (run.stock < 40).all()
    assert run.demand.tolist() == [350, 350, 350]


@pytest.mark.parametrize("lead_time", [0, 5])
def test_the_asked_share_of_cycles_is_served(lead_time: int) -> None:
    played = play(poisson(), Interval(lead_time, 3), OrderTerms(), asked=(0.8, 0.95), first=40)
    for asked in (0.8, 0.95):
        run = ours(played, asked)
        assert run.served_cycles.sum() / run.cycles.sum() == pytest.approx(asked, abs=0.06)


def test_more_asked_is_more_served_with_more_stock() -> None:
    low, high = (
        ours(play(poisson(), Interval(7, 1), OrderTerms(), asked=(0.8, 0.98), first=40), q) for q in (0.8, 0.98)
    )
    assert high.unmet.sum() < low.unmet.sum()
    assert high.stock.sum() > low.stock.sum()


def test_nothing_is_made_and_nothing_vanishes() -> None:
    """What was ordered and arrived is what was sold, what lies there, and what is still owed (negative)."""
    data = poisson(5, 80)
    lost = ours(play(data, Interval(3, 1), OrderTerms(backorders=False), asked=(0.5,), first=30), 0.5)
    waits = ours(play(data, Interval(3, 1), OrderTerms(), asked=(0.5,), first=30), 0.5)
    assert (lost.unmet > 0).any()
    assert lost.demand.tolist() == waits.demand.tolist()
    assert lost.unmet.sum() < waits.unmet.sum()


def test_minimum_and_multiple_make_fewer_and_larger_orders() -> None:
    free = ours(play(poisson(), Interval(5, 1), OrderTerms(), asked=(0.95,), first=40), 0.95)
    bound = ours(
        play(
            poisson(),
            Interval(5, 1),
            OrderTerms(minimum_order_quantity=100, order_multiple=25),
            asked=(0.95,),
            first=40,
        ),
        0.95,
    )
    assert bound.orders.sum() < free.orders.sum() / 5
    assert bound.stock.sum() > free.stock.sum()


def test_late_deliveries_leave_more_unmet() -> None:
    on_time = ours(play(poisson(), Interval(5, 1), OrderTerms(), asked=(0.95,), first=40), 0.95)
    late = ours(play(poisson(), Interval(5, 1), OrderTerms(lead_time_spread=(0, 0, 6)), asked=(0.95,), first=40), 0.95)
    assert late.unmet.sum() > 2 * on_time.unmet.sum()


def test_costs_are_holding_ordering_and_what_could_not_be_served() -> None:
    run = Played("calculator", 0.9, *(np.array([x]) for x in (10.0, 9, 100, 4, 50, 6, 365.25)))
    terms = OrderTerms(holding_rate=0.2, order_cost=7, stockout_share=0.5)
    assert run.cost_per_year(np.array([3.0]), terms, 1.0)[0] == pytest.approx(50 * 3 * 0.2 + 6 * 7 + 4 * 3 * 0.5)
