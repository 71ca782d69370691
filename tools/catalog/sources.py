"""Where facts about products come from. Every catalogue answers the same four questions."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Protocol

from tools.catalog.sample.reader import BASE_DATE, read_sample
from tools.records.errors import InvalidInput, UnknownLocation, UnknownProduct
from tools.records.facts import ProductFacts
from tools.records.text import clean_text

ID_LIMIT, NAME_LIMIT, NOTES_LIMIT = 100, 200, 1_000


class Catalog(Protocol):
    """Products by id and location. `location=None` is the product's home, the first location it is listed at."""

    async def facts(self, product_id: str, location: str | None = None) -> ProductFacts:
        """One product at one location; UnknownProduct or UnknownLocation when there is none."""
        ...

    async def family(self, product_id: str, location: str | None = None) -> tuple[ProductFacts, ...]:
        """The same, with the product at its other locations behind it: what could be transferred."""
        ...

    async def all_facts(self) -> tuple[ProductFacts, ...]:
        """Every product at every location."""
        ...

    async def product_ids(self) -> tuple[str, ...]: ...


class SampleCatalog:
    """The sample that ships with the package, dated so that its history always ends yesterday.

    `today` pins the date; without it the dates move on at midnight (UTC) in a process that keeps running.
    """

    def __init__(self, *, today: date | None = None) -> None:
        self._today = today
        self._dated()

    def _dated(self) -> "Index":
        return _sample_on(self._today or datetime.now(UTC).date())

    async def facts(self, product_id: str, location: str | None = None) -> ProductFacts:
        return self._dated().find(product_id, location)

    async def family(self, product_id: str, location: str | None = None) -> tuple[ProductFacts, ...]:
        return self._dated().family(product_id, location)

    async def all_facts(self) -> tuple[ProductFacts, ...]:
        return self._dated().everything

    async def product_ids(self) -> tuple[str, ...]:
        return self._dated().ids


class Index:
    """Facts in memory, in the order given."""

    def __init__(self, facts: Iterable[ProductFacts]) -> None:
        self.everything = tuple(facts)
        self._places: dict[str, dict[str, ProductFacts]] = {}
        for each in self.everything:
            self._places.setdefault(each.product.id, {})[each.stock.location] = each
        self.ids = tuple(self._places)

    def find(self, product_id: str, location: str | None) -> ProductFacts:
        places = self._places_of(product_id)
        if location is None:
            return next(iter(places.values()))
        if location not in places:
            raise UnknownLocation(f"{_quoted(location)} does not stock {product_id}. It is kept at {_listed(places)}.")
        return places[location]

    def family(self, product_id: str, location: str | None) -> tuple[ProductFacts, ...]:
        asked = self.find(product_id, location)
        others = (facts for facts in self._places_of(product_id).values() if facts is not asked)
        return (asked, *others)

    def _places_of(self, product_id: str) -> dict[str, ProductFacts]:
        if product_id not in self._places:
            raise UnknownProduct(f"No product {_quoted(product_id)}. {_did_you_mean(product_id, self.ids)}")
        return self._places[product_id]


def clean_facts(facts: ProductFacts) -> ProductFacts:
    """The same facts with every text cleaned. An id that would change is refused: two ids must not look alike."""
    require_visible_ids(facts)
    product, supplier, stock = facts.product, facts.supplier, facts.stock
    texts = {
        "name": clean_text(product.name, limit=NAME_LIMIT),
        "category": clean_text(product.category, limit=NAME_LIMIT),
        "unit": clean_text(product.unit, limit=NAME_LIMIT),
        "currency": clean_text(product.currency, limit=NAME_LIMIT),
        "notes": clean_text(product.notes, limit=NOTES_LIMIT),
    }
    orders = tuple(
        order.model_copy(update={"reference": clean_text(order.reference, limit=ID_LIMIT)})
        for order in stock.open_orders
    )
    return facts.model_copy(
        update={
            "product": product.model_copy(update=texts),
            "supplier": supplier.model_copy(update={"name": clean_text(supplier.name, limit=NAME_LIMIT)}),
            "stock": stock.model_copy(update={"open_orders": orders}),
        }
    )


def given(facts: ProductFacts, product_id: str, location: str | None) -> ProductFacts:
    """Facts that come with a request, cleaned. Raises UnknownProduct or UnknownLocation where they are of another."""
    return Index([clean_facts(facts)]).find(product_id, location)


def require_visible_ids(facts: ProductFacts) -> None:
    ids = {"product id": facts.product.id, "location": facts.stock.location, "supplier id": facts.supplier.id}
    for name, value in ids.items():
        _require_visible(name, value)


@lru_cache(maxsize=2)
def _sample_on(today: date) -> Index:
    return Index(_moved(facts, today - BASE_DATE) for facts in _sample())


@lru_cache(maxsize=1)
def _sample() -> tuple[ProductFacts, ...]:
    return tuple(clean_facts(facts) for facts in read_sample())


def _moved(facts: ProductFacts, shift: timedelta) -> ProductFacts:
    """The same facts with the history's end moved. Everything else is relative to today already."""
    last = facts.demand.last_period
    demand = facts.demand.model_copy(update={"last_period": last + shift if last else None})
    return facts.model_copy(update={"demand": demand})


def _require_visible(name: str, value: str) -> None:
    if not value or value != clean_text(value, limit=ID_LIMIT):
        raise InvalidInput(
            f"The {name} {_quoted(value)} is empty, longer than {ID_LIMIT} characters or holds invisible or doubled"
            " white space characters; send it without them."
        )


def _did_you_mean(product_id: str, known: tuple[str, ...]) -> str:
    folded = product_id.casefold()
    spelt = [name for name in known if name.casefold() == folded]
    if spelt:
        return f"Did you mean {_listed(spelt)}? Ids that differ in upper and lower case are different products here."
    asked = "_".join(clean_text(product_id, limit=ID_LIMIT).upper().replace("-", " ").split())
    near = get_close_matches(asked, known, n=3, cutoff=0.6) or [name for name in known if asked and asked in name][:3]
    return f"Did you mean {_listed(near)}?" if near else "Search the catalogue for the id you need."


def _quoted(text: str) -> str:
    return repr(clean_text(text, limit=ID_LIMIT))


def _listed(names: Iterable[str]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} or {last}" if rest else last
