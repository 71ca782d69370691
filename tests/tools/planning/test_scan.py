"""A catalogue at once: the same numbers as one product's plan, in bounded memory."""

import tracemalloc
from dataclasses import fields
from datetime import date
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.planning.demand import DEMAND_CLASSES
from tools.planning.replenishment import plan
from tools.planning.scan import BLOCK_ROWS, TASK_ROWS, PlanColumns, Terms, scan, scan_textbook
from tools.planning.scan_history import CACHED_ROWS
from tools.planning.scan_plan import METHODS
from tools.records.errors import InvalidDemand, InvalidInput
from tools.records.facts import (
    DemandHistory,
    LearnedDemand,
    Product,
    ProductFacts,
    Stock,
    Supplier,
)
from tools.records.plan import Plan

LAST = date(2026, 11, 30)
SAME = (
    "counting_unit",
    "mean_per_day",
    "mean_demand",
    "demand_sd",
    "reorder_point",
    "safety_stock",
    "inventory_position",
    "shortage",
    "order_quantity",
    "days_until_stockout",
)


def history(random: np.random.Generator) -> np.ndarray:
    """Any kind of demand, with unknown periods at the start or anywhere."""
    size = int(random.integers(3, 200))
    kind = random.integers(9)
    week = random.uniform(0, 2, 7)
    demand = [
        random.poisson(random.uniform(0.05, 40), size).astype(float),
        (random.random(size) < random.uniform(0.02, 0.6)) * np.ceil(random.lognormal(1, 1.2, size)),
        np.maximum(0, random.normal(100, random.choice([1, 10, 60]), size)),
        np.full(size, float(random.integers(0, 3))),
        random.poisson(np.linspace(random.uniform(0, 50), random.uniform(0, 50), size)).astype(float),
        np.full(size, random.uniform(1e5, 1e9)) + random.normal(0, 1, size),
        np.round(random.gamma(0.5, random.choice([0.01, 0.4, 30]), size), 3),
        random.poisson(random.uniform(0.5, 40) * np.resize(week, size)).astype(float),
        np.round(random.uniform(0.5, 40) * np.resize(week, size) * random.gamma(9, 1 / 9, size), 2),
    ][kind]
    if random.random() < 0.3:
        demand[random.random(size) < 0.2] = np.nan
    return np.concatenate([np.full(200 - size, np.nan), demand])


def long_enough(demand: np.ndarray) -> np.ndarray:
    """Those with three known periods or more."""
    return demand[np.count_nonzero(~np.isnan(demand), axis=1) >= 3]


def terms_of(random: np.random.Generator, size: int) -> Terms:
    def pick(*values: float) -> np.ndarray:
        return random.choice(np.array(values), size)

    return Terms(
        lead_time_days=pick(0, 1, 7, 7, 7, 30.5),
        lead_time_sd_days=pick(0, 0, 2.5),
        review_period_days=pick(0, 1, 7),
        period_days=pick(1, 1, 1.4, 7),
        service_level=pick(0.5, 0.9, 0.95, 0.99, 0.999),
        asked_service_level=pick(np.nan, np.nan, 0.001, 0.97),
        planned_uplift=pick(1, 1, 0.5, 1.3),
        usual_lift=pick(1, 1, 2.5),
        usual_cut=pick(0, 0.2),
        usual_spread=pick(0, 0.5),
        usual_scatter=pick(0, 0.4),
        on_hand=pick(0, 3, 50, 5000),
        on_order=pick(0, 20),
        backorders=pick(0, 0, 7),
        unit_price=pick(0.01, 9.99),
        minimum_order_quantity=pick(0, 1, 50),
        unit_size=pick(1, 1, 0.5, 0.001, 1 / 144),
        order_multiple=pick(np.nan, 1, 6, 25, 0.5),
        units_per_purchase_unit=pick(np.nan, np.nan, 12, 2.5),
        maximum_order_quantity=pick(np.nan, 40, 10_000),
        order_cost=pick(np.nan, 25),
        holding_rate=pick(np.nan, 0.2),
    )


