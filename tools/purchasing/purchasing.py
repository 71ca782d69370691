"""Purchase orders with what would fill them up."""

import asyncio
from datetime import date
from typing import Any

from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.filters import Filters
from tools.catalog.present import PresentCatalog
from tools.purchasing.documents import Document
from tools.purchasing.filling import FillUp, fill_up
from tools.purchasing.store import DocumentStore


class Purchasing:
    """Every way in goes through here to what needs facts; the rest is in `documents`."""

    def __init__(self, book: OrderBook) -> None:
        self.documents = DocumentStore(book.database)
        self._catalogs = PresentCatalog(book).by_mode

    async def filters(self, *, day: date | None, **others: Any) -> Filters:
        """What a list of orders or reviews is narrowed to. `day` is one of the catalogue's time zone."""
        since, until = (None, None) if day is None else await self.documents.span(day)
        return Filters(since=since, until=until, **others)

    async def fill_up(self, document: Document) -> tuple[FillUp, ...]:
        """What would bring a draft to its supplier's minimum or, where it has that, to free freight. Empty where
        nothing is missing, or that cannot be said."""
        missing = document.missing_to_minimum or document.missing_to_free_freight
        catalog = self._catalogs.get(document.mode)
        if not missing or catalog is None:
            return ()
        theirs = await catalog.all_facts(document.supplier_id)
        near = [facts for facts in theirs if facts.stock.location == document.location]
        lines = {line.product_id for line in document.lines}
        # A supplier may have thousands of products.
        return await asyncio.to_thread(fill_up, near, missing=missing, currency=document.currency, skip=lines)

    async def send(self, number: str, version: str, *, by: Actor, below_minimum: bool = False) -> Document:
        """As `DocumentStore.send`. A refusal below the minimum names what would fill the document up."""
        document = await self.documents.get(number)
        ways = await self.fill_up(document) if document.lacks_minimum and not below_minimum else ()
        return await self.documents.send(
            number, version, by=by, below_minimum=below_minimum, fill_up=[way.words for way in ways]
        )
