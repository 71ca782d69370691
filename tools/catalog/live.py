"""A catalogue whose stock counts this service's own open orders."""

from datetime import UTC, datetime

from tools.book.book import OrderBook
from tools.catalog.sources import Catalog
from tools.records.facts import Mode, OpenOrder, ProductFacts
from tools.records.orders import Order


class LiveCatalog:
    """A catalogue with the order book's open orders added to the stock of its products.

    Without them a second run would order again what the first has ordered.
    """

    def __init__(self, catalog: Catalog, book: OrderBook, mode: Mode) -> None:
        self._catalog, self._book, self._mode = catalog, book, mode

    async def facts(self, product_id: str, location: str | None = None) -> ProductFacts:
        return (await self.family(product_id, location))[0]

    async def family(self, product_id: str, location: str | None = None) -> tuple[ProductFacts, ...]:
        family = await self._catalog.family(product_id, location)
        orders = await self._book.orders.open(product_id, None, self._mode)
        return tuple(with_orders(facts, orders) for facts in family)

    async def all_facts(self) -> tuple[ProductFacts, ...]:
        everything = await self._catalog.all_facts()
        orders = await self._book.orders.open(None, None, self._mode)
        return tuple(with_orders(facts, orders) for facts in everything)

    async def product_ids(self) -> tuple[str, ...]:
        return await self._catalog.product_ids()


def with_orders(facts: ProductFacts, orders: list[Order]) -> ProductFacts:
    """The facts with these orders of the product counted: orders to this location are on order, transfers out of it are
    stock already given away."""
    mine = [order for order in orders if order.product_id == facts.product.id]
    incoming = tuple(_as_open(order) for order in mine if order.location == facts.stock.location)
    outgoing = sum(_units(order) for order in mine if order.source_location == facts.stock.location)
    if not incoming and not outgoing:
        return facts
    stock = facts.stock.model_copy(
        update={
            "open_orders": facts.stock.open_orders + incoming,
            "on_hand": max(0.0, facts.stock.on_hand - outgoing),
        }
    )
    return facts.model_copy(update={"stock": stock})


def _as_open(order: Order) -> OpenOrder:
    now = datetime.now(UTC)
    return OpenOrder(
        reference=order.number,
        quantity=_units(order),
        due_in_days=(order.due_at - now).total_seconds() / 86_400,
        placed_days_ago=max(0.0, (now - order.created_at).total_seconds() / 86_400),
        placed_here=True,
    )


def _units(order: Order) -> int:
    return sum(line.quantity for line in order.items)
