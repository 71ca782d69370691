"""How much to order: what the supplier's rules, the planner's caps and the economic quantity make of the need.

Counts are integers. The economic quantity has rates per year, costs per order and per unit and year, as floats.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from math import ceil, floor, inf, sqrt

from tools.planning.demand import LARGEST_QUANTITY
from tools.records.facts import PriceBreak, Product, ProductFacts
from tools.records.quantities import fuzz


def whole_units(need: float) -> int:
    """Round a need up to whole units; a rounding error of the float is not a unit.

    >>> whole_units(747.57), whole_units(748.0000000001), whole_units(-3.2)
    (748, 748, 0)
    """
    return max(0, ceil(need - fuzz(need)))


def units_above(need: float) -> int:
    """The fewest whole units above a need.

    An order must end above the reorder point: at it, the next one would be due at once.

    >>> units_above(747.57), units_above(748.0), units_above(0)
    (748, 749, 1)
    """
    return max(0, floor(need + fuzz(need))) + 1


def permitted_units(room: float) -> int:
    """Round room down to whole units, forgiving a float's rounding error; never below 0."""
    return max(0, floor(room + fuzz(room)))


def up_to_multiple(quantity: int, multiple: int) -> int:
    """
    >>> up_to_multiple(101, 25), up_to_multiple(100, 25)
    (125, 100)
    """
    return -(-quantity // multiple) * multiple


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that may be ordered, and why."""

    limit: int
    reason: str


@dataclass(slots=True)
class OrderRules:
    """What the supplier accepts and the planner permits."""

    minimum_order_quantity: int = 0
    order_multiple: int = 1
    caps: tuple[Cap, ...] = ()

    @property
    def smallest(self) -> int:
        """The smallest order the supplier accepts."""
        return self.rounded(1)

    @property
    def cap(self) -> Cap | None:
        """The cap that binds first."""
        return min(self.caps, key=lambda cap: cap.limit) if self.caps else None

    def rounded(self, quantity: int) -> int:
        """At least the minimum, then up to the multiple: in this order, rounding never ends below the minimum."""
        return up_to_multiple(max(quantity, self.minimum_order_quantity, 1), self.order_multiple)

    def fitted(self, quantity: int) -> int:
        """`rounded`, then down to the largest multiple within the caps; 0 if the supplier accepts no such order."""
        wanted, cap = self.rounded(quantity), self.cap
        if cap is None or wanted <= cap.limit:
            return wanted
        within = cap.limit // self.order_multiple * self.order_multiple
        return within if within >= self.smallest else 0


def order_rules(facts: ProductFacts, *, mean_per_day: float, lead_time_days: float, position: float) -> OrderRules:
    """The rules of a product with this demand and inventory position."""
    product = facts.product
    caps: list[Cap] = []
    if product.maximum_order_quantity is not None:
        caps.append(Cap(product.maximum_order_quantity, "the supplier's maximum order"))
    if (days := product.maximum_cover_days) is not None:
        caps.append(cover_cap(mean_per_day=mean_per_day, maximum_cover_days=days, position=position))
    if (life := product.shelf_life_days) is not None:
        lead = lead_time_days
        caps.append(
            shelf_life_cap(mean_per_day=mean_per_day, shelf_life_days=life, lead_time_days=lead, position=position)
        )
    if product.budget is not None and product.unit_price is not None:
        cap = budget_cap(budget=product.budget, unit_price=product.unit_price, price_breaks=product.price_breaks)
        caps += [] if cap is None else [cap]
    return OrderRules(product.minimum_order_quantity, product.order_multiple, tuple(caps))


def cover_cap(*, mean_per_day: float, maximum_cover_days: float, position: float) -> Cap:
    """Position and order together may cover at most so many days of mean demand."""
    room = mean_per_day * maximum_cover_days - position
    return Cap(permitted_units(room), f"a maximum cover of {maximum_cover_days:g} days")


def shelf_life_cap(*, mean_per_day: float, shelf_life_days: float, lead_time_days: float, position: float) -> Cap:
    """What is left on arrival and the order together must sell within the shelf life."""
    left = max(0.0, position - mean_per_day * lead_time_days)
    return Cap(permitted_units(mean_per_day * shelf_life_days - left), f"a shelf life of {shelf_life_days:g} days")


def budget_cap(*, budget: Decimal, unit_price: Decimal, price_breaks: Sequence[PriceBreak] = ()) -> Cap | None:
    """The largest quantity whose whole price is within the budget; None when the price is 0."""
    tiers = price_tiers(unit_price, price_breaks)
    affordable = 0
    for index, (start, price) in enumerate(tiers):
        if price == 0:
            return None
        end = tiers[index + 1][0] - 1 if index + 1 < len(tiers) else inf
        most = min(int((budget / price).to_integral_value(ROUND_FLOOR)), end)
        affordable = int(most) if most >= start else affordable
    return Cap(affordable, f"a budget of {budget:f}")


@dataclass(slots=True)
class QuantityDecision:
    """What to order, and between which bounds another quantity may be proposed. All 0 when `infeasible`."""

    quantity: int
    minimum: int
    maximum: int
    wanted: int
    """Before the caps."""
    cap: Cap | None
    """The cap that made it smaller."""
    infeasible: str | None


def decide_quantity(*, need: float, economic: float, spare: float, rules: OrderRules) -> QuantityDecision:
    """max(need, EOQ, MOQ, 1), up to the multiple, within the caps.

    `need` is order-up-to level − position, `economic` the EOQ or 0, `spare` how much above the need a proposal may be.
    """
    needed = whole_units(need)
    wanted = rules.rounded(max(needed, whole_units(economic)) if economic else needed)
    quantity, cap = rules.fitted(wanted), rules.cap
    if cap is not None and quantity == 0:
        return QuantityDecision(0, 0, 0, wanted, cap, _conflict(rules, cap))
    minimum = rules.fitted(needed)
    maximum = max(quantity, rules.fitted(whole_units(need + spare)))
    return QuantityDecision(quantity, minimum, maximum, wanted, cap if quantity < wanted else None, None)


def _conflict(rules: OrderRules, cap: Cap) -> str:
    return (
        f"The supplier's smallest order is {rules.smallest} (minimum {rules.minimum_order_quantity}, multiple of "
        f"{rules.order_multiple}), but {cap.reason} permits {cap.limit}. Change one of the two."
    )


def price_tiers(unit_price: Decimal, price_breaks: Iterable[PriceBreak]) -> list[tuple[int, Decimal]]:
    """(first quantity, unit price) of every tier, by quantity."""
    tiers = {1: unit_price}
    for tier in price_breaks:
        tiers[tier.minimum_quantity] = tier.unit_price
    return sorted(tiers.items())


def unit_price_at(quantity: int, *, unit_price: Decimal | None, price_breaks: Sequence[PriceBreak]) -> Decimal | None:
    """The price of every unit of an order of `quantity`; None where no price applies."""
    price, reached = unit_price, 0
    for tier in price_breaks:
        if reached < tier.minimum_quantity <= quantity:
            price, reached = tier.unit_price, tier.minimum_quantity
    return price


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
