"""From one delivery to the next: what a fill rate is measured over. Pure."""

from dataclasses import dataclass
from typing import Self

from tools.planning.demand_distribution import Component, IntervalDemand


@dataclass(slots=True)
class OrderCycle:
    """From one delivery to the next: what a fill rate is measured over."""

    order_size: float
    """Units an order brings on average, no less than the demand between two orders."""
    waited: IntervalDemand | None = None
    """Demand from the order before until its delivery; None where nothing can have been short by then."""
    surplus: float = 0.0
    """Units that an order brings beyond the demand between two orders."""

    @classmethod
    def of(cls, demand: IntervalDemand, *, between: float, order_size: float, lead_time_variance: float) -> Self:
        """`demand` is that over the protection interval, `between` its part between two orders, in units."""
        parts = [_without(part, between, lead_time_variance) for part in demand.components]
        waited = IntervalDemand(demand.family, tuple(parts)) if any(part.mean > 0 for part in parts) else None
        return cls(order_size, waited, order_size - between)

    def unserved(self, demand: IntervalDemand, level: float) -> float:
        """Units demanded between two deliveries that stock does not serve: short at the end of the protection
        interval, less those already short when the cycle began.

        Shortage grows ever faster as stock runs out, so at most a proportional part of it was there before.
        """
        shortage = demand.expected_shortage(level)
        if self.waited is None:
            return shortage
        before = self.waited.expected_shortage(level + self.surplus)
        return shortage - min(before, shortage * self.waited.mean / demand.mean)

    def fill_rate(self, demand: IntervalDemand, level: float) -> float | None:
        """The share of demand that stock serves at once; None where there is no demand.

        1 − (E[(D − s)⁺] − E[(D′ − s − surplus)⁺])/Q, with D′ the demand until the cycle begins. Where every review
        orders what was sold, this is the rate of an order-up-to level (Johnson, Lee, Davis & Hall, 1995; Sobel, 2004);
        with an order of many days' demand, the textbook's 1 − E[(D − s)⁺]/Q (Silver, Pyke & Thomas, 2017, 6.7.3).
        """
        if self.order_size <= 0:
            return None
        return min(1.0, max(0.0, 1 - self.unserved(demand, level) / self.order_size))


def _without(part: Component, between: float, lead_time_variance: float) -> Component:
    """A component less the last of its demand; what the lead time makes uncertain stays so."""
    mean = max(0.0, part.mean - between)
    fixed = min(part.variance, lead_time_variance)
    share = mean / part.mean if part.mean > 0 else 0.0
    return Component(part.weight, mean, fixed + (part.variance - fixed) * share)
