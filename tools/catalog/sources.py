"""Catalogues: where facts about products come from."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Protocol

from tools.catalog.sample.reader import BASE_DATE, read_sample
from tools.records.errors import UnknownLocation, UnknownProduct
from tools.records.facts import ProductFacts
from tools.records.text import ID_LIMIT, clean_facts, clean_text


class Catalog(Protocol):
    """Products by id and location. `location=None` is the product's home, the first location it is listed at."""

    async def facts(self, product_id: str, location: str | None = None) -> ProductFacts:
        """One product at one location; UnknownProduct or UnknownLocation when there is none."""
        ...

    async def family(self, product_id: str, location: str | None = None) -> tuple[ProductFacts, ...]:
        """The same, followed by the product at its other locations, from where it could be transferred."""
        ...

    async def all_facts(self, supplier_id: str | None = None) -> tuple[ProductFacts, ...]:
        """Every product at every location, or those of one supplier."""
        ...

    async def product_ids(self) -> tuple[str, ...]: ...


class SampleCatalog:
    """The sample catalogue of the package. Its history always ends yesterday.

    `today` fixes the date. Without it the dates move on at midnight (UTC).
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

    async def all_facts(self, supplier_id: str | None = None) -> tuple[ProductFacts, ...]:
        everything = self._dated().everything
        return tuple(facts for facts in everything if supplier_id in (None, facts.supplier.id))

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
            raise no_location(product_id, location, places)
        return places[location]

    def family(self, product_id: str, location: str | None) -> tuple[ProductFacts, ...]:
        asked = self.find(product_id, location)
        others = (facts for facts in self._places_of(product_id).values() if facts is not asked)
        return (asked, *others)

    def _places_of(self, product_id: str) -> dict[str, ProductFacts]:
        if product_id not in self._places:
            raise no_product(product_id, self.ids)
        return self._places[product_id]


@lru_cache(maxsize=2)
def _sample_on(today: date) -> Index:
    return Index(_moved(facts, today - BASE_DATE) for facts in _sample())


@lru_cache(maxsize=1)
def _sample() -> tuple[ProductFacts, ...]:
    return tuple(clean_facts(facts) for facts in read_sample())


def _moved(facts: ProductFacts, shift: timedelta) -> ProductFacts:
    """The same facts with the end of the history moved. All else is relative to today already."""
    last = facts.demand.last_period
    demand = facts.demand.model_copy(update={"last_period": last + shift if last else None})
    return facts.model_copy(update={"demand": demand})


def no_product(product_id: str, known: tuple[str, ...]) -> UnknownProduct:
    """The error for an id that no product has, with the nearest known ones."""
    return UnknownProduct(f"No product {_quoted(product_id)}. {_did_you_mean(product_id, known)}")


def no_location(product_id: str, location: str, known: Iterable[str]) -> UnknownLocation:
    return UnknownLocation(f"{_quoted(location)} does not stock {product_id}. It is kept at {_listed(known)}.")


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
