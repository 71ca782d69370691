"""Confidence that held in the past."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tools.catalog.demand_table import DemandTable
from tools.lookback.calibration import (
    FEWEST_OUTCOMES,
    FEWEST_RECORDED,
    Outcomes,
    calibrated,
    fit_curve,
    fit_table,
    fitted_on_origins,
    judge,
    judge_proposals,
    moved_by_outcomes,
)
from tools.lookback.reliability import calibration_error
from tools.lookback.rolling_origin import Interval, rolling_origins
from tools.planning.confidence import assess, raw_probability, read_table, shipped_table, stratum
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.replenishment import plan
from tools.records.errors import InvalidInput
from tools.records.facts import (
    DemandHistory,
    Product,
    ProductFacts,
    Stock,
    Supplier,
)
from tools.records.orders import OrderOutcome
from tools.records.plan import Plan

WEEK = Interval(lead_time=6, review_period=1)


def outcomes(raw: np.ndarray, true: np.ndarray, seed: int = 0) -> Outcomes:
    happened = (np.random.default_rng(seed).random(raw.size) < true).astype(float)
    return Outcomes(raw, happened, np.full(raw.size, "long history, lumpy"), np.arange(raw.size), 1.0)


def table(products: int = 80, periods: int = 140) -> DemandTable:
    random = np.random.default_rng(3)
    level = random.uniform(0.3, 20, (products, 1))
    demand = (random.random((products, periods)) < 0.4) * random.negative_binomial(
        1, 1 / (1 + level), (products, periods)
    )
    return DemandTable(tuple(map(str, range(products))), demand.astype(float), "day")


def test_an_overconfident_probability_is_brought_down_to_what_happened() -> None:
    raw = np.random.default_rng(1).uniform(0, 1, 40_000)
    fitted = fit_table(outcomes(raw, raw**2), origin="made up")
    assert (
        calibration_error(calibrated(fitted, outcomes(raw, raw**2, seed=2)), outcomes(raw, raw**2, seed=2).acceptable)
        < 0.02
    )
    assert fitted.curves["long history, lumpy"].at(0.5) == pytest.approx(0.25, abs=0.03)


def test_a_curve_never_falls() -> None:
    raw = np.random.default_rng(1).uniform(0, 1, 2_000)
    curve = fit_curve(outcomes(raw, 1 - raw))
    assert (np.diff(curve.acceptable) >= 0).all()
    assert (np.diff(curve.raw) > 0).all()


def test_few_outcomes_are_drawn_towards_the_probability_itself() -> None:
    raw = np.full(100, 0.8)
    never = Outcomes(raw, np.zeros(100), np.full(100, "x"), np.arange(100), 1.0)
    overlapping = Outcomes(raw, np.zeros(100), np.full(100, "x"), np.arange(100), 50.0)
    assert fit_curve(never).at(0.8) < fit_curve(overlapping).at(0.8) < 0.8


def test_too_few_outcomes_to_fit_are_refused() -> None:
    raw = np.full(FEWEST_OUTCOMES - 1, 0.5)
    with pytest.raises(InvalidInput, match="too few to calibrate"):
        fit_table(outcomes(raw, raw), origin="nothing")


def test_a_rare_stratum_shares_the_curve_of_its_history_length() -> None:
    raw = np.random.default_rng(1).uniform(0, 1, 5_000)
    fitted = fit_table(outcomes(raw, raw), origin="made up")
    assert fitted.curves["long history, smooth"] == fitted.curves["long history, erratic"]


def test_the_calibration_error_is_the_distance_of_each_tenth_weighted_by_its_size() -> None:
    confidence = np.array([0.05] * 50 + [0.95] * 50)
    acceptable = np.array([0.0] * 50 + [1.0] * 40 + [0.0] * 10)
    assert calibration_error(confidence, acceptable) == pytest.approx(0.5 * 0.05 + 0.5 * 0.15)


def planned(demand: np.ndarray) -> Plan:
    return plan(
        ProductFacts(
            product=Product(id="A", name="A", review_period_days=1),
            supplier=Supplier(id="S", name="S", promised_lead_time_days=6),
            stock=Stock(location="here", on_hand=0),
            demand=DemandHistory(values=tuple(demand.tolist())),
            source="input",
        )
    )


def test_past_proposals_are_judged_as_the_gate_judges_a_plan() -> None:
    data = table()
    origins = rolling_origins(data, WEEK, step=20)
    needed = origins.levels(0.95)
    levels, permitted = np.ceil(1.9 * needed), origins.permitted_leftover(needed)
    found = judge(origins, levels, needed=needed)
    for index in range(0, len(origins), 29):
        order = planned(data.demand[origins.product[index], : origins.moment[index]])
        assert permitted[index] == pytest.approx(order.permitted_leftover, rel=1e-9)
        assert found.raw[index] == pytest.approx(raw_probability(order, int(levels[index])), abs=1e-9)
        assert found.stratum[index] == stratum(order)


def test_what_was_acceptable_neither_ran_out_nor_was_left_over() -> None:
    origins = rolling_origins(table(), WEEK, step=20)
    needed = origins.levels(0.95)
    most = origins.actual + origins.permitted_leftover(needed)

    def acceptable(levels: np.ndarray) -> np.ndarray:
        return judge(origins, levels, needed=needed).acceptable

    assert acceptable(origins.actual).all() and acceptable(most).all()
    assert not acceptable(most + 1).any() and not acceptable(origins.actual - 1).any()


def test_the_plans_own_order_is_surer_the_more_service_is_asked() -> None:
    origins = rolling_origins(table(), WEEK, step=5)
    levels = [origins.levels(asked) for asked in (0.9, 0.95, 0.98)]
    stated = [judge(origins, level, needed=level).raw.mean() for level in levels]
    assert stated == sorted(stated)
    assert stated == pytest.approx([0.9, 0.95, 0.98], abs=0.025)


def test_ten_times_the_quantity_scores_next_to_nothing() -> None:
    origins = rolling_origins(table(), WEEK, step=5)
    fitted = fit_table(judge_proposals(origins), origin="made up")
    needed = np.maximum(1, origins.levels(0.95))
    scores = calibrated(fitted, judge(origins, 10 * needed, needed=needed))
    assert np.quantile(scores, 0.99) <= 0.1


def test_the_shipped_table_says_where_it_comes_from_and_covers_every_stratum() -> None:
    shipped = shipped_table()
    assert shipped is not None
    assert "CC BY 4.0" in shipped.origin
    wanted = {f"{history} history, {name}" for history in ("short", "long") for name in DEMAND_CLASSES[1:]}
    assert set(shipped.curves) == wanted
    for curve in shipped.curves.values():
        assert (np.diff(curve.acceptable) >= 0).all()


def test_the_gate_uses_the_shipped_table() -> None:
    order = planned(np.random.default_rng(5).poisson(4, 60).astype(float))
    found = assess(order, order.order_quantity)
    assert found.calibrated
    assert found.label.startswith("calibrated (long history")


def recorded(share: float, count: int, *, stratum: str = "long history, lumpy") -> list[OrderOutcome]:
    """Outcomes of orders with a raw confidence of .7 to .9."""
    return [
        OrderOutcome(
            order_number=f"PO-{index}",
            ran_out=index >= share * count,
            left_over=0,
            acceptable=index < share * count,
            confidence=0.8,
            raw=0.7 + 0.2 * (index * 0.618 % 1),
            stratum=stratum,
            route="automatic",
            recorded_by="erp",
            recorded_at=datetime(2026, 5, 1, tzinfo=UTC),
        )
        for index in range(count)
    ]


def test_outcomes_of_real_orders_draw_a_curve_to_what_happened_and_keep_it_rising() -> None:
    before = fit_table(outcomes(np.linspace(0, 1, 3_000), np.linspace(0, 1, 3_000)), origin="made up")
    after = moved_by_outcomes(before, recorded(0.5, 1_000))
    assert before.curves["long history, lumpy"].at(0.8) == pytest.approx(0.8, abs=0.05)
    assert after.curves["long history, lumpy"].at(0.8) == pytest.approx(0.53, abs=0.06)
    assert (np.diff(after.curves["long history, lumpy"].acceptable) >= 0).all()
    assert after.curves["long history, smooth"] == before.curves["long history, smooth"]
    assert after.recorded_outcomes == 1_000


def test_a_handful_of_outcomes_moves_nothing() -> None:
    before = fit_table(outcomes(np.linspace(0, 1, 3_000), np.linspace(0, 1, 3_000)), origin="made up")
    assert moved_by_outcomes(before, recorded(0.0, FEWEST_RECORDED - 1)) == before


def test_the_reliability_that_is_stated_was_measured_on_later_origins_than_the_trial_table_saw() -> None:
    origins = rolling_origins(table(), WEEK, step=2)
    bins = fitted_on_origins(origins, origins, origin="made up").reliability
    cut = float(np.quantile(origins.moment, 0.6))
    later = 2 * int((origins.moment[judge_proposals(origins).origin] > cut).sum())
    assert sum(each.count for each in bins if each.stratum == "all") == later
    assert sum(each.count for each in bins if each.stratum != "all") == later
    assert all(each.low <= each.observed <= each.high for each in bins)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "origin: Field required"),
        ("not json", "Invalid JSON"),
        ('{"origin": "x", "curves": {"a": {"raw": [0.5, 0.1], "acceptable": [0.1, 0.5]}}}', "may fall"),
        ('{"origin": "x", "curves": {"a": {"raw": [0.1], "acceptable": [0.1, 0.5]}}}', "as many points"),
        ('{"origin": "x", "curves": {"a": {"raw": [0.1], "acceptable": [NaN]}}}', "finite number"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_what_is_wrong(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "table.json"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=why):
        read_table(file)
