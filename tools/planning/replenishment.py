"""The calculator: one product at one location in, one plan out.

Order up to the level that covers demand until the next delivery in the asked share of cases, judged by the product's
own past forecast errors. Pure: the same facts give the same plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from tools.planning.demand import LARGEST_QUANTITY, describe, enough_demand, plainly_enough
from tools.planning.demand_distribution import IntervalDemand, z_value
from tools.planning.derivation import derive, shown
from tools.planning.interval_forecast import DemandForecast, forecast_demand
from tools.planning.inventory_position import InventoryPosition, inventory_position
from tools.planning.lead_time import LeadTime, lead_time
from tools.planning.notices import gather
from tools.planning.order_quantity import (
    Cap,
    OrderRules,
    budget_cap,
    cover_cap,
    decide_quantity,
    eoq_all_units_discount,
    price_tiers,
    shelf_life_cap,
    unit_price_at,
    units_above,
    whole_units,
)
from tools.planning.past_coverage import PastCoverage, past_coverage
from tools.planning.safety_stock import (
    OrderCycle,
    Target,
    cost_target,
    reorder_point,
    safety_stock,
    stock_level,
)
from tools.planning.working import Working
from tools.records.errors import InvalidDemand, InvalidInput
from tools.records.facts import PriceBreak, Product, ProductFacts, WhatIf
from tools.records.plan import (
    Action,
    DemandComponent,
    ImpliedService,
    Plan,
    PredictiveDemand,
    TextbookFigures,
    Transfer,
)

DAYS_A_YEAR = 365.0
LONGEST_INTERVAL_DAYS = 36_500.0
SHORTEST_PERIOD_DAYS = 1 / 1440
HIGHEST_SERVICE_LEVEL = 0.999
PERMITTED_INTERVALS = 3
"""Protection intervals of demand that may be left over where the planner states no maximum cover."""


def plan(
    facts: ProductFacts,
    *,
    what_if: WhatIf = WhatIf(),  # noqa: B008
    siblings: Sequence[ProductFacts] = (),
    asked_service_level: float | None = None,
) -> Plan:
    """What to order now, how much and why.

    `siblings` are the same product at other locations: one that can give the whole need and keep both its stock on hand
    and its inventory position above its own reorder point is asked for a transfer before the supplier is for an order.
    `asked_service_level` is what similar products had to ask for in order to get this one's cycle service level
    (`tools.lookback.pooled_service`). Raises `InvalidDemand` when fewer than three demand periods are known and
    `InvalidInput` when the facts contradict the target or are beyond what can be counted.
    """
    working = _work_out(facts, what_if, asked_service_level)
    transfer = _find_transfer(working, siblings) if working.triggered else None
    return _write_plan(working, transfer, _coverage(working))


def require_plannable(facts: ProductFacts) -> None:
    """Raises what `plan` would for these facts alone, at a fraction of its time."""
    product, lead = facts.product, lead_time(facts.supplier)
    _refuse_uncountable(facts, lead)
    if not plainly_enough(facts.demand):
        enough_demand(facts.demand)
    if product.service_type == "cost":
        _cost_target(product, lead.days + product.review_period_days)


def _work_out(facts: ProductFacts, what_if: WhatIf, asked: float | None = None) -> Working:
    product, history = facts.product, facts.demand
    lead = lead_time(facts.supplier, stated_days=what_if.lead_time_days)
    _refuse_uncountable(facts, lead)
    statistics = describe(history)
    forecast = forecast_demand(
        statistics,
        lead_time=lead,
        review_period_days=product.review_period_days,
        period_days=history.period_days,
        uplift=history.planned_uplift * what_if.demand_uplift,
        deterministic=history.deterministic,
    )
    mean_per_day = forecast.mean_per_period / history.period_days
    economic = _economic_quantity(product, annual_demand=mean_per_day * DAYS_A_YEAR)
    cycle = _order_cycle(product, forecast, economic, history.period_days)
    target = _target(product, what_if, cycle=cycle, interval_days=lead.days + product.review_period_days)
    target = target if asked is None else _pooled(target, asked)
    level = stock_level(forecast.stock_basis, target)
    position = _position(facts, lead)
    rules = _rules(product, mean_per_day=mean_per_day, lead_time_days=lead.days, position=position.units)
    mean = forecast.stock_basis.mean
    needed = _needed_units(max(0.0, level - position.units), level, mean_demand=forecast.mean_per_period)
    return Working(
        facts=facts,
        what_if=what_if,
        statistics=statistics,
        lead_time=lead,
        forecast=forecast,
        target=target,
        cycle=cycle,
        reorder_point=level,
        economic_quantity=economic,
        position=position,
        rules=rules,
        needed_units=needed,
        decision=(
            decide_quantity(need=needed, economic=economic, spare=mean, rules=rules)
            if _triggers(position.units, level, mean_demand=forecast.mean_per_period)
            else None
        ),
        permitted_leftover=_permitted_leftover(product, mean=mean, mean_per_day=mean_per_day, economic=economic),
    )


def _needed_units(shortage: float, level: float, *, mean_demand: float) -> int:
    """Units that end the need: where the reorder point itself triggers, the position must end above it."""
    return units_above(shortage) if _triggers(level, level, mean_demand=mean_demand) else whole_units(shortage)


def _triggers(position: float, level: float, *, mean_demand: float) -> bool:
    """At or below the reorder point; where no demand is expected, only units owed are worth an order."""
    return position <= level and (mean_demand > 0 or level > 0 or position < 0)


def _refuse_uncountable(facts: ProductFacts, lead: LeadTime) -> None:
    stock = facts.stock
    for name, quantity in (
        ("stock on hand", stock.on_hand),
        ("backorders", stock.backorders),
        *((f"open order {order.reference}", order.quantity) for order in stock.open_orders),
    ):
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


def _economic_quantity(product: Product, *, annual_demand: float) -> float:
    """The EOQ, with price breaks where there are any; 0 where order cost, holding rate or price is not known."""
    if not (product.order_cost and product.holding_rate and product.unit_price and annual_demand > 0):
        return 0.0
    tiers = price_tiers(product.unit_price, product.price_breaks)
    economic = eoq_all_units_discount(
        order_cost=float(product.order_cost),
        holding_rate=product.holding_rate,
        annual_demand=annual_demand,
        breakpoints=[0.0, *(float(start) for start, _ in tiers[1:])],
        unit_costs=[float(price) for _, price in tiers],
    )
    return min(economic.order_quantity, LARGEST_QUANTITY)


def _order_cycle(product: Product, forecast: DemandForecast, economic: float, period_days: float) -> OrderCycle:
    """An order is due at every review (or demand period) in which something was sold, unless it brings more."""
    between = forecast.mean_per_period * max(1.0, product.review_period_days / period_days)
    return OrderCycle.of(
        forecast.stock_basis,
        between=between,
        order_size=max(economic, float(product.minimum_order_quantity), float(product.order_multiple), between),
        lead_time_variance=forecast.lead_time_variance,
    )


def _target(product: Product, what_if: WhatIf, *, cycle: OrderCycle, interval_days: float) -> Target:
    """An assumed service level replaces a cost target by a cycle target."""
    level = what_if.service_level or product.service_level
    if product.service_type == "fill_rate":
        return Target(level, cycle)
    if product.service_type == "cycle" or what_if.service_level is not None:
        return Target(level)
    return _cost_target(product, interval_days)


def _pooled(target: Target, asked: float) -> Target:
    if target.cycle is not None or not 0 < asked <= HIGHEST_SERVICE_LEVEL:
        raise InvalidInput(
            f"An asked service level of {asked:g} was given; give one above 0 and at most {HIGHEST_SERVICE_LEVEL:g}, "
            "to a product whose target is no fill rate."
        )
    return Target(asked, pooled_for=target.probability)


def _cost_target(product: Product, interval_days: float) -> Target:
    if product.stockout_cost is None or product.holding_rate is None or product.unit_price is None:
        raise InvalidInput(
            f"Product {product.id!r} has a cost target but lacks a stock-out cost, holding rate or unit price; "
            "give all three, or a service level."
        )
    holding = float(product.unit_price) * product.holding_rate * interval_days / DAYS_A_YEAR
    return cost_target(stockout_cost=float(product.stockout_cost), holding_cost=holding)


def _position(facts: ProductFacts, lead: LeadTime) -> InventoryPosition:
    """An order that is due by the promise counts even when receipts have lately come sooner than promised."""
    return inventory_position(
        facts.stock,
        horizon_days=max(lead.days, lead.promised_days) + facts.product.review_period_days,
        slip_days=lead.slip_days,
        lead_time_days=lead.days,
    )


def _rules(product: Product, *, mean_per_day: float, lead_time_days: float, position: float) -> OrderRules:
    caps: list[Cap | None] = []
    if product.maximum_order_quantity is not None:
        caps.append(Cap(product.maximum_order_quantity, "the supplier's maximum order"))
    if product.maximum_cover_days is not None:
        days = product.maximum_cover_days
        caps.append(cover_cap(mean_per_day=mean_per_day, maximum_cover_days=days, position=position))
    if product.shelf_life_days is not None:
        life = product.shelf_life_days
        caps.append(
            shelf_life_cap(
                mean_per_day=mean_per_day, shelf_life_days=life, lead_time_days=lead_time_days, position=position
            )
        )
    if product.budget is not None and product.unit_price is not None:
        caps.append(budget_cap(budget=product.budget, unit_price=product.unit_price, price_breaks=product.price_breaks))
    return OrderRules(
        minimum_order_quantity=product.minimum_order_quantity,
        order_multiple=product.order_multiple,
        caps=tuple(cap for cap in caps if cap is not None),
    )


def _permitted_leftover(product: Product, *, mean: float, mean_per_day: float, economic: float) -> float:
    """The stated maximum cover, or three intervals of demand; an economic quantity is meant to last, and one unit is
    the least there can be."""
    if product.maximum_cover_days is not None:
        return max(1.0, mean_per_day * product.maximum_cover_days)
    return max(1.0, PERMITTED_INTERVALS * mean, economic)


def _coverage(working: Working) -> PastCoverage | None:
    """How both methods did in the past; None for methods that are not judged by it."""
    judged = working.forecast.judged
    if judged is None:
        return None
    target = working.target
    return past_coverage(
        working.statistics.demand,
        judged,
        lead_time=working.lead_time,
        review_period_days=working.facts.product.review_period_days,
        period_days=working.facts.demand.period_days,
        probability=working.cycle_service_level if target.limit is not None else target.probability,
        z=z_value(target.wanted),
    )


def _textbook(working: Working, coverage: PastCoverage | None) -> TextbookFigures:
    """The textbook's figures over the plan's own interval, lead time + review period, with the mean lead time.

    (Silver, Pyke & Thomas, 2017, 6.7 and 6.9)
    """
    probability, statistics = working.target.wanted, working.statistics
    interval = working.interval_days / working.facts.demand.period_days
    mean, sd = statistics.mean * working.forecast.uplift, statistics.sd * working.forecast.uplift
    stock = safety_stock(service_level=probability, demand_sd=sd, interval=interval)
    return TextbookFigures(
        mean_per_period=mean,
        demand_sd=sd,
        z=z_value(probability),
        safety_stock=stock,
        reorder_point=reorder_point(mean=mean, interval=interval, safety_stock=stock),
        backtest_coverage=None if coverage is None else coverage.textbook,
    )


def _price_tiers(product: Product) -> tuple[PriceBreak, ...]:
    if product.unit_price is None:
        return product.price_breaks
    if not product.price_breaks:
        return (PriceBreak(minimum_quantity=1, unit_price=product.unit_price),)
    tiers = price_tiers(product.unit_price, product.price_breaks)
    return tuple(PriceBreak(minimum_quantity=start, unit_price=price) for start, price in tiers)


def _find_transfer(working: Working, siblings: Sequence[ProductFacts]) -> Transfer | None:
    """The location that can give the whole need and has most to spare."""
    quantity = working.needed_units
    offers = [_spare(sibling) for sibling in siblings]
    able = [offer for offer in offers if offer is not None and offer.spare > quantity]
    if not able:
        return None
    giver = max(able, key=lambda offer: offer.spare)
    return Transfer(
        source_location=giver.location,
        quantity=quantity,
        source_on_hand=giver.on_hand,
        source_reorder_point=giver.reorder_point,
    )


@dataclass(frozen=True, slots=True)
class _Offer:
    location: str
    spare: float
    on_hand: float
    reorder_point: float


def _spare(sibling: ProductFacts) -> _Offer | None:
    """What another location holds above its own reorder point, on hand and in position; None if not known now."""
    try:
        working = _work_out(sibling, WhatIf())
    except (InvalidDemand, InvalidInput):
        return None
    if working.data_is_stale:
        return None
    on_hand = sibling.stock.on_hand
    spare = min(on_hand, working.position.units) - working.reorder_point
    return _Offer(sibling.stock.location, spare, on_hand, working.reorder_point)


def _write_plan(working: Working, transfer: Transfer | None, coverage: PastCoverage | None) -> Plan:
    facts, forecast, position = working.facts, working.forecast, working.position
    product, statistics = facts.product, working.statistics
    choice = _choose(working, transfer)
    price = unit_price_at(choice.quantity, unit_price=product.unit_price, price_breaks=product.price_breaks)
    return Plan(
        product_id=product.id,
        location=facts.stock.location,
        method=forecast.method,
        distribution=forecast.stock_basis.family,
        service_type=product.service_type,
        service_level=working.target.wanted,
        implied=_implied(working),
        lead_time_days=working.lead_time.days,
        review_period_days=product.review_period_days,
        protection_interval_days=working.interval_days,
        mean_per_day=working.mean_per_day,
        mean_demand=working.mean_demand,
        demand_sd=sqrt(forecast.stock_basis.variance),
        demand_class=statistics.demand_class,
        periods=statistics.periods,
        nonzero_periods=statistics.nonzero,
        masked_periods=statistics.masked,
        backtest_coverage=None if coverage is None else coverage.chosen,
        safety_stock=working.safety_stock,
        reorder_point=working.reorder_point,
        order_up_to_level=working.reorder_point,
        on_hand=position.on_hand,
        on_order=position.on_order,
        backorders=position.backorders,
        inventory_position=position.units,
        shortage=working.shortage,
        days_until_stockout=_days_until_stockout(working),
        recommended_action=choice.action,
        order_quantity=choice.quantity,
        minimum_quantity=choice.minimum,
        maximum_quantity=choice.maximum,
        order_multiple=product.order_multiple,
        permitted_leftover=working.permitted_leftover,
        transfer=transfer,
        unit_price=price,
        price_tiers=_price_tiers(product),
        order_value=None if price is None else price * choice.quantity,
        currency=product.currency,
        infeasible=choice.infeasible,
        reason=choice.reason,
        derivation=derive(working, transfer, coverage),
        notices=gather(working),
        textbook=_textbook(working, coverage),
        predictive=_predictive(forecast.predictive),
    )


@dataclass(slots=True)
class _Choice:
    action: Action
    quantity: int
    minimum: int
    maximum: int
    reason: str
    infeasible: str | None = None


def _choose(working: Working, transfer: Transfer | None) -> _Choice:
    position, level = shown(working.position.units), shown(working.reorder_point)
    decision = working.decision
    if decision is None:
        return _Choice("none", 0, 0, 0, _why_nothing(working))
    low = f"Inventory position {position} is at or below the reorder point {level}"
    if transfer is not None:
        quantity, source = transfer.quantity, transfer.source_location
        reason = f"{low}; {source} can give {quantity} and stay above its own reorder point."
        return _Choice("transfer", quantity, quantity, quantity, reason)
    if decision.infeasible:
        return _Choice("none", 0, 0, 0, f"{low}, but no order is possible: {decision.infeasible}", decision.infeasible)
    reason = f"{low}; {decision.quantity} units bring it to {shown(working.position.units + decision.quantity)}."
    return _Choice("purchase_order", decision.quantity, decision.minimum, decision.maximum, reason)


def _why_nothing(working: Working) -> str:
    position, level = working.position, working.reorder_point
    if working.statistics.nonzero == 0:
        return (
            f"No demand in {working.statistics.demand.size} known periods, so the reorder point is 0: nothing to order."
        )
    above = f"Inventory position {shown(position.units)} is above the reorder point {shown(level)}"
    if position.on_hand - position.backorders <= level:
        return f"{above}: {shown(position.on_order)} are already on order."
    return f"{above}: there is enough stock."


def _implied(working: Working) -> ImpliedService:
    """What the reorder point gives by each measure; the critical ratio at which it is optimal is its cycle service."""
    cycle = working.cycle_service_level
    fill = working.cycle.fill_rate(working.forecast.stock_basis, working.reorder_point)
    return ImpliedService(cycle_service_level=cycle, fill_rate=fill, critical_ratio=cycle)


def _days_until_stockout(working: Working) -> float | None:
    """How long the stock on hand lasts at mean demand; None where that is never, or not within a century."""
    available = max(0.0, working.position.on_hand - working.position.backorders)
    if working.mean_per_day <= available / LONGEST_INTERVAL_DAYS:
        return None
    return available / working.mean_per_day


def _predictive(demand: IntervalDemand) -> PredictiveDemand:
    return PredictiveDemand(
        distribution=demand.family,
        components=tuple(
            DemandComponent(weight=part.weight, mean=part.mean, sd=sqrt(part.variance)) for part in demand.components
        ),
    )
