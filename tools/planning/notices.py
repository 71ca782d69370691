"""What people must know beside the numbers. One that blocks sends the order to a person whatever the confidence."""

from collections.abc import Callable, Iterator

from tools.planning.interval_forecast import FEWEST_FOR_FORECAST_ERRORS
from tools.planning.order_quantity import price_tiers
from tools.planning.working import Working
from tools.records.facts import AS_THINGS_ARE
from tools.records.plan import Notice

FEWEST_SALES = 3
MOST_ORDERS_NAMED = 10
SURPRISE = 0.01
"""Chance of the silence since the last sale, below which demand is taken to have stopped."""


def gather(working: Working) -> tuple[Notice, ...]:
    """Every notice that applies, the blocking ones first."""
    found = [notice for check in CHECKS for notice in check(working)]
    return tuple(sorted(found, key=lambda notice: not notice.blocks_automatic))


def _assumed(working: Working) -> Iterator[Notice]:
    if working.what_if != AS_THINGS_ARE:
        yield Notice(
            code="what_if",
            message="Calculated with assumptions in place of facts; not the basis of an order.",
            blocks_automatic=True,
        )


def _stale(working: Working) -> Iterator[Notice]:
    if working.data_is_stale:
        yield Notice(
            code="stale_data",
            message=f"Demand data ends {working.facts.data_age_days:g} days ago, longer than the "
            f"{working.interval_days:g} days that are planned for.",
            blocks_automatic=True,
        )


def _few_sales(working: Working) -> Iterator[Notice]:
    sales = working.statistics.nonzero
    if sales == 0:
        yield Notice(
            code="no_demand",
            message=f"No demand in {working.statistics.demand.size} known periods: nothing to plan for.",
            blocks_automatic=True,
        )
    elif sales < FEWEST_SALES:
        yield Notice(
            code="few_sales",
            message=f"Only {sales} periods with demand; at least {FEWEST_SALES} are needed to order without a person.",
            blocks_automatic=True,
        )


def _stopped(working: Working) -> Iterator[Notice]:
    statistics = working.statistics
    silent = statistics.idle_periods
    before = statistics.demand.size - silent
    if statistics.nonzero >= FEWEST_SALES and (1 - statistics.nonzero / (before + 1)) ** silent < SURPRISE:
        yield Notice(
            code="demand_stopped",
            message=f"No demand in the last {silent} periods, after {statistics.nonzero} sales in the {before} before: "
            "it may have ended.",
            blocks_automatic=True,
        )


def _overdue_decides(working: Working) -> Iterator[Notice]:
    if working.triggered and working.position.stated_units > working.reorder_point:
        yield Notice(
            code="overdue_order_decides",
            message="Nothing would be ordered if the overdue order arrived: ask the supplier first.",
            blocks_automatic=True,
        )


def _later_decides(working: Working) -> Iterator[Notice]:
    later = sum(entry.order.quantity for entry in working.position.orders if entry.standing == "later")
    if working.triggered and later and working.position.units + later > working.reorder_point:
        yield Notice(
            code="later_order_decides",
            message="Nothing would be ordered if what is due later counted: see whether it can come sooner first.",
            blocks_automatic=True,
        )


def _capped(working: Working) -> Iterator[Notice]:
    decision = working.decision
    if decision is not None and decision.infeasible:
        yield Notice(code="infeasible", message=decision.infeasible, blocks_automatic=True)
    elif decision is not None and decision.cap is not None:
        yield Notice(
            code="capped",
            message=f"{decision.wanted} were wanted; {decision.cap.reason} permits {decision.cap.limit}.",
        )


def _low_history(working: Working) -> Iterator[Notice]:
    known = working.statistics.demand.size
    if known < FEWEST_FOR_FORECAST_ERRORS:
        yield Notice(
            code="low_history",
            message=f"Only {known} known periods: too few to judge forecasts by, so the textbook formula is used.",
        )


def _masked(working: Working) -> Iterator[Notice]:
    if working.statistics.masked:
        yield Notice(
            code="masked_periods",
            message=f"{working.statistics.masked} of {working.statistics.periods} periods are unknown or were out of "
            "stock and are left out.",
        )


def _outliers(working: Working) -> Iterator[Notice]:
    outliers = working.statistics.outliers
    if outliers:
        largest = ", ".join(f"{value:g}" for value in reversed(outliers[-3:]))
        yield Notice(
            code="outliers",
            message=f"{len(outliers)} unusually large demands (largest: {largest}) are kept; check them.",
        )


def _never_varied(working: Working) -> Iterator[Notice]:
    if working.statistics.nonzero and working.statistics.sd == 0 and working.forecast.floored:
        yield Notice(
            code="zero_variance",
            message="Demand never varied on record; chance variation (Poisson) is assumed. State it as deterministic "
            "if it cannot vary.",
        )


def _lead_time_differs(working: Working) -> Iterator[Notice]:
    promised, lead = working.lead_time.promised_days, working.lead_time
    if lead.replayed and working.what_if.lead_time_days is None and lead.days > promised * 1.1:
        yield Notice(
            code="lead_time_longer",
            message=f"The supplier promises {promised:g} days and took {lead.days:.1f} on average over the last "
            f"{len(lead.replayed)} receipts; what was observed is planned with.",
        )


def _cheaper_tier(working: Working) -> Iterator[Notice]:
    product, decision = working.facts.product, working.decision
    if decision is None or product.unit_price is None or not decision.quantity:
        return
    tiers = price_tiers(product.unit_price, product.price_breaks)
    price = [tier[1] for tier in tiers if tier[0] <= decision.quantity][-1]
    better = [tier for tier in tiers if tier[0] > decision.quantity and tier[0] * tier[1] <= decision.quantity * price]
    for start, lower in better[:1]:
        yield Notice(
            code="price_break",
            message=f"{start} units at {lower} cost no more than {decision.quantity} at {price}.",
        )


def _open_orders(working: Working) -> Iterator[Notice]:
    for entry in working.position.orders[:MOST_ORDERS_NAMED]:
        order = entry.order
        overdue = f"Order {order.reference} of {order.quantity:g} is {-order.due_in_days:g} days overdue"
        if entry.standing == "doubted":
            yield Notice(
                code="overdue_order",
                message=f"{overdue}, later than this supplier has been; {entry.counted:g} are counted. "
                "Ask the supplier.",
            )
        elif entry.standing == "written_off":
            yield Notice(
                code="overdue_order",
                message=f"{overdue}, a whole lead time more than this supplier has been late; it is not counted.",
            )
        elif entry.standing == "later":
            yield Notice(
                code="later_order",
                message=f"Order {order.reference} of {order.quantity:g} is due in {order.due_in_days:.3g} days, after "
                f"the {working.interval_days:.3g} days that are planned for; it is not counted.",
            )


CHECKS: tuple[Callable[[Working], Iterator[Notice]], ...] = (
    _assumed,
    _stale,
    _few_sales,
    _stopped,
    _overdue_decides,
    _later_decides,
    _capped,
    _low_history,
    _masked,
    _outliers,
    _never_varied,
    _lead_time_differs,
    _cheaper_tier,
    _open_orders,
)