def plan_of_row(
    demand: np.ndarray,
    terms: Terms,
    row: int,
    promotions: np.ndarray | None = None,
    learned: LearnedDemand | None = None,
) -> Plan:
    def of(name: str) -> float:
        column = np.atleast_1d(getattr(terms, name))
        return float(column[row % column.size])

    def maybe(name: str) -> float | None:
        return None if isnan(of(name)) else of(name)

    cuts = np.zeros((row + 1, demand.shape[1])) if promotions is None else promotions
    past, planned = (dict(enumerate(part.tolist())) for part in np.split(cuts[row], [demand.shape[1]]))
    lead, on_order = of("lead_time_days"), of("on_order")
    orders = ({"reference": "A", "quantity": on_order, "due_in_days": 0},) if on_order else ()
    return plan(
        ProductFacts(
            product=Product(
                id=str(row),
                name=str(row),
                unit_price=f"{of('unit_price'):.2f}",  # type: ignore[arg-type]
                minimum_order_quantity=int(of("minimum_order_quantity")),
                **{} if maybe("order_multiple") is None else {"order_multiple": of("order_multiple")},  # type: ignore[arg-type]
                unit_size=of("unit_size"),
                purchase_unit="" if maybe("units_per_purchase_unit") is None else "cases",
                units_per_purchase_unit=maybe("units_per_purchase_unit") or 1,
                maximum_order_quantity=None
                if maybe("maximum_order_quantity") is None
                else int(of("maximum_order_quantity")),
                order_cost=None if maybe("order_cost") is None else f"{of('order_cost'):.2f}",  # type: ignore[arg-type]
                holding_rate=maybe("holding_rate"),
                service_level=of("service_level"),
                review_period_days=of("review_period_days"),
            ),
            supplier=Supplier(
                id="S", name="S", promised_lead_time_days=lead, lead_time_sd_days=of("lead_time_sd_days")
            ),
            stock=Stock(
                location="here",
                on_hand=of("on_hand"),
                backorders=of("backorders"),
                open_orders=orders,  # type: ignore[arg-type]
            ),
            demand=DemandHistory(
                values=tuple(None if isnan(value) else value for value in demand[row].tolist()),
                planned_uplift=of("planned_uplift"),
                period_days=of("period_days"),
                promotion_periods=frozenset(each for each, cut in past.items() if cut),
                planned_promotion_periods=frozenset(each for each, cut in planned.items() if cut),
                price_cuts={each: cut for each, cut in past.items() if 0 < cut < 1},
                planned_price_cuts={each: cut for each, cut in planned.items() if 0 < cut < 1},
                usual_lift=of("usual_lift"),
                usual_cut=of("usual_cut"),
                usual_spread=of("usual_spread"),
                usual_scatter=of("usual_scatter"),
                last_period=LAST,
            ),
            source="input",
            learned=learned,
        ),
        asked_service_level=maybe("asked_service_level"),
    )


def expect_same(found: PlanColumns, row: int, planned: Plan) -> None:
    expected = {name: getattr(planned, name) for name in SAME}
    if planned.infeasible:
        expected["order_quantity"] = np.nan
    if planned.days_until_stockout is None:
        expected["days_until_stockout"] = np.nan
    for name, value in expected.items():
        tolerance = 1e-9 * max(1.0, planned.reorder_point) if name in ("safety_stock", "shortage") else 1e-9
        assert getattr(found, name)[row] == pytest.approx(value, rel=1e-9, abs=tolerance, nan_ok=True), name
    assert METHODS[found.method[row]] == planned.method
    assert DEMAND_CLASSES[found.demand_class[row]] == planned.demand_class
    assert found.nonzero_periods[row] == planned.nonzero_periods
    assert found.periods[row] == planned.periods - planned.masked_periods
    assert planned.textbook is not None and planned.predictive is not None
    assert found.no_demand[row] == pytest.approx(planned.predictive.components[0].no_demand, rel=1e-9, abs=1e-12)
    assert found.textbook_safety_stock[row] == pytest.approx(planned.textbook.safety_stock, rel=1e-9, abs=1e-9)
    assert found.textbook_reorder_point[row] == pytest.approx(planned.textbook.reorder_point, rel=1e-9, abs=1e-9)


@given(seed=st.integers(0, 1_000_000))
@settings(max_examples=40, deadline=None)
def test_every_row_has_the_promotions_of_its_own_plan(seed: int) -> None:
    random = np.random.default_rng(seed)
    demand = long_enough(np.stack([history(random) for _ in range(8)]))
    promotions = random.random((len(demand), 200 + int(random.integers(0, 12)))) < random.choice(
        [0.0, 0.02, 0.3], (len(demand), 1)
    )
    demand *= np.where(promotions[:, :200], random.choice([1, 3]), 1)
    if seed % 2:
        promotions = promotions * random.choice([0.1, 0.35, 1.0], promotions.shape)
    terms = terms_of(random, len(demand))
    found = scan(demand, terms, promotions=promotions, threads=1)
    for row in range(len(demand)):
        expect_same(found, row, plan_of_row(demand, terms, row, promotions))


