"""The model's look at one product."""

from typing import Any

from tools.catalog.products import Location, ProductId, Products, number, numbers, shown_orders
from tools.planning.order_quantity import order_multiple, pack_size

RECENT_PERIODS = 14
RECENT_LEAD_TIMES = 10


async def get_product(products: Products, product_id: ProductId, location: Location = None) -> dict[str, Any]:
    """Look up a product: stock, open orders, supplier, lead times, price, order rules, recent demand."""
    facts, *siblings = await products.family(product_id, location)
    product, supplier, stock = facts.product, facts.supplier, facts.stock
    pack = number(pack_size(product), 6)
    return {
        "product_id": product.id,
        "name": product.name,
        "category": product.category,
        "unit": product.unit,
        "notes": product.notes,
        "location": stock.location,
        "other_locations": [{"location": s.stock.location, "on_hand": number(s.stock.on_hand)} for s in siblings],
        "price_breaks": [
            {"minimum_quantity": each.minimum_quantity, "unit_price": float(each.unit_price)}
            for each in product.price_breaks
        ],
        "unit_price": None if product.unit_price is None else float(product.unit_price),
        "currency": product.currency,
        "minimum_order_quantity": product.minimum_order_quantity,
        "unit_size": number(product.unit_size, 6),
        "order_multiple": order_multiple(product),
        **({"purchase_unit": product.purchase_unit, "units_per_purchase_unit": pack} if pack else {}),
        "on_hand": number(stock.on_hand),
        "backorders": number(stock.backorders),
        "open_orders": shown_orders(stock.open_orders),
        "supplier": {
            "name": supplier.name,
            "promised_lead_time_days": number(supplier.promised_lead_time_days),
            "observed_lead_times_days": numbers(supplier.observed_lead_times_days[-RECENT_LEAD_TIMES:], digits=1),
        },
        "recent_demand": numbers(facts.demand.values[-RECENT_PERIODS:]),
        "periods": len(facts.demand.values),
    }
