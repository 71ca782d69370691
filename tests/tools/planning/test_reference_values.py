"""Numbers from textbooks and other software, each with its source, met by the function that answers for its model.

The cases are copied here so that they hold without any outside data; where the folder named by RESTOCK_DATA has the
collection they come from, every case of it is met too.
"""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.textbook.demand_families import (
    gamma_expected_shortage,
    negative_binomial_expected_shortage,
    negative_binomial_quantile,
    poisson_expected_shortage,
    poisson_quantile,
)
from tests.textbook.forecast import croston, sba
from tests.textbook.inventory_policies import (
    OrderUpToPolicy,
    ReorderPolicy,
    continuous_review_by_cost,
    continuous_review_by_fill_rate,
    continuous_review_cost,
    continuous_review_poisson,
    eoq_with_safety_stock,
    fill_rate_factor,
    lot_sizes,
    newsvendor_lognormal,
    newsvendor_normal,
    newsvendor_poisson,
    periodic_review_cost_poisson,
    power_approximation,
)
from tests.textbook.order_quantities import (
    economic_production_quantity,
    eoq_cost,
    eoq_incremental_discount,
    eoq_with_backorders,
    minimum_maximum_quantity,
    reorder_level_quantity,
)
from tools.planning.demand import mean_of, standard_deviation
from tools.planning.demand_distribution import Component, IntervalDemand, z_value
from tools.planning.order_quantity import eoq_all_units_discount, whole_units
from tools.planning.service import interval_sd, reorder_point, safety_stock

Inputs = dict[str, Any]
Answers = dict[str, float]

WEEKS_A_YEAR = 52
NOT_OFFERED: dict[str, str] = {}
"""Models of the collection that the product does not answer for, and why. There are none."""


def textbook(inputs: Inputs) -> Answers:
    """Normal demand, with or without a review period and a spread of the lead time."""
    mean, sd, lead_time = _lead_time_demand(inputs)
    interval = lead_time + inputs.get("review_period", 0)
    lead_time_sd = inputs.get("lead_time_std", 0)
    stock = safety_stock(
        service_level=inputs["service_level"], demand_sd=sd, interval=interval, mean=mean, lead_time_sd=lead_time_sd
    )
    level = reorder_point(mean=mean, interval=interval, safety_stock=stock)
    total = interval_sd(demand_sd=sd, interval=interval, mean=mean, lead_time_sd=lead_time_sd)
    answers = {"sigma_L": total, "safety_stock": stock, "rop": level, "order_up_to": level}
    if "order_quantity" in inputs:
        demand = IntervalDemand("normal", (Component(1.0, mean * interval, total**2),))
        answers["fill_rate"] = 1 - demand.expected_shortage(level) / inputs["order_quantity"]
    return answers


def _lead_time_demand(inputs: Inputs) -> tuple[float, float, float]:
    if "annual_mean" in inputs:
        return (
            inputs["annual_mean"] / WEEKS_A_YEAR,
            inputs["annual_std"] / math.sqrt(WEEKS_A_YEAR),
            inputs["lead_time_weeks"],
        )
    return inputs["mean"], inputs["std"], inputs["lead_time"]


def from_lead_time_demand(inputs: Inputs) -> Answers:
    stock = safety_stock(service_level=inputs["service_level"], demand_sd=inputs["ltd_std"], interval=1)
    return {"": reorder_point(mean=inputs["ltd_mean"], interval=1, safety_stock=stock)}


def by_fill_rate(inputs: Inputs) -> Answers:
    mean, sd = inputs.get("ltd_mean"), inputs.get("ltd_std")
    if mean is None or sd is None:
        rate, deviation, lead_time = _lead_time_demand(inputs)
        mean, sd = rate * lead_time, interval_sd(demand_sd=deviation, interval=lead_time)
    k = fill_rate_factor(fill_rate=inputs["fill_rate"], order_quantity=inputs["order_quantity"], interval_sd=sd)
    return {"k": k, "rop": mean + k * sd}


def of_the_safety_stock_module(inputs: Inputs) -> Answers:
    demand = np.array(inputs["daily_demand"], dtype=float)
    mean = mean_of(demand)
    sd = standard_deviation(demand, mean)
    stock = safety_stock(service_level=inputs["service_level"], demand_sd=sd, interval=inputs["lead_time"])
    level = whole_units(reorder_point(mean=mean, interval=inputs["lead_time"], safety_stock=stock))
    return {"mean": mean, "std": sd, "safety_stock": stock, "min_qty": level}


