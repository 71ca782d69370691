"""A catalogue for today's list. The scan finds at once what is at rest: where nothing is to be ordered."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from math import isnan
from typing import Any

from tools.book.stock import OwnOrders
from tools.catalog.block import Block, OrdersByPlace, block_of
from tools.catalog.live import count_in, taught, with_orders
from tools.catalog.snapshot import Place, Snapshot
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.scan import PlanColumns, scan
from tools.records.errors import InvalidInput
from tools.records.facts import OpenOrder, ProductFacts, Supplier
from tools.records.text import clean_facts
from tools.sweep.today_rows import Figures, Label, Sales


class Source:
    """The catalogue at one moment, with this service's own orders counted."""

    def __init__(self, snapshot: Snapshot, own: OwnOrders) -> None:
        self._snapshot, self._own, self._orders = snapshot, own, OrdersByPlace(own)
        self.places, self.missing = snapshot.places, snapshot.missing
        ordered = {(order.product_id, order.location) for order in own.open}
        self._with_orders = ordered | {(line["product_id"], line["location"]) for line in snapshot.lines}
        self.facts = cache(self._facts)

    def at_rest(self) -> dict[Place, Figures]:
        """The figures of places of which is known already that nothing is to be ordered."""
        try:
            return figures_at_rest(block_of(self._snapshot, self._own))
        except InvalidInput:  # One product's terms or demand are impossible; its row will say which.
            return {}

    def touched(self) -> Mapping[Place, object]:
        """What this service's own orders say of places, where they say something. A row stays as it is while this is
        the same, and the catalogue too."""
        by_product: dict[str, list[object]] = defaultdict(list)
        for order in self._own.open:
            by_product[order.product_id].append(order)
        for (product_id, location), units in self._own.moved.items():
            by_product[product_id].append((location, units))
        lead_times = self._own.lead_times
        said = (
            (place, (by_product.get(place[0]), lead_times.get(self._snapshot.supplier_id(place[0]))))
            for place in self.places
        )
        return {place: words for place, words in said if any(words)}

    def label(self, place: Place) -> Label:
        product, supplier = self._snapshot.product(place[0]), self._snapshot.supplier(place[0])
        named = (product.name, place[1], product.category, supplier.id, supplier.name)
        return Label(product.id, *named, product.currency, product.unit)

    def open_orders(self, place: Place) -> tuple[OpenOrder, ...]:
        if place not in self._with_orders or self.missing(place):
            return ()
        stock, supplier = self._snapshot.stock_at(place), self._snapshot.supplier(place[0])
        counted, _ = count_in(stock, supplier, place[0], self._orders.at(place))
        return counted.open_orders

    def supplier(self, place: Place) -> Supplier:
        """The product's supplier, with the lead times of its receipts."""
        known = self._snapshot.supplier(place[0])
        return taught(known, self._own.lead_times.get(known.id, ()))

    def sales(self, place: Place, day: date) -> Sales:
        """Of a place that misses nothing, up to this day."""
        history = self._snapshot.histories[place]
        return Sales(history.last_sale, history.sold_since(day - timedelta(30)))

    def _facts(self, place: Place) -> ProductFacts:
        return with_orders(clean_facts(self._snapshot.facts(place)), self._orders.at(place))


def figures_at_rest(block: Block) -> dict[Place, Figures]:
    """The places of which the scan can tell that nothing is to be ordered."""
    if not block.places:
        return {}
    found = scan(block.demand, block.terms, promotions=block.promotions, learned=block.learned)
    resting = (found.order_quantity == 0) & ~block.alone
    columns = _columns(block, found)
    return {block.places[row]: Figures(*(column[row] for column in columns)) for row in resting.nonzero()[0].tolist()}


def _columns(block: Block, found: PlanColumns) -> list[list[Any]]:
    """The columns of `Figures`, NaN as None."""
    terms = block.terms
    plan = (found.inventory_position, found.reorder_point, found.mean_per_day)
    money = (found.days_until_stockout, found.lost_revenue_per_day)
    supply = (found.safety_stock, terms.lead_time_days)
    numbers = [
        [None if isnan(value) else value for value in column.tolist()]  # type: ignore[union-attr]  # block's are arrays
        for column in (terms.on_hand, terms.on_order, *plan, *money, *supply, terms.on_hand * terms.unit_price)
    ]
    classes = [DEMAND_CLASSES[code] for code in found.demand_class.tolist()]
    return [*numbers[:-1], classes, numbers[-1]]
