"""Everything the calculator works out on the way from facts to a plan, for the derivation and the notices to read."""

from dataclasses import dataclass

from tools.planning.demand import DemandStatistics
from tools.planning.interval_forecast import DemandForecast
from tools.planning.inventory_position import InventoryPosition
from tools.planning.lead_time import LeadTime
from tools.planning.order_quantity import OrderRules, QuantityDecision
from tools.planning.safety_stock import OrderCycle, Target
from tools.records.facts import ProductFacts, WhatIf


@dataclass(slots=True)
class Working:
    facts: ProductFacts
    what_if: WhatIf
    statistics: DemandStatistics
    lead_time: LeadTime
    forecast: DemandForecast
    target: Target
    cycle: OrderCycle
    reorder_point: float
    economic_quantity: float
    """0 where the costs it needs are not known."""
    position: InventoryPosition
    rules: OrderRules
    needed_units: int
    """The fewest whole units that end the need."""
    decision: QuantityDecision | None
    """None while the position is above the reorder point."""
    permitted_leftover: float

    @property
    def interval_days(self) -> float:
        return self.lead_time.days + self.facts.product.review_period_days

    @property
    def data_is_stale(self) -> bool:
        """Older than the protection interval, or than one demand period where that is longer."""
        return self.facts.data_age_days > max(self.interval_days, self.facts.demand.period_days)

    @property
    def mean_per_day(self) -> float:
        return self.forecast.mean_per_period / self.facts.demand.period_days

    @property
    def mean_demand(self) -> float:
        return self.forecast.stock_basis.mean

    @property
    def safety_stock(self) -> float:
        return self.reorder_point - self.mean_demand

    @property
    def cycle_service_level(self) -> float:
        """The chance that the reorder point covers demand over the protection interval."""
        return self.forecast.stock_basis.cdf(self.reorder_point)

    @property
    def triggered(self) -> bool:
        return self.decision is not None

    @property
    def shortage(self) -> float:
        """How far the position is below the reorder point."""
        return max(0.0, self.reorder_point - self.position.units)