def _annual(inputs: Inputs) -> dict[str, float]:
    return {
        "mean": inputs["annual_mean"] * inputs["lead_time_years"],
        "sd": inputs["annual_std"] * math.sqrt(inputs["lead_time_years"]),
        "annual_demand": inputs["annual_mean"],
        "order_cost": inputs["order_cost"],
        "holding_cost": inputs["holding"],
        "shortage_cost": inputs["stockout"],
    }


def _policy(policy: ReorderPolicy | OrderUpToPolicy) -> Answers:
    if isinstance(policy, OrderUpToPolicy):
        return {"rop": policy.reorder_point, "order_up_to": policy.order_up_to_level}
    return {"rop": policy.reorder_point, "order_quantity": policy.order_quantity}


def _continuous_review(inputs: Inputs) -> dict[str, float]:
    names = ("annual_demand", "order_cost", "holding_cost")
    return {"mean": inputs["ltd_mean"], "sd": inputs["ltd_std"], **{name: inputs[name] for name in names}}


def poisson_policy(inputs: Inputs) -> Answers:
    policy, cost = continuous_review_poisson(
        mean=inputs["mean"] * inputs["lead_time"],
        demand_rate=inputs["mean"],
        order_cost=inputs["order_cost"],
        holding_cost=inputs["holding"],
        shortage_cost=inputs["stockout"],
    )
    return {**_policy(policy), "cost": cost}


def _single_period(inputs: Inputs) -> dict[str, float]:
    return {"holding_cost": inputs["overage"], "shortage_cost": inputs["underage"]}


def newsvendor(inputs: Inputs) -> Answers:
    if "std" in inputs:
        best = newsvendor_normal(**_single_period(inputs), mean=inputs["mean"], sd=inputs["std"])
    else:
        best = newsvendor_poisson(**_single_period(inputs), mean=inputs["mean"])
    return {"base_stock": best.level, "cost": best.cost}


def discounted(formula: Callable[..., Any]) -> Callable[[Inputs], Answers]:
    return lambda inputs: vars_of(formula(**inputs))


def vars_of(result: Any) -> Answers:
    return {name: getattr(result, name) for name in result.__slots__} | {
        "order_quantity": result.order_quantity,
        "cost": result.cost,
    }


def shortage_and_excess(shortage: float, inputs: Inputs) -> Answers:
    return {"shortage": shortage, "excess": inputs["x"] - inputs["mean"] + shortage}


def negative_binomial_loss(inputs: Inputs) -> Answers:
    shortage = negative_binomial_expected_shortage(level=inputs["x"], mean=inputs["mean"], variance=inputs["std"] ** 2)
    return shortage_and_excess(float(shortage), inputs)


def gamma_loss(inputs: Inputs) -> Answers:
    mean = inputs["shape"] * inputs["scale"]
    return {"": float(gamma_expected_shortage(level=inputs["x"], mean=mean, variance=mean * inputs["scale"]))}


def base_stock_cost(inputs: Inputs) -> Answers:
    policy = OrderUpToPolicy(inputs["rop"], inputs["order_up_to"])
    return {
        "": periodic_review_cost_poisson(
            policy,
            mean=inputs["mean"],
            order_cost=inputs["order_cost"],
            holding_cost=inputs["holding"],
            shortage_cost=inputs["backorder"],
        )
    }


