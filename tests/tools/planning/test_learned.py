"""What the catalogue has taught is averaged with the product's own forecast, and said."""

import subprocess
import sys
from datetime import date, timedelta

import numpy as np
import pytest

from tools.planning.replenishment import plan
from tools.records.facts import DemandHistory, LearnedDemand, Product, ProductFacts, Stock, Supplier, WhatIf
from tools.records.plan import Plan

LAST = date(2026, 11, 29)
DEMAND = np.random.default_rng(1).poisson(30, 90).astype(float)


def planned(learned: LearnedDemand | None, what_if: WhatIf | None = None, **history: object) -> Plan:
    facts = ProductFacts(
        product=Product(id="X", name="X", review_period_days=1),
        supplier=Supplier(id="S", name="S", promised_lead_time_days=1),
        stock=Stock(location="here", on_hand=0),
        demand=DemandHistory.model_validate({"values": DEMAND.tolist(), "last_period": LAST} | history),
        source="database",
        learned=learned,
    )
    return plan(facts) if what_if is None else plan(facts, what_if=what_if)


def taught(**changes: object) -> LearnedDemand:
    given = {"mean": 100, "sd": 20, "share": 0.5, "interval_days": 2, "last_period": LAST}
    return LearnedDemand.model_validate(given | changes)


def test_mean_and_deviation_are_averaged_by_the_share() -> None:
    own, both = planned(None), planned(taught(share=0.25))
    assert both.mean_demand == pytest.approx(0.75 * own.mean_demand + 0.25 * 100)
    assert both.demand_sd == pytest.approx(0.75 * own.demand_sd + 0.25 * 20)


def test_the_whole_share_is_what_was_learned_and_none_is_the_own_forecast() -> None:
    whole = planned(taught(share=1))
    assert (whole.mean_demand, whole.demand_sd) == (pytest.approx(100), pytest.approx(20))
    none = planned(taught(share=0))
    assert none.reorder_point == planned(None).reorder_point


def test_the_derivation_says_what_came_from_where() -> None:
    lines = planned(taught()).derivation
    (mean,) = [line for line in lines if line.startswith("With what the catalogue has taught up to 2026-11-29")]
    assert "0.5 × own" in mean and "0.5 × catalogue 50 =" in mean
    (spread,) = [line for line in lines if line.startswith("With the catalogue's")]
    assert "0.5 × catalogue 20 =" in spread


def test_an_uplift_multiplies_both() -> None:
    plain, raised = planned(taught()), planned(taught(), planned_uplift=2)
    assert raised.mean_demand == pytest.approx(2 * plain.mean_demand)


@pytest.mark.parametrize(
    ("learned", "reason"),
    [
        (taught(last_period=LAST - timedelta(8)), "demand of 8 more days is known, and it holds for 7"),
        (taught(last_period=LAST + timedelta(1)), "demand of -1 more days is known"),
        (taught(interval_days=9), "it is for 9 days, and 2 are planned for"),
        (taught(planned_promotion_periods={0}), "other promotions are planned now"),
    ],
)
def test_what_does_not_fit_is_not_used_and_the_answer_says_so(learned: LearnedDemand, reason: str) -> None:
    own, found = planned(None), planned(learned)
    assert found.reorder_point == own.reorder_point
    (notice,) = [each for each in found.notices if each.code == "learned_not_used"]
    assert reason in notice.message and not notice.blocks_automatic


def test_it_holds_for_a_week_of_further_demand_and_for_a_promotion_that_moves_nearer() -> None:
    learned = taught(last_period=LAST - timedelta(2), planned_promotion_periods={3})
    found = planned(learned, planned_promotion_periods={1})
    assert not [each for each in found.notices if each.code == "learned_not_used"]
    found = planned(learned, planned_promotion_periods={1}, planned_price_cuts={1: 0.25})
    assert [each for each in found.notices if each.code == "learned_not_used"]


def test_another_lead_time_asks_for_another_interval() -> None:
    found = planned(taught(), WhatIf(lead_time_days=9))
    assert "learned_not_used" in {each.code for each in found.notices}


def test_no_plan_imports_lightgbm() -> None:
    code = "import sys, tools.planning.replenishment, tools.planning.scan, tools.sweep.source, tools.catalog.own;"
    code += "import tools.lookback.learning; sys.exit('lightgbm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
