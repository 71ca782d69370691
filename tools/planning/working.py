"""From the facts to the reorder point and the quantity: every number that the plan, its derivation and notices need.

An open order counts when it is due within the protection interval. One overdue by no more than the supplier has been
late before counts fully. Beyond that it counts half. After k receipts, the next is later than all of them with chance
1/(k + 1), and it never comes with chance 1/(k + 2) (rule of succession). So "late" and "lost" are about equally likely.
A whole lead time beyond that, it is written off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, fsum, log10
from typing import Literal

import numpy as np

from tools.planning.demand import LARGEST_QUANTITY, DemandStatistics, describe
from tools.planning.interval_forecast import DemandForecast, LeadTime, forecast_demand, lead_time
from tools.planning.learned import unusable
from tools.planning.order_quantity import (
    OrderRules,
    QuantityDecision,
    decide_quantity,
    economic_quantity,
    order_multiple,
    order_rules,
    units_above,
    whole_units,
)
from tools.planning.profit import ProfitOutlook, look_ahead
from tools.planning.promotion import Promotions, Usual, promotions_of, unseen_lift
from tools.planning.service import (
    DAYS_A_YEAR,
    OrderCycle,
    Target,
    pooled_target,
    service_target,
    stock_level,
    target_of_level,
)
from tools.records.errors import InvalidInput
from tools.records.facts import DemandHistory, LearnedDemand, OpenOrder, Product, ProductFacts, Stock, WhatIf
from tools.records.quantities import reaches_down

LONGEST_INTERVAL_DAYS = 36_500.0
SHORTEST_PERIOD_DAYS = 1 / 1440
SAFETY_SHARE, MOST_INTERVALS = 0.5, 2.0
"""The cover permitted above the level that the service needs: half of the safety stock, or what the supplier's minimum
and multiples force; at most two intervals of demand."""
DOUBTED_SHARE = 0.5
TOLERANCE_DAYS = 1e-9
SHOWN_DIGITS = 3
"""After the first, of a small level."""

Standing = Literal["counted", "later", "doubted", "written_off"]


@dataclass(frozen=True, slots=True)
class CountedOrder:
    """An open order, whether it counts, and how many of its units do."""

    order: OpenOrder
    standing: Standing
    counted: float


@dataclass(slots=True)
class InventoryPosition:
    """`on_order` is what counts; `stated_on_order` would count if every overdue order came."""

    on_hand: float
    on_order: float
    backorders: float
    stated_on_order: float
    units: float
    """on hand + on order − backorders."""
    stated_units: float
    orders: tuple[CountedOrder, ...]


@dataclass(slots=True)
class Working:
    """What was worked out on the way to a plan."""

    facts: ProductFacts
    what_if: WhatIf
    statistics: DemandStatistics
    lead_time: LeadTime
    interval_days: float
    """The protection interval: lead time + review period."""
    data_age_days: float
    """Since the newest period of which something is known."""
    data_is_stale: bool
    """Older than the protection interval, or than one demand period where that is longer."""
    forecast: DemandForecast
    mean_per_day: float
    mean_demand: float
    """Over the protection interval."""
    target: Target
    cycle: OrderCycle
    reorder_point: float
    safety_stock: float
    economic_quantity: float
    """0 where the costs it needs are not known."""
    position: InventoryPosition
    rules: OrderRules
    shortage: float
    """How far the position is below the reorder point."""
    needed_units: float
    """The fewest whole units that end the need."""
    decision: QuantityDecision | None
    """None while the position is above the reorder point."""
    learned_refused: str | None
    """Why what was learned from the catalogue is not used; None where it is, or where there is nothing."""
    permitted_leftover: float
    profit: ProfitOutlook | None = None
    """What the level comes from, where the target is the most profit."""

    @property
    def digits(self) -> int:
        """Decimals to show quantities with: two, or more where the counting unit is finer and the level small."""
        finest = ceil(-log10(self.statistics.counting_unit) - TOLERANCE_DAYS)
        most = max(self.reorder_point, self.mean_demand)
        return 2 if finest <= 2 or most <= 0 else min(finest, max(2, SHOWN_DIGITS - floor(log10(most))))


def work_out(facts: ProductFacts, what_if: WhatIf, asked: float | None = None) -> Working:
    """Every number, from the history to the quantity. Raises what `tools.planning.replenishment.plan` does.

    Where no demand is expected, only units owed are worth an order.
    """
    facts = _supposed(facts, what_if)
    product, history = facts.product, facts.demand
    lead = lead_time(facts.supplier, stated_days=what_if.lead_time_days)
    if what_if.days_late is not None:
        lead = lead_time(facts.supplier, stated_days=lead.days + what_if.days_late)
    refuse_uncountable(facts, lead)
    interval_days = lead.days + product.review_period_days
    statistics, unit = describe(history, product.unit_size), product.unit_size
    promotions = _promotions(history, statistics)
    learned_refused = None if facts.learned is None else _learned_refused(facts, facts.learned, interval_days)
    lift = 1.0 if promotions is None else unseen_lift(promotions, interval_days / history.period_days)
    forecast = forecast_demand(
        statistics,
        lead_time=lead,
        review_period_days=product.review_period_days,
        period_days=history.period_days,
        uplift=history.planned_uplift * what_if.demand_uplift * lift,
        deterministic=history.deterministic,
        promotions=promotions,
        learned=facts.learned if learned_refused is None else None,
    )
    profit: ProfitOutlook | None = None
    # An assumed service level replaces a profit target by a cycle target.
    if product.service_type == "profit" and what_if.service_level is None:
        profit = look_ahead(facts, statistics, lead, forecast)
        forecast = profit.forecast
        interval_days = forecast.interval * history.period_days
    mean_per_day = forecast.mean_per_period / history.period_days
    economic = economic_quantity(product, annual_demand=mean_per_day * DAYS_A_YEAR)
    cycle = _order_cycle(product, forecast, economic, history.period_days)
    if profit is not None:
        position = expected_position(facts.stock, profit.supply.coming)
        level = max(0.0, position.units + profit.order.units)
        target = target_of_level(forecast.stock_basis, level)
    else:
        target = service_target(product, what_if, cycle=cycle, interval_days=interval_days)
        target = target if asked is None else pooled_target(target, asked)
        level = stock_level(forecast.stock_basis, target)
        position = inventory_position(
            facts.stock,
            # An order that is due by the promise counts even when receipts have lately come sooner than promised.
            horizon_days=max(lead.days, lead.promised_days) + product.review_period_days,
            slip_days=lead.slip_days,
            lead_time_days=lead.days,
        )
    rules = order_rules(facts, mean_per_day=mean_per_day, lead_time_days=lead.days, position=position.units)
    age = facts.data_age_days + _unknown_lately(history) * history.period_days
    mean, shortage = forecast.stock_basis.mean, max(0.0, level - position.units)
    expected = forecast.mean_per_period > 0 or level > 0
    continuous = product.review_period_days == 0 and expected and profit is None
    needed = _needed(shortage, unit, continuous=continuous)
    triggered = needed > 0 and reaches_down(position.units, level) and (expected or position.units < 0)
    decision = decide_quantity(need=needed, economic=economic, spare=mean, rules=rules) if triggered else None
    extra = position.units + decision.quantity - level if decision else 0.0
    return Working(
        facts=facts,
        what_if=what_if,
        statistics=statistics,
        lead_time=lead,
        interval_days=interval_days,
        data_age_days=age,
        data_is_stale=age > max(interval_days, history.period_days),
        forecast=forecast,
        mean_per_day=mean_per_day,
        mean_demand=mean,
        target=target,
        cycle=cycle,
        reorder_point=level,
        safety_stock=level - mean,
        economic_quantity=economic,
        position=position,
        rules=rules,
        shortage=shortage,
        needed_units=needed,
        decision=decision,
        learned_refused=learned_refused,
        permitted_leftover=_permitted_leftover(
            product,
            level=level,
            mean=mean,
            mean_per_day=mean_per_day,
            extra=min(extra, max(MOST_INTERVALS * mean, economic)),
        ),
        profit=profit,
    )


def _supposed(facts: ProductFacts, what_if: WhatIf) -> ProductFacts:
    """The facts with what is assumed of stock and review period."""
    if what_if.on_hand is not None:
        facts = facts.model_copy(update={"stock": facts.stock.model_copy(update={"on_hand": what_if.on_hand})})
    if what_if.review_period_days is not None:
        reviewed = facts.product.model_copy(update={"review_period_days": what_if.review_period_days})
        facts = facts.model_copy(update={"product": reviewed})
    return facts


def _learned_refused(facts: ProductFacts, learned: LearnedDemand, interval_days: float) -> str | None:
    return unusable(
        learned,
        last_period=facts.demand.last_period,
        period_days=facts.demand.period_days,
        planned=facts.demand.planned_promotions,
        interval_days=interval_days,
    )


def _promotions(history: DemandHistory, statistics: DemandStatistics) -> Promotions | None:
    """Those of the known periods and those to come; None where there are neither."""
    if not history.promotion_periods and not history.planned_promotion_periods:
        return None
    past, planned = history.promotions, history.planned_promotions
    cuts = np.zeros(statistics.periods + 1 + max(planned, default=0))
    cuts[list(past)] = list(past.values())
    cuts[[statistics.periods + each for each in planned]] = list(planned.values())
    usual = Usual(history.usual_lift, history.usual_cut, history.usual_spread, history.usual_scatter)
    return promotions_of(cuts, statistics.positions, statistics.periods, usual)


def _needed(shortage: float, unit: float, *, continuous: bool) -> float:
    """The fewest whole units that end the need.

    Under continuous review (no review period) an order is due at the reorder point, so that one must end above it. At
    each periodic review, and up to the last unit that pays, one orders up to the level.
    """
    return units_above(shortage, unit) if continuous else whole_units(shortage, unit)


def _unknown_lately(history: DemandHistory) -> int:
    """Periods at the end of the history of which not even a stock-out is known."""
    last = len(history.values) - 1
    for ago, value in enumerate(reversed(history.values)):
        if value is not None or last - ago in history.stockout_periods:
            return ago
    return 0


def refuse_uncountable(facts: ProductFacts, lead: LeadTime) -> None:
    """Raise `InvalidInput` for quantities and durations that a double cannot count."""
    stock = facts.stock
    orders = [(f"open order {order.reference}", order.quantity) for order in stock.open_orders]
    for name, quantity in [("stock on hand", stock.on_hand), ("backorders", stock.backorders), *orders]:
        if quantity > LARGEST_QUANTITY:
            raise InvalidInput(
                f"{name} is {quantity:g}; quantities above {LARGEST_QUANTITY:g} cannot be counted exactly. "
                "Use a larger unit."
            )
    longest = max(lead.days, *lead.replayed, lead.sd_days) + facts.product.review_period_days
    if longest > LONGEST_INTERVAL_DAYS:
        raise InvalidInput(
            f"Lead time and review period come to {longest:g} days; at most {LONGEST_INTERVAL_DAYS:g} can be planned."
        )
    if facts.demand.period_days < SHORTEST_PERIOD_DAYS:
        raise InvalidInput(f"A demand period of {facts.demand.period_days:g} days is shorter than a minute.")


def _order_cycle(product: Product, forecast: DemandForecast, economic: float, period_days: float) -> OrderCycle:
    """An order is due at every review (or demand period) in which something was sold, unless it brings more."""
    between = forecast.mean_per_period * max(1.0, product.review_period_days / period_days)
    return OrderCycle.of(
        forecast.stock_basis,
        between=between,
        order_size=max(economic, float(product.minimum_order_quantity), order_multiple(product), between),
        lead_time_variance=forecast.lead_time_variance,
    )


def _permitted_leftover(product: Product, *, level: float, mean: float, mean_per_day: float, extra: float) -> float:
    """The stated maximum cover; or the level that the service needs and the cover permitted above it.

    `extra` are the units by which the plan's own order ends above the level: the supplier's minimum and multiples force
    some, and an economic quantity is meant to last. One unit is the least there can be.
    """
    if product.maximum_cover_days is not None:
        return max(product.unit_size, mean_per_day * product.maximum_cover_days)
    cover = min(SAFETY_SHARE * (level - mean), MOST_INTERVALS * mean)
    return level + max(product.unit_size, cover, extra)


def inventory_position(
    stock: Stock, *, horizon_days: float, slip_days: float, lead_time_days: float
) -> InventoryPosition:
    """Count the open orders due within `horizon_days`; see the module for those that are overdue."""
    entries = [
        count_order(order, horizon_days=horizon_days, slip_days=slip_days, lead_time_days=lead_time_days)
        for order in stock.open_orders
    ]
    return _position(stock, entries, [entry.order.quantity for entry in entries if entry.standing != "later"])


def expected_position(stock: Stock, coming: Sequence[float]) -> InventoryPosition:
    """Each open order counts for as many units as are expected of it: `coming` are the chances that they come."""
    entries = []
    for order, chance in zip(stock.open_orders, coming, strict=True):
        overdue: Standing = "doubted" if chance > 0 else "written_off"
        standing: Standing = overdue if order.due_in_days < 0 else "counted"
        entries.append(CountedOrder(order, standing, order.quantity * chance))
    stated = [entry.counted if entry.standing == "counted" else entry.order.quantity for entry in entries]
    return _position(stock, entries, stated)


def _position(stock: Stock, orders: Sequence[CountedOrder], stated: Sequence[float]) -> InventoryPosition:
    on_order, stated_on_order = fsum(entry.counted for entry in orders), fsum(stated)
    return InventoryPosition(
        on_hand=stock.on_hand,
        on_order=on_order,
        backorders=stock.backorders,
        stated_on_order=stated_on_order,
        units=stock.on_hand + on_order - stock.backorders,
        stated_units=stock.on_hand + stated_on_order - stock.backorders,
        orders=tuple(orders),
    )


def count_order(order: OpenOrder, *, horizon_days: float, slip_days: float, lead_time_days: float) -> CountedOrder:
    """How many units of one open order count, and why."""
    if order.due_in_days > horizon_days + TOLERANCE_DAYS:
        return CountedOrder(order, "later", 0.0)
    overdue = -order.due_in_days
    if overdue <= slip_days + TOLERANCE_DAYS:
        return CountedOrder(order, "counted", order.quantity)
    if overdue <= slip_days + lead_time_days + TOLERANCE_DAYS:
        return CountedOrder(order, "doubted", order.quantity * DOUBTED_SHARE)
    return CountedOrder(order, "written_off", 0.0)
