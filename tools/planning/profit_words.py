"""A profit target's plan in plain arithmetic: what demand and deliveries may be, and the last unit that pays."""

from collections.abc import Iterator
from operator import mul

import numpy as np

from tools.planning.derivation import order_lines, position_lines
from tools.planning.lost_sales import Unit
from tools.planning.profit import COURSES, ProfitOutlook
from tools.planning.working import Working
from tools.records.plan import Transfer
from tools.records.text import shown, shown_result, shown_sum

MOST_NAMED = 3
"""Lead times whose chances are named."""
EARNED_DIGITS = 4


def derive_profit(working: Working, outlook: ProfitOutlook, transfer: Transfer | None) -> tuple[str, ...]:
    """The lines, from the courses to the quantity."""
    before, last, after = shown_sum(
        working.position.units, working.reorder_point - working.position.units, digits=working.digits
    )
    sign = "−" if last.startswith("-") else "+"
    return (
        *_demand(working, outlook),
        _deliveries(working, outlook),
        *_expected_orders(working, outlook),
        position_lines(working)[0],
        *_last_unit(working, outlook),
        f"Order-up-to level: position {before} {sign} {last.removeprefix('-')} = {after}",
        *order_lines(working, transfer),
    )


def _demand(working: Working, outlook: ProfitOutlook) -> Iterator[str]:
    forecast, known, digits = working.forecast, working.statistics.demand.size, working.digits
    source = (
        f"what {known} periods say of its level, which may stay, wander, grow, jump or go back"
        if outlook.believed
        else f"its {known} past periods, in any order"
    )
    days = working.facts.demand.period_days
    mean, length, demand = shown_result(mul, forecast.mean_per_period, forecast.interval, digits=digits)
    yield f"Demand: {COURSES} courses that it may take are drawn from {source}"
    if forecast.uplift != 1:
        yield f"Expected change: demand of the protection interval is taken × {forecast.uplift:g}"
    yield (
        f"Until an order of the next review would arrive, in {length} {'days' if days == 1 else 'periods'} on average: "
        f"{mean} × {length} = {demand}"
    )


def _deliveries(working: Working, outlook: ProfitOutlook) -> str:
    """The likeliest lead times."""
    supply, days = outlook.supply, working.facts.demand.period_days
    chances = supply.belief.chances
    likeliest = sorted(np.argsort(-chances[:-1], kind="stable")[:MOST_NAMED].tolist())
    named = ", ".join(f"{shown(periods * days)} days with {chances[periods]:.2f}" for periods in likeliest)
    receipts = len(working.facts.supplier.observed_lead_times_days)
    return (
        f"Deliveries: {shown(supply.promised * days)} days are promised; by {receipts} receipts and "
        f"{len(supply.ages)} open orders an order takes {named}, and never comes with {chances[-1]:.2f}"
    )


def _expected_orders(working: Working, outlook: ProfitOutlook) -> Iterator[str]:
    for entry, chance in zip(working.position.orders, outlook.supply.coming, strict=True):
        quantity, share, counted = shown_result(mul, entry.order.quantity, chance, digits=working.digits)
        yield f"On the way: {entry.order.reference}, {quantity} × {share} (the chance that it comes) = {counted}"


def _last_unit(working: Working, outlook: ProfitOutlook) -> Iterator[str]:
    if outlook.order.units > 0:
        yield f"{_earns(working, outlook, outlook.order.last)}: it pays"
    yield f"{_earns(working, outlook, outlook.order.beyond)}: it does not pay"


def _earns(working: Working, outlook: ProfitOutlook, unit: Unit) -> str:
    economics = outlook.economics
    profit, saves, earned = shown_result(mul, economics.unit_profit, unit.saves_sale, digits=EARNED_DIGITS)
    holding, held, cost = shown_result(mul, economics.holding_cost, unit.periods_held, digits=EARNED_DIGITS)
    return (
        f"Unit {shown(unit.number, working.digits)} of an order saves a sale that would be lost, before a later order "
        f"could come, with chance {saves}, and lies {held} periods: profit {profit} × {saves} = {earned}, "
        f"holding {holding} × {held} = {cost}"
    )
