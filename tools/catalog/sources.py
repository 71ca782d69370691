"""Catalogues: where facts about products come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Protocol

from tools.catalog.sample.reader import read_sample
from tools.catalog.snapshot import Place, Snapshot
from tools.records.errors import InvalidInput, UnknownLocation, UnknownProduct
from tools.records.facts import ProductFacts
from tools.records.text import ID_LIMIT, clean_facts, clean_text


class Catalog(Protocol):
    """Products by id and location. `location=None` is the product's home, the first location it is listed at."""

    async def family(self, product_id: str, location: str | None = None) -> tuple[ProductFacts, ...]:
        """One product at one location, followed by the product at its other locations, from where it could be
        transferred. Raises UnknownProduct or UnknownLocation when there is none."""
        ...

    async def all_facts(self, supplier_id: str | None = None) -> tuple[ProductFacts, ...]:
        """Every product at every location, or those of one supplier."""
        ...


class SnapshotCatalog(ABC):
    """A catalogue over the rows of a snapshot."""

    @abstractmethod
    async def snapshot(self, product_id: str | None = None) -> Snapshot:
        """All rows, or those at least that one product needs."""

    @abstractmethod
    async def product_ids(self) -> tuple[str, ...]: ...

    async def facts(self, product_id: str, location: str | None = None) -> ProductFacts:
        return (await self.family(product_id, location))[0]

    async def family(self, product_id: str, location: str | None = None) -> tuple[ProductFacts, ...]:
        """Raises UnknownProduct, UnknownLocation, and MissingFacts where the asked one cannot be planned."""
        snapshot = await self.snapshot(product_id)
        if product_id not in snapshot.products:
            raise self.unknown(product_id, await self.product_ids())
        places = [place for place in snapshot.places if place[0] == product_id]
        asked = places[0] if location is None else (product_id, location)
        if asked not in places:
            raise no_location(product_id, asked[1], [place for _, place in places])
        others = [place for place in places if place != asked and not snapshot.missing(place)]
        return tuple(self.facts_at(snapshot, place) for place in (asked, *others))

    async def all_facts(self, supplier_id: str | None = None) -> tuple[ProductFacts, ...]:
        """Every product at every location, or those of one supplier, that can be planned."""
        snapshot = await self.snapshot()
        chosen = (place for place in snapshot.places if supplier_id in (None, snapshot.supplier_id(place[0])))
        return tuple(self.facts_at(snapshot, place) for place in chosen if not snapshot.missing(place))

    def unknown(self, product_id: str, known: tuple[str, ...]) -> InvalidInput | UnknownProduct:
        return no_product(product_id, known)

    def facts_at(self, snapshot: Snapshot, place: Place) -> ProductFacts:
        return clean_facts(snapshot.facts(place))


class SampleCatalog(SnapshotCatalog):
    """The sample catalogue of the package. Its history always ends yesterday.

    `today` fixes the date. Without it the dates move on at midnight (UTC).
    """

    def __init__(self, *, today: date | None = None) -> None:
        self._today = today
        _sample_on(self._day)

    @property
    def _day(self) -> date:
        return self._today or datetime.now(UTC).date()

    async def snapshot(self, product_id: str | None = None) -> Snapshot:
        return _sample_on(self._day)

    async def product_ids(self) -> tuple[str, ...]:
        return tuple(_sample_on(self._day).products)

    def facts_at(self, snapshot: Snapshot, place: Place) -> ProductFacts:
        return _facts_on(snapshot.settings.today, place)


@lru_cache(maxsize=2)
def _sample_on(today: date) -> Snapshot:
    return read_sample(today)


@lru_cache(maxsize=256)
def _facts_on(today: date, place: Place) -> ProductFacts:
    return clean_facts(_sample_on(today).facts(place))


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
