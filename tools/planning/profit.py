"""The order that earns most, from a product's facts: courses that demand and deliveries may take, and the last unit
that pays over them. Pure: the same facts give the same order, as draws are seeded by the periods known.

A product that sells in most periods is believed to have a level (`tools.planning.demand_belief`); with a season, it is
that of an average period. What sells now and then draws its coming periods from its own past ones, about the plan's
forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log1p, sqrt

import numpy as np

from tools.planning.demand import INTERMITTENT_INTERVAL, DemandStatistics
from tools.planning.demand_belief import believe
from tools.planning.demand_distribution import Component, FloatArray, IntervalDemand
from tools.planning.forecast_frame import measured_horizon
from tools.planning.interval_forecast import DemandForecast, LeadTime, lead_time
from tools.planning.lead_time_belief import LeadTimeBelief, believe_lead_time
from tools.planning.lost_sales import Courses, Economics, ProfitableOrder, profitable_order
from tools.planning.service import DAYS_A_YEAR, yearly_holding
from tools.records.errors import InvalidInput
from tools.records.facts import OpenOrder, Product, ProductFacts

COURSES = 300
REVIEWS_HELD = 8
"""Review periods beyond the longest lead time over which a unit's holding cost is followed."""
LONGEST_MEMORY = 100
"""Periods of history that the level is believed from."""
LONGEST_AHEAD = 400
"""Periods of lead time and review period that are followed."""
GROUPS = 20
"""Of courses, from the least to the most demand, whose spread stands for all of it."""


@dataclass(frozen=True, slots=True)
class Supply:
    """A supplier's lead time and a product's review period, in whole demand periods."""

    belief: LeadTimeBelief
    promised: int
    review: int
    ages: tuple[int, ...]
    """Of the open orders, in their order."""

    @property
    def followed(self) -> int:
        """Periods that are looked ahead."""
        return self.belief.longest + 1 + REVIEWS_HELD * self.review

    @property
    def coming(self) -> tuple[float, ...]:
        """Of each open order, the chance that it comes."""
        return tuple(1.0 - self.belief.chance_lost(age) for age in self.ages)


@dataclass(frozen=True, slots=True)
class ProfitOutlook:
    """What a profit target's plan is made of."""

    economics: Economics
    supply: Supply
    order: ProfitableOrder
    forecast: DemandForecast
    """Demand until an order placed at the next review would arrive."""
    believed: bool
    """From the belief of a level; else from past periods drawn by chance."""


def profit_economics(product: Product, *, period_days: float, interval_days: float) -> Economics:
    """What a unit earns and what it costs to hold for a demand period. Raises `InvalidInput` where that is not known or
    the interval has too many periods to follow."""
    holding = yearly_holding(product)
    if product.unit_profit is None or holding is None:
        raise InvalidInput(
            f"Product {product.id!r} has a profit target but lacks a unit profit or a holding cost; give both (the "
            "holding rate and the unit price in place of the cost, if you like), or a service level."
        )
    if interval_days > LONGEST_AHEAD * period_days:
        raise InvalidInput(
            f"A profit target looks at most {LONGEST_AHEAD} demand periods ahead; lead time and review period are "
            f"{interval_days / period_days:.0f}. Give demand by the week or month."
        )
    return Economics(float(product.unit_profit), holding * period_days / DAYS_A_YEAR)


def look_ahead(
    facts: ProductFacts, statistics: DemandStatistics, lead: LeadTime, forecast: DemandForecast
) -> ProfitOutlook:
    """The order that earns most, given the usual forecast."""
    product, days = facts.product, facts.demand.period_days
    economics = profit_economics(product, period_days=days, interval_days=lead.days + product.review_period_days)
    supply, random = supply_of(facts, lead), np.random.default_rng(statistics.demand.size)
    demand = _Ahead(statistics, forecast, supply.followed, random)
    courses = Courses(demand.courses, *_deliveries(supply, facts.stock.open_orders, random))
    stock = facts.stock.on_hand - facts.stock.backorders
    order = profitable_order(on_hand=stock, economics=economics, courses=courses, unit=product.unit_size)
    return ProfitOutlook(economics, supply, order, demand.until_delivery(supply), demand.is_believed)


def supply_of(facts: ProductFacts, lead: LeadTime) -> Supply:
    """What is believed of the deliveries; a lead time that is assumed moves the receipts along."""
    days, moved = facts.demand.period_days, lead.days - lead_time(facts.supplier).days

    def periods(duration: float) -> int:
        return max(0, int(duration / days + 0.5))

    promised = periods(facts.supplier.promised_lead_time_days + moved)
    receipts = [periods(taken + moved) for taken in facts.supplier.observed_lead_times_days]
    ages = tuple(periods(_age(order, promised * days)) for order in facts.stock.open_orders)
    belief = believe_lead_time(promised, receipts=receipts, open_ages=ages)
    return Supply(belief, promised, max(1, periods(facts.product.review_period_days)), ages)


