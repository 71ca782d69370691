"""The calculator: one product at one location in, one plan out, in figures and in words, the textbook's beside it.

Order up to the level that covers demand until the next delivery in the asked share of cases. The product's own past
forecast errors tell where that level is. Pure: the same facts give the same plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from tools.planning.demand import enough_demand
from tools.planning.demand_distribution import IntervalDemand, z_value
from tools.planning.derivation import derive
from tools.planning.interval_forecast import JudgedErrors, lead_time
from tools.planning.notices import gather
from tools.planning.order_quantity import price_tiers, unit_price_at
from tools.planning.past_coverage import PastCoverage, past_coverage
from tools.planning.profit import profit_economics
from tools.planning.profit_words import derive_profit
from tools.planning.service import product_cost_target, reorder_point, safety_stock
from tools.planning.summary import summarise
from tools.planning.working import LONGEST_INTERVAL_DAYS, Working, refuse_uncountable, work_out
from tools.records.errors import InvalidInput
from tools.records.facts import AS_THINGS_ARE, PriceBreak, Product, ProductFacts, WhatIf
from tools.records.plan import (
    Action,
    DemandComponent,
    ImpliedService,
    Plan,
    PredictiveDemand,
    TextbookFigures,
    Transfer,
)
from tools.records.quantities import cost


def plan(
    facts: ProductFacts,
    *,
    what_if: WhatIf = AS_THINGS_ARE,
    siblings: Sequence[ProductFacts] = (),
    asked_service_level: float | None = None,
) -> Plan:
    """What to order now, how much and why.

    `siblings` are the same product at other locations. One that can give the whole need is asked for a transfer first,
    if its stock on hand and its inventory position both stay above its own reorder point. `asked_service_level` is the
    service to ask for in order to get the product's own (`tools.lookback.pooled_service`). Raises `InvalidDemand` when
    fewer than three demand periods are known. Raises `InvalidInput` when the facts contradict the target or are beyond
    what can be counted.
    """
    return plan_of_working(work_out(facts, what_if, asked_service_level), siblings)


def plan_of_working(working: Working, siblings: Sequence[ProductFacts]) -> Plan:
    """The plan of what was worked out, with its derivation, its notices and the textbook beside it, and with a transfer
    where a sibling can give the need."""
    needs = working.decision is not None and siblings
    transfer = _find_transfer(working, siblings) if needs else None
    cycle_service = working.forecast.stock_basis.cdf(working.reorder_point)
    facts, forecast, position = working.facts, working.forecast, working.position
    product, statistics, judged = facts.product, working.statistics, forecast.judged
    coverage = None if judged is None else _coverage(working, judged, cycle_service)
    choice, notices = _choose(working, transfer), gather(working)
    price = unit_price_at(choice.quantity, unit_price=product.unit_price, price_breaks=product.price_breaks)
    return Plan(
        product_id=product.id,
        location=facts.stock.location,
        method=forecast.method,
        distribution=forecast.stock_basis.family,
        service_type=product.service_type,
        service_level=working.target.wanted,
        implied=ImpliedService(
            cycle_service_level=cycle_service,
            fill_rate=working.cycle.fill_rate(forecast.stock_basis, working.reorder_point),
            critical_ratio=cycle_service,  # The ratio at which this reorder point is optimal.
        ),
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
        open_orders=facts.stock.open_orders,
        backorders=position.backorders,
        inventory_position=position.units,
        shortage=working.shortage,
        days_until_stockout=_days_until_stockout(working),
        recommended_action=choice.action,
        order_quantity=choice.quantity,
        minimum_quantity=choice.minimum,
        maximum_quantity=choice.maximum,
        unit_size=product.unit_size,
        order_multiple=working.rules.order_multiple,
        permitted_leftover=working.permitted_leftover,
        transfer=transfer,
        unit_price=price,
        price_tiers=_price_tiers(product),
        order_value=None if price is None else cost(price, choice.quantity),
        currency=product.currency,
        infeasible=choice.infeasible,
        reason=summarise(working, transfer, notices),
        derivation=derive(working, transfer, coverage)
        if working.profit is None
        else derive_profit(working, working.profit, transfer),
        notices=notices,
        textbook=_textbook(working, coverage),
        predictive=_predictive(forecast.predictive),
        counting_unit=statistics.counting_unit,
    )


def require_plannable(facts: ProductFacts) -> None:
    """Raise what `plan` would for these facts alone, without planning."""
    product, lead = facts.product, lead_time(facts.supplier)
    refuse_uncountable(facts, lead)
    enough_demand(facts.demand)
    interval_days = lead.days + product.review_period_days
    if product.service_type == "cost":
        product_cost_target(product, interval_days)
    elif product.service_type == "profit":
        profit_economics(product, period_days=facts.demand.period_days, interval_days=interval_days)


def _find_transfer(working: Working, siblings: Sequence[ProductFacts]) -> Transfer | None:
    """The location that can give the whole need and has most to spare."""
    quantity = working.needed_units
    giver, most = None, float(quantity)
    for sibling in siblings:
        offer = _spare(sibling)
        if offer is not None and offer.spare > most:
            giver, most = offer, offer.spare
    if giver is None:
        return None
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
        working = work_out(sibling, AS_THINGS_ARE)
    except InvalidInput:
        return None
    if working.data_is_stale:
        return None
    on_hand = sibling.stock.on_hand
    spare = min(on_hand, working.position.units) - working.reorder_point
    return _Offer(sibling.stock.location, spare, on_hand, working.reorder_point)


def _coverage(working: Working, judged: JudgedErrors, cycle_service: float) -> PastCoverage | None:
    """How both methods did in the past; None where no past interval is whole."""
    target = working.target
    return past_coverage(
        working.statistics.demand,
        judged,
        lead_time=working.lead_time,
        review_period_days=working.facts.product.review_period_days,
        period_days=working.facts.demand.period_days,
        probability=cycle_service if target.limit is not None else target.probability,
        z=z_value(target.wanted),
        counting_unit=working.statistics.counting_unit,
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


@dataclass(slots=True)
class _Choice:
    action: Action
    quantity: float
    minimum: float
    maximum: float
    infeasible: str | None = None


def _choose(working: Working, transfer: Transfer | None) -> _Choice:
    decision = working.decision
    if decision is None:
        return _Choice("none", 0, 0, 0)
    if transfer is not None:
        return _Choice("transfer", transfer.quantity, transfer.quantity, transfer.quantity)
    if decision.infeasible:
        return _Choice("none", 0, 0, 0, decision.infeasible)
    return _Choice("purchase_order", decision.quantity, decision.minimum, decision.maximum)


def _days_until_stockout(working: Working) -> float | None:
    """How long the stock on hand lasts at mean demand; None where that is never, or not within a century."""
    available = max(0.0, working.position.on_hand - working.position.backorders)
    if working.mean_per_day <= available / LONGEST_INTERVAL_DAYS:
        return None
    return available / working.mean_per_day


def _predictive(demand: IntervalDemand) -> PredictiveDemand:
    parts = [
        DemandComponent(weight=part.weight, mean=part.mean, sd=sqrt(part.variance), no_demand=part.none)
        for part in demand.components
    ]
    return PredictiveDemand(distribution=demand.family, components=tuple(parts))


def _price_tiers(product: Product) -> tuple[PriceBreak, ...]:
    if product.unit_price is None:
        return product.price_breaks
    tiers = price_tiers(product.unit_price, product.price_breaks, product.unit_size)
    return tuple(PriceBreak(minimum_quantity=start, unit_price=price) for start, price in tiers)
