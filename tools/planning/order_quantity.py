"""How much to order: what the supplier's rules, the planner's caps and the economic quantity make of the need.

Orders are whole counts of a unit: 1, or less for goods by the kilogram. The economic quantity has rates per year, costs
per order and per unit and year, as floats.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from math import inf, lcm, sqrt
from operator import attrgetter

import numpy as np

from tools.planning.counting_unit import counting_unit
from tools.planning.demand import LARGEST_QUANTITY
from tools.records.facts import PriceBreak, Product, ProductFacts
from tools.records.quantities import ROUNDING, counts_down, counts_up, quantity


def whole_units(need: float, unit: float = 1.0) -> float:
    """Round a need up to whole units; a rounding error of the float is not a unit.

    >>> whole_units(747.57), whole_units(748.0000000001), whole_units(-3.2), whole_units(2.1331, 0.001)
    (748, 748, 0, 2.134)
    """
    return quantity(counts_up(need, unit) * unit)


def units_above(need: float, unit: float = 1.0) -> float:
    """The fewest whole units above a need.

    An order must end above the reorder point: at it, the next one would be due at once.

    >>> units_above(747.57), units_above(748.0), units_above(0), units_above(2.133, 0.001)
    (748, 749, 1, 2.134)
    """
    return quantity((counts_down(need, unit) + 1) * unit)


def permitted_units(room: float, unit: float = 1.0) -> float:
    """Round room down to whole units, forgiving a float's rounding error; never below 0."""
    return quantity(counts_down(room, unit) * unit)


