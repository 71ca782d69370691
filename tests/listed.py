"""A source of today's list whose facts are all at hand, and complete."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from tools.catalog.snapshot import Place
from tools.records.facts import OpenOrder, ProductFacts, Supplier
from tools.sweep.today_rows import Figures, Label, Sales


class Listed:
    """In the place of `tools.sweep.source.Source`."""

    def __init__(self, everything: Sequence[ProductFacts]) -> None:
        self._facts = {(facts.product.id, facts.stock.location): facts for facts in everything}
        self.places = tuple(self._facts)

    def missing(self, place: Place) -> str | None:
        return None

    def facts(self, place: Place) -> ProductFacts:
        return self._facts[place]

    def label(self, place: Place) -> Label:
        facts = self._facts[place]
        product, supplier = facts.product, facts.supplier
        named = (product.id, product.name, facts.stock.location, product.category)
        return Label(*named, supplier.id, supplier.name, product.currency, product.unit)

    def open_orders(self, place: Place) -> tuple[OpenOrder, ...]:
        return self._facts[place].stock.open_orders

    def sales(self, place: Place, day: date) -> Sales:
        history = self._facts[place].demand
        end, step = history.last_period or day - timedelta(1), timedelta(history.period_days)
        newest = enumerate(reversed(history.values))
        sold = [(end - ago * step, value) for ago, value in newest if value]
        lately = sum(value for when, value in sold if when >= day - timedelta(30))
        return Sales(sold[0][0] if sold else None, lately)

    def supplier(self, place: Place) -> Supplier:
        return self._facts[place].supplier

    def at_rest(self) -> Mapping[Place, Figures]:
        return {}

    def touched(self) -> Mapping[Place, object]:
        return self._facts