@given(seed=st.integers(0, 1_000_000))
@settings(max_examples=40, deadline=None)
def test_every_row_has_what_the_catalogue_has_taught_its_own_plan(seed: int) -> None:
    random = np.random.default_rng(seed)
    demand = long_enough(np.stack([history(random) for _ in range(8)]))
    terms, size = terms_of(random, len(demand)), len(demand)
    mean, sd, share = random.uniform(0, 500, size), random.uniform(0, 200, size), random.choice([0.0, 0.5, 1.0], size)
    found = scan(demand, terms, learned=(mean, sd, share), threads=1)
    for row in range(len(demand)):
        interval = float(np.asarray(terms.lead_time_days)[row] + np.asarray(terms.review_period_days)[row])
        told = {"mean": mean[row], "sd": sd[row], "share": share[row], "interval_days": interval, "last_period": LAST}
        learned = LearnedDemand.model_validate(told) if interval else None
        expect_same(found, row, plan_of_row(demand, terms, row, learned=learned))


@given(seed=st.integers(0, 1_000_000))
@settings(max_examples=40, deadline=None)
def test_every_row_has_the_numbers_of_its_own_plan(seed: int) -> None:
    random = np.random.default_rng(seed)
    demand = long_enough(np.stack([history(random) for _ in range(12)]))
    terms = terms_of(random, len(demand))
    found = scan(demand, terms, threads=1)
    for row in range(len(demand)):
        expect_same(found, row, plan_of_row(demand, terms, row))


finite = st.floats(0, 1e10)


@given(
    demand=st.lists(st.lists(st.none() | finite | st.integers(0, 50).map(float), min_size=9, max_size=9), min_size=1),
    lead=st.floats(0, 400),
    review=st.floats(0, 60),
    level=st.floats(0.001, 0.999),
    on_hand=finite,
    minimum=st.integers(0, 10_000),
    multiple=st.integers(1, 500),
    cap=st.none() | st.integers(1, 20_000),
)
@settings(max_examples=60, deadline=None)
def test_finite_facts_give_finite_numbers_and_orders_that_keep_to_the_rules(
    demand: list[list[float | None]],
    lead: float,
    review: float,
    level: float,
    on_hand: float,
    minimum: int,
    multiple: int,
    cap: int | None,
) -> None:
    terms = Terms(
        lead_time_days=lead,
        review_period_days=review,
        service_level=level,
        on_hand=on_hand,
        unit_price=2.0,
        minimum_order_quantity=minimum,
        order_multiple=multiple,
        maximum_order_quantity=np.nan if cap is None else cap,
    )
    found = scan(np.array(demand, dtype=float), terms, threads=1)
    planned = found.method != METHODS.index("too_short")
    for column in fields(found):
        if column.name not in ("order_quantity", "days_until_stockout"):
            assert np.isfinite(getattr(found, column.name)[planned]).all(), column.name
    ordered = found.order_quantity[found.order_quantity > 0]
    assert (ordered >= max(1, minimum)).all()
    assert (ordered % multiple == 0).all()
    assert cap is None or (ordered <= cap).all()
    assert cap is not None or np.isfinite(found.order_quantity[planned]).all()
    np.testing.assert_array_equal(found.inventory_position, on_hand)


def test_more_service_never_means_less_stock() -> None:
    demand = np.stack([history(np.random.default_rng(seed)) for seed in range(60)])
    levels = [
        scan(demand, Terms(lead_time_days=7, review_period_days=1, service_level=service)).reorder_point
        for service in (0.2, 0.5, 0.9, 0.99, 0.999)
    ]
    assert (np.diff(np.nan_to_num(levels), axis=0) >= 0).all()


def test_single_precision_demand_in_whole_units_gives_the_same_to_the_last_digit() -> None:
    demand = np.random.default_rng(1).poisson(9, (40, 120)).astype(np.float64)
    terms = Terms(lead_time_days=7, review_period_days=1, on_hand=30)
    double, single = scan(demand, terms), scan(demand.astype(np.float32), terms)
    np.testing.assert_array_equal(double.reorder_point, single.reorder_point)
    np.testing.assert_array_equal(double.demand_sd, single.demand_sd)


@pytest.mark.parametrize("threads", [1, 3])
def test_blocks_and_threads_change_nothing(threads: int) -> None:
    random = np.random.default_rng(3)
    demand = random.poisson(3, (TASK_ROWS + 2 * BLOCK_ROWS + 17, 60)).astype(np.float32)
    lead = random.choice([2.0, 7.0, 20.0], len(demand))
    found = scan(demand, Terms(lead_time_days=lead), threads=threads)
    for row in (0, CACHED_ROWS, BLOCK_ROWS, TASK_ROWS, len(demand) - 1):
        alone = scan(demand[row : row + 1], Terms(lead_time_days=lead[row]))
        assert found.reorder_point[row] == alone.reorder_point[0]