def up_to_multiple(count: int, multiple: int) -> int:
    """
    >>> up_to_multiple(101, 25), up_to_multiple(100, 25)
    (125, 100)
    """
    return -(-count // multiple) * multiple


def order_step(unit_size: float, *multiples: float | None) -> tuple[float, int]:
    """The unit that orders are counted in, and of how many an order is a multiple.

    A multiple finer than the unit size says nothing; one that is none of its multiples is counted in a finer unit.

    >>> order_step(1, 6, 144), order_step(0.001, 0.001, None), order_step(1, 1, 12.5)
    ((1, 144), (0.001, 1), (0.1, 125))
    """
    binding = [multiple for multiple in multiples if multiple is not None and multiple > unit_size]
    if not binding:
        return unit_size, 1
    unit = counting_unit(np.array(binding, np.float64), unit_size)
    return unit, lcm(*[round(multiple / unit) for multiple in binding])


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that may be ordered, and why."""

    limit: float
    reason: str


@dataclass(slots=True)
class OrderRules:
    """What the supplier accepts and the planner permits."""

    minimum_order_quantity: float = 0
    order_multiple: float = 1
    caps: tuple[Cap, ...] = ()
    unit: float = 1.0
    """What orders are counted in; the multiple is a multiple of it."""

    @property
    def _step(self) -> int:
        return round(self.order_multiple / self.unit)

    @property
    def smallest(self) -> float:
        """The smallest order the supplier accepts."""
        return self.rounded(self.unit)

    @property
    def cap(self) -> Cap | None:
        """The cap that binds first."""
        return min(self.caps, key=lambda cap: cap.limit) if self.caps else None

    def rounded(self, wanted: float) -> float:
        """At least the minimum, then up to the multiple: in this order, rounding never ends below the minimum."""
        least = max(counts_up(wanted, self.unit), counts_up(self.minimum_order_quantity, self.unit), 1)
        return quantity(up_to_multiple(least, self._step) * self.unit)

    def fitted(self, wanted: float) -> float:
        """`rounded`, then down to the largest multiple within the caps; 0 if the supplier accepts no such order."""
        rounded, cap = self.rounded(wanted), self.cap
        if cap is None or rounded <= cap.limit:
            return rounded
        within = quantity(counts_down(cap.limit, self.unit) // self._step * self._step * self.unit)
        return within if within >= self.smallest else 0


def pack_size(product: Product) -> float | None:
    """Units in one purchase unit; None where it is bought by the unit."""
    bought_in_packs = product.purchase_unit or product.units_per_purchase_unit != 1
    return product.units_per_purchase_unit if bought_in_packs else None


def order_multiple(product: Product) -> float:
    """Of how many units an order of the product is a multiple."""
    unit, step = order_step(product.unit_size, product.order_multiple, pack_size(product))
    return quantity(step * unit)


def order_rules(facts: ProductFacts, *, mean_per_day: float, lead_time_days: float, position: float) -> OrderRules:
    """The rules of a product with this demand and inventory position."""
    product = facts.product
    unit, step = order_step(product.unit_size, product.order_multiple, pack_size(product))
    caps: list[Cap] = []
    if product.maximum_order_quantity is not None:
        caps.append(Cap(product.maximum_order_quantity, "the supplier's maximum order"))
    if (days := product.maximum_cover_days) is not None:
        caps.append(cover_cap(mean_per_day=mean_per_day, maximum_cover_days=days, position=position, unit=unit))
    if (life := product.shelf_life_days) is not None:
        lead = lead_time_days
        cap = shelf_life_cap(
            mean_per_day=mean_per_day, shelf_life_days=life, lead_time_days=lead, position=position, unit=unit
        )
        caps.append(cap)
    if product.budget is not None and product.unit_price is not None:
        price, breaks = product.unit_price, product.price_breaks
        affordable = budget_cap(budget=product.budget, unit_price=price, price_breaks=breaks, unit=unit)
        caps += [] if affordable is None else [affordable]
    return OrderRules(product.minimum_order_quantity, quantity(step * unit), tuple(caps), unit)


def cover_cap(*, mean_per_day: float, maximum_cover_days: float, position: float, unit: float = 1.0) -> Cap:
    """Position and order together may cover at most so many days of mean demand."""
    room = mean_per_day * maximum_cover_days - position
    return Cap(permitted_units(room, unit), f"a maximum cover of {maximum_cover_days:g} days")


def shelf_life_cap(
    *, mean_per_day: float, shelf_life_days: float, lead_time_days: float, position: float, unit: float = 1.0
) -> Cap:
    """What is left on arrival and the order together must sell within the shelf life."""
    left = max(0.0, position - mean_per_day * lead_time_days)
    room = mean_per_day * shelf_life_days - left
    return Cap(permitted_units(room, unit), f"a shelf life of {shelf_life_days:g} days")


def budget_cap(
    *, budget: Decimal, unit_price: Decimal, price_breaks: Sequence[PriceBreak] = (), unit: float = 1.0
) -> Cap | None:
    """The largest quantity whose whole price is within the budget; None when the price is 0."""
    tiers = price_tiers(unit_price, price_breaks, unit)
    affordable = 0
    for index, (start, price) in enumerate(tiers):
        if price == 0:
            return None
        end = counts_up(tiers[index + 1][0], unit) - 1 if index + 1 < len(tiers) else inf
        most = min(int((budget / price / Decimal(repr(unit))).to_integral_value(ROUND_FLOOR)), end)
        affordable = int(most) if most >= counts_up(start, unit) else affordable
    return Cap(quantity(affordable * unit), f"a budget of {budget:f}")


@dataclass(slots=True)
class QuantityDecision:
    """What to order, and between which bounds another quantity may be proposed. All 0 when `infeasible`."""

    quantity: float
    minimum: float
    maximum: float
    wanted: float
    """Before the caps."""
    cap: Cap | None
    """The cap that made it smaller."""
    infeasible: str | None


def decide_quantity(*, need: float, economic: float, spare: float, rules: OrderRules) -> QuantityDecision:
    """max(need, EOQ, MOQ, 1), up to the multiple, within the caps.

    `need` is order-up-to level − position, `economic` the EOQ or 0, `spare` how much above the need a proposal may be.
    """
    wanted = rules.rounded(max(need, economic))
    fitted, cap = rules.fitted(wanted), rules.cap
    if cap is not None and fitted == 0:
        return QuantityDecision(0, 0, 0, wanted, cap, _conflict(rules, cap))
    minimum, maximum = rules.fitted(need), max(fitted, rules.fitted(need + spare))
    return QuantityDecision(fitted, minimum, maximum, wanted, cap if fitted < wanted else None, None)


def _conflict(rules: OrderRules, cap: Cap) -> str:
    return (
        f"The supplier's smallest order is {rules.smallest} (minimum {rules.minimum_order_quantity}, multiple of "
        f"{rules.order_multiple}), but {cap.reason} permits {cap.limit}. Change one of the two."
    )


def price_tiers(
    unit_price: Decimal, price_breaks: Iterable[PriceBreak], unit: float = 1.0
) -> list[tuple[float, Decimal]]:
    """(first quantity, unit price) of every tier, by quantity; the first begins with one unit."""
    tiers = {quantity(unit): unit_price}
    for tier in price_breaks:
        tiers[tier.minimum_quantity] = tier.unit_price
    return sorted(tiers.items())


def unit_price_at(quantity: float, *, unit_price: Decimal | None, price_breaks: Sequence[PriceBreak]) -> Decimal | None:
    """The price of every unit of an order of `quantity`; None where no price applies."""
    reached = [tier for tier in price_breaks if tier.minimum_quantity <= quantity * (1 + ROUNDING)]
    return max(reached, key=attrgetter("minimum_quantity")).unit_price if reached else unit_price


def eoq(*, order_cost: float, holding_cost: float, annual_demand: float) -> float:
    """√(2·K·D/h): the quantity that minimises ordering plus holding cost. (Harris, 1913)

    `holding_cost` is money per unit and year, above 0.

    >>> round(eoq(order_cost=8, holding_cost=0.225, annual_demand=1300), 4)
    304.0468
    """
    return sqrt(2 * order_cost * annual_demand / holding_cost)


@dataclass(frozen=True, slots=True)
class OrderCost:
    """A quantity per order and its cost per year."""

    order_quantity: float
    cost: float


def eoq_all_units_discount(
    *,
    order_cost: float,
    holding_rate: float,
    annual_demand: float,
    breakpoints: Sequence[float],
    unit_costs: Sequence[float],
) -> OrderCost:
    """The cheapest quantity where the tier that an order reaches prices all of its units.

    `breakpoints` start at 0 and rise; holding costs `holding_rate`, above 0, of the unit cost a year. The cost includes
    the purchase. (Snyder & Shen, 2019, 3.4.1)
    """
    best = OrderCost(0.0, inf)
    for start, end, price in zip(breakpoints, [*breakpoints[1:], inf], unit_costs, strict=True):
        holding = holding_rate * price
        ideal = eoq(order_cost=order_cost, holding_cost=holding, annual_demand=annual_demand) if holding else start
        quantity = max(start, ideal)
        if 0 < quantity < end:
            cost = price * annual_demand + order_cost * annual_demand / quantity + holding * quantity / 2
            best = min(best, OrderCost(quantity, cost), key=lambda option: option.cost)
    return best


def economic_quantity(product: Product, *, annual_demand: float) -> float:
    """The product's EOQ; 0 where its order cost, holding rate or price is not known."""
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
