"""The catalogue that chats, lists and sweeps are about."""

from tools.catalog.own import OwnCatalog
from tools.catalog.sources import Catalog
from tools.records.facts import Mode, ProductFacts


class PresentCatalog:
    """The planner's own catalogue as soon as it has a product, and the sample before."""

    def __init__(self, own: OwnCatalog, *, live: Catalog, sample: Catalog) -> None:
        self._own, self._live, self._sample = own, live, sample

    async def mode(self) -> Mode:
        """The mode of requests about its products."""
        return "database" if await self._own.has_products() else "mock"

    async def facts(self, product_id: str, location: str | None = None) -> ProductFacts:
        return await (await self._present()).facts(product_id, location)

    async def family(self, product_id: str, location: str | None = None) -> tuple[ProductFacts, ...]:
        return await (await self._present()).family(product_id, location)

    async def all_facts(self) -> tuple[ProductFacts, ...]:
        return await (await self._present()).all_facts()

    async def product_ids(self) -> tuple[str, ...]:
        return await (await self._present()).product_ids()

    async def _present(self) -> Catalog:
        return self._live if await self.mode() == "database" else self._sample
