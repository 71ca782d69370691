"""Facts that count this service's own orders."""

from datetime import UTC, datetime

from tools.book.book import OrderBook
from tools.book.stock import OwnOrders
from tools.catalog.sources import Catalog
from tools.records.facts import Mode, OpenOrder, ProductFacts, Stock, Supplier
from tools.records.orders import Order

PLAUSIBLE_SHARE = 0.1
"""Of the promised lead time."""


class LiveCatalog:
    """A catalogue that counts the order book's orders: open ones are on the way, receipts are in stock and teach the
    supplier's lead time. Without them a second run would order again what the first has ordered."""

    def __init__(self, catalog: Catalog, book: OrderBook, mode: Mode) -> None:
        self._catalog, self._book, self._mode = catalog, book, mode

    async def facts(self, product_id: str, location: str | None = None) -> ProductFacts:
        return (await self.family(product_id, location))[0]

    async def family(self, product_id: str, location: str | None = None) -> tuple[ProductFacts, ...]:
        family = await self._catalog.family(product_id, location)
        suppliers = {facts.supplier.id for facts in family}
        own = await self._book.stock.of_catalogue(self._mode, product_id, suppliers)
        return tuple(with_orders(facts, own) for facts in family)

    async def all_facts(self, supplier_id: str | None = None) -> tuple[ProductFacts, ...]:
        everything = await self._catalog.all_facts(supplier_id)
        own = await self._book.stock.of_catalogue(self._mode)
        return tuple(with_orders(facts, own) for facts in everything)


def with_own_orders(facts: ProductFacts, own: OwnOrders) -> ProductFacts:
    """The facts of a caller with our open orders counted, named by the caller or not. Lead times of earlier receipts
    stand in where the caller gives none."""
    return with_orders(facts, OwnOrders(own.open) if facts.supplier.observed_lead_times_days else own)


def with_orders(facts: ProductFacts, own: OwnOrders) -> ProductFacts:
    """The facts with our orders counted. An order that is among the facts already counts once, with the smaller of both
    quantities: its receipts may not be reported here yet."""
    stock, supplier = count_in(facts.stock, facts.supplier, facts.product.id, own)
    if stock is facts.stock and supplier is facts.supplier:
        return facts
    return facts.model_copy(update={"stock": stock, "supplier": supplier})


def count_in(stock: Stock, supplier: Supplier, product_id: str, own: OwnOrders) -> tuple[Stock, Supplier]:
    """The stock and the supplier of a product with our orders counted."""
    place = (product_id, stock.location)
    incoming = [order for order in own.open if (order.product_id, order.location) == place]
    moved, learned = own.moved.get(place, 0), own.lead_times.get(supplier.id, ())
    if incoming or moved:
        on_hand = max(0.0, stock.on_hand + moved)
        stock = stock.model_copy(update={"open_orders": _counted(stock, incoming), "on_hand": on_hand})
    return stock, taught(supplier, learned)


def _counted(stock: Stock, incoming: list[Order]) -> tuple[OpenOrder, ...]:
    named = {order.reference: order.quantity for order in stock.open_orders}
    ours = [as_open(order, named.get(order.number)) for order in incoming]
    numbers = {order.number for order in incoming}
    return (*(order for order in stock.open_orders if order.reference not in numbers), *ours)


def taught(supplier: Supplier, learned: tuple[float, ...]) -> Supplier:
    """The supplier with lead times of receipts added to those known. One far shorter than was promised tells that an
    order was marked as sent, or placed here, when it had nearly come; it teaches nothing."""
    learned = tuple(days for days in learned if days >= PLAUSIBLE_SHARE * (supplier.promised_lead_time_days or 0))
    if not learned:
        return supplier
    times = {"observed_lead_times_days": supplier.observed_lead_times_days + learned}
    if supplier.observed_lateness_days or supplier.usual_lateness_days:
        late = tuple(days - supplier.promised_lead_time_days for days in learned)
        times["observed_lateness_days"] = supplier.observed_lateness_days + late
    return supplier.model_copy(update=times)


def as_open(order: Order, named: float | None = None) -> OpenOrder:
    """The order as facts have it, with the quantity that the caller `named` for it if that is less."""
    now = datetime.now(UTC)
    due_in_days = -order.days_overdue or (order.due_at - now).total_seconds() / 86_400
    return OpenOrder(
        reference=order.number,
        quantity=order.remaining if named is None else min(named, order.remaining),
        due_in_days=due_in_days,
        placed_days_ago=max(0.0, (now - order.created_at).total_seconds() / 86_400),
        placed_here=True,
        received=order.received_quantity,
        cover_days=order.cover_days,
    )
