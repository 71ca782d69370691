"""How long an order takes: promised, observed, and how late it may be before it is doubted. Pure; days throughout."""

from dataclasses import dataclass
from math import fsum, sqrt

from tools.records.facts import Supplier

FEWEST_TO_REPLAY = 10
FEWEST_FOR_SPREAD = 2
MOST_REPLAYED = 60
"""Only the latest receipts count, so that a supplier's improvement shows."""


@dataclass(slots=True)
class LeadTime:
    """The lead time to plan with.

    `days` is its mean. `sd_days` is its spread where only a number is known. `replayed` are the observed lead times,
    where there are enough of them to be the distribution.
    """

    days: float
    promised_days: float
    sd_days: float
    replayed: tuple[float, ...]
    receipts: int
    slip_days: float
    """The longest an order has been late: beyond it an overdue order is doubted."""


def lead_time(supplier: Supplier, *, stated_days: float | None = None) -> LeadTime:
    """Ten or more receipts are replayed; with fewer, the promise is the mean and the receipts give the spread.

    `stated_days` replaces the mean; the observed spread about it stays.
    """
    promised = supplier.promised_lead_time_days
    observed = supplier.observed_lead_times_days[-MOST_REPLAYED:]
    slip = _slip(supplier, observed)
    if len(observed) < FEWEST_TO_REPLAY:
        days = promised if stated_days is None else stated_days
        return LeadTime(days, promised, _spread(supplier, observed), (), len(observed), slip)
    mean = fsum(observed) / len(observed)
    if stated_days is not None:
        observed = tuple(max(0.0, days + stated_days - mean) for days in observed)
        mean = fsum(observed) / len(observed)
    return LeadTime(mean, promised, 0.0, observed, len(observed), slip)


def _spread(supplier: Supplier, observed: tuple[float, ...]) -> float:
    """The stated standard deviation, or the root mean square of what the few receipts deviated from the promise."""
    if supplier.lead_time_sd_days is not None:
        return supplier.lead_time_sd_days
    if len(observed) < FEWEST_FOR_SPREAD:
        return 0.0
    promised = supplier.promised_lead_time_days
    return sqrt(fsum((days - promised) ** 2 for days in observed) / len(observed))


def _slip(supplier: Supplier, observed: tuple[float, ...]) -> float:
    if observed:
        return max(0.0, max(observed) - supplier.promised_lead_time_days)
    return 2 * (supplier.lead_time_sd_days or 0.0)
