"""What would fill a draft up to its supplier's minimum: a proposal for a person, never an order by itself."""

from collections.abc import Collection, Iterable
from decimal import Decimal

from tools.planning.order_quantity import decide_quantity, unit_price_at
from tools.planning.working import Working, work_out
from tools.records.errors import InvalidInput
from tools.records.facts import AS_THINGS_ARE, CurrencyCode, ProductFacts, ProductId, Record
from tools.records.quantities import cost
from tools.records.text import amount, money


class FillUp(Record):
    """A product that would be ordered soon anyway."""

    product_id: ProductId
    name: str
    """The product's name."""
    quantity: float
    """Units to order, in the supplier's minimum and multiple."""
    unit_price: Decimal
    """Price of each unit at this quantity."""
    value: Decimal
    """quantity × unit_price."""
    currency: CurrencyCode
    days_to_reorder_point: float
    """Days until its position falls to its reorder point, at mean demand; 0 where it has."""

    @property
    def words(self) -> str:
        return f"{amount(self.quantity)} × {self.product_id} ({money(self.value, self.currency)})"


def fill_up(
    everything: Iterable[ProductFacts], *, missing: Decimal, currency: str, skip: Collection[str] = ()
) -> tuple[FillUp, ...]:
    """Products whose value together reaches what is `missing`, or all there are; nearest to the reorder point first.

    `everything` are facts of one supplier and location. Each product brings what it sells in its protection interval at
    the most, within its caps. Left out are those to `skip`, those without demand, and those without a price in
    `currency`.
    """
    chosen: list[FillUp] = []
    for days, working in sorted(_candidates(everything, currency, skip), key=lambda each: each[0]):
        if missing <= 0:
            break
        found = _line(working, missing, days)
        if found is not None:
            chosen.append(found)
            missing -= found.value
    return tuple(chosen)


def _candidates(
    everything: Iterable[ProductFacts], currency: str, skip: Collection[str]
) -> Iterable[tuple[float, Working]]:
    for facts in everything:
        product = facts.product
        if product.id in skip or product.currency != currency or not product.unit_price:
            continue
        try:
            working = work_out(facts, AS_THINGS_ARE)
        except InvalidInput:
            continue  # It cannot be planned; today's list says why.
        if working.mean_per_day > 0:
            yield max(0.0, working.position.units - working.reorder_point) / working.mean_per_day, working


def _line(working: Working, missing: Decimal, days: float) -> FillUp | None:
    """As much as is missing, if the product sells that much in an interval."""
    product = working.facts.product
    price = product.unit_price or Decimal(0)
    needs = (float(missing / price), working.mean_demand)
    quantity = min(decide_quantity(need=need, economic=0, spare=0, rules=working.rules).quantity for need in needs)
    if not quantity:
        return None
    price = unit_price_at(quantity, unit_price=price, price_breaks=product.price_breaks) or price
    return FillUp(
        product_id=product.id,
        name=product.name,
        quantity=quantity,
        unit_price=price,
        value=cost(price, quantity),
        currency=product.currency,
        days_to_reorder_point=round(days, 1),
    )
