"""What one plan costs: `python -m benchmarks.calculator`.

CPU time of the calculator for one product with 365 days of history, beside the same question answered the plain way
with pandas and scipy.stats (expanding and exponentially weighted means, rolling errors, `norm.ppf`, `lognorm.ppf`, and
nothing else of a plan), and beside one `numpy.cumsum` over the history. Take the ratios: they compare on any machine.
"""

import time
from collections.abc import Callable
from decimal import Decimal
from unittest import mock

import numpy as np
import pandas as pd
from scipy import stats

from tools.planning import replenishment
from tools.planning.confidence import assess
from tools.planning.replenishment import plan
from tools.records.facts import (
    DemandHistory,
    Product,
    ProductFacts,
    Stock,
    Supplier,
)
from tools.records.plan import Plan

PERIODS = 365
LEAD_TIME, REVIEW_PERIOD = 7, 1
SERVICE_LEVEL = 0.95
CALLS, REPEATS = 3, 500
SLOW = ("naive pandas and scipy.stats", "plan, profit and lost sales")
"""Called once a round."""


def main() -> None:
    random = np.random.default_rng(0)
    steady = random.poisson(12, PERIODS).astype(float)
    lumpy = (random.random(PERIODS) < 0.2) * random.integers(1, 40, PERIODS).astype(float)
    receipts = tuple(random.integers(5, 15, 24).astype(float))
    scan = microseconds(lambda: np.cumsum(steady))
    plain = microseconds(lambda: naive(steady), calls=1)
    print(f"{'':44} {'µs':>7} {'naive':>8} {'cumsum':>7}")
    rows: dict[str, Callable[[], object]] = {
        "numpy.cumsum of the history": lambda: np.cumsum(steady),
        "naive pandas and scipy.stats": lambda: naive(steady),
        "plan, steady demand": planned(facts(steady)),
        "plan, lumpy demand": planned(facts(lumpy)),
        "plan, 24 receipts replayed": planned(facts(steady, receipts)),
        "plan, fill rate": planned(facts(steady, service_type="fill_rate", minimum_order_quantity=200)),
        "plan, profit and lost sales": planned(
            facts(steady, service_type="profit", unit_profit=Decimal(4), holding_cost=Decimal(50))
        ),
        "plan, 7 periods (textbook)": planned(facts(steady[:7])),
        "assess": assessed(plan(facts(steady))),
        "assess, 24 receipts replayed": assessed(plan(facts(steady, receipts))),
    }
    times = {name: microseconds(call, calls=1 if name in SLOW else CALLS) for name, call in rows.items()}
    times["plan, steady demand, without its words"] = numbers_only(facts(steady))
    for name, spent in times.items():
        print(f"{name:44} {spent:7.1f} {plain / spent:7.2f}× {spent / scan:7.0f}")


def facts(demand: np.ndarray, receipts: tuple[float, ...] = (), **product: object) -> ProductFacts:
    fields = {"id": "X1", "name": "X1", "unit_price": Decimal(5), "service_level": SERVICE_LEVEL} | product
    return ProductFacts(
        product=Product.model_validate(fields | {"review_period_days": REVIEW_PERIOD}),
        supplier=Supplier(id="S1", name="S1", promised_lead_time_days=LEAD_TIME, observed_lead_times_days=receipts),
        stock=Stock(location="HQ", on_hand=20),
        demand=DemandHistory(values=tuple(demand.tolist())),
        source="input",
    )


def planned(given: ProductFacts) -> Callable[[], Plan]:
    return lambda: plan(given)


def numbers_only(given: ProductFacts) -> float:
    """Microseconds of all but the derivation and the notices."""
    with mock.patch.multiple(replenishment, derive=lambda *_: (), gather=lambda _: ()):
        return microseconds(planned(given))


def assessed(result: Plan) -> Callable[[], object]:
    return lambda: assess(result, result.order_quantity)


def naive(demand: np.ndarray) -> tuple[float, float]:
    """The textbook's reorder point and one judged by past errors, in the words that come first to mind."""
    history = pd.Series(demand)
    interval = LEAD_TIME + REVIEW_PERIOD
    forecast = 0.5 * history.expanding().mean() + 0.5 * history.ewm(alpha=0.05).mean()
    came = history.rolling(interval).sum().shift(-interval)
    error = (came - interval * forecast).dropna()
    mean = interval * float(forecast.iloc[-1])
    variance = max(float((error**2).mean()), mean) * (1 + interval / len(history))
    sigma = np.sqrt(np.log1p(variance / mean**2))
    judged = stats.lognorm.ppf(SERVICE_LEVEL, sigma, scale=mean * np.exp(-(sigma**2) / 2))
    textbook = history.mean() * interval + stats.norm.ppf(SERVICE_LEVEL) * history.std() * np.sqrt(interval)
    return float(np.ceil(judged)), float(textbook)


def microseconds(call: Callable[[], object], *, calls: int = CALLS) -> float:
    """CPU time of one call, the best of several rounds: what others do on the machine only ever adds to it."""
    call()
    return min(_round(call, calls) for _ in range(REPEATS)) / calls * 1e6


def _round(call: Callable[[], object], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        call()
    return time.process_time() - started


if __name__ == "__main__":
    main()
