"""The plan in plain arithmetic: lines a planner can follow with a calculator.

Numbers have as many digits as each line needs to come out exactly as printed.
"""

from calendar import month_name
from math import ceil, fsum, hypot, sqrt
from operator import mul, truediv

import numpy as np

from tools.planning.competing_forecast import CompetingForecast
from tools.planning.interval_forecast import MISSED_SPREAD, widening
from tools.planning.learned import OfCatalogue
from tools.planning.order_quantity import QuantityDecision, whole_units
from tools.planning.past_coverage import PastCoverage
from tools.planning.promotion import PromotedProfile
from tools.planning.season import is_yearly
from tools.planning.working import Working
from tools.records.plan import Transfer
from tools.records.quantities import quantity
from tools.records.text import DAY_NAMES, several, shown, shown_result, shown_sum

MEAN_NAMES = ("long-run", "last weeks", "last days", "trend")
"""As in `tools.planning.interval_forecast.DemandForecast.means`."""
SHOWN_SHARE = 0.0005
"""By which a factor differs from 1 where it has a line."""
MOST_NAMED = 4
"""Periods of an interval that are named, with what each sells."""
DAYS_A_WEEK, MONTHS_A_YEAR = 7, 12


def derive(working: Working, transfer: Transfer | None, coverage: PastCoverage | None) -> tuple[str, ...]:
    """The lines, from the history to the quantity."""
    days = working.facts.demand.period_days
    rate = "a day" if days == 1 else f"per period of {days:g} days"
    lost = _lost_sales(working, rate) if working.statistics.short else []
    lines = [*lost, *_mean(working, rate), *_interval(working), *_spread(working, rate)]
    lines += _level(working)
    if coverage is not None:
        lines.append(
            f"Checked on {coverage.tests} past intervals: such a level would have covered "
            f"{_share(coverage.chosen)} of them, the textbook's {_share(coverage.textbook)}"
        )
    return (*lines, *position_lines(working), *order_lines(working, transfer))


def _lost_sales(working: Working, rate: str) -> list[str]:
    """What periods that ran out of stock add to their sales."""
    statistics = working.statistics
    lost, known, more = shown_result(truediv, statistics.lost, statistics.demand.size, digits=working.digits)
    ran = several(statistics.short, "period")
    said = f"{ran} ran out of stock. At least what was sold was wanted; by periods that sold as much or more"
    return [f"{said}, {lost} more: ÷ {known} periods = {more} {rate} more"]


def _mean(working: Working, rate: str) -> list[str]:
    forecast, statistics = working.forecast, working.statistics
    known, digits = statistics.demand.size, working.digits
    if forecast.judged is None:
        total = shown(statistics.mean * known, digits)
        lines = [f"Mean demand: {total} ÷ {known} periods = {shown(statistics.mean, digits + 2)} {rate}"]
    else:
        lines = [_weighted_mean(working, rate), *_corrected(working, rate), *_season(working, rate)]
    if forecast.uplift != 1:
        mean, uplift, raised = shown_result(mul, forecast.own_mean, forecast.uplift, digits=digits)
        lines.append(f"Expected change: {mean} × {uplift} = {raised} {rate}")
    if forecast.catalogue is not None:
        lines.append(_catalogue_mean(forecast.catalogue, working, rate))
    return lines


def _weighted_mean(working: Working, rate: str) -> str:
    """Forecasts of the mean; the less one has missed so far, the more it weighs."""
    weights, means = zip(*working.forecast.means, strict=True)
    *operands, mean = shown_result(_sum_of_products, *weights, *means, digits=working.digits)
    parts = zip(operands[: len(means)], MEAN_NAMES, operands[len(means) :], strict=False)
    return (
        f"Mean demand: {' + '.join(f'{weight} × {name} {mean}' for weight, name, mean in parts)} = {mean} {rate} "
        "(weighed by how little each missed in the past)"
    )


def _sum_of_products(*operands: float) -> float:
    """Of the first half with the second."""
    half = len(operands) // 2
    return fsum(map(mul, operands[:half], operands[half:]))


def _season(working: Working, rate: str) -> list[str]:
    """What the coming interval sells, as a share of an average one."""
    season = working.forecast.won
    if season is None:
        return []
    if season.promoted is not None:
        return _promotions(working, season, season.promoted, rate)
    if season.profile.season == 1:
        return ["Demand has moved beyond chance, and past forecasts with the trend lost less: it is among the means"]
    average, factor, mean = shown_result(mul, working.forecast.average, season.factor, digits=working.digits)
    kind = "years" if is_yearly(season.profile.season) else "weeks"
    seen = f"{shown(season.profile.seasons, 1)} {kind}, by which past forecasts lost less"
    return [
        f"Season: the coming interval sells {factor} × the average{_of_periods(working)} ({seen}): "
        f"{average} × {factor} = {mean} {rate}"
    ]


