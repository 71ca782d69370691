"""What people must know beside the numbers. One that blocks sends the order to a person whatever the confidence."""

from collections.abc import Iterator
from operator import attrgetter

from tools.planning.doubts import doubts
from tools.planning.interval_forecast import FEWEST_FOR_FORECAST_ERRORS
from tools.planning.order_quantity import price_tiers
from tools.planning.working import Working
from tools.records.facts import AS_THINGS_ARE
from tools.records.plan import Notice
from tools.records.quantities import cost
from tools.records.text import days, several

FEWEST_SALES = 3
MOST_ORDERS_NAMED = 10
SURPRISE = 0.01
"""Chance of the silence since the last sale, below which demand is taken to have stopped."""


def gather(working: Working) -> tuple[Notice, ...]:
    """Every notice that applies, the blocking ones first."""
    found = [*_data(working), *_sales(working), *_awaited(working), *_limits(working), *_history(working)]
    found += [*_terms(working), *_doubted(working), *doubts(working)]
    return tuple(sorted(found, key=attrgetter("blocks_automatic"), reverse=True))


def _data(working: Working) -> Iterator[Notice]:
    if working.what_if != AS_THINGS_ARE:
        yield Notice(
            code="what_if",
            message="Calculated with assumptions in place of facts; not the basis of an order.",
            blocks_automatic=True,
        )
    stock = working.facts.stock
    if stock.sent_below_zero:
        yield Notice(
            code="negative_stock",
            message=f"The stock was sent as {-stock.backorders:g}: none is in stock, and customers wait for "
            f"{stock.backorders:g}.",
        )
    if working.data_is_stale:
        yield Notice(
            code="stale_data",
            message=f"Demand data ends {working.data_age_days:g} days ago, longer than the "
            f"{working.interval_days:g} days that are planned for.",
            blocks_automatic=True,
        )
    if working.learned_refused:
        yield Notice(
            code="learned_not_used",
            message=f"What was learned from the catalogue is not used: {working.learned_refused}. Run `restock learn`.",
        )


def _sales(working: Working) -> Iterator[Notice]:
    """Too few sales, or none any more."""
    statistics = working.statistics
    sales, silent, known = statistics.nonzero, statistics.idle_periods, statistics.demand.size
    if sales == 0:
        yield Notice(
            code="no_demand",
            message=f"No demand in {known} known periods: nothing to plan for.",
            blocks_automatic=True,
        )
    elif sales < FEWEST_SALES:
        yield Notice(
            code="few_sales",
            message=f"Only {several(sales, 'period')} with demand; at least {FEWEST_SALES} are needed to order without "
            "a person.",
            blocks_automatic=True,
        )
    elif (1 - sales / (known - silent + 1)) ** silent < SURPRISE:
        yield Notice(
            code="demand_stopped",
            message=f"No demand in the last {silent} {_units(working)}, after sales in {sales} of the {known - silent} "
            "before: demand may have ended, or its feed stopped.",
            blocks_automatic=True,
        )


def _units(working: Working) -> str:
    return "days" if working.facts.demand.period_days == 1 else "periods"


def _awaited(working: Working) -> Iterator[Notice]:
    """Open orders that would end the need if they counted in full."""
    position, level = working.position, working.reorder_point
    if working.decision is None:
        return
    if position.stated_units > level:
        yield Notice(
            code="overdue_order_decides",
            message="Nothing would be ordered if the overdue order arrived: ask the supplier first.",
            blocks_automatic=True,
        )
    later = 0.0
    for entry in position.orders:
        later += entry.order.quantity if entry.standing == "later" else 0.0
    if later and position.units + later > level:
        yield Notice(
            code="later_order_decides",
            message="Nothing would be ordered if what is due later counted: see whether it can come sooner first.",
            blocks_automatic=True,
        )