def test_the_textbook_alone_is_the_textbook_beside_the_plan() -> None:
    random = np.random.default_rng(5)
    demand = np.stack([history(random) for _ in range(50)])
    both, alone = scan(demand, Terms(lead_time_days=9)), scan_textbook(demand, Terms(lead_time_days=9))
    np.testing.assert_allclose(both.textbook_reorder_point, alone.reorder_point, rtol=1e-9)
    np.testing.assert_allclose(both.textbook_safety_stock, alone.safety_stock, rtol=1e-9, atol=1e-9)


def test_the_textbook_spans_lead_time_and_review_period() -> None:
    """Seven periods of mean 120 and deviation √175; over 7 + 2 days 1.64485 × 13.2288 × 3 = 65.28."""
    demand = np.array([[100.0, 120, 110, 130, 125, 115, 140]])
    terms = Terms(lead_time_days=7, review_period_days=2)
    found, alone = scan(demand, terms), scan_textbook(demand, terms)
    assert (found.textbook_safety_stock[0], found.textbook_reorder_point[0]) == pytest.approx(
        (65.28, 1145.28), abs=0.01
    )
    assert (alone.safety_stock[0], alone.reorder_point[0]) == pytest.approx((65.28, 1145.28), abs=0.01)
    assert (found.safety_stock[0], found.reorder_point[0]) == pytest.approx((65.28, 1145.28), abs=0.01)


def test_a_large_mean_costs_the_standard_deviation_no_digits() -> None:
    wiggle = np.array([[0.0, 1, 2, 1, 0, 1, 2, 1]])
    small, large = (
        scan_textbook(wiggle, Terms(lead_time_days=1)),
        scan_textbook(wiggle + 2**28, Terms(lead_time_days=1)),
    )
    assert large.demand_sd[0] == pytest.approx(small.demand_sd[0], rel=1e-12)


def test_a_history_of_two_periods_has_no_numbers_and_does_not_stop_the_others() -> None:
    demand = np.array([[np.nan, np.nan, 4.0, 6.0], [5.0, 4.0, 4.0, 6.0]])
    found = scan(demand, Terms(lead_time_days=7))
    assert METHODS[found.method[0]] == "too_short"
    assert isnan(found.reorder_point[0])
    assert isnan(found.order_quantity[0])
    assert found.reorder_point[1] > 0


def test_what_runs_out_first_loses_most() -> None:
    demand = np.random.default_rng(2).poisson(10, (2, 90)).astype(float)
    found = scan(demand, Terms(lead_time_days=7, on_hand=np.array([10.0, 500.0]), unit_price=4.0))
    assert found.lost_revenue_per_day[0] > 20
    assert found.lost_revenue_per_day[1] == pytest.approx(0, abs=1e-3)


def test_an_interval_of_hardly_any_length_loses_no_more_than_the_demand() -> None:
    found = scan(np.tile([3.0, 5.0], 10)[None], Terms(lead_time_days=1e-312))
    assert found.lost_units_per_day[0] == pytest.approx(found.mean_per_day[0])


@pytest.mark.parametrize("bad", [-1.0, np.inf, 1e16])
def test_a_bad_demand_is_refused_with_its_row(bad: float) -> None:
    demand = np.ones((TASK_ROWS + 5, 10))
    demand[TASK_ROWS + 2, 4] = bad
    with pytest.raises(InvalidDemand, match=f"Row {TASK_ROWS + 2} "):
        scan(demand, Terms(lead_time_days=7))


@pytest.mark.parametrize(
    "terms",
    [
        {"lead_time_days": -1},
        {"lead_time_days": np.nan},
        {"lead_time_days": 7, "service_level": 1.0},
        {"lead_time_days": 7, "order_multiple": 0},
        {"lead_time_days": 7, "on_hand": np.inf},
    ],
)
def test_terms_that_no_plan_can_be_made_with_are_refused(terms: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match="Row 0 has"):
        scan(np.ones((3, 10)), Terms(**terms))


def test_an_empty_catalogue_is_an_empty_answer() -> None:
    assert scan(np.empty((0, 30)), Terms(lead_time_days=7)).reorder_point.size == 0


def test_what_is_kept_beside_the_input_is_a_fraction_of_it() -> None:
    demand = np.random.default_rng(6).poisson(3, (20_000, 300)).astype(np.float32)
    terms = Terms(lead_time_days=7)
    tracemalloc.start()
    scan(demand, terms, threads=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.8 * demand.nbytes
