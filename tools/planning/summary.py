"""The plan in words a planner would say: at most three lines. The working stands below them, in the derivation."""

from collections.abc import Sequence

from tools.planning.order_quantity import pack_size, whole_units
from tools.planning.working import Working
from tools.records.facts import Product
from tools.records.plan import Notice, Transfer
from tools.records.quantities import count_in
from tools.records.text import amount

IN_DOUBT = ("stale_data", "demand_stopped", "ample_stock", "doubt")
"""Warnings without which neither "enough" nor "order" is said; the last stands for all of its kind."""
SPANS = ((1, 1, "days"), (6, 8, "weeks"), (28, 31, "months"))


def summarise(working: Working, transfer: Transfer | None, notices: Sequence[Notice]) -> str:
    """What will be needed, what there is, and what to do."""
    lines = [_needed(working), _held(working)]
    warning = next((notice.message for notice in notices if notice.code.startswith(IN_DOUBT)), "")
    if last := " ".join(filter(None, [_order(working, transfer), warning])):
        lines.append(last)
    return "\n".join(lines)


def units(value: float) -> str:
    """Whole from ten on, two digits below.

    >>> units(1234.6), units(0.3456), units(7.0)
    ('1,235', '0.35', '7')
    """
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"


def packs(quantity: float, product: Product) -> str:
    """How many to order, in what the product is bought in: 28 cases (4,032 pieces)."""
    size = pack_size(product)
    if size is None or not product.purchase_unit:
        return f"{quantity:,}"
    count = count_in(quantity, size)
    return f"{amount(count)} {product.purchase_unit} ({quantity:,} {product.unit})"


def lasting(days: float) -> str:
    """A duration in the unit that people would use.

    >>> lasting(2600), lasting(21), lasting(1), lasting(100)
    ('7 years', '3 weeks', '1 day', '3 months')
    """
    for length, name in ((365.0, "year"), (30.4, "month"), (7.0, "week"), (1.0, "day")):
        if days >= 2 * length or length == 1:
            number = f"{days / length:.0f}" if days >= length else f"{days:.2g}"
            return f"{number} {name}{'' if number == '1' else 's'}"
    raise AssertionError


def _needed(working: Working) -> str:
    """Demand until the next delivery and what is kept beyond it."""
    statistics, demand = working.statistics, working.mean_demand
    if statistics.nonzero == 0:
        return f"Nothing sold in {statistics.demand.size} known periods, so nothing needs to be kept."
    if working.forecast.interval == 0:
        return "A delivery comes at once, so nothing needs to be kept."
    uplift = working.forecast.uplift
    planned = "" if uplift == 1 else f" ({uplift:g} times the usual)"
    length = working.interval_days
    days = f"{length:.0f} days" if length >= 3 else f"{length:.2g} day{'' if length == 1 else 's'}"
    kept = _kept(working, _level(working) - float(units(demand).replace(",", "")))
    return f"Until the next delivery, in {days}, you will sell about {units(demand)}{planned}; {kept}."


def _level(working: Working) -> float:
    """The reorder point, rounded up to what demand is counted in."""
    return whole_units(working.reorder_point, working.statistics.counting_unit)


def _kept(working: Working, safety: float) -> str:
    target = working.target
    more = f"{units(abs(safety))} {'more' if safety > 0 else 'fewer'}" if safety else "as many"
    if working.forecast.method == "deterministic" and len(working.forecast.stock_basis.components) == 1:
        return "demand is stated not to vary, so no more is kept"
    if target.limit is not None:
        return f"{more} serve {target.wanted * 100:.4g} % of demand from stock"
    days = working.interval_days
    span = next((name for least, most, name in SPANS if least <= days <= most), "spans")
    share = f"{target.wanted * 100:.4g} % of such {span} in stock"
    asked = working.facts.product.service_type if working.what_if.service_level is None else "cycle"
    best = {"cost": "cost least and ", "profit": "earn most and "}.get(asked, "")
    return f"{more} {best}keep {share}"


def _held(working: Working) -> str:
    position, digits = working.position, working.digits
    on_way = f"{amount(position.on_order, digits) if position.on_order else 'nothing'} on the way"
    if position.orders and not position.on_order:
        on_way += " that counts"
    have = f"You have {amount(position.on_hand, digits)} and {on_way}"
    if position.backorders:
        have += f", and customers wait for {amount(position.backorders, digits)}"
    if working.decision is None:
        spare = amount(position.units - working.reorder_point, digits)
        return f"{have}, so there is enough{'' if spare == '0' else f': {spare} more than needed'}."
    level = _level(working) if working.profit is None else working.reorder_point
    missing = amount(level - position.units, digits)
    return (
        f"{have}, so {missing} {'is' if missing == '1' else 'are'} missing."
        if missing != "0"
        else f"{have}, just what is needed."
    )


def _order(working: Working, transfer: Transfer | None) -> str:
    decision, rules, needed = working.decision, working.rules, working.needed_units
    product = working.facts.product
    if decision is None:
        return ""
    if transfer is not None:
        return f"{transfer.source_location} can give {transfer.quantity:,} and keep enough for itself."
    if decision.infeasible:
        return f"No order is possible. {decision.infeasible}"
    quantity = packs(decision.quantity, product)
    if decision.cap is not None:
        return f"Order {quantity}, the most within {decision.cap.reason}."
    if decision.quantity == needed:
        beyond = needed > whole_units(working.shortage, product.unit_size)
        one = "one" if product.unit_size == 1 else f"{product.unit_size:.6g}"
        return f"Order {quantity}{f', {one} more, or the next order would be due at once' if beyond else ''}."
    if working.economic_quantity > max(needed, rules.minimum_order_quantity):
        return f"Your economic order is {quantity}."
    if rules.minimum_order_quantity > needed:
        return f"The smallest order that the supplier accepts is {quantity}."
    return f"In multiples of {rules.order_multiple:,}, order {quantity}."