MODELS: dict[str, Callable[[Inputs], Answers]] = {
    "normal_quantile": lambda i: {"": z_value(i["cycle_service_level"])},
    "rop_normal": textbook,
    "rop_normal_lead_time_variance": textbook,
    "order_up_to_normal_periodic": textbook,
    "rop_from_LTD_normal": from_lead_time_demand,
    "rop_fill_rate_normal": by_fill_rate,
    "safety_stock_odoo_csl": of_the_safety_stock_module,
    "qr_fill_rate_normal": lambda i: _policy(
        continuous_review_by_fill_rate(**_continuous_review(i), fill_rate=i["fill_rate"])
    ),
    "qr_cost_normal": lambda i: _policy(
        continuous_review_by_cost(**_continuous_review(i), stockout_cost=i["stockout_cost"])
    ),
    "rq_cost_normal": lambda i: {
        "": continuous_review_cost(ReorderPolicy(i["rop"], i["order_quantity"]), **_annual(i))
    },
    "rq_eoq_plus_ss": lambda i: _policy(eoq_with_safety_stock(**_annual(i))),
    "rq_poisson_exact": poisson_policy,
    "sS_poisson_cost": base_stock_cost,
    "sS_power_approximation": lambda i: _policy(
        power_approximation(
            mean=i["mean"],
            sd=i["std"],
            order_cost=i["order_cost"],
            holding_cost=i["holding"],
            shortage_cost=i["stockout"],
        )
    ),
    "eoq": discounted(eoq_cost),
    "eoq_backorders": lambda i: vars_of(
        eoq_with_backorders(
            order_cost=i["order_cost"],
            holding_cost=i["holding_cost"],
            shortage_cost=i["stockout_cost"],
            annual_demand=i["annual_demand"],
        )
    ),
    "epq": discounted(economic_production_quantity),
    "eoq_all_units_discount": discounted(eoq_all_units_discount),
    "eoq_incremental_discount": discounted(eoq_incremental_discount),
    "newsvendor_normal": newsvendor,
    "newsvendor_poisson": newsvendor,
    "newsvendor_continuous": lambda i: {
        "": newsvendor_lognormal(**_single_period(i), mu=i["lognormal_mu"], sigma=i["lognormal_sigma"])
    },
    "poisson_loss": lambda i: shortage_and_excess(float(poisson_expected_shortage(level=i["x"], mean=i["mean"])), i),
    "negbin_loss": negative_binomial_loss,
    "gamma_loss": gamma_loss,
    "wagner_whitin": lambda i: {
        "": lot_sizes(demand=i["demand"], order_cost=i["order_cost"], holding_cost=i["holding"])[0]
    },
    "rop_poisson": lambda i: {
        "": float(poisson_quantile(probability=i["service_level"], mean=i["mean"] * i["lead_time"]))
    },
    "rop_negbin": lambda i: {
        "": float(negative_binomial_quantile(probability=i["service_level"], mean=i["ltd_mean"], variance=i["ltd_var"]))
    },
    "croston": lambda i: {"": croston(np.array(i["demand"], dtype=float), smoothing=i["alpha"])},
    "sba": lambda i: {"": sba(np.array(i["demand"], dtype=float), smoothing=i["alpha"])},
    "order_qty_minmax_multiple": lambda i: {
        "": minimum_maximum_quantity(forecast=i["forecast"], minimum=i["min"], maximum=i["max"], multiple=i["multiple"])
    },
    "order_qty_reorder_level": lambda i: {
        "": reorder_level_quantity(
            position=i["projected"], reorder_level=i["reorder_level"], reorder_quantity=i["reorder_qty"]
        )
    },
}


def check(case: dict[str, Any]) -> None:
    answers = MODELS[case["model"]](case["inputs"])
    expected, tolerance = case["expected"], case["tolerance"]
    if not isinstance(expected, dict):
        # One number without a name: the model's only answer, or its main one.
        expected = {next((name for name in ("", "rop", "order_quantity") if name in answers), ""): expected}
    for name, value in expected.items():
        allowed = tolerance[name] if isinstance(tolerance, dict) else tolerance
        assert answers[name] == pytest.approx(value, abs=max(allowed, 1e-12 * abs(value)), rel=0), (case["id"], name)


CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("reference_values.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_published_value_is_met(case: dict[str, Any]) -> None:
    check(case)


def test_every_case_names_its_source_and_every_model_has_a_case() -> None:
    assert all(case["source"] for case in CASES)
    assert {case["model"] for case in CASES} == set(MODELS)


def test_every_case_of_the_outside_collection_is_met_or_listed_as_not_offered() -> None:
    folder = os.environ.get("RESTOCK_DATA")
    if not folder:
        pytest.skip("RESTOCK_DATA does not name a folder with cases/reference_values.json")
    collection = json.loads(Path(folder, "cases", "reference_values.json").read_text(encoding="utf-8"))
    for case in collection:
        if case["model"] not in NOT_OFFERED:
            check(case)
    assert {case["model"] for case in collection} <= set(MODELS) | set(NOT_OFFERED)
