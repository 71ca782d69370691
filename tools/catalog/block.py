"""Every product of the own catalogue at every location, as columns for the scan."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.book.stock import OwnOrders
from tools.catalog.demand_table import right_aligned
from tools.catalog.live import count_in
from tools.catalog.snapshot import Place, Snapshot
from tools.planning.demand_distribution import FloatArray
from tools.planning.interval_forecast import LeadTime, lead_time
from tools.planning.learned import Learned
from tools.planning.order_quantity import pack_size
from tools.planning.promotion import Cuts, usual_terms
from tools.planning.scan import Terms
from tools.planning.working import inventory_position
from tools.records.facts import Product, Stock

_PLAN_ONLY = ("price_breaks", "maximum_cover_days", "shelf_life_days", "budget")
"""Terms that only `tools.planning.replenishment.plan` knows."""
_OF_PRODUCT = tuple(term.name for term in fields(Terms) if term.name in Product.model_fields)


@dataclass(frozen=True, slots=True)
class Block:
    """The places that can be planned, a row for each."""

    places: tuple[Place, ...]
    demand: FloatArray
    """Places × open days, the newest last; NaN is unknown."""
    terms: Terms
    promotions: Cuts | None
    """Cuts of promoted places × open days, with columns for those to come; None where there are none."""
    learned: Learned | None
    """Of each place; None where nothing was learned of any."""
    alone: NDArray[np.bool_]
    """Whether `plan` must plan it, because the scan does not know all of its terms."""


def block_of(snapshot: Snapshot, own: OwnOrders) -> Block:
    """The rows of the scan, with this service's own orders counted."""
    places = tuple(place for place in snapshot.places if not snapshot.missing(place))
    rows = list(map(partial(_row, snapshot, OrdersByPlace(own)), places))
    names = [name for name in rows[0] if name not in ("alone", "learned")] if rows else []
    columns: dict[str, Any] = {name: np.array([row[name] for row in rows], np.float64) for name in names}
    demand = right_aligned([snapshot.open_days(place).demand() for place in places])
    return Block(
        places,
        demand,
        Terms(**(columns or {"lead_time_days": np.empty(0)})),
        promotions_of(snapshot, places, demand.shape[1]),
        _learned([row["learned"] for row in rows]),
        np.array([row["alone"] for row in rows], np.bool_),
    )


def _learned(rows: list[tuple[float, float, float]]) -> Learned | None:
    mean, sd, share = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return (mean, sd, share) if share.any() else None


def promotions_of(snapshot: Snapshot, places: Sequence[Place], width: int) -> Cuts | None:
    """Beside demand of so many columns that is right-aligned."""
    if not snapshot.has_promotions:
        return None
    past = [(snapshot.open_days(place).flags.size, snapshot.promotions_in(place)) for place in places]
    ahead = [snapshot.promotions_planned(place) for place in places]
    cuts = np.zeros((len(places), width + 1 + max((max(each, default=0) for each in ahead), default=0)))
    for row, (periods, marked), planned in zip(cuts, past, ahead, strict=True):
        row[[width - periods + each for each in marked]] = list(marked.values())
        row[[width + each for each in planned]] = list(planned.values())
    return cuts


class OrdersByPlace:
    """Own orders by place, so that one does not search through all of them."""

    def __init__(self, own: OwnOrders) -> None:
        self._own, self._open = own, defaultdict(list)
        for order in own.open:
            self._open[order.product_id, order.location].append(order)

    def at(self, place: Place) -> OwnOrders:
        return OwnOrders(tuple(self._open.get(place, ())), self._own.moved, self._own.lead_times)


def _row(snapshot: Snapshot, orders: OrdersByPlace, place: Place) -> Mapping[str, Any]:
    product = snapshot.product(place[0])
    stock, supplier = count_in(snapshot.stock_at(place), snapshot.supplier(place[0]), place[0], orders.at(place))
    lead = lead_time(supplier)
    learned = snapshot.learned_for(place, lead.days + product.review_period_days)
    return {
        "lead_time_days": lead.days,
        "lead_time_sd_days": lead.sd_days,
        "period_days": snapshot.settings.calendar(place[1]).period_days,
        "planned_uplift": snapshot.planned_uplift(place),
        **usual_terms(snapshot.usual_promotion(place)),
        "learned": (learned.mean, learned.sd, learned.share) if learned else (0.0, 0.0, 0.0),
        "on_hand": stock.on_hand,
        "on_order": _on_order(stock, lead, product),
        "backorders": stock.backorders,
        "alone": _is_alone(product, lead),
        **{name: _number(getattr(product, name)) for name in _OF_PRODUCT},
        "units_per_purchase_unit": _number(pack_size(product)),
    }


def _on_order(stock: Stock, lead: LeadTime, product: Product) -> float:
    """What counts of the open orders, as in one product's plan."""
    if not stock.open_orders:
        return 0.0
    return inventory_position(
        stock,
        horizon_days=max(lead.days, lead.promised_days) + product.review_period_days,
        slip_days=lead.slip_days,
        lead_time_days=lead.days,
    ).on_order


def _is_alone(product: Product, lead: LeadTime) -> bool:
    return bool(lead.replayed) or product.service_type != "cycle" or any(getattr(product, name) for name in _PLAN_ONLY)


def _number(value: Any) -> float:
    return nan if value is None else float(value)
