"""The economic order quantity, with price breaks where there are any. Pure.

Rates per year, costs per order and per unit and year, as floats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

from tools.planning.demand import LARGEST_QUANTITY
from tools.planning.order_quantity import price_tiers
from tools.records.facts import Product


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
