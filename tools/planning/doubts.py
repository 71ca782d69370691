"""Slips: facts that hang on the newest figures, or lie far outside the product's own past. A person looks at them.

Each fact is held against the product's history, receipts and earlier orders, or, where it has none, against bounds that
ordinary products keep. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Self

import numpy as np

from tools.planning.confidence import TYPING_ERROR
from tools.planning.demand import FEWEST_PERIODS, INTERMITTENT_INTERVAL
from tools.planning.demand_distribution import FloatArray
from tools.planning.interval_forecast import FEWEST_FOR_SPREAD, MOST_REPLAYED
from tools.planning.order_quantity import price_tiers
from tools.planning.service import DAYS_A_YEAR
from tools.planning.summary import lasting
from tools.planning.summary import units as about
from tools.planning.working import Working, work_out
from tools.records.errors import InvalidDemand
from tools.records.orders import Order
from tools.records.plan import Notice, Plan
from tools.records.text import amount

SEVERAL = 4
"""Times its own past. Large customers, promotions and late suppliers rarely exceed it; a slip of a digit is ten."""
BEYOND = 1.5
"""Times the most that ever came, in a product that sells nearly every period."""
HANGS = 0.5
"""Share of the level that other figures must bear."""
LEAST_UPLIFT = 0.5
"""No promotion halves demand; 0.3 is what some write for 30 % more."""
WEEK_DAYS = 7.0
LONGEST_LEAD_TIME_DAYS = 180.0
"""Without receipts: making and shipping overseas together rarely take half a year."""
LONGEST_REVIEW_DAYS = 180.0
"""Stock that is looked at less than twice a year is hardly planned by forecasts."""
LONGEST_UNSEEN_DAYS = 90.0
"""An interval longer than the history is planned up to a quarter ahead, since new products need it."""
FEWEST_EARLIER_ORDERS = 3
"""That tell how much is usually ordered."""


def doubts(working: Working) -> Iterator[Notice]:
    """What a person must look at before anything is ordered on these facts."""
    checks = (_newest, _times, _receipts, _demand, _lot, _prices)
    for check in checks:
        for message in check(working):
            yield Notice(code=f"doubt{check.__name__}", message=message, blocks_automatic=True)
    position, product = working.position.units, working.facts.product
    lot = max(working.economic_quantity, product.minimum_order_quantity, working.rules.order_multiple)
    if working.reorder_point > 0 and position > SEVERAL * (working.reorder_point + lot):
        ample = f"{_exactly(working, position)} on hand and on order are more than {SEVERAL} times"
        yield Notice(code="ample_stock", message=f"{ample} what an order brings it to: check the count.")


def _newest(working: Working) -> Iterator[str]:
    """The newest period, and the newest week (or interval, if longer; at most half of the history): beyond what came
    before, so that large orders of lumpy products are none, and the level hangs on them."""
    demand, level, days = working.statistics.demand, working.reorder_point, working.facts.demand.period_days
    for newest in sorted({1, min(_periods(working), demand.size // 2)}):
        earlier, latest = demand[:-newest], demand[-newest:]
        if not _outside(latest, earlier):
            continue
        before, units = _level_on(working, earlier), float(latest.sum())
        if before < HANGS * level or level < HANGS * before:
            length = (
                f"{newest} {'days' if days == 1 else 'periods'}" if newest > 1 else "day" if days == 1 else "period"
            )
            up_to = f"you would order up to {_about(working, before)}, not {_about(working, level)}"
            instead = up_to if before else "nothing would be ordered"
            yield f"Without the {_exactly(working, units)} of the newest {length} {instead}: check the figures."
            return


def _about(working: Working, value: float) -> str:
    return f"{value:,.0f}" if working.statistics.counting_unit == 1 else about(value)


def _exactly(working: Working, value: float) -> str:
    return amount(value, working.digits)


def _outside(latest: FloatArray, earlier: FloatArray) -> bool:
    """Whether the latest figures, or one of them, are beyond the earlier ones: several times so where sales are rare,
    since there one customer may order much, or where too little is known to plan on."""
    rare = earlier.size >= INTERMITTENT_INTERVAL * np.count_nonzero(earlier)
    times = SEVERAL if rare or earlier.size < FEWEST_PERIODS else BEYOND
    (least, most), units = _extremes(earlier, latest.size), float(latest.sum())
    return units > times * most or times * units < least or float(latest.max()) > times * float(earlier.max())


def _level_on(working: Working, demand: FloatArray) -> float:
    """The level with this history; 0 where nothing could be planned on it."""
    facts, target = working.facts, working.target
    past, known = facts.demand.promotions, working.statistics.positions[: demand.size].tolist()
    cuts = {place: past[position] for place, position in enumerate(known) if position in past}
    history = {
        "values": tuple(demand.tolist()),
        "stockout_periods": frozenset[int](),
        "promotion_periods": frozenset(cuts),
        "price_cuts": {each: cut for each, cut in cuts.items() if cut < 1},
    }
    product = facts.product.model_copy(update={"unit_size": working.statistics.counting_unit})
    facts = facts.model_copy(update={"demand": facts.demand.model_copy(update=history), "product": product})
    try:
        return work_out(facts, working.what_if, None if target.pooled_for is None else target.probability).reorder_point
    except InvalidDemand:
        return 0.0


def _periods(working: Working) -> int:
    """Of a week, or of the interval where that is longer."""
    return ceil(max(WEEK_DAYS, working.interval_days) / working.facts.demand.period_days)


def _extremes(demand: FloatArray, periods: int) -> tuple[float, float]:
    """The least and the most that sold in so many periods; what would be usual where the history is shorter."""
    if periods > demand.size:
        usual = float(demand.mean()) * periods
        return usual, usual
    total = np.append(0.0, np.add.accumulate(demand))
    sums = total[periods:] - total[:-periods]
    return float(sums.min()), float(sums.max())


def _times(working: Working) -> Iterator[str]:
    lead, review = working.lead_time, working.facts.product.review_period_days
    known = working.statistics.periods * working.facts.demand.period_days
    if review > LONGEST_REVIEW_DAYS:
        yield f"A review period of {review:g} days is longer than half a year: check it."
    elif lead.receipts >= FEWEST_FOR_SPREAD:
        return
    elif lead.days > LONGEST_LEAD_TIME_DAYS:
        yield f"A lead time of {lead.days:g} days is longer than half a year, and no receipts show it: check it."
    elif working.interval_days > max(LONGEST_UNSEEN_DAYS, known):
        yield (
            f"{working.interval_days:g} days are planned ahead from a history of {known:g}: check lead time and review "
            "period."
        )


def _receipts(working: Working) -> Iterator[str]:
    lead = working.lead_time
    if lead.sd_days > max(WEEK_DAYS, lead.days):
        yield f"A lead time of {lead.days:g} days is said to vary by {lead.sd_days:g}: check the standard deviation."
    receipts = sorted(working.facts.supplier.observed_lead_times_days[-MOST_REPLAYED:])
    if len(receipts) < FEWEST_FOR_SPREAD:
        return
    shortest, longest, promised = receipts[0], receipts[-1], lead.promised_days
    if _beyond(promised, longest) or (not lead.replayed and _beyond(shortest, promised)):
        yield f"A lead time of {promised:g} days is stated, but receipts took {shortest:g} to {longest:g}: check it."
    if _beyond(longest, receipts[-2]):
        yield f"One receipt took {longest:g} days and all others {receipts[-2]:g} at most: check it."


def _beyond(days: float, past: float) -> bool:
    """Several times the past, and by more than a week, since a few days more are no slip."""
    return days > max(SEVERAL * past, past + WEEK_DAYS)


def _demand(working: Working) -> Iterator[str]:
    uplift, backorders = working.facts.demand.planned_uplift, working.facts.stock.backorders
    if LEAST_UPLIFT <= uplift <= SEVERAL and not backorders:
        return
    mean = working.mean_demand
    least, most = _extremes(working.statistics.demand, _periods(working))
    if (uplift > SEVERAL and mean > most) or (uplift < LEAST_UPLIFT and mean < least):
        yield (
            f"With the planned uplift of {uplift:g}, {_about(working, mean)} are expected and "
            f"{_exactly(working, least)} to {_exactly(working, most)} ever sold; 1.3 means 30 % more: check it."
        )
    if backorders > SEVERAL * most:
        waiting, sold = _exactly(working, backorders), _exactly(working, most)
        yield f"Customers wait for {waiting}, but no interval sold over {sold}: check it."


def _lot(working: Working) -> Iterator[str]:
    """An order that lasts longer than forecasts hold; not where a single unit does, or where so much is missing."""
    decision, mean = working.decision, working.mean_per_day
    if decision is not None and decision.quantity > max(mean * DAYS_A_YEAR, working.needed_units) and mean:
        least = "minimum order" if decision.quantity <= working.rules.smallest else "order"
        yield f"The {least} of {decision.quantity:,} is {lasting(decision.quantity / mean)} of demand: check it."


def _prices(working: Working) -> Iterator[str]:
    product = working.facts.product
    if product.unit_price is None:
        return
    for start, price in price_tiers(product.unit_price, product.price_breaks, product.unit_size):
        if _far(price, product.unit_price):
            yield f"From {start:,} units on, one costs {price} in place of {product.unit_price}: check it."


def _far(price: Decimal, other: Decimal) -> bool:
    return max(price, other) > SEVERAL * min(price, other)


@dataclass(frozen=True, slots=True)
class EarlierOrder:
    """What was bought of a product before."""

    number: str
    quantity: float
    unit_price: Decimal | None
    currency: str
    lead_time_days: float

    @classmethod
    def of(cls, order: Order) -> Self:
        days, line = (order.due_at - order.created_at).total_seconds() / 86_400, order.items[0]
        return cls(order.number, line.quantity, line.unit_price, order.currency, days)


def beside_earlier(
    plan: Plan, quantity: float, price: Decimal | None, earlier: Sequence[EarlierOrder]
) -> Iterator[str]:
    """What sets this purchase apart from the earlier ones of the product, which come newest first; there is one."""
    last, largest = earlier[0], max(order.quantity for order in earlier)
    if price and last.unit_price and plan.currency == last.currency and _far(price, last.unit_price):
        yield f"The price of {price} is far from the {last.unit_price} of {last.number}, the last order: check it."
    if _beyond(plan.lead_time_days, last.lead_time_days):
        yield (
            f"The lead time of {plan.lead_time_days:g} days is far from the {last.lead_time_days:g} of {last.number}, "
            "the last order: check it."
        )
    if len(earlier) >= FEWEST_EARLIER_ORDERS and quantity > TYPING_ERROR * largest:
        yield f"{quantity:,} units are over {TYPING_ERROR} times the largest earlier order, {largest:,}: check it."