def _promotions(working: Working, won: CompetingForecast, promoted: PromotedProfile, rate: str) -> list[str]:
    """What promoted periods have sold, and what those to come, with the season, make of an ordinary one."""
    lift, cut = float(promoted.lift[-1]), promoted.promotions.average_cut
    of_cut = f" at the average cut of {100 * cut:.0f} %" if cut else ""
    lines = [
        f"Promotions: {promoted.promoted} of {working.statistics.demand.size} past periods; each sold "
        f"{shown(lift)} × an ordinary one{of_cut}, by which past forecasts lost less. "
        "The means are those of ordinary periods"
    ]
    ahead, days = promoted.promotions.share_ahead(won.interval), shown(won.interval)
    if abs(won.factor - 1) <= SHOWN_SHARE:
        return lines
    average, factor, mean = shown_result(mul, working.forecast.average, won.factor, digits=working.digits)
    planned = f"none of {days} promoted"
    if ahead:
        planned = f"{shown(ahead)} of {days} with a promotion, × {shown(promoted.lift_to_come(won.interval))}"
    season = "" if won.profile.season == 1 else f", the season{_of_periods(working)}"
    said = f"The coming periods ({planned}{season}) sell {factor} × the average ordinary one"
    return [*lines, f"{said}: {average} × {factor} = {mean} {rate}"]


def _catalogue_mean(found: OfCatalogue, working: Working, rate: str) -> str:
    """The product's own forecast and that of the whole catalogue, each with its share."""
    theirs = found.learned.mean * working.forecast.uplift / working.forecast.interval
    said = _shares(found.learned.share, found.own_mean, theirs, working.digits)
    return f"With what the catalogue has taught up to {found.learned.last_period}: {said} {rate}"


def _catalogue_spread(found: OfCatalogue, working: Working) -> list[str]:
    theirs = found.learned.sd * working.forecast.uplift
    lines = [f"With the catalogue's: {_shares(found.learned.share, found.own_sd, theirs, working.digits)}"]
    if (chance := _least_sd(working)) > found.sd:
        lines.append(f"Standard deviation: no less than that of chance (Poisson), {shown(chance, working.digits)}")
    return lines


def _shares(share: float, own: float, theirs: float, digits: int) -> str:
    mine, others, first, second, both = shown_result(_sum_of_products, 1 - share, share, own, theirs, digits=digits)
    return f"{mine} × own {first} + {others} × catalogue {second} = {both}"


def _least_sd(working: Working) -> float:
    """The Poisson floor under the spread over the interval, widened."""
    forecast = working.forecast
    return sqrt(forecast.mean_per_period * working.statistics.counting_unit * forecast.interval * forecast.widening)


def _of_periods(working: Working) -> str:
    """The days or months of a short interval by name, each with its share of the average one."""
    season, last = working.forecast.won, working.facts.demand.last_period
    count = ceil(working.forecast.interval)
    if season is None or last is None or count > MOST_NAMED:
        return ""
    profile = season.profile
    if profile.season == DAYS_A_WEEK:
        names = [DAY_NAMES[(last.weekday() + 1 + ahead) % DAYS_A_WEEK] for ahead in range(count)]
    elif profile.season == MONTHS_A_YEAR:
        names = [month_name[(last.month + ahead) % MONTHS_A_YEAR + 1] for ahead in range(count)]
    else:
        return ""
    shares = profile.newest[(profile.end + np.arange(count)) % profile.season]
    return f": {', '.join(f'{name} {share:.2f}' for name, share in zip(names, shares, strict=True))}"


def _corrected(working: Working, rate: str) -> list[str]:
    forecast = working.forecast
    mean = forecast.average
    if abs(forecast.correction) < 0.5 * 10**-working.digits:
        return []
    before, change, after = shown_sum(mean - forecast.correction, forecast.correction, digits=working.digits)
    sign, side = ("+", "below") if forecast.correction > 0 else ("−", "above")
    corrected = f"{before} {sign} {change.removeprefix('-')} = {after}"
    return [f"Such forecasts have lain {side} what came, beyond chance: {corrected} {rate}"]


def _observed(working: Working) -> str:
    lead, usual = working.lead_time, len(working.facts.supplier.usual_lateness_days)
    receipts = several(lead.receipts, "receipt")
    if len(lead.replayed) == lead.receipts:
        return f" (mean of {receipts})"
    promise = shown(lead.promised_days)
    return f" (a promise of {promise}, and the lateness of {receipts} and, as {usual} more, of all suppliers)"


