"""The catalogue that chats, lists and sweeps are about."""

from collections.abc import Mapping

from tools.book.book import OrderBook
from tools.catalog.demand_table import DemandTable
from tools.catalog.live import LiveCatalog
from tools.catalog.own import OwnCatalog
from tools.catalog.own_table import own_table, sample_table
from tools.catalog.sources import Catalog, SampleCatalog, SnapshotCatalog
from tools.records.facts import Mode, ProductFacts


class PresentCatalog:
    """The planner's own catalogue as soon as it has a product, and the sample before."""

    def __init__(self, book: OrderBook) -> None:
        self.own = OwnCatalog(book.database)
        self.plain: Mapping[Mode, SnapshotCatalog] = {"mock": SampleCatalog(), "database": self.own}
        self.by_mode: Mapping[Mode, Catalog] = {
            mode: LiveCatalog(catalog, book, mode) for mode, catalog in self.plain.items()
        }
        """Both, with this service's own orders counted."""

    async def mode(self) -> Mode:
        """The mode of requests about its products."""
        return "database" if await self.own.has_products() else "mock"

    async def family(self, product_id: str, location: str | None = None) -> tuple[ProductFacts, ...]:
        return await self.by_mode[await self.mode()].family(product_id, location)

    async def past_demand(self) -> tuple[DemandTable, str]:
        """Past demand of its products, and what to call the catalogue. Raises InvalidInput where there is none."""
        if not await self.own.has_products():
            return sample_table(), "the sample catalogue"
        return own_table(await self.own.snapshot()), "your catalogue"