def _limits(working: Working) -> Iterator[Notice]:
    decision = working.decision
    if decision is not None and decision.infeasible:
        yield Notice(code="infeasible", message=decision.infeasible, blocks_automatic=True)
    elif decision is not None and decision.cap is not None:
        yield Notice(
            code="capped",
            message=f"{decision.wanted} were wanted; {decision.cap.reason} permits {decision.cap.limit}.",
        )


def _history(working: Working) -> Iterator[Notice]:
    """What the known periods cannot show, or show oddly."""
    statistics, outliers = working.statistics, working.statistics.outliers
    known = statistics.demand.size
    if known < FEWEST_FOR_FORECAST_ERRORS:
        yield Notice(
            code="low_history",
            message=f"Only {several(known, 'known period')}: too few to judge forecasts by, so the textbook formula is "
            "used.",
        )
    if statistics.masked:
        yield Notice(
            code="masked_periods",
            message=f"{statistics.masked} of {statistics.periods} periods are unknown, or ran out of stock before "
            "anything sold, and are left out.",
        )
    if outliers:
        largest = ", ".join(f"{value:g}" for value in reversed(outliers[-3:]))
        yield Notice(
            code="outliers",
            message=f"{len(outliers)} unusually large demands (largest: {largest}) are kept; check them.",
        )
    if statistics.nonzero and statistics.sd == 0 and working.forecast.floored:
        yield Notice(
            code="zero_variance",
            message="Demand never varied on record; chance variation (Poisson) is assumed. State it as deterministic "
            "if it cannot vary.",
        )


def _terms(working: Working) -> Iterator[Notice]:
    """A supplier slower than promised, and a larger order that costs no more."""
    lead, product, decision = working.lead_time, working.facts.product, working.decision
    if lead.replayed and lead.receipts and working.what_if == AS_THINGS_ARE and lead.days > lead.promised_days * 1.1:
        yield Notice(
            code="lead_time_longer",
            message=f"The supplier promises {lead.promised_days:g} days and took {lead.days:.1f} on average over the "
            f"last {several(lead.receipts, 'receipt')}; what was observed is planned with.",
        )
    if decision is None or product.unit_price is None or not decision.quantity:
        return
    price = product.unit_price
    for start, tier_price in price_tiers(product.unit_price, product.price_breaks, product.unit_size):
        if start <= decision.quantity:
            price = tier_price
        elif cost(tier_price, start) <= cost(price, decision.quantity):
            yield Notice(
                code="price_break",
                message=f"{start} units at {tier_price} cost no more than {decision.quantity} at {price}.",
            )
            return


def _doubted(working: Working) -> Iterator[Notice]:
    """Open orders that are overdue, or due too late."""
    for entry in working.position.orders[:MOST_ORDERS_NAMED]:
        order = entry.order
        overdue = f"Order {order.reference} of {order.quantity:g} is {days(round(-order.due_in_days, 1))} overdue"
        if working.profit is not None and order.due_in_days < 0:
            yield Notice(
                code="overdue_order",
                message=f"{overdue}; {entry.counted:.3g} are expected of it. Ask the supplier.",
            )
        elif entry.standing == "counted" and order.due_in_days < 0:
            yield Notice(
                code="overdue_order",
                message=f"{overdue}, no more than this supplier has been before; it is counted.",
            )
        elif entry.standing == "doubted":
            yield Notice(
                code="overdue_order",
                message=f"{overdue}, later than this supplier has been; {entry.counted:g} are counted. "
                "Ask the supplier.",
            )
        elif entry.standing == "written_off":
            yield Notice(
                code="overdue_order",
                message=f"{overdue}, far later than this supplier has been; it is not counted. Ask the supplier.",
            )
        elif entry.standing == "later":
            yield Notice(
                code="later_order",
                message=f"Order {order.reference} of {order.quantity:g} is due in {order.due_in_days:.3g} days, after "
                f"the {working.interval_days:.3g} days that are planned for; it is not counted.",
            )