def _interval(working: Working) -> list[str]:
    lead, review, total = shown_sum(working.lead_time.days, working.facts.product.review_period_days)
    observed = _observed(working) if working.lead_time.replayed else ""
    lines = [f"Protection interval: lead time {lead}{observed} + review period {review} = {total} days"]
    forecast = working.forecast
    mean, length, demand = shown_result(mul, forecast.mean_per_period, forecast.interval, digits=working.digits)
    unit = "days" if working.facts.demand.period_days == 1 else "periods"
    lines.append(f"Demand over {length} {unit}: {mean} × {length} = {demand}")
    return lines


def _spread(working: Working, rate: str) -> list[str]:
    forecast, known, digits = working.forecast, working.statistics.demand.size, working.digits
    if forecast.method == "no_demand" or forecast.interval == 0:
        return []
    lines = [] if forecast.method == "deterministic" else _measured(working, rate)
    if forecast.widening != 1:
        sd, interval, widened = shown_result(
            lambda sd, interval: sd * sqrt(widening(interval, known)),
            forecast.error_sd,
            forecast.interval,
            digits=digits,
        )
        unseen = f"√({1 + MISSED_SPREAD:g} + {interval} ÷ {known})"
        lines.append(f"Widened for what {known} periods cannot show: {sd} × {unseen} = {widened}")
    alone = forecast.error_sd * sqrt(forecast.widening)
    if forecast.catalogue is not None:
        lines += _catalogue_spread(forecast.catalogue, working)
        alone = max(forecast.catalogue.sd, _least_sd(working))
    total = sqrt(forecast.stock_basis.variance)
    if abs(total - alone) > 0.5 * 10**-digits:
        between = sqrt(max(0.0, total**2 - alone**2))
        before, lead, both = shown_result(hypot, alone, between, digits=digits)
        lines.append(f"With the spread of the lead time: √({before}² + {lead}²) = {both}")
    return lines


def _measured(working: Working, rate: str) -> list[str]:
    """The standard deviation of demand over the interval, and where it comes from."""
    forecast, judged, digits = working.forecast, working.forecast.judged, working.digits
    if forecast.floored:
        return [f"Standard deviation: no less than that of chance (Poisson), {_chance(working)}"]
    if judged is None or judged.frame.judged == 0:
        alone = working.statistics.sd * forecast.uplift
        sd, interval, spread = shown_result(_times_root, alone, forecast.interval, digits=digits)
        return [f"Standard deviation over the interval: {sd} {rate} × √{interval} = {spread}"]
    horizon, count, season = judged.frame.horizon, judged.frame.judged, forecast.won
    brought = 1.0 if season is None else season.spread * sqrt(season.widening)
    measured = forecast.error_sd / sqrt(forecast.interval) * sqrt(horizon) / brought
    lines = [
        f"Past forecasts over {horizon} periods missed by {shown(measured, digits)} (root mean square of {count}, "
        "each made without knowing what came; the latest weigh most, and plain chance counts as three)"
    ]
    if season is not None:
        lines += _in_season(measured, season, digits)
        measured *= brought
    if horizon != forecast.interval:
        sd, growth, spread = shown_result(_times_root, measured, forecast.interval / horizon, digits=digits)
        lines.append(f"Brought to the interval: {sd} × √{growth} = {spread}")
    return lines


def _in_season(measured: float, season: CompetingForecast, digits: int) -> list[str]:
    """The spread of an average interval brought to the coming one."""
    lines = []
    if abs(season.widening - 1) > SHOWN_SHARE:
        sd, factor, spread = shown_result(_times_root, measured, season.widening, digits=digits)
        to = "the season" if season.promoted is None else "ordinary and promoted periods to come"
        lines.append(f"Brought to {to}: {sd} × √{factor} = {spread}")
    if abs(season.spread - 1) > SHOWN_SHARE:
        before = measured * sqrt(season.widening)
        sd, share, above = shown_result(mul, before, season.spread, digits=digits)
        lines.append(f"What came above past forecasts spread {share} × as wide: {sd} × {share} = {above}")
    return lines


def _chance(working: Working) -> str:
    """The root of the mean, of counts: where these are less than a unit, of the mean times that."""
    unit, variance = working.statistics.counting_unit, working.forecast.error_sd**2
    if unit == 1:
        mean, sd = shown_result(sqrt, variance, digits=working.digits)
        return f"√{mean} = {sd}"
    mean, sd = shown_result(lambda mean: sqrt(mean * unit), variance / unit, digits=working.digits)
    return f"√({mean} × {unit:.6g}) = {sd}"


def _times_root(value: float, under: float) -> float:
    return value * sqrt(under)