def _age(order: OpenOrder, promised_days: float) -> float:
    """Days since the order was placed; by its due date where they are not known."""
    return promised_days - order.due_in_days if order.placed_days_ago is None else order.placed_days_ago


def _deliveries(
    supply: Supply, orders: Sequence[OpenOrder], random: np.random.Generator
) -> tuple[FloatArray, np.ndarray, np.ndarray]:
    """In each course: units arriving of open orders in each period, when an order placed now arrives, and when the
    first of those that are placed later does."""
    followed, belief = supply.followed, supply.belief
    arrivals, rows = np.zeros((COURSES, followed + 1)), np.arange(COURSES)
    for order, age in zip(orders, supply.ages, strict=True):
        taken = belief.draw(COURSES, age=age, never=followed + age, random=random)
        arrivals[rows, np.clip(taken - age, 0, followed)] += order.quantity
    now = belief.draw(COURSES, age=0, never=followed, random=random)
    reviews = np.arange(supply.review, followed, supply.review)
    later = belief.first_arrival(reviews, count=COURSES, never=followed, random=random)
    return arrivals[:, :followed], now, later


@dataclass(frozen=True, eq=False)
class _Ahead:
    """Courses of a product's demand."""

    statistics: DemandStatistics
    usual: DemandForecast
    periods: int
    random: np.random.Generator

    @property
    def is_believed(self) -> bool:
        """Whether the product sells in most periods, up to its last sale, and its demand is not stated."""
        known = self.statistics.demand.size - self.statistics.idle_periods
        return not self._is_certain and self.statistics.nonzero * INTERMITTENT_INTERVAL > known

    @property
    def _is_certain(self) -> bool:
        return self.usual.method in ("deterministic", "no_demand")

    @cached_property
    def courses(self) -> FloatArray:
        """Units, courses × periods; a planned uplift holds for the protection interval."""
        if self._is_certain:
            average = np.full((COURSES, self.periods), self.statistics.mean)
        else:
            average = self._believed() if self.is_believed else self._drawn()
        ahead = average * self._season_to_come
        ahead[:, : measured_horizon(self.usual.interval)] *= self.usual.uplift
        return ahead if self._is_certain else np.round(ahead / self._unit) * self._unit

    @property
    def _unit(self) -> float:
        return self.statistics.counting_unit

    def _believed(self) -> FloatArray:
        counts = self._average_demand[-LONGEST_MEMORY:] / self._unit
        return believe(counts).courses(periods=self.periods, count=COURSES, random=self.random) * self._unit

    def _drawn(self) -> FloatArray:
        """Past periods in any order, about the usual forecast, whose doubt of the mean every course has a share of."""
        past, horizon = self._average_demand, measured_horizon(self.usual.interval)
        share = self.usual.average / max(float(past.mean()), np.finfo(float).tiny)
        doubt = (self.usual.error_sd / self.usual.uplift / share) ** 2 - horizon * float(past.var())
        sd = sqrt(log1p(max(0.0, doubt) / max((horizon * float(past.mean())) ** 2, np.finfo(float).tiny)))
        level = np.exp(sd * self.random.standard_normal((COURSES, 1)) - sd * sd / 2)
        return np.asarray(self.random.choice(past, (COURSES, self.periods)) * share * level)

    @property
    def _average_demand(self) -> FloatArray:
        """Past demand of average periods; promoted ones without their lift."""
        won, demand = self.usual.won, self.statistics.demand
        return demand if won is None else demand / (won.promoted or won.profile).of_each()

    @property
    def _season_to_come(self) -> FloatArray | float:
        if self.usual.won is None:
            return 1.0
        ahead, promoted = self.usual.won.profile.ahead(self.periods), self.usual.won.promoted
        if promoted is not None:
            ahead *= promoted.ahead(self.periods)
        return ahead

    def until_delivery(self, supply: Supply) -> DemandForecast:
        """Demand over the protection interval: until an order of the next review would arrive, if it does."""
        lengths = supply.review + supply.belief.draw_coming(COURSES, random=self.random)
        total = np.cumsum(self.courses, axis=1)[np.arange(COURSES), lengths - 1]
        groups = np.sort(total).reshape(GROUPS, -1)
        parts = zip(groups.mean(axis=1).tolist(), groups.var(axis=1).tolist(), strict=True)
        basis = IntervalDemand("lognormal", tuple(Component(1 / GROUPS, *part) for part in parts), self._unit)
        interval = float(lengths.mean())
        mean = basis.mean / interval
        return replace(
            self.usual,
            method="profit",
            mean_per_period=mean,
            means=((1.0, mean / self.usual.uplift),),
            interval=interval,
            stock_basis=basis,
            predictive=basis,
            error_sd=sqrt(basis.variance),
            lead_time_variance=0.0,
            correction=0.0,
            won=None,
            judged=None,
            floored=False,
            widening=1.0,
        )