def _level(working: Working) -> list[str]:
    method, target, digits = working.forecast.method, working.target, working.digits
    mean, safety, level = shown_sum(working.mean_demand, working.safety_stock, digits=digits)
    total = f"Reorder point: {mean} + safety stock {safety} = {level}"
    if method == "no_demand":
        return [f"{total}: there is no demand to cover"]
    if method == "deterministic" and len(working.forecast.stock_basis.components) == 1:
        return [f"{total}: demand is stated not to vary"]
    if working.forecast.interval == 0:
        return [f"{total}: there is nothing to wait for"]
    if method == "normal" and target.limit is None and working.reorder_point > 0:
        sd = sqrt(working.forecast.stock_basis.variance)
        z, spread, product = shown_result(mul, working.safety_stock / sd if sd else 0.0, sd, digits=digits)
        service = f"Safety stock at {_share(target.probability)} service: {z} × {spread} = {product}"
        lines = [service, total]
    else:
        lines = [_quantile(working), total]
    if target.wanted != target.probability:
        pooled = f"To get {_share(target.wanted)}, similar products had to ask for {_share(target.probability)}"
        return [pooled, *lines]
    return lines


def _quantile(working: Working) -> str:
    basis, target, digits = working.forecast.stock_basis, working.target, working.digits
    level, mean, sd = (shown(value, digits) for value in (working.reorder_point, basis.mean, sqrt(basis.variance)))
    shape = f"{basis.family.replace('_', ' ')}, mean {mean}, standard deviation {sd}"
    if target.limit is not None:
        allowed, left = target.limit, working.cycle.unserved(basis, working.reorder_point)
        return (
            f"With {level} an order cycle leaves on average {shown(left, digits + 2)} unserved, within the "
            f"{shown(allowed, digits + 2)} allowed: "
            f"(1 − {shown(target.probability, 4)}) × {shown(working.cycle.order_size, digits)} an order ({shape})"
        )
    return f"{_share(target.probability)} of such intervals need no more than {level} ({shape})"


def _share(probability: float) -> str:
    return f"{shown(probability * 100)} %"


def position_lines(working: Working) -> list[str]:
    position, digits = working.position, working.digits
    on_hand, on_order, backorders, total = shown_sum(
        position.on_hand, position.on_order, -position.backorders, digits=digits
    )
    lines = [
        f"Inventory position: on hand {on_hand} + on order {on_order} "
        f"− backorders {backorders.removeprefix('-')} = {total}"
    ]
    for entry in position.orders:
        order = entry.order
        if entry.standing == "later":
            awaited, days = shown(order.quantity, digits), shown(order.due_in_days)
            lines.append(f"Not counted: {order.reference}, {awaited} due in {days} days")
        elif entry.standing != "counted":
            lines.append(
                f"Doubted: {order.reference}, {shown(order.quantity, digits)} overdue by "
                f"{shown(-order.due_in_days)} days, counts as {shown(entry.counted, digits)}"
            )
    return lines


def order_lines(working: Working, transfer: Transfer | None) -> list[str]:
    position, digits = working.position, working.digits
    units, level = shown(position.units, digits), shown(working.reorder_point, digits)
    continuous = working.facts.product.review_period_days == 0
    name = "the reorder point" if continuous else "the order-up-to level"
    if working.decision is None and working.forecast.mean_per_period == 0:
        return [f"{units} on hand and on order, and no demand: nothing to order"]
    if working.decision is None:
        return [f"{units} {'is above' if continuous else 'reaches'} {name} {level}: nothing to order"]
    demand, safety, on_hand, on_order, backorders, need = shown_sum(
        working.mean_demand,
        working.safety_stock,
        -position.on_hand,
        -position.on_order,
        position.backorders,
        digits=digits,
    )
    lines = [
        f"{units} is {'at or below' if continuous else 'below'} {name} {level}: order",
        f"Needed: demand {demand} + safety stock {safety} − on hand {on_hand.removeprefix('-')} − on order "
        f"{on_order.removeprefix('-')} + backorders {backorders} = {need}",
    ]
    if transfer is not None:
        return [*lines, f"{transfer.source_location} can give {transfer.quantity} and stay above its own reorder point"]
    return [*lines, *_rounding(working, working.decision)]


def _rounding(working: Working, decision: QuantityDecision) -> list[str]:
    rules, digits, unit = working.rules, working.digits, working.facts.product.unit_size
    exact = whole_units(working.shortage, unit) < working.needed_units
    parts = [
        f"needed {shown(working.shortage, digits)}{f' + {unit:.6g} to end above the reorder point' if exact else ''}"
    ]
    if working.economic_quantity:
        parts.append(f"economic quantity {shown(working.economic_quantity, digits)}")
    parts.append(f"minimum order {max(quantity(rules.unit), rules.minimum_order_quantity)}")
    multiple = f", up to a multiple of {rules.order_multiple}" if rules.order_multiple != 1 else ", in whole units"
    lines = [f"The largest of {', '.join(parts)}{multiple}: {decision.wanted}"]
    if decision.infeasible:
        lines.append(f"Infeasible: {decision.infeasible}")
    elif decision.cap is not None:
        lines.append(f"At most {decision.cap.limit} by {decision.cap.reason}: {decision.quantity}")
    return lines
